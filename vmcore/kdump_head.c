// SPDX-License-Identifier: GPL-2.0-only
/* What a kdump file begins with: headers, notes and the bitmap of what is memory at all. */
#include <elf.h>

#include "vmcore/kdump_out.h"

uint32_t kdump_flag(enum codec c)
{
	static const uint32_t flag[CODECS] = {
		[CODEC_NONE] = 0,
		[CODEC_ZLIB] = KDUMP_ZLIB,
		[CODEC_LZO] = KDUMP_LZO,
		[CODEC_SNAPPY] = KDUMP_SNAPPY,
		[CODEC_ZSTD] = KDUMP_ZSTD,
	};

	return flag[c];
}

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
	return bytes / KDUMP_BLOCK + (bytes % KDUMP_BLOCK != 0);
}

struct kdump_layout kdump_layout(const struct dump_head *h)
{
	struct kdump_layout l;

	l.sub_blocks = blocks(KS_SIZE + (uint64_t)h->notes.len);
	l.bitmap_blocks = blocks(h->max_pfn / 8 + (h->max_pfn % 8 != 0));
	l.bitmap1 = (1 + l.sub_blocks) * KDUMP_BLOCK;
	l.bitmap2 = l.bitmap1 + l.bitmap_blocks * KDUMP_BLOCK;
	l.table = l.bitmap2 + l.bitmap_blocks * KDUMP_BLOCK;
	return l;
}

/* Each part has all but its own descriptors; each table ends anywhere in a block. */
uint64_t kdump_overhead(const struct dump_head *h)
{
	const uint64_t parts = h->nr_parts ? h->nr_parts : 1;

	return parts * (kdump_layout(h).table + 2 * KDUMP_BLOCK) + h->planned * KP_LEN;
}

static void put_text(uint8_t *field, const char *text)
{
	size_t len = strlen(text);

	memcpy(field, text, len < KD_UTS_LEN ? len : KD_UTS_LEN - 1);
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
	put_text(uts + KD_UTS_LEN, "(none)");
	put_text(uts + 2 * KD_UTS_LEN, or_else(h->release, "unknown"));
	put_text(uts + 3 * KD_UTS_LEN, or_else(h->version, "unknown"));
	put_text(uts + 4 * KD_UTS_LEN, or_else(h->uts_machine, machine));
	put_text(uts + 5 * KD_UTS_LEN, "(none)");
}

enum xk_status kdump_write_header(
	struct kdump_out *k, struct kdump_file *f, bool whole, struct diag *d)
{
	const struct dump_head *h = k->h;
	uint8_t b[KDUMP_BLOCK] = KDUMP_SIGNATURE;

	put32(b + KD_VERSION, KDUMP_VERSION);
	fill_utsname(h, b + KD_UTSNAME);
	put64(b + KD_TIME, (uint64_t)h->time);
	put32(b + KD_STATUS, kdump_flag(h->codec) | (whole ? 0 : KDUMP_INCOMPLETE));
	put32(b + KD_BLOCK_SIZE, KDUMP_BLOCK);
	put32(b + KD_SUB_BLOCKS, k->at.sub_blocks);
	put32(b + KD_MAP_BLOCKS, 2 * k->at.bitmap_blocks);
	put32(b + KD_MAX_MAPNR, min_u64(h->max_pfn, UINT32_MAX));
	put32(b + KD_NR_CPUS, h->nr_cpus ? h->nr_cpus : 1); /* crash refuses 0 */
	return out_write(f->o, 0, b, sizeof(b), d);
}

/* Sub header and notes, to whole blocks. */
static enum xk_status write_sub_header(struct kdump_out *k, struct kdump_file *f, struct diag *d)
{
	const struct dump_head *h = k->h;
	const uint64_t notes_at = KDUMP_BLOCK + KS_SIZE;
	struct buf b = {0};
	enum xk_status st;

	buf_zero(&b, KS_SIZE);
	if (h->notes.len)
		buf_append(&b, h->notes.data, h->notes.len);
	buf_zero(&b, (size_t)(k->at.sub_blocks * KDUMP_BLOCK - KS_SIZE - h->notes.len));
	if (b.failed) {
		buf_deinit(&b);
		return diag_fail(d, XK_NOMEM, "no memory for %zu bytes of notes", h->notes.len);
	}
	put64(b.data + KS_PHYS_BASE, h->phys_base);
	put32(b.data + KS_DUMP_LEVEL, h->level);
	if (h->nr_parts) {
		put32(b.data + KS_SPLIT, 1);
		put64(b.data + KS_START_PFN, f->start);
		put64(b.data + KS_END_PFN, f->end);
		put64(b.data + KS_START_PFN_64, f->start);
		put64(b.data + KS_END_PFN_64, f->end);
	}
	if (h->vmcoreinfo.len) {
		put64(b.data + KS_OFFSET_VMCOREINFO,
			notes_at + (uint64_t)(h->vmcoreinfo.data - h->notes.data));
		put64(b.data + KS_SIZE_VMCOREINFO, h->vmcoreinfo.len);
	}
	if (h->notes.len) {
		put64(b.data + KS_OFFSET_NOTE, notes_at);
		put64(b.data + KS_SIZE_NOTE, h->notes.len);
	}
	put64(b.data + KS_MAX_MAPNR_64, h->max_pfn);
	st = out_write(f->o, KDUMP_BLOCK, b.data, b.len, d);
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
static enum xk_status write_ram_bitmap(struct kdump_out *k, struct kdump_file *f, struct diag *d)
{
	const struct range_list *ram = k->h->ram;
	const uint64_t bits = KDUMP_BITS_PAGES;
	uint8_t piece[KDUMP_BITS];
	size_t first = 0;

	for (uint64_t i = 0; i < k->at.bitmap_blocks; i++) {
		bool any = false;
		enum xk_status st;

		memset(piece, 0, sizeof(piece));
		while (first < ram->nr && ram->v[first].r.end <= i * bits * KDUMP_BLOCK)
			first++;
		for (size_t n = first;
			n < ram->nr && ram->v[n].r.start < (i + 1) * bits * KDUMP_BLOCK; n++) {
			set_bits(piece, i * bits, bits, ram->v[n].r.start / KDUMP_BLOCK,
				blocks(ram->v[n].r.end));
			any = true;
		}
		if (!any && !out_flattened(f->o))
			continue;
		st = out_write(f->o, k->at.bitmap1 + i * KDUMP_BITS, piece, sizeof(piece), d);
		if (st == XK_OK)
			st = out_reserve(f->o, k->at.bitmap2 + i * KDUMP_BITS, KDUMP_BITS, d);
		if (st != XK_OK)
			return st;
	}
	return XK_OK;
}

/* The first header says that the dump is incomplete, for it is. In a stream there is no second
 * chance, so there it comes last. Room for the tables is taken now: when the disk is full they
 * must still say what is there. */
enum xk_status kdump_begin(struct kdump_out *k, struct kdump_file *f, struct diag *d)
{
	static const uint8_t zeros[KDUMP_BLOCK];
	const uint64_t end = align_up(k->at.table + f->room * KP_LEN, KDUMP_BLOCK);
	enum xk_status st = out_reserve(f->o, k->at.table, end - k->at.table, d);

	if (st == XK_OK && !out_flattened(f->o))
		st = kdump_write_header(k, f, false, d);
	if (st == XK_OK)
		st = write_sub_header(k, f, d);
	if (st == XK_OK)
		st = write_ram_bitmap(k, f, d);
	f->zero_page = end;
	f->data = end + KDUMP_BLOCK;
	return st == XK_OK ? out_write(f->o, f->zero_page, zeros, KDUMP_BLOCK, d) : st;
}
