/* SPDX-License-Identifier: GPL-2.0-only */
/* What notes.c and notes_xkn.c share. */
#ifndef VMCORE_NOTES_FILE_H
#define VMCORE_NOTES_FILE_H

#include "vmcore/notes.h"

/* Adds a finding; never fails. */
void notes_problem(struct core_notes *n, const char *fmt, ...) _printf_(2, 3) _nonnull_;

/* Reads the descriptor of a XENKDUMP note to n->xenkdump, or says in a finding why not. False only
 * for want of memory. */
bool xkn_parse(struct core_notes *n, struct bytes desc) _must_check_ _nonnull_;
void xkn_free(struct xkn *x);

#endif
