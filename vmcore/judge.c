// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "vmcore/judge.h"
#include "vmcore/why.h"

/* -d: what Linux pages are told apart for. Bit 0, zero pages, needs no filter. */
#define LINUX_LEVELS 30u

/* Windows of dom0's pages that are kept, judged: its pages lie scattered over the machine's. */
#define KEPT 64u

struct kept_window {
	uint64_t pfn; /* of its first page; UINT64_MAX: empty */
	uint8_t kinds[FILTER_WINDOW];
	uint64_t mfns[FILTER_WINDOW];
};

struct judge_ctx {
	const struct judge *judge;
	struct core_reader *reader;
	struct kept_window *kept; /* KEPT; NULL: not needed */
};

static void cannot(struct judge *j, const char *what, const char *why)
{
	j->usable = false;
	why_add(j->why, sizeof(j->why), "%s: %.500s", what, why);
}

/* dom0's or the native kernel's pages; x is NULL without Xen. Tried at every level, for what is
 * poisoned or offline is to be left out at any; missed only where a level asks for more. */
static enum xk_status init_linux(struct judge *j, const struct core *c, const struct core_notes *n,
	const struct xen_xlat *x, struct core_reader *r, unsigned level, struct diag *d)
{
	struct linux_xlat l;
	struct diag why;
	enum xk_status st;

	diag_init(&why);
	st = linux_xlat_init(c, n, x, r, &l, &why);
	if (st == XK_OK)
		st = linux_filter_init(n, &l, r, &j->pages, &why);
	if (st == XK_NOMEM)
		return diag_fail(d, st, "%s", why.text);
	j->of_linux = st == XK_OK && j->pages.usable;
	if (j->of_linux)
		j->p2m = l.p2m;
	else if (level & LINUX_LEVELS)
		cannot(j,
			x ? "dom0's pages cannot be told apart"
			  : "pages of Linux cannot be told apart",
			st == XK_OK ? j->pages.why : why.text);
	return XK_OK;
}

/* Judged even when all guests are kept: what is broken must not be read. */
static enum xk_status init_xen(struct judge *j, const struct core *c, const struct core_notes *n,
	struct core_reader *r, const struct filter_request *rq, struct diag *d)
{
	struct xen_xlat x;
	struct diag why;
	enum xk_status st;

	diag_init(&why);
	st = xen_xlat_init(c, n, r, &x, &why);
	if (st == XK_OK)
		st = xen_filter_init(c, n, &x, r, rq, &j->frames, &why);
	if (st == XK_NOMEM)
		return diag_fail(d, st, "%s", why.text);
	j->xen = st == XK_OK && j->frames.usable;
	if (j->xen && j->frames.doubts)
		snprintf(j->doubts, sizeof(j->doubts), "%.590s", j->frames.why);
	if (j->xen)
		return init_linux(j, c, n, &x, r, rq->level, d);
	if (!rq->guests || rq->level & LINUX_LEVELS)
		cannot(j, "guests cannot be told from dom0",
			st == XK_OK ? j->frames.why : why.text);
	return XK_OK;
}

enum xk_status judge_init(const struct core *c, const struct core_notes *n, struct core_reader *r,
	const struct filter_request *rq, struct judge *ret, struct diag *d)
{
	struct judge j = {.drop = filter_drop_mask(rq), .usable = true};
	enum xk_status st =
		n->xen ? init_xen(&j, c, n, r, rq, d) : init_linux(&j, c, n, NULL, r, rq->level, d);

	if (st != XK_OK) {
		judge_deinit(&j);
		return st;
	}
	*ret = j;
	return XK_OK;
}

void judge_deinit(struct judge *j)
{
	xen_filter_deinit(&j->frames);
	linux_filter_deinit(&j->pages);
}

struct judge_ctx *judge_ctx_create(const struct judge *j, struct core_reader *r)
{
	struct judge_ctx *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->judge = j;
	x->reader = r;
	if (!j->xen || !j->of_linux)
		return x;
	x->kept = malloc(KEPT * sizeof(*x->kept));
	if (!x->kept) {
		free(x);
		return NULL;
	}
	for (unsigned i = 0; i < KEPT; i++)
		x->kept[i].pfn = UINT64_MAX;
	return x;
}

void judge_ctx_destroy(struct judge_ctx *x)
{
	if (!x)
		return;
	free(x->kept);
	free(x);
}

static const struct kept_window *dom0_window(struct judge_ctx *x, uint64_t pfn)
{
	struct kept_window *w = &x->kept[pfn / FILTER_WINDOW % KEPT];

	if (w->pfn == pfn)
		return w;
	linux_filter_window(&x->judge->pages, x->reader, pfn, FILTER_WINDOW, w->kinds);
	p2m_window(&x->judge->p2m, x->reader, pfn, FILTER_WINDOW, w->mfns);
	w->pfn = pfn;
	return w;
}

/* What dom0 says of its pages. Only where both tables agree on which of them it is: else it stays a
 * page of its kernel. */
static void refine(struct judge_ctx *x, uint64_t mfn, size_t nr, uint8_t *kinds)
{
	const struct judge *j = x->judge;
	uint64_t pfns[FILTER_WINDOW];

	if (!memchr(kinds, PK_LINUX, nr))
		return;
	xen_m2p_window(&j->frames, x->reader, mfn, nr, pfns);
	for (size_t i = 0; i < nr; i++) {
		const struct kept_window *w;
		size_t at;

		if (kinds[i] != PK_LINUX || pfns[i] >= j->p2m.nr)
			continue;
		at = (size_t)(pfns[i] % FILTER_WINDOW);
		w = dom0_window(x, pfns[i] - at);
		if (w->mfns[at] == mfn + i && w->kinds[at] != PK_UNKNOWN)
			kinds[i] = w->kinds[at];
	}
}

void judge_window(struct judge_ctx *x, uint64_t pfn, size_t nr, uint8_t *kinds)
{
	const struct judge *j = x->judge;

	if (j->xen) {
		xen_filter_window(&j->frames, x->reader, pfn, nr, kinds);
		if (j->of_linux)
			refine(x, pfn, nr, kinds);
	} else if (j->of_linux) {
		linux_filter_window(&j->pages, x->reader, pfn, nr, kinds);
	} else {
		memset(kinds, PK_UNKNOWN, nr);
	}
}
