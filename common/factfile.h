/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Facts that are files: what both probes do with /proc and /sys. Every path is under a root
 * folder, "" on a real host, so that a probe is tested on a tree of fixtures without being root.
 * A file that cannot be read becomes a gap of the fact it was for.
 */
#ifndef XK_FACTFILE_H
#define XK_FACTFILE_H

#include "common/host.h"

/* root + path; NULL for want of memory. The caller frees it. */
char *factfile_path(const char *root, const char *path) _nonnull_;

/*
 * The whole file, appended to *ret; false, with a gap of `fact` unless that is NULL, when it
 * cannot be read or has more than max bytes.
 */
bool factfile_read(struct host *h, const char *fact, const char *root, const char *path, size_t max,
	struct buf *ret) __attribute__((nonnull(1, 3, 4, 6)));

/*
 * Its text without the line end, for the caller to free. NULL, with a gap unless fact is NULL,
 * when it cannot be read, holds a NUL, or is what Xen and its drivers write for a fact that the
 * security policy keeps: "<denied>". An empty file is an empty string.
 */
char *factfile_text(struct host *h, const char *fact, const char *root, const char *path)
	__attribute__((nonnull(1, 3, 4)));

#endif
