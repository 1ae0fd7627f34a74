/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x86 page tables, walked from a root over whoever can read machine memory. Knows nothing of Xen
 * or Linux, keeps nothing, and takes every entry for hostile: a walk reads at most `levels`
 * entries. Under Xen a PV kernel's own tables hold machine addresses too, so all is one world.
 */
#ifndef VMCORE_PAGETABLE_H
#define VMCORE_PAGETABLE_H

#include "vmcore/core.h"

struct pagetable {
	/* One entry of `size` (8 or 4) bytes; false: its memory cannot be had. */
	bool (*read)(void *ctx, maddr_t at, size_t size, uint64_t *ret);
	void *ctx;
	maddr_t root;
	unsigned levels; /* 5, 4, 3 (PAE), 2 (i386 without PAE) */
	uint64_t not_address; /* address bits that are none: the memory encryption bit */
};

/* read for a core: ctx is a struct core_reader. */
bool pagetable_read_core(void *ctx, maddr_t at, size_t size, uint64_t *ret);

/*
 * False: not mapped, not canonical, not readable or no such kind of table. *ret is the machine
 * address; *left (may be NULL) the bytes from there to the end of its page, large or small.
 */
bool pagetable_walk(
	const struct pagetable *t, vaddr_t at, maddr_t *ret, uint64_t *left) _must_check_;

/*
 * Moves *at up to the next address that is mapped; it may stay. False: none below `end`, or it
 * would take too many reads to find.
 */
bool pagetable_next(const struct pagetable *t, vaddr_t *at, vaddr_t end) _must_check_ _nonnull_;

#endif
