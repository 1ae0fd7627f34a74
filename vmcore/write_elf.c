// SPDX-License-Identifier: GPL-2.0-only
/*
 * ELF cores of what was kept: one PT_NOTE, and a PT_LOAD for each run of pages within each load of
 * the source, so that virtual addresses survive where they mean something; loads that overlap in
 * memory share their pages. Pages of zeros are holes of the file. What was left out is described by
 * no PT_LOAD, and so cannot be mistaken for zeros, except where more holes than CUTS_MAX are found
 * within runs.
 */
#include <elf.h>

#include "vmcore/dump.h"

#define PAGE	 CODEC_PAGE
#define CUTS_MAX 512
/* 0xffff is PN_XNUM, which not every reader knows. */
#define PHDRS_MAX 0xfffeu

#define INCOMPLETE 0x1u /* makedumpfile's flag in e_flags */

struct elf_out {
	struct dump_writer w;
	const struct dump_head *h;
	struct out *o;
	uint64_t room; /* PT_LOADs that there is room for */
	uint64_t notes_at, data_at; /* file offsets */
	size_t run; /* the page before was in this run, which begins at run_at of the data */
	uint64_t run_at;
	uint64_t filled; /* flattened: data up to here is written */
	uint64_t end_pfn; /* one beyond the last page that was written or said to be missing */
	struct range cuts[CUTS_MAX]; /* within runs, and not there */
	size_t nr_cuts;
};

static struct range widened(struct range r)
{
	return (struct range){align_down(r.start, PAGE), align_up(r.end, PAGE)};
}

static struct range intersect(struct range a, struct range b)
{
	return (struct range){max_u64(a.start, b.start), min_u64(a.end, b.end)};
}

/* Program headers; counted only when `b` is NULL. */
struct pieces {
	struct buf *b;
	uint64_t nr;
};

static void add_piece(struct pieces *p, struct range mem, vaddr_t virt, uint64_t offset)
{
	Elf64_Phdr ph = {
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W | PF_X,
		.p_offset = offset,
		.p_vaddr = virt,
		.p_paddr = mem.start,
		.p_filesz = range_size(mem),
		.p_memsz = range_size(mem),
		/* p_align stays 0: by it crash tells kdump's cores from netdump's */
	};

	if (range_empty(mem))
		return;
	p->nr++;
	if (p->b)
		buf_append(p->b, &ph, sizeof(ph));
}

/* The parts of a run within a load, without the cuts. `offset` is the run's place in the file. */
static void add_run(const struct elf_out *e, struct range run, uint64_t offset, struct range load,
	vaddr_t virt, size_t nr_cuts, struct pieces *p)
{
	struct range left = intersect(run, load);

	for (size_t i = 0; i < nr_cuts && !range_empty(left); i++) {
		struct range cut = intersect(e->cuts[i], left);

		if (range_empty(cut))
			continue;
		add_piece(p, (struct range){left.start, cut.start},
			virt ? virt + (left.start - load.start) : 0,
			offset + (left.start - run.start));
		left.start = cut.end;
	}
	add_piece(p, left, virt ? virt + (left.start - load.start) : 0,
		offset + (left.start - run.start));
}

/* All pieces below `end`, load by load in their order. */
static void add_pieces(const struct elf_out *e, maddr_t end, size_t nr_cuts, struct pieces *p)
{
	static const struct dump_load anything = {{0, UINT64_MAX - PAGE}, 0};
	const struct dump_head *h = e->h;
	const struct dump_load *loads = h->nr_loads ? h->loads : &anything;
	size_t nr_loads = h->nr_loads ? h->nr_loads : 1;

	for (size_t l = 0; l < nr_loads; l++) {
		struct range load = widened(loads[l].mem);
		uint64_t offset = e->data_at;

		for (size_t i = 0; i < h->nr_runs; i++) {
			struct range run = h->runs[i];

			run.end = min_u64(run.end, end);
			if (!range_empty(run))
				add_run(e, run, offset, load,
					loads[l].virt ? align_down(loads[l].virt, PAGE) : 0,
					nr_cuts, p);
			offset += range_size(h->runs[i]);
		}
	}
}

static uint64_t headers_size(uint64_t nr_loads)
{
	return sizeof(Elf64_Ehdr) + (1 + nr_loads) * sizeof(Elf64_Phdr);
}

/* Fixes the places of everything by the number of program headers. */
static void lay_out(struct elf_out *e)
{
	struct pieces p = {0};

	add_pieces(e, UINT64_MAX, 0, &p);
	e->room = p.nr + CUTS_MAX;
	e->notes_at = align_up(headers_size(e->room), PAGE);
	e->data_at = align_up(e->notes_at + e->h->notes.len, PAGE);
}

uint64_t elf_overhead(const struct dump_head *h)
{
	struct elf_out e = {.h = h};

	lay_out(&e);
	return e.data_at;
}

/* Pages from `end` on are not in the file. */
static enum xk_status write_headers(struct elf_out *e, maddr_t end, bool whole, struct diag *d)
{
	const struct dump_head *h = e->h;
	Elf64_Ehdr eh = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = h->machine,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(eh),
		.e_flags = (h->e_flags & ~INCOMPLETE) | (whole ? 0 : INCOMPLETE),
		.e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(Elf64_Phdr),
	};
	Elf64_Phdr note = {
		.p_type = PT_NOTE,
		.p_offset = e->notes_at,
		.p_filesz = h->notes.len,
		.p_memsz = h->notes.len,
	};
	struct buf b = {0};
	struct pieces p = {.b = &b};
	enum xk_status st;
	uint64_t nr = 0;

	buf_append(&b, &eh, sizeof(eh));
	buf_append(&b, &note, sizeof(note));
	add_pieces(e, end, e->nr_cuts, &p);
	nr = p.nr;
	if (nr > e->room) { /* cannot be with CUTS_MAX of them, unless loads overlap */
		b.len = (size_t)headers_size(0);
		p.nr = 0;
		add_pieces(e, end, 0, &p);
		nr = p.nr;
	}
	buf_zero(&b, (size_t)(e->notes_at - headers_size(nr)));
	if (b.failed) {
		buf_deinit(&b);
		return diag_fail(
			d, XK_NOMEM, "no memory for %llu program headers", (unsigned long long)nr);
	}
	eh.e_phnum = (Elf64_Half)(1 + nr);
	memcpy(b.data, &eh, sizeof(eh));
	st = out_write(e->o, 0, b.data, b.len, d);
	buf_deinit(&b);
	return st;
}

static enum xk_status write_zeros(struct elf_out *e, uint64_t at, uint64_t len, struct diag *d)
{
	static const uint8_t zeros[16 * PAGE];
	enum xk_status st = XK_OK;

	while (len && st == XK_OK) {
		size_t n = (size_t)min_u64(len, sizeof(zeros));

		st = out_write(e->o, at, zeros, n, d);
		at += n;
		len -= n;
	}
	return st;
}

/* A flattened file has no holes: its readers fail on what is in no record. */
static enum xk_status fill_to(struct elf_out *e, uint64_t off, struct diag *d)
{
	enum xk_status st = XK_OK;

	if (out_flattened(e->o) && off > e->filled) {
		st = write_zeros(e, e->data_at + e->filled, off - e->filled, d);
		if (st == XK_OK)
			e->filled = off;
	}
	return st;
}

/* Where in the data a page goes; false when it is in no run. Pages come in ascending order. */
static bool place(struct elf_out *e, uint64_t pfn, uint64_t *ret)
{
	const struct dump_head *h = e->h;
	maddr_t at = pfn * PAGE;

	while (e->run < h->nr_runs && h->runs[e->run].end <= at)
		e->run_at += range_size(h->runs[e->run++]);
	if (e->run == h->nr_runs || h->runs[e->run].start > at)
		return false;
	*ret = e->run_at + (at - h->runs[e->run].start);
	return true;
}

static void cut(struct elf_out *e, uint64_t pfn)
{
	struct range r = {pfn * PAGE, (pfn + 1) * PAGE};

	if (e->nr_cuts && e->cuts[e->nr_cuts - 1].end == r.start)
		e->cuts[e->nr_cuts - 1].end = r.end;
	else if (e->nr_cuts < CUTS_MAX)
		e->cuts[e->nr_cuts++] = r;
}

static enum xk_status put(
	struct elf_out *e, uint64_t off, const uint8_t *data, size_t len, struct diag *d)
{
	enum xk_status st;

	if (!len)
		return XK_OK;
	st = fill_to(e, off, d);
	if (st == XK_OK)
		st = out_write(e->o, e->data_at + off, data, len, d);
	if (st == XK_OK)
		e->filled = max_u64(e->filled, off + len);
	return st;
}

static enum xk_status elf_chunk(struct dump_writer *w, const struct dump_chunk *c, struct diag *d)
{
	struct elf_out *e = (struct elf_out *)w;
	const uint8_t *from = c->data; /* len bytes of pages that lie together, to go to `to` */
	uint64_t to = 0, pages = 0, zero_pages = 0;
	size_t len = 0;
	enum xk_status st = XK_OK;

	for (unsigned i = 0; i < c->nr && st == XK_OK; i++) {
		uint64_t at;

		if (!place(e, c->pfn + i, &at)) {
			if (c->size[i] == DUMP_NONE)
				continue;
			return diag_fail(d, XK_FAIL,
				"page %#llx was not there when pages were counted: the core changed while it was read",
				(unsigned long long)(c->pfn + i));
		}
		if (c->size[i] == DUMP_NONE) {
			cut(e, c->pfn + i);
			continue;
		}
		pages++;
		zero_pages += c->size[i] == 0;
		if (c->size[i] == 0)
			continue;
		if (len && to + len != at) {
			st = put(e, to, from, len, d);
			from += len;
			len = 0;
		}
		if (!len)
			to = at;
		len += PAGE;
	}
	if (st == XK_OK)
		st = put(e, to, from, len, d);
	if (st != XK_OK)
		return st;
	w->pages += pages;
	w->zero_pages += zero_pages;
	e->end_pfn = c->pfn + c->nr;
	return XK_OK;
}

/* The data of all runs below `end`. */
static uint64_t data_size(const struct elf_out *e, maddr_t end)
{
	uint64_t n = 0;

	for (size_t i = 0; i < e->h->nr_runs; i++) {
		struct range r = e->h->runs[i];

		n += range_size((struct range){r.start, min_u64(r.end, end)});
	}
	return n;
}

static enum xk_status elf_finish(struct dump_writer *w, bool whole, struct diag *d)
{
	struct elf_out *e = (struct elf_out *)w;
	maddr_t end = whole ? UINT64_MAX : e->end_pfn * PAGE;
	uint64_t size = data_size(e, end);
	enum xk_status st = fill_to(e, size, d);

	if (st == XK_OK)
		st = out_extend(e->o, e->data_at + size, d);
	if (st == XK_OK && whole)
		st = out_flush(e->o, d);
	return st == XK_OK ? write_headers(e, end, whole, d) : st;
}

static void elf_destroy(struct dump_writer *w)
{
	free(w);
}

/* As in a kdump file: the first header says incomplete; in a stream it comes last. What it describes
 * and is not written yet lies beyond the end of the file. */
static enum xk_status begin(struct elf_out *e, struct diag *d)
{
	const struct dump_head *h = e->h;
	enum xk_status st = out_reserve(e->o, 0, e->data_at, d);
	struct buf b = {0};

	if (st == XK_OK && !out_flattened(e->o))
		st = write_headers(e, UINT64_MAX, false, d);
	if (st != XK_OK)
		return st;
	if (h->notes.len)
		buf_append(&b, h->notes.data, h->notes.len);
	buf_zero(&b, (size_t)(e->data_at - e->notes_at - h->notes.len));
	st = b.failed ? diag_fail(d, XK_NOMEM, "no memory for %zu bytes of notes", h->notes.len)
		      : out_write(e->o, e->notes_at, b.data, b.len, d);
	buf_deinit(&b);
	return st;
}

enum xk_status elf_create(
	const struct dump_head *h, struct out *o, struct dump_writer **ret, struct diag *d)
{
	struct elf_out *e = calloc(1, sizeof(*e));
	enum xk_status st;

	if (!e)
		return diag_fail(d, XK_NOMEM, "no memory for an ELF writer");
	e->w = (struct dump_writer){elf_chunk, NULL, elf_finish, elf_destroy, 0, 0};
	e->h = h;
	e->o = o;
	lay_out(e);
	if (e->room >= PHDRS_MAX)
		st = diag_fail(d, XK_UNSUPPORTED,
			"%llu pieces of memory are more program headers than an ELF file has (%u): use --format kdump",
			(unsigned long long)e->room, PHDRS_MAX);
	else
		st = begin(e, d);
	if (st != XK_OK) {
		free(e);
		return st;
	}
	*ret = &e->w;
	return XK_OK;
}
