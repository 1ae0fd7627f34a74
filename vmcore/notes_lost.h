/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Register notes of CPUs that the core's header does not lead to: loaders lost those above 4 GiB,
 * or knew fewer CPUs than there were. They are in memory all the same, and are put back.
 *
 * Where the loader wrote down their places (the XENKDUMP note), they are looked up there. Else they
 * are searched by what they look like, under Xen in pages of Xen's own heap only, so that no guest
 * can have made them; natively only if the core has no register notes at all. The search is bounded.
 */
#ifndef VMCORE_NOTES_LOST_H
#define VMCORE_NOTES_LOST_H

#include "vmcore/core.h"
#include "vmcore/notes.h"

struct notes_lost {
	unsigned found; /* CPUs whose notes were put back */
	unsigned missing; /* still; 0 also when nobody knows how many there were */
	char text
		[512]; /* what was found where, or why not, for people; empty: nothing was missing */
};

/*
 * Puts what it finds into c->notes and reads *n anew. XK_NOMEM; what is not found is no failure.
 * Texts in *n of before are then no longer valid.
 */
enum xk_status notes_recover(
	struct core *c, struct core_notes *n, struct notes_lost *ret, struct diag *d) _nonnull_;

#endif
