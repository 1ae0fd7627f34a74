/* SPDX-License-Identifier: GPL-2.0-only */
/* What notes_lost.c and notes_search.c share. */
#ifndef VMCORE_NOTES_LOST_FILE_H
#define VMCORE_NOTES_LOST_FILE_H

#include "common/elfnote.h"
#include "vmcore/notes_lost.h"
#include "xen/notes.h"

#define NOTE_HEAD 20u /* of a note by the name of CORE */
#define LOST_MAX  512u /* bytes of one CPU's notes that are looked at; Xen's CPU 0 has 500 */
#define LOST_CPUS 16384u /* more than any x86 machine */

#define CPU_UNKNOWN UINT32_MAX
#define CR3_ADDRESS UINT64_C(0x000ffffffffff000)

struct present {
	size_t start; /* in the core's notes */
	struct bytes regs; /* the PRSTATUS descriptor */
	uint32_t cpu;
	bool matched; /* the same lies in memory at a place that was looked at */
};

struct found {
	maddr_t at;
	uint32_t cpu;
	size_t off, len; /* in lost.bytes */
	size_t to; /* where in the core's notes they belong */
};

struct lost {
	struct core *c;
	struct core_notes *n;
	struct core_reader *r;
	unsigned bits; /* of what crashed */
	unsigned expected; /* CPUs that the loader knew; 0: it did not say */
	struct present *have;
	size_t nr_have;
	size_t cpus_end; /* in the core's notes: where those of CPUs end */
	struct found *found;
	size_t nr_found;
	struct buf bytes;
	char why[256]; /* the search's limits, for people */
};

/* The size of one CPU's notes that start at p and are laid out as they must be; 0: they are not. */
size_t lost_size(const struct lost *l, const uint8_t *p, size_t len) _nonnull_;

/* Looks at one place: notes there that are sound, and not among those that are there or were found,
 * are added to `found`. False: no memory. */
bool lost_take(struct lost *l, maddr_t at, uint32_t cpu, bool by_search) _must_check_ _nonnull_;

/* Looks everywhere it may. False: no memory. */
bool lost_search(struct lost *l) _must_check_ _nonnull_;

#endif
