// SPDX-License-Identifier: GPL-2.0-only
/* Facts files: what is read is written in a form that is read as the same value. */
#include "common/host.h"
#include "tests/fuzz/fuzz.h"

#define CHECK(c) ((c) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf first = {0}, second = {0};
	struct host h, back;
	struct diag d;

	diag_init(&d);
	host_init(&h);
	if (facts_read((struct bytes){data, len}, "facts", &h, &d)) {
		CHECK(d.text[0]);
		return 0;
	}
	CHECK(!facts_write(&h, &first, &d));
	CHECK(!facts_read(buf_bytes(&first), "again", &back, &d));
	CHECK(!facts_write(&back, &second, &d));
	CHECK(first.len == second.len && !memcmp(first.data, second.data, first.len));
	buf_deinit(&first);
	buf_deinit(&second);
	host_deinit(&h);
	host_deinit(&back);
	return 0;
}
