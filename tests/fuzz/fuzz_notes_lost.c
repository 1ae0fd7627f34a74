// SPDX-License-Identifier: GPL-2.0-only
/* Notes of CPUs that are looked for in the memory of an ELF core. */
#include <elf.h>

#include "tests/fuzz/core.h"
#include "vmcore/notes_lost.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct notes_lost lost;
	struct core_notes n;
	struct core c;
	struct diag d;
	size_t before, bytes;

	if (len < SELFMAG || memcmp(data, ELFMAG, SELFMAG))
		return 0;
	diag_init(&d);
	if (core_open_bytes((struct bytes){data, len}, &c, &d))
		return 0;
	CHECK(!core_notes_parse(buf_bytes(&c.notes), c.machine, &n, &d));
	before = n.nr_cpus;
	bytes = c.notes.len;
	CHECK(!notes_recover(&c, &n, &lost, &d));
	CHECK(n.nr_cpus == before + lost.found);
	CHECK(c.notes.len >= bytes && (lost.found || c.notes.len == bytes));
	CHECK(!lost.found || lost.text[0]);
	core_notes_deinit(&n);
	core_close(&c);
	return 0;
}
