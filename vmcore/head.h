/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a dump says of itself, beside its pages: machine, names, program headers. Taken from the
 * core's own header, its notes and, where these are silent, its memory.
 */
#ifndef VMCORE_HEAD_H
#define VMCORE_HEAD_H

#include "vmcore/dump.h"
#include "vmcore/save.h"

/* What a dump_head borrows and nobody else owns. */
struct head_parts {
	struct dump_load *loads;
	char release[65];
};

/* Fills all of *ret but `planned` and the runs, which are the caller's. *parts must outlive it.
 * XK_NOMEM. */
enum xk_status head_fill(const struct core *c, const struct core_notes *n,
	const struct save_request *rq, struct dump_head *ret, struct head_parts *parts,
	struct diag *d) _nonnull_;
void head_parts_deinit(struct head_parts *p) _nonnull_;

#endif
