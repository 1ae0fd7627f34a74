// SPDX-License-Identifier: GPL-2.0-only
/* The blobs as the loader sees them, and filling in their parameters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/purg.h"

static const unsigned widths[] = {32, 64};

static void test_blob_header(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		struct bytes blob = purg_blob(widths[i]);
		struct purg_abi abi = purg_blob_abi(widths[i]);

		assert_true(blob.len > PURG_ABI_OFFSET + sizeof(abi));
		assert_int_equal(blob.data[0], 0xe9); /* jmp rel32 */
		assert_int_equal(abi.magic, PURG_MAGIC);
		assert_int_equal(abi.version, PURG_VERSION);
		assert_int_equal(abi.size, sizeof(abi));
		/* the blob and its 16 KiB stack, in pages; a crash region has room for 1 MiB */
		assert_int_equal(abi.mem_size % PAGE_SIZE_X86, 0);
		assert_true(abi.mem_size >= blob.len + 16 * KiB);
		assert_true(abi.mem_size <= 1 * MiB);
	}
	/* page tables for 4 GiB and PURG_MAX_MAP, 1 GiB to a table, are in the 64-bit one */
	assert_true(purg_blob_abi(64).mem_size >= (4 + PURG_MAX_MAP / GiB) * PAGE_SIZE_X86);
	assert_true(purg_blob(32).data != purg_blob(64).data);
}

/* As built, nothing is set that the loader did not ask for. */
static void test_blob_params_are_zero(void **state)
{
	const struct purg_abi none = {0};
	const size_t off = offsetof(struct purg_abi, flags);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		struct purg_abi abi = purg_blob_abi(widths[i]);

		assert_memory_equal((const uint8_t *)&abi + off, (const uint8_t *)&none + off,
			sizeof(abi) - off);
	}
}

static void test_no_such_blob(void **state)
{
	static const unsigned bad[] = {0, 16, 31, 33, 63, 65, 128, ~0U};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_null(purg_blob(bad[i]).data);
		assert_int_equal(purg_blob(bad[i]).len, 0);
		assert_int_equal(purg_blob_abi(bad[i]).magic, 0);
		assert_int_equal(purg_blob_abi(bad[i]).mem_size, 0);
	}
}

static void test_fill(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		struct bytes blob = purg_blob(widths[i]);
		struct purg_abi built = purg_blob_abi(widths[i]), params, got;
		size_t end = PURG_ABI_OFFSET + sizeof(params);
		uint8_t *copy = malloc(blob.len);

		assert_non_null(copy);
		memcpy(copy, blob.data, blob.len);
		/* every field is set, also those that a caller may not change */
		memset(&params, 0xee, sizeof(params));
		purg_fill(copy, &params);
		memcpy(&got, copy + PURG_ABI_OFFSET, sizeof(got));

		assert_int_equal(got.magic, built.magic);
		assert_int_equal(got.version, built.version);
		assert_int_equal(got.size, built.size);
		assert_int_equal(got.mem_size, built.mem_size);
		assert_memory_equal(
			&got.flags, &params.flags, sizeof(got) - offsetof(struct purg_abi, flags));
		/* nothing around the parameters moved, and the caller's are as they were */
		assert_memory_equal(copy, blob.data, PURG_ABI_OFFSET);
		assert_memory_equal(copy + end, blob.data + end, blob.len - end);
		assert_int_equal(params.magic, 0xeeeeeeee);
		free(copy);
	}
}

/* Filling again replaces all of what was there. */
static void test_fill_twice(void **state)
{
	struct bytes blob = purg_blob(64);
	uint8_t *copy = malloc(blob.len);
	struct purg_abi params;

	(void)state;
	assert_non_null(copy);
	memcpy(copy, blob.data, blob.len);
	memset(&params, 0xee, sizeof(params));
	purg_fill(copy, &params);
	memset(&params, 0, sizeof(params));
	purg_fill(copy, &params);
	assert_memory_equal(copy, blob.data, blob.len);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(test_blob_header),
		cmocka_unit_test(test_blob_params_are_zero),
		cmocka_unit_test(test_no_such_blob),
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_fill_twice),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
