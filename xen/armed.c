// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "xen/armed.h"
#include "xen/caps.h"

#define CLEAN_UP "`xenkdump unload` or a new `xenkdump load` puts that right"

struct xen_armed_rules xen_armed_rules(uint32_t major, uint32_t minor)
{
	return (struct xen_armed_rules){
		.has_status =
			xen_has_kexec_status(major, minor) && xen_unload_is_safe(major, minor),
	};
}

static void judge_by_bit(int bit, const struct record *rec, struct armed *ret)
{
	switch (rec->state) {
	case RECORD_ARMED:
		ret->state = bit ? ARMED_YES : ARMED_UNKNOWN;
		if (bit)
			snprintf(ret->why, sizeof(ret->why),
				"loaded by xenkdump %s, and Xen's status agrees", rec->tool);
		else
			snprintf(ret->why, sizeof(ret->why),
				"the record says that xenkdump loaded %s, but Xen's status has changed "
				"since: another tool loaded or unloaded something; " CLEAN_UP,
				rec->kernel);
		break;
	case RECORD_BUSY:
	case RECORD_DAMAGED:
		ret->state = ARMED_UNKNOWN;
		snprintf(ret->why, sizeof(ret->why),
			"a load or unload of %s was interrupted and what it left is not known; " CLEAN_UP,
			rec->kernel);
		break;
	case RECORD_NONE:
		ret->state = bit ? ARMED_UNKNOWN : ARMED_NO;
		if (bit)
			snprintf(ret->why, sizeof(ret->why),
				"xenkdump has loaded nothing since boot, but Xen's status is not that "
				"of a fresh boot: another tool loaded something, or unloaded "
				"nothing; " CLEAN_UP);
		else
			snprintf(ret->why, sizeof(ret->why),
				"xenkdump has loaded nothing%s, and Xen's status agrees",
				rec->stale ? " since the last boot" : "");
		break;
	}
}

static void judge_by_record(const struct record *rec, struct armed *ret)
{
	switch (rec->state) {
	case RECORD_ARMED:
		ret->state = ARMED_YES;
		snprintf(ret->why, sizeof(ret->why),
			"loaded by xenkdump %s, by its own record only: Xen before 4.9 cannot be "
			"asked",
			rec->tool);
		break;
	case RECORD_BUSY:
	case RECORD_DAMAGED:
		ret->state = ARMED_UNKNOWN;
		snprintf(ret->why, sizeof(ret->why),
			"a load over %s failed or was interrupted: an image may be registered with "
			"Xen whose content is damaged; a new `xenkdump load` replaces it",
			rec->kernel);
		break;
	case RECORD_NONE:
		ret->state = ARMED_UNKNOWN;
		snprintf(ret->why, sizeof(ret->why),
			"xenkdump has loaded nothing%s, and Xen before 4.9 cannot be asked whether "
			"another tool did",
			rec->stale ? " since the last boot" : "");
		break;
	}
}

void xen_armed_judge(
	struct xen_armed_rules rules, int bit, const struct record *rec, struct armed *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (rules.has_status)
		judge_by_bit(bit, rec, ret);
	else
		judge_by_record(rec, ret);
	record_show(rec, ret);
}

enum xk_status xen_armed_may_unload(struct xen_armed_rules rules, struct diag *d)
{
	if (rules.has_status)
		return XK_OK;
	return diag_fail(d, XK_UNSUPPORTED,
		"Xen before 4.9 does not forget an unloaded image, and a later load or unload could "
		"free it twice and panic the host; nothing was done. Load another image over this "
		"one, or reboot to disarm, or update Xen to 4.9 or later");
}
