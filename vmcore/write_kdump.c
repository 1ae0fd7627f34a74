// SPDX-License-Identifier: GPL-2.0-only
/*
 * kdump-compressed files, header version 6. The layout of 64-bit makedumpfile is written, by
 * offsets, from any build: its structures hold long and off_t, and a 32-bit program's would not be
 * read by a 64-bit crash.
 *
 * At any moment the file is a valid dump, marked incomplete, of the pages written so far: a page's
 * bit in the second bitmap is set only after its data and its descriptor are there, and a page
 * without bit reads as excluded.
 */
#include <elf.h>

#include "vmcore/dump.h"
#include "vmcore/twins.h"

#define BLOCK	    4096u
#define DESC_SIZE   24u
#define SUB_SIZE    104u
#define UTS_LEN	    65u
#define TABLE_BATCH 4096u /* descriptors kept back: 96 KiB */
#define BITS_BATCH  BLOCK /* bytes of the second bitmap at a time: 128 MiB of memory */

/* Main header. */
enum {
	H_SIGNATURE = 0,
	H_VERSION = 8,
	H_UTSNAME = 12, /* sysname, nodename, release, version, machine, domainname */
	H_TIME = 408, /* seconds, then microseconds, 64 bits each */
	H_STATUS = 424,
	H_BLOCK_SIZE = 428,
	H_SUB_BLOCKS = 432,
	H_BITMAP_BLOCKS = 436,
	H_MAX_MAPNR = 440,
	H_NR_CPUS = 460,
};

/* Sub header, in block 1. */
enum {
	S_PHYS_BASE = 0,
	S_LEVEL = 8,
	S_VMCOREINFO = 32, /* file offset, size */
	S_NOTES = 48, /* file offset, size */
	S_MAX_MAPNR = 96,
};

#define STATUS_INCOMPLETE 0x8u

static const uint32_t codec_flag[CODECS] = {
	[CODEC_NONE] = 0,
	[CODEC_ZLIB] = 0x1,
	[CODEC_LZO] = 0x2,
	[CODEC_SNAPPY] = 0x4,
	[CODEC_ZSTD] = 0x20,
};

struct layout {
	uint64_t sub_blocks, bitmap_blocks; /* the latter of one bitmap */
	uint64_t bitmap1, bitmap2, table, data; /* file offsets */
};

struct kdump_out {
	struct dump_writer w;
	const struct dump_head *h;
	struct out *o;
	struct layout at;
	uint64_t data; /* where the next page's data go */
	uint64_t zero_page;
	uint8_t *table; /* descriptors from the written_descs'th on */
	size_t nr_table;
	uint64_t written_descs;
	uint8_t *bits; /* BITS_BATCH of the second bitmap, from byte bits_at on */
	uint64_t bits_at;
	bool bits_dirty;
	uint64_t room; /* descriptors the table has room for */
	uint64_t *places; /* of pages that got a slot: size below, offset above PLACE_SHIFT */
};

#define PLACE_SHIFT 13

static void put32(uint8_t *p, uint64_t v)
{
	uint32_t x = (uint32_t)v;

	memcpy(p, &x, sizeof(x));
}

static void put64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

static uint64_t blocks(uint64_t bytes)
{
	return bytes / BLOCK + (bytes % BLOCK != 0);
}

static struct layout layout_of(const struct dump_head *h)
{
	struct layout l;

	l.sub_blocks = blocks(SUB_SIZE + (uint64_t)h->notes.len);
	l.bitmap_blocks = blocks(h->max_pfn / 8 + (h->max_pfn % 8 != 0));
	l.bitmap1 = (1 + l.sub_blocks) * BLOCK;
	l.bitmap2 = l.bitmap1 + l.bitmap_blocks * BLOCK;
	l.table = l.bitmap2 + l.bitmap_blocks * BLOCK;
	l.data = align_up(l.table + h->planned * DESC_SIZE, BLOCK);
	return l;
}

uint64_t kdump_overhead(const struct dump_head *h)
{
	return layout_of(h).data + BLOCK;
}

static void put_text(uint8_t *field, const char *text)
{
	size_t len = strlen(text);

	memcpy(field, text, len < UTS_LEN ? len : UTS_LEN - 1);
}

static const char *or_else(const char *text, const char *otherwise)
{
	return *text ? text : otherwise;
}

/* libkdumpfile takes the architecture from utsname and wants all of it filled in. */
static void fill_utsname(const struct dump_head *h, uint8_t *uts)
{
	const char *machine = h->machine == EM_386 ? "i686" : "x86_64";

	put_text(uts, "Linux");
	put_text(uts + UTS_LEN, "(none)");
	put_text(uts + 2 * UTS_LEN, or_else(h->release, "unknown"));
	put_text(uts + 3 * UTS_LEN, or_else(h->version, "unknown"));
	put_text(uts + 4 * UTS_LEN, or_else(h->uts_machine, machine));
	put_text(uts + 5 * UTS_LEN, "(none)");
}

static enum xk_status write_header(struct kdump_out *k, bool whole, struct diag *d)
{
	const struct dump_head *h = k->h;
	uint8_t b[BLOCK] = "KDUMP   ";

	put32(b + H_VERSION, 6);
	fill_utsname(h, b + H_UTSNAME);
	put64(b + H_TIME, (uint64_t)h->time);
	put32(b + H_STATUS, codec_flag[h->codec] | (whole ? 0 : STATUS_INCOMPLETE));
	put32(b + H_BLOCK_SIZE, BLOCK);
	put32(b + H_SUB_BLOCKS, k->at.sub_blocks);
	put32(b + H_BITMAP_BLOCKS, 2 * k->at.bitmap_blocks);
	put32(b + H_MAX_MAPNR, min_u64(h->max_pfn, UINT32_MAX));
	put32(b + H_NR_CPUS, h->nr_cpus ? h->nr_cpus : 1); /* crash refuses 0 */
	return out_write(k->o, 0, b, sizeof(b), d);
}

/* Sub header and notes, to whole blocks. */
static enum xk_status write_sub_header(struct kdump_out *k, struct diag *d)
{
	const struct dump_head *h = k->h;
	const uint64_t notes_at = BLOCK + SUB_SIZE;
	struct buf b = {0};
	enum xk_status st;

	buf_zero(&b, SUB_SIZE);
	if (h->notes.len)
		buf_append(&b, h->notes.data, h->notes.len);
	buf_zero(&b, (size_t)(k->at.sub_blocks * BLOCK - SUB_SIZE - h->notes.len));
	if (b.failed) {
		buf_deinit(&b);
		return diag_fail(d, XK_NOMEM, "no memory for %zu bytes of notes", h->notes.len);
	}
	put64(b.data + S_PHYS_BASE, h->phys_base);
	put32(b.data + S_LEVEL, h->level);
	if (h->vmcoreinfo.len) {
		put64(b.data + S_VMCOREINFO,
			notes_at + (uint64_t)(h->vmcoreinfo.data - h->notes.data));
		put64(b.data + S_VMCOREINFO + 8, h->vmcoreinfo.len);
	}
	if (h->notes.len) {
		put64(b.data + S_NOTES, notes_at);
		put64(b.data + S_NOTES + 8, h->notes.len);
	}
	put64(b.data + S_MAX_MAPNR, h->max_pfn);
	st = out_write(k->o, BLOCK, b.data, b.len, d);
	buf_deinit(&b);
	return st;
}

/* Sets the bits [from, to) of a piece of bitmap whose first bit is `base` and that has `nr`. */
static void set_bits(uint8_t *piece, uint64_t base, uint64_t nr, uint64_t from, uint64_t to)
{
	from = max_u64(from, base);
	to = min_u64(to, base + nr);
	while (from < to && from % 8) {
		piece[(from - base) / 8] |= (uint8_t)(1u << from % 8);
		from++;
	}
	if (from < to && to - from >= 8) {
		memset(piece + (from - base) / 8, 0xff, (size_t)((to - from) / 8));
		from += (to - from) / 8 * 8;
	}
	for (; from < to; from++)
		piece[(from - base) / 8] |= (uint8_t)(1u << from % 8);
}

/* The first bitmap: what is memory at all. Where nothing is, both have a hole. */
static enum xk_status write_ram_bitmap(struct kdump_out *k, struct diag *d)
{
	const struct range_list *ram = k->h->ram;
	const uint64_t bits = (uint64_t)BITS_BATCH * 8;
	uint8_t piece[BITS_BATCH];
	size_t first = 0;

	for (uint64_t i = 0; i < k->at.bitmap_blocks; i++) {
		bool any = false;
		enum xk_status st;

		memset(piece, 0, sizeof(piece));
		while (first < ram->nr && ram->v[first].r.end <= i * bits * BLOCK)
			first++;
		for (size_t n = first; n < ram->nr && ram->v[n].r.start < (i + 1) * bits * BLOCK;
			n++) {
			set_bits(piece, i * bits, bits, ram->v[n].r.start / BLOCK,
				blocks(ram->v[n].r.end));
			any = true;
		}
		if (!any && !out_flattened(k->o))
			continue;
		st = out_write(k->o, k->at.bitmap1 + i * BITS_BATCH, piece, sizeof(piece), d);
		if (st == XK_OK)
			st = out_reserve(k->o, k->at.bitmap2 + i * BITS_BATCH, BITS_BATCH, d);
		if (st != XK_OK)
			return st;
	}
	return XK_OK;
}

static enum xk_status flush_table(struct kdump_out *k, struct diag *d)
{
	enum xk_status st;

	if (!k->nr_table)
		return XK_OK;
	st = out_write(k->o, k->at.table + k->written_descs * DESC_SIZE, k->table,
		k->nr_table * DESC_SIZE, d);
	if (st != XK_OK)
		return st;
	k->written_descs += k->nr_table;
	k->nr_table = 0;
	return XK_OK;
}

/* Descriptors first: a bit says that they are there. */
static enum xk_status flush_bits(struct kdump_out *k, struct diag *d)
{
	enum xk_status st = flush_table(k, d);

	if (st != XK_OK || !k->bits_dirty)
		return st;
	st = out_write(k->o, k->at.bitmap2 + k->bits_at, k->bits, BITS_BATCH, d);
	if (st == XK_OK)
		k->bits_dirty = false;
	return st;
}

/* Brings the piece of the second bitmap that has this page to hand; one that was left is never
 * needed again. Flattened files need all of it. */
static enum xk_status turn_to(struct kdump_out *k, uint64_t pfn, struct diag *d)
{
	const uint64_t want = pfn / 8 / BITS_BATCH * BITS_BATCH;

	while (k->bits_at < want) {
		enum xk_status st;

		k->bits_dirty = k->bits_dirty || out_flattened(k->o);
		st = flush_bits(k, d);
		if (st != XK_OK)
			return st;
		memset(k->bits, 0, BITS_BATCH);
		k->bits_at = out_flattened(k->o) ? k->bits_at + BITS_BATCH : want;
	}
	return XK_OK;
}

static void add_descriptor(struct kdump_out *k, uint64_t offset, uint32_t size, uint32_t flags)
{
	uint8_t *p = k->table + k->nr_table++ * DESC_SIZE;

	put64(p, offset);
	put32(p + 8, size);
	put32(p + 12, flags);
	put64(p + 16, 0);
}

/* The descriptor of a page with data, which begin at `at`. */
static void add_page(struct kdump_out *k, uint64_t at, uint64_t size)
{
	add_descriptor(k, at, (uint32_t)size, size == BLOCK ? 0 : codec_flag[k->h->codec]);
}

static uint64_t *place_of(const struct kdump_out *k, const struct dump_chunk *c, unsigned i)
{
	return c->slot[i] < TWINS ? &k->places[c->slot[i]] : NULL;
}

/* Where the data of pages with a slot are. false: those of a twin are nowhere. */
static bool remember_places(struct kdump_out *k, const struct dump_chunk *c, uint64_t at)
{
	for (unsigned i = 0; i < c->nr; i++) {
		uint64_t *place = place_of(k, c, i);

		if (c->size[i] == DUMP_NONE || c->size[i] == 0)
			continue;
		if (c->size[i] == DUMP_TWIN) {
			if (!place || !*place)
				return false;
			continue;
		}
		if (place)
			*place = at << PLACE_SHIFT | c->size[i];
		at += c->size[i];
	}
	return true;
}

/* One page of the chunk, whose data, if it has any of its own, are at *at. */
static void describe(struct kdump_out *k, const struct dump_chunk *c, unsigned i, uint64_t *at)
{
	k->w.pages++;
	if (c->size[i] == 0) {
		add_descriptor(k, k->zero_page, BLOCK, 0);
		k->w.zero_pages++;
	} else if (c->size[i] == DUMP_TWIN) {
		uint64_t place = *place_of(k, c, i);

		add_page(k, place >> PLACE_SHIFT, place & ((1u << PLACE_SHIFT) - 1));
		k->w.twin_pages++;
	} else {
		add_page(k, *at, c->size[i]);
		*at += c->size[i];
	}
}

static unsigned count_pages(const struct dump_chunk *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->nr; i++)
		n += c->size[i] != DUMP_NONE;
	return n;
}

static enum xk_status kdump_chunk(struct dump_writer *w, const struct dump_chunk *c, struct diag *d)
{
	struct kdump_out *k = (struct kdump_out *)w;
	unsigned nr = count_pages(c);
	uint64_t at = k->data;
	enum xk_status st;

	if (!nr)
		return XK_OK;
	if (k->written_descs + k->nr_table + nr > k->room)
		return diag_fail(d, XK_FAIL,
			"more pages than the %llu that were counted: the core changed while it was read",
			(unsigned long long)k->room);
	if (k->nr_table + nr > TABLE_BATCH) {
		st = flush_table(k, d);
		if (st != XK_OK)
			return st;
	}
	st = turn_to(k, c->pfn, d);
	if (st == XK_OK && c->len)
		st = out_write(k->o, at, c->data, c->len, d);
	if (st != XK_OK)
		return st;
	if (!remember_places(k, c, at))
		return diag_fail(d, XK_FAIL,
			"a page near %#llx shares the data of one that was not written: a fault of this program",
			(unsigned long long)c->pfn);
	for (unsigned i = 0; i < c->nr; i++) {
		uint64_t bit = c->pfn + i - k->bits_at * 8;

		if (c->size[i] == DUMP_NONE)
			continue;
		describe(k, c, i, &at);
		k->bits[bit / 8] |= (uint8_t)(1u << bit % 8);
		k->bits_dirty = true;
	}
	k->data = at;
	return XK_OK;
}

/* To the end of the second bitmap, which must be in the file whole. */
static enum xk_status finish_bits(struct kdump_out *k, struct diag *d)
{
	enum xk_status st = XK_OK;

	if (!k->at.bitmap_blocks)
		return flush_table(k, d);
	if (out_flattened(k->o)) {
		st = turn_to(k, (k->at.bitmap_blocks - 1) * BLOCK * 8, d);
		k->bits_dirty = true;
	}
	return st == XK_OK ? flush_bits(k, d) : st;
}

static enum xk_status kdump_finish(struct dump_writer *w, bool whole, struct diag *d)
{
	struct kdump_out *k = (struct kdump_out *)w;
	enum xk_status st = finish_bits(k, d);

	if (st == XK_OK && whole)
		st = out_flush(k->o, d);
	return st == XK_OK ? write_header(k, whole, d) : st;
}

static void kdump_destroy(struct dump_writer *w)
{
	struct kdump_out *k = (struct kdump_out *)w;

	free(k->table);
	free(k->bits);
	free(k->places);
	free(k);
}

/* The first header says that the dump is incomplete, for it is. In a stream there is no second
 * chance, so there it comes last. Room for the tables is taken now: when the disk is full they
 * must still say what is there. */
static enum xk_status begin(struct kdump_out *k, struct diag *d)
{
	static const uint8_t zeros[BLOCK];
	enum xk_status st = out_reserve(k->o, k->at.table, k->at.data - k->at.table, d);

	if (st == XK_OK && !out_flattened(k->o))
		st = write_header(k, false, d);
	if (st == XK_OK)
		st = write_sub_header(k, d);
	if (st == XK_OK)
		st = write_ram_bitmap(k, d);
	k->zero_page = k->at.data;
	k->data = k->at.data + BLOCK;
	return st == XK_OK ? out_write(k->o, k->zero_page, zeros, BLOCK, d) : st;
}

enum xk_status kdump_create(
	const struct dump_head *h, struct out *o, struct dump_writer **ret, struct diag *d)
{
	struct kdump_out *k;
	enum xk_status st;

	/* 52 bits of address; and bitmap_blocks of both is a 32-bit number */
	if (h->max_pfn > UINT64_C(1) << 40 || h->planned > h->max_pfn)
		return diag_fail(d, XK_UNSUPPORTED,
			"page %#llx lies beyond what a kdump file can describe; the core is damaged, or use --format elf",
			(unsigned long long)h->max_pfn);
	k = calloc(1, sizeof(*k));
	if (!k)
		return diag_fail(d, XK_NOMEM, "no memory for a kdump writer");
	k->w = (struct dump_writer){
		.chunk = kdump_chunk, .finish = kdump_finish, .destroy = kdump_destroy};
	k->h = h;
	k->o = o;
	k->at = layout_of(h);
	k->room = h->planned;
	k->table = malloc((size_t)TABLE_BATCH * DESC_SIZE);
	k->bits = calloc(1, BITS_BATCH);
	k->places = calloc(TWINS, sizeof(*k->places));
	st = k->table && k->bits && k->places
		     ? begin(k, d)
		     : diag_fail(d, XK_NOMEM, "no memory for a kdump writer");
	if (st != XK_OK) {
		kdump_destroy(&k->w);
		return st;
	}
	*ret = &k->w;
	return XK_OK;
}
