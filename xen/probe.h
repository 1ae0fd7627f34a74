/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Facts of the hypervisor under this kernel, or that there is none. Asks libxenctrl, sysfs and
 * /proc/xen, and writes down what each said; what could not be had becomes a gap with its reason.
 */
#ifndef XEN_PROBE_H
#define XEN_PROBE_H

#include "common/host.h"
#include "xen/ctrl.h"

/* Where to ask. Tests give a tree of fixtures and a fake hypervisor. */
struct xen_probe_env {
	const char *root; /* in front of every path; "" on a real host */
	unsigned process_bits; /* width of this program */
	/* Asks the processor by way of Xen's forced emulation, which only a PV guest has. NULL:
	 * do not. */
	bool (*pv_cpuid)(void);
	enum xk_status (*open)(const char *root, struct xen *ret, struct diag *d);
};

extern const struct xen_probe_env xen_probe_real;

/*
 * Fills the hypervisor's part of *h. Call it after native_probe(), whose kernel.bits decides how
 * Xen's answers are to be read; under Xen it corrects cpu_long_mode and kernel.vmcoreinfo, which
 * mean something else there. XK_OK also when there is no Xen or hardly anything could be read;
 * fails only for want of memory.
 */
enum xk_status xen_probe(const struct xen_probe_env *env, struct host *h, struct diag *d) _nonnull_;

#endif
