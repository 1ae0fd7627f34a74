/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a split dump is cut, so that its parts have about as many pages each. Memory is bounded: of
 * a large machine many windows are counted as one. Used by save.c only. */
#ifndef VMCORE_CUTS_H
#define VMCORE_CUTS_H

#include "vmcore/dump.h"

struct cuts {
	uint64_t *kept; /* in stretches of pages; NULL: nobody asks for them */
	size_t nr;
	uint64_t each; /* pages of a stretch: a multiple of FILTER_WINDOW */
};

/* false: no memory. */
bool cuts_init(struct cuts *c, uint64_t max_pfn) _must_check_ _nonnull_;
/* A window that begins at pfn has so many pages that are kept. */
void cuts_add(struct cuts *c, uint64_t pfn, uint64_t kept) _nonnull_;
/* Where there are fewer stretches than parts, the last parts are empty. */
void cuts_make(const struct cuts *c, uint64_t max_pfn, struct dump_part *ret, size_t nr) _nonnull_;
void cuts_deinit(struct cuts *c) _nonnull_;

#endif
