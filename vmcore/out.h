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

/*
 * Creates PATH.part (0600, O_EXCL, O_NOFOLLOW, folder by fd), or takes standard output for "-",
 * which is always flattened. XK_IO: PATH, PATH.part of an earlier try or PATH.incomplete is there,
 * or the file cannot be made; says what to do.
 */
enum xk_status out_create(
	const char *path, bool flattened, struct out **ret, struct diag *d) _nonnull_;

/* Flattened: what was written cannot be taken back, so each byte should be written once. */
bool out_flattened(const struct out *o) _nonnull_;

/* XK_IO says where and why. A later write may be tried, and may succeed. */
enum xk_status out_write(
	struct out *o, uint64_t off, const void *data, size_t len, struct diag *d) _nonnull_;

/* What was written or reserved there; not when flattened. XK_IO. */
enum xk_status out_read(
	struct out *o, uint64_t off, void *data, size_t len, struct diag *d) _nonnull_;

/* Makes sure that later writes to these bytes find room on the file system. Reads as zeros until
 * then. Nothing happens when flattened. */
enum xk_status out_reserve(struct out *o, uint64_t off, uint64_t len, struct diag *d) _nonnull_;

/* The file is at least that long, its end a hole. Nothing happens when flattened. */
enum xk_status out_extend(struct out *o, uint64_t len, struct diag *d) _nonnull_;

/* What was written so far is on the device: what follows may rely on it. After a failure the file is
 * never published, for nobody knows what it lacks. */
enum xk_status out_flush(struct out *o, struct diag *d) _nonnull_;

/* Free bytes where this file would lie; UINT64_MAX for a stream or when it cannot be told. */
uint64_t out_room(const char *path) _nonnull_;

/* Bytes handed to the system, those of the flattened format included. */
uint64_t out_written(const struct out *o) _nonnull_;

/*
 * fsync of file and folder and rename to PATH (whole), or to PATH.incomplete (valid, marked
 * incomplete); then frees o, whatever happened. After a failure PATH.part is left, or PATH is there
 * and it is not certain that it survives a power loss; d says which.
 */
enum xk_status out_publish(struct out *o, bool whole, struct diag *d) _nonnull_;

/* Leaves or removes PATH.part; frees o. */
void out_abandon(struct out *o, bool keep);

#endif
