// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cli.h"
#include "cli/machine.h"

static enum xk_status run(struct settings *s, struct diag *d)
{
	struct machine m;
	struct inputs in;
	enum xk_status st;

	inputs_init(&in);
	st = machine_probe(s, &in.host, d);
	if (!st)
		st = machine_open(&m, &in.host, s->rundir, d);
	if (!st) {
		st = machine_unload(&m, d);
		machine_close(&m);
	}
	if (!st)
		printf("unloaded: a crash now gives no dump\n");
	inputs_deinit(&in);
	return st;
}

const struct command cmd_unload = {
	.name = "unload",
	.args = "[OPTION]...",
	.summary = "disarm",
	.text = "Removes the loaded crash kernel. It is no error when none was loaded.",
	.options = options_unload,
	.run = run,
};
