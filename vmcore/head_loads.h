/* SPDX-License-Identifier: GPL-2.0-only */
/* Program headers for a core whose source has none: where the crashed system mapped its memory. */
#ifndef VMCORE_HEAD_LOADS_H
#define VMCORE_HEAD_LOADS_H

#include "vmcore/dump.h"
#include "vmcore/xlat.h"

/*
 * As a loader describes a core: all memory in ascending order, with the addresses of a native
 * kernel's direct map, and last the image of what crashed, a second time, at its own addresses.
 * Xen's memory has none that mean anything to readers, but its image has. x or l is NULL when it
 * is not known; with neither, nothing is added. *ret is to be freed. XK_NOMEM.
 */
enum xk_status head_loads_make(const struct core *c, const struct xen_xlat *x,
	const struct linux_xlat *l, struct core_reader *r, struct dump_load **ret, size_t *nr,
	struct diag *d);

#endif
