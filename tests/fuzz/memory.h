/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes of an input as a core's memory from some address on. */
#ifndef XK_FUZZ_MEMORY_H
#define XK_FUZZ_MEMORY_H

#include <elf.h>

#include "tests/fuzz/core.h"

#define MEMORY_AT  0x200000u
#define MEMORY_MAX 65536u

struct memory {
	struct buf file;
	struct core c;
	struct core_reader *r;
};

static inline void memory_open(struct memory *m, uint64_t at, const uint8_t *data, size_t len)
{
	const Elf64_Ehdr e = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(e),
		.e_ehsize = sizeof(e),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
	};
	/* whole pages, of which what the input has not is zeros; at least one */
	const size_t size = align_up(len + 1, CORE_PAGE);
	const Elf64_Phdr p = {.p_type = PT_LOAD,
		.p_offset = CORE_PAGE,
		.p_paddr = at,
		.p_filesz = size,
		.p_memsz = size};
	struct diag d;

	*m = (struct memory){0};
	buf_append(&m->file, &e, sizeof(e));
	buf_append(&m->file, &p, sizeof(p));
	buf_zero(&m->file, CORE_PAGE - m->file.len);
	if (len)
		buf_append(&m->file, data, len);
	buf_zero(&m->file, CORE_PAGE + size - m->file.len);
	CHECK(!m->file.failed);
	diag_init(&d);
	CHECK(core_open_bytes(buf_bytes(&m->file), &m->c, &d) == XK_OK);
	m->r = core_reader_create(&m->c);
	CHECK(m->r);
}

static inline void memory_close(struct memory *m)
{
	core_reader_destroy(m->r);
	core_close(&m->c);
	buf_deinit(&m->file);
}

#endif
