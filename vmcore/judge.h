/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each page is and whether it is kept: the filters put together. Where one cannot be had, its
 * pages are kept and `why` says so. Reads no page that it judges.
 */
#ifndef VMCORE_JUDGE_H
#define VMCORE_JUDGE_H

#include "vmcore/filter.h"

struct judge {
	uint32_t drop; /* a bit for each enum page_kind */
	bool usable; /* all that was to be left out can be told */
	char why[1200]; /* what cannot be told, and why; for people */
	char doubts[600]; /* what was found odd and changes nothing; may be empty */
	bool xen; /* judged by the frame table */
	struct xen_filter frames;
	bool of_linux; /* natively the pages; under Xen those of dom0 */
	struct linux_filter pages;
	struct p2m p2m; /* Xen: dom0's list, which the other table is checked with */
};

/* XK_NOMEM. What cannot be judged is no failure. */
enum xk_status judge_init(const struct core *c, const struct core_notes *n, struct core_reader *r,
	const struct filter_request *rq, struct judge *ret, struct diag *d) _nonnull_;
void judge_deinit(struct judge *j) _nonnull_;

/* What one thread needs beside its reader, which is borrowed. NULL: no memory. */
struct judge_ctx;
struct judge_ctx *judge_ctx_create(const struct judge *j, struct core_reader *r) _nonnull_;
void judge_ctx_destroy(struct judge_ctx *x);

/* Kinds of nr pages (at most FILTER_WINDOW) from pfn on, a multiple of FILTER_WINDOW. */
void judge_window(struct judge_ctx *x, uint64_t pfn, size_t nr, uint8_t *kinds) _nonnull_;

static inline bool judge_keeps(const struct judge *j, uint8_t kind)
{
	return !(j->drop >> kind & 1);
}

#endif
