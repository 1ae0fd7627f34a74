/* SPDX-License-Identifier: GPL-2.0-only */
/* Words of a command line, Linux's or Xen's: where they start and end, names, values, numbers.
 * Borrows the text, allocates nothing. */
#ifndef XK_WORDS_H
#define XK_WORDS_H

#include "common/bytes.h"

struct word {
	const char *s; /* not NUL-terminated */
	size_t len;
};

/*
 * The next word at *p, quotes included; *p moves behind it. False at the end. With `quotes`, as
 * in Linux (lib/cmdline.c next_arg()), a quote anywhere opens a part in which spaces do not end
 * the word, and an open quote lasts to the end of the text. Xen knows no quotes.
 */
bool word_next(const char **p, bool quotes, struct word *ret) _must_check_ _nonnull_;

/* Without the pair of quotes around the whole word, or without the opening one alone. */
struct word word_unquote(struct word w);

bool word_starts(struct word w, const char *prefix) _nonnull_;
bool word_is(struct word w, const char *text) _nonnull_;

/* What is behind "name=", unquoted, if that is what the word is. */
bool word_value(struct word w, const char *name, struct word *ret) _must_check_ _nonnull_;

/*
 * The digits at *p, which moves behind them, as Xen's simple_strtoul() takes them: base 10, or 0
 * for a prefix 0x or 0; no sign; no digits give 0. Too many give a number beyond UINT32_MAX.
 */
uint64_t word_number(const char **p, const char *end, unsigned base) _nonnull_;

#endif
