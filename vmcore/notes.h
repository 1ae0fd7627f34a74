/* SPDX-License-Identifier: GPL-2.0-only */
/* What the notes of a core say, as a value. Everything points into the notes it was read from. */
#ifndef VMCORE_NOTES_H
#define VMCORE_NOTES_H

#include "common/bytes.h"
#include "common/diag.h"
#include "common/note.h"
#include "common/range.h"

struct cpu_regs { /* as the crash left them; 32-bit ones widened */
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, rip, cs,
		rflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
	uint32_t pid; /* pr_pid: natively the task that ran; Xen: 0 */
	bool empty; /* the CPU never answered: all zero */
	bool have_cr;
	uint64_t cr0, cr2, cr3, cr4; /* Xen only */
};

struct core_notes {
	unsigned bits; /* width of the crashed hypervisor or kernel by its PRSTATUS notes; 0 none */
	struct cpu_regs *cpus; /* in the order of the notes */
	size_t nr_cpus;
	bool xen; /* a crash_info note of Xen is there */
	struct { /* 4.4 of the Xen ABI's crash notes; valid when xen */
		uint64_t major, minor, extra, changeset, compiler, date, time, tainted, phys_start;
		uint64_t p2m_mfn; /* dom0's frame list list; 0 not set up, ~0 declared invalid */
		bool have_phys_start;
	} xen_info;
	struct bytes vmcoreinfo; /* of the Linux kernel: native, or dom0's; empty: none */
	struct bytes vmcoreinfo_xen;
	struct xkn *xenkdump; /* the XENKDUMP note, parsed; NULL: none or damaged. See below */
	size_t nr_problems;
	char *problems[16];
};

enum xk_status core_notes_parse(
	struct bytes notes, uint16_t machine, struct core_notes *ret, struct diag *d) _nonnull_;
void core_notes_deinit(struct core_notes *n) _nonnull_;

/* VMCOREINFO text: KEY=value a line. false: no such key, or not a number of that base. */
bool vmcoreinfo_symbol(struct bytes text, const char *name, vaddr_t *ret) _must_check_ _nonnull_;
bool vmcoreinfo_size(struct bytes text, const char *name, uint64_t *ret) _must_check_ _nonnull_;
bool vmcoreinfo_offset(struct bytes text, const char *name, uint64_t *ret) _must_check_ _nonnull_;
bool vmcoreinfo_length(struct bytes text, const char *name, uint64_t *ret) _must_check_ _nonnull_;
bool vmcoreinfo_number(struct bytes text, const char *name, int64_t *ret) _must_check_ _nonnull_;
/* The value of any key ("OSRELEASE", "KERNELOFFSET"); empty: none. */
struct bytes vmcoreinfo_value(struct bytes text, const char *key) _nonnull_;

#endif
