// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "vmcore/judge.h"
#include "vmcore/why.h"

/* -d: what Linux pages are told apart for. Bit 0, zero pages, needs no filter. */
#define LINUX_LEVELS 30u

struct judge_ctx {
	const struct judge *judge;
	struct core_reader *reader;
};

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
	if (j->xen || rq->guests)
		return XK_OK;
	j->usable = false;
	why_add(j->why, sizeof(j->why), "guests cannot be told from dom0: %.500s",
		st == XK_OK ? j->frames.why : why.text);
	return XK_OK;
}

enum xk_status judge_init(const struct core *c, const struct core_notes *n, struct core_reader *r,
	const struct filter_request *rq, struct judge *ret, struct diag *d)
{
	struct judge j = {.drop = filter_drop_mask(rq), .usable = true};
	enum xk_status st = XK_OK;

	if (n->xen)
		st = init_xen(&j, c, n, r, rq, d);
	if (st != XK_OK)
		return st;
	if (rq->level & LINUX_LEVELS) {
		j.usable = false;
		why_add(j.why, sizeof(j.why),
			"pages of Linux cannot be told apart: this version only knows those of Xen");
	}
	*ret = j;
	return XK_OK;
}

void judge_deinit(struct judge *j)
{
	xen_filter_deinit(&j->frames);
}

struct judge_ctx *judge_ctx_create(const struct judge *j, struct core_reader *r)
{
	struct judge_ctx *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->judge = j;
	x->reader = r;
	return x;
}

void judge_ctx_destroy(struct judge_ctx *x)
{
	free(x);
}

void judge_window(struct judge_ctx *x, uint64_t pfn, size_t nr, uint8_t *kinds)
{
	if (x->judge->xen)
		xen_filter_window(&x->judge->frames, x->reader, pfn, nr, kinds);
	else
		memset(kinds, PK_UNKNOWN, nr);
}
