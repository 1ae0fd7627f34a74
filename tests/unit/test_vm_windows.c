// SPDX-License-Identifier: GPL-2.0-only
/* Windows of pages and sets of them; and which values of the frame table are judged as one. */
#include "tests/unit/xktest.h"
#include "vmcore/windows.h"
#include "vmcore/xen_flags.h"

static void sets(void **state _unused_)
{
	struct window_set s = {0};

	assert_true(window_set_has(NULL, 5));
	assert_true(window_set_has(&s, 5)); /* one without bits */
	assert_true(window_set_init(&s, 10 * FILTER_WINDOW));
	for (uint64_t w = 0; w <= 10; w++)
		assert_false(window_set_has(&s, w * FILTER_WINDOW));
	window_set_add(&s, 3 * FILTER_WINDOW);
	window_set_add(&s, 10 * FILTER_WINDOW + 7);
	window_set_add(&s, UINT64_MAX); /* beyond it: nothing happens */
	for (uint64_t w = 0; w <= 10; w++)
		assert_int_equal(window_set_has(&s, w * FILTER_WINDOW), w == 3 || w == 10);
	assert_true(window_set_has(&s, 11 * FILTER_WINDOW)); /* more than was added, never less */
	window_set_deinit(&s);
}

/* Of an absurd size: windows share bits, and none that was added is missing. */
static void shared_bits(void **state _unused_)
{
	const uint64_t max = UINT64_C(1) << 52;
	struct window_set s;
	unsigned others = 0;

	assert_true(window_set_init(&s, max));
	assert_true(s.nr <= (1u << 24) + 1);
	for (unsigned i = 0; i < 52; i++)
		window_set_add(&s, UINT64_C(1) << i);
	for (unsigned i = 0; i < 52; i++)
		assert_true(window_set_has(&s, UINT64_C(1) << i));
	for (unsigned i = 30; i < 51; i++)
		others += window_set_has(&s, UINT64_C(3) << i);
	assert_int_equal(others, 0);
	window_set_deinit(&s);
}

static void windows(void **state _unused_)
{
	struct mem_range v[] = {
		{.r = {0x1000, 0x400000}},
		{.r = {0x3ff000, 0x800001}},
		{.r = {0x1000000, 0x1000000}},
		{.r = {0x2000000, 0x2800000}},
	};
	const struct range_list ram = {.v = v, .nr = ARRAY_SIZE(v)};
	static const uint64_t all[] = {0, 1024, 2048, 8192, 9216};
	struct windows w = {.ram = &ram};
	struct window_set s;
	uint64_t pfn;
	unsigned nr;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		assert_true(windows_next(&w, &pfn, &nr));
		assert_int_equal(pfn, all[i]);
		assert_int_equal(nr, FILTER_WINDOW);
	}
	assert_false(windows_next(&w, &pfn, &nr));
	assert_true(window_set_init(&s, 0x2800));
	window_set_add(&s, 2048);
	window_set_add(&s, 4096); /* no memory there */
	window_set_add(&s, 9216);
	w = (struct windows){.ram = &ram, .only = &s};
	assert_true(windows_next(&w, &pfn, &nr) && pfn == 2048);
	assert_true(windows_next(&w, &pfn, &nr) && pfn == 9216);
	assert_false(windows_next(&w, &pfn, &nr));
	window_set_deinit(&s);
}

/* Whatever is alike has one state and is as sane under every table, or the page would be judged by
 * another one's value. */
static void alike(void **state _unused_)
{
	static const uint64_t low[] = {0, 1, 2, 0x7fffffff, 0xffffffff};
	unsigned pairs = 0;

	for (unsigned high = 0; high < 1u << 12; high++) {
		uint64_t top = (uint64_t)high << 52;

		for (size_t i = 0; i < ARRAY_SIZE(low); i++)
			for (size_t k = 0; k < ARRAY_SIZE(low); k++) {
				uint64_t a = top | low[i], b = top | low[k];

				if (!pgc_alike(a, b))
					continue;
				pairs++;
				for (unsigned t = 0; t < PGC_TABLES; t++) {
					const struct pgc *p = &pgc_tables[t];

					assert_int_equal(pgc_state(p, a), pgc_state(p, b));
					assert_int_equal(pgc_sane(p, a), pgc_sane(p, b));
					assert_int_equal(a & p->broken, b & p->broken);
				}
			}
	}
	assert_int_equal(pairs, (1u << 12) * (1 + 16)); /* 0 and 0; each of four with each */
}

static void not_alike(void **state _unused_)
{
	assert_false(pgc_alike(0, 1));
	assert_false(pgc_alike(PGC_ALLOCATED, 0));
	assert_false(pgc_alike(PGC_XEN_HEAP | 1, 1));
	assert_false(
		pgc_alike(UINT64_C(1) << 32, 0)); /* counts that large are no pages of a guest */
	assert_false(pgc_alike(UINT64_MAX, UINT64_MAX));
	assert_true(pgc_alike(PGC_ALLOCATED | 1, PGC_ALLOCATED | 7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets),
		cmocka_unit_test(shared_bits),
		cmocka_unit_test(windows),
		cmocka_unit_test(alike),
		cmocka_unit_test(not_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
