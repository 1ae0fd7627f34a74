/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XEN_PV_CPUID_H
#define XEN_PV_CPUID_H

#include "common/compiler.h"

/* True in a Xen PV guest, dom0 or not. Leaves the signal state as it was; not for threads. */
bool xen_pv_cpuid(void);

#endif
