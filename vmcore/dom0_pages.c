// SPDX-License-Identifier: GPL-2.0-only
#include "vmcore/dom0_pages.h"
#include "vmcore/why.h"
#include "vmcore/xen_frames.h"

#define PTE_PRESENT UINT64_C(0x001)
#define PTE_ADDRESS UINT64_C(0x000ffffffffff000) /* bits 51:12 */

#define PER_TABLE (CORE_PAGE / 8) /* 32-bit PV kernels have PAE tables, of 8 bytes too */
#define BATCH	  64 /* pages that are looked up together */

/*
 * type_info: bits 63:61 are the type, up to Xen 4.9 63:60; a count of references is at the bottom,
 * with flags between. Types 1 to 4 are page tables of that level, 7 is a writable page. Source: Xen
 * xen/arch/x86/include/asm/mm.h, 4.4 to 4.23.
 */
#define TYPE_L1	      1
#define TYPE_L4	      4
#define TYPE_WRITABLE 7
#define TYPE_COUNT    ((UINT64_C(1) << 55) - 1) /* of the narrowest count, 4.13 to 4.23 */

#define SAMPLES 8192

enum use { USE_NONE, USE_DATA, USE_TABLE };

static uint64_t type_at(const struct xen_frames *f, const uint8_t *entry)
{
	uint64_t v;

	memcpy(&v, entry + f->count_at + 8, sizeof(v));
	return v;
}

/* What Xen says of a page that dom0's list calls dom0's. */
static enum use use_of(const struct dom0_pages *p, const uint8_t *entry)
{
	const struct xen_frames *f = p->filter.frames;
	struct xen_page page = xen_page_at(f, entry);
	uint64_t type = type_at(f, entry), level = type >> p->type_shift & 7;

	if (f->pgc) {
		uint32_t no = 1u << PK_BROKEN | 1u << PK_GUEST | 1u << PK_XEN_FREE;

		if (no >> xen_page_kind(f, f->pgc, page) & 1)
			return USE_NONE;
	} else if (f->dom0 && page.owner && page.owner != f->dom0) {
		return USE_NONE;
	}
	/* A page that was a table keeps the type until it has another, but no reference of it. */
	return level >= TYPE_L1 && level <= TYPE_L4 && type & TYPE_COUNT ? USE_TABLE : USE_DATA;
}

/* Of nr machine pages that follow each other. What Xen does not tell is data. */
static void uses(
	const struct dom0_pages *p, struct core_reader *r, uint64_t mfn, size_t nr, enum use *ret)
{
	const struct xen_frames *f = p->filter.frames;
	uint8_t scratch[XEN_ENTRY_MAX];
	const uint8_t *data;

	for (size_t i = 0, n; i < nr; i += n ? n : 1) {
		n = xen_page_run(f, r, mfn + i, nr - i, scratch, &data);
		ret[i] = USE_DATA;
		for (size_t k = 0; k < n; k++)
			ret[i + k] = use_of(p, data + k * f->frames.size);
	}
}

/* How many numbers from the first on ascend by one. */
static size_t stretch(const uint64_t *v, size_t nr)
{
	size_t n = 1;

	while (n < nr && v[0] != P2M_NONE && v[n] == v[0] + n)
		n++;
	return n;
}

/* dom0's numbers of machine pages; P2M_NONE where dom0 does not say the same. */
static void to_pfns(const struct dom0_pages *p, struct core_reader *r, const uint64_t *mfns,
	size_t nr, uint64_t *pfns)
{
	uint64_t back[PER_TABLE];

	for (size_t i = 0, n; i < nr; i += n) {
		n = stretch(mfns + i, nr - i);
		if (mfns[i] == P2M_NONE)
			pfns[i] = P2M_NONE;
		else
			xen_m2p_window(&p->filter, r, mfns[i], n, pfns + i);
	}
	for (size_t i = 0, n; i < nr; i += n) {
		n = stretch(pfns + i, nr - i);
		if (pfns[i] == P2M_NONE)
			continue;
		p2m_window(&p->p2m, r, pfns[i], n, back);
		for (size_t k = 0; k < n; k++)
			if (back[k] != mfns[i + k])
				pfns[i + k] = P2M_NONE;
	}
}

/*
 * Entries that lead to what is not dom0's (Xen's part of a top-level table, pages of guests, devices)
 * lead nowhere. Others that are not present hold no machine number: Linux translates it back before
 * it makes an entry absent.
 */
static void translate(const struct dom0_pages *p, struct core_reader *r, uint8_t *table)
{
	uint64_t e[PER_TABLE], mfns[PER_TABLE], pfns[PER_TABLE];

	memcpy(e, table, sizeof(e));
	for (size_t i = 0; i < PER_TABLE; i++)
		mfns[i] = e[i] & PTE_PRESENT ? (e[i] & PTE_ADDRESS) / CORE_PAGE : P2M_NONE;
	to_pfns(p, r, mfns, PER_TABLE, pfns);
	for (size_t i = 0; i < PER_TABLE; i++) {
		if (!(e[i] & PTE_PRESENT))
			continue;
		e[i] = pfns[i] == P2M_NONE ? 0 : (e[i] & ~PTE_ADDRESS) | pfns[i] * CORE_PAGE;
	}
	memcpy(table, e, sizeof(e));
}

static void finish(const struct dom0_pages *p, struct core_reader *r, uint64_t pfn, enum use use,
	uint8_t *page)
{
	if (use == USE_TABLE)
		translate(p, r, page);
	for (size_t i = 0; i < p->nr_blanks; i++)
		if (p->blank[i] / CORE_PAGE == pfn)
			memset(page + p->blank[i] % CORE_PAGE, 0, p->p2m.bits / 8);
}

enum page_state dom0_page(
	const struct dom0_pages *p, struct core_reader *under, uint64_t pfn, uint8_t *to)
{
	uint64_t mfn = p2m_mfn(&p->p2m, under, pfn);
	enum page_state st;
	const uint8_t *page;
	enum use use;

	if (mfn == P2M_NONE)
		return PAGE_EXCLUDED;
	uses(p, under, mfn, 1, &use);
	if (use == USE_NONE)
		return PAGE_EXCLUDED;
	st = core_page(under, mfn, &page);
	if (st == PAGE_DATA) {
		memcpy(to, page, CORE_PAGE);
		finish(p, under, pfn, use, to);
	}
	return st == PAGE_HOLE ? PAGE_EXCLUDED : st;
}

/* Pages that lie together in machine memory too. */
static size_t run(const struct dom0_pages *p, struct core_reader *under, uint64_t pfn, uint64_t mfn,
	size_t nr, uint8_t *to)
{
	enum use use[BATCH];
	const uint8_t *data;
	size_t n, good = 0;

	uses(p, under, mfn, nr, use);
	while (good < nr && use[good] != USE_NONE)
		good++;
	n = good ? core_run(under, mfn, good, &data) : 0;
	if (!n)
		return 0;
	n = n < good ? n : good;
	memcpy(to, data, n * CORE_PAGE);
	for (size_t i = 0; i < n; i++)
		finish(p, under, pfn + i, use[i], to + i * CORE_PAGE);
	return n;
}

size_t dom0_run(const struct dom0_pages *p, struct core_reader *under, uint64_t pfn, size_t max,
	uint8_t *to)
{
	uint64_t mfns[BATCH];
	size_t done = 0;

	while (done < max) {
		size_t nr = max - done < BATCH ? max - done : BATCH, i = 0;

		p2m_window(&p->p2m, under, pfn + done, nr, mfns);
		while (i < nr) {
			size_t want = stretch(mfns + i, nr - i), n = 0;

			if (mfns[i] != P2M_NONE)
				n = run(p, under, pfn + done + i, mfns[i], want,
					to + (done + i) * CORE_PAGE);
			i += n;
			if (n < want)
				return done + i;
		}
		done += nr;
	}
	return done;
}

bool dom0_address(const struct dom0_pages *p, struct core_reader *under, maddr_t at, uint64_t *ret)
{
	uint64_t mfn = at / CORE_PAGE, pfn;

	to_pfns(p, under, &mfn, 1, &pfn);
	if (pfn == P2M_NONE)
		return false;
	*ret = pfn * CORE_PAGE + at % CORE_PAGE;
	return true;
}

struct census {
	unsigned pages, told, back, writable_3, writable_4;
};

/* Where the type is, and that Xen's tables lead back: by pages from all over dom0. */
static struct census take_census(const struct dom0_pages *p, struct core_reader *r)
{
	const struct xen_frames *f = p->filter.frames;
	uint64_t step = p->p2m.nr / SAMPLES + 1;
	struct census s = {0};

	for (uint64_t pfn = 0; pfn < p->p2m.nr; pfn += step) {
		uint64_t mfn = p2m_mfn(&p->p2m, r, pfn), back;
		uint8_t scratch[XEN_ENTRY_MAX];
		const uint8_t *data;

		if (mfn == P2M_NONE)
			continue;
		s.pages++;
		to_pfns(p, r, &mfn, 1, &back);
		s.back += back == pfn;
		if (!xen_page_run(f, r, mfn, 1, scratch, &data))
			continue;
		s.told++;
		s.writable_3 += type_at(f, data) >> 61 == TYPE_WRITABLE;
		s.writable_4 += type_at(f, data) >> 60 == TYPE_WRITABLE;
	}
	return s;
}

static enum xk_status check(struct dom0_pages *p, struct core_reader *r, struct diag *d)
{
	struct census s = take_census(p, r);

	if (s.told < s.pages - s.pages / 16)
		return diag_fail(d, XK_BAD_INPUT,
			"Xen's frame table has an entry for only %u of %u pages of dom0: which of them are page tables cannot be told",
			s.told, s.pages);
	if (s.back < s.pages - s.pages / 16)
		return diag_fail(d, XK_BAD_INPUT,
			"Xen's machine-to-physical table agrees with dom0's own list for only %u of %u pages: dom0's page tables cannot be translated",
			s.back, s.pages);
	/* In the wider field a writable page would be a page table of level 3. */
	if (!s.writable_3 && !s.writable_4)
		return diag_fail(d, XK_BAD_INPUT,
			"of %u pages of dom0 none is of a type that Xen would give it: its page tables cannot be told",
			s.told);
	p->type_shift = s.writable_3 > s.writable_4 ? 61 : 60;
	if (s.back < s.pages)
		why_add(p->why, sizeof(p->why),
			"Xen's and dom0's tables disagree about %u of %u pages of dom0",
			s.pages - s.back, s.pages);
	return XK_OK;
}

enum xk_status dom0_pages_init(const struct core *c, const struct core_notes *n,
	const struct xen_xlat *x, struct core_reader *r, struct dom0_pages *ret, struct diag *d)
{
	const struct filter_request rq = {0};
	struct dom0_pages p = {0};
	enum xk_status st = p2m_init(c, n, x, r, &p.p2m, d);

	if (st)
		return st;
	st = xen_filter_init(c, n, x, r, &rq, &p.filter, d);
	if (st)
		return st;
	if (!p.filter.frames->frames.nr || !p.filter.frames->m2p.nr)
		st = diag_fail(d, XK_BAD_INPUT,
			"dom0's page tables cannot be told from its other pages: %s",
			*p.filter.why ? p.filter.why : "Xen's frame table cannot be read");
	/* Where flags are in doubt the table of page numbers is none the worse for it. */
	p.filter.usable = true;
	if (!st)
		st = check(&p, r, d);
	if (st) {
		xen_filter_deinit(&p.filter);
		return st;
	}
	*ret = p;
	return XK_OK;
}

void dom0_pages_deinit(struct dom0_pages *p)
{
	xen_filter_deinit(&p->filter);
}
