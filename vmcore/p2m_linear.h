/* SPDX-License-Identifier: GPL-2.0-only */
/* dom0's list of pages where it is one array in dom0's virtual memory; for p2m.c only. */
#ifndef VMCORE_P2M_LINEAR_H
#define VMCORE_P2M_LINEAR_H

#include "vmcore/xlat.h"

/* Finds it by way of Xen's struct domain of dom0 and the page that dom0 shares with Xen. Fills
 * tables, linear and nr (as dom0 says it). False: there is none that makes sense; *why is then a
 * constant text. */
bool p2m_linear_find(const struct core *c, const struct core_notes *n, const struct xen_xlat *x,
	struct core_reader *r, struct p2m *p, const char **why) _must_check_ _nonnull_;

/* Where the entry of a pfn lies. */
bool p2m_linear_entry(const struct p2m *p, struct core_reader *r, uint64_t pfn,
	maddr_t *ret) _must_check_ _nonnull_;

#endif
