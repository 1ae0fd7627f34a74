// SPDX-License-Identifier: GPL-2.0-only
/* The log of Linux 5.10 and later, in rings that mkprb fills as the kernel does. */
#include <stdio.h>

#include "tests/unit/logged.h"
#include "tests/unit/mkprb.h"
#include "tests/unit/xktest.h"

#define SEC UINT64_C(1000000000)

static struct logged g;
static struct mkprb p;

static int make(void **state _unused_)
{
	memset(&g, 0, sizeof(g));
	g.bits = 64;
	mkprb_init(&p, 8, 4, 10);
	return 0;
}

static int unmake(void **state _unused_)
{
	logged_deinit(&g);
	mkprb_deinit(&p);
	return 0;
}

/* Another ring in place of make()'s. */
static void other(unsigned bits, unsigned count_bits, unsigned size_bits)
{
	mkprb_deinit(&p);
	mkprb_init(&p, bits / 8, count_bits, size_bits);
	g.bits = bits;
}

static struct buf image(void)
{
	buf_deinit(&g.info);
	g.info = (struct buf){0};
	return mkprb_image(&p, logged_base(g.bits), &g.info);
}

static void read_ring(void)
{
	struct buf b = image();

	logged_read(&g, &b);
	buf_deinit(&b);
}

static void three(void)
{
	mkprb_add(&p, "Linux version 6.1", 0, 5, 0);
	mkprb_add(&p, "second", 1234567891, 6, 0x80000003);
	mkprb_add(&p, "Kernel panic - not syncing: gone", 123456 * SEC + 999, 0, 4711);
}

static void records(void **state _unused_)
{
	static const unsigned widths[] = {64, 32};

	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		other(widths[i], 4, 10);
		three();
		read_ring();
		assert_int_equal(g.st, XK_OK);
		assert_string_equal(g.lost, "");
		assert_int_equal(g.nr, 3);
		assert_record(&g, 0, "Linux version 6.1");
		assert_record(&g, 1, "second");
		assert_int_equal(g.rec[1].seq, 1);
		assert_int_equal(g.rec[1].time, 1234567891);
		assert_int_equal(g.rec[1].level, 6);
		assert_int_equal(g.rec[1].facility, 3);
		assert_int_equal(g.rec[1].caller, 0x80000003);
		assert_int_equal(g.rec[2].caller, 4711);
		assert_true(g.rec[1].have_seq && g.rec[1].have_time && g.rec[1].have_level &&
			    g.rec[1].have_caller && !g.rec[1].cut);
		assert_memory_equal(g.text.data,
			"[    0.000000] Linux version 6.1\n"
			"[    1.234567] second\n"
			"[123456.000000] Kernel panic - not syncing: gone\n",
			33 + 22 + 49);
		assert_int_equal(g.text.len, 33 + 22 + 49);
	}
}

static void empty_ring(void **state _unused_)
{
	read_ring();
	assert_int_equal(g.st, XK_OK);
	assert_int_equal(g.nr, 0);
	assert_string_equal(g.lost, "");
}

/* Text number i: of a length that goes through all there are, and that tells i. */
static size_t text_of(unsigned i, unsigned longest, char *ret)
{
	const size_t len = 8 + (i * 37) % (longest - 7);

	snprintf(ret, 9, "%08u", i);
	for (size_t k = 8; k < len; k++)
		ret[k] = (char)('a' + (i + k) % 26);
	ret[len] = '\0';
	return len;
}

/* The last records of `nr` are there, whole and in order, and the missing ones are told. */
static void check_tail(unsigned nr, unsigned longest)
{
	const unsigned first = nr - (unsigned)g.nr;
	char want[256], lost[128];

	assert_int_equal(g.st, XK_OK);
	assert_true(g.nr > 0 && g.nr <= nr);
	for (unsigned i = 0; i < g.nr; i++) {
		text_of(first + i, longest, want);
		assert_record(&g, i, want);
		assert_int_equal(g.rec[i].seq, first + i);
		assert_int_equal(g.rec[i].time, (first + i) * SEC);
	}
	snprintf(lost, sizeof(lost), "before 0: %u overwritten by later ones; ", first);
	assert_string_equal(g.lost, first ? lost : "");
}

/* After each record that is added, all that the kernel has room for is read. Through every place
 * of a wrap, in both widths, with blocks that end where the ring does and without. */
static void wrapped(void **state _unused_)
{
	for (unsigned way = 0; way < 4; way++) {
		const unsigned longest = 60;
		char text[256];

		other(way & 1 ? 32 : 64, 5, 9);
		p.exact_end = way & 2;
		for (unsigned i = 0; i < 200; i++) {
			text_of(i, longest, text);
			mkprb_add(&p, text, i * SEC, 6, 0);
			if (i < 8 || i > 120) {
				read_ring();
				check_tail(i + 1, longest);
			}
		}
		/* at 512 bytes, 60 + 8 + 7 of a block at most, one of which is at the wrap */
		assert_true(g.nr >= 5 && g.nr < 32);
	}
}

/* More room for text than for records. */
static void wrapped_by_number(void **state _unused_)
{
	other(64, 3, 12);
	for (unsigned i = 0; i < 21; i++) {
		char text[256];

		text_of(i, 20, text);
		mkprb_add(&p, text, i * SEC, 6, 0);
	}
	read_ring();
	assert_int_equal(g.nr, 8);
	check_tail(21, 20);
}

static void without_text(void **state _unused_)
{
	mkprb_add(&p, "one", SEC, 6, 0);
	mkprb_add(&p, "", 2 * SEC, 6, 0);
	mkprb_add(&p, NULL, 3 * SEC, 6, 0);
	mkprb_add(&p, NULL, 3 * SEC, 6, 0);
	mkprb_add(&p, "four", 4 * SEC, 6, 0);
	read_ring();
	assert_int_equal(g.nr, 3);
	assert_record(&g, 1, "");
	assert_int_equal(g.rec[1].time, 2 * SEC);
	assert_record(&g, 2, "four");
	assert_int_equal(g.rec[2].seq, 4);
	assert_string_equal(g.lost, "before 2: 2 the kernel had no room for the text; ");
	assert_memory_equal(g.text.data, "[    1.000000] one\n[    2.000000] \n", 35);
}

/* What is done to the record in the middle, and what is said of it. */
static void break_reserved(void)
{
	mkprb_state(&p, MKPRB_RESERVED);
}

static void break_reusable(void)
{
	mkprb_state(&p, MKPRB_REUSABLE);
}

static void break_id(void)
{
	mkprb_set(&p, 0, mkprb_get(&p, 0) + 1);
}

static void break_word(void)
{
	mkprb_set(&p, 0, 0xdeadbeefdeadbeef);
}

static void break_begin(void)
{
	mkprb_set(&p, 1, mkprb_get(&p, 1) + 4); /* not aligned */
}

static void break_next(void)
{
	mkprb_set(&p, 2, mkprb_get(&p, 2) + 1024); /* a whole round later */
}

static void break_order(void)
{
	mkprb_set(&p, 2, mkprb_get(&p, 1) - 8);
}

static void break_nothing(void)
{
	mkprb_set(&p, 2, mkprb_get(&p, 1));
}

static void break_old(void)
{
	mkprb_set(&p, 1, mkprb_get(&p, 1) - 2048);
	mkprb_set(&p, 2, mkprb_get(&p, 2) - 2048);
}

static void break_future(void)
{
	mkprb_set(&p, 1, mkprb_get(&p, 1) + 4096);
	mkprb_set(&p, 2, mkprb_get(&p, 2) + 4096);
}

static void break_block(void)
{
	mkprb_block(&p, mkprb_get(&p, 1))[0] ^= 1;
}

static void break_short(void)
{
	/* the last word before this round, with no room but for an id, which is not there */
	mkprb_set(&p, 1, mkprb_get(&p, 1) / 1024 * 1024 - 8);
	mkprb_set(&p, 2, mkprb_get(&p, 1) + 8);
}

static void break_none(void)
{
}

static void broken(void **state _unused_)
{
	static const struct {
		void (*how)(void);
		const char *lost; /* "": it is read */
	} rows[] = {
		{break_none, ""},
		{break_reserved, "before 1: 1 being written when the kernel stopped; "},
		{break_reusable, "before 1: 1 given up for later ones; "},
		{break_id, "before 1: 1 the descriptor is another record's; "},
		{break_word, "before 1: 1 the descriptor is another record's; "},
		{break_begin, "before 1: 1 the place of the text makes no sense; "},
		{break_next, "before 1: 1 the place of the text makes no sense; "},
		{break_order, "before 1: 1 the place of the text makes no sense; "},
		{break_nothing, "before 1: 1 the place of the text makes no sense; "},
		{break_old, "before 1: 1 the text was overwritten by later records; "},
		{break_future, "before 1: 1 the place of the text makes no sense; "},
		{break_block, "before 1: 1 the text is another record's; "},
		{break_short, "before 1: 1 the text is another record's; "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const bool lost = *rows[i].lost;

		other(64, 4, 10);
		mkprb_add(&p, "before", 0, 6, 0);
		mkprb_add(&p, "middle", 0, 6, 0);
		rows[i].how();
		mkprb_add(&p, "after", 0, 6, 0);
		read_ring();
		assert_int_equal(g.st, XK_OK);
		assert_string_equal(g.lost, rows[i].lost);
		assert_int_equal(g.nr, lost ? 2 : 3);
		assert_record(&g, 0, "before");
		assert_record(&g, lost ? 1 : 2, "after");
		assert_int_equal(g.rec[g.nr - 1].seq, 2);
	}
}

/* A length beyond the block: the text up to its end. */
static void too_long(void **state _unused_)
{
	uint16_t len = 0xffff;

	mkprb_add(&p, "five5", 0, 6, 0);
	memcpy(mkprb_info(&p) + 16, &len, sizeof(len));
	mkprb_add(&p, "after", 0, 6, 0);
	read_ring();
	assert_int_equal(g.nr, 2);
	assert_true(g.rec[0].cut && !g.rec[1].cut);
	/* 5 bytes in a block of 8 and 8, of which the last three were never written */
	assert_int_equal(g.rec[0].text.len, 8);
	assert_memory_equal(g.rec[0].text.data, "five5\0\0", 8);
}

/* A number that cannot be in this place is not told; the text is. */
static void wrong_number(void **state _unused_)
{
	uint64_t seq = 0x1234;

	mkprb_add(&p, "odd", 0, 6, 0);
	mkprb_add(&p, "one", 0, 6, 0);
	memcpy(mkprb_info(&p), &seq, sizeof(seq));
	read_ring();
	assert_int_equal(g.nr, 2);
	assert_true(g.rec[0].have_seq && !g.rec[1].have_seq);
	assert_string_equal(g.lost, "");
}

/* Records that claim all the rest of the ring, again and again: it ends when the text is more than
 * the ring has. */
static void same_text(void **state _unused_)
{
	const uint16_t len = 0xffff;

	other(64, 6, 10);
	for (unsigned i = 0; i < 30; i++) {
		mkprb_add(&p, "12345678", 0, 6, 0); /* 16 bytes with its id */
		mkprb_set(&p, 2, (mkprb_get(&p, 1) / 1024 + 1) * 1024);
		memcpy(mkprb_info(&p) + 16, &len, sizeof(len));
	}
	read_ring();
	assert_int_equal(g.st, XK_OK);
	/* 1024 - 8 bytes are read; 1024 - 16 - 8 more are too many */
	assert_int_equal(g.nr, 1);
	assert_string_equal(g.lost, "before 1: 0 there is more text than the ring has room for; ");
}

static void tail_is_garbage(void **state _unused_)
{
	static const uint64_t tails[] = {5, UINT64_MAX / 8, UINT64_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		other(64, 4, 10);
		three();
		p.tail_id = tails[i];
		read_ring();
		assert_int_equal(g.st, XK_OK);
		assert_int_equal(g.nr, 3);
		assert_record(&g, 0, "Linux version 6.1");
		/* 16 places: 13 never used, of which the last is the first of all, about to be reused */
		assert_says(g.lost,
			"before 0: 0 the oldest record is not known: all places of the ring are read; ");
	}
}

static void stops(void **state _unused_)
{
	three();
	g.stop_at = 2;
	read_ring();
	assert_int_equal(g.st, XK_OK);
	assert_int_equal(g.nr, 2);
}

static void lines(void **state _unused_)
{
	static const char want[] =
		"[    7.000001] one\n[    7.000001] two\ttab\n"
		"[    7.000001] \n"
		"[    7.000001] \\x1b[31mred\\x07 \\xc3\\xa9 \\x7f \\x0d c:\\x\n";

	mkprb_add(
		&p, "one\ntwo\ttab\n\n\x1b[31mred\a \xc3\xa9 \x7f \r c:\\x", 7 * SEC + 1999, 6, 0);
	read_ring();
	assert_int_equal(g.nr, 1);
	assert_int_equal(g.text.len, sizeof(want) - 1);
	assert_memory_equal(g.text.data, want, sizeof(want) - 1);
}

/* The text's pages are not in the core; then the descriptors' are not either. */
static void holes(void **state _unused_)
{
	struct buf b;

	three();
	b = image();
	b.len = 3 * 4096; /* head, descriptors, infos */
	logged_read(&g, &b);
	assert_int_equal(g.st, XK_OK);
	assert_int_equal(g.nr, 0);
	assert_string_equal(g.lost, "before 0: 3 the text cannot be read from the core; ");
	b.len = 4096;
	logged_read(&g, &b);
	assert_int_equal(g.st, XK_OK);
	assert_int_equal(g.nr, 0);
	assert_string_equal(g.lost, "before 0: 4 not to be read from the core; ");
	buf_deinit(&b);
}

/* VMCOREINFO with a line changed, and with a line less. */
static void replace(const char *line, const char *with)
{
	char *all = strndup((char *)g.info.data, g.info.len), *at = strstr(all, line);

	assert_non_null(at);
	buf_deinit(&g.info);
	g.info = (struct buf){0};
	buf_append(&g.info, all, (size_t)(at - all));
	buf_append(&g.info, with, strlen(with));
	buf_append(&g.info, at + strlen(line), strlen(at + strlen(line)));
	free(all);
}

static void refused(void **state _unused_)
{
	static const struct {
		const char *line, *with, *says;
	} rows[] = {
		{"SYMBOL(prb)=", "SYMBOL(brp)=", "it has no SYMBOL(prb)"},
		{"SYMBOL(prb)=ffffffff80", "SYMBOL(prb)=ffffffff90", "cannot be read"},
		{"SYMBOL(prb)=ffffffff80200000", "SYMBOL(prb)=ffffffff80200f80",
			"at 0 (prb), cannot be read"},
		{"SIZE(printk_ringbuffer)=88", "SIZE(printk_ringbuffer)=71",
			"has 71 bytes, and fields beyond"},
		{"SIZE(printk_ringbuffer)=88", "SIZE(printk_ringbuffer)=0",
			"printk_ringbuffer is missing"},
		{"SIZE(prb_desc)=24", "SIZE(prb_desc)=1000000", "prb_desc is missing, or makes"},
		{"OFFSET(prb_desc.state_var)", "OFFSET(prb_desc.state)", "prb_desc.state_var"},
		{"OFFSET(prb_desc_ring.infos)=16",
			"OFFSET(prb_desc_ring.infos)=18446744073709551615", "prb_desc_ring.infos"},
		{"OFFSET(printk_info.caller_id)=20", "", "printk_info.caller_id"},
		{"OFFSET(atomic_long_t.counter)", "OFFSET(atomic_t.counter)",
			"atomic_long_t.counter"},
		/* the count of bits is read from where a pointer is, or from zeros */
		{"OFFSET(prb_desc_ring.count_bits)=0", "OFFSET(prb_desc_ring.count_bits)=8",
			"is overwritten, or VMCOREINFO is that of another kernel"},
		{"OFFSET(prb_desc_ring.count_bits)=0", "OFFSET(prb_desc_ring.count_bits)=4",
			"2^0 records"},
		{"OFFSET(prb_data_ring.size_bits)=0", "OFFSET(prb_data_ring.size_bits)=4",
			"2^0 bytes"},
	};

	three();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf b = image();

		replace(rows[i].line, rows[i].with);
		logged_read(&g, &b);
		if (g.st != XK_BAD_INPUT)
			fail_msg("%s: %d, %zu records", rows[i].with, g.st, g.nr);
		assert_says(g.d.text, rows[i].says);
		assert_int_equal(g.nr, 0);
		buf_deinit(&b);
	}
}

/* Fields that say more than their structure has: each record is refused, none read beyond. */
static void fields_beyond(void **state _unused_)
{
	struct buf b;

	three();
	b = image();
	replace("OFFSET(printk_info.seq)=0", "OFFSET(printk_info.seq)=84");
	logged_read(&g, &b);
	assert_int_equal(g.st, XK_OK);
	assert_int_equal(g.nr, 0);
	assert_string_equal(g.lost, "before 0: 3 not to be read from the core; ");
	buf_deinit(&b);
}

#define U(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		U(records),
		U(empty_ring),
		U(wrapped),
		U(wrapped_by_number),
		U(without_text),
		U(broken),
		U(too_long),
		U(wrong_number),
		U(same_text),
		U(tail_is_garbage),
		U(stops),
		U(lines),
		U(holes),
		U(refused),
		U(fields_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
