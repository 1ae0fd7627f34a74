/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The small files beside a dump, written before its first page, for when the rest does not come to
 * an end: a short report, Linux' log, Xen's console ring, and what the notes say. Each goes through
 * struct out, like the dump, and appears under its name only when it is whole. Each is tried for
 * itself: what fails is told and costs that file only.
 */
#ifndef VMCORE_SMALL_H
#define VMCORE_SMALL_H

#include "vmcore/core.h"
#include "vmcore/notes.h"

enum small_kind {
	SMALL_REPORT, /* PATH.report */
	SMALL_DMESG, /* PATH.dmesg */
	SMALL_XEN, /* PATH.xen; natively there is none */
	SMALL_NOTES, /* PATH.notes */
	SMALL_KINDS
};

struct small_request {
	const char *path; /* the dump's; no stream */
	int64_t time; /* now, in seconds */
	void (*notice)(void *ctx, const char *text); /* may be NULL */
	void *ctx;
};

struct small_files {
	bool written[SMALL_KINDS];
	uint64_t bytes[SMALL_KINDS];
};

/* ".report"; a constant. */
const char *small_suffix(enum small_kind k);

/* Before the dump is begun: XK_IO when one of the names, or one that it has for a time, is there. */
enum xk_status small_check(const char *path, struct diag *d) _nonnull_;

/* Writes what can be written. */
void small_write(const struct core *c, const struct core_notes *n, const struct small_request *rq,
	struct small_files *ret) _nonnull_;

#endif
