// SPDX-License-Identifier: GPL-2.0-only
/* Pages that are stored once, and pages that nothing shrinks. */
#include <elf.h>
#include <zlib.h>

#include "tests/unit/mkcore.h"
#include "tests/unit/xktest.h"
#include "vmcore/noise.h"
#include "vmcore/twins.h"

static struct diag d;
static struct mkcore m;
static struct buf image;
static struct core c;
static struct core_reader *r;
static struct twins *t;

#define PAGES 16u

/* Pages 0 to 15; 3 and 7 are alike, and so are 4 and 8. */
static int make(void **state _unused_)
{
	mkcore_init(&m, ELFCLASS64, EM_X86_64);
	mkcore_mem(&m, 0, PAGES * CORE_PAGE);
	for (uint64_t i = 0; i < PAGES; i++)
		mkcore_put64(&m, i * CORE_PAGE + 8, i == 7 || i == 8 ? i - 4 : i);
	image = mkcore_build(&m);
	diag_init(&d);
	assert_int_equal(core_open_bytes(buf_bytes(&image), &c, &d), XK_OK);
	r = core_reader_create(&c);
	t = twins_create();
	assert_true(r && t);
	return 0;
}

static int unmake(void **state _unused_)
{
	twins_destroy(t);
	core_reader_destroy(r);
	core_close(&c);
	buf_deinit(&image);
	mkcore_deinit(&m);
	return 0;
}

static const uint8_t *page(uint64_t pfn)
{
	return mkcore_at(&m, pfn * CORE_PAGE, CORE_PAGE);
}

static void earlier_page_is_found(void **state _unused_)
{
	uint32_t first, other, slot;

	assert_false(twins_find(t, r, page(3), 3, &first));
	assert_true(first < TWINS);
	assert_false(twins_find(t, r, page(4), 4, &other));
	assert_true(other < TWINS && other != first);
	assert_true(twins_find(t, r, page(7), 7, &slot));
	assert_int_equal(slot, first);
	assert_true(twins_find(t, r, page(8), 8, &slot));
	assert_int_equal(slot, other);
	/* told of again: still the first of its kind */
	assert_false(twins_find(t, r, page(3), 3, &slot));
	assert_int_equal(slot, first);
}

/* What is written later cannot be shared, nor is its slot taken away. */
static void later_page_is_not_found(void **state _unused_)
{
	uint32_t late, early, slot;

	assert_false(twins_find(t, r, page(7), 7, &late));
	assert_false(twins_find(t, r, page(3), 3, &early));
	assert_true(early < TWINS && early != late);
	assert_true(twins_find(t, r, page(7), UINT64_C(1) << 40 | 7, &slot));
	assert_true(slot == late || slot == early);
}

/* The hash agrees and the page that is read again does not, or cannot be read. */
static void hash_is_not_believed(void **state _unused_)
{
	uint32_t slot;

	assert_false(twins_find(t, r, page(3), 5, &slot)); /* not what page 5 holds */
	assert_true(slot < TWINS);
	assert_false(twins_find(t, r, page(3), 9, &slot));
	assert_int_equal(slot, TWINS_NONE);
	assert_false(twins_find(t, r, page(4), PAGES - 1, &slot));
	assert_false(twins_find(t, r, page(4), PAGES + 100, &slot));
	assert_int_equal(slot, TWINS_NONE);
}

static void beyond_the_core(void **state _unused_)
{
	uint32_t slot;

	assert_false(twins_find(t, r, page(6), PAGES + 5, &slot));
	assert_false(twins_find(t, r, page(6), PAGES + 6, &slot));
	assert_int_equal(slot, TWINS_NONE);
}

/* More different pages than there are slots: some get none, none gets another's. */
static void full_table(void **state _unused_)
{
	uint8_t p[CORE_PAGE] = {0};
	uint64_t none = 0;

	for (uint64_t i = 0; i < 2 * TWINS; i++) {
		uint32_t slot;

		memcpy(p + 16, &i, sizeof(i));
		assert_false(twins_find(t, r, p, 1000 + i, &slot));
		assert_true(slot < TWINS || slot == TWINS_NONE);
		none += slot == TWINS_NONE;
	}
	assert_true(none >= TWINS && none < 2 * TWINS);
}

static uint64_t seed;

static uint32_t rnd(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33);
}

/* Bytes below `values`, each as likely. */
static void fill_random(uint8_t *p, unsigned values)
{
	for (unsigned i = 0; i < CORE_PAGE; i++)
		p[i] = (uint8_t)(rnd() % values);
}

/* In one page of 2048 four bytes come again by chance: 1024 * 4096 / 2 of 2^32 pairs. */
static void noise_is_known(void **state _unused_)
{
	uint8_t p[CORE_PAGE];
	unsigned known = 0;

	seed = 1;
	for (unsigned i = 0; i < 1000; i++) {
		fill_random(p, 256);
		known += page_is_noise(p);
	}
	assert_true(known >= 990);
}

static void not_noise(void **state _unused_)
{
	uint8_t p[CORE_PAGE] = {0};

	assert_false(page_is_noise(p));
	for (unsigned i = 0; i < CORE_PAGE; i++)
		p[i] = (uint8_t)i; /* all values are as frequent, and come again */
	assert_false(page_is_noise(p));
	seed = 2;
	fill_random(p, 200);
	assert_false(page_is_noise(p));
	fill_random(p, 256);
	memset(p + 1000, 'a', 500);
	assert_false(page_is_noise(p));
	for (unsigned shift = 0; shift < 8; shift++) {
		fill_random(p, 256);
		memcpy(p + 2048 + shift, p, 64);
		assert_false(page_is_noise(p));
	}
}

/* What is called noise, zlib at its best does not shrink either. */
static void nothing_is_lost(void **state _unused_)
{
	uint8_t p[CORE_PAGE], out[2 * CORE_PAGE];
	unsigned noise = 0;

	seed = 3;
	for (unsigned i = 0; i < 4000; i++) {
		uLongf len = sizeof(out);

		fill_random(p, 226 + i % 31);
		if (i % 3 == 0)
			memcpy(p + rnd() % 2000, p + 2000 + rnd() % 2000, rnd() % 12);
		if (!page_is_noise(p))
			continue;
		noise++;
		assert_int_equal(compress2(out, &len, p, sizeof(p), 9), Z_OK);
		assert_true(len >= CORE_PAGE);
	}
	assert_true(noise > 50);
}

#define S(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(earlier_page_is_found),
		S(later_page_is_not_found),
		S(hash_is_not_believed),
		S(beyond_the_core),
		S(full_table),
		cmocka_unit_test(noise_is_known),
		cmocka_unit_test(not_noise),
		cmocka_unit_test(nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
