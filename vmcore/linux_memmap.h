/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where Linux keeps the struct page of each of its pages: FLATMEM, and SPARSEMEM with or without
 * VMEMMAP, by what VMCOREINFO says. Source: Linux include/linux/mmzone.h, mm/sparse.c,
 * kernel/vmcore_info.c; 2.6.32 to 6.12.
 */
#ifndef VMCORE_LINUX_MEMMAP_H
#define VMCORE_LINUX_MEMMAP_H

#include "vmcore/xlat.h"

struct linux_memmap {
	unsigned size; /* of struct page */
	unsigned word; /* of the kernel's unsigned long: 4 or 8 */
	vaddr_t flat; /* FLATMEM: the struct page of page `start`; 0: SPARSEMEM */
	uint64_t start, end; /* FLATMEM: pfns */
	vaddr_t roots; /* SPARSEMEM: mem_section */
	bool pointers; /* its entries point to pages of sections; else they are sections */
	uint64_t nr_roots, per_root;
	unsigned section_size, map_at; /* struct mem_section, and section_mem_map in it */
	unsigned section_bits; /* pages of a section, as a power of two */
};

/* XK_BAD_INPUT: VMCOREINFO does not say it, or what it says is not in the core; d says which. */
enum xk_status linux_memmap_init(const struct core_notes *n, const struct linux_xlat *l,
	struct core_reader *r, struct linux_memmap *ret, struct diag *d) _nonnull_;

/* The struct page of a page, and how many follow it in one array (*nr; at least 1); 0: it has
 * none. */
vaddr_t linux_memmap_page(const struct linux_memmap *m, const struct linux_xlat *l,
	struct core_reader *r, uint64_t pfn, uint64_t *nr) _nonnull_;

#endif
