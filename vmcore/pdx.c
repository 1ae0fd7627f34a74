// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page numbers as Xen compresses them where the machine's memory has holes. A pdx is the index of
 * the frame table and the page number within the direct map. Source: Xen xen/include/xen/pdx.h,
 * 4.17 (mask) and 4.21 (offset).
 */
#include "vmcore/xen_xlat.h"

/* Shifts come from a core: what C leaves undefined is 0 here. */
static uint64_t shift_right(uint64_t v, unsigned n)
{
	return n < 64 ? v >> n : 0;
}

static uint64_t shift_left(uint64_t v, unsigned n)
{
	return n < 64 ? v << n : 0;
}

/* nr is a power of two in every build of Xen (its order is the build option). */
static unsigned slot(const struct pdx *p, uint64_t v, unsigned shift)
{
	return (unsigned)shift_right(v, shift) & (p->nr - 1) & 63;
}

uint64_t pdx_from_pfn(const struct pdx *p, uint64_t pfn)
{
	if (p->scheme == PDX_MASK)
		return (pfn & p->bottom_mask) | shift_right(pfn & p->top_mask, p->hole_shift);
	if (p->scheme == PDX_OFFSET && p->nr)
		return pfn - p->pfn_to_pdx[slot(p, pfn, p->pfn_shift)];
	return pfn;
}

uint64_t pdx_to_pfn(const struct pdx *p, uint64_t pdx)
{
	if (p->scheme == PDX_MASK)
		return (pdx & p->bottom_mask) | (shift_left(pdx, p->hole_shift) & p->top_mask);
	if (p->scheme == PDX_OFFSET && p->nr)
		return pdx + p->pdx_to_pfn[slot(p, pdx, p->pdx_shift)];
	return pdx;
}

uint64_t pdx_stretch(const struct pdx *p, uint64_t n)
{
	uint64_t size = 0; /* a power of two, or 0 for no end */

	if (p->scheme == PDX_MASK)
		size = p->bottom_mask + 1;
	else if (p->scheme == PDX_OFFSET && p->nr)
		/* One entry of either table. */
		size = shift_left(1, p->pfn_shift < p->pdx_shift ? p->pfn_shift : p->pdx_shift);
	else if (p->scheme == PDX_UNKNOWN)
		size = 1;
	return size ? size - (n & (size - 1)) : UINT64_MAX - n;
}
