/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XK_NUMBER_H
#define XK_NUMBER_H

#include "common/bytes.h"

/*
 * Digits of base 10 or 16 from *p on, not beyond end; *p then stands behind them. False, and
 * nothing changed, when there is none or the number has more than 64 bits. Unlike strtoull: no
 * sign, no white space, no need of a NUL.
 */
bool number_take(const char **p, const char *end, unsigned base, uint64_t *ret) _nonnull_;

/* All of b is one number: no prefix, and at least a digit. */
bool number_bytes(struct bytes b, unsigned base, uint64_t *ret) _nonnull_;

/* The whole of s is one number of at most max; base 16 may begin with 0x. */
bool number_whole(const char *s, unsigned base, uint64_t max, uint64_t *ret) _nonnull_;

#endif
