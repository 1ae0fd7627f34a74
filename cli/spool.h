/* SPDX-License-Identifier: GPL-2.0-only */
/* A dump from a pipe, which is kept in a file that has no name, since dumps are read at any place. */
#ifndef XK_CLI_SPOOL_H
#define XK_CLI_SPOOL_H

#include "common/diag.h"

/*
 * Makes standard input one that can be read at any place: nothing to do when it is a file, else all
 * of it is copied to an unnamed file, which takes its place. That lies in the folder of `output`; for
 * NULL or "-" in $TMPDIR or /var/tmp. It vanishes with the process, however that ends. Memory is
 * not needed, but as much room as the stream is long.
 *
 * XK_USAGE: a terminal, or nothing was piped. XK_IO: cannot be read or there is no room; names the
 * folder.
 */
enum xk_status spool_input(const char *output, struct diag *d);

#endif
