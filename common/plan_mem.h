/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files that build, check and print a plan share; private to common/plan*.c. */
#ifndef XK_PLAN_MEM_H
#define XK_PLAN_MEM_H

#include "common/plan.h"

/* Segment contents that the plan itself made. */
struct plan_mem {
	struct buf bootparams, elfcore, note, purgatory;
};

/* Where a kind of kernel can be put: the limits belong to the image and its entry. */
struct reach {
	uint64_t kernel_max; /* the kernel's own memory must end at or below this */
	uint64_t other_max; /* everything the kernel is given */
	const char *why; /* whose limit that is */
};

/* A 32-bit kernel must have its memory in its lowmem: Linux, "896M" on a 3G/1G split. */
#define REACH_LOWMEM (UINT64_C(896) << 20)
#define REACH_4G     (UINT64_C(4) << 30)
/* What four-level page tables can map and more than a machine has. */
#define REACH_ALL (UINT64_C(1) << 46)

struct reach plan_reach(bool is_64, unsigned entry_bits);

/* The first 640 KiB, which the dump kernel uses for itself: BIOS data area, trampolines. */
#define BACKUP_END (UINT64_C(640) << 10)

/* The purgatory to use: it runs in the mode in which the image is entered, and from 64-bit mode it
 * can enter kernels of either width. */
unsigned plan_purg_bits(const struct plan *p);

/* Purgatory verifies what was loaded, but not itself and not what Linux may rewrite. */
bool plan_verifies(const struct plan *p, const struct seg *s);

const struct seg *plan_seg(const struct plan *p, enum seg_kind kind);
bool plan_warn(struct plan *p, const char *fmt, ...) _printf_(2, 3);

/*
 * The most memory that lim's kind may take out of the crash region for its own control pages while
 * these segments are loaded. Upper bounds. Sources: for CONTROL_MAP_SEGS Xen xen/common/kimage.c,
 * machine_kexec_load_segments(); for the others Linux kernel/kexec_core.c,
 * kimage_alloc_crash_control_pages(), which takes them from the holes between segments, and
 * arch/x86/mm/ident_map.c (on a processor without pages of 1 GiB).
 */
uint64_t plan_control_need(
	const struct backend_limits *lim, const struct host *h, const struct seg *segs, size_t nr);

#endif
