/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each page of the core is. Judged window by window, in ascending order or any other, with no
 * state that grows with guest memory. In doubt a page is PK_UNKNOWN, which is always kept.
 */
#ifndef VMCORE_FILTER_H
#define VMCORE_FILTER_H

#include "vmcore/xlat.h"

enum page_kind {
	PK_UNKNOWN, /* kept */
	PK_XEN, /* Xen's image, heap, static data, dom_xen, dom_io, dom_cow */
	PK_XEN_FREE,
	PK_BROKEN, /* offlined or poisoned: never read again */
	PK_GUEST, /* a domain's that is not wanted */
	PK_GUEST_KEPT, /* --keep-domain, or mapped by dom0 through a grant */
	PK_LINUX, /* the kernel's own: text, data, slabs, page tables, what is none of the rest */
	PK_LINUX_FREE, /* -d 16 */
	PK_LINUX_CACHE, /* page cache without private data: -d 2 and 4 */
	PK_LINUX_CACHE_PRIVATE, /* -d 4 */
	PK_LINUX_USER, /* -d 8 */
	PK_LINUX_OFFLINE, /* hwpoison, PG_offline, ballooned out */
	PK_KINDS
};
const char *page_kind_name(enum page_kind k);

#define FILTER_WINDOW	   1024 /* pages: 4 MiB, the largest free block of the buddy allocator */
#define FILTER_MAX_DOMAINS 4096

struct filter_request {
	unsigned level; /* makedumpfile's -d; bit 0 (zero pages) is not the filter's */
	bool guests; /* keep all guests */
	const uint32_t *keep_domains; /* ids */
	size_t nr_keep_domains;
};

/* One bit each for enum page_kind: drop. */
uint32_t filter_drop_mask(const struct filter_request *rq) _nonnull_;

/* Xen: judged by the frame table. */
struct xen_filter {
	bool usable; /* false: nothing is dropped, `why` says for what reason */
	unsigned doubts; /* how many checks of the flag table against the dump failed */
	char why[512];
	/* ... owned by xen_filter.c; the implementer completes it: flag positions, frame table,
	 * domain list (id, pickled id, address) ... */
	struct xen_frames *frames;
};
enum xk_status xen_filter_init(const struct core *c, const struct core_notes *n,
	const struct xen_xlat *x, struct core_reader *r, const struct filter_request *rq,
	struct xen_filter *ret, struct diag *d) _nonnull_;
/* Kinds of nr pages from pfn on. Owner dom0 comes out as PK_LINUX, to be refined. */
void xen_filter_window(const struct xen_filter *f, struct core_reader *r, uint64_t pfn, size_t nr,
	uint8_t *kinds) _nonnull_;
/* dom0's pfn of a machine page by Xen's M2P table; P2M_NONE: not known. For nr mfns. */
void xen_m2p_window(const struct xen_filter *f, struct core_reader *r, uint64_t mfn, size_t nr,
	uint64_t *pfns) _nonnull_;
void xen_filter_deinit(struct xen_filter *f) _nonnull_;

/* Pages of the guests, by domain. Not for the pass that writes: it looks at each page again. */
struct owner_pages {
	uint32_t id;
	uint64_t pages, kept; /* PK_GUEST and PK_GUEST_KEPT; the latter alone */
};
/* One for each domain that is known, all at 0, to be freed. 0: none are, or no memory. */
size_t xen_owners(const struct xen_filter *f, struct owner_pages **ret) _nonnull_;
/* Adds a window's pages, whose kinds xen_filter_window() gave. */
void xen_owners_window(const struct xen_filter *f, struct core_reader *r, uint64_t pfn, size_t nr,
	const uint8_t *kinds, struct owner_pages *owners) _nonnull_;

/* Linux: judged by struct page, by the kernel's own pfn. XK_NOMEM; what is missing in VMCOREINFO, or
 * contradicted by the dump, is why it is not usable. */
struct linux_filter {
	bool usable;
	char why[512];
	struct linux_pages *pages; /* owned by linux_filter.c */
};
enum xk_status linux_filter_init(const struct core_notes *n, const struct linux_xlat *l,
	struct core_reader *r, struct linux_filter *ret, struct diag *d) _nonnull_;
/* pfn is a multiple of FILTER_WINDOW, nr at most that. Entries are PK_LINUX* or PK_UNKNOWN. */
void linux_filter_window(const struct linux_filter *f, struct core_reader *r, uint64_t pfn,
	size_t nr, uint8_t *kinds) _nonnull_;
void linux_filter_deinit(struct linux_filter *f) _nonnull_;

#endif
