// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "common/remedy.h"

void remedy_crashkernel(const struct host *h, uint64_t mib, uint64_t limit, char *buf, size_t len)
{
	uint32_t minor = h->xen.major > 4 ? UINT32_MAX : h->xen.minor;
	unsigned n = (unsigned)(limit % GiB ? limit / MiB : limit / GiB);
	char unit = limit % GiB ? 'M' : 'G';

	if (!h->xen.major || minor >= 10)
		snprintf(buf, len, "crashkernel=%" PRIu64 "M,below=%u%c", mib, n, unit);
	else if (minor >= 8)
		snprintf(buf, len, "crashkernel=%" PRIu64 "M<%u%c", mib, n, unit);
	else
		snprintf(buf, len, "crashkernel=%" PRIu64 "M@256M", mib);
}

bool remedy_linux(const struct host *h, uint64_t mib, uint64_t limit, char *buf, size_t len)
{
	uint64_t size = mib * MiB, step = 64 * MiB, at;

	if (h->kernel.bits == 32 || limit >= 4 * GiB) {
		snprintf(buf, len, "crashkernel=%" PRIu64 "M", mib);
		return true;
	}
	for (at = limit > size ? align_down(limit - size, step) : 0; at >= step; at -= step) {
		struct range r = {at, at + size};

		if (!range_overlaps(r, h->kernel.image) &&
			range_list_covers(&h->memory, r, MEM_RAM)) {
			snprintf(buf, len, "crashkernel=%" PRIu64 "M@%" PRIu64 "M", mib, at / MiB);
			return true;
		}
	}
	return false;
}
