// SPDX-License-Identifier: GPL-2.0-only
/*
 * kdump-compressed files, header version 6. The layout of 64-bit makedumpfile is written, by
 * offsets, from any build: its structures hold long and off_t, and a 32-bit program's would not be
 * read by a 64-bit crash.
 *
 * At any moment the file is a valid dump, marked incomplete, of the pages written so far: a page's
 * bit in the second bitmap is set only after its data and its descriptor are there, and a page
 * without bit reads as excluded.
 *
 * In two passes, where a second one follows for pages of less use, the first also sets the bits of
 * those and leaves their descriptors zero. That is makedumpfile's way to say that a page was lost
 * when a disk was full: readers fail to read such a page, and never take something else for it. In
 * return each descriptor is written to its place at once, in either pass: descriptors lie in the
 * order of bits, so that a table of the first pass alone would have to be moved apart in the
 * second, and what loses power meanwhile would lose the useful pages. As it is, it keeps all that
 * was written. The second pass takes bits from the file, not from what it is told, so that a page
 * that is judged otherwise then cannot shift the others. What is still without data in the end is
 * taken out by kdump_squeeze(); the whole costs no room.
 *
 * A split dump has several files, of which each has all bits, but descriptors and data of its own
 * pages only, as makedumpfile has it: --reassemble takes the bits of the first.
 */
#include "vmcore/kdump_out.h"

#include "vmcore/twins.h"

/* How struct kdump_out keeps where a page's data are: the offset above, the size below. */
#define PLACE_SHIFT 13

static struct kdump_file *current(const struct kdump_out *k)
{
	return &k->files[k->cur];
}

enum xk_status kdump_flush_table(struct kdump_out *k, struct diag *d)
{
	enum xk_status st = XK_OK;

	if (k->table_dirty)
		st = out_write(current(k)->o, k->at.table + k->table_at * KP_LEN, k->table,
			k->nr_table * KP_LEN, d);
	if (st != XK_OK)
		return st;
	k->table_at += k->nr_table;
	k->nr_table = 0;
	k->table_dirty = false;
	return XK_OK;
}

enum xk_status kdump_load_table(struct kdump_out *k, uint64_t first, struct diag *d)
{
	const struct kdump_file *f = current(k);
	enum xk_status st = kdump_flush_table(k, d);
	size_t nr;

	if (st != XK_OK)
		return st;
	nr = (size_t)min_u64(f->descs - first, KDUMP_TABLE);
	st = out_read(f->o, k->at.table + first * KP_LEN, k->table, nr * KP_LEN, d);
	if (st != XK_OK)
		return st;
	k->table_at = first;
	k->nr_table = nr;
	return XK_OK;
}

/* Descriptors first: a bit says that they are there. */
enum xk_status kdump_flush_bits(struct kdump_out *k, struct diag *d)
{
	enum xk_status st = kdump_flush_table(k, d);

	for (size_t i = 0; st == XK_OK && k->bits_dirty && i < k->nr_files; i++)
		st = out_write(k->files[i].o, k->at.bitmap2 + k->bits_at, k->bits, KDUMP_BITS, d);
	if (st == XK_OK)
		k->bits_dirty = false;
	return st;
}

/* How many bits at hand belong to pages [from, to) of the current file. */
static uint64_t count_bits(const struct kdump_out *k, uint64_t from, uint64_t to)
{
	const uint64_t base = k->bits_at * 8;
	uint64_t n = 0;

	from = max_u64(max_u64(from, base), current(k)->start) - base;
	to = min_u64(min_u64(to, base + KDUMP_BITS_PAGES), current(k)->end) - base;
	while (from < to && (from % 64 || to - from < 64)) {
		n += k->bits[from / 8] >> from % 8 & 1;
		from++;
	}
	for (; from < to && to - from >= 64; from += 64) {
		uint64_t w;

		memcpy(&w, k->bits + from / 8, sizeof(w));
		n += (unsigned)__builtin_popcountll(w);
	}
	for (; from < to; from++)
		n += k->bits[from / 8] >> from % 8 & 1;
	return n;
}

/* A piece that was left is never needed again in the same pass. Flattened files need all of them. */
static enum xk_status turn_bits(struct kdump_out *k, uint64_t pfn, struct diag *d)
{
	const uint64_t want = pfn / KDUMP_BITS_PAGES * KDUMP_BITS;
	const bool all = out_flattened(k->files[0].o);

	while (k->bits_at < want) {
		enum xk_status st;

		k->bits_dirty = k->bits_dirty || all;
		st = kdump_flush_bits(k, d);
		if (st != XK_OK)
			return st;
		if (k->second)
			k->before += count_bits(k, 0, UINT64_MAX);
		memset(k->bits, 0, KDUMP_BITS);
		k->bits_at = all ? k->bits_at + KDUMP_BITS : want;
		if (k->second)
			st = out_read(
				k->files[0].o, k->at.bitmap2 + k->bits_at, k->bits, KDUMP_BITS, d);
		if (st != XK_OK)
			return st;
	}
	return XK_OK;
}

enum xk_status kdump_turn_to(struct kdump_out *k, uint64_t pfn, struct diag *d)
{
	while (pfn >= current(k)->end && k->cur + 1 < k->nr_files) {
		enum xk_status st = kdump_flush_table(k, d);

		if (st != XK_OK)
			return st;
		k->cur++;
		k->table_at = k->before = 0;
	}
	return turn_bits(k, pfn, d);
}

static uint64_t *place_of(const struct kdump_out *k, const struct dump_chunk *c, unsigned i)
{
	return c->slot[i] < TWINS ? &k->places[c->slot[i]] : NULL;
}

/* Bytes of the chunk's data that are page i's. */
static uint16_t own_data(const struct dump_chunk *c, unsigned i)
{
	return c->size[i] <= KDUMP_BLOCK ? c->size[i] : 0;
}

/* Where the data of pages with a slot are, if the chunk's begin at `at`. A twin of what was not
 * written would be a descriptor that leads nowhere. */
static enum xk_status remember_places(
	struct kdump_out *k, const struct dump_chunk *c, uint64_t at, struct diag *d)
{
	for (unsigned i = 0; i < c->nr; i++) {
		uint64_t *place = place_of(k, c, i);

		if (c->size[i] == DUMP_TWIN && (!place || !*place))
			return diag_fail(d, XK_FAIL,
				"page %#llx shares the data of one that was not written: a fault of this program",
				(unsigned long long)(c->pfn + i));
		if (place && own_data(c, i))
			*place = at << PLACE_SHIFT | own_data(c, i);
		at += own_data(c, i);
	}
	return XK_OK;
}

static void fill(uint8_t *p, uint64_t offset, uint32_t size, uint32_t flags)
{
	memset(p, 0, KP_LEN);
	memcpy(p + KP_OFFSET, &offset, sizeof(offset));
	memcpy(p + KP_SIZE, &size, sizeof(size));
	memcpy(p + KP_FLAGS, &flags, sizeof(flags));
}

/* The descriptor of page i, whose data, if it has some of its own, are at `at`. */
static void describe(
	struct kdump_out *k, uint8_t *p, const struct dump_chunk *c, unsigned i, uint64_t at)
{
	uint32_t size = c->size[i];

	k->w.pages++;
	k->w.zero_pages += !size;
	k->w.twin_pages += size == DUMP_TWIN;
	if (!size) {
		fill(p, current(k)->zero_page, KDUMP_BLOCK, 0);
		return;
	}
	if (size == DUMP_TWIN) {
		at = *place_of(k, c, i) >> PLACE_SHIFT;
		size = *place_of(k, c, i) & ((1u << PLACE_SHIFT) - 1);
	}
	fill(p, at, size, size == KDUMP_BLOCK ? 0 : kdump_flag(k->h->codec));
}

/* That the page goes to the file now. */
static bool is_given(uint16_t size)
{
	return size != DUMP_NONE && size != DUMP_LATER;
}

enum xk_status kdump_append(struct kdump_out *k, uint64_t pfn, const uint8_t *desc, struct diag *d)
{
	const uint64_t bit = pfn - k->bits_at * 8;

	if (k->nr_table == KDUMP_TABLE) {
		enum xk_status st = kdump_flush_table(k, d);

		if (st != XK_OK)
			return st;
	}
	memcpy(k->table + k->nr_table++ * KP_LEN, desc, KP_LEN);
	k->table_dirty = true;
	current(k)->descs++;
	k->bits[bit / 8] |= (uint8_t)(1u << bit % 8);
	k->bits_dirty = true;
	return XK_OK;
}

/* Only writes can fail here, and none does once the data are there: a chunk is in the file or not. */
static enum xk_status first_pass(struct kdump_out *k, const struct dump_chunk *c, struct diag *d)
{
	struct kdump_file *f;
	enum xk_status st;
	unsigned nr = 0;
	uint64_t at;

	for (unsigned i = 0; i < c->nr; i++)
		nr += c->size[i] != DUMP_NONE;
	if (!nr)
		return XK_OK;
	st = kdump_turn_to(k, c->pfn, d);
	if (st != XK_OK)
		return st;
	f = current(k);
	if (f->descs + nr > f->room)
		return diag_fail(d, XK_FAIL,
			"more pages than the %llu that were counted: the core changed while it was read",
			(unsigned long long)f->room);
	if (k->nr_table + nr > KDUMP_TABLE)
		st = kdump_flush_table(k, d);
	if (st == XK_OK && c->len)
		st = out_write(f->o, f->data, c->data, c->len, d);
	if (st == XK_OK)
		st = remember_places(k, c, f->data, d);
	if (st != XK_OK)
		return st;
	at = f->data;
	for (unsigned i = 0; i < c->nr && st == XK_OK; i++) {
		uint8_t desc[KP_LEN] = {0};

		if (c->size[i] == DUMP_NONE)
			continue;
		if (c->size[i] == DUMP_LATER) {
			k->holes++;
		} else {
			describe(k, desc, c, i, at);
			at += own_data(c, i);
		}
		st = kdump_append(k, c->pfn + i, desc, d);
	}
	f->data = at;
	return st;
}

static enum xk_status second_pass(struct kdump_out *k, const struct dump_chunk *c, struct diag *d)
{
	enum xk_status st = kdump_turn_to(k, c->pfn, d);
	struct kdump_file *f = current(k);
	uint64_t index, nr, at = f->data;
	bool any = false;

	for (unsigned i = 0; i < c->nr; i++)
		any |= is_given(c->size[i]);
	if (st != XK_OK || !any)
		return st;
	index = k->before + count_bits(k, 0, c->pfn);
	nr = count_bits(k, c->pfn, c->pfn + c->nr);
	if (index + nr > f->descs)
		return diag_fail(d, XK_FAIL, "what was written to the dump reads back otherwise");
	if (index < k->table_at || index + nr > k->table_at + k->nr_table)
		st = kdump_load_table(k, index, d);
	if (st == XK_OK && c->len)
		st = out_write(f->o, at, c->data, c->len, d);
	if (st == XK_OK)
		st = remember_places(k, c, at, d);
	if (st != XK_OK)
		return st;
	f->data += c->len;
	for (unsigned i = 0; i < c->nr; i++) {
		const uint64_t bit = c->pfn + i - k->bits_at * 8;
		uint8_t *p = k->table + (index - k->table_at) * KP_LEN;
		bool set = k->bits[bit / 8] >> bit % 8 & 1;

		/* one that the first pass wrote, or knew nothing of, stays as it is */
		if (set && is_given(c->size[i]) && !memcmp(p, (uint8_t[KP_LEN]){0}, KP_LEN)) {
			describe(k, p, c, i, at);
			k->table_dirty = true;
			k->holes--;
		}
		at += own_data(c, i);
		index += set;
	}
	return XK_OK;
}

static enum xk_status kdump_chunk(struct dump_writer *w, const struct dump_chunk *c, struct diag *d)
{
	struct kdump_out *k = (struct kdump_out *)w;

	return k->second ? second_pass(k, c, d) : first_pass(k, c, d);
}

/* To the end of the second bitmap, which must be in the file whole. */
static enum xk_status finish_bits(struct kdump_out *k, struct diag *d)
{
	enum xk_status st = XK_OK;

	if (!k->at.bitmap_blocks)
		return kdump_flush_table(k, d);
	if (out_flattened(k->files[0].o)) {
		st = turn_bits(k, (k->at.bitmap_blocks - 1) * KDUMP_BITS_PAGES, d);
		k->bits_dirty = true;
	}
	return st == XK_OK ? kdump_flush_bits(k, d) : st;
}

static enum xk_status flush_files(struct kdump_out *k, struct diag *d)
{
	enum xk_status st = XK_OK;

	for (size_t i = 0; st == XK_OK && i < k->nr_files; i++)
		st = out_flush(k->files[i].o, d);
	return st;
}

/* The useful pages are safe before the others begin. */
static enum xk_status kdump_again(struct dump_writer *w, struct diag *d)
{
	struct kdump_out *k = (struct kdump_out *)w;
	enum xk_status st = finish_bits(k, d);

	if (st == XK_OK)
		st = flush_files(k, d);
	if (st == XK_OK)
		st = out_read(k->files[0].o, k->at.bitmap2, k->bits, KDUMP_BITS, d);
	if (st != XK_OK)
		return st;
	k->second = true;
	k->cur = 0;
	k->bits_at = k->table_at = k->before = 0;
	return XK_OK;
}

static enum xk_status kdump_finish(struct dump_writer *w, bool whole, struct diag *d)
{
	struct kdump_out *k = (struct kdump_out *)w;
	enum xk_status st;

	if (k->torn)
		return diag_fail(d, XK_IO, "its tables are half changed");
	st = finish_bits(k, d);
	if (st == XK_OK && k->holes)
		st = kdump_squeeze(k, d);
	if (st == XK_OK && whole)
		st = flush_files(k, d);
	for (size_t i = 0; st == XK_OK && i < k->nr_files; i++)
		st = kdump_write_header(k, &k->files[i], whole, d);
	return st;
}

static void kdump_destroy(struct dump_writer *w)
{
	struct kdump_out *k = (struct kdump_out *)w;

	free(k->files);
	free(k->table);
	free(k->bits);
	free(k->places);
	free(k);
}

static enum xk_status begin(struct kdump_out *k, struct out *const *o, struct diag *d)
{
	const struct dump_head *h = k->h;
	enum xk_status st = XK_OK;

	k->files = calloc(k->nr_files, sizeof(*k->files));
	k->table = malloc((size_t)KDUMP_TABLE * KP_LEN);
	k->bits = calloc(1, KDUMP_BITS);
	k->places = calloc(TWINS, sizeof(*k->places));
	if (!k->files || !k->table || !k->bits || !k->places)
		return diag_fail(d, XK_NOMEM, "no memory for a kdump writer");
	for (size_t i = 0; st == XK_OK && i < k->nr_files; i++) {
		struct kdump_file *f = &k->files[i];

		*f = (struct kdump_file){.o = o[i], .end = h->max_pfn, .room = h->planned};
		if (h->nr_parts) {
			f->start = h->parts[i].start;
			f->end = h->parts[i].end;
			f->room = h->parts[i].planned;
		}
		st = kdump_begin(k, f, d);
	}
	return st;
}

enum xk_status kdump_create(
	const struct dump_head *h, struct out *const *o, struct dump_writer **ret, struct diag *d)
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
	k->w = (struct dump_writer){.chunk = kdump_chunk,
		.again = kdump_again,
		.finish = kdump_finish,
		.destroy = kdump_destroy};
	k->h = h;
	k->nr_files = h->nr_parts ? h->nr_parts : 1;
	k->at = kdump_layout(h);
	st = begin(k, o, d);
	if (st != XK_OK) {
		kdump_destroy(&k->w);
		return st;
	}
	*ret = &k->w;
	return XK_OK;
}
