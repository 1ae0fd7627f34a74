/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line: the only room that prints or exits. One file per command; options are tables,
 * from which both the parser and --help are made.
 */
#ifndef XK_CLI_H
#define XK_CLI_H

#include <stdio.h>

#include "common/diag.h"
#include "common/host.h"
#include "common/image.h"
#include "common/io.h"
#include "common/plan.h"
#include "common/request.h"
#include "native/way.h"

struct option_def {
	int id; /* also the short form when it is a letter; 0 ends the table */
	const char *name;
	const char *arg; /* NULL: a switch */
	const char *help;
};

/* What only `save` can be told. */
struct save_options {
	const char *format, *compress;
	unsigned level, threads; /* 0: as many as there are CPUs */
	unsigned parts; /* 0: one file */
	bool all_domains, only_dom0, no_small;
	uint32_t *domains; /* as many as initrds at most */
	size_t nr_domains;
};

/* Everything any command's options can say. Strings are borrowed from argv. */
struct settings {
	struct request rq;
	const char *kernel;
	const char **initrds;
	size_t nr_initrds;
	const char *facts; /* --facts */
	const char *output; /* -o */
	const char *segments; /* --write-segments */
	enum native_choice syscall; /* --syscall */
	char **argv; /* of the whole program, for who runs another in its place */
	const char *rundir; /* --run-dir: where the record of what is armed lies */
	const char *const *cores; /* the operands of save */
	size_t nr_cores;
	struct save_options save;
	bool dry_run, json, yes, verbose;
};

struct command {
	const char *name;
	const char *args; /* for the usage line */
	const char *summary;
	const char *text; /* a paragraph for --help */
	const struct option_def *options;
	bool takes_kernel; /* as the one operand there is, and then it is needed */
	bool takes_cores; /* any number of operands */
	enum xk_status (*run)(struct settings *s, struct diag *d);
};

extern const struct command cmd_load, cmd_unload, cmd_status, cmd_facts, cmd_plan, cmd_test_crash,
	cmd_save;

/* options.c: fills *s from argv (argv[0] is the command's name). *help is set when --help was
 * given; nothing else is then looked at. XK_USAGE with a message otherwise. */
enum xk_status options_parse(const struct command *cmd, int argc, char **argv, struct settings *s,
	bool *help, struct diag *d);
void options_help(const struct command *cmd, FILE *f);

/* The commands' tables, kept together for what they share. */
extern const struct option_def options_load[], options_unload[], options_status[], options_facts[],
	options_plan[], options_test_crash[], options_save[];

/* print.c: text from outside (facts, dumps, file names) cannot drive a terminal: control characters
 * but tab, and bytes above 0x7e, come out as \xNN. */
void print_text(const char *text, size_t len); /* several lines, to standard output */
void print_line(FILE *f, const char *before, const char *text); /* one, whatever text holds */
void warn_all(const struct plan *p);

/* inputs.c: from settings to the values that the planner takes. */
struct inputs {
	struct host host;
	struct payload kernel, initrd;
	struct image image;
};

void inputs_init(struct inputs *in);
void inputs_deinit(struct inputs *in);

/* Reads s->facts, or probes this machine when it is NULL. */
enum xk_status inputs_host(const struct settings *s, struct inputs *in, struct diag *d);
/* Reads kernel and initrds to memory from `a` and parses the kernel's header. */
enum xk_status inputs_image(
	const struct settings *s, const struct payload_alloc *a, struct inputs *in, struct diag *d);

/* kconfig.c: of the kernel that s names and img is. */
void find_kconfig(const struct settings *s, const struct image *img, struct kconfig *ret);

/* plan.c: builds and checks a plan from what was read. */
enum xk_status make_plan(
	const struct settings *s, const struct inputs *in, struct plan *ret, struct diag *d);
enum xk_status show_plan(const struct settings *s, const struct plan *p, struct diag *d);
enum xk_status plan_without_loading(struct settings *s, struct diag *d);

#endif
