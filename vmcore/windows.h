/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Windows of FILTER_WINDOW pages: which hold memory, and sets of them. Pure.
 */
#ifndef VMCORE_WINDOWS_H
#define VMCORE_WINDOWS_H

#include "common/range.h"
#include "vmcore/filter.h"

/* A set that may have more in it than was added, never less: in a core that describes more than
 * 64 TiB several windows share a bit. 2 MiB at most, 32 KiB for a TiB. */
struct window_set {
	uint8_t *bits; /* NULL: all windows are in it */
	uint64_t nr, each; /* bits; pages of one */
};
bool window_set_init(struct window_set *s, uint64_t max_pfn) _must_check_ _nonnull_;
void window_set_deinit(struct window_set *s) _nonnull_;
void window_set_add(struct window_set *s, uint64_t pfn) _nonnull_;
/* s may be NULL: all. */
bool window_set_has(const struct window_set *s, uint64_t pfn);

/* Windows that hold memory, in ascending order. */
struct windows {
	const struct range_list *ram;
	const struct window_set *only; /* NULL: all */
	size_t i; /* range */
	uint64_t next; /* the first window that was not given out */
};

/* false: there are no more. *nr: pages up to the end of the core, at most FILTER_WINDOW. */
bool windows_next(struct windows *w, uint64_t *pfn, unsigned *nr) _must_check_ _nonnull_;

/* Which pages of a window the core describes: clears the kind of the others to NO_PAGE. Returns
 * how many there are. */
#define NO_PAGE 0xff
unsigned window_mask(
	const struct range_list *ram, uint64_t pfn, unsigned nr, uint8_t *kinds) _nonnull_;

#endif
