// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/xktest.h"
#include "vmcore/runs.h"

static void are(const struct runs *r, const struct range *want, size_t nr)
{
	assert_int_equal(r->nr, nr);
	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(r->v[i].start, want[i].start * 4096);
		assert_int_equal(r->v[i].end, want[i].end * 4096);
	}
}

static void add(struct runs *r, uint64_t from, uint64_t to)
{
	for (; from < to; from++)
		assert_true(runs_add(r, from));
}

static void neighbours_are_one(void **state _unused_)
{
	static const struct range want[] = {{0, 3}, {4, 5}, {7, 9}};
	struct runs r = {0};

	add(&r, 0, 3);
	add(&r, 4, 5);
	add(&r, 7, 9);
	are(&r, want, 3);
	assert_int_equal(r.holes, 0);
	runs_deinit(&r);
	are(&r, NULL, 0);
}

/* Four runs at most. Holes of 1, 3 and 2 pages; a fifth run comes: the hole of 1 goes, which
 * leaves three runs, a quarter less. From then on holes of 1 page are none. */
static void nearest_are_joined(void **state _unused_)
{
	static const struct range want[] = {{0, 3}, {6, 7}, {9, 10}, {20, 23}};
	struct runs r = {.max = 4};

	add(&r, 0, 1);
	add(&r, 2, 3);
	add(&r, 6, 7);
	add(&r, 9, 10);
	add(&r, 20, 21);
	assert_int_equal(r.holes, 1);
	add(&r, 22, 23);
	are(&r, want, 4);
	assert_int_equal(r.holes, 2);
	runs_deinit(&r);
}

/* Holes of 1000 pages: the gap doubles until it is that large: 1024. */
static void far_apart(void **state _unused_)
{
	static const struct range want[] = {{0, 4005}};
	struct runs r = {.max = 4};

	for (unsigned i = 0; i < 5; i++)
		add(&r, i * 1001, i * 1001 + 1);
	are(&r, want, 1);
	assert_int_equal(r.gap, 1024 * 4096);
	assert_int_equal(r.holes, 4000);
	runs_deinit(&r);
}

static void never_more_than_the_limit(void **state _unused_)
{
	struct runs r = {0};

	for (uint64_t i = 0; i < 200000; i++)
		assert_true(runs_add(&r, i * 2 + i % 7 * (i % 11 == 0)));
	assert_true(r.nr <= RUNS_MAX && r.cap <= 2 * RUNS_MAX);
	runs_deinit(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_are_one),
		cmocka_unit_test(nearest_are_joined),
		cmocka_unit_test(far_apart),
		cmocka_unit_test(never_more_than_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
