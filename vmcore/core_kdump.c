// SPDX-License-Identifier: GPL-2.0-only
/* Kdump-compressed files, one or a split set: opening. Reading pages is kdump_page.c. */
#include <elf.h>
#include <stdio.h>

#include "common/note.h"
#include "vmcore/core_kdump.h"

/* A stretch of ranks is a bitmap window or larger: no more of them than this for a file. */
#define MAX_RANKS 32768
/* Ranges of memory that are listed one by one; a real machine has dozens. */
#define MAX_RAM_RANGES 65536
#define MAX_PARTS      1024

bool core_kdump_is(struct bytes head)
{
	return bytes_has(head, 0, 8) && !memcmp(head.data, KDUMP_SIGNATURE, 8);
}

static uint32_t get32(const uint8_t *p, size_t off)
{
	uint32_t v;

	memcpy(&v, p + off, sizeof(v));
	return v;
}

static uint64_t get64(const uint8_t *p, size_t off)
{
	uint64_t v;

	memcpy(&v, p + off, sizeof(v));
	return v;
}

/* The main header, in the 64-bit layout whatever it was in the file. */
struct head {
	uint32_t version, status, block_size, sub_blocks, map_blocks, max_mapnr;
	bool is_32;
};

static bool head_at(const uint8_t *p, size_t shift, struct head *h)
{
	h->status = get32(p, KD_STATUS - shift);
	h->block_size = get32(p, KD_BLOCK_SIZE - shift);
	h->sub_blocks = get32(p, KD_SUB_BLOCKS - shift);
	h->map_blocks = get32(p, KD_MAP_BLOCKS - shift);
	h->max_mapnr = get32(p, KD_MAX_MAPNR - shift);
	h->is_32 = shift != 0;
	/* other page sizes are those of other architectures */
	return h->block_size >= 4096 && h->block_size <= 65536 &&
	       !(h->block_size & (h->block_size - 1)) && h->sub_blocks && h->sub_blocks < 1 << 20;
}

static enum xk_status read_head(
	const struct source *s, struct source_view *v, uint8_t *p, struct head *h, struct diag *d)
{
	if (!source_get(s, v, 0, p, KD_SIZE))
		return diag_fail(d, XK_BAD_INPUT, "%s ends within its header", s->name);
	if (!head_at(p, 0, h) && !head_at(p, KD_32_SHIFT, h))
		return diag_fail(d, XK_BAD_INPUT,
			"%s starts as a kdump-compressed file, but neither layout of its header makes sense (block size %u or %u)",
			s->name, get32(p, KD_BLOCK_SIZE), get32(p, KD_BLOCK_SIZE - KD_32_SHIFT));
	if (h->block_size != CORE_PAGE)
		return diag_fail(d, XK_UNSUPPORTED,
			"%s has pages of %u bytes; those of x86 have %u", s->name, h->block_size,
			CORE_PAGE);
	h->version = get32(p, KD_VERSION);
	return XK_OK;
}

/* The sub header in the 64-bit layout. Fields that the version does not have become 0. */
static void sub_widen(const struct head *h, const uint8_t *in, uint8_t *out)
{
	/* where each field is in the 32-bit layout, and whether it is 4 bytes there */
	static const struct {
		uint8_t from, to, len, since;
	} f[] = {
		{0, KS_PHYS_BASE, 4, 0},
		{4, KS_DUMP_LEVEL, 4, 1},
		{8, KS_SPLIT, 4, 2},
		{12, KS_START_PFN, 4, 2},
		{16, KS_END_PFN, 4, 2},
		{20, KS_OFFSET_VMCOREINFO, 8, 3},
		{28, KS_SIZE_VMCOREINFO, 4, 3},
		{32, KS_OFFSET_NOTE, 8, 4},
		{40, KS_SIZE_NOTE, 4, 4},
		{44, KS_OFFSET_ERASEINFO, 8, 5},
		{52, KS_SIZE_ERASEINFO, 4, 5},
		{56, KS_START_PFN_64, 8, 6},
		{64, KS_END_PFN_64, 8, 6},
		{72, KS_MAX_MAPNR_64, 8, 6},
	};

	memset(out, 0, KS_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(f); i++) {
		uint8_t next = i + 1 < ARRAY_SIZE(f) ? f[i + 1].to : KS_SIZE;

		if (h->version < f[i].since)
			continue;
		if (h->is_32)
			memcpy(out + f[i].to, in + f[i].from, f[i].len);
		else
			memcpy(out + f[i].to, in + f[i].to, (size_t)next - f[i].to);
	}
}

static void part_from_sub(const struct head *h, const uint8_t *sub, struct kdump_part *p)
{
	bool wide = h->version >= 6;

	p->max_pfn = wide ? get64(sub, KS_MAX_MAPNR_64) : h->max_mapnr;
	p->split = get32(sub, KS_SPLIT) != 0;
	p->start = p->split ? get64(sub, wide ? KS_START_PFN_64 : KS_START_PFN) : 0;
	p->end = p->split ? get64(sub, wide ? KS_END_PFN_64 : KS_END_PFN) : UINT64_MAX;
	p->note_off = get64(sub, KS_OFFSET_NOTE);
	p->note_size = get64(sub, KS_SIZE_NOTE);
	p->info_off = get64(sub, KS_OFFSET_VMCOREINFO);
	p->info_size = get64(sub, KS_SIZE_VMCOREINFO);
}

/* Bounds what the header says by what the bitmaps can hold. */
static void part_layout(struct core *c, const struct head *h, struct kdump_part *p)
{
	uint64_t half = h->map_blocks / 2 * (uint64_t)CORE_PAGE;
	uint64_t most = min_u64(half * 8, CORE_MAX_ADDR / CORE_PAGE);

	p->version = h->version;
	p->status = h->status;
	p->map_ram = (1 + (uint64_t)h->sub_blocks) * CORE_PAGE;
	p->map_here = p->map_ram + half;
	p->descs = p->map_ram + (uint64_t)h->map_blocks * CORE_PAGE;
	if (p->max_pfn > most) {
		core_problem(c,
			"%s says that memory ends at page %" PRIaddr
			"; its bitmaps, or x86, allow no more than %" PRIaddr,
			p->src->name, p->max_pfn, most);
		p->max_pfn = most;
	}
	p->end = min_u64(p->end, p->max_pfn);
	p->start = min_u64(p->start, p->end);
	if (p->status & KDUMP_INCOMPLETE)
		c->incomplete = true;
	if (h->version > KDUMP_VERSION)
		core_problem(c, "%s is of version %u, newer than this tool knows (%u)",
			p->src->name, h->version, KDUMP_VERSION);
	if (decoder_missing(p->status))
		core_problem(c, "%s has pages that only %s can unpack, which is not installed",
			p->src->name, decoder_missing(p->status));
}

bool kdump_map_read(
	const struct kdump_part *p, struct source_view *v, uint64_t map, uint64_t pfn, uint8_t *ret)
{
	uint64_t bits = p->max_pfn - pfn;
	size_t bytes = (size_t)min_u64(KDUMP_MAP_BYTES, (bits + 7) / 8), got;

	got = source_read(p->src, v, map + pfn / 8, ret, bytes);
	memset(ret + got, 0, KDUMP_MAP_BYTES - got);
	if (got == bytes && bits / 8 < bytes) /* no pages beyond the last */
		ret[bytes - 1] &= (uint8_t)((1u << bits % 8) - 1);
	return got == bytes;
}

unsigned kdump_popcount(const uint8_t *map, size_t bytes)
{
	unsigned n = 0;
	uint64_t w;

	for (; bytes >= sizeof(w); bytes -= sizeof(w), map += sizeof(w)) {
		memcpy(&w, map, sizeof(w));
		n += (unsigned)__builtin_popcountll(w);
	}
	for (; bytes; bytes--)
		n += (unsigned)__builtin_popcount(*map++);
	return n;
}

void kdump_map_from(uint8_t *map, uint64_t pfn, uint64_t start)
{
	for (uint64_t i = pfn; i < start && i < pfn + KDUMP_MAP_PAGES; i += 8)
		map[(i - pfn) / 8] &= (uint8_t)(start - i < 8 ? 0xffu << (start - i) : 0);
}

/* Clears the bits of pages from end on. */
static void map_until(uint8_t *map, uint64_t pfn, uint64_t end)
{
	size_t byte = (size_t)((end - pfn) / 8);

	if (end - pfn >= KDUMP_MAP_PAGES)
		return;
	map[byte] &= (uint8_t)((1u << (end - pfn) % 8) - 1);
	memset(map + byte + 1, 0, KDUMP_MAP_BYTES - byte - 1);
}

/* Where the bitmap ends in the file: in a file cut short before its last page. */
static uint64_t map_end(const struct kdump_part *p, uint64_t map)
{
	uint64_t have = p->src->size > map ? p->src->size - map : 0;

	return have >= (p->max_pfn + 7) / 8 ? p->max_pfn : have * 8;
}

/* That the last descriptors and what they point to are there: the end of the file is what is
 * missing most often. */
static void check_end(struct core *c, struct source_view *v, struct kdump_part *p, uint64_t nr)
{
	uint64_t have = p->src->size > p->descs ? (p->src->size - p->descs) / KP_LEN : 0;
	uint8_t desc[64 * KP_LEN];
	size_t n;

	if (have < nr) {
		core_problem(c,
			"%s is cut short: %" PRIu64 " of its %" PRIu64
			" pages have no descriptor in it",
			p->src->name, nr - have, nr);
		return;
	}
	n = (size_t)min_u64(nr, sizeof(desc) / KP_LEN);
	n = source_read(p->src, v, p->descs + (nr - n) * KP_LEN, desc, n * KP_LEN) / KP_LEN;
	for (size_t i = 0; i < n; i++) {
		uint64_t off = get64(desc, i * KP_LEN + KP_OFFSET);

		if (off > p->src->size || get32(desc, i * KP_LEN + KP_SIZE) > p->src->size - off) {
			core_problem(
				c, "%s is cut short: its last pages are not in it", p->src->name);
			return;
		}
	}
}

/* Counts the second bitmap from start on: ranks are relative to the part's first descriptor. */
static enum xk_status part_count(
	struct core *c, struct source_view *v, struct kdump_part *p, struct diag *d)
{
	uint64_t rank = 0, end = min_u64(p->end, map_end(p, p->map_here));
	uint8_t map[KDUMP_MAP_BYTES];
	bool whole = map_end(p, p->map_ram) == p->max_pfn && map_end(p, p->map_here) == p->max_pfn;

	p->stretch_shift = 15; /* KDUMP_MAP_PAGES */
	while (p->max_pfn >> p->stretch_shift >= MAX_RANKS)
		p->stretch_shift++;
	p->nr_ranks = (size_t)(p->max_pfn >> p->stretch_shift) + 1;
	p->ranks = calloc(p->nr_ranks, sizeof(*p->ranks));
	if (!p->ranks)
		return diag_fail(d, XK_NOMEM, "no memory for the page counts of %s", p->src->name);
	for (uint64_t pfn = align_down(p->start, KDUMP_MAP_PAGES); pfn < end;
		pfn += KDUMP_MAP_PAGES) {
		if (!(pfn & ((UINT64_C(1) << p->stretch_shift) - 1)))
			p->ranks[pfn >> p->stretch_shift] = rank;
		whole = kdump_map_read(p, v, p->map_here, pfn, map) && whole;
		kdump_map_from(map, pfn, p->start);
		map_until(map, pfn, p->end);
		rank += kdump_popcount(map, sizeof(map));
	}
	if (!whole)
		core_problem(
			c, "%s is cut short: its page bitmaps are not all there", p->src->name);
	check_end(c, v, p, rank);
	return XK_OK;
}

static enum xk_status part_open(struct core *c, struct source_view *v, const struct source *s,
	struct kdump_part *p, struct diag *d)
{
	uint8_t main[KD_SIZE], raw[KS_SIZE], sub[KS_SIZE];
	struct head h = {0};
	enum xk_status st = read_head(s, v, main, &h, d);

	if (st)
		return st;
	if (!source_get(s, v, CORE_PAGE, raw, sizeof(raw)))
		return diag_fail(d, XK_BAD_INPUT, "%s ends within its header", s->name);
	p->src = s;
	sub_widen(&h, raw, sub);
	part_from_sub(&h, sub, p);
	part_layout(c, &h, p);
	return part_count(c, v, p, d);
}

static void read_uts(struct core *c, const uint8_t *main)
{
	const uint8_t *u = main + KD_UTSNAME;

	memcpy(c->uts_release, u + 2 * KD_UTS_LEN, KD_UTS_LEN - 1);
	memcpy(c->uts_version, u + 3 * KD_UTS_LEN, KD_UTS_LEN - 1);
	memcpy(c->uts_machine, u + 4 * KD_UTS_LEN, KD_UTS_LEN - 1);
}

/* Empty in what makedumpfile makes of a Xen core. */
static enum xk_status machine(struct core *c, struct diag *d)
{
	const char *m = c->uts_machine;

	if (!strcmp(m, "x86_64"))
		c->machine = EM_X86_64;
	else if (m[0] == 'i' && m[1] >= '3' && m[1] <= '6' && !strcmp(m + 2, "86"))
		c->machine = EM_386;
	else if (m[0])
		return diag_fail(d, XK_UNSUPPORTED, "%s is a dump of machine %s, not of x86",
			c->file->src[0].name, m);
	return XK_OK;
}

/* Reads a stretch of the file to *ret, at most CORE_MAX_NOTES. */
static void read_area(struct core *c, struct source_view *v, const struct kdump_part *p,
	const char *what, uint64_t off, uint64_t size, struct buf *ret)
{
	uint64_t have = off < p->src->size ? min_u64(size, p->src->size - off) : 0;
	size_t start = ret->len, got;

	have = min_u64(have, CORE_MAX_NOTES);
	buf_zero(ret, (size_t)have);
	if (ret->failed)
		return;
	got = source_read(p->src, v, off, ret->data + start, (size_t)have);
	ret->len = start + got;
	if (got < size)
		core_problem(c, "%s has only %zu of %" PRIu64 " bytes of %s at offset %" PRIaddr,
			p->src->name, got, size, what, off);
}

/* Notes of the first part that has some. Before version 4 there is VMCOREINFO alone, as text. */
static void read_notes(struct core *c, struct source_view *v, const struct kdump *k)
{
	for (size_t i = 0; i < k->nr && !c->notes.len; i++) {
		const struct kdump_part *p = &k->part[i];
		bool inside =
			p->info_off >= p->note_off && p->info_off - p->note_off < p->note_size;
		struct buf text = {0};

		if (p->note_size)
			read_area(c, v, p, "notes", p->note_off, p->note_size, &c->notes);
		if (p->info_size && !inside) {
			read_area(c, v, p, "VMCOREINFO", p->info_off, p->info_size, &text);
			buf_zero(&c->notes, -c->notes.len % 4);
			note_append(&c->notes, "VMCOREINFO", 0, buf_bytes(&text));
		}
		buf_deinit(&text);
	}
}

/* Adds the pages of [run, end) as memory; what is too much widens the last range. */
static bool add_ram(struct core *c, uint64_t run, uint64_t end)
{
	struct range r = {run * CORE_PAGE, end * CORE_PAGE};

	if (c->ram.nr < MAX_RAM_RANGES)
		return range_list_add(&c->ram, r, MEM_RAM);
	if (c->ram.v[c->ram.nr - 1].r.end == c->ram.v[MAX_RAM_RANGES - 1].r.end)
		core_problem(c, "memory is in more than %d pieces; the rest is taken for one",
			MAX_RAM_RANGES);
	c->ram.v[c->ram.nr - 1].r.end = r.end;
	return true;
}

/* The first bitmap as ranges. */
static bool read_ram(struct core *c, struct source_view *v, const struct kdump_part *p)
{
	uint8_t map[KDUMP_MAP_BYTES];
	uint64_t run = 0, end = map_end(p, p->map_ram);
	bool in = false, ok = true;

	for (uint64_t pfn = 0; ok && pfn < end; pfn += KDUMP_MAP_PAGES) {
		kdump_map_read(p, v, p->map_ram, pfn, map);
		for (unsigned i = 0; ok && i < KDUMP_MAP_PAGES; i++) {
			bool bit = map[i / 8] >> i % 8 & 1;

			if (i % 8 == 0 && map[i / 8] == (in ? 0xff : 0)) {
				i += 7;
			} else if (bit && !in) {
				run = pfn + i;
				in = true;
			} else if (!bit && in) {
				ok = add_ram(c, run, pfn + i);
				in = false;
			}
		}
	}
	return ok && (!in || add_ram(c, run, end));
}

static int by_start(const void *a, const void *b)
{
	const struct kdump_part *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* That the parts make one dump: all split, of the same memory, and none missing. */
static enum xk_status check_set(struct core *c, struct kdump *k, struct diag *d)
{
	uint64_t next = 0;

	qsort(k->part, k->nr, sizeof(*k->part), by_start);
	for (size_t i = 0; i < k->nr; i++) {
		const struct kdump_part *p = &k->part[i];

		if (k->nr > 1 && !p->split)
			return diag_fail(d, XK_BAD_INPUT,
				"%s is a whole dump, not a part of a split one: give it alone",
				p->src->name);
		if (p->max_pfn != k->part[0].max_pfn)
			return diag_fail(d, XK_BAD_INPUT,
				"%s and %s are parts of different dumps: their memory ends at page %" PRIaddr
				" and %" PRIaddr,
				p->src->name, k->part[0].src->name, p->max_pfn, k->part[0].max_pfn);
		if (p->start > next)
			core_problem(c,
				"the part of the dump with pages %" PRIaddr " to %" PRIaddr
				" is missing",
				next, p->start);
		next = max_u64(next, p->end);
	}
	if (next < k->part[0].max_pfn)
		core_problem(c,
			"the part of the dump with pages %" PRIaddr " to %" PRIaddr " is missing",
			next, k->part[0].max_pfn);
	return XK_OK;
}

enum xk_status core_kdump_open(struct core *c, struct diag *d)
{
	_cleanup_(source_view_deinit) struct source_view v = {0};
	struct core_file *f = c->file;
	struct kdump *k = calloc(1, sizeof(*k));
	uint8_t main[KD_SIZE];
	enum xk_status st;

	f->kdump = k;
	f->ops = &kdump_ops;
	c->format = CORE_KDUMP;
	c->class = ELFCLASS64;
	if (f->nr_src > MAX_PARTS)
		return diag_fail(d, XK_USAGE, "%zu files are more than a split dump has (%d)",
			f->nr_src, MAX_PARTS);
	if (k)
		k->part = calloc(f->nr_src, sizeof(*k->part));
	if (!k || !k->part)
		return diag_fail(d, XK_NOMEM, "no memory to open %s", f->src[0].name);
	for (; k->nr < f->nr_src; k->nr++) {
		uint8_t magic[8];
		const struct source *s = &f->src[k->nr];

		if (!source_get(s, &v, 0, magic, sizeof(magic)) ||
			!core_kdump_is((struct bytes){magic, sizeof(magic)}))
			return diag_fail(d, XK_BAD_INPUT,
				"%s is no kdump-compressed file, as the other parts are", s->name);
		st = part_open(c, &v, s, &k->part[k->nr], d);
		if (st)
			return st;
	}
	st = check_set(c, k, d);
	if (st)
		return st;
	if (!source_get(k->part[0].src, &v, 0, main, sizeof(main)))
		return diag_fail(d, XK_IO, "%s cannot be read again", k->part[0].src->name);
	read_uts(c, main);
	st = machine(c, d);
	if (st)
		return st;
	read_notes(c, &v, k);
	if (!read_ram(c, &v, &k->part[0]))
		return diag_fail(d, XK_NOMEM, "no memory for the memory map of %s", f->src[0].name);
	if (!c->ram.nr && !c->notes.len)
		return diag_fail(d, XK_BAD_INPUT, "%s describes neither memory nor notes%s%s",
			f->src[0].name, c->nr_problems ? ": " : "",
			c->nr_problems ? c->problems[0] : "");
	return XK_OK;
}

void core_kdump_close(struct core_file *f)
{
	if (!f->kdump)
		return;
	/* one more: the one whose opening failed */
	for (size_t i = 0; f->kdump->part && i < f->nr_src && i <= f->kdump->nr; i++)
		free(f->kdump->part[i].ranks);
	free(f->kdump->part);
	free(f->kdump);
	f->kdump = NULL;
}
