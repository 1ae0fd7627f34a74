/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses of the crashed machine and half-open ranges of them. Addresses are 64-bit on every
 * build and are never C pointers: a 32-bit tool plans for a 64-bit hypervisor.
 */
#ifndef XK_RANGE_H
#define XK_RANGE_H

#include <inttypes.h>

#include "common/compiler.h"

typedef uint64_t maddr_t; /* machine address: what the hypervisor and the bus use */
typedef uint64_t vaddr_t; /* virtual address in the hypervisor or in the crashed kernel */

#define PRIaddr "#" PRIx64

struct range {
	maddr_t start, end; /* [start, end); empty when end <= start */
};

/* Types of the firmware memory map: ACPI specification, "Address Range Types". */
enum mem_type {
	MEM_RAM = 1,
	MEM_RESERVED = 2,
	MEM_ACPI = 3,
	MEM_NVS = 4,
	MEM_UNUSABLE = 5,
	MEM_PMEM = 7,
};

struct mem_range {
	struct range r;
	uint32_t type; /* enum mem_type, or a number this tool does not know */
};

/* A growing list, kept by its owner; range_list_deinit() frees it. */
struct range_list {
	struct mem_range *v;
	size_t nr, cap;
};

static inline uint64_t range_size(struct range r)
{
	return r.end > r.start ? r.end - r.start : 0;
}

static inline bool range_empty(struct range r)
{
	return r.end <= r.start;
}

static inline bool range_contains(struct range outer, struct range inner)
{
	return inner.start >= outer.start && inner.end <= outer.end;
}

static inline bool range_overlaps(struct range a, struct range b)
{
	return !range_empty(a) && !range_empty(b) && a.start < b.end && b.start < a.end;
}

/* start + size as a range; false when the sum wraps. */
bool range_make(maddr_t start, uint64_t size, struct range *ret) _must_check_ _nonnull_;

/* All of these return false only for want of memory; the list is then unchanged. */
bool range_list_add(struct range_list *l, struct range r, uint32_t type) _must_check_ _nonnull_;

/* Cuts `cut` out of every entry; an entry may split in two. */
bool range_list_subtract(struct range_list *l, struct range cut) _must_check_ _nonnull_;

/* Ascending by start. Entries that touch or overlap and have one type become one entry. */
void range_list_sort_merge(struct range_list *l) _nonnull_;

/* True when entries of this type, in whatever order, hold every byte of r. */
bool range_list_covers(const struct range_list *l, struct range r, uint32_t type) _nonnull_;

void range_list_deinit(struct range_list *l) _nonnull_;

#endif
