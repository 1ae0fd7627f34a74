/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a dump says of itself, beside its pages: machine, names, program headers. Taken from the
 * core's own header, its notes and, where these are silent, its memory.
 */
#ifndef VMCORE_HEAD_H
#define VMCORE_HEAD_H

#include "vmcore/dump.h"
#include "vmcore/linux_uts.h"
#include "vmcore/save.h"

/* What a dump_head borrows and nobody else owns. */
struct head_parts {
	struct dump_load *loads;
	struct linux_uts uts;
	char notice[256]; /* what the source says wrongly of itself, for people; may be empty */
};

/* EM_X86_64 or EM_386: what crashed. A core's own header may say otherwise: an ELF file of a 64-bit
 * dump kernel is always one of x86_64, and loaders took the hypervisor for as wide as dom0. */
uint16_t head_machine(const struct core *c, const struct core_notes *n) _nonnull_;

/* Fills all of *ret but `planned` and the runs, which are the caller's. *parts must outlive it.
 * XK_NOMEM. */
enum xk_status head_fill(const struct core *c, const struct core_notes *n,
	const struct save_request *rq, struct dump_head *ret, struct head_parts *parts,
	struct diag *d) _nonnull_;
void head_parts_deinit(struct head_parts *p) _nonnull_;

#endif
