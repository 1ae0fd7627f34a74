// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <unistd.h>

#include "common/remedy.h"
#include "xen/abi.h"
#include "xen/caps.h"
#include "xen/check.h"

#define XEN_LINE " on the Xen command line (not on Linux's) and reboot"

enum xk_status xen_check_dom0(const struct host *h, struct diag *d)
{
	if (h->hypervisor != HV_XEN)
		return diag_fail(d, XK_UNSUPPORTED, "this kernel does not run under Xen");
	if (!h->control_domain)
		return diag_fail(d, XK_PRIVILEGE,
			"this is a guest (domU) of Xen%s%s, and only dom0 can load a crash kernel: run "
			"xenkdump in dom0; it catches the guests' memory with the host's",
			host_gap_reason(h, "control-domain") ? ", as far as can be seen: " : "",
			host_gap_reason(h, "control-domain") ? host_gap_reason(h, "control-domain")
							     : "");
	switch (h->guest) {
	case GUEST_PV: return XK_OK;
	case GUEST_PVH:
	case GUEST_HVM:
		return diag_fail(d, XK_UNSUPPORTED,
			"this dom0 is a %s domain, and Xen has the kexec operation for PV domains "
			"only: put dom0=pv instead of dom0=pvh on the Xen command line and reboot",
			h->guest == GUEST_PVH ? "PVH" : "PVH or HVM");
	default:
		return diag_fail(d, XK_UNSUPPORTED,
			"it is not known whether this dom0 is a PV domain (%s); only those can load a "
			"crash kernel",
			host_gap_reason(h, "guest") ? host_gap_reason(h, "guest")
						    : "not among the facts");
	}
}

static enum xk_status check_region(const struct host *h, struct diag *d)
{
	const char *why = host_gap_reason(h, "crash-region");
	char word[64];

	if (host_gap_reason(h, "xen.interface"))
		return diag_fail(d, XK_IO, "Xen could not be asked for its crash region: %s",
			host_gap_reason(h, "xen.interface"));
	if (host_gap_reason(h, "xen.kexec"))
		return diag_fail(d, XK_UNSUPPORTED, "%s; use a Xen that is built with it",
			host_gap_reason(h, "xen.kexec"));
	for (size_t i = 0; i < h->crash.nr; i++)
		if (!range_empty(h->crash.v[i].r))
			return XK_OK;
	remedy_crashkernel(h, 512, 4 * GiB, word, sizeof(word));
	return diag_fail(d, XK_NO_REGION,
		"there is no crash region that this dom0 could use%s%s%s: put %s" XEN_LINE,
		why ? " (" : "", why ? why : "", why ? ")" : "", word);
}

enum xk_status xen_check_host(const struct host *h, struct diag *d)
{
	enum xk_status st = xen_check_dom0(h, d);

	if (st)
		return st;
	if (!h->xen.major)
		return diag_fail(d, XK_UNSUPPORTED, "the version of Xen is not known (%s)",
			host_gap_reason(h, "xen.major") ? host_gap_reason(h, "xen.major")
							: "not among the facts");
	/* Older ones answer 0 to a load they do not know, and do nothing. */
	if (!xen_has_kexec_load(h->xen.major, h->xen.minor))
		return diag_fail(d, XK_UNSUPPORTED,
			"Xen %u.%u is too old: the operation that loads a crash kernel came with 4.4 "
			"(and older ones pretend to know it); update Xen",
			h->xen.major, h->xen.minor);
	st = check_region(h, d);
	if (st)
		return st;
	if (!h->xen.bits)
		return diag_fail(d, XK_UNSUPPORTED, "the width of the hypervisor is not known (%s)",
			host_gap_reason(h, "xen.bits") ? host_gap_reason(h, "xen.bits")
						       : "not among the facts");
	return XK_OK;
}

struct xen_caller xen_caller_self(void)
{
	return (struct xen_caller){.root = !geteuid(), .bits = 8 * sizeof(void *)};
}

enum xk_status xen_check_caller(const struct host *h, struct xen_caller who, struct diag *d)
{
	if (who.bits == 32 && h->kernel.bits == 64)
		return diag_fail(d, XK_UNSUPPORTED,
			"a 32-bit program cannot make hypercalls under a 64-bit dom0 kernel (its "
			"privcmd device answers ENOTTY): use the x86_64 build of xenkdump");
	if (!who.root)
		return diag_fail(d, XK_PRIVILEGE, "only root may talk to the hypervisor");
	return XK_OK;
}

static enum xk_status check_seg(const struct seg *s, struct range area, struct diag *d)
{
	const char *kind = seg_kind_name(s->kind);

	if (range_empty(s->dest))
		return diag_fail(d, XK_BAD_INPUT, "the %s segment is empty", kind);
	if ((s->dest.start | s->dest.end) & (PAGE_SIZE_X86 - 1))
		return diag_fail(d, XK_BAD_INPUT,
			"the %s segment %" PRIaddr "-%" PRIaddr
			" is not in whole pages, as Xen wants it",
			kind, s->dest.start, s->dest.end);
	if (s->buf && s->len > range_size(s->dest))
		return diag_fail(d, XK_BAD_INPUT,
			"the %s segment has %zu bytes for %" PRIu64 " bytes of memory", kind,
			s->len, range_size(s->dest));
	/* Xen lets map-only segments lie anywhere; what it fills must be in the region. */
	if (s->buf && !range_contains(area, s->dest))
		return diag_fail(d, XK_NO_FIT,
			"the %s segment %" PRIaddr "-%" PRIaddr
			" is not inside Xen's crash region %" PRIaddr "-%" PRIaddr,
			kind, s->dest.start, s->dest.end, area.start, area.end);
	return XK_OK;
}

enum xk_status xen_check_plan(const struct plan *p, struct range area, struct diag *d)
{
	if (p->nr > XEN_KEXEC_MAX_SEGMENTS)
		return diag_fail(d, XK_BAD_INPUT,
			"the plan has %zu segments and Xen takes at most %d", p->nr,
			XEN_KEXEC_MAX_SEGMENTS);
	if (p->machine != EM_386 && p->machine != EM_X86_64)
		return diag_fail(
			d, XK_BAD_INPUT, "Xen enters no image of ELF machine %u", p->machine);
	if (p->entry < area.start || p->entry >= area.end)
		return diag_fail(d, XK_NO_FIT,
			"the entry %" PRIaddr " is not inside Xen's crash region %" PRIaddr
			"-%" PRIaddr,
			p->entry, area.start, area.end);
	/* Xen leaves long mode on a page that it takes from the region's start. */
	if (p->machine == EM_386 && (area.start >= 4 * GiB || p->entry >= 4 * GiB))
		return diag_fail(d, XK_NO_FIT,
			"Xen's crash region %" PRIaddr "-%" PRIaddr
			" is above 4 GiB, where a 32-bit entry cannot be: use a 64-bit dump kernel, or "
			"put crashkernel=512M,below=4G" XEN_LINE,
			area.start, area.end);
	for (size_t i = 0; i < p->nr; i++) {
		enum xk_status st = check_seg(&p->segs[i], area, d);

		if (st)
			return st;
		for (size_t j = 0; j < i; j++)
			if (range_overlaps(p->segs[i].dest, p->segs[j].dest))
				return diag_fail(d, XK_BAD_INPUT,
					"the %s and %s segments overlap at %" PRIaddr,
					seg_kind_name(p->segs[j].kind),
					seg_kind_name(p->segs[i].kind),
					max_u64(p->segs[i].dest.start, p->segs[j].dest.start));
	}
	return XK_OK;
}
