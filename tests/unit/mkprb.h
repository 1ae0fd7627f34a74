/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel's printk ring as the kernel itself fills it, from its source (Linux
 * kernel/printk/printk_ringbuffer.c), written independently of the reader: what is reserved pushes
 * the oldest out, blocks wrap, ids and positions begin near the end of their range.
 */
#ifndef XK_TEST_MKPRB_H
#define XK_TEST_MKPRB_H

#include "common/bytes.h"

#define MKPRB_INFO 88u

enum { MKPRB_RESERVED, MKPRB_COMMITTED, MKPRB_FINALIZED, MKPRB_REUSABLE };

struct mkprb {
	unsigned word, count_bits, size_bits;
	bool exact_end; /* as newer kernels: a block may end where the ring does */
	uint64_t head_id, tail_id, head_lpos, tail_lpos;
	uint8_t *descs, *infos, *data;
};

void mkprb_init(struct mkprb *p, unsigned word, unsigned count_bits, unsigned size_bits);
void mkprb_deinit(struct mkprb *p);

/* Adds a record; text NULL: one for which there was no room; "": one without a block. */
void mkprb_add(struct mkprb *p, const char *text, uint64_t ns, unsigned level, uint32_t caller);
/* The same with any bytes. */
void mkprb_add_bytes(struct mkprb *p, const void *text, size_t len, uint64_t ns, unsigned level,
	uint32_t caller);

/* Words of the newest record's descriptor: 0 state and id, 1 begin, 2 next. */
uint64_t mkprb_get(const struct mkprb *p, unsigned which);
void mkprb_set(struct mkprb *p, unsigned which, uint64_t v);
void mkprb_state(struct mkprb *p, unsigned state);
uint8_t *mkprb_info(struct mkprb *p); /* the newest record's */
uint8_t *mkprb_block(struct mkprb *p, uint64_t lpos);

/*
 * All of it as it lies in memory from the virtual address `at` on: the pointer `prb`, 256 bytes on
 * the head, then descriptors, infos and text, each at a page. The text for VMCOREINFO goes to
 * `info`.
 */
struct buf mkprb_image(const struct mkprb *p, uint64_t at, struct buf *info);

#endif
