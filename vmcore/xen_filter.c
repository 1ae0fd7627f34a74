// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "vmcore/why.h"
#include "vmcore/xen_frames.h"

/* A page that is mapped by dom0 through a grant is in its list; backends keep a few thousand. */
#define GRANTED_MAX (1u << 17)

#define RO_M2P UINT64_C(0xffff800000000000) /* the same in every version */

#define say(f, ...) why_add((f)->why, sizeof((f)->why), __VA_ARGS__)

static enum page_kind owner_kind(const struct xen_frames *f, const struct pgc *t, struct xen_page p)
{
	const struct xen_domain *d;

	if (!p.owner)
		return PK_XEN; /* anonymous: page tables of Xen's, shadows, pools */
	d = xen_domain_find(f, p.owner);
	if (!d)
		return PK_UNKNOWN;
	return pgc_sane(t, p.info) ? d->kind : PK_UNKNOWN;
}

/*
 * The order matters. A free page may have the allocated bit, since that is need_scrub then; a page
 * of Xen's heap shared with a guest is allocated and owned, and still Xen's.
 */
enum page_kind xen_page_kind(const struct xen_frames *f, const struct pgc *t, struct xen_page p)
{
	enum pgc_state s = pgc_state(t, p.info);

	if (p.info == UINT64_MAX)
		return PK_UNKNOWN; /* beyond max_pdx Xen fills its table with ones */
	if (p.info & PGC_XEN_HEAP)
		return PK_XEN;
	if (p.info & t->broken || s == PGC_OFFLINED)
		return pgc_sane(t, p.info) ? PK_BROKEN : PK_UNKNOWN;
	if (s == PGC_FREE)
		return pgc_sane(t, p.info) ? PK_XEN_FREE : PK_UNKNOWN;
	if (!(p.info & PGC_ALLOCATED))
		return PK_XEN;
	return owner_kind(f, t, p);
}

size_t xen_page_run(const struct xen_frames *f, struct core_reader *r, uint64_t pfn, size_t max,
	uint8_t *scratch, const uint8_t **data)
{
	const struct pdx *p = &f->x.pdx;
	uint64_t pdx = pdx_from_pfn(p, pfn);

	/* Not Xen's to know, or in a hole: the number would be another page's. */
	if (p->scheme == PDX_UNKNOWN || pfn >= f->x.max_page || pdx_to_pfn(p, pdx) != pfn)
		return 0;
	max = (size_t)min_u64(min_u64(max, pdx_stretch(p, pfn)), f->x.max_page - pfn);
	return xen_array_get(&f->frames, &f->x, r, pdx, max, scratch, data);
}

bool xen_page_get(
	const struct xen_frames *f, struct core_reader *r, uint64_t pfn, struct xen_page *ret)
{
	uint8_t scratch[XEN_ENTRY_MAX];
	const uint8_t *data;

	if (!xen_page_run(f, r, pfn, 1, scratch, &data))
		return false;
	*ret = xen_page_at(f, data);
	return true;
}

/*
 * How many pages from the first one on are what it is. The innermost loop, compiled once for each
 * width of an owner: pages of a guest differ in their reference counts only, and cost two compares
 * and three loads each.
 */
static inline __attribute__((always_inline)) size_t alike(const struct xen_frames *f,
	const uint8_t *entry, size_t nr, size_t size, size_t width, struct xen_page first)
{
	const uint8_t *info_at = entry + f->count_at, *owner_at = entry + f->domain_at;
	size_t i = 1;

	for (; i < nr; i++) {
		uint64_t info, owner = 0;

		memcpy(&info, info_at + i * size, sizeof(info));
		memcpy(&owner, owner_at + i * size, width); /* x86 is little-endian */
		if (owner != first.owner || !pgc_alike(info, first.info))
			break;
	}
	return i;
}

static void judge(const struct xen_frames *f, const uint8_t *entry, size_t nr, uint8_t *kinds)
{
	for (size_t i = 0, n; i < nr; i += n, entry += n * f->frames.size) {
		const struct xen_page p = xen_page_at(f, entry);

		if (f->frames.size == 32 && f->domain_size == 4)
			n = alike(f, entry, nr - i, 32, 4, p);
		else
			n = alike(f, entry, nr - i, f->frames.size, f->domain_size, p);
		memset(kinds + i, xen_page_kind(f, f->pgc, p), n);
	}
}

/* First of granted[] that is not below pfn. */
static size_t first_granted(const struct xen_frames *f, uint64_t pfn)
{
	size_t low = 0, high = f->nr_granted;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (f->granted[mid] < pfn)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void xen_filter_window(
	const struct xen_filter *xf, struct core_reader *r, uint64_t pfn, size_t nr, uint8_t *kinds)
{
	const struct xen_frames *f = xf->frames;
	uint8_t scratch[XEN_ENTRY_MAX];
	const uint8_t *data;

	memset(kinds, PK_UNKNOWN, nr);
	if (!xf->usable)
		return;
	for (size_t done = 0, n; done < nr; done += n ? n : 1) {
		n = xen_page_run(f, r, pfn + done, nr - done, scratch, &data);
		if (n)
			judge(f, data, n, kinds + done);
	}
	for (size_t i = first_granted(f, pfn); i < f->nr_granted && f->granted[i] - pfn < nr; i++)
		if (kinds[f->granted[i] - pfn] == PK_GUEST)
			kinds[f->granted[i] - pfn] = PK_GUEST_KEPT;
}

void xen_m2p_window(
	const struct xen_filter *xf, struct core_reader *r, uint64_t mfn, size_t nr, uint64_t *pfns)
{
	const struct xen_frames *f = xf->frames;
	uint8_t scratch[XEN_ENTRY_MAX];

	while (nr) {
		const uint8_t *data;
		size_t n = 0;

		if (xf->usable && mfn < f->x.max_page)
			n = xen_array_get(&f->m2p, &f->x, r, mfn, nr, scratch, &data);
		for (size_t i = 0; i < n; i++) {
			memcpy(&pfns[i], data + i * 8, 8);
			/* Shared, invalid, and the pattern of debug builds are far above. */
			if (pfns[i] >> 40)
				pfns[i] = P2M_NONE;
		}
		if (!n) {
			n = 1;
			*pfns = P2M_NONE;
		}
		pfns += n;
		mfn += n;
		nr -= n;
	}
}

static enum xk_status find_layout(
	struct xen_frames *f, const struct core_notes *n, struct core_reader *r, struct diag *d)
{
	uint64_t size, count_at, domain_at;

	if (!vmcoreinfo_size(n->vmcoreinfo_xen, "page_info", &size) ||
		!vmcoreinfo_offset(n->vmcoreinfo_xen, "page_info.count_info", &count_at) ||
		!vmcoreinfo_offset(n->vmcoreinfo_xen, "page_info._domain", &domain_at))
		return diag_fail(d, XK_BAD_INPUT,
			"VMCOREINFO_XEN does not say how struct page_info is laid out");
	f->domain_size = f->x.bigmem ? 8 : 4;
	if (size < 16 || size > XEN_ENTRY_MAX || count_at + 8 > size || count_at > size ||
		domain_at > size || domain_at + f->domain_size > size)
		return diag_fail(d, XK_BAD_INPUT,
			"VMCOREINFO_XEN puts count_info at %" PRIu64 " and _domain at %" PRIu64
			" of a page_info of %" PRIu64 " bytes",
			count_at, domain_at, size);
	f->frames.size = (unsigned)size;
	f->count_at = (unsigned)count_at;
	f->domain_at = (unsigned)domain_at;
	f->m2p.base = RO_M2P;
	f->m2p.size = 8;
	if (!xen_variable(&f->x, n, r, "frame_table", &f->frames.base))
		return diag_fail(
			d, XK_BAD_INPUT, "the address of Xen's frame table cannot be read");
	/* Off by one entry, most pages would read as right. */
	if (f->frames.base % CORE_PAGE)
		return diag_fail(d, XK_BAD_INPUT,
			"Xen's frame table is said to be at %#" PRIx64
			", which is no page's beginning",
			f->frames.base);
	if (!f->x.pgd_l4)
		return diag_fail(d, XK_BAD_INPUT,
			"Xen's frame table cannot be reached without Xen's page tables");
	return XK_OK;
}

/* For the memory that there is, so that holes cost nothing. */
static enum xk_status find_arrays(
	struct xen_frames *f, const struct core *c, struct core_reader *r, struct diag *d)
{
	bool ok = true;

	for (size_t i = 0; ok && i < c->ram.nr; i++) {
		uint64_t at = c->ram.v[i].r.start / CORE_PAGE;
		uint64_t end =
			min_u64(align_up(c->ram.v[i].r.end, CORE_PAGE) / CORE_PAGE, f->x.max_page);

		if (at < end)
			ok = xen_array_add(&f->m2p, &f->x, r, at, end);
		while (ok && at < end && !f->frames.partial) {
			uint64_t n = min_u64(end - at, pdx_stretch(&f->x.pdx, at));
			uint64_t pdx = pdx_from_pfn(&f->x.pdx, at);

			ok = xen_array_add(&f->frames, &f->x, r, pdx, pdx + n);
			at += n;
		}
	}
	xen_array_done(&f->frames);
	xen_array_done(&f->m2p);
	return ok ? XK_OK : diag_fail(d, XK_NOMEM, "no memory for the map of the frame table");
}

static bool add_granted(void *ctx, uint64_t pfn, uint64_t mfn)
{
	struct xen_frames *f = ctx;

	(void)pfn;
	if (f->nr_granted == GRANTED_MAX)
		return false;
	if (!(f->nr_granted & (f->nr_granted - 1))) {
		size_t want = f->nr_granted ? 2 * f->nr_granted : 1;
		void *p = reallocarray(f->granted, want, sizeof(*f->granted));

		if (!p)
			return false;
		f->granted = p;
	}
	f->granted[f->nr_granted++] = mfn;
	return true;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *l = a, *r = b;

	return *l < *r ? -1 : *l > *r;
}

/* What dom0 has mapped from guests. */
static void find_granted(
	struct xen_filter *xf, struct xen_frames *f, const struct p2m *p2m, struct core_reader *r)
{
	if (!p2m->root && !p2m->linear)
		return;
	if (!p2m_each_foreign(p2m, r, add_granted, f)) {
		xf->doubts++;
		say(xf, "not all pages that dom0 has mapped from guests are known: only %zu",
			f->nr_granted);
	}
	if (f->nr_granted)
		qsort(f->granted, f->nr_granted, sizeof(*f->granted), by_number);
}

static void free_frames(struct xen_frames *f)
{
	if (!f)
		return;
	xen_array_deinit(&f->frames);
	xen_array_deinit(&f->m2p);
	free(f->domains);
	free(f->granted);
	free(f);
}

void xen_filter_deinit(struct xen_filter *f)
{
	free_frames(f->frames);
	memset(f, 0, sizeof(*f));
}

static enum xk_status init(struct xen_filter *xf, const struct core *c, const struct core_notes *n,
	struct core_reader *r, const struct filter_request *rq, struct diag *d)
{
	struct xen_frames *f = xf->frames;
	struct p2m p2m = {0};
	struct diag list;
	enum xk_status st = find_layout(f, n, r, d);

	if (!st && f->x.pdx.scheme == PDX_UNKNOWN)
		st = diag_fail(d, XK_BAD_INPUT,
			"Xen's page numbers are compressed in a way that is not known: %s",
			f->x.why);
	if (!st)
		st = find_arrays(f, c, r, d);
	if (!st)
		st = xen_domains_read(f, n, r, rq, xf->why, sizeof(xf->why), d);
	if (st)
		return st;
	xf->doubts += !f->all_domains;
	diag_init(&list);
	if (p2m_init(c, n, &f->x, r, &p2m, &list)) {
		memset(&p2m, 0, sizeof(p2m));
		xf->doubts++;
		say(xf, "%.120s", list.text);
	}
	find_granted(xf, f, &p2m, r);
	xen_flags_choose(xf, c, n, &p2m, r);
	return XK_OK;
}

/* Whatever is wrong with the dump makes a filter that keeps everything; only want of memory is a
 * failure of ours. */
enum xk_status xen_filter_init(const struct core *c, const struct core_notes *n,
	const struct xen_xlat *x, struct core_reader *r, const struct filter_request *rq,
	struct xen_filter *ret, struct diag *d)
{
	struct xen_filter xf = {.frames = calloc(1, sizeof(*xf.frames))};
	enum xk_status st;

	if (!xf.frames)
		return diag_fail(d, XK_NOMEM, "no memory for the filter");
	xf.frames->x = *x;
	st = init(&xf, c, n, r, rq, d);
	if (st == XK_NOMEM) {
		free_frames(xf.frames);
		return st;
	}
	if (st) {
		snprintf(xf.why, sizeof(xf.why), "%.500s", d->text);
		xf.usable = false;
		xf.doubts++;
	}
	*ret = xf;
	return XK_OK;
}
