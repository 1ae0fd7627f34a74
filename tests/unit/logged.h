/* SPDX-License-Identifier: GPL-2.0-only */
/* A kernel's log in a core, read by the reader: what it said, for tests. */
#ifndef XK_TEST_LOGGED_H
#define XK_TEST_LOGGED_H

#include "tests/unit/mkcore.h"
#include "vmcore/linux_log.h"

#define LOGGED_AT  0x200000u /* physical */
#define LOGGED_MAX 4096u

struct logged {
	unsigned bits;
	struct buf info; /* VMCOREINFO; lines that a test appends come after the others */
	enum xk_status st;
	struct diag d;
	size_t nr;
	struct linux_log_record rec[LOGGED_MAX]; /* texts are copies */
	size_t stop_at; /* the record that ends it; 0: none */
	char lost[4096]; /* "before record 3: 12 overwritten; " ... */
	struct buf text; /* formatted */
};

/* The virtual address of LOGGED_AT in a kernel of that width. */
uint64_t logged_base(unsigned bits);

/* Reads a core whose memory at LOGGED_AT is this image; its end is a hole. */
void logged_read(struct logged *g, const struct buf *image);
void logged_deinit(struct logged *g);

void assert_record(const struct logged *g, size_t i, const char *text);

#endif
