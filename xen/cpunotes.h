/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asking Xen for every CPU's note buffer.
 *
 * There is no stable call for the number of CPUs, so the numbers are asked one by one until Xen
 * answers ERANGE: too large. For a dom0 with a 32-bit kernel ERANGE also means "exists, but its
 * address has more than 32 bits", so there one ERANGE proves nothing. Told apart so:
 *  - a later number that succeeds proves that the earlier one exists;
 *  - numbers below what dom0 sees of physical CPUs exist;
 *  - beyond both, up to a look-ahead, ERANGE is taken for the end.
 * A machine whose last CPUs all have buffers above 4 GiB and are seen in neither way would be
 * cut short without a sign; dom0's xen_cpuN folders and the MADT are there to prevent it.
 */
#ifndef XEN_CPUNOTES_H
#define XEN_CPUNOTES_H

#include "common/host.h"
#include "xen/ctrl.h"

/* Largest number ever asked for: NR_CPUS of any Xen build is lower. */
#define XEN_MAX_CPUS 16384

/*
 * Fills h->cpu_notes, and gaps of "cpu-note". erange_ambiguous: the caller's kernel is 32-bit;
 * then nr_known CPUs certainly exist, as `source` says.
 */
enum xk_status xen_cpu_notes(struct xen *x, bool erange_ambiguous, uint32_t nr_known,
	const char *source, struct host *h, struct diag *d) _nonnull_;

/* Sizes of the buffers against h->xen.bits; a disagreement is a gap, and bits become unknown. */
void xen_cpu_notes_cross_check(struct host *h) _nonnull_;

#endif
