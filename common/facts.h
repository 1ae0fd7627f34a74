/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table that the facts writer and the facts reader share: which key is which field of struct
 * host. Private to common/facts*.c; the functions are declared in common/host.h and the format is
 * described in doc/facts.md.
 */
#ifndef XK_FACTS_H
#define XK_FACTS_H

#include "common/host.h"

#define FACTS_HEADER "xenkdump-facts 1"

enum fact_kind {
	FACT_U32, /* decimal */
	FACT_ADDR, /* 0x... */
	FACT_BOOL, /* yes, no */
	FACT_ENUM, /* a word of names[] */
	FACT_STR, /* "quoted" */
	FACT_RANGE, /* 0xSTART-0xEND, half-open */
	FACT_BLOB, /* byte count, then lines of hex, each after a tab */
};

struct fact_field {
	const char *key;
	enum fact_kind kind;
	size_t off; /* in struct host */
	const char *const *names; /* FACT_ENUM: NULL-terminated, index is the value */
	const char *comment; /* written above it */
};

extern const struct fact_field fact_fields[];
extern const size_t fact_nr_fields;

/* Words for the repeated keys; NULL-terminated, index is the value. */
extern const char *const fact_mem_types[];
extern const char *const fact_note_states[];

#endif
