/* SPDX-License-Identifier: GPL-2.0-only */
/* What ended the system, in the words of its logs. Takes lines in order, the logs' oldest first, and
 * keeps what the last ones of interest said. Pure. */
#ifndef VMCORE_PANIC_H
#define VMCORE_PANIC_H

#include "common/bytes.h"

#define PANIC_TEXT 512

struct panic {
	char linux_panic[PANIC_TEXT]; /* "Kernel panic - not syncing: ..." */
	char linux_cause[PANIC_TEXT]; /* the last "BUG: ...", oops or the like before it */
	char xen_panic[PANIC_TEXT]; /* "Panic on CPU 0: ...", several lines as one */
	char xen_kexec[PANIC_TEXT]; /* "Hardware Dom0 crashed: Executing kexec image on cpu1" */
	bool in_xen_panic; /* private */
};

/* A line without its time, level or "(XEN) " if it has one; raw, is copied escaped. */
void panic_linux_line(struct panic *p, struct bytes line) _nonnull_;
void panic_xen_line(struct panic *p, struct bytes line) _nonnull_;

/* Under Xen: which of the two crashed, as a sentence for people. */
const char *panic_who(const struct panic *p) _nonnull_;

#endif
