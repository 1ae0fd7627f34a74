// SPDX-License-Identifier: GPL-2.0-only
#include "common/remedy.h"
#include "native/check.h"

#define LINUX_LINE " on the kernel's command line and reboot"
#define CRASH_SIZE "/sys/kernel/kexec_crash_size"

/* As the planner says it, which can be more exact about the size, knowing the image. */
static enum xk_status no_region(const struct host *h, const char *why, struct diag *d)
{
	char word[64] = "crashkernel=256M";

	if (!remedy_linux(h, 256, 4 * GiB, word, sizeof(word)))
		return diag_fail(d, XK_NO_REGION, "no memory is reserved for a crash kernel");
	return diag_fail(d, XK_NO_REGION,
		"no memory is reserved for a crash kernel%s%s: put %s" LINUX_LINE, why ? ": " : "",
		why ? why : "", word);
}

enum xk_status native_check_host(const struct host *h, struct diag *d)
{
	if (h->hypervisor != HV_NONE)
		return diag_fail(d, XK_UNSUPPORTED,
			"there is a hypervisor below this kernel that a crash must enter the dump "
			"kernel from");
	if (h->kernel.bits != 32 && h->kernel.bits != 64)
		return diag_fail(d, XK_UNSUPPORTED, "the width of the kernel is not known (%s)",
			host_gap_reason(h, "kernel.bits") ? host_gap_reason(h, "kernel.bits")
							  : "not among the facts");
	for (size_t i = 0; i < h->crash.nr; i++)
		if (!range_empty(h->crash.v[i].r))
			return XK_OK;
	return no_region(h, host_gap_reason(h, "crash-region"), d);
}

enum xk_status native_check_caller(const struct native_sys *s, bool root, struct diag *d)
{
	uint64_t n;

	if (!root)
		return diag_fail(d, XK_PRIVILEGE, "only root may load or unload a crash kernel");
	if (native_sys_number(s, "/proc/sys/kernel/kexec_load_disabled", &n) && n)
		return diag_fail(d, XK_REFUSED,
			"kernel.kexec_load_disabled is 1: until the next reboot nothing can be loaded "
			"or unloaded, and what is loaded stays");
	/* Linux 6.3 and later; an unload counts, too (kexec_load_permitted()). */
	if (native_sys_number(s, "/proc/sys/kernel/kexec_load_limit_panic", &n) && !n)
		return diag_fail(d, XK_REFUSED,
			"kernel.kexec_load_limit_panic is used up: until the next reboot nothing can "
			"be loaded or unloaded, and what is loaded stays");
	return XK_OK;
}

enum xk_status native_check_region(const struct native_sys *s, const struct plan *p, struct diag *d)
{
	uint64_t size;

	/* Not readable, or busy: then the kernel's own check has to do. */
	if (!native_sys_number(s, CRASH_SIZE, &size))
		return XK_OK;
	if (!size)
		return diag_fail(d, XK_NO_REGION,
			"the crash region was given back since boot (" CRASH_SIZE
			" is 0): reboot, and do not write to that file");
	/* Since 6.6 the size includes a second, low region. */
	if (size < range_size(p->region))
		return diag_fail(d, XK_STATE,
			"the plan is for a crash region at %" PRIaddr "-%" PRIaddr
			", but Linux has only %" PRIu64 " bytes reserved (" CRASH_SIZE
			"): the facts are not this host's",
			p->region.start, p->region.end, size);
	return XK_OK;
}
