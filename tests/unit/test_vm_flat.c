// SPDX-License-Identifier: GPL-2.0-only
/* Flattened files of many records: what is read is what they unfold to, one after the other. */
#include <endian.h>
#include <stdlib.h>

#include "tests/unit/xktest.h"
#include "vmcore/flat.h"

#define SPACE 4096u

struct flattened {
	struct buf b;
	uint8_t want[SPACE]; /* what it unfolds to */
	uint64_t end;
	uint64_t beyond; /* so many bytes follow, which are not looked at */
	uint32_t state;
};

static uint32_t dice(struct flattened *f, uint32_t sides)
{
	f->state = f->state * 1664525 + 1013904223;
	return (f->state >> 8) % sides;
}

static void begin(struct flattened *f, uint32_t seed)
{
	memset(f, 0, sizeof(*f));
	f->state = seed;
	buf_append(&f->b, FLAT_SIGNATURE, 16);
	buf_zero(&f->b, FLAT_HEAD - 16);
}

static void head(struct flattened *f, uint64_t off, uint64_t size)
{
	uint64_t rec[2] = {htobe64(off), htobe64(size)};

	buf_append(&f->b, rec, sizeof(rec));
}

static void record(struct flattened *f, uint64_t off, uint64_t size)
{
	head(f, off, size);
	for (uint64_t i = 0; i < size; i++) {
		f->want[off + i] = (uint8_t)dice(f, 256);
		buf_append(&f->b, &f->want[off + i], 1);
	}
	f->end = max_u64(f->end, off + size);
}

static enum xk_status unfold(
	struct flattened *f, struct source *s, const char **why, struct diag *d)
{
	diag_init(d);
	assert_false(f->b.failed);
	assert_int_equal(source_bytes(buf_bytes(&f->b), s, d), XK_OK);
	return flat_open(s, why, d);
}

/* In pieces of every kind, at random and in order. */
static void check(struct flattened *f, const char *says)
{
	struct source_view v = {0};
	uint8_t got[SPACE + 64];
	struct source s;
	const char *why;
	struct diag d;

	assert_int_equal(unfold(f, &s, &why, &d), XK_OK);
	assert_true(says ? why && strstr(why, says) : !why);
	assert_int_equal(s.size, f->end + f->beyond);
	for (unsigned i = 0; i < 200; i++) {
		uint64_t off = dice(f, SPACE), len = dice(f, i % 2 ? 20 : SPACE);
		size_t want = off < f->end ? (size_t)min_u64(len, f->end - off) : 0;

		if (f->beyond)
			len = want;
		assert_int_equal(source_read(&s, &v, off, got, (size_t)len), want);
		assert_memory_equal(got, f->want + off, want);
	}
	for (uint64_t off = 0; off < f->end; off += 7) {
		size_t n = (size_t)min_u64(7, f->end - off);

		assert_true(source_get(&s, &v, off, got, n));
		assert_memory_equal(got, f->want + off, n);
	}
	source_view_deinit(&v);
	source_close(&s);
	buf_deinit(&f->b);
}

/* So many records that marks become rare. */
static void fill(struct flattened *f)
{
	f->end = SPACE;
	for (f->beyond = 0; f->beyond < 600000; f->beyond++) {
		head(f, SPACE + f->beyond, 1);
		buf_append(&f->b, "x", 1);
	}
}

/* Writers that fill up to 12 places at once, go back, and write over what is there. */
static void test_any_order(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 300; seed++) {
		unsigned lanes = 1 + seed % 12, nr = 20 + seed % 200;
		uint64_t next[12];
		struct flattened f;

		begin(&f, seed);
		if (seed < 24)
			fill(&f);
		for (unsigned i = 0; i < lanes; i++)
			next[i] = dice(&f, SPACE - 64);
		for (unsigned i = 0; i < nr; i++) {
			unsigned l = dice(&f, lanes);
			uint64_t size = 1 + dice(&f, 30);

			if (!dice(&f, 16) || next[l] + size > SPACE)
				next[l] = dice(&f, SPACE - 64);
			record(&f, next[l], size);
			next[l] += size;
		}
		if (seed % 3) {
			head(&f, UINT64_MAX, UINT64_MAX);
			check(&f, NULL);
		} else if (seed % 2) {
			check(&f, "end is missing");
		} else {
			head(&f, 5, 0);
			check(&f, "makes no sense");
		}
	}
}

/* An older place goes on into what a younger one has written: what was written last counts, both
 * ways round. */
static void test_into_each_other(void **state)
{
	struct flattened f;

	(void)state;
	begin(&f, 1);
	record(&f, 0, 10);
	record(&f, 15, 10); /* younger */
	record(&f, 10, 10); /* the first goes on over it */
	record(&f, 25, 10); /* the second goes on */
	record(&f, 20, 10); /* the first again, behind and over it */
	head(&f, UINT64_MAX, UINT64_MAX);
	check(&f, NULL);
	/* two that come to end at one place, and what continues them */
	begin(&f, 2);
	fill(&f);
	for (unsigned i = 0; i < 6; i++) /* whichever of the two is asked first */
		record(&f, 1000 + 100 * i, 1);
	record(&f, 0, 20);
	record(&f, 10, 10);
	record(&f, 20, 5); /* the older goes on */
	record(&f, 20, 3); /* and not the younger, which would find the other's */
	record(&f, 25, 5);
	head(&f, UINT64_MAX, UINT64_MAX);
	check(&f, NULL);
	begin(&f, 3);
	record(&f, 0, 20);
	record(&f, 10, 10);
	record(&f, 20, 5);
	record(&f, 5, 20);
	record(&f, 25, 3);
	head(&f, UINT64_MAX, UINT64_MAX);
	check(&f, NULL);
}

/* More records than there are marks for; three places at once. */
static void test_many(void **state)
{
	const unsigned nr = 450000;
	struct source_view v = {0};
	struct flattened f;
	struct source s;
	const char *why;
	struct diag d;
	uint64_t got;

	(void)state;
	begin(&f, 0);
	for (uint64_t i = 0; i < nr; i++) {
		uint64_t off = (i % 3 << 32) + i / 3 * 8;

		head(&f, off, 8);
		buf_append(&f.b, &i, 8);
	}
	head(&f, UINT64_MAX, UINT64_MAX);
	assert_int_equal(unfold(&f, &s, &why, &d), XK_OK);
	assert_null(why);
	for (uint64_t i = 0; i < nr; i += 1 + i % 1000) {
		assert_true(source_get(&s, &v, (i % 3 << 32) + i / 3 * 8, &got, 8));
		assert_int_equal(got, i);
	}
	source_view_deinit(&v);
	source_close(&s);
	buf_deinit(&f.b);
}

/* Records that never continue each other: refused, and not by want of memory. */
static void test_hostile(void **state)
{
	struct flattened f;
	struct source s;
	const char *why;
	struct diag d;

	(void)state;
	begin(&f, 0);
	for (uint64_t i = 0; i <= 0x20000; i++) {
		head(&f, (0x40000 - i) * 16, 1);
		buf_append(&f.b, "x", 1);
	}
	assert_int_equal(unfold(&f, &s, &why, &d), XK_UNSUPPORTED);
	assert_says(d.text, "makedumpfile -R");
	source_close(&s);
	buf_deinit(&f.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_into_each_other),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests_name("vm_flat", tests, NULL, NULL);
}
