// SPDX-License-Identifier: GPL-2.0-only
/*
 * Error numbers into advice. Sources: Linux kernel/kexec.c, kexec_core.c, kexec_file.c,
 * arch/x86/kernel/kexec-bzimage64.c, security/integrity/ima/ima_main.c.
 */
#include <errno.h>
#include <string.h>

#include "native/explain.h"

#define SIGNATURE                                                                                   \
	"the kernel file's signature is missing or is not of a key that this kernel trusts: use a " \
	"kernel signed by the vendor, as it was delivered (uncompressed, not changed)"

static const struct {
	int error;
	unsigned calls; /* a bit for each enum native_call */
	enum xk_status status;
	const char *text;
} table[] = {
#define ON(c) (1u << (c))
#define ANY   (~0u)
#define LOADS (ON(CALL_LOAD) | ON(CALL_FILE))
	{EPERM, ON(CALL_PANIC), XK_PRIVILEGE, "only root may write there"},
	{EACCES, ON(CALL_PANIC), XK_PRIVILEGE, "only root may write there"},
	{ENOENT, ON(CALL_PANIC), XK_UNSUPPORTED,
		"this kernel is built without CONFIG_MAGIC_SYSRQ, or /proc is not mounted"},
	{EROFS, ON(CALL_PANIC), XK_REFUSED, "/proc is read-only here: is this a container?"},
	{EPERM, ON(CALL_FILE), XK_REFUSED,
		"CAP_SYS_BOOT is missing (a container?), or kernel.kexec_load_disabled is 1, or "
		"kernel.kexec_load_limit_panic is used up, or the kernel is locked down and the file "
		"has no signature that it trusts"},
	{EPERM, ANY, XK_REFUSED,
		"CAP_SYS_BOOT is missing (a container?), or kernel.kexec_load_disabled is 1, or "
		"kernel.kexec_load_limit_panic is used up, or the kernel is locked down (as with "
		"Secure Boot) and allows kexec_load to no one"},
	{EACCES, ANY, XK_REFUSED,
		"a security policy (IMA) wants to appraise the file; kexec_load has none to show"},
	{ENOSYS, ON(CALL_LOAD) | ON(CALL_UNLOAD), XK_UNSUPPORTED,
		"this kernel is built without CONFIG_KEXEC"},
	{ENOSYS, ANY, XK_UNSUPPORTED,
		"this kernel is built without CONFIG_KEXEC_FILE, or this is a 32-bit program, for "
		"which it does not exist"},
	{EBUSY, ANY, XK_REFUSED,
		"another kexec operation is in progress: try again when it has ended"},
	{EADDRNOTAVAIL, ON(CALL_FILE), XK_NO_FIT,
		"the image does not fit into the crash region: put a larger crashkernel= on the kernel's "
		"command line and reboot"},
	{EADDRNOTAVAIL, ANY, XK_REFUSED,
		"the entry or a segment is not inside the crash region: it has changed since the facts "
		"were taken (was /sys/kernel/kexec_crash_size written to?)"},
	{ENOMEM, LOADS, XK_NOMEM,
		"the kernel has no memory for it, or no room was left in the crash region for its own "
		"pages: put a larger crashkernel= on the kernel's command line and reboot"},
	{ENOMEM, ANY, XK_NOMEM, "there is no memory for it"},
	{EFAULT, ANY, XK_REFUSED, "Linux could not read this program's memory"},
	{ENOEXEC, ON(CALL_FILE), XK_UNSUPPORTED,
		"it takes x86_64 bzImages with the 64-bit entry only; --syscall=load takes more"},
	{EINVAL, ON(CALL_FILE), XK_REFUSED,
		"Linux does not take this image, or this command line is longer than the image allows"},
	{EINVAL, ON(CALL_LOAD), XK_REFUSED,
		"Linux does not know a flag (with --hotplug: is it older than 6.6?), or the image is "
		"of another machine than this kernel, or segments overlap, which was checked before"},
	{EKEYREJECTED, ANY, XK_REFUSED, SIGNATURE},
	{ENODATA, ANY, XK_REFUSED, SIGNATURE},
	{ENOKEY, ANY, XK_REFUSED, SIGNATURE},
	{EKEYEXPIRED, ANY, XK_REFUSED, SIGNATURE},
	{EKEYREVOKED, ANY, XK_REFUSED, SIGNATURE},
	{EBADMSG, ANY, XK_REFUSED, SIGNATURE},
	{ELIBBAD, ANY, XK_REFUSED, SIGNATURE},
	{ENOPKG, ANY, XK_REFUSED, SIGNATURE},
	{ETXTBSY, ON(CALL_FILE), XK_IO, "the kernel or initrd file is open for writing somewhere"},
	{EFBIG, ON(CALL_FILE), XK_IO, "the kernel or initrd file is too large for the kernel"},
};

static size_t find(enum native_call call, int error)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].error == error && table[i].calls & ON(call))
			break;
	return i;
}

const char *native_explain(enum native_call call, int error)
{
	size_t i = find(call, error);

	return i < ARRAY_SIZE(table) ? table[i].text
				     : "no known reason; see dmesg for the kernel's own message";
}

enum xk_status native_call_failed(
	const struct host *h, enum native_call call, int error, struct diag *d)
{
	static const char *const names[] = {
		[CALL_NONE] = "nothing",
		[CALL_LOAD] = "kexec_load",
		[CALL_FILE] = "kexec_file_load",
		[CALL_UNLOAD] = "unloading by kexec_load",
		[CALL_PANIC] = "writing to /proc/sysrq-trigger",
	};
	size_t i = find(call, error);

	diag_fail(d, i < ARRAY_SIZE(table) ? table[i].status : XK_REFUSED, "%s: %s: %s",
		names[call], strerror(error), native_explain(call, error));
	if (error == EPERM && call != CALL_PANIC && h->kernel.lockdown)
		diag_append(d, " (kernel.lockdown is \"%s\")", h->kernel.lockdown);
	return d->status;
}
