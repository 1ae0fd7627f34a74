/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The first of a save's passes: what there is, what of it is kept, and where. Private to save.c.
 */
#ifndef VMCORE_COUNT_H
#define VMCORE_COUNT_H

#include "vmcore/cuts.h"
#include "vmcore/pack.h"
#include "vmcore/runs.h"
#include "vmcore/save.h"

/* What a crash is explained with; the rest of what is kept can wait. */
#define USEFUL (1u << PK_XEN | 1u << PK_LINUX | 1u << PK_UNKNOWN)

struct counting {
	const struct core *core;
	const struct judge *judge;
	const struct save_request *rq;
	struct packer *packer; /* borrowed, as those above */
	struct save_result *res; /* its count and its guests */
	struct runs runs; /* ELF: of pages that are kept */
	struct cuts cuts; /* with parts: how many are kept where */
	struct window_set kept, later; /* windows that keep pages; and such as are no USEFUL ones */
	uint64_t planned; /* pages of the dump */
	uint64_t windows;
};

/* After the first five members are set; the others zero. XK_NOMEM. */
enum xk_status count_init(struct counting *c, struct diag *d) _nonnull_;
/* XK_NOMEM. */
enum xk_status count_window(
	struct counting *c, uint64_t pfn, unsigned nr, struct diag *d) _nonnull_;
/* After the last window. */
void count_end(struct counting *c) _nonnull_;
void count_deinit(struct counting *c) _nonnull_;

#endif
