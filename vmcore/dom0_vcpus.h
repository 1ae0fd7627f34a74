/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The registers of dom0's vCPUs. They lie where a vCPU entered Xen, at the top of a processor's
 * stack, or in struct vcpu when it runs nowhere. No debug data says where in these structures: the
 * places are searched for by what must stand there, and what is not proven by the dump is left
 * out. Source: Xen xen/arch/x86/include/asm/{current,cpu-user-regs}.h, xen/include/xen/sched.h,
 * 4.4 to 4.23.
 */
#ifndef VMCORE_DOM0_VCPUS_H
#define VMCORE_DOM0_VCPUS_H

#include "vmcore/xlat.h"

#define DOM0_MAX_VCPUS 8192

struct dom0_vcpus {
	struct cpu_regs *v; /* by vcpu_id, owned; `empty`: not found. As dom0 itself would see them:
			     * the kernel's cs has ring 0 */
	size_t nr;
	char why[256]; /* what could not be had, for people; may be empty */
};

/* `domain`: dom0's struct domain. XK_NOMEM; what is not found is no failure. */
enum xk_status dom0_vcpus_read(const struct core_notes *n, const struct xen_xlat *x,
	struct core_reader *r, vaddr_t domain, struct dom0_vcpus *ret, struct diag *d) _nonnull_;
void dom0_vcpus_deinit(struct dom0_vcpus *v) _nonnull_;

/* Appends an NT_PRSTATUS note as Linux has it: of a 64- or 32-bit kernel. */
void dom0_prstatus(struct buf *notes, const struct cpu_regs *regs, unsigned bits) _nonnull_;

#endif
