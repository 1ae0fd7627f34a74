// SPDX-License-Identifier: GPL-2.0-only
#include "filtered.h"

const struct filter_request filtered_nothing;

void filtered_open(struct mkxen *x, const struct filter_request *rq, struct xen_filter *f)
{
	struct xen_xlat xl;
	struct diag d;

	diag_init(&d);
	mkxen_open(x);
	assert_int_equal(xen_xlat_init(&x->core, &x->n, x->r, &xl, &d), XK_OK);
	assert_int_equal(xen_filter_init(&x->core, &x->n, &xl, x->r, rq, f, &d), XK_OK);
}

void filtered_done(struct mkxen *x, struct xen_filter *f)
{
	xen_filter_deinit(f);
	mkxen_deinit(x);
}

enum page_kind filtered_kind(struct mkxen *x, struct xen_filter *f, uint64_t pfn)
{
	uint8_t k;

	xen_filter_window(f, x->r, pfn, 1, &k);
	return k;
}

void filtered_map(struct mkxen *x, struct xen_filter *f)
{
	static const struct {
		unsigned first, end;
		enum page_kind kind;
	} want[] = {
		{0x100, 0x1000, PK_XEN}, {0x1000, 0x1400, PK_LINUX}, {0x1400, 0x1880, PK_GUEST},
		{0x1880, 0x1900, PK_XEN}, {0x1900, 0x2000, PK_XEN_FREE},
		{0x2000, 0x2010, PK_UNKNOWN}, /* beyond max_page */
	};
	uint8_t kinds[0x2010];

	xen_filter_window(f, x->r, 0x100, 0x2010 - 0x100, kinds);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		for (unsigned p = want[i].first; p < want[i].end; p++)
			if (kinds[p - 0x100] != want[i].kind)
				fail_msg("page %#x is %s, not %s", p,
					page_kind_name(kinds[p - 0x100]),
					page_kind_name(want[i].kind));
}
