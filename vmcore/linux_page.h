/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one struct page of Linux says of its page. The meanings are makedumpfile's, so that its
 * levels mean the same here. Source: Linux include/linux/page-flags.h, mm_types.h, mm/internal.h,
 * kernel/vmcore_info.c; 2.6.39 to 6.12.
 */
#ifndef VMCORE_LINUX_PAGE_H
#define VMCORE_LINUX_PAGE_H

#include "vmcore/filter.h"

#define LINUX_PAGE_MAX 256 /* bytes of a struct page */

/* Where things are in a struct page, and what values mean; a position or a bit of NOWHERE: the
 * kernel does not have it, or does not say. */
#define NOWHERE UINT32_MAX
struct linux_page_layout {
	unsigned size, word; /* of struct page, of an unsigned long */
	unsigned flags, mapping, mapcount, private, compound_head; /* positions */
	unsigned order, dtor; /* from the head's start on, so in the struct page after it */
	unsigned lru, private_bit, swapcache, swapbacked, slab, hwpoison; /* bits of flags */
	unsigned hugetlb; /* bit of the flags of the struct page after the head */
	uint64_t head_mask;
	bool has_offline, has_slab_type, has_hugetlb_type;
	uint32_t buddy, offline, slab_type,
		hugetlb_type; /* _mapcount, which is the page's type too */
	uint64_t hugetlb_dtor;
	unsigned dtor_len; /* 0: it is not told by a destructor */
	unsigned orders; /* a free block's order is below */
};

/* XK_BAD_INPUT: d names what VMCOREINFO lacks. */
enum xk_status linux_page_layout(const struct core_notes *n, unsigned bits,
	struct linux_page_layout *ret, struct diag *d) _nonnull_;

struct linux_page {
	uint8_t kind;
	unsigned order; /* of a free block, or of a compound page that begins here; else 0 */
	bool head;
	vaddr_t tail_of; /* the head's struct page; 0: it is no tail, or nobody says */
};

/* `p` is followed by the next page's struct page when `next` says so. `at` is its address. */
struct linux_page linux_page_read(
	const struct linux_page_layout *o, const uint8_t *p, bool next, vaddr_t at) _nonnull_;

#endif
