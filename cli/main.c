// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const struct command *const commands[] = {
	&cmd_load,
	&cmd_unload,
	&cmd_status,
	&cmd_facts,
	&cmd_plan,
	&cmd_test_crash,
};

static void usage(FILE *f)
{
	fprintf(f, "usage: xenkdump COMMAND [OPTION]... [ARGUMENT]\n\n"
		   "Arms a crash kernel on a Xen dom0 and says what it did.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(f, "\nxenkdump COMMAND --help tells more; xenkdump --version the version.\n");
}

void print_escaped(FILE *f, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && c != '\n' && c != '\t') || c >= 0x7f)
			fprintf(f, "\\x%02x", c);
		else
			fputc(c, f);
	}
}

void warn_all(const struct plan *p)
{
	for (size_t i = 0; i < p->nr_warnings; i++) {
		fprintf(stderr, "xenkdump: warning: ");
		print_escaped(stderr, p->warnings[i], strlen(p->warnings[i]));
		fputc('\n', stderr);
	}
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct settings s = {
		.rundir = "/run/xenkdump",
		.rq.corruption_delay_s = 10,
	};
	enum xk_status st;
	struct diag d;
	bool help;

	diag_init(&d);
	s.initrds = calloc((size_t)argc, sizeof(*s.initrds)); /* never more than arguments */
	st = s.initrds ? options_parse(cmd, argc, argv, &s, &help, &d)
		       : diag_fail(&d, XK_NOMEM, "no memory");
	if (!st && help)
		options_help(cmd, stdout);
	else if (!st)
		st = cmd->run(&s, &d);
	free(s.initrds);
	if (st && d.text[0]) {
		fprintf(stderr, "xenkdump %s: ", cmd->name);
		print_escaped(stderr, d.text, strlen(d.text));
		fputc('\n', stderr);
	}
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "xenkdump %s: standard output could not be written\n", cmd->name);
		return st ? (int)st : XK_IO;
	}
	return (int)st;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return XK_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("xenkdump %s\n", XENKDUMP_VERSION);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i]->name))
			return run(commands[i], argc - 1, argv + 1);
	fprintf(stderr, "xenkdump: unknown command %s; see xenkdump --help\n", argv[1]);
	return XK_USAGE;
}
