// SPDX-License-Identifier: GPL-2.0-only
/*
 * ELF cores of both classes: /proc/vmcore (Linux fs/proc/vmcore.c), copies of it, what QEMU writes,
 * and what makedumpfile leaves, where a p_filesz short of p_memsz says what was left out.
 */
#include <elf.h>
#include <stdlib.h>

#include "vmcore/core_file.h"

/* Every header costs memory here; a dump kernel shows at most 65534. */
#define MAX_PHDRS	 0x20000
#define IMAGES_MAX_LOADS 4096

/* As ranks: where headers overlap, content wins over none, then the first header. */
enum span_kind { SPAN_FILE, SPAN_CUT, SPAN_EXCLUDED };

bool core_elf_is(struct bytes head)
{
	return bytes_has(head, 0, SELFMAG) && !memcmp(head.data, ELFMAG, SELFMAG);
}

/* e_phnum and where the headers lie, of either class. */
struct table {
	bool is_64;
	uint64_t off, nr;
	size_t size; /* of one */
};

static enum xk_status read_ehdr(
	struct core *c, struct source_view *v, struct table *t, struct diag *d)
{
	const struct source *s = &c->file->src[0];
	uint8_t ident[EI_NIDENT];
	uint64_t shoff;
	Elf64_Ehdr e;
	Elf32_Ehdr f;

	if (!source_get(s, v, 0, ident, sizeof(ident)))
		return diag_fail(d, XK_BAD_INPUT, "%s ends within its ELF header", s->name);
	c->class = ident[EI_CLASS];
	t->is_64 = c->class == ELFCLASS64;
	if ((!t->is_64 && c->class != ELFCLASS32) || ident[EI_DATA] != ELFDATA2LSB)
		return diag_fail(d, XK_UNSUPPORTED,
			"%s is an ELF file of class %u and byte order %u; cores of x86 have class 1 or 2 and byte order 1",
			s->name, ident[EI_CLASS], ident[EI_DATA]);
	if (!source_get(
		    s, v, 0, t->is_64 ? (void *)&e : (void *)&f, t->is_64 ? sizeof(e) : sizeof(f)))
		return diag_fail(d, XK_BAD_INPUT, "%s ends within its ELF header", s->name);
	if (!t->is_64) {
		e = (Elf64_Ehdr){.e_type = f.e_type, .e_machine = f.e_machine};
		e.e_phoff = f.e_phoff;
		e.e_shoff = f.e_shoff;
		e.e_flags = f.e_flags;
		e.e_phnum = f.e_phnum;
		e.e_phentsize = f.e_phentsize;
	}
	c->machine = e.e_machine;
	c->e_flags = e.e_flags;
	c->incomplete = e.e_flags & 1; /* makedumpfile's mark: DUMP_ELF_INCOMPLETE */
	if (e.e_type != ET_CORE)
		return diag_fail(d, XK_BAD_INPUT,
			"%s is an ELF file of type %u, not a core (type %u): a kernel, perhaps?",
			s->name, e.e_type, ET_CORE);
	if (c->machine != EM_X86_64 && c->machine != EM_386)
		return diag_fail(d, XK_UNSUPPORTED,
			"%s is a core of machine %u; this tool reads those of x86 (%u and %u)",
			s->name, c->machine, EM_386, EM_X86_64);
	t->off = e.e_phoff;
	t->nr = e.e_phnum;
	t->size = t->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if (e.e_phentsize != t->size)
		core_problem(c,
			"the ELF header says that a program header has %u bytes; taken for %zu",
			e.e_phentsize, t->size);
	shoff = e.e_shoff;
	if (t->nr == PN_XNUM && shoff) { /* the number is in the first section header's sh_info */
		uint32_t nr;

		if (source_get(s, v, shoff + (t->is_64 ? 44 : 28), &nr, sizeof(nr)))
			t->nr = nr;
	}
	return XK_OK;
}

static bool read_phdr(const struct core *c, struct source_view *v, const struct table *t,
	uint64_t i, Elf64_Phdr *ret)
{
	const struct source *s = &c->file->src[0];
	Elf32_Phdr q;

	if (t->is_64)
		return source_get(s, v, t->off + i * sizeof(*ret), ret, sizeof(*ret));
	if (!source_get(s, v, t->off + i * sizeof(q), &q, sizeof(q)))
		return false;
	*ret = (Elf64_Phdr){q.p_type, q.p_flags, q.p_offset, q.p_vaddr, q.p_paddr, q.p_filesz,
		q.p_memsz, q.p_align};
	return true;
}

static void add_notes(struct core *c, struct source_view *v, uint64_t i, const Elf64_Phdr *p)
{
	const struct source *s = &c->file->src[0];
	uint64_t want = p->p_filesz, have;
	size_t got;

	if (want > CORE_MAX_NOTES - c->notes.len) {
		core_problem(c,
			"program header %" PRIu64 " describes %" PRIu64
			" bytes of notes; only the first %" PRIu64 " bytes of all notes are read",
			i, want, (uint64_t)CORE_MAX_NOTES);
		want = CORE_MAX_NOTES - c->notes.len;
	}
	have = p->p_offset < s->size ? min_u64(want, s->size - p->p_offset) : 0;
	buf_zero(&c->notes, (size_t)have);
	if (c->notes.failed)
		return;
	got = source_read(s, v, p->p_offset, c->notes.data + c->notes.len - have, (size_t)have);
	c->notes.len -= (size_t)have - got;
	if (got < want)
		core_problem(c,
			"the file has only %zu of %" PRIu64 " bytes of notes at offset %" PRIaddr,
			got, want, p->p_offset);
	buf_zero(&c->notes, -c->notes.len % 4);
}

static bool add_span(struct core *c, maddr_t start, uint64_t size, uint64_t off, uint64_t phdr,
	enum span_kind kind)
{
	return spans_add(
		c->file->elf, (struct span){{start, start + size}, off, (uint32_t)phdr, kind});
}

/* False only for want of memory. */
static bool add_load(struct core *c, uint64_t i, const Elf64_Phdr *p, uint64_t *cut)
{
	uint64_t memsz = max_u64(p->p_memsz, p->p_filesz), have, file = c->file->src[0].size;
	struct range mem;

	if (!memsz)
		return true;
	if (!range_make(p->p_paddr, memsz, &mem) || mem.end > CORE_MAX_ADDR) {
		core_problem(c,
			"program header %" PRIu64 " describes %" PRIaddr " bytes at %" PRIaddr
			", where no x86 machine has memory: ignored",
			i, memsz, p->p_paddr);
		return true;
	}
	if (p->p_filesz > p->p_memsz)
		core_problem(c,
			"program header %" PRIu64 " has more bytes in the file (%" PRIaddr
			") than in memory (%" PRIaddr ")",
			i, p->p_filesz, p->p_memsz);
	have = p->p_offset < file ? min_u64(p->p_filesz, file - p->p_offset) : 0;
	*cut += p->p_filesz - have;
	c->loads[c->nr_loads++] = (struct core_load){mem, p->p_vaddr};
	return add_span(c, mem.start, have, p->p_offset, i, SPAN_FILE) &&
	       add_span(c, mem.start + have, p->p_filesz - have, 0, i, SPAN_CUT) &&
	       add_span(c, mem.start + p->p_filesz, memsz - p->p_filesz, 0, i, SPAN_EXCLUDED) &&
	       range_list_add(&c->ram, mem, MEM_RAM);
}

/* Bytes of loads that lie wholly in another one: every loader describes the image of what crashed
 * so, once more with its virtual address. Quadratic: not asked of a file with absurdly many. */
static uint64_t images(const struct core *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < c->nr_loads && c->nr_loads <= IMAGES_MAX_LOADS; i++)
		for (size_t k = 0; k < c->nr_loads; k++)
			if (k != i && range_contains(c->loads[k].mem, c->loads[i].mem)) {
				n += range_size(c->loads[i].mem);
				break;
			}
	return n;
}

/* Sorts the spans and makes them disjoint. */
static bool finish(struct core *c)
{
	uint64_t twice;

	if (!spans_finish(c->file->elf, &twice))
		return false;
	if (twice > images(c))
		core_problem(c,
			"%" PRIu64
			" KiB of memory are described more than once; the first description is used",
			(twice + 1023) / 1024);
	return true;
}

static enum xk_status read_phdrs(
	struct core *c, struct source_view *v, const struct table *t, struct diag *d)
{
	const struct source *s = &c->file->src[0];
	uint64_t nr = min_u64(t->nr, MAX_PHDRS), cut = 0, i;
	bool ok = true;

	/* no more than the file can hold, whatever it says */
	nr = t->off < s->size ? min_u64(nr, (s->size - t->off) / t->size) : 0;
	c->file->elf = calloc(1, sizeof(*c->file->elf));
	c->loads = calloc((size_t)nr + 1, sizeof(*c->loads));
	if (!c->file->elf || !c->loads)
		return diag_fail(d, XK_NOMEM, "no memory for %" PRIu64 " program headers", nr);
	for (i = 0; ok && i < nr; i++) {
		Elf64_Phdr p;

		if (!read_phdr(c, v, t, i, &p))
			break;
		if (p.p_type == PT_NOTE)
			add_notes(c, v, i, &p);
		else if (p.p_type == PT_LOAD)
			ok = add_load(c, i, &p, &cut);
	}
	if (i < t->nr)
		core_problem(c,
			"%" PRIu64 " of %" PRIu64
			" program headers could be read: the rest is missing from the file, or beyond this tool's limit of %d",
			i, t->nr, MAX_PHDRS);
	if (cut)
		core_problem(c,
			"the file is cut short: %" PRIu64
			" KiB of the memory it describes are not in it",
			(cut + 1023) / 1024);
	if (!ok || !finish(c))
		return diag_fail(d, XK_NOMEM, "no memory for %" PRIu64 " program headers", nr);
	return XK_OK;
}

static size_t elf_run(struct core_reader *r, uint64_t pfn, size_t max, uint8_t *to);
static enum page_state elf_page(struct core_reader *r, uint64_t pfn, uint8_t *to);

enum xk_status core_elf_open(struct core *c, struct diag *d)
{
	static const struct core_ops ops = {elf_run, elf_page};
	_cleanup_(source_view_deinit) struct source_view v = {0};
	struct table t = {0};
	enum xk_status st;

	c->format = CORE_ELF;
	c->file->ops = &ops;
	if (c->file->nr_src > 1)
		return diag_fail(d, XK_BAD_INPUT,
			"%s is an ELF core, which is one file; only kdump-compressed dumps are split into several",
			c->file->src[0].name);
	st = read_ehdr(c, &v, &t, d);
	if (!st)
		st = read_phdrs(c, &v, &t, d);
	if (!st && !c->nr_loads && !c->notes.len)
		st = diag_fail(d, XK_BAD_INPUT, "%s describes neither memory nor notes%s%s",
			c->file->src[0].name, c->nr_problems ? ": " : "",
			c->nr_problems ? c->problems[0] : "");
	return st;
}

void core_elf_close(struct core_file *f)
{
	if (f->elf)
		spans_deinit(f->elf);
	free(f->elf);
	f->elf = NULL;
}

static size_t elf_run(struct core_reader *r, uint64_t pfn, size_t max, uint8_t *to)
{
	const struct core_file *f = r->core->file;
	maddr_t at = pfn * CORE_PAGE;
	size_t i = spans_find(f->elf, at), n;
	const struct span *s;

	if (i == f->elf->nr)
		return 0;
	s = &f->elf->v[i];
	if (s->rank != SPAN_FILE || s->r.start > at)
		return 0;
	n = (size_t)min_u64(max, (s->r.end - at) / CORE_PAGE);
	return source_read(&f->src[0], &r->view, s->off + (at - s->r.start), to, n * CORE_PAGE) /
	       CORE_PAGE;
}

/* A page at the border of spans: what is not described of it reads as zeros. */
static enum page_state elf_page(struct core_reader *r, uint64_t pfn, uint8_t *to)
{
	const struct core_file *f = r->core->file;
	struct range page = {pfn * CORE_PAGE, (pfn + 1) * CORE_PAGE};
	enum page_state state = PAGE_HOLE;

	memset(to, 0, CORE_PAGE);
	for (size_t i = spans_find(f->elf, page.start);
		i < f->elf->nr && f->elf->v[i].r.start < page.end; i++) {
		const struct span *s = &f->elf->v[i];
		struct range part = {max_u64(page.start, s->r.start), min_u64(page.end, s->r.end)};

		if (s->rank == SPAN_EXCLUDED) {
			if (state == PAGE_HOLE)
				state = PAGE_EXCLUDED;
		} else if (s->rank == SPAN_CUT ||
			   !source_get(&f->src[0], &r->view, s->off + (part.start - s->r.start),
				   to + (part.start - page.start), (size_t)range_size(part))) {
			return PAGE_BAD;
		} else {
			state = PAGE_DATA;
		}
	}
	return state;
}
