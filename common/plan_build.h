/* SPDX-License-Identifier: GPL-2.0-only */
/* The steps of plan_build(), one file each; private to common/plan_*.c. */
#ifndef XK_PLAN_BUILD_H
#define XK_PLAN_BUILD_H

#include "common/elfcore.h"
#include "common/plan_mem.h"

/* What the steps hand on. The inputs are borrowed, `p` is what grows. */
struct builder {
	const struct request *rq;
	const struct host *h;
	const struct image *img;
	const struct backend_limits *lim;
	struct plan *p;
	struct diag *d;

	struct reach reach;
	maddr_t bottom, top; /* free part of the region: pieces are taken from the top */
	struct core_spec core;
	size_t os_note_len; /* at the start of the note segment; 0: none */
	size_t map_off; /* of the XENKDUMP note's map entries in the note segment */
	size_t xkn_off; /* of the XENKDUMP note */
	bool low_ram; /* some RAM of the first 640 KiB needs the backup */
};

/* Memory the dump kernel should find free after it was unpacked, or it may not come up. */
#define PLAN_COMFORT (64 * MiB)

/* plan_region.c: how the image is entered and which region it goes to. */
enum xk_status build_entry(struct builder *b);
enum xk_status build_region(struct builder *b);
/* What to write on whose command line to get a large enough region below `limit`. */
const char *build_remedy(const struct builder *b, uint64_t limit, char *buf, size_t len);

/* plan_core.c: what the core header will describe, first without addresses of the plan's own
 * segments (so that sizes are known), then written out. */
enum xk_status build_notes(struct builder *b);
enum xk_status build_core_spec(struct builder *b);
enum xk_status build_core_header(struct builder *b);

/* plan_kernel.c: can this kernel export that core? After build_core_spec(). */
enum xk_status build_check_kernel(struct builder *b);

/* plan_text.c: the dump kernel's command line and how purgatory speaks. */
enum xk_status build_cmdline(struct builder *b, maddr_t elfcore);

#endif
