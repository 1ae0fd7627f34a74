/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The record of what was loaded: a small text file on a file system that a reboot empties,
 * "key = value" a line. Written before anything is touched (state busy) and again after, so that
 * an interrupted load or unload is seen; read by status. What the record is worth beside what the
 * system says of itself is for each backend to judge.
 */
#ifndef XK_RECORD_H
#define XK_RECORD_H

#include <time.h>

#include "common/backend.h"

#define RECORD_PATH "/run/xenkdump/state"

enum record_state {
	RECORD_NONE, /* no record, or one of an earlier boot */
	RECORD_BUSY, /* a load or unload began and never finished */
	RECORD_ARMED,
	RECORD_DAMAGED, /* a later load failed and may have overwritten this image */
};

struct record {
	enum record_state state;
	bool stale; /* state is RECORD_NONE because the record is of another boot */
	char tool[32]; /* version of xenkdump */
	char kernel[256];
	char call[24]; /* the system call that loaded it; empty under Xen */
	char since[32];
	struct range region;
	maddr_t entry;
	char digest[65]; /* empty: of what was loaded there is none */
	char xen_build_id[129];
	char boot_id[40];
};

/* A record, state busy, of a plan that is about to be loaded; root is in front of /proc. */
void record_make(const struct plan *p, const char *kernel_name, const char *root, time_t now,
	struct record *ret) _nonnull_;

/* One digest for the whole plan: purgatory's parameters hold the address, length and digest of
 * every other segment, so hashing its few pages again is enough. */
void plan_digest(const struct plan *p, char ret[65]) _nonnull_;

/* What status shows of it, besides state and why. */
void record_show(const struct record *rec, struct armed *ret) _nonnull_;

/*
 * Reads the record. No file, and one of another boot or another hypervisor build, give
 * RECORD_NONE (the latter with ret->stale) and XK_OK. boot_id and build_id are the running ones;
 * an empty one is not compared. XK_BAD_INPUT for a damaged file, XK_IO.
 */
enum xk_status record_read(const char *path, const char *boot_id, const char *build_id,
	struct record *ret, struct diag *d) _nonnull_;

/* The file's text read back; unknown keys are ignored, as a newer tool may have written them. */
enum xk_status record_parse(struct bytes text, struct record *ret, struct diag *d) _nonnull_;
void record_print(const struct record *rec, struct buf *ret) _nonnull_;

/* Creates the folder, replaces the file atomically. */
enum xk_status record_write(const char *path, const struct record *rec, struct diag *d) _nonnull_;

/* Removes the file; fine when there is none. */
enum xk_status record_clear(const char *path, struct diag *d) _nonnull_;

/* One loader at a time: waits for, and takes, the lock beside the file. *fd is to be closed. */
enum xk_status record_lock(const char *path, int *fd, struct diag *d) _nonnull_;

/* Of the running kernel; empty when it cannot be read. */
void record_boot_id(const char *root, char ret[40]) _nonnull_;

#endif
