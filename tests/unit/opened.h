/* SPDX-License-Identifier: GPL-2.0-only */
/* A core that a test has opened, and what may be said of it. Pages hold mkcore.h's pattern. */
#ifndef XK_TEST_OPENED_H
#define XK_TEST_OPENED_H

#include "tests/unit/mkcore.h"
#include "vmcore/core.h"

struct opened {
	struct buf file; /* the core's bytes, when opened_close() is to free them; else empty */
	struct core c;
	struct core_reader *r;
	struct diag d;
};

/* Borrows the file's bytes until opened_close(). */
enum xk_status opened_try(struct opened *o, const struct buf *file);
/* Fails the test when it cannot be opened; with a reader. */
void opened_init(struct opened *o, const struct buf *file);
void opened_close(struct opened *o);

void assert_pattern(const uint8_t *p, uint64_t paddr, size_t len);
void assert_page(struct opened *o, uint64_t pfn);
void assert_state(struct opened *o, uint64_t pfn, enum page_state s);
/* One of the core's problems says so. */
void assert_problem(const struct opened *o, const char *part);

#endif
