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
