/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages whose bytes an earlier page has too: they need not be compressed and stored again, for a
 * kdump file's descriptors may share their data. Bounded: of what does not fit the table, each page
 * is stored. Shared by the threads that pack.
 */
#ifndef VMCORE_TWINS_H
#define VMCORE_TWINS_H

#include "vmcore/core.h"

/* Pages it can remember; also how many places of data a writer has to. */
#define TWINS	   (1u << 18)
#define TWINS_NONE UINT32_MAX

#define TWINS_PFN_BITS 40

struct twins;
struct twins *twins_create(void); /* NULL: no memory */
void twins_destroy(struct twins *t);

/*
 * Whether a page that is written earlier has these bytes: true, and *slot is what it got. Else *slot
 * is this page's from now on, or TWINS_NONE. A slot belongs to one page for good. Pages are written
 * by ascending `order`, whose low TWINS_PFN_BITS are the pfn, and told of in any. Never by the hash alone:
 * the earlier page is read again.
 */
bool twins_find(struct twins *t, struct core_reader *r, const uint8_t *page, uint64_t order,
	uint32_t *slot) _must_check_ _nonnull_;

#endif
