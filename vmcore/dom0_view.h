/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dom0's Linux out of a core of Xen, as a core of its own: pages by dom0's page numbers, page tables
 * that hold those numbers instead of the machine's, registers of dom0's vCPUs in place of the
 * processors', no notes of Xen's. What reads the core of a native kernel reads this one. Nothing is
 * copied: pages are translated when they are read.
 */
#ifndef VMCORE_DOM0_VIEW_H
#define VMCORE_DOM0_VIEW_H

#include "vmcore/core.h"
#include "vmcore/notes.h"

/*
 * `c` and `n` are borrowed until core_close(ret). What could not be had is in ret->problems.
 * XK_UNSUPPORTED: there is no PV dom0 in it. XK_BAD_INPUT: what is needed to translate dom0's pages
 * or page tables cannot be read. XK_NOMEM.
 */
enum xk_status dom0_view_open(const struct core *c, const struct core_notes *n, struct core *ret,
	struct diag *d) _nonnull_;

#endif
