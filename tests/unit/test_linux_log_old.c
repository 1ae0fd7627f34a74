// SPDX-License-Identifier: GPL-2.0-only
/* The logs of Linux before 5.10: records in one buffer, and characters. */
#include <stdio.h>

#include "tests/unit/logged.h"
#include "tests/unit/xktest.h"

#define SEC  UINT64_C(1000000000)
#define SIZE 256u

static struct logged g;
static struct buf img; /* at 0 the variables, from 4096 on the buffer */
static unsigned put_at; /* in the buffer */

/* Where the variables are. */
enum { LOG_BUF = 0, LOG_BUF_LEN = 8, FIRST = 12, NEXT = 16, LOG_END = 20, LOGGED = 24 };

static void set32(unsigned at, uint32_t v)
{
	memcpy(img.data + at, &v, 4);
}

static void begin(unsigned bits, unsigned size)
{
	static const char *const names[] = {
		"log_buf", "log_buf_len", "log_first_idx", "log_next_idx"};
	static const unsigned at[] = {LOG_BUF, LOG_BUF_LEN, FIRST, NEXT};
	const uint64_t buf = logged_base(bits) + 4096;

	logged_deinit(&g);
	buf_deinit(&img);
	memset(&g, 0, sizeof(g));
	img = (struct buf){0};
	g.bits = bits;
	buf_zero(&img, 4096 + size);
	memcpy(img.data + LOG_BUF, &buf, bits / 8);
	set32(LOG_BUF_LEN, size);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		buf_printf(&g.info, "SYMBOL(%s)=%llx\n", names[i],
			(unsigned long long)logged_base(bits) + at[i]);
	put_at = 0;
}

/* The structure's name and its fields as of 3.11 to 5.9. */
static void layout(const char *type, unsigned header)
{
	buf_printf(&g.info,
		"SIZE(%s)=%u\nOFFSET(%s.ts_nsec)=0\nOFFSET(%s.len)=8\n"
		"OFFSET(%s.text_len)=10\nOFFSET(%s.dict_len)=12\n",
		type, header, type, type, type, type);
}

static int make(void **state _unused_)
{
	begin(64, SIZE);
	layout("printk_log", 16);
	return 0;
}

static int unmake(void **state _unused_)
{
	logged_deinit(&g);
	buf_deinit(&img);
	return 0;
}

/* A record at put_at: header, text, pairs, padding to 4. Returns where it is. */
static unsigned add(const char *text, const char *pairs, uint64_t ns, unsigned header)
{
	const unsigned at = put_at;
	uint8_t *p = img.data + 4096 + at;
	const uint16_t text_len = (uint16_t)strlen(text), dict_len = (uint16_t)strlen(pairs);
	const uint16_t len = (uint16_t)((header + text_len + dict_len + 3) / 4 * 4);

	assert_true(at + len <= img.len - 4096);
	memcpy(p, &ns, 8);
	memcpy(p + 8, &len, 2);
	memcpy(p + 10, &text_len, 2);
	memcpy(p + 12, &dict_len, 2);
	p[14] = 1;
	p[15] = 4 << 5 | 6;
	memcpy(p + header, text, text_len);
	memcpy(p + header + text_len, pairs, dict_len);
	put_at += len;
	return at;
}

static void read_log(void)
{
	logged_read(&g, &img);
}

static void records(void **state _unused_)
{
	static const struct {
		unsigned bits, header;
		const char *type;
	} rows[] = {
		{64, 16, "printk_log"}, {32, 16, "printk_log"},
		{64, 20, "printk_log"}, /* with the caller */
		{64, 16, "log"}, /* 3.5 to 3.10 */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(rows[i].bits, SIZE);
		layout(rows[i].type, rows[i].header);
		add("Linux version 4.19", "", 0, rows[i].header);
		add("with pairs", "SUBSYSTEM=pci", 1 * SEC, rows[i].header);
		add("x", "", 2 * SEC, rows[i].header);
		set32(NEXT, put_at);
		read_log();
		assert_int_equal(g.st, XK_OK);
		assert_string_equal(g.lost, "");
		assert_int_equal(g.nr, 3);
		assert_record(&g, 0, "Linux version 4.19");
		assert_record(&g, 1, "with pairs");
		assert_record(&g, 2, "x");
		assert_int_equal(g.rec[2].time, 2 * SEC);
		assert_int_equal(g.rec[2].level, 4);
		assert_int_equal(g.rec[2].facility, 1);
		assert_true(!g.rec[2].have_seq && !g.rec[2].have_caller && g.rec[2].have_time);
	}
}

static void none(void **state _unused_)
{
	read_log();
	assert_int_equal(g.st, XK_OK);
	assert_int_equal(g.nr, 0);
	assert_string_equal(g.lost, "");
}

/* The newest at the beginning; the rest of the buffer behind a length of 0. */
static void wrapped(void **state _unused_)
{
	add("newer", "", 3 * SEC, 16); /* 24 bytes */
	add("newest", "", 4 * SEC, 16); /* 24 */
	set32(NEXT, put_at);
	put_at = 100;
	add("oldest", "", 1 * SEC, 16);
	add("old", "", 2 * SEC, 16);
	set32(FIRST, 100);
	read_log();
	assert_int_equal(g.st, XK_OK);
	assert_string_equal(g.lost, "");
	assert_int_equal(g.nr, 4);
	assert_record(&g, 0, "oldest");
	assert_record(&g, 1, "old");
	assert_record(&g, 2, "newer");
	assert_record(&g, 3, "newest");
}

/* One that ends where the buffer does: no mark. */
static void wrapped_exactly(void **state _unused_)
{
	add("newest", "", 4 * SEC, 16);
	set32(NEXT, put_at);
	put_at = SIZE - 24;
	add("8 bytes.", "", 1 * SEC, 16);
	set32(FIRST, SIZE - 24);
	read_log();
	assert_string_equal(g.lost, "");
	assert_int_equal(g.nr, 2);
	assert_record(&g, 0, "8 bytes.");
	assert_record(&g, 1, "newest");
}

/* A length that makes no sense costs that record; the next one that can be one is found. */
static void broken_length(void **state _unused_)
{
	static const uint16_t lengths[] = {1, 15, 17, 0, 0xfffc, 200};

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		unsigned at;

		begin(64, SIZE);
		layout("printk_log", 16);
		add("first", "", 0, 16);
		at = add("second, of a length that is broken", "", 0, 16);
		add("third", "", 3, 16);
		add("fourth", "", 4, 16);
		memcpy(img.data + 4096 + at + 8, &lengths[i], 2);
		set32(NEXT, put_at);
		read_log();
		assert_int_equal(g.st, XK_OK);
		assert_string_equal(g.lost, "before 1: 0 a record's length makes no sense; ");
		assert_int_equal(g.nr, 3);
		assert_record(&g, 0, "first");
		assert_record(&g, 1, "third");
		assert_record(&g, 2, "fourth");
	}
}

/* Nothing but bytes: it ends. */
static void rubbish(void **state _unused_)
{
	for (unsigned i = 0; i < SIZE; i++)
		img.data[4096 + i] = (uint8_t)(0x80 | i * 7);
	set32(FIRST, 8);
	set32(NEXT, 4);
	read_log();
	assert_int_equal(g.st, XK_OK);
	assert_int_equal(g.nr, 0);
	assert_says(g.lost, "a record's length makes no sense");
}

static void too_long(void **state _unused_)
{
	const uint16_t len = 5000;
	unsigned at = add("five5", "", 0, 16);

	add("after", "", 0, 16);
	memcpy(img.data + 4096 + at + 10, &len, 2);
	set32(NEXT, put_at);
	read_log();
	assert_int_equal(g.nr, 2);
	assert_true(g.rec[0].cut && !g.rec[1].cut);
	assert_int_equal(g.rec[0].text.len, 8); /* 24 - 16 */
}

static void refused(void **state _unused_)
{
	static const struct {
		unsigned at;
		uint32_t v;
		const char *says;
	} rows[] = {
		{LOG_BUF_LEN, 0, "would have 0 bytes (log_buf_len)"},
		{LOG_BUF_LEN, 0x80000001, "would have 2147483649 bytes"},
		{FIRST, SIZE, "from 256 to 0"},
		{NEXT, SIZE + 1, "from 0 to 257"},
	};
	char *sizes;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		make(NULL);
		set32(rows[i].at, rows[i].v);
		read_log();
		assert_int_equal(g.st, XK_BAD_INPUT);
		assert_says(g.d.text, rows[i].says);
	}
	begin(64, SIZE);
	layout("printk_log", 14); /* too small for its fields */
	read_log();
	assert_int_equal(g.st, XK_BAD_INPUT);
	assert_says(g.d.text, "how the kernel's log is laid out");
	make(NULL);
	sizes = memmem(g.info.data, g.info.len, "SYMBOL(log_first_idx)", 21);
	sizes[7] = 'L';
	read_log();
	assert_int_equal(g.st, XK_BAD_INPUT);
	assert_says(g.d.text, "SYMBOL(log_first_idx)");
}

/* The buffer beyond the core: records are not to be read, and it ends. */
static void hole(void **state _unused_)
{
	begin(64, 8192);
	layout("printk_log", 16);
	put_at = 4096 - 40;
	add("here", "", 0, 16); /* 20 bytes */
	add("crosses the page", "", 0, 16); /* 32 bytes, of which 20 are there */
	set32(FIRST, 4096 - 40);
	set32(NEXT, 8000);
	img.len = 8192;
	read_log();
	assert_int_equal(g.st, XK_OK);
	assert_int_equal(g.nr, 1);
	assert_record(&g, 0, "here");
	assert_says(g.lost, "before 1: 1 the text cannot be read from the core; ");
	assert_says(g.lost, "before 1: 0 not to be read from the core; ");
}

static void chars(unsigned bits, uint32_t end, uint32_t logged)
{
	buf_printf(&g.info, "SYMBOL(log_end)=%llx\nSYMBOL(logged_chars)=%llx\n",
		(unsigned long long)logged_base(bits) + LOG_END,
		(unsigned long long)logged_base(bits) + LOGGED);
	memcpy(memmem(g.info.data, g.info.len, "log_next_idx", 12), "log_nothing_", 12);
	set32(LOG_END, end);
	set32(LOGGED, logged);
}

/* The characters from `from` on of all that were ever put there. */
static void put_chars(const char *text, uint32_t from)
{
	for (size_t i = 0; text[i]; i++)
		img.data[4096 + (from + i) % SIZE] = (uint8_t)text[i];
}

static void characters(void **state _unused_)
{
	static const char text[] = "<6>[    0.000000] Linux version 3.2\n<4>two\nthree\n\n<0>end";
	static const unsigned widths[] = {64, 32};
	/* from the beginning; over the buffer's end; over the count's */
	static const uint32_t from[] = {0, SIZE * 7 - 20, UINT32_MAX - 9};

	for (size_t i = 0; i < 6; i++) {
		const uint32_t at = from[i / 2];

		begin(widths[i % 2], SIZE);
		chars(g.bits, at + sizeof(text) - 1, sizeof(text) - 1);
		put_chars(text, at);
		read_log();
		assert_int_equal(g.st, XK_OK);
		assert_string_equal(g.lost, "");
		assert_int_equal(g.nr, 5);
		assert_record(&g, 0, "[    0.000000] Linux version 3.2");
		assert_true(g.rec[0].have_level && !g.rec[0].have_time && !g.rec[0].have_seq);
		assert_int_equal(g.rec[1].level, 4);
		assert_record(&g, 2, "three");
		assert_false(g.rec[2].have_level);
		assert_record(&g, 3, "");
		assert_record(&g, 4, "end");
		assert_memory_equal(g.text.data, "[    0.000000] Linux version 3.2\ntwo\n", 37);
	}
}

/* Cleared, or more than there is room for. */
static void characters_count(void **state _unused_)
{
	begin(64, SIZE);
	chars(64, 1000, 0);
	read_log();
	assert_int_equal(g.st, XK_OK);
	assert_int_equal(g.nr, 0);
	begin(64, SIZE);
	chars(64, 1000, UINT32_MAX);
	memset(img.data + 4096, 'x', SIZE);
	read_log();
	assert_int_equal(g.nr, 1);
	assert_int_equal(g.rec[0].text.len, SIZE);
}

static void characters_refused(void **state _unused_)
{
	begin(64, SIZE);
	chars(64, 10, 10);
	set32(LOG_BUF_LEN, SIZE - 1);
	read_log();
	assert_int_equal(g.st, XK_BAD_INPUT);
	assert_says(g.d.text, "no power of two");
}

static void characters_hole(void **state _unused_)
{
	begin(64, 8192);
	chars(64, 8192, 8192);
	memset(img.data + 4096, 'x', 8192);
	img.len = 8192; /* half of it */
	read_log();
	assert_int_equal(g.st, XK_OK);
	assert_int_equal(g.nr, 1);
	assert_int_equal(g.rec[0].text.len, 4096);
	assert_string_equal(g.lost, "before 1: 0 a page of the log cannot be read from the core; ");
}

#define U(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		U(records),
		U(none),
		U(wrapped),
		U(wrapped_exactly),
		U(broken_length),
		U(rubbish),
		U(too_long),
		U(refused),
		U(hole),
		U(characters),
		U(characters_count),
		U(characters_refused),
		U(characters_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
