// SPDX-License-Identifier: GPL-2.0-only
/* Page tables: a byte for the levels, 8 for an address, 2 for the root, then memory from 0 on. */
#include <string.h>

#include "tests/fuzz/core.h"
#include "vmcore/pagetable.h"

static bool read_entry(void *ctx, maddr_t at, size_t size, uint64_t *ret)
{
	uint64_t v = 0;

	CHECK(size == 4 || size == 8);
	CHECK(at < UINT64_C(1) << 52);
	if (!bytes_read(*(struct bytes *)ctx, at, &v, size))
		return false;
	*ret = v;
	return true;
}

static void check_walk(const struct pagetable *t, vaddr_t at)
{
	uint64_t left = 0, again;
	maddr_t m, last;

	if (!pagetable_walk(t, at, &m, &left))
		return;
	CHECK(left && left <= GiB && m < UINT64_C(1) << 52);
	CHECK(at % CORE_PAGE == m % CORE_PAGE);
	CHECK((at + left) % CORE_PAGE == 0);
	/* the last byte of what lies together does */
	CHECK(pagetable_walk(t, at + left - 1, &last, &again));
	CHECK(last == m + left - 1 && again == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes memory;
	struct pagetable t = {.read = read_entry, .ctx = &memory};
	vaddr_t at, found;
	uint16_t root;

	if (len < 11)
		return 0;
	t.levels = data[0] & 7;
	if (data[0] & 0x80)
		t.not_address = UINT64_C(1) << 47;
	memcpy(&at, data + 1, sizeof(at));
	memcpy(&root, data + 9, sizeof(root));
	t.root = root;
	memory = (struct bytes){data + 11, len - 11};
	check_walk(&t, at);
	for (unsigned i = 0; i < 4; i++) {
		maddr_t m;

		found = at;
		if (!pagetable_next(&t, &found, UINT64_MAX))
			break;
		CHECK(found >= at && pagetable_walk(&t, found, &m, NULL));
		check_walk(&t, found);
		if (add_overflow(found, CORE_PAGE, &at))
			break;
	}
	return 0;
}
