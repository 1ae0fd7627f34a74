/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The record of what was loaded: a small text file on a file system that a reboot empties,
 * "key = value" a line. Written before Xen is touched (state busy) and again after, so that an
 * interrupted load or unload is seen; read by status.
 */
#ifndef XEN_STATE_H
#define XEN_STATE_H

#include "xen/armed.h"

#define XEN_STATE_PATH "/run/xenkdump/state"

/*
 * Reads the record. No file, and one of another boot or another hypervisor build, give
 * RECORD_NONE (the latter with ret->stale) and XK_OK. boot_id and build_id are the running ones;
 * an empty one is not compared. XK_BAD_INPUT for a damaged file, XK_IO.
 */
enum xk_status xen_state_read(const char *path, const char *boot_id, const char *build_id,
	struct xen_record *ret, struct diag *d) _nonnull_;

/* The file's text read back; unknown keys are ignored, as a newer tool may have written them. */
enum xk_status xen_state_parse(struct bytes text, struct xen_record *ret, struct diag *d) _nonnull_;
void xen_state_print(const struct xen_record *rec, struct buf *ret) _nonnull_;

/* Creates the folder, replaces the file atomically. */
enum xk_status xen_state_write(
	const char *path, const struct xen_record *rec, struct diag *d) _nonnull_;

/* Removes the file; fine when there is none. */
enum xk_status xen_state_clear(const char *path, struct diag *d) _nonnull_;

/* One loader at a time: waits for, and takes, the lock beside the file. *fd is to be closed. */
enum xk_status xen_state_lock(const char *path, int *fd, struct diag *d) _nonnull_;

/* Of the running kernel; empty when it cannot be read. */
void xen_state_boot_id(const char *root, char ret[40]) _nonnull_;

#endif
