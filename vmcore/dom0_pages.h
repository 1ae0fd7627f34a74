/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages of a PV dom0 by its own page numbers. Under Xen a PV kernel's page tables hold machine
 * page numbers; where only dom0's numbers exist they would lead elsewhere, so they are translated
 * when such a page is read. Which pages are page tables Xen knows: it counts references by type in
 * its frame table. Knows nothing of Linux.
 */
#ifndef VMCORE_DOM0_PAGES_H
#define VMCORE_DOM0_PAGES_H

#include "vmcore/filter.h"

#define DOM0_BLANKS 4

/* Shared by readers, each of which brings a reader of the core of Xen. */
struct dom0_pages {
	struct p2m p2m;
	struct xen_filter filter; /* for its frame table, M2P and domains; owned */
	unsigned type_shift; /* of the type in type_info */
	uint64_t blank[DOM0_BLANKS]; /* dom0's addresses of words that read as 0 */
	size_t nr_blanks;
	char why[256]; /* for people: what was found odd */
};

/* XK_UNSUPPORTED: dom0 is not PV. XK_BAD_INPUT: its pages or its page tables cannot be told. */
enum xk_status dom0_pages_init(const struct core *c, const struct core_notes *n,
	const struct xen_xlat *x, struct core_reader *r, struct dom0_pages *ret,
	struct diag *d) _nonnull_;
void dom0_pages_deinit(struct dom0_pages *p) _nonnull_;

/* Page pfn of dom0's; PAGE_EXCLUDED: it has none there, or one that is another domain's. */
enum page_state dom0_page(
	const struct dom0_pages *p, struct core_reader *under, uint64_t pfn, uint8_t *to) _nonnull_;
/* Pages from pfn on that can be had at once: how many, at most max; 0: try dom0_page(). */
size_t dom0_run(const struct dom0_pages *p, struct core_reader *under, uint64_t pfn, size_t max,
	uint8_t *to) _nonnull_;

/* The address of dom0's that an address of the machine is; false: none of its own. */
bool dom0_address(const struct dom0_pages *p, struct core_reader *under, maddr_t at,
	uint64_t *ret) _must_check_ _nonnull_;

#endif
