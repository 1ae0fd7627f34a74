/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kinds of ring share; private to linux_log*.c. */
#ifndef VMCORE_LINUX_LOG_RING_H
#define VMCORE_LINUX_LOG_RING_H

#include "vmcore/linux_log.h"

struct log_walk {
	const struct core_notes *n;
	const struct linux_xlat *l;
	struct core_reader *r;
	const struct linux_log_sink *to;
	uint8_t *text; /* LINUX_LOG_TEXT bytes */
	uint64_t given; /* bytes of text */
	uint64_t lost; /* records that were lost since the last one given */
	const char *why; /* NULL: none were */
};

/* Adds to what is missing here; nr 0: not known how many. `why` is a constant string. */
void log_lost(struct log_walk *w, uint64_t nr, const char *why) _nonnull_;
/* Says what is missing. */
void log_flush(struct log_walk *w) _nonnull_;
/* False: no more is wanted. */
bool log_give(struct log_walk *w, const struct linux_log_record *rec) _must_check_ _nonnull_;

/* Variables of the kernel by VMCOREINFO; d: which is not named or cannot be read. */
enum xk_status log_variable(const struct log_walk *w, const char *name, void *ret, size_t len,
	struct diag *d) _nonnull_;
/* A pointer, by the kernel's width. */
enum xk_status log_pointer(
	const struct log_walk *w, const char *name, vaddr_t *ret, struct diag *d) _nonnull_;

/* Each as linux_log_each(). */
enum xk_status log_walk_prb(struct log_walk *w, struct diag *d) _nonnull_;
enum xk_status log_walk_records(struct log_walk *w, struct diag *d) _nonnull_;
enum xk_status log_walk_chars(struct log_walk *w, struct diag *d) _nonnull_;

#endif
