// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static const struct command *const commands[] = {
	&cmd_load,
	&cmd_unload,
	&cmd_status,
	&cmd_facts,
	&cmd_plan,
	&cmd_test_crash,
	&cmd_save,
};

static void usage(FILE *f)
{
	fprintf(f, "usage: xenkdump COMMAND [OPTION]... [ARGUMENT]\n\n"
		   "Arms a crash kernel on a Xen dom0 or on a plain Linux, and says what it did;\n"
		   "after the crash, saves what is left.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(f, "\nxenkdump COMMAND --help tells more; xenkdump --version the version.\n");
}

void warn_all(const struct plan *p)
{
	for (size_t i = 0; i < p->nr_warnings; i++)
		print_line(stderr, "xenkdump: warning: ", p->warnings[i]);
}

/* A file opened under the number of a closed standard stream would get what is printed; the
 * hypervisor's device may be that file. Read-only, so that printing there still fails. */
static void hold_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* What was printed must have arrived: scripts read it. */
static int finish(enum xk_status st)
{
	if (!fflush(stdout) && !ferror(stdout))
		return (int)st;
	fprintf(stderr, "xenkdump: %sstandard output could not be written\n",
		st ? "" : "done, but ");
	return st ? (int)st : XK_IO;
}

static enum xk_status run(const struct command *cmd, int argc, char **argv, char **whole)
{
	struct settings s = {
		.rundir = "/run/xenkdump",
		.rq.corruption_delay_s = 10,
		.argv = whole,
	};
	enum xk_status st;
	char before[64];
	struct diag d;
	bool help;

	diag_init(&d);
	/* never more than arguments */
	s.initrds = calloc((size_t)argc, sizeof(*s.initrds));
	s.save.domains = calloc((size_t)argc, sizeof(*s.save.domains));
	st = s.initrds && s.save.domains ? options_parse(cmd, argc, argv, &s, &help, &d)
					 : diag_fail(&d, XK_NOMEM, "no memory");
	if (!st && help)
		options_help(cmd, stdout);
	else if (!st)
		st = cmd->run(&s, &d);
	free(s.initrds);
	free(s.save.domains);
	if (st && d.text[0]) {
		snprintf(before, sizeof(before), "xenkdump %s: ", cmd->name);
		print_line(stderr, before, d.text);
	}
	return st;
}

int main(int argc, char **argv)
{
	const char *name = argc < 2 ? NULL : argv[1];

	hold_standard_streams();
	if (!name) {
		usage(stderr);
		return XK_USAGE;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
		usage(stdout);
		return finish(XK_OK);
	}
	if (!strcmp(name, "--version")) {
		printf("xenkdump %s\n", XENKDUMP_VERSION);
		return finish(XK_OK);
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(name, commands[i]->name))
			return finish(run(commands[i], argc - 1, argv + 1, argv));
	print_line(stderr, "xenkdump: unknown command, see xenkdump --help: ", name);
	return XK_USAGE;
}
