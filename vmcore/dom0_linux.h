/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tools want to know of dom0's kernel before they read its memory: where its image lies, and
 * that it runs on no hypervisor. Knows of Linux only what VMCOREINFO tells, no layout of its data.
 */
#ifndef VMCORE_DOM0_LINUX_H
#define VMCORE_DOM0_LINUX_H

#include "vmcore/dom0_pages.h"

/* The kernel's image by dom0's own addresses, as far as it is mapped; empty: not known. `under`
 * reads the core of Xen. */
struct range dom0_image(const struct dom0_pages *p, const struct linux_xlat *l,
	const struct core_notes *n, struct core_reader *under) _nonnull_;

/*
 * The kernel's pointer to what Xen told it at boot (xen_start_info), by which crash decides that
 * page tables hold machine page numbers and looks for Xen's notes. It becomes one of p's blanks.
 * There is no symbol for it, so it is known by what it points to. Returns how many there are.
 */
size_t dom0_blank_start_info(struct dom0_pages *p, const struct linux_xlat *l, struct range image,
	struct core_reader *under) _nonnull_;

/*
 * The pid of the task that a CPU with these registers ran, by which drgn tells whether they are that
 * task's. Of 64-bit kernels with a stack protector, up to 6.14: the task is the one that a pointer
 * of the CPU's own area leads to, that has a stack, and that has the canary which the CPU uses; its
 * pid and tgid stand before that. 0: not known, or the idle task.
 */
uint32_t dom0_current_pid(
	const struct linux_xlat *l, struct core_reader *under, const struct cpu_regs *g) _nonnull_;

#endif
