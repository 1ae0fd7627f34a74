// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/xktest.h"

#include "common/range.h"

struct row {
	struct range list[4]; /* empty ones are not added */
	struct range cut;
	struct range want[4];
};

static void subtract(void **state)
{
	static const struct row rows[] = {
		/* nothing in common, touching on either side */
		{{{10, 20}}, {0, 10}, {{10, 20}}},
		{{{10, 20}}, {20, 30}, {{10, 20}}},
		/* an empty cut takes nothing, even inside */
		{{{10, 20}}, {15, 15}, {{10, 20}}},
		/* a backwards cut is empty too */
		{{{10, 20}}, {18, 12}, {{10, 20}}},
		/* left, right, middle, all, more than all */
		{{{10, 20}}, {5, 12}, {{12, 20}}},
		{{{10, 20}}, {19, 25}, {{10, 19}}},
		{{{10, 20}}, {12, 15}, {{10, 12}, {15, 20}}},
		{{{10, 20}}, {10, 20}, {{0, 0}}},
		{{{10, 20}}, {0, UINT64_MAX}, {{0, 0}}},
		/* over several entries */
		{{{0, 10}, {20, 30}, {40, 50}}, {5, 45}, {{0, 5}, {45, 50}}},
		/* at the very top */
		{{{UINT64_MAX - 10, UINT64_MAX}}, {UINT64_MAX - 5, UINT64_MAX},
			{{UINT64_MAX - 10, UINT64_MAX - 5}}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct range_list l = {0};
		size_t n = 0;

		for (size_t j = 0; j < 4; j++)
			if (!range_empty(rows[i].list[j]))
				assert_true(range_list_add(&l, rows[i].list[j], MEM_RAM));
		assert_true(range_list_subtract(&l, rows[i].cut));
		for (size_t j = 0; j < 4; j++) {
			if (range_empty(rows[i].want[j]))
				continue;
			assert_true(n < l.nr);
			assert_int_equal(l.v[n].r.start, rows[i].want[j].start);
			assert_int_equal(l.v[n].r.end, rows[i].want[j].end);
			n++;
		}
		assert_int_equal(l.nr, n);
		range_list_deinit(&l);
	}
}

static void merge(void **state)
{
	struct range_list l = {0};

	(void)state;
	/* touching and overlapping of one type merge; another type between them stays */
	assert_true(range_list_add(&l, (struct range){20, 30}, MEM_RAM));
	assert_true(range_list_add(&l, (struct range){0, 10}, MEM_RAM));
	assert_true(range_list_add(&l, (struct range){10, 15}, MEM_RAM));
	assert_true(range_list_add(&l, (struct range){25, 40}, MEM_RAM));
	assert_true(range_list_add(&l, (struct range){40, 50}, MEM_ACPI));
	range_list_sort_merge(&l);
	assert_int_equal(l.nr, 3);
	assert_int_equal(l.v[0].r.end, 15);
	assert_int_equal(l.v[1].r.start, 20);
	assert_int_equal(l.v[1].r.end, 40);
	assert_int_equal(l.v[2].type, MEM_ACPI);
	range_list_deinit(&l);
	range_list_sort_merge(&l);
	assert_int_equal(l.nr, 0);
}

static void make(void **state)
{
	struct range r = {1, 2};

	(void)state;
	assert_true(range_make(UINT64_MAX, 0, &r));
	assert_true(range_make(UINT64_MAX - 1, 1, &r));
	assert_int_equal(r.end, UINT64_MAX);
	r = (struct range){1, 2};
	assert_false(range_make(UINT64_MAX, 1, &r));
	assert_false(range_make(0x1000, UINT64_MAX - 0xfff, &r));
	assert_int_equal(r.start, 1); /* untouched */
}

static void questions(void **state)
{
	struct range a = {10, 20};

	(void)state;
	assert_true(range_overlaps(a, (struct range){19, 21}));
	assert_false(range_overlaps(a, (struct range){20, 21}));
	assert_false(range_overlaps(a, (struct range){15, 15}));
	assert_true(range_contains(a, a));
	assert_false(range_contains(a, (struct range){9, 11}));
	assert_int_equal(range_size((struct range){20, 10}), 0);
}

/* A range may be covered by several entries, in any order, of the right type. */
static void covers(void **state)
{
	static const struct {
		struct range r;
		bool covered;
	} rows[] = {
		{{0x1000, 0x4000}, true}, /* three entries */
		{{0x1000, 0x1001}, true},
		{{0x3fff, 0x4000}, true},
		{{0x2800, 0x3800}, true},
		{{0x2000, 0x2000}, true}, /* nothing */
		{{0x9000, 0x9000}, true},
		{{0xfff, 0x1001}, false},
		{{0x3fff, 0x4001}, false},
		{{0x5000, 0x6000}, false}, /* of another type */
		{{0x4000, 0x5000}, false},
		{{0, UINT64_MAX}, false},
		{{UINT64_MAX - 1, UINT64_MAX}, true},
	};
	struct range_list l = {0};

	(void)state;
	assert_false(range_list_covers(&l, (struct range){0, 1}, MEM_RAM));
	assert_true(range_list_add(&l, (struct range){0x3000, 0x4000}, MEM_RAM));
	assert_true(range_list_add(&l, (struct range){0x5000, 0x6000}, MEM_RESERVED));
	assert_true(range_list_add(&l, (struct range){0x1000, 0x2800}, MEM_RAM));
	assert_true(range_list_add(&l, (struct range){0x2000, 0x3000}, MEM_RAM));
	assert_true(range_list_add(&l, (struct range){UINT64_MAX - 1, UINT64_MAX}, MEM_RAM));
	assert_true(range_list_add(&l, (struct range){0x7000, 0x6000}, MEM_RAM)); /* empty */
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(range_list_covers(&l, rows[i].r, MEM_RAM), rows[i].covered);
	range_list_deinit(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subtract),
		cmocka_unit_test(merge),
		cmocka_unit_test(make),
		cmocka_unit_test(questions),
		cmocka_unit_test(covers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
