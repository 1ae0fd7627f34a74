// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "native/segments.h"
#include "native/sys.h"

static void put(uint8_t **at, unsigned long_bits, uint64_t v)
{
	memcpy(*at, &v, long_bits / 8); /* little-endian, as all x86 */
	*at += long_bits / 8;
}

static enum xk_status out_of_reach(
	const struct plan *p, const char *what, uint64_t at, struct diag *d)
{
	return diag_fail(d, XK_UNSUPPORTED,
		"the %s at %" PRIaddr " in the crash region %" PRIaddr "-%" PRIaddr
		" is out of reach of this 32-bit program, from which Linux takes 32-bit addresses: "
		"use the x86_64 build of xenkdump, or reserve the region below 4 GiB",
		what, at, p->region.start, p->region.end);
}

enum xk_status native_segments_make(
	const struct plan *p, unsigned long_bits, struct native_segments *ret, struct diag *d)
{
	uint64_t max = long_bits == 32 ? UINT32_MAX : UINT64_MAX;
	uint8_t *at = ret->bytes;

	memset(ret, 0, sizeof(*ret));
	if (p->nr > PLAN_MAX_SEGS)
		return diag_fail(d, XK_BAD_INPUT, "the plan has %zu segments, Linux takes %d",
			p->nr, PLAN_MAX_SEGS);
	if (p->entry > max)
		return out_of_reach(p, "entry", p->entry, d);
	for_each_seg (s, p) {
		/* The kernel adds start and size in its own width; the end may be 4 GiB. */
		if (s->dest.start > max || range_size(s->dest) > max || s->dest.end - 1 > max)
			return out_of_reach(p, seg_kind_name(s->kind), s->dest.start, d);
		if ((uintptr_t)s->buf > max || s->len > max)
			return diag_fail(d, XK_NOMEM,
				"the %s segment lies above 4 GiB in this program's memory",
				seg_kind_name(s->kind));
		put(&at, long_bits, (uintptr_t)s->buf);
		put(&at, long_bits, s->buf ? s->len : 0);
		put(&at, long_bits, s->dest.start);
		put(&at, long_bits, range_size(s->dest));
	}
	ret->nr = p->nr;
	/*
	 * The machine is named, not left at 0 for "yours": the kernel refuses 0 from a 32-bit
	 * program when it is 64-bit itself.
	 *
	 * KEXEC_UPDATE_ELFCOREHDR came with Linux 6.6 as the facts' crash-hotplug did, and is taken
	 * by all since; KEXEC_CRASH_HOTPLUG_SUPPORT (8), which means the same on x86, only since
	 * 6.10 (arch/x86/kernel/crash.c, arch_crash_hotplug_support()).
	 */
	ret->flags = KEXEC_ON_CRASH | (uint32_t)p->machine << KEXEC_ARCH_SHIFT |
		     (p->hotplug ? KEXEC_UPDATE_ELFCOREHDR : 0);
	return XK_OK;
}
