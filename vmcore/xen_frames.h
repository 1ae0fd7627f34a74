/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frame table and the machine-to-physical table as arrays that can be read in stretches, and
 * the domains that own pages. Shared by the files of the Xen filter.
 */
#ifndef VMCORE_XEN_FRAMES_H
#define VMCORE_XEN_FRAMES_H

#include "vmcore/filter.h"
#include "vmcore/xen_flags.h"
#include "vmcore/xen_xlat.h"

/* A stretch of an array that lies together in machine memory. */
struct xen_run {
	vaddr_t at;
	maddr_t to;
	uint64_t len;
};

/* An array in Xen's virtual memory. Its translation is kept as far as it fits XEN_RUNS; Xen maps
 * both tables by large pages that it takes in order, so that a few runs cover a TiB. Beyond that
 * the page tables are asked each time. */
#define XEN_RUNS 4096
struct xen_array {
	vaddr_t base;
	unsigned size; /* of an entry */
	struct xen_run *runs; /* ascending */
	size_t nr;
	bool partial; /* there are more */
};

#define XEN_ENTRY_MAX 64 /* bytes of an entry */

/* Adds what entries [first, end) are translated to; false: no memory. */
bool xen_array_add(struct xen_array *a, const struct xen_xlat *x, struct core_reader *r,
	uint64_t first, uint64_t end) _must_check_ _nonnull_;
/* Sorts what was added. */
void xen_array_done(struct xen_array *a) _nonnull_;
void xen_array_deinit(struct xen_array *a) _nonnull_;

/*
 * Entries from `first` on that lie together, at most max: how many, and *data to the first. One
 * that crosses into other memory comes alone, copied to scratch. 0: the first cannot be read.
 * Valid until the reader's next call.
 */
size_t xen_array_get(const struct xen_array *a, const struct xen_xlat *x, struct core_reader *r,
	uint64_t first, size_t max, uint8_t *scratch, const uint8_t **data) _nonnull_;

/* A domain that owns pages. */
struct xen_domain {
	uint64_t pickled; /* as page_info names it: the page number in the direct map */
	uint32_t id;
	uint8_t kind; /* of its pages */
	vaddr_t at;
};

struct xen_frames {
	struct xen_xlat x;
	struct xen_array frames; /* by pdx */
	struct xen_array m2p; /* by mfn */
	unsigned count_at, domain_at, domain_size; /* in an entry */
	const struct pgc *pgc;
	struct xen_domain *domains; /* by pickled id */
	size_t nr_domains;
	bool all_domains; /* the list was read to its end */
	uint64_t dom0; /* its pickled id; 0 unknown */
	uint64_t *granted; /* machine pages of others that dom0 maps, ascending */
	size_t nr_granted;
};

/* Reads domain_list, dom_xen, dom_io, dom_cow and the hardware domain. XK_BAD_INPUT when not even
 * one domain can be read, XK_NOMEM. What is wrong with the list is added to why. */
enum xk_status xen_domains_read(struct xen_frames *f, const struct core_notes *n,
	struct core_reader *r, const struct filter_request *rq, char *why, size_t why_size,
	struct diag *d) _nonnull_;
/* NULL: no domain that is known. */
const struct xen_domain *xen_domain_find(const struct xen_frames *f, uint64_t pickled) _nonnull_;

struct xen_page {
	uint64_t info, owner;
};
static inline struct xen_page xen_page_at(const struct xen_frames *f, const uint8_t *entry)
{
	struct xen_page p = {0, 0};

	memcpy(&p.info, entry + f->count_at, sizeof(p.info));
	memcpy(&p.owner, entry + f->domain_at, f->domain_size); /* x86 is little-endian */
	return p;
}
/* Entries of pages from pfn on, as xen_array_get(). 0: the first page has none that can be read. */
size_t xen_page_run(const struct xen_frames *f, struct core_reader *r, uint64_t pfn, size_t max,
	uint8_t *scratch, const uint8_t **data) _nonnull_;
/* One page's entry; false: it has none that can be read. */
bool xen_page_get(const struct xen_frames *f, struct core_reader *r, uint64_t pfn,
	struct xen_page *ret) _must_check_ _nonnull_;

/* What one page is by its entry. */
enum page_kind xen_page_kind(
	const struct xen_frames *f, const struct pgc *t, struct xen_page p) _nonnull_;

/* Chooses f->pgc by the version and what the dump says of it; see filter.h for usable, doubts and
 * why. */
void xen_flags_choose(struct xen_filter *xf, const struct core *c, const struct core_notes *n,
	const struct p2m *p2m, struct core_reader *r) _nonnull_;

#endif
