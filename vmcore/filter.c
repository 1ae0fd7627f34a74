// SPDX-License-Identifier: GPL-2.0-only
#include "vmcore/filter.h"

static const char *const names[PK_KINDS] = {
	[PK_UNKNOWN] = "unknown",
	[PK_XEN] = "Xen",
	[PK_XEN_FREE] = "Xen free",
	[PK_BROKEN] = "broken or offlined",
	[PK_GUEST] = "guest",
	[PK_GUEST_KEPT] = "guest, kept",
	[PK_LINUX] = "Linux kernel",
	[PK_LINUX_FREE] = "Linux free",
	[PK_LINUX_CACHE] = "Linux page cache",
	[PK_LINUX_CACHE_PRIVATE] = "Linux page cache with private data",
	[PK_LINUX_USER] = "Linux user",
	[PK_LINUX_OFFLINE] = "Linux offline or poisoned",
};

const char *page_kind_name(enum page_kind k)
{
	return k < PK_KINDS ? names[k] : "?";
}

/*
 * makedumpfile's levels: 2 cache without private data, 4 all cache, 8 user, 16 free. What is
 * poisoned or offline must not be read, at any level. Xen's free pages go with the guests, so that
 * asking for all guests at level 0 to 15 still gives everything.
 */
uint32_t filter_drop_mask(const struct filter_request *rq)
{
	uint32_t mask = 1u << PK_BROKEN | 1u << PK_LINUX_OFFLINE;

	if (!rq->guests)
		mask |= 1u << PK_GUEST;
	if (!rq->guests || rq->level & 16)
		mask |= 1u << PK_XEN_FREE;
	if (rq->level & (2 | 4))
		mask |= 1u << PK_LINUX_CACHE;
	if (rq->level & 4)
		mask |= 1u << PK_LINUX_CACHE_PRIVATE;
	if (rq->level & 8)
		mask |= 1u << PK_LINUX_USER;
	if (rq->level & 16)
		mask |= 1u << PK_LINUX_FREE;
	return mask;
}
