/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is armed, as far as can be known, and which steps are safe. Pure.
 *
 * Xen's status operation does not say "loaded": it gives a bit that flips on every successful
 * load and unload, also on an unload of nothing. xenkdump therefore always brings it to 0 with
 * nothing loaded before it loads (the clean), so that after its own operations the bit is right,
 * and keeps a record. A record without the bit, or a bit without a record, means that someone
 * else used the interface. An even number of foreign operations leaves no trace that could be
 * read without operating it; that is the limit of what status can know.
 *
 * Before 4.9 there is no status, and an unload can make a later load or unload panic Xen: there
 * xenkdump only ever loads, over whatever is there, and the record alone is what it knows.
 */
#ifndef XEN_ARMED_H
#define XEN_ARMED_H

#include "common/record.h"

/* What this Xen can do, from its version. */
struct xen_armed_rules {
	bool has_status; /* and so: unloading is safe */
};

struct xen_armed_rules xen_armed_rules(uint32_t major, uint32_t minor);

/* bit is status()'s answer; ignored without has_status. Fills *ret. */
void xen_armed_judge(struct xen_armed_rules rules, int bit, const struct record *rec,
	struct armed *ret) _nonnull_;

/* XK_UNSUPPORTED, with what to do instead, where an unload could later panic Xen. */
enum xk_status xen_armed_may_unload(struct xen_armed_rules rules, struct diag *d) _nonnull_;

#endif
