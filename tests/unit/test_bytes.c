// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/xktest.h"

#include "common/bytes.h"

/* Whether [off, off+len) is in 8 bytes, also where off + len passes 64 bits. */
static void bounds(void **state)
{
	static const struct {
		uint64_t off, len;
		bool in;
	} rows[] = {
		{0, 0, true},
		{0, 8, true},
		{8, 0, true},
		{7, 1, true},
		{3, 5, true},
		{0, 9, false},
		{8, 1, false},
		{9, 0, false},
		{7, 2, false},
		{4, UINT64_MAX, false},
		{UINT64_MAX, 1, false},
		{UINT64_MAX, UINT64_MAX, false},
		{1, UINT64_MAX, false},
		{UINT64_C(1) << 32, 1, false},
		{0, UINT64_C(1) << 32, false},
		{UINT64_C(1) << 32, 0, false},
	};
	const uint8_t data[8] = {0, 1, 2, 3, 4, 5, 6, 7};
	struct bytes b = {data, sizeof(data)};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t got[8] = {0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee};
		struct bytes sub = bytes_sub(b, rows[i].off, rows[i].len);

		assert_int_equal(bytes_has(b, rows[i].off, rows[i].len), rows[i].in);
		assert_ptr_equal(sub.data, rows[i].in ? data + rows[i].off : NULL);
		assert_int_equal(sub.len, rows[i].in ? rows[i].len : 0);
		if (rows[i].len > 8) /* what follows has a size_t */
			continue;
		assert_int_equal(bytes_read(b, rows[i].off, got, (size_t)rows[i].len), rows[i].in);
		if (rows[i].in)
			assert_memory_equal(got, data + rows[i].off, (size_t)rows[i].len);
		else
			assert_int_equal(got[0], 0xee); /* untouched */
	}
}

static void grows(void **state)
{
	struct buf b = {0};

	(void)state;
	for (unsigned i = 0; i < 5000; i++)
		buf_printf(&b, "%u ", i % 10);
	assert_int_equal(b.len, 10000);
	assert_memory_equal(b.data + 9980, "0 1 2 3 4 5 6 7 8 9 ", 20);
	buf_zero(&b, 3);
	buf_append(&b, "x", 1);
	assert_int_equal(b.len, 10004);
	assert_memory_equal(b.data + 10000, "\0\0\0x", 4);
	assert_int_equal(buf_bytes(&b).len, 10004);
	assert_false(b.failed);
	buf_deinit(&b);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
}

/* No memory is remembered, and what was there stays as it was. */
static void fails(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_append(&b, "abc", 3);
	buf_zero(&b, SIZE_MAX - 2); /* the sum passes SIZE_MAX */
	assert_true(b.failed);
	assert_int_equal(b.len, 3);
	buf_append(&b, "d", 1);
	buf_printf(&b, "%d", 1);
	buf_zero(&b, 1);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "abc", 3);
	buf_deinit(&b);
	assert_false(b.failed);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(bounds),
		cmocka_unit_test(grows),
		cmocka_unit_test(fails),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
