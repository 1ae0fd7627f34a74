/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * page_info.count_info by version of Xen: which table a version should have, and what one value
 * says under a table. Pure. The bits moved in 4.17 and, by the fix of XSA-402, in stable releases,
 * and vendors carry that fix too: nobody should believe a version without looking at the dump.
 */
#ifndef VMCORE_XEN_FLAGS_H
#define VMCORE_XEN_FLAGS_H

#include "common/compiler.h"

/* The same in every version (4.4 to 4.22). */
#define PGC_ALLOCATED (UINT64_C(1) << 63)
#define PGC_XEN_HEAP  (UINT64_C(1) << 62)

enum pgc_state { PGC_IN_USE, PGC_OFFLINING, PGC_OFFLINED, PGC_FREE };

struct pgc {
	const char *name; /* the versions that have it */
	uint8_t family; /* tables of one family put broken and state in the same place */
	uint8_t state; /* the lower of the two bits */
	uint8_t count; /* width of the reference count, at bit 0 */
	uint64_t broken;
	uint64_t need_scrub; /* of a free page; 0: none */
	uint64_t referenced; /* flags that a page without references never has */
	uint64_t flags; /* others that a page in use may have */
};

#define PGC_TABLES 7
extern const struct pgc pgc_tables[PGC_TABLES];

/* Stable: the third number of the version ("4.16.2": 2). */
const struct pgc *pgc_propose(uint32_t major, uint32_t minor, uint32_t stable);

/* The third number from an extra version: ".5", ".2-1+deb11u1"; 0 for anything else. */
uint32_t pgc_stable(const char *extra) _nonnull_;

static inline enum pgc_state pgc_state(const struct pgc *t, uint64_t info)
{
	return (enum pgc_state)(info >> t->state & 3);
}

/*
 * Whether two values say the same of their pages, whatever the table: they differ at most in the low
 * half, which in each of them is 0 or in each is not. There the reference counts are: the fields of
 * all tables lie above, and of a count matters whether it is 0 and whether it needs more than the
 * low half. All ones, which is no value of Xen's, is like nothing.
 */
static inline bool pgc_alike(uint64_t a, uint64_t b)
{
	return a >> 32 == b >> 32 && !(uint32_t)a == !(uint32_t)b && a >> 32 != UINT32_MAX;
}

/* Whether a Xen with this table can have left this value. */
bool pgc_sane(const struct pgc *t, uint64_t info) _nonnull_;

#endif
