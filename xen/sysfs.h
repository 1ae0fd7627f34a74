/* SPDX-License-Identifier: GPL-2.0-only */
/* What Linux shows of Xen under /sys/hypervisor, /proc/xen and the firmware's tables. */
#ifndef XEN_SYSFS_H
#define XEN_SYSFS_H

#include "common/host.h"

/* Version of the running Xen; false, and nothing written, when it cannot be read. */
bool xen_sysfs_version(const char *root, uint32_t *major, uint32_t *minor) _nonnull_;

/* /sys/hypervisor/type says xen, or /proc/xen is there. */
bool xen_sysfs_present(const char *root) _nonnull_;

/* Sum of the feature bits (XENFEAT_*) that Xen offers this domain; false when not shown. */
bool xen_sysfs_features(const char *root, uint64_t *ret) _nonnull_;

#define XEN_FEATURE_AUTO_TRANSLATED (1u << 2)
#define XEN_FEATURE_DOM0	    (1u << 11)

/*
 * How many CPU numbers Xen certainly has, from what dom0 sees of physical CPUs: the numbers under
 * /sys/devices/system/xen_cpu where that is there, else the usable entries of ACPI's MADT. At
 * least 1. *source says which, for messages.
 */
uint32_t xen_sysfs_cpus(const char *root, const char **source) _nonnull_;

/* Usable processors in an ACPI MADT; 0 when it is none. */
uint32_t xen_madt_cpus(struct bytes madt);

/* Fills what sysfs has of h->xen; leaves the rest empty, without gaps: Xen itself may know. */
void xen_sysfs_facts(const char *root, struct host *h) _nonnull_;

#endif
