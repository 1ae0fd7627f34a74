/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From pages of the core to chunks that a writer takes, by one thread or several, in order. Private
 * to save.c, count.c and estimate.c.
 */
#ifndef VMCORE_PACK_H
#define VMCORE_PACK_H

#include "vmcore/dump.h"
#include "vmcore/judge.h"
#include "vmcore/twins.h"
#include "vmcore/windows.h"

struct pack_stats {
	uint64_t bad, missing;
	uint64_t first_bad; /* the lowest page number, if there are bad ones */
};

/* What one thread works with: reader, judge, compressor and a window's kinds. */
struct packer {
	const struct core *core;
	const struct judge *judge;
	struct core_reader *reader;
	struct judge_ctx *jx;
	struct codec_ctx *codec;
	struct twins *twins; /* borrowed; NULL: each page for itself */
	struct pack_stats stats;
	unsigned pass; /* its pages are written after those of the one before */
	uint32_t want; /* a bit for each kind: of those that are kept, others are DUMP_LATER */
	/* Borrowed; NULL: all. What pack_all() gives out, and of those what is not empty. */
	const struct window_set *visited, *wanted;
	uint8_t kinds[FILTER_WINDOW];
};

/* XK_NOMEM. */
enum xk_status packer_init(const struct core *c, const struct judge *j, const struct codec_lib *l,
	struct packer *ret, struct diag *d) _nonnull_;
void packer_deinit(struct packer *p) _nonnull_;

/* Fills p->kinds; returns how many pages of the window there are. */
unsigned packer_judge(struct packer *p, uint64_t pfn, unsigned nr) _nonnull_;
/* Chunk i of the window that was judged last. c->data has room for DUMP_CHUNK pages. */
void packer_fill(
	struct packer *p, uint64_t pfn, unsigned nr, unsigned i, struct dump_chunk *c) _nonnull_;

/* Called with each chunk in ascending order, always by the caller's thread. Anything but XK_OK
 * ends the work. */
typedef enum xk_status pack_sink(void *ctx, const struct dump_chunk *c, struct diag *d);

/* Packs everything with nr packers, each of which gets a thread if there are several. With fewer
 * threads than wanted it goes on with those there are. */
enum xk_status pack_all(
	struct packer *p, unsigned nr, pack_sink *sink, void *ctx, struct diag *d) _nonnull_;

#endif
