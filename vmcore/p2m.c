// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PV dom0's own list of where its pages lie: three levels of pages full of page numbers, as wide
 * as dom0's long. Source: Linux arch/x86/xen/p2m.c, arch/x86/include/asm/xen/page.h.
 */
#include <stdio.h>

#include "vmcore/p2m_linear.h"

/* Page numbers of 52-bit addresses. */
#define MFN_MAX (UINT64_C(1) << 40)

/* Of pages that a search of the list may read: a list of 512 GiB has 1026 that are not leaves, and
 * of leaves only those count that are not the one before again. */
#define SEARCH_MAX 300000u
/* Of leaves of a linear one: 8 TiB of dom0's memory. */
#define LINEAR_MAX 4194304u

static unsigned per_page(const struct p2m *p)
{
	return CORE_PAGE / (p->bits / 8);
}

static uint64_t entry_at(const struct p2m *p, const uint8_t *page, size_t i)
{
	uint64_t v64;
	uint32_t v32;

	if (p->bits == 64) {
		memcpy(&v64, page + i * 8, 8);
		return v64;
	}
	memcpy(&v32, page + i * 4, 4);
	return v32;
}

/* The two top bits are FOREIGN (mapped through a grant) and IDENTITY (I/O); all ones: none. */
static uint64_t entry_mfn(const struct p2m *p, uint64_t entry)
{
	return entry >> (p->bits - 2) || entry >= MFN_MAX ? P2M_NONE : entry;
}

static bool read_index(
	const struct p2m *p, struct core_reader *r, maddr_t table, uint64_t i, uint64_t *ret)
{
	uint64_t v = 0;

	if (!core_read(r, table + i * (p->bits / 8), &v, p->bits / 8) || !v || v >= MFN_MAX)
		return false;
	*ret = v;
	return true;
}

/* The page of the list that holds pfn's entry. */
static bool find_leaf(const struct p2m *p, struct core_reader *r, uint64_t pfn, maddr_t *ret)
{
	uint64_t n = per_page(p), mid, leaf;

	if (p->linear)
		return p2m_linear_entry(p, r, pfn - pfn % n, ret);
	if (pfn / n / n >= n || !read_index(p, r, p->root, pfn / n / n, &mid) ||
		!read_index(p, r, mid * CORE_PAGE, pfn / n % n, &leaf))
		return false;
	*ret = leaf * CORE_PAGE;
	return true;
}

uint64_t p2m_mfn(const struct p2m *p, struct core_reader *r, uint64_t pfn)
{
	uint64_t ret;

	p2m_window(p, r, pfn, 1, &ret);
	return ret;
}

void p2m_window(const struct p2m *p, struct core_reader *r, uint64_t pfn, size_t nr, uint64_t *mfns)
{
	uint8_t page[CORE_PAGE];
	size_t n = per_page(p), width = p->bits / 8;

	while (nr) {
		size_t first = (size_t)(pfn % n), k = n - first < nr ? n - first : nr;
		maddr_t leaf;
		bool have = !p->identity && pfn < p->nr && find_leaf(p, r, pfn, &leaf) &&
			    core_read(r, leaf + first * width, page, k * width);

		for (size_t i = 0; i < k; i++) {
			if (p->identity)
				mfns[i] = pfn + i < p->nr ? pfn + i : P2M_NONE;
			else if (have && pfn + i < p->nr)
				mfns[i] = entry_mfn(p, entry_at(p, page, i));
			else
				mfns[i] = P2M_NONE;
		}
		mfns += k;
		pfn += k;
		nr -= k;
	}
}

/* As each_leaf(). Where there is nothing, Linux maps one page over and over. */
static bool each_linear_leaf(const struct p2m *p, struct core_reader *r, bool down,
	bool (*each)(void *ctx, uint64_t pfn, const uint8_t *page), void *ctx)
{
	const uint64_t n = per_page(p), nr = p->nr / n + (p->nr % n != 0);
	uint8_t page[CORE_PAGE];
	maddr_t leaf, last = 0;

	for (uint64_t i = 0; i < nr; i++) {
		uint64_t pfn = (down ? nr - 1 - i : i) * n;

		if (i == LINEAR_MAX)
			return false;
		if (!p2m_linear_entry(p, r, pfn, &leaf) || leaf == last)
			continue;
		last = leaf;
		if (core_read(r, leaf, page, sizeof(page)) && !each(ctx, pfn, page))
			return false;
	}
	return true;
}

/*
 * Visits leaves from the top down or the bottom up until `each` says no. A list names the same
 * empty page over and over where there is nothing: such repeats are passed over.
 */
static bool each_leaf(const struct p2m *p, struct core_reader *r, bool down,
	bool (*each)(void *ctx, uint64_t pfn, const uint8_t *page), void *ctx)
{
	uint8_t page[CORE_PAGE], mids[CORE_PAGE];
	uint64_t n = per_page(p), last_mid = 0, last_leaf = 0, mid, leaf;
	unsigned budget = SEARCH_MAX;

	if (p->linear)
		return each_linear_leaf(p, r, down, each, ctx);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t top = down ? n - 1 - i : i;

		if (!read_index(p, r, p->root, top, &mid) || mid == last_mid ||
			!core_read(r, mid * CORE_PAGE, mids, sizeof(mids)))
			continue;
		last_mid = mid;
		for (uint64_t j = 0; j < n; j++) {
			uint64_t at = down ? n - 1 - j : j;

			leaf = entry_at(p, mids, at);
			if (!leaf || leaf >= MFN_MAX || leaf == last_leaf)
				continue;
			last_leaf = leaf;
			if (!budget--)
				return false;
			if (core_read(r, leaf * CORE_PAGE, page, sizeof(page)) &&
				!each(ctx, (top * n + at) * n, page))
				return false;
		}
	}
	return true;
}

struct highest {
	const struct p2m *p;
	uint64_t nr;
};

static bool find_highest(void *ctx, uint64_t pfn, const uint8_t *page)
{
	struct highest *h = ctx;

	for (size_t i = per_page(h->p); i--;) {
		if (entry_mfn(h->p, entry_at(h->p, page, i)) != P2M_NONE) {
			h->nr = pfn + i + 1;
			return false;
		}
	}
	return true;
}

struct foreign {
	const struct p2m *p;
	bool (*each)(void *ctx, uint64_t pfn, uint64_t mfn);
	void *ctx;
};

static bool find_foreign(void *ctx, uint64_t pfn, const uint8_t *page)
{
	const struct foreign *f = ctx;

	for (size_t i = 0; i < per_page(f->p); i++) {
		uint64_t v = entry_at(f->p, page, i);

		/* FOREIGN without IDENTITY: all ones have both */
		if (v >> (f->p->bits - 2) != 2)
			continue;
		v &= (UINT64_C(1) << (f->p->bits - 1)) - 1;
		if (v < MFN_MAX && !f->each(f->ctx, pfn + i, v))
			return false;
	}
	return true;
}

bool p2m_each_foreign(const struct p2m *p, struct core_reader *r,
	bool (*each)(void *ctx, uint64_t pfn, uint64_t mfn), void *ctx)
{
	struct foreign f = {p, each, ctx};

	return !p->identity && (p->root || p->linear) && each_leaf(p, r, false, find_foreign, &f);
}

/* One number of a page, or none, or all ones: what every entry of the upper levels is. */
static bool plausible(const struct p2m *p, const uint8_t *page, uint64_t max_pfn)
{
	bool any = false;

	for (size_t i = 0; i < per_page(p); i++) {
		uint64_t v = entry_at(p, page, i);

		if (v && v >= max_pfn && v != UINT64_MAX >> (64 - p->bits))
			return false;
		any |= v && v < max_pfn;
	}
	return any;
}

/* A list read with the other width shows pairs of numbers, or halves, among them zeros where no
 * zero can be. Both upper levels and the first leaf must make sense. */
static bool width_fits(struct p2m *p, unsigned bits, const struct core *c, struct core_reader *r)
{
	uint8_t page[CORE_PAGE];
	uint64_t mid, leaf;
	unsigned pages = 0;

	p->bits = bits;
	if (!core_read(r, p->root, page, sizeof(page)) || !plausible(p, page, c->max_pfn) ||
		!read_index(p, r, p->root, 0, &mid) ||
		!core_read(r, mid * CORE_PAGE, page, sizeof(page)) ||
		!plausible(p, page, c->max_pfn) || !read_index(p, r, mid * CORE_PAGE, 0, &leaf) ||
		!core_read(r, leaf * CORE_PAGE, page, sizeof(page)))
		return false;
	/* dom0's first pages are memory, but for what its firmware map leaves out. */
	for (size_t i = 0; i < 128; i++)
		pages += entry_mfn(p, entry_at(p, page, i)) < c->max_pfn && entry_at(p, page, i);
	return pages >= 96;
}

/* What dom0's own VMCOREINFO tells: where its text lies. 0: nothing. */
static unsigned linux_bits(const struct core_notes *n)
{
	vaddr_t at;

	if (!vmcoreinfo_symbol(n->vmcoreinfo, "_stext", &at) &&
		!vmcoreinfo_symbol(n->vmcoreinfo, "swapper_pg_dir", &at))
		return 0;
	return at > UINT32_MAX ? 64 : 32;
}

static enum xk_status find_width(struct p2m *p, const struct core *c, const struct core_notes *n,
	struct core_reader *r, struct diag *d)
{
	unsigned told = linux_bits(n);
	bool fits64 = width_fits(p, 64, c, r), fits32 = width_fits(p, 32, c, r);

	if (fits64 && (!fits32 || told != 32))
		p->bits = 64;
	else if (!fits32)
		return diag_fail(d, XK_BAD_INPUT,
			"dom0's list of its pages at %" PRIaddr
			" makes no sense, neither as a 64-bit nor as a 32-bit kernel's",
			p->root);
	if (told && told != p->bits)
		snprintf(p->why, sizeof(p->why),
			"%u-bit list although dom0's VMCOREINFO is a %u-bit kernel's", p->bits,
			told);
	else
		snprintf(p->why, sizeof(p->why), "%u-bit list at %" PRIaddr, p->bits, p->root);
	return XK_OK;
}

/* The note names no list of three levels. */
static enum xk_status init_linear(struct p2m *p, const struct core *c, const struct core_notes *n,
	const struct xen_xlat *x, struct core_reader *r, struct diag *d)
{
	const char *why = "Xen's own addresses are not known";
	struct highest h = {.p = p};

	p->bits = 64;
	if (x && p2m_linear_find(c, n, x, r, p, &why)) {
		each_leaf(p, r, true, find_highest, &h);
		if (h.nr) {
			p->nr = min_u64(p->nr, h.nr);
			snprintf(p->why, sizeof(p->why),
				"list in dom0's virtual memory at %#" PRIx64, p->linear);
			return XK_OK;
		}
		why = "that in dom0's virtual memory has no page";
	}
	if (!n->xen_info.p2m_mfn)
		return diag_fail(d, XK_BAD_INPUT,
			"Xen's crash note names no list of dom0's pages (the note was not finished, or dom0 is not PV), and %s",
			why);
	return diag_fail(d, XK_UNSUPPORTED,
		"dom0 declared its three-level list of pages invalid, since it has more memory than that holds (512 GiB), and %s",
		why);
}

enum xk_status p2m_init(const struct core *c, const struct core_notes *n, const struct xen_xlat *x,
	struct core_reader *r, struct p2m *ret, struct diag *d)
{
	struct p2m p = {.bits = n->bits == 32 ? 32 : 64};
	struct highest h = {.p = &p};
	enum xk_status st;
	uint64_t root = n->xen_info.p2m_mfn;

	if (!n->xen) {
		p.identity = true;
		p.nr = c->max_pfn;
		snprintf(p.why, sizeof(p.why), "no hypervisor: page numbers are the machine's");
		*ret = p;
		return XK_OK;
	}
	if (!root || root == UINT64_MAX || root == UINT32_MAX) {
		st = init_linear(&p, c, n, x, r, d);
		if (!st)
			*ret = p;
		return st;
	}
	if (root >= c->max_pfn)
		return diag_fail(d, XK_BAD_INPUT,
			"dom0's list of its pages at machine page %#" PRIx64
			" lies outside the core's memory",
			root);
	p.root = root * CORE_PAGE;
	st = find_width(&p, c, n, r, d);
	if (st)
		return st;
	/* Stopping early is success here: it stops at the highest page that is one. */
	if (each_leaf(&p, r, true, find_highest, &h) || !h.nr)
		return diag_fail(d, XK_BAD_INPUT,
			"dom0's list of its pages at %" PRIaddr " has no page", p.root);
	p.nr = h.nr;
	*ret = p;
	return XK_OK;
}
