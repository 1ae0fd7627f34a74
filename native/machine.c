// SPDX-License-Identifier: GPL-2.0-only
#include "native/machine.h"

enum xk_status native_machine_probe(
	const struct native_probe_env *env, struct host *h, struct diag *d)
{
	enum xk_status st = native_iomem(env->root, h, d);

	if (!st)
		st = native_crash_notes(env->root, h, d);
	if (st)
		return st;
	native_text_map(env->root, h);
	native_crash_hotplug(env->root, h);
	native_lockdown_fact(env->root, h);
	native_efi(env->root, h);
	return XK_OK;
}
