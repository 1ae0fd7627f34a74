// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "common/elfcore.h"

static bool grow(void **v, size_t *cap, size_t nr, size_t size)
{
	size_t want = *cap ? 2 * *cap : 16;
	void *p;

	if (nr < *cap)
		return true;
	p = reallocarray(*v, want, size);
	if (!p)
		return false;
	*v = p;
	*cap = want;
	return true;
}

bool core_add_note(struct core_spec *s, maddr_t addr, uint64_t size)
{
	if (!grow((void **)&s->notes, &s->cap_notes, s->nr_notes, sizeof(*s->notes)))
		return false;
	s->notes[s->nr_notes++] = (struct core_note){addr, size};
	return true;
}

bool core_add_load(struct core_spec *s, struct range mem, maddr_t content, vaddr_t virt)
{
	if (!grow((void **)&s->loads, &s->cap_loads, s->nr_loads, sizeof(*s->loads)))
		return false;
	s->loads[s->nr_loads++] = (struct core_load){mem, content, virt};
	return true;
}

void core_spec_deinit(struct core_spec *s)
{
	free(s->notes);
	free(s->loads);
	memset(s, 0, sizeof(*s));
}

size_t core_header_size(uint8_t class, size_t nr_phdrs)
{
	if (class == ELFCLASS32)
		return sizeof(Elf32_Ehdr) + nr_phdrs * sizeof(Elf32_Phdr);
	return sizeof(Elf64_Ehdr) + nr_phdrs * sizeof(Elf64_Phdr);
}

/* A program header in the wider class; narrowed when it is written. */
static bool append_phdr(struct buf *b, uint8_t class, const Elf64_Phdr *p)
{
	Elf32_Phdr n;

	if (class == ELFCLASS64) {
		buf_append(b, p, sizeof(*p));
		return true;
	}
	n = (Elf32_Phdr){
		.p_type = p->p_type,
		.p_flags = p->p_flags,
		.p_offset = (Elf32_Off)p->p_offset,
		.p_vaddr = (Elf32_Addr)p->p_vaddr,
		.p_paddr = (Elf32_Addr)p->p_paddr,
		.p_filesz = (Elf32_Word)p->p_filesz,
		.p_memsz = (Elf32_Word)p->p_memsz,
	};
	buf_append(b, &n, sizeof(n));
	/* The last byte counts, not only the first. */
	return p->p_paddr + p->p_memsz <= UINT32_MAX + UINT64_C(1) &&
	       p->p_offset + p->p_filesz <= UINT32_MAX + UINT64_C(1) && p->p_vaddr <= UINT32_MAX;
}

static void append_ehdr(struct buf *b, const struct core_spec *s, size_t phnum)
{
	unsigned char ident[EI_NIDENT] = {
		ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, s->class, ELFDATA2LSB, EV_CURRENT};

	if (s->class == ELFCLASS64) {
		Elf64_Ehdr e = {
			.e_type = ET_CORE,
			.e_machine = s->machine,
			.e_version = EV_CURRENT,
			.e_phoff = sizeof(e),
			.e_ehsize = sizeof(e),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = (Elf64_Half)phnum,
		};

		memcpy(e.e_ident, ident, sizeof(ident));
		buf_append(b, &e, sizeof(e));
	} else {
		Elf32_Ehdr e = {
			.e_type = ET_CORE,
			.e_machine = s->machine,
			.e_version = EV_CURRENT,
			.e_phoff = sizeof(e),
			.e_ehsize = sizeof(e),
			.e_phentsize = sizeof(Elf32_Phdr),
			.e_phnum = (Elf32_Half)phnum,
		};

		memcpy(e.e_ident, ident, sizeof(ident));
		buf_append(b, &e, sizeof(e));
	}
}

enum xk_status core_build(const struct core_spec *s, struct buf *ret, struct diag *d)
{
	size_t phnum = s->nr_notes + s->nr_loads;
	bool fits = true;

	if (phnum > CORE_MAX_PHDRS)
		return diag_fail(d, XK_UNSUPPORTED,
			"the core header would need %zu program headers (%zu notes, %zu memory "
			"ranges); the ELF format that a dump kernel reads holds %d",
			phnum, s->nr_notes, s->nr_loads, CORE_MAX_PHDRS);
	append_ehdr(ret, s, phnum);
	for (size_t i = 0; i < s->nr_notes; i++) {
		const struct core_note *n = &s->notes[i];
		Elf64_Phdr p = {
			.p_type = PT_NOTE,
			.p_offset = n->addr,
			.p_paddr = n->addr,
			.p_filesz = n->size,
			.p_memsz = n->size,
		};

		fits &= append_phdr(ret, s->class, &p);
	}
	for (size_t i = 0; i < s->nr_loads; i++) {
		const struct core_load *l = &s->loads[i];
		Elf64_Phdr p = {
			.p_type = PT_LOAD,
			.p_flags = PF_R | PF_W | PF_X,
			.p_offset = l->content,
			.p_vaddr = l->virt,
			.p_paddr = l->mem.start,
			.p_filesz = range_size(l->mem),
			.p_memsz = range_size(l->mem),
		};

		fits &= append_phdr(ret, s->class, &p);
	}
	if (ret->failed)
		return diag_fail(d, XK_NOMEM, "no memory for the core header");
	if (!fits)
		return diag_fail(d, XK_UNSUPPORTED,
			"the core header is ELF32 but some memory or note lies above 4 GiB");
	return XK_OK;
}

/* The fields of either class that matter, widened. */
struct ehdr {
	uint16_t type, machine, ehsize, phentsize, phnum;
	uint32_t version;
	uint64_t phoff;
};

static bool read_ehdr(struct bytes b, uint8_t class, struct ehdr *ret)
{
	Elf64_Ehdr w;
	Elf32_Ehdr n;

	if (class == ELFCLASS64) {
		if (!bytes_read(b, 0, &w, sizeof(w)))
			return false;
		*ret = (struct ehdr){w.e_type, w.e_machine, w.e_ehsize, w.e_phentsize, w.e_phnum,
			w.e_version, w.e_phoff};
		return w.e_ehsize == sizeof(w) && w.e_phentsize == sizeof(Elf64_Phdr);
	}
	if (!bytes_read(b, 0, &n, sizeof(n)))
		return false;
	*ret = (struct ehdr){n.e_type, n.e_machine, n.e_ehsize, n.e_phentsize, n.e_phnum,
		n.e_version, n.e_phoff};
	return n.e_ehsize == sizeof(n) && n.e_phentsize == sizeof(Elf32_Phdr);
}

static bool read_phdr(struct bytes b, uint64_t off, uint8_t class, Elf64_Phdr *ret)
{
	Elf32_Phdr n;

	if (class == ELFCLASS64)
		return bytes_read(b, off, ret, sizeof(*ret));
	if (!bytes_read(b, off, &n, sizeof(n)))
		return false;
	*ret = (Elf64_Phdr){
		.p_type = n.p_type,
		.p_offset = n.p_offset,
		.p_vaddr = n.p_vaddr,
		.p_paddr = n.p_paddr,
		.p_filesz = n.p_filesz,
		.p_memsz = n.p_memsz,
	};
	return true;
}

static enum xk_status parse_phdr(
	const Elf64_Phdr *p, unsigned i, struct core_spec *ret, struct diag *d)
{
	struct range mem, content;

	if (!range_make(p->p_paddr, p->p_memsz, &mem) ||
		!range_make(p->p_offset, p->p_filesz, &content))
		return diag_fail(d, XK_BAD_INPUT,
			"core header: program header %u: address plus size wraps", i);
	if (p->p_filesz != p->p_memsz || !p->p_memsz)
		return diag_fail(d, XK_BAD_INPUT,
			"core header: program header %u: file size %" PRIaddr
			" and memory size %" PRIaddr " must be equal and not 0",
			i, p->p_filesz, p->p_memsz);
	if (p->p_type != PT_NOTE && p->p_type != PT_LOAD)
		return diag_fail(d, XK_BAD_INPUT,
			"core header: program header %u: type %#x is neither note nor memory", i,
			p->p_type);
	if (p->p_type == PT_NOTE ? !core_add_note(ret, p->p_offset, p->p_memsz)
				 : !core_add_load(ret, mem, p->p_offset, p->p_vaddr))
		return diag_fail(d, XK_NOMEM, "no memory to read the core header");
	return XK_OK;
}

enum xk_status core_parse(struct bytes header, struct core_spec *ret, struct diag *d)
{
	struct core_spec s = {0};
	unsigned char ident[EI_NIDENT];
	enum xk_status st = XK_OK;
	struct ehdr e;

	if (!bytes_read(header, 0, ident, sizeof(ident)) || memcmp(ident, ELFMAG, SELFMAG) ||
		ident[EI_DATA] != ELFDATA2LSB || ident[EI_VERSION] != EV_CURRENT ||
		(ident[EI_CLASS] != ELFCLASS64 && ident[EI_CLASS] != ELFCLASS32))
		return diag_fail(d, XK_BAD_INPUT, "core header: not a little-endian ELF file");
	s.class = ident[EI_CLASS];
	if (!read_ehdr(header, s.class, &e) || e.type != ET_CORE || e.version != EV_CURRENT ||
		e.phnum > CORE_MAX_PHDRS)
		return diag_fail(d, XK_BAD_INPUT,
			"core header: not an ELF core of class %u with its own header sizes",
			s.class);
	s.machine = e.machine;
	for (unsigned i = 0; !st && i < e.phnum; i++) {
		Elf64_Phdr p;

		if (e.phoff > header.len ||
			!read_phdr(header, e.phoff + (uint64_t)i * e.phentsize, s.class, &p))
			st = diag_fail(d, XK_BAD_INPUT,
				"core header: program header %u of %u lies past its end", i,
				e.phnum);
		else
			st = parse_phdr(&p, i, &s, d);
	}
	if (st)
		core_spec_deinit(&s);
	else
		*ret = s;
	return st;
}
