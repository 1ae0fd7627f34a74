/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the crashed system's addresses to those of the core. Built once from the notes and the
 * core; after that only read, so that threads share it and each brings its own reader.
 */
#ifndef VMCORE_XLAT_H
#define VMCORE_XLAT_H

#include "vmcore/core.h"
#include "vmcore/notes.h"

/* --- Xen ------------------------------------------------------------------------------------ */

enum pdx_scheme { PDX_NONE, PDX_MASK, PDX_OFFSET, PDX_UNKNOWN };

struct pdx {
	enum pdx_scheme scheme; /* UNKNOWN: compression is on and its parameters are not known */
	uint64_t bottom_mask, top_mask; /* MASK */
	unsigned hole_shift;
	unsigned pfn_shift, pdx_shift, nr; /* OFFSET: tables of nr (<= 64) entries */
	uint64_t pfn_to_pdx[64], pdx_to_pfn[64];
};
uint64_t pdx_from_pfn(const struct pdx *p, uint64_t pfn) _nonnull_;
uint64_t pdx_to_pfn(const struct pdx *p, uint64_t pdx) _nonnull_;

struct xen_xlat {
	uint32_t major, minor;
	vaddr_t image_base; /* 1 GiB-aligned virtual base that phys_start maps to */
	vaddr_t image_end; /* one beyond Xen's own data; 0 unknown */
	maddr_t phys_start;
	vaddr_t directmap, directmap_end;
	maddr_t pgd_l4; /* idle_pg_table; 0 unknown: only image and direct map translate */
	struct pdx pdx;
	bool bigmem;
	uint64_t max_page; /* machine pages that Xen has a frame table for; UINT64_MAX unknown */
	char why[256]; /* how pdx and the bases were found, for people */
};
enum xk_status xen_xlat_init(const struct core *c, const struct core_notes *n,
	struct core_reader *r, struct xen_xlat *ret, struct diag *d) _nonnull_;

/* A virtual address of Xen's; false when nothing maps it. *left (may be NULL): bytes from there
 * on that lie together in machine memory. */
bool xen_to_machine(const struct xen_xlat *x, struct core_reader *r, vaddr_t at, maddr_t *ret,
	uint64_t *left) _must_check_;
bool xen_read(const struct xen_xlat *x, struct core_reader *r, vaddr_t at, void *ret,
	size_t len) _must_check_ _nonnull_;

/* The symbol's address by name from the XENKDUMP note's table; false: none. A static one is found
 * by its name alone ("conring") or with its file ("drivers/char/console.c#conring"); a name that
 * several files have is not found alone. */
bool xen_symbol(const struct core_notes *n, const char *name, vaddr_t *ret) _must_check_ _nonnull_;

/* --- dom0's pseudo-physical memory ----------------------------------------------------------- */

struct p2m {
	uint64_t nr; /* pfns are below this */
	unsigned bits; /* width of dom0's entries: 64 or 32 */
	bool identity; /* native Linux: pfn is mfn, no list is read */
	maddr_t root; /* machine address of the frame list list; 0: none, or it is linear */
	vaddr_t linear; /* dom0's virtual address of the list as one array; 0: it is not */
	maddr_t tables; /* the page tables that this address is of */
	char why[256];
};
#define P2M_NONE UINT64_MAX /* no page there: ballooned, invalid, foreign or identity-mapped I/O */

/* x is NULL without Xen. */
enum xk_status p2m_init(const struct core *c, const struct core_notes *n, const struct xen_xlat *x,
	struct core_reader *r, struct p2m *ret, struct diag *d);
uint64_t p2m_mfn(const struct p2m *p, struct core_reader *r, uint64_t pfn) _nonnull_;

/* The same for nr pfns. */
void p2m_window(const struct p2m *p, struct core_reader *r, uint64_t pfn, size_t nr,
	uint64_t *mfns) _nonnull_;

/* Machine pages that are another domain's and that dom0 maps through a grant: calls `each` until
 * it says no. False: it did, or there is no list. */
bool p2m_each_foreign(const struct p2m *p, struct core_reader *r,
	bool (*each)(void *ctx, uint64_t pfn, uint64_t mfn), void *ctx) _must_check_;

/* --- a Linux kernel: dom0's, or the native one ----------------------------------------------- */

struct linux_xlat {
	unsigned bits, levels; /* 2 (i386), 3 (PAE), 4, 5 */
	struct p2m p2m;
	uint64_t phys_base; /* physical address of the text mapping's zero; KASLR included */
	uint64_t text_size; /* of the linear mapping from text_base on; 0: there is none (32-bit) */
	vaddr_t text_base, page_offset; /* 0 unknown */
	maddr_t pgd; /* swapper_pg_dir; 0: its tables cannot be walked */
	uint64_t not_address; /* page table bits that are a memory encryption flag */
	char why[256];
};
enum xk_status linux_xlat_init(const struct core *c, const struct core_notes *n,
	const struct xen_xlat *x, struct core_reader *r, struct linux_xlat *ret, struct diag *d);
/* Kernel virtual to the core's address; false: not mapped. */
bool linux_to_machine(const struct linux_xlat *l, struct core_reader *r, vaddr_t at, maddr_t *ret,
	uint64_t *left) _must_check_;
bool linux_read(const struct linux_xlat *l, struct core_reader *r, vaddr_t at, void *ret,
	size_t len) _must_check_ _nonnull_;
/* An unsigned long or a pointer, of the kernel's width. */
bool linux_read_long(const struct linux_xlat *l, struct core_reader *r, vaddr_t at,
	uint64_t *ret) _must_check_ _nonnull_;

#endif
