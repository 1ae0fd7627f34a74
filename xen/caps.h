/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What follows from Xen's version and capabilities string, and nothing else. Pure. Each gate
 * names the behaviour, not the number, so that a caller reads as what it means.
 */
#ifndef XEN_CAPS_H
#define XEN_CAPS_H

#include "common/compiler.h"

/*
 * Width of the hypervisor: 64, 32, or 0 when the string says neither. Every x86_64 hypervisor
 * lists x86_64, with or without PV or 32-bit PV, and whatever dom0's width; x86_32 ones (up to
 * Xen 4.2) never do. NULL gives 0.
 */
unsigned xen_caps_bits(const char *capabilities);

/* The hypervisor runs 32-bit PV guests. */
bool xen_caps_pv32(const char *capabilities);

bool xen_at_least(uint32_t major, uint32_t minor, uint32_t want_major, uint32_t want_minor);

/* Version 2 of load and unload; older ones return 0 for it and do nothing. */
bool xen_has_kexec_load(uint32_t major, uint32_t minor);

/* The status operation; older ones return 0 for it whatever is loaded. */
bool xen_has_kexec_status(uint32_t major, uint32_t minor);

/* Before 4.9 an unload leaves a stale pointer behind and a later load or unload can free an
 * image twice, which panics Xen. Only load over load is safe there. */
bool xen_unload_is_safe(uint32_t major, uint32_t minor);

/* Before 4.2 a CPU that is offline has no note buffer and asking for it fails with EINVAL. */
bool xen_allocates_notes_on_demand(uint32_t major, uint32_t minor);

/* Offset of _start from the 1 GiB-aligned virtual base of an x86_64 hypervisor. */
uint64_t xen_image_offset(uint32_t major, uint32_t minor);

#endif
