// SPDX-License-Identifier: GPL-2.0-only
/*
 * Error numbers into advice. Xen's own numbers are few and each serves several causes, so a
 * sentence that names one cause only would be wrong half of the time.
 */
#include <errno.h>
#include <string.h>

#include "xen/check.h"

#define ANY (-1)

static const struct {
	int error;
	int call; /* enum xen_call, or ANY */
	enum xk_status status;
	const char *text;
} table[] = {
	{EPERM, ANY, XK_PRIVILEGE,
		"this domain is not the control domain, or Xen's security policy (or Secure Boot "
		"lockdown) forbids it"},
	{EACCES, ANY, XK_PRIVILEGE,
		"not root, or Xen's FLASK policy denies kexec to this domain (class xen, vector "
		"kexec)"},
	{ENOSYS, ANY, XK_UNSUPPORTED,
		"this Xen has no such operation for this domain: it is built without CONFIG_KEXEC, or "
		"this is not a PV domain, or it is older than 4.9 (status)"},
	{EOPNOTSUPP, ANY, XK_UNSUPPORTED, "this Xen does not know the operation"},
	{ENOTTY, ANY, XK_UNSUPPORTED,
		"Linux's privcmd device does not know the call: a 32-bit program under a 64-bit "
		"dom0 kernel; use the x86_64 build of xenkdump"},
	{ENOENT, XEN_CALL_OPEN, XK_IO,
		"there is no /dev/xen/privcmd; try: modprobe xen-privcmd, or mount -t xenfs xenfs "
		"/proc/xen"},
	{ENOENT, XEN_CALL_EXEC, XK_STATE, "no crash image is loaded"},
	{EBUSY, ANY, XK_REFUSED, "a kexec is already in progress"},
	{ERANGE, XEN_CALL_RANGE, XK_NO_FIT,
		"the number is too large, or the answer lies above 4 GiB and this is a 32-bit dom0 "
		"kernel: put crashkernel=512M,below=4G and low_crashinfo=min on the Xen command line"},
	{EADDRNOTAVAIL, XEN_CALL_LOAD, XK_REFUSED,
		"the entry or a segment is not inside Xen's crash region, or not in whole pages, or "
		"there is no region: it may have changed since the facts were taken, or another rule "
		"came with a newer Xen"},
	{ENOMEM, XEN_CALL_LOAD, XK_NO_FIT,
		"no room was left in the crash region for Xen's page tables (4 KiB for each 2 MiB of "
		"image and about ten more): enlarge crashkernel= on the Xen command line; or the Xen "
		"heap is exhausted"},
	{ENOMEM, ANY, XK_NOMEM, "the Xen heap or this program's locked memory is exhausted"},
	{EFAULT, ANY, XK_REFUSED,
		"Xen could not read this program's memory: a page was moved or swapped out just then "
		"(try again), or a pointer is wrong"},
	{EINVAL, XEN_CALL_LOAD, XK_REFUSED,
		"too many segments, overlapping ones, or an image type that this Xen does not know; "
		"all of that was checked before, so this Xen has another rule: see `xl dmesg`"},
	{EINVAL, XEN_CALL_EXEC, XK_REFUSED,
		"an image type that this Xen does not know, or the crash path returned"},
	{EINVAL, XEN_CALL_RANGE, XK_REFUSED,
		"this Xen does not know the range, or it reserved no memory for a crash kernel"},
};

static size_t find(enum xen_call call, int error)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].error == error && (table[i].call == ANY || table[i].call == (int)call))
			break;
	return i;
}

const char *xen_explain(enum xen_call call, int error)
{
	size_t i = find(call, error);

	return i < ARRAY_SIZE(table) ? table[i].text
				     : "no known reason; see `xl dmesg` for Xen's own message";
}

enum xk_status xen_call_failed(enum xen_call call, int error, struct diag *d)
{
	static const char *const names[] = {
		[XEN_CALL_OPEN] = "opening the hypervisor interface",
		[XEN_CALL_RANGE] = "asking Xen for a memory range",
		[XEN_CALL_LOAD] = "loading the crash image into Xen",
		[XEN_CALL_UNLOAD] = "unloading from Xen",
		[XEN_CALL_STATUS] = "asking Xen for the status",
		[XEN_CALL_EXEC] = "running the crash image",
	};
	size_t i = find(call, error);

	return diag_fail(d, i < ARRAY_SIZE(table) ? table[i].status : XK_REFUSED, "%s: %s: %s",
		names[call], strerror(error), xen_explain(call, error));
}
