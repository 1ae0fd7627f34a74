/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The edge to the file system, for everything but probes and backends: whole files in, files
 * out (io.c, and payload.c for kernels and initrds). Nothing else in common/ makes a system call.
 */
#ifndef XK_IO_H
#define XK_IO_H

#include <sys/types.h>

#include "common/bytes.h"
#include "common/diag.h"
#include "common/elfimage.h"

/*
 * Where payload (kernel, initrds) is read to. Under Xen this is memory that a hypercall may
 * read, so that a file is read once, straight to where Xen takes it from. Page-aligned, zeroed.
 */
struct payload_alloc {
	void *(*alloc)(void *ctx, size_t len); /* NULL and errno on failure */
	void (*release)(void *ctx, void *p, size_t len);
	void *ctx;
};

/* Anonymous memory, for planning without loading. */
extern const struct payload_alloc payload_plain;

struct payload {
	uint8_t *data;
	size_t len; /* content */
	size_t size; /* allocated */
	const struct payload_alloc *alloc;
	struct elf_layout elf; /* of a kernel that was an ELF file, laid out; nr 0: it was not */
};

void payload_deinit(struct payload *p) _nonnull_;

/* Anonymous memory of len bytes, zeroed. XK_NOMEM. */
enum xk_status payload_alloc_plain(uint64_t len, struct payload *ret, struct diag *d) _nonnull_;

/*
 * Reads a kernel file; gzip, zstd and xz are unpacked, and of an ELF file only the loadable parts
 * are read, each to its place. XK_IO, XK_NOMEM, or XK_BAD_INPUT for a
 * damaged or absurdly large compressed file; d names the file.
 */
enum xk_status payload_read_kernel(const char *path, const struct payload_alloc *a,
	struct payload *ret, struct diag *d) _nonnull_;

/* Reads all files one after the other, each starting on a 4-byte boundary, as the kernel's
 * initramfs reader wants concatenated archives. nr may be 0: an empty payload. */
enum xk_status payload_read_initrds(const char *const *paths, size_t nr,
	const struct payload_alloc *a, struct payload *ret, struct diag *d) _nonnull_;

/*
 * A whole file, at most max bytes (XK_BAD_INPUT when larger). Works for /proc and /sys. *ret is
 * replaced, so it should be empty before; a NUL that ret->len does not count follows the content.
 */
enum xk_status file_read(const char *path, size_t max, struct buf *ret, struct diag *d) _nonnull_;

/* All of it, to an open file. XK_IO: not all was taken; d does not name the file. */
enum xk_status fd_write(int fd, struct bytes content, struct diag *d) _nonnull_;

/* Creates or replaces path by way of a temporary file beside it, fsync and rename. XK_IO when
 * something that is no regular file has the name: a symlink is neither followed nor replaced. */
enum xk_status file_replace(
	const char *path, struct bytes content, mode_t mode, struct diag *d) _nonnull_;

/* Creates path, which must not exist yet; a symlink there is not followed. XK_IO, and no file is
 * left behind, when it does or cannot be written. */
enum xk_status file_create(
	const char *path, struct bytes content, mode_t mode, struct diag *d) _nonnull_;

/* True when there is certainly no such file. */
bool file_absent(const char *path) _nonnull_;

/* Makes the folder that path lies in, when only its last part is missing. */
enum xk_status folder_make_above(const char *path, struct diag *d) _nonnull_;

/* Removes the file; fine when there is none. */
enum xk_status file_remove(const char *path, struct diag *d) _nonnull_;

/* Waits for, and takes, an exclusive lock on a file of that name, created when it is missing.
 * Closing *fd gives it back. */
enum xk_status file_lock(const char *path, int *fd, struct diag *d) _nonnull_;

#endif
