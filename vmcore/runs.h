/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs of pages, collected in ascending order, in bounded memory. */
#ifndef VMCORE_RUNS_H
#define VMCORE_RUNS_H

#include "common/range.h"

/* A third of the program headers an ELF file can have: loads may cut runs in two and overlap. */
#define RUNS_MAX 16384

struct runs {
	struct range *v;
	size_t nr, cap;
	uint64_t gap; /* bytes; runs this near to each other are one, with the hole between them */
	uint64_t holes; /* pages in such holes */
	size_t max; /* 0: RUNS_MAX */
};

/* false: no memory. */
bool runs_add(struct runs *r, uint64_t pfn) _must_check_ _nonnull_;
void runs_deinit(struct runs *r) _nonnull_;

#endif
