/* SPDX-License-Identifier: GPL-2.0-only */
/* The files of one dump: PATH, or PATH.1 and so on when it is split. Used by save.c only. */
#ifndef VMCORE_OUTS_H
#define VMCORE_OUTS_H

#include "vmcore/out.h"

struct outs {
	struct out **v;
	size_t nr;
};

/* As out_create(), for each of the parts, or for one file when there are 0. After a failure none is
 * left. */
enum xk_status outs_create(const char *path, unsigned parts, bool flattened, struct outs *ret,
	struct diag *d) _nonnull_;

uint64_t outs_written(const struct outs *o) _nonnull_;
/* As out_flush() and out_publish(); the latter for all, whatever becomes of one. */
enum xk_status outs_flush(struct outs *o, struct diag *d) _nonnull_;
enum xk_status outs_publish(struct outs *o, bool whole, struct diag *d) _nonnull_;
void outs_abandon(struct outs *o, bool keep) _nonnull_;

#endif
