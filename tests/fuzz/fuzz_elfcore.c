// SPDX-License-Identifier: GPL-2.0-only
/* Core headers: what is accepted is written again as a header that means the same. */
#include "common/elfcore.h"
#include "tests/fuzz/fuzz.h"

#define CHECK(c) ((c) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct core_spec s = {0}, back = {0};
	struct buf out = {0};
	struct diag d;

	diag_init(&d);
	if (core_parse((struct bytes){data, len}, &s, &d)) {
		CHECK(d.text[0]);
		return 0;
	}
	/* ELF32 fields are 32 bits, but start and size together can pass 4 GiB */
	if (core_build(&s, &out, &d)) {
		CHECK(s.class == ELFCLASS32 && d.status == XK_UNSUPPORTED);
	} else {
		CHECK(out.len == core_header_size(s.class, s.nr_notes + s.nr_loads));
		CHECK(!core_parse(buf_bytes(&out), &back, &d));
		CHECK(back.machine == s.machine && back.class == s.class);
		CHECK(back.nr_notes == s.nr_notes && back.nr_loads == s.nr_loads);
		for (size_t i = 0; i < s.nr_notes; i++)
			CHECK(back.notes[i].addr == s.notes[i].addr &&
				back.notes[i].size == s.notes[i].size);
		for (size_t i = 0; i < s.nr_loads; i++)
			CHECK(back.loads[i].mem.start == s.loads[i].mem.start &&
				back.loads[i].mem.end == s.loads[i].mem.end &&
				back.loads[i].content == s.loads[i].content &&
				back.loads[i].virt == s.loads[i].virt);
		core_spec_deinit(&back);
	}
	buf_deinit(&out);
	core_spec_deinit(&s);
	return 0;
}
