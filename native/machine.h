/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Facts of a machine that this Linux owns: its physical addresses are the machine's. Under a
 * hypervisor the same files tell of the guest and must not be asked. Each part fills its facts or
 * leaves a gap; each fails only for want of memory.
 */
#ifndef NATIVE_MACHINE_H
#define NATIVE_MACHINE_H

#include "common/host.h"
#include "native/probe.h"

/* memory, crash and kernel.image, from /proc/iomem. */
enum xk_status native_iomem(const char *root, struct host *h, struct diag *d) _nonnull_;

/* cpu_notes, of every CPU that is there, online or not. */
enum xk_status native_crash_notes(const char *root, struct host *h, struct diag *d) _nonnull_;

/* kernel.image_virt and kernel.page_offset, from /proc/kcore; after native_iomem(). */
void native_text_map(const char *root, struct host *h) _nonnull_;

/* kernel.crash_hotplug and kernel.elfcorehdr_size. */
void native_crash_hotplug(const char *root, struct host *h) _nonnull_;

/* kernel.lockdown. */
void native_lockdown_fact(const char *root, struct host *h) _nonnull_;

/* The word in brackets, for the caller to free; NULL when it is none that Linux has. */
char *native_lockdown_word(const char *text) _nonnull_;

/* efi_*, where h->efi; with the firmware's runtime services as this kernel mapped them. */
void native_efi(const char *root, struct host *h) _nonnull_;

/*
 * The decision of native_text_map(), pure: the PT_LOADs of /proc/kcore and its class against
 * h->kernel.image and the VMCOREINFO text.
 */
void native_text_map_loads(
	const struct kcore_load *v, size_t nr, unsigned bits, struct host *h) _nonnull_;

#endif
