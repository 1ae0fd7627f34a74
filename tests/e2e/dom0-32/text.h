/* SPDX-License-Identifier: GPL-2.0-only */
/* Text into a fixed buffer and onto Xen's console. What does not fit sets `full`. */
#ifndef DOM0_32_TEXT_H
#define DOM0_32_TEXT_H

#include <stdbool.h>

#include "abi.h"

struct text {
	uint32_t len;
	bool full;
	char data[60000];
};

void text_add(struct text *t, const char *s);
void text_dec(struct text *t, uint32_t v);
void text_hex(struct text *t, uint64_t v);
void text_hex_byte(struct text *t, uint8_t v);
/* A string of at most max bytes in quotes, as the facts text has it. */
void text_quoted(struct text *t, const char *s, uint32_t max);
uint32_t text_crc32(const struct text *t);

/* Line by line, so that Xen's own messages come between lines only. */
void text_print(const struct text *t);
/* A line that the harness reads: "@@WORDS VALUE@@", the value signed decimal. */
void say(const char *words);
void say_value(const char *words, int32_t value);

#endif
