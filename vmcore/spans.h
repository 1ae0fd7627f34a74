/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stretches of one space (memory, a file) and where their content is, some of them described more
 * than once: a list that is made sorted and disjoint, the better description winning. What `off`
 * and `id` mean is the user's affair.
 */
#ifndef VMCORE_SPANS_H
#define VMCORE_SPANS_H

#include "common/range.h"

struct span {
	struct range r;
	uint64_t off; /* of r.start; moves with it when a span is cut */
	uint32_t id; /* spans of one id and rank that follow each other are joined again */
	uint32_t rank; /* where spans overlap the lower rank wins, then the lower id */
};

struct spans {
	struct span *v;
	size_t nr, cap;
};

/* An empty range is not added. False only for want of memory. */
bool spans_add(struct spans *s, struct span a) _must_check_ _nonnull_;
/* Sorts and cuts. *twice is the number of bytes that were described more than once. False only for
 * want of memory. */
bool spans_finish(struct spans *s, uint64_t *twice) _must_check_ _nonnull_;
/* Of a finished list: the index of the first span that ends beyond at; s->nr: none. */
size_t spans_find(const struct spans *s, uint64_t at) _nonnull_;
void spans_deinit(struct spans *s) _nonnull_;

#endif
