// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes the descriptors without a page out of the table, and their bits with them, within the room
 * that both have. At any moment in between the file is a valid dump: first each descriptor that
 * stays is told its page, in a field that no reader looks at; then the bits vanish, the last ones
 * first, for those before them do not depend on them; then table and bits are written anew from
 * the beginning. A descriptor never moves up, so that none is overwritten before it is read.
 */
#include "vmcore/kdump_out.h"

/* struct page's flags in makedumpfile's words, and 0 from every writer there is. */
#define STAMP 16

static uint64_t stamp_of(const uint8_t *desc)
{
	uint64_t pfn;

	memcpy(&pfn, desc + STAMP, sizeof(pfn));
	return pfn;
}

static bool is_hole(const uint8_t *desc)
{
	uint64_t offset;

	memcpy(&offset, desc + KP_OFFSET, sizeof(offset));
	return !offset;
}

/* Pieces of bitmap, in ascending or descending order, that have memory; one may come twice. */
typedef enum xk_status piece_fn(struct kdump_out *k, uint64_t piece, struct diag *d);

static struct range pieces_of(const struct kdump_out *k, size_t i)
{
	struct range r = k->h->ram->v[i].r;
	const uint64_t each = KDUMP_BITS_PAGES * KDUMP_BLOCK;

	return (struct range){
		r.start / each, min_u64(r.end / each + (r.end % each != 0), k->at.bitmap_blocks)};
}

static enum xk_status ascending(struct kdump_out *k, piece_fn *fn, struct diag *d)
{
	enum xk_status st = XK_OK;
	uint64_t next = 0;

	for (size_t i = 0; i < k->h->ram->nr; i++) {
		struct range p = pieces_of(k, i);

		for (next = max_u64(next, p.start); next < p.end; next++) {
			st = fn(k, next, d);
			if (st != XK_OK)
				return st;
		}
	}
	return st;
}

static enum xk_status descending(struct kdump_out *k, piece_fn *fn, struct diag *d)
{
	uint64_t last = UINT64_MAX; /* was done */
	enum xk_status st = XK_OK;

	for (size_t i = k->h->ram->nr; i-- > 0;) {
		struct range p = pieces_of(k, i);

		for (uint64_t n = min_u64(p.end, last); n-- > p.start;) {
			st = fn(k, n, d);
			if (st != XK_OK)
				return st;
			last = n;
		}
	}
	return st;
}

/* The descriptor at hand whose number in the current file is `before`. */
static enum xk_status stamp(struct kdump_out *k, uint64_t pfn, struct diag *d)
{
	enum xk_status st = XK_OK;
	uint8_t *p;

	while (pfn >= k->files[k->cur].end && k->cur + 1 < k->nr_files) {
		st = kdump_flush_table(k, d);
		if (st != XK_OK)
			return st;
		k->cur++;
		k->table_at = k->before = 0;
	}
	if (k->before >= k->files[k->cur].descs)
		return diag_fail(d, XK_IO, "what was written to the dump reads back otherwise");
	if (k->before - k->table_at >= k->nr_table)
		st = kdump_load_table(k, k->before, d);
	if (st != XK_OK)
		return st;
	p = k->table + (k->before++ - k->table_at) * KP_LEN;
	if (!is_hole(p)) {
		memcpy(p + STAMP, &pfn, sizeof(pfn));
		k->table_dirty = true;
	}
	return XK_OK;
}

static enum xk_status stamp_piece(struct kdump_out *k, uint64_t piece, struct diag *d)
{
	enum xk_status st =
		out_read(k->files[0].o, k->at.bitmap2 + piece * KDUMP_BITS, k->bits, KDUMP_BITS, d);

	for (uint64_t i = 0; st == XK_OK && i < KDUMP_BITS_PAGES; i++) {
		if (!(i % 8) && !k->bits[i / 8])
			i += 7;
		else if (k->bits[i / 8] >> i % 8 & 1)
			st = stamp(k, piece * KDUMP_BITS_PAGES + i, d);
	}
	return st;
}

static enum xk_status clear_piece(struct kdump_out *k, uint64_t piece, struct diag *d)
{
	static const uint8_t zeros[KDUMP_BITS];
	enum xk_status st = XK_OK;

	for (size_t i = 0; st == XK_OK && i < k->nr_files; i++)
		st = out_write(
			k->files[i].o, k->at.bitmap2 + piece * KDUMP_BITS, zeros, sizeof(zeros), d);
	return st;
}

/* Back to the first page of the first file, with nothing at hand. */
static void rewind_to_start(struct kdump_out *k)
{
	k->cur = k->nr_table = 0;
	k->table_at = k->before = k->bits_at = 0;
	k->table_dirty = k->bits_dirty = k->second = false;
	memset(k->bits, 0, KDUMP_BITS);
}

/* The table of one file, from what it was. */
static enum xk_status rebuild_file(
	struct kdump_out *k, struct kdump_file *f, uint8_t *old, struct diag *d)
{
	const uint64_t descs = f->descs;
	enum xk_status st = XK_OK;
	uint64_t least = f->start;

	f->descs = 0;
	for (uint64_t i = 0; st == XK_OK && i < descs; i++) {
		uint8_t *p = old + i % KDUMP_TABLE * KP_LEN;
		uint64_t pfn;

		if (i % KDUMP_TABLE == 0)
			st = out_read(f->o, k->at.table + i * KP_LEN, old,
				(size_t)min_u64(descs - i, KDUMP_TABLE) * KP_LEN, d);
		if (st != XK_OK || is_hole(p))
			continue;
		pfn = stamp_of(p);
		if (pfn < least || pfn >= f->end)
			return diag_fail(
				d, XK_IO, "what was written to the dump reads back otherwise");
		least = pfn + 1;
		memset(p + STAMP, 0, sizeof(pfn));
		st = kdump_turn_to(k, pfn, d);
		if (st == XK_OK)
			st = kdump_append(k, pfn, p, d);
	}
	return st;
}

static enum xk_status squeeze(struct kdump_out *k, uint8_t *old, struct diag *d)
{
	enum xk_status st;

	rewind_to_start(k);
	st = ascending(k, stamp_piece, d);
	if (st == XK_OK)
		st = kdump_flush_table(k, d);
	if (st == XK_OK)
		st = descending(k, clear_piece, d);
	/* bits of before must not meet descriptors of after */
	for (size_t i = 0; st == XK_OK && i < k->nr_files; i++)
		st = out_flush(k->files[i].o, d);
	rewind_to_start(k);
	for (size_t i = 0; st == XK_OK && i < k->nr_files; i++)
		st = rebuild_file(k, &k->files[i], old, d);
	return st == XK_OK ? kdump_flush_bits(k, d) : st;
}

enum xk_status kdump_squeeze(struct kdump_out *k, struct diag *d)
{
	uint8_t *old = malloc((size_t)KDUMP_TABLE * KP_LEN);
	enum xk_status st;

	if (!old)
		return diag_fail(d, XK_NOMEM, "no memory for a table of %u pages", KDUMP_TABLE);
	k->torn = true;
	st = squeeze(k, old, d);
	free(old);
	if (st != XK_OK)
		return st;
	k->torn = false;
	k->holes = 0;
	return XK_OK;
}
