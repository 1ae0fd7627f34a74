// SPDX-License-Identifier: GPL-2.0-only
/* The notes of a core: what is found lies within them. */
#include <elf.h>

#include "tests/fuzz/fuzz.h"
#include "vmcore/notes.h"

#define CHECK(c) ((c) ? (void)0 : __builtin_trap())

static void inside(const uint8_t *data, size_t len, struct bytes b)
{
	CHECK(!b.len || (b.data >= data && b.len <= len && b.data <= data + (len - b.len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct core_notes n;
	struct diag d;
	unsigned sum = 0;

	diag_init(&d);
	CHECK(core_notes_parse((struct bytes){data, len}, EM_X86_64, &n, &d) == XK_OK);
	CHECK(n.nr_problems <= ARRAY_SIZE(n.problems));
	CHECK(n.nr_cpus <= len / 144);
	CHECK(n.bits == 0 || n.bits == 32 || n.bits == 64);
	CHECK(n.bits || (!n.nr_cpus && !n.xen));
	for (size_t i = 0; i < n.nr_cpus; i++)
		sum += n.cpus[i].empty;
	CHECK(sum <= n.nr_cpus);
	inside(data, len, n.vmcoreinfo);
	inside(data, len, n.vmcoreinfo_xen);
	if (n.xenkdump) {
		struct bytes t = xkn_symbols(n.xenkdump);

		CHECK(t.len <= XKN_MAX_TEXT);
		CHECK(!t.len || t.data[t.len] == 0);
		inside(data, len, n.xenkdump->tool);
		for (size_t i = 0; i < n.xenkdump->nr_map; i++)
			CHECK(n.xenkdump->map[i].start < n.xenkdump->map[i].end);
	}
	core_notes_deinit(&n);
	return 0;
}
