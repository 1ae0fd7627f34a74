// SPDX-License-Identifier: GPL-2.0-only
/* Where a split dump is cut. */
#include "tests/unit/xktest.h"
#include "vmcore/cuts.h"
#include "vmcore/filter.h"

#define W UINT64_C(1024) /* pages of a window */

/* Parts must join, and have what was counted. */
static void check(struct cuts *c, uint64_t max_pfn, unsigned nr, const uint64_t *planned)
{
	struct dump_part p[DUMP_MAX_PARTS];

	cuts_make(c, max_pfn, p, nr);
	assert_int_equal(p[0].start, 0);
	assert_int_equal(p[nr - 1].end, max_pfn);
	for (unsigned i = 0; i < nr; i++) {
		assert_int_equal(p[i].planned, planned[i]);
		assert_true(p[i].start <= p[i].end);
		if (i) {
			assert_int_equal(p[i].start, p[i - 1].end);
			assert_true(p[i].start % FILTER_WINDOW == 0 || p[i].start == max_pfn);
		}
	}
}

static struct cuts counted(uint64_t max_pfn, const uint64_t *kept, size_t nr)
{
	struct cuts c = {0};

	assert_true(cuts_init(&c, max_pfn));
	for (size_t i = 0; i < nr; i++)
		cuts_add(&c, i * W, kept[i]);
	return c;
}

static void even(void **state)
{
	struct cuts c = counted(4 * W, (uint64_t[]){1000, 1000, 1000, 1000}, 4);

	(void)state;
	check(&c, 4 * W, 1, (uint64_t[]){4000});
	check(&c, 4 * W, 2, (uint64_t[]){2000, 2000});
	/* borders at 1333 and 2666: the second window holds the first, and more of it is before */
	check(&c, 4 * W, 3, (uint64_t[]){1000, 2000, 1000});
	check(&c, 4 * W, 4, (uint64_t[]){1000, 1000, 1000, 1000});
	cuts_deinit(&c);
}

/* A window is never cut: some parts get nothing. */
static void lumps(void **state)
{
	struct cuts c = counted(3 * W, (uint64_t[]){0, 1024, 6}, 3);

	(void)state;
	check(&c, 3 * W, 2, (uint64_t[]){1024, 6}); /* border at 515, half of it at 512 */
	check(&c, 3 * W, 4, (uint64_t[]){0, 1024, 0, 6}); /* 257, 515, 772 */
	cuts_deinit(&c);
}

static void nothing(void **state)
{
	struct cuts c = counted(0, NULL, 0);

	(void)state;
	check(&c, 0, 3, (uint64_t[]){0, 0, 0});
	cuts_deinit(&c);
	c = counted(5, NULL, 0);
	check(&c, 5, 2, (uint64_t[]){0, 0});
	cuts_deinit(&c);
}

/* 2^40 pages in 65536 stretches of 2^24; what lies outside is not counted, and nobody asked. */
static void bounded(void **state)
{
	struct cuts c = {0};

	(void)state;
	cuts_add(&c, 0, 1);
	assert_true(cuts_init(&c, UINT64_C(1) << 40));
	assert_int_equal(c.each, 1 << 24);
	assert_int_equal(c.nr, 65537);
	cuts_add(&c, (UINT64_C(1) << 40) - W, 7);
	cuts_add(&c, 0, 7);
	cuts_add(&c, UINT64_MAX - W, 7);
	check(&c, UINT64_C(1) << 40, 2, (uint64_t[]){7, 7});
	cuts_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(even),
		cmocka_unit_test(lumps),
		cmocka_unit_test(nothing),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
