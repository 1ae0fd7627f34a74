// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>

#include "tests/unit/mkelf.h"

struct mkelf mkelf_default(bool is_64)
{
	struct mkelf m = {
		.is_64 = is_64,
		.type = ET_EXEC,
		.machine = is_64 ? EM_X86_64 : EM_386,
		.entry = 0x1000040,
		.banner = "Linux version 6.1.0-elf (who@where) #1 SMP",
		.size = 0x9000,
		.nr = is_64 ? 3 : 1,
	};

	m.seg[0].type = PT_LOAD;
	m.seg[0].off = 0x1000;
	m.seg[0].vaddr = is_64 ? 0xffffffff81000000 : 0xc1000000;
	m.seg[0].paddr = 0x1000000;
	m.seg[0].filesz = m.seg[0].memsz = 0x2000;
	if (!is_64) {
		m.seg[0].memsz = 0x10000;
		return m;
	}
	m.seg[1].type = PT_LOAD;
	m.seg[1].off = 0x4000;
	m.seg[1].paddr = 0x1003000;
	m.seg[1].filesz = m.seg[1].memsz = 0x800;
	m.seg[2].type = PT_LOAD;
	m.seg[2].off = 0x5000;
	m.seg[2].vaddr = 0xffffffff81004000;
	m.seg[2].paddr = 0x1004000;
	m.seg[2].filesz = 0x1234;
	m.seg[2].memsz = 0x40000;
	return m;
}

uint8_t mkelf_byte(size_t i)
{
	return (uint8_t)(0x80 | (i * 5 + (i >> 9)));
}

struct buf mkelf_build(const struct mkelf *m)
{
	size_t ehsize = m->is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	struct buf b = {0};

	buf_zero(&b, m->size);
	if (b.failed)
		return b;
	for (size_t i = 0; i < m->size; i++)
		b.data[i] = mkelf_byte(i);
	if (m->is_64) {
		Elf64_Ehdr e = {.e_ident = ELFMAG, .e_type = m->type, .e_machine = m->machine};

		e.e_ident[EI_CLASS] = ELFCLASS64;
		e.e_ident[EI_DATA] = ELFDATA2LSB;
		e.e_entry = m->entry;
		e.e_phoff = ehsize;
		e.e_phentsize = m->phentsize ? m->phentsize : sizeof(Elf64_Phdr);
		e.e_phnum = m->phnum ? m->phnum : (uint16_t)m->nr;
		memcpy(b.data, &e, sizeof(e));
	} else {
		Elf32_Ehdr e = {.e_ident = ELFMAG, .e_type = m->type, .e_machine = m->machine};

		e.e_ident[EI_CLASS] = ELFCLASS32;
		e.e_ident[EI_DATA] = ELFDATA2LSB;
		e.e_entry = (uint32_t)m->entry;
		e.e_phoff = (uint32_t)ehsize;
		e.e_phentsize = m->phentsize ? m->phentsize : sizeof(Elf32_Phdr);
		e.e_phnum = m->phnum ? m->phnum : (uint16_t)m->nr;
		memcpy(b.data, &e, sizeof(e));
	}
	for (size_t i = 0; i < m->nr; i++) {
		Elf64_Phdr p = {m->seg[i].type, 0, m->seg[i].off, m->seg[i].vaddr, m->seg[i].paddr,
			m->seg[i].filesz, m->seg[i].memsz, 0x1000};
		Elf32_Phdr q = {m->seg[i].type, (uint32_t)m->seg[i].off, (uint32_t)m->seg[i].vaddr,
			(uint32_t)m->seg[i].paddr, (uint32_t)m->seg[i].filesz,
			(uint32_t)m->seg[i].memsz, 0, 0x1000};

		if (m->is_64)
			memcpy(b.data + ehsize + i * sizeof(p), &p, sizeof(p));
		else
			memcpy(b.data + ehsize + i * sizeof(q), &q, sizeof(q));
	}
	if (m->banner)
		memcpy(b.data + m->seg[0].off, m->banner, strlen(m->banner) + 1);
	return b;
}
