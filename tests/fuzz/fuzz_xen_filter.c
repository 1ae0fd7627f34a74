// SPDX-License-Identifier: GPL-2.0-only
/* Xen's frame table, domains and table of page numbers: whatever they hold, a page is dropped only for
 * what its own entry says. */
#include "tests/fuzz/xen_world.h"
#include "vmcore/xen_frames.h"

#define FIRST 0x1f0 /* some pages before the memory */
#define PAGES 64

static void check_page_kind(
	const struct xen_filter *f, struct core_reader *r, uint64_t pfn, uint8_t kind)
{
	struct xen_page p;

	CHECK(kind < PK_KINDS);
	if (!f->usable || pfn >= f->frames->x.max_page || !xen_page_get(f->frames, r, pfn, &p)) {
		CHECK(kind == PK_UNKNOWN);
		return;
	}
	CHECK(p.info != UINT64_MAX || kind == PK_UNKNOWN);
	CHECK(p.info == UINT64_MAX || !(p.info & UINT64_C(1) << 62) || kind == PK_XEN);
	/* in use, of nobody: Xen's */
	CHECK(p.info || kind == PK_XEN);
}

static void check_windows(const struct xen_filter *f, struct core_reader *r)
{
	uint8_t all[PAGES], one[PAGES];
	uint64_t pfns[PAGES], back;

	memset(all, 0xee, sizeof(all));
	xen_filter_window(f, r, FIRST, PAGES, all);
	for (unsigned i = PAGES; i--;) { /* in another order, and one by one */
		xen_filter_window(f, r, FIRST + i, 1, &one[i]);
		check_page_kind(f, r, FIRST + i, all[i]);
	}
	CHECK(!memcmp(all, one, PAGES));
	xen_m2p_window(f, r, FIRST, PAGES, pfns);
	for (unsigned i = 0; i < PAGES; i++) {
		CHECK(pfns[i] == P2M_NONE || pfns[i] >> 40 == 0);
		xen_m2p_window(f, r, FIRST + i, 1, &back);
		CHECK(back == pfns[i]);
	}
	xen_filter_window(f, r, UINT64_C(1) << 39, 4, all);
	CHECK(all[0] == PK_UNKNOWN || f->frames->x.max_page > UINT64_C(1) << 39);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint32_t keep[] = {5};
	struct filter_request rq = {.keep_domains = keep};
	struct xen_filter f;
	struct xen_world w;
	struct diag d;

	if (!xw_open(data, len, &w))
		return 0;
	diag_init(&d);
	rq.guests = w.head.what & XW_GUESTS;
	rq.nr_keep_domains = w.head.what & XW_KEEP_5 ? 1 : 0;
	if (!w.xlat) {
		CHECK(!xen_filter_init(&w.core, &w.n, &w.x, w.r, &rq, &f, &d));
		CHECK(f.usable || f.why[0]);
		CHECK(!f.usable || f.frames->pgc);
		check_windows(&f, w.r);
		xen_filter_deinit(&f);
	}
	xw_close(&w);
	return 0;
}
