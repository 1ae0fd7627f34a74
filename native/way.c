// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "native/way.h"

enum native_lockdown native_lockdown(const struct host *h)
{
	const char *s = h->kernel.lockdown;

	if (s && (!strcmp(s, "integrity") || !strcmp(s, "confidentiality")))
		return LOCKDOWN_ON;
	return s && !strcmp(s, "none") ? LOCKDOWN_OFF : LOCKDOWN_UNKNOWN;
}

enum native_call native_first_call(const struct native_way *w)
{
	if (w->choice == NATIVE_FILE)
		return CALL_FILE;
	if (w->choice == NATIVE_LOAD || !w->has_file)
		return CALL_LOAD;
	return w->lockdown == LOCKDOWN_ON ? CALL_FILE : CALL_LOAD;
}

/*
 * EPERM has other causes than lockdown, which the other call shares (no CAP_SYS_BOOT,
 * kexec_load_disabled): asking again would only hide the cause, unless lockdown cannot be ruled
 * out. EACCES is IMA's word for an image that it cannot appraise, having no file.
 */
static bool file_may_do(const struct native_way *w, int error)
{
	if (!w->has_file)
		return false;
	return error == ENOSYS || error == EACCES ||
	       (error == EPERM && w->lockdown != LOCKDOWN_OFF);
}

enum native_call native_next_call(
	const struct native_way *w, enum native_call failed, bool second, int error)
{
	if (w->choice != NATIVE_AUTO || second)
		return CALL_NONE;
	if (failed == CALL_LOAD)
		return file_may_do(w, error) ? CALL_FILE : CALL_NONE;
	/* Not built in; or an image, or a flag, that it does not take. */
	return error == ENOSYS || error == EINVAL || error == ENOEXEC || error == EOPNOTSUPP
		       ? CALL_LOAD
		       : CALL_NONE;
}

bool native_unload_by_file(const struct native_way *w, int error)
{
	return w->has_file && (error == ENOSYS || error == EPERM || error == EACCES);
}

const char *native_call_name(enum native_call c)
{
	return c == CALL_LOAD ? "kexec_load" : c == CALL_FILE ? "kexec_file_load" : "";
}
