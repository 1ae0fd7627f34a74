// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/xktest.h"

#include "common/number.h"

static void test_number(void **state)
{
	static const struct {
		const char *s;
		unsigned base;
		uint64_t max;
		bool ok;
		uint64_t want;
	} t[] = {
		{"0", 10, 0, true, 0},
		{"420", 10, 420, true, 420},
		{"1a4", 16, UINT64_MAX, true, 420},
		{"0x1A4", 16, UINT64_MAX, true, 420},
		{"ffffffffffffffff", 16, UINT64_MAX, true, UINT64_MAX},
		{"18446744073709551615", 10, UINT64_MAX, true, UINT64_MAX},
		{"18446744073709551616", 10, UINT64_MAX, false, 0},
		{"10000000000000000", 16, UINT64_MAX, false, 0},
		{"421", 10, 420, false, 0},
		{"1a4", 10, UINT64_MAX, false, 0},
		{"0x1a4", 10, UINT64_MAX, false, 0},
		{"", 10, UINT64_MAX, false, 0},
		{"0x", 16, UINT64_MAX, false, 0},
		{"-1", 10, UINT64_MAX, false, 0},
		{"+1", 10, UINT64_MAX, false, 0},
		{" 1", 10, UINT64_MAX, false, 0},
		{"1 ", 10, UINT64_MAX, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint64_t v = 77;

		if (number_whole(t[i].s, t[i].base, t[i].max, &v) != t[i].ok)
			fail_msg("\"%s\"", t[i].s);
		assert_int_equal(v, t[i].ok ? t[i].want : 77);
	}
}

/* In the middle of a text that ends without a NUL. */
static void test_take(void **state)
{
	static const char text[] = {'1', 'f', '-', '2', '0'};
	const char *p = text, *end = text + sizeof(text);
	uint64_t v = 0;

	(void)state;
	assert_true(number_take(&p, end, 16, &v));
	assert_int_equal(v, 0x1f);
	assert_ptr_equal(p, text + 2);
	assert_false(number_take(&p, end, 16, &v)); /* a minus is no number */
	assert_ptr_equal(p, text + 2);
	p++;
	assert_true(number_take(&p, end, 16, &v));
	assert_int_equal(v, 0x20);
	assert_ptr_equal(p, end);
	assert_false(number_take(&p, end, 16, &v));
}

/* Bytes without a NUL behind them; nothing but digits. */
static void test_bytes(void **state)
{
	static const uint8_t text[] = {'1', 'f', 'x'};
	uint64_t v = 77;

	(void)state;
	assert_false(number_bytes((struct bytes){text, 0}, 16, &v));
	assert_false(number_bytes((struct bytes){NULL, 0}, 16, &v));
	assert_false(number_bytes((struct bytes){text, 3}, 16, &v));
	assert_false(number_bytes((struct bytes){text, 2}, 10, &v));
	assert_int_equal(v, 77);
	assert_true(number_bytes((struct bytes){text, 2}, 16, &v));
	assert_int_equal(v, 0x1f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
