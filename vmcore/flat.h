/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flattened form of a dump file, made for pipes: records of offset, size and data that write a
 * file from anywhere to anywhere; what is written later counts. Here it is read in place by an
 * index of its records, which is bounded however many there are. Source: makedumpfile README
 * "flattened format".
 */
#ifndef VMCORE_FLAT_H
#define VMCORE_FLAT_H

#include "vmcore/source.h"

#define FLAT_SIGNATURE "makedumpfile\0\0\0\0"
#define FLAT_HEAD      4096 /* signature, then big-endian int64 type and version, both 1 */
#define FLAT_RECORD    16 /* big-endian int64 offset and size; -1 and -1 at the end */

bool flat_is(struct bytes head);

/*
 * Turns s into what it unfolds to. *why is set when something of it is missing or makes no sense:
 * what comes before that is there all the same. XK_NOMEM; XK_UNSUPPORTED for records in more
 * stretches than fit the index.
 */
enum xk_status flat_open(struct source *s, const char **why, struct diag *d) _nonnull_;
void flat_close(struct source *s) _nonnull_;

/* As source_read(). What no record has written reads as zeros. */
size_t flat_read(const struct source *s, struct source_view *v, uint64_t off, uint8_t *ret,
	size_t len) _must_check_ _nonnull_;

#endif
