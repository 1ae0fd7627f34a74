// SPDX-License-Identifier: GPL-2.0-only
/* dom0's list of its pages, of three levels or linear. */
#include "tests/fuzz/xen_world.h"

#define PAGES 700 /* more than a leaf's */

struct seen {
	unsigned nr;
	uint64_t last;
};

static bool see(void *ctx, uint64_t pfn, uint64_t mfn)
{
	struct seen *s = ctx;

	CHECK(mfn < UINT64_C(1) << 40);
	CHECK(!s->nr || pfn > s->last);
	s->last = pfn;
	return ++s->nr < 5000;
}

static void check_around(const struct p2m *p, struct core_reader *r, uint64_t first)
{
	uint64_t mfns[PAGES];

	p2m_window(p, r, first, PAGES, mfns);
	for (unsigned i = 0; i < PAGES; i++) {
		CHECK(mfns[i] == P2M_NONE || (mfns[i] < UINT64_C(1) << 40 && first + i < p->nr));
		if (i % 31 == 0)
			CHECK(p2m_mfn(p, r, first + i) == mfns[i]);
	}
}

static void check_list(const struct p2m *p, struct core_reader *r)
{
	struct seen s = {0};

	CHECK(p->bits == 32 || p->bits == 64);
	CHECK(!p->identity && p->nr && (p->root || p->linear));
	CHECK(p->linear || p->nr <= (p->bits == 64 ? UINT64_C(1) << 27 : UINT64_C(1) << 30));
	/* the last page is one */
	CHECK(p2m_mfn(p, r, p->nr - 1) != P2M_NONE || p->linear);
	CHECK(p2m_mfn(p, r, p->nr) == P2M_NONE);
	CHECK(p2m_mfn(p, r, UINT64_MAX) == P2M_NONE);
	check_around(p, r, 0);
	check_around(p, r, p->nr > 300 ? p->nr - 300 : 0);
	(void)!p2m_each_foreign(p, r, see, &s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct xen_world w;
	struct p2m p;
	struct diag d;
	enum xk_status st;

	if (!xw_open(data, len, &w))
		return 0;
	diag_init(&d);
	st = p2m_init(&w.core, &w.n, w.xlat ? NULL : &w.x, w.r, &p, &d);
	if (st)
		CHECK((st == XK_BAD_INPUT || st == XK_UNSUPPORTED) && d.text[0]);
	else
		check_list(&p, w.r);
	xw_close(&w);
	return 0;
}
