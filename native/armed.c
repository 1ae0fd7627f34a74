// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "native/armed.h"

static void loaded_by_whom(const struct record *rec, struct armed *ret)
{
	switch (rec->state) {
	case RECORD_ARMED:
		snprintf(ret->why, sizeof(ret->why),
			"loaded by xenkdump %s with %s; Linux says that an image is loaded, and not "
			"which one, so another tool's load since then would look the same",
			rec->tool, rec->call[0] ? rec->call : "a system call");
		record_show(rec, ret);
		break;
	case RECORD_BUSY:
	case RECORD_DAMAGED:
		snprintf(ret->why, sizeof(ret->why),
			"Linux says that an image is loaded, but a load or unload of %s was "
			"interrupted: whether it is that one, or the one before it, is not known",
			rec->kernel);
		break;
	case RECORD_NONE:
		snprintf(ret->why, sizeof(ret->why),
			"Linux says that an image is loaded, but not by xenkdump%s: another tool's, "
			"of which neither kernel nor digest is known",
			rec->stale ? " since the last boot" : "");
		break;
	}
}

void native_armed_judge(bool loaded, const struct record *rec, struct armed *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->state = loaded ? ARMED_YES : ARMED_NO;
	if (loaded)
		loaded_by_whom(rec, ret);
	else if (rec->state == RECORD_ARMED)
		snprintf(ret->why, sizeof(ret->why),
			"xenkdump loaded %s, but Linux says that nothing is loaded now: another tool "
			"has unloaded it, or failed to load something else over it",
			rec->kernel);
	else
		snprintf(ret->why, sizeof(ret->why), "Linux says that no crash image is loaded");
}
