/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a dump goes: a file that appears under its name only when it is whole, or a stream. All
 * writers go through this, so that ENOSPC, EIO, a vanished target and a signal end in one way.
 */
#ifndef VMCORE_OUT_H
#define VMCORE_OUT_H

#include "common/bytes.h"
#include "common/diag.h"

struct out; /* a regular file (pwrite anywhere), or a stream in flattened form */

/* Creates PATH.part (0600, O_EXCL, O_NOFOLLOW, folder by fd) or wraps an open stream ("-"). A
 * stale PATH.part of an earlier try and an existing PATH are refused, with what to do. */
enum xk_status out_create(const char *path, bool flattened, struct out **ret, struct diag *d);
enum xk_status out_write(struct out *o, uint64_t off, const void *data, size_t len, struct diag *d);
/* Free bytes of the file system; UINT64_MAX for a stream. */
uint64_t out_room(const struct out *o) _nonnull_;
uint64_t out_written(const struct out *o) _nonnull_;
/* fsync of file and folder and rename to PATH (whole), or to PATH.incomplete (valid, marked
 * incomplete); then frees o. */
enum xk_status out_publish(struct out *o, bool whole, struct diag *d) _nonnull_;
/* Leaves or removes what is there; frees o. */
void out_abandon(struct out *o, bool keep);

#endif
