// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/machine.h"

/* On a terminal the word has to be typed; elsewhere --yes has to be given. */
static enum xk_status confirm(const struct settings *s, struct diag *d)
{
	char answer[16] = "";

	if (s->yes)
		return XK_OK;
	if (!isatty(STDIN_FILENO))
		return diag_fail(d, XK_USAGE,
			"this crashes the host at once, with all its guests; give --yes to mean it");
	printf("This crashes the host NOW: every guest stops, nothing is shut down or synced.\n"
	       "Type \"crash\" to go on: ");
	fflush(stdout);
	if (!fgets(answer, sizeof(answer), stdin) || strcmp(answer, "crash\n"))
		return diag_fail(d, XK_FAIL, "not confirmed; nothing was done");
	return XK_OK;
}

static enum xk_status run(struct settings *s, struct diag *d)
{
	struct armed a = {0};
	struct machine m;
	struct host h;
	enum xk_status st;

	host_init(&h);
	st = machine_probe(s, &h, d);
	if (!st)
		st = machine_open(&m, &h, s->rundir, d);
	if (!st) {
		st = machine_status(&m, &a, d);
		if (!st && a.state != ARMED_YES)
			st = diag_fail(d, XK_STATE, "%s: %s. Run xenkdump load first",
				a.state == ARMED_NO
					? "no dump would come of it"
					: "it is not known whether a dump would come of it",
				a.why);
		if (!st)
			st = confirm(s, d);
		if (!st)
			st = machine_crash(&m, d);
		machine_close(&m);
	}
	host_deinit(&h);
	return st;
}

const struct command cmd_test_crash = {
	.name = "test-crash",
	.args = "[OPTION]...",
	.summary = "crash this host on purpose, to see that a dump comes of it",
	.text = "Runs the loaded crash kernel the way a crash does. All guests stop and nothing is\n"
		"synced. Refuses when nothing is armed, and without a confirmation.",
	.options = options_test_crash,
	.run = run,
};
