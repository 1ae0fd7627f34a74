// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/xktest.h"

#include <elf.h>

#include "tests/unit/mkcore.h"

void mkcore_init(struct mkcore *m, uint8_t class, uint16_t machine)
{
	memset(m, 0, sizeof(*m));
	m->class = class;
	m->machine = machine;
	m->type = ET_CORE;
	m->off_align = 4096;
}

void mkcore_deinit(struct mkcore *m)
{
	for (size_t i = 0; i < m->nr; i++)
		free(m->loads[i].data);
	buf_deinit(&m->notes);
}

struct mkcore_load *mkcore_mem(struct mkcore *m, uint64_t paddr, size_t len)
{
	struct mkcore_load *l = &m->loads[m->nr];

	assert_true(m->nr < MKCORE_LOADS);
	m->nr++;
	*l = (struct mkcore_load){.paddr = paddr, .memsz = len, .filesz = len, .len = len};
	l->data = calloc(1, len ? len : 1);
	assert_non_null(l->data);
	return l;
}

uint8_t *mkcore_at(struct mkcore *m, uint64_t paddr, size_t len)
{
	for (size_t i = 0; i < m->nr; i++) {
		struct mkcore_load *l = &m->loads[i];

		if (paddr >= l->paddr && paddr - l->paddr <= l->len &&
			len <= l->len - (paddr - l->paddr))
			return l->data + (paddr - l->paddr);
	}
	fail_msg("%llx is not in the core that is being built", (unsigned long long)paddr);
	return NULL;
}

void mkcore_put(struct mkcore *m, uint64_t paddr, const void *data, size_t len)
{
	memcpy(mkcore_at(m, paddr, len), data, len);
}

void mkcore_put64(struct mkcore *m, uint64_t paddr, uint64_t v)
{
	mkcore_put(m, paddr, &v, sizeof(v));
}

void mkcore_put32(struct mkcore *m, uint64_t paddr, uint32_t v)
{
	mkcore_put(m, paddr, &v, sizeof(v));
}

uint8_t mkcore_byte(uint64_t paddr)
{
	return (uint8_t)(paddr * 7 + (paddr >> 8) * 3 + (paddr >> 12) * 11 + 1);
}

void mkcore_fill(struct mkcore *m, uint64_t paddr, size_t len)
{
	uint8_t *p = mkcore_at(m, paddr, len);

	for (size_t i = 0; i < len; i++)
		p[i] = mkcore_byte(paddr + i);
}

void mkcore_note(struct mkcore *m, const char *name, uint32_t type, const void *desc, size_t len)
{
	uint32_t hdr[3] = {(uint32_t)strlen(name) + 1, (uint32_t)len, type};

	buf_append(&m->notes, hdr, sizeof(hdr));
	buf_append(&m->notes, name, hdr[0]);
	buf_zero(&m->notes, -m->notes.len % 4);
	if (len)
		buf_append(&m->notes, desc, len);
	buf_zero(&m->notes, -m->notes.len % 4);
}

static void put_phdr(const struct mkcore *m, uint8_t *at, size_t i, Elf64_Phdr p)
{
	if (m->class == ELFCLASS64) {
		memcpy(at + i * sizeof(p), &p, sizeof(p));
	} else {
		Elf32_Phdr q = {p.p_type, (uint32_t)p.p_offset, (uint32_t)p.p_vaddr,
			(uint32_t)p.p_paddr, (uint32_t)p.p_filesz, (uint32_t)p.p_memsz, p.p_flags,
			0};

		memcpy(at + i * sizeof(q), &q, sizeof(q));
	}
}

static void put_ehdr(const struct mkcore *m, uint8_t *at, uint16_t phnum)
{
	Elf64_Ehdr e = {.e_ident = ELFMAG, .e_type = m->type, .e_machine = m->machine};
	Elf32_Ehdr f = {.e_ident = ELFMAG, .e_type = m->type, .e_machine = m->machine};

	e.e_ident[EI_CLASS] = f.e_ident[EI_CLASS] = m->class;
	e.e_ident[EI_DATA] = f.e_ident[EI_DATA] = ELFDATA2LSB;
	e.e_ident[EI_VERSION] = f.e_ident[EI_VERSION] = EV_CURRENT;
	e.e_flags = f.e_flags = m->e_flags;
	e.e_phnum = f.e_phnum = m->phnum ? m->phnum : phnum;
	e.e_phoff = e.e_ehsize = sizeof(e);
	f.e_phoff = f.e_ehsize = sizeof(f);
	e.e_phentsize = sizeof(Elf64_Phdr);
	f.e_phentsize = sizeof(Elf32_Phdr);
	if (m->class == ELFCLASS64)
		memcpy(at, &e, sizeof(e));
	else
		memcpy(at, &f, sizeof(f));
}

struct buf mkcore_build(struct mkcore *m)
{
	bool is_64 = m->class == ELFCLASS64;
	size_t ehdr = is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	size_t phdr = is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	size_t nr = m->nr + (m->notes.len != 0), k = 0;
	struct buf b = {0};

	assert_false(m->notes.failed);
	buf_zero(&b, ehdr + nr * phdr);
	put_ehdr(m, b.data, (uint16_t)nr);
	if (m->notes.len) {
		put_phdr(m, b.data + ehdr, k++,
			(Elf64_Phdr){.p_type = PT_NOTE,
				.p_offset = b.len,
				.p_filesz = m->notes.len,
				.p_memsz = m->notes.len});
		buf_append(&b, m->notes.data, m->notes.len);
	}
	for (size_t i = 0; i < m->nr; i++) {
		struct mkcore_load *l = &m->loads[i];

		if (!l->fixed_off) {
			buf_zero(&b, (size_t)align_up(b.len, m->off_align) - b.len);
			l->off = b.len;
			if (l->len)
				buf_append(&b, l->data, l->len);
		}
		put_phdr(m, b.data + ehdr, k++,
			(Elf64_Phdr){PT_LOAD, PF_R | PF_W | PF_X, l->off, l->virt, l->paddr,
				l->filesz, l->memsz, 0});
	}
	assert_false(b.failed);
	return b;
}
