/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kexec_file_load takes: open files. A file that lies on disk as it is to be loaded is given
 * as it lies there, since its signature, and what IMA knows of it, belong to that very file. What
 * was unpacked or joined goes through a file in memory.
 */
#ifndef NATIVE_FILES_H
#define NATIVE_FILES_H

#include "common/bytes.h"
#include "common/diag.h"

struct native_source {
	const char *kernel; /* file name */
	struct bytes kernel_bytes; /* what was read of it, unpacked */
	const char *const *initrds;
	size_t nr_initrds;
	struct bytes initrd_bytes; /* joined; empty: none */
};

struct native_files {
	int kernel, initrd; /* -1: none */
	struct buf cmdline; /* with its NUL */
};

/* XK_IO, also when a file is not any more what was read of it; XK_NOMEM. */
enum xk_status native_files_open(const struct native_source *src, const char *cmdline,
	struct native_files *ret, struct diag *d) _nonnull_;
void native_files_close(struct native_files *f) _nonnull_;

/* The plan's command line without the elfcorehdr= that is of the plan's own core header: the kernel
 * puts its own before it, and the last one counts. Appends to *ret, without a NUL. */
void native_file_cmdline(const char *planned, struct buf *ret) _nonnull_;

#endif
