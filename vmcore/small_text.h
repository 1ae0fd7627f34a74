/* SPDX-License-Identifier: GPL-2.0-only */
/* The texts of the small files that are made as a whole; private to small*.c. */
#ifndef VMCORE_SMALL_TEXT_H
#define VMCORE_SMALL_TEXT_H

#include "vmcore/conring.h"
#include "vmcore/panic.h"
#include "vmcore/xlat.h"

/* What is known when the logs were read. NULL: not to be had, and then why not. */
struct small_facts {
	const struct core *core;
	const struct core_notes *notes;
	struct core_reader *reader;
	const struct xen_xlat *xen;
	const struct linux_xlat *kernel;
	const char *why_no_xen, *why_no_linux;
	const struct panic *panic;
	int64_t time;
};

void small_report(const struct small_facts *f, struct buf *to) _nonnull_;
void small_notes(const struct core *c, const struct core_notes *n, struct buf *to) _nonnull_;

#endif
