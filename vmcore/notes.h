/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the notes of a core say, as a value. Texts point into the notes it was read from, which must
 * outlive it. Notes are untrusted: one that makes no sense is a finding in `problems` and is left
 * out. Layouts: Xen's by xen/notes.h; elf_prstatus of Linux x86 is the same as Xen's.
 */
#ifndef VMCORE_NOTES_H
#define VMCORE_NOTES_H

#include "common/bytes.h"
#include "common/diag.h"
#include "common/note.h"
#include "common/range.h"
#include "common/vmcoreinfo.h"

#define XKN_MAX_TEXT (8 * MiB) /* of facts or symbols, unpacked */

/* The XENKDUMP note (doc/xenkdump-note.md). What the loader left out is empty. */
struct xkn {
	uint16_t version;
	struct bytes tool; /* name and version of the loader; in the notes */
	struct buf facts, symbols; /* texts, unpacked; owned; a NUL not counted follows each */
	struct xkn_map *map; /* what lies where in the crash region, entries in use only; owned */
	size_t nr_map;
};

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
	bool xen; /* what crashed was Xen: a CRASH_INFO or a VMCOREINFO_XEN note is there */
	bool crash_info; /* the former; without it the version below is the loader's, if known */
	struct { /* 4.4 of the Xen ABI's crash notes; valid when xen */
		uint64_t major, minor, extra, changeset, compiler, date, time, tainted, phys_start;
		uint64_t p2m_mfn; /* dom0's frame list list; 0 not set up, ~0 declared invalid */
		bool have_phys_start;
	} xen_info;
	struct bytes vmcoreinfo; /* of the Linux kernel: native, or dom0's; empty: none */
	struct bytes vmcoreinfo_xen;
	struct xkn *xenkdump; /* NULL: none, or damaged */
	size_t nr_problems;
	char *problems[16];
};

/* XK_NOMEM. */
enum xk_status core_notes_parse(
	struct bytes notes, uint16_t machine, struct core_notes *ret, struct diag *d) _nonnull_;
void core_notes_deinit(struct core_notes *n) _nonnull_;

/* Of the XENKDUMP note: the hypervisor's symbols as nm text; the facts (doc/facts.md). Borrowed
 * from x; empty: the note has none. */
struct bytes xkn_symbols(const struct xkn *x) _nonnull_;
struct bytes xkn_facts(const struct xkn *x) _nonnull_;
/* The value of the nth (from 0) line of a fact, without quotes; *ret is in the text. False: no such
 * line, or x is NULL, or its text is one that would have to be unescaped. */
bool xkn_fact(const struct xkn *x, const char *key, size_t nth, struct bytes *ret) _must_check_;

#endif
