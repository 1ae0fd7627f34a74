// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which page number compression the crashed Xen used. Its version and variables propose, its
 * direct map decides: that maps each page of memory at the very number that is asked for.
 *
 * Xen up to 4.17 can mask bits out, 4.18 to 4.20 have no compression on x86, and from 4.21 on it
 * is a build option: offset tables (the default), the mask, or none. Sources: xen/common/pdx.c and
 * xen/include/xen/pdx.h of 4.17, 4.20 and 4.21.
 */
#include "vmcore/why.h"
#include "vmcore/xen_xlat.h"

static bool read32(const struct xen_xlat *x, const struct core_notes *n, struct core_reader *r,
	const char *name, uint32_t *ret)
{
	vaddr_t at;

	return xen_symbol(n, name, &at) && xen_read(x, r, at, ret, sizeof(*ret));
}

/* A table of 2^order words, order 0 to 9 by the build. nm text has no sizes, but the lowest symbol
 * above bounds it, and the linker puts something behind every array. */
static unsigned table_length(const struct core_notes *n, vaddr_t at, const char *const *others)
{
	uint64_t len = 64;
	vaddr_t next;

	for (; *others; others++)
		if (xen_symbol(n, *others, &next) && next > at && (next - at) / 8 < len)
			len = (next - at) / 8;
	while (len & (len - 1))
		len &= len - 1;
	return (unsigned)len;
}

enum found { ABSENT, DAMAGED, FOUND };

static enum found read_mask(
	struct pdx *p, const struct xen_xlat *x, const struct core_notes *n, struct core_reader *r)
{
	uint32_t shift;
	vaddr_t at;

	if (!xen_symbol(n, "pfn_pdx_hole_shift", &at))
		return ABSENT;
	if (!read32(x, n, r, "pfn_pdx_hole_shift", &shift) ||
		!xen_variable(x, n, r, "pfn_pdx_bottom_mask", &p->bottom_mask) ||
		!xen_variable(x, n, r, "pfn_top_mask", &p->top_mask))
		return DAMAGED;
	if (!shift) {
		p->scheme = PDX_NONE;
		return FOUND;
	}
	/* A low mask, a hole of `shift` bits above it, and the rest. */
	if (p->bottom_mask & (p->bottom_mask + 1) || shift >= 52 ||
		p->top_mask != ~(((p->bottom_mask + 1) << shift) - 1))
		return DAMAGED;
	p->scheme = PDX_MASK;
	p->hole_shift = shift;
	return FOUND;
}

static enum found read_offsets(
	struct pdx *p, const struct xen_xlat *x, const struct core_notes *n, struct core_reader *r)
{
	static const char *const arrays[] = {"pfn_pdx_lookup", "pdx_pfn_lookup", "pfn_bases",
		"pfn_index_shift", "pdx_index_shift", "pdx_region_size", NULL};
	vaddr_t to_pdx, to_pfn;
	uint32_t pfn_shift, pdx_shift;
	uint64_t any = 0;

	if (!xen_symbol(n, "pfn_pdx_lookup", &to_pdx))
		return ABSENT;
	if (!xen_symbol(n, "pdx_pfn_lookup", &to_pfn) ||
		!read32(x, n, r, "pfn_index_shift", &pfn_shift) ||
		!read32(x, n, r, "pdx_index_shift", &pdx_shift) || pfn_shift >= 64 ||
		pdx_shift >= 64)
		return DAMAGED;
	p->nr = table_length(n, to_pdx, arrays);
	if (table_length(n, to_pfn, arrays) < p->nr)
		p->nr = table_length(n, to_pfn, arrays);
	if (!p->nr || !xen_read(x, r, to_pdx, p->pfn_to_pdx, p->nr * 8) ||
		!xen_read(x, r, to_pfn, p->pdx_to_pfn, p->nr * 8))
		return DAMAGED;
	for (unsigned i = 0; i < p->nr; i++)
		any |= p->pfn_to_pdx[i] | p->pdx_to_pfn[i];
	p->scheme = any ? PDX_OFFSET : PDX_NONE;
	p->pfn_shift = pfn_shift;
	p->pdx_shift = pdx_shift;
	return FOUND;
}

struct probes {
	unsigned right, wrong, absent;
	uint64_t pages, lost; /* of stretches probed; of those of which no probe is there */
};

static void probe(const struct xen_xlat *x, const struct pdx *p, struct core_reader *r,
	uint64_t pfn, struct probes *ret)
{
	uint64_t pdx = pdx_from_pfn(p, pfn);
	maddr_t m;

	/* The direct map ends where PV guests' part begins; what lies beyond is not to be seen. */
	if (pfn >= x->max_page || pdx >= (x->directmap_end - x->directmap) / CORE_PAGE)
		return;
	if (pdx_to_pfn(p, pdx) != pfn || !xen_walk(x, r, x->directmap + pdx * CORE_PAGE, &m, NULL))
		ret->absent++;
	else if (m == pfn * CORE_PAGE)
		ret->right++;
	else
		ret->wrong++;
}

/* The ends and the middle of up to 64 stretches of memory. Low memory, where it differs by
 * firmware, is left alone. */
static struct probes probe_all(
	const struct xen_xlat *x, const struct pdx *p, const struct core *c, struct core_reader *r)
{
	struct probes ret = {0};
	size_t step = c->ram.nr / 64 + 1;

	for (size_t i = 0; i < c->ram.nr; i += step) {
		/* Whole pages from 1 MiB on; the last stretch always counts. */
		struct range m = c->ram.v[i + step < c->ram.nr ? i : c->ram.nr - 1].r;
		uint64_t first = max_u64(align_up(m.start, CORE_PAGE), MiB) / CORE_PAGE;
		uint64_t end = min_u64(m.end / CORE_PAGE, x->max_page);
		unsigned absent = ret.absent;

		if (end <= first)
			continue;
		probe(x, p, r, first, &ret);
		probe(x, p, r, first + (end - first) / 2, &ret);
		probe(x, p, r, end - 1, &ret);
		ret.pages += end - first;
		if (ret.absent == absent + 3)
			ret.lost += end - first;
	}
	return ret;
}

static enum found propose(struct pdx *p, const char **how, const struct xen_xlat *x,
	const struct core_notes *n, struct core_reader *r)
{
	enum found f = read_mask(p, x, n, r);

	*how = "by Xen's variables";
	if (f == ABSENT)
		f = read_offsets(p, x, n, r);
	if (f != ABSENT)
		return f;
	p->scheme = PDX_NONE;
	if (n->xenkdump && n->xenkdump->symbols.len) {
		*how = "this Xen has none";
		return FOUND;
	}
	if (x->major == 4 && x->minor >= 18 && x->minor <= 20) {
		*how = "Xen 4.18 to 4.20 have none";
		return FOUND;
	}
	*how = "no symbols to tell";
	return ABSENT;
}

void xen_pdx_find(
	struct xen_xlat *x, const struct core *c, const struct core_notes *n, struct core_reader *r)
{
	static const char *const names[] = {
		[PDX_NONE] = "none",
		[PDX_MASK] = "mask",
		[PDX_OFFSET] = "offset tables",
	};
	struct pdx p = {0};
	struct probes seen;
	const char *how;
	enum found f = propose(&p, &how, x, n, r);

	x->pdx = (struct pdx){.scheme = PDX_UNKNOWN};
	if (f == DAMAGED) {
		why_add(x->why, sizeof(x->why),
			"the variables of page number compression make no sense");
		return;
	}
	seen = probe_all(x, &p, c, r);
	/* A page or a small stretch may be missing there, but not much of memory. */
	if (seen.wrong || seen.absent > seen.right || seen.lost > seen.pages / 64 ||
		(f == ABSENT && (seen.absent || !seen.right))) {
		why_add(x->why, sizeof(x->why),
			"page number compression %s (%s) does not fit Xen's direct map: of %u pages %u are elsewhere and %u are not there",
			names[p.scheme], how, seen.right + seen.wrong + seen.absent, seen.wrong,
			seen.absent);
		return;
	}
	x->pdx = p;
	why_add(x->why, sizeof(x->why),
		"page number compression: %s (%s; %u of %u pages are in the direct map)",
		names[p.scheme], how, seen.right, seen.right + seen.absent);
}
