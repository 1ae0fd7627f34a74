// SPDX-License-Identifier: GPL-2.0-only
/* Kdump-compressed files: from a page to its descriptor to its bytes. */
#include "vmcore/core_kdump.h"

#define MAP_SLOTS  8
#define MAP_GROUP  64 /* bytes of a bitmap that are counted together */
#define DESCS	   256
#define DATA_AHEAD (64u << 10)

struct map_slot {
	const struct kdump_part *part; /* NULL: unused */
	uint64_t map, pfn; /* which bitmap, and its first page */
	uint64_t rank; /* of that page */
	uint16_t before[KDUMP_MAP_BYTES / MAP_GROUP]; /* bits set before each group */
	uint8_t bits[KDUMP_MAP_BYTES];
};

struct kdump_reader {
	struct decoders *dec;
	struct map_slot slot[MAP_SLOTS];
	struct { /* descriptors from rank on */
		const struct kdump_part *part;
		uint64_t rank;
		size_t nr;
		uint8_t v[DESCS * KP_LEN];
	} desc;
	struct { /* page data that was read ahead */
		const struct source *src;
		uint64_t off, end; /* end: of what was asked for last */
		size_t len;
		uint8_t v[DATA_AHEAD];
	} data;
	uint8_t packed[CORE_PAGE];
};

static size_t kdump_run(struct core_reader *r, uint64_t pfn, size_t max, uint8_t *to);
static enum page_state kdump_page(struct core_reader *r, uint64_t pfn, uint8_t *to);
const struct core_ops kdump_ops = {kdump_run, kdump_page};

bool kdump_reader_init(struct core_reader *r)
{
	r->kdump = calloc(1, sizeof(*r->kdump));
	if (!r->kdump)
		return false;
	r->kdump->dec = decoders_create();
	return r->kdump->dec;
}

void kdump_reader_deinit(struct core_reader *r)
{
	if (r->kdump)
		decoders_destroy(r->kdump->dec);
	free(r->kdump);
	r->kdump = NULL;
}

/* The window of a bitmap that pfn is in. Its rank counts from the start of the bitmap's stretch:
 * meaningful for the second bitmap only. */
static const struct map_slot *map_window(
	struct core_reader *r, const struct kdump_part *p, uint64_t map, uint64_t pfn)
{
	uint64_t first = align_down(pfn, KDUMP_MAP_PAGES);
	uint64_t stretch = pfn >> p->stretch_shift << p->stretch_shift;
	size_t i = (size_t)(first / KDUMP_MAP_PAGES * 2 + (map == p->map_here)) % MAP_SLOTS;
	struct map_slot *s = &r->kdump->slot[i];
	unsigned n = 0;

	if (s->part == p && s->map == map && s->pfn == first)
		return s;
	s->part = p;
	s->map = map;
	s->pfn = first;
	s->rank = p->ranks[pfn >> p->stretch_shift];
	/* the stretch's bits before this window: none up to 4 TiB of address space */
	for (uint64_t w = max_u64(stretch, align_down(p->start, KDUMP_MAP_PAGES));
		map == p->map_here && w < first; w += KDUMP_MAP_PAGES) {
		kdump_map_read(p, &r->view, map, w, s->bits);
		kdump_map_from(s->bits, w, p->start);
		s->rank += kdump_popcount(s->bits, KDUMP_MAP_BYTES);
	}
	kdump_map_read(p, &r->view, map, first, s->bits);
	for (size_t g = 0; g < ARRAY_SIZE(s->before); g++) {
		s->before[g] = (uint16_t)n;
		n += kdump_popcount(s->bits + g * MAP_GROUP, MAP_GROUP);
	}
	return s;
}

static bool bit(const struct map_slot *s, uint64_t pfn)
{
	uint64_t i = pfn - s->pfn;

	return s->bits[i / 8] >> i % 8 & 1;
}

/* How many bits are set in the window before pfn. */
static uint64_t bits_before(const struct map_slot *s, uint64_t pfn)
{
	size_t i = (size_t)(pfn - s->pfn), byte = i / 8, group = byte / MAP_GROUP;
	uint8_t last = (uint8_t)(s->bits[byte] & ((1u << i % 8) - 1));

	return s->before[group] +
	       kdump_popcount(s->bits + group * MAP_GROUP, byte - group * MAP_GROUP) +
	       (unsigned)__builtin_popcount(last);
}

/* The number of pfn's descriptor, whose bit is set. */
static uint64_t desc_rank(struct core_reader *r, const struct kdump_part *p, uint64_t pfn)
{
	const struct map_slot *s = map_window(r, p, p->map_here, pfn);
	uint64_t rank = s->rank + bits_before(s, pfn);

	if (p->start <= s->pfn)
		return rank;
	/* the window in which the part starts: what is before it is not this file's */
	if (p->start - s->pfn < KDUMP_MAP_PAGES)
		return rank - bits_before(s, p->start);
	return 0;
}

static const uint8_t *desc_get(struct core_reader *r, const struct kdump_part *p, uint64_t rank)
{
	struct kdump_reader *k = r->kdump;

	if (k->desc.part != p || rank < k->desc.rank || rank - k->desc.rank >= k->desc.nr) {
		k->desc.part = p;
		k->desc.rank = rank;
		k->desc.nr = source_read(p->src, &r->view, p->descs + rank * KP_LEN, k->desc.v,
				     sizeof(k->desc.v)) /
			     KP_LEN;
		if (!k->desc.nr)
			return NULL;
	}
	return k->desc.v + (size_t)(rank - k->desc.rank) * KP_LEN;
}

/* Bytes of the file, read ahead when the last ones asked for were those before. */
static const uint8_t *data_get(
	struct core_reader *r, const struct source *s, uint64_t off, size_t len)
{
	struct kdump_reader *k = r->kdump;
	bool next = k->data.src == s && off == k->data.end;

	k->data.end = off + len;
	if (k->data.src == s && off >= k->data.off && off - k->data.off <= k->data.len &&
		len <= k->data.len - (size_t)(off - k->data.off))
		return k->data.v + (size_t)(off - k->data.off);
	if (!next) {
		k->data.src = s;
		k->data.len = 0;
		return source_get(s, &r->view, off, k->packed, len) ? k->packed : NULL;
	}
	k->data.off = off;
	k->data.len = source_read(s, &r->view, off, k->data.v, sizeof(k->data.v));
	return k->data.len >= len ? k->data.v : NULL;
}

static const struct kdump_part *part_of(const struct kdump *k, uint64_t pfn)
{
	for (size_t i = 0; i < k->nr; i++)
		if (pfn >= k->part[i].start && pfn < k->part[i].end)
			return &k->part[i];
	return NULL;
}

static enum page_state kdump_page(struct core_reader *r, uint64_t pfn, uint8_t *to)
{
	const struct kdump *k = r->core->file->kdump;
	const struct kdump_part *p = part_of(k, pfn), *any = p ? p : &k->part[0];
	const uint8_t *desc, *data;
	uint32_t size, flags;
	uint64_t off;

	if (pfn >= any->max_pfn)
		return PAGE_HOLE;
	if (!bit(map_window(r, any, any->map_here, pfn), pfn))
		return bit(map_window(r, any, any->map_ram, pfn), pfn) ? PAGE_EXCLUDED : PAGE_HOLE;
	if (!p) /* in a part that is missing */
		return PAGE_BAD;
	desc = desc_get(r, p, desc_rank(r, p, pfn));
	if (!desc)
		return PAGE_BAD;
	memcpy(&off, desc + KP_OFFSET, sizeof(off));
	memcpy(&size, desc + KP_SIZE, sizeof(size));
	memcpy(&flags, desc + KP_FLAGS, sizeof(flags));
	/* offset 0: the writer ran out of space before it came to this page */
	if (!off || !size || size > CORE_PAGE)
		return PAGE_BAD;
	data = data_get(r, p->src, off, size);
	return data && decode_page(r->kdump->dec, flags, data, size, to) ? PAGE_DATA : PAGE_BAD;
}

static size_t kdump_run(struct core_reader *r, uint64_t pfn, size_t max, uint8_t *to)
{
	size_t n = 0;

	while (n < max && kdump_page(r, pfn + n, to + n * CORE_PAGE) == PAGE_DATA)
		n++;
	return n;
}
