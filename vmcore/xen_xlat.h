/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files that read Xen's own data share; others use xlat.h. */
#ifndef VMCORE_XEN_XLAT_H
#define VMCORE_XEN_XLAT_H

#include "vmcore/xlat.h"

/* By the page tables alone. */
bool xen_walk(const struct xen_xlat *x, struct core_reader *r, vaddr_t at, maddr_t *ret,
	uint64_t *left) _must_check_;

/* The 64 bits that a symbol of VMCOREINFO_XEN or of the hypervisor names. */
bool xen_variable(const struct xen_xlat *x, const struct core_notes *n, struct core_reader *r,
	const char *name, uint64_t *ret) _must_check_ _nonnull_;

/* Fills x->pdx; needs everything else of x. */
void xen_pdx_find(struct xen_xlat *x, const struct core *c, const struct core_notes *n,
	struct core_reader *r) _nonnull_;

/* How many numbers from n on, pfns or pdxs, have neighbours on the other side; at least 1. */
uint64_t pdx_stretch(const struct pdx *p, uint64_t n) _nonnull_;

#endif
