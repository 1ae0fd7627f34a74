// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum {
	OPT_INITRD = 256,
	OPT_CMDLINE,
	OPT_REUSE,
	OPT_CONSOLE,
	OPT_VMCOREINFO,
	OPT_MISSING_NOTES,
	OPT_CORRUPTION,
	OPT_DELAY,
	OPT_PURG_VERBOSE,
	OPT_WRONG_DIGEST,
	OPT_HOTPLUG,
	OPT_SYSCALL,
	OPT_FACTS,
	OPT_DRY_RUN,
	OPT_JSON,
	OPT_SEGMENTS,
	OPT_YES,
	OPT_RUN_DIR,
	OPT_FORMAT,
	OPT_COMPRESS,
	OPT_KEEP_DOMAIN,
	OPT_ALL_DOMAINS,
	OPT_ONLY_DOM0,
	OPT_SPLIT,
	OPT_NO_SMALL,
	OPT_THREADS,
	OPT_HELP,
};

/* The longest list any command has, with --help and the end. */
#define MAX_OPTIONS 32

#define PLAN_OPTIONS                                                                                   \
	{OPT_INITRD, "initrd", "FILE", "initrd; may be given several times"},                          \
		{OPT_INITRD, "ramdisk", "FILE", NULL},                                                 \
		{OPT_CMDLINE, "command-line", "TEXT", "the dump kernel's command line"},               \
		{OPT_CMDLINE, "append", "TEXT", NULL},                                                 \
		{OPT_REUSE, "reuse-cmdline", NULL,                                                     \
			"start from the running kernel's command line, without what only it can use"}, \
		{OPT_CONSOLE, "console", "auto", "let the dump kernel speak where Xen does"},          \
		{OPT_VMCOREINFO, "dom0-vmcoreinfo", "yes|no",                                          \
			"put the running kernel's VMCOREINFO into the core (default: yes)"},           \
		{OPT_MISSING_NOTES, "allow-missing-notes", NULL,                                       \
			"accept a core without the registers of some CPUs"},                           \
		{OPT_CORRUPTION, "on-corruption", "reboot|halt|continue",                              \
			"when the loaded image was overwritten (default: reboot)"},                    \
		{OPT_DELAY, "corruption-delay", "SECONDS",                                             \
			"between its message and the reboot (default: 10)"},                           \
		{OPT_PURG_VERBOSE, "purgatory-verbose", NULL, "purgatory says each of its steps"},     \
		{OPT_HOTPLUG, "hotplug", NULL,                                                         \
			"let Linux keep the core header current when CPUs or memory come and go"},     \
	{                                                                                              \
		OPT_WRONG_DIGEST, "test-wrong-digest", "SEGMENT",                                      \
			"plan a digest that cannot match, to rehearse --on-corruption"                 \
	}

const struct option_def options_plan[] = {
	PLAN_OPTIONS,
	{OPT_FACTS, "facts", "FILE", "facts of the machine to plan for (see xenkdump facts)"},
	{OPT_JSON, "json", NULL, "print the plan as JSON"},
	{OPT_SEGMENTS, "write-segments", "DIR",
		"write each segment's bytes to a new file DIR/KIND"},
	{0},
};

const struct option_def options_load[] = {
	PLAN_OPTIONS,
	{OPT_FACTS, "facts", "FILE", "with --dry-run: facts of another machine"},
	{OPT_DRY_RUN, "dry-run", NULL, "print the plan and load nothing"},
	{OPT_JSON, "json", NULL, "with --dry-run: print the plan as JSON"},
	{OPT_SYSCALL, "syscall", "load|file|auto",
		"how Linux is to take the image, without Xen (default: auto)"},
	{'v', "verbose", NULL, "print the plan that is loaded"},
	{OPT_RUN_DIR, "run-dir", "DIR", "where the record of what is armed lies (/run/xenkdump)"},
	{0},
};

const struct option_def options_unload[] = {
	{OPT_RUN_DIR, "run-dir", "DIR", "where the record of what is armed lies (/run/xenkdump)"},
	{0},
};

const struct option_def options_status[] = {
	{OPT_JSON, "json", NULL, "print the answer as JSON"},
	{OPT_RUN_DIR, "run-dir", "DIR", "where the record of what is armed lies (/run/xenkdump)"},
	{0},
};

const struct option_def options_facts[] = {
	{'o', "output", "FILE", "write there instead of to standard output"},
	{0},
};

const struct option_def options_test_crash[] = {
	{OPT_YES, "yes", NULL, "do it: this host goes down now"},
	{OPT_RUN_DIR, "run-dir", "DIR", "where the record of what is armed lies (/run/xenkdump)"},
	{0},
};

const struct option_def options_save[] = {
	{'o', "output", "FILE", "the dump; - is standard output, as a flattened stream"},
	{OPT_FORMAT, "format", "kdump|elf|flat",
		"kdump-compressed, ELF, or kdump flattened (default: kdump)"},
	{OPT_COMPRESS, "compress", "zlib|zstd|lzo|snappy|none", "pages (default: zstd)"},
	{'d', "dump-level", "LEVEL",
		"sum of what Linux pages to leave out: 1 zero, 2 cache, 4 private cache, 8 user, 16 free (default: 0)"},
	{OPT_KEEP_DOMAIN, "keep-domain", "ID",
		"keep this guest's pages; may be given several times"},
	{OPT_ALL_DOMAINS, "all-domains", NULL, "keep the pages of all guests"},
	{OPT_NO_SMALL, "no-small", NULL, "no FILE.report, FILE.dmesg, FILE.xen and FILE.notes"},
	{OPT_ONLY_DOM0, "only-dom0", NULL,
		"dom0 alone, by its own page numbers: a core as of a Linux without Xen"},
	{OPT_SPLIT, "split", "N", "write N files FILE.1 ... of about as many pages each"},
	{OPT_THREADS, "threads", "N",
		"that read and compress (default: one for each CPU, up to 4)"},
	{OPT_DRY_RUN, "dry-run", NULL, "count pages, estimate the size and write nothing"},
	{OPT_JSON, "json", NULL, "print the summary as JSON"},
	{0},
};

static enum xk_status parse_number(const char *option, const char *text, unsigned long min,
	unsigned long max, unsigned *ret, struct diag *d)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || v < min || v > max)
		return diag_fail(d, XK_USAGE, "%s %s: expected a number, %lu to %lu", option, text,
			min, max);
	*ret = (unsigned)v;
	return XK_OK;
}

static enum xk_status parse_delay(const char *text, uint32_t *ret, struct diag *d)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || *end || end == text || v < 0 || v > 3600)
		return diag_fail(
			d, XK_USAGE, "--corruption-delay %s: expected seconds, 0 to 3600", text);
	*ret = (uint32_t)v;
	return XK_OK;
}

static enum xk_status parse_corruption(const char *text, enum on_corruption *ret, struct diag *d)
{
	if (!strcmp(text, "reboot"))
		*ret = ON_CORRUPTION_REBOOT;
	else if (!strcmp(text, "halt"))
		*ret = ON_CORRUPTION_HALT;
	else if (!strcmp(text, "continue"))
		*ret = ON_CORRUPTION_CONTINUE;
	else
		return diag_fail(
			d, XK_USAGE, "--on-corruption %s: expected reboot, halt or continue", text);
	return XK_OK;
}

static enum xk_status parse_syscall(const char *text, enum native_choice *ret, struct diag *d)
{
	if (!strcmp(text, "auto"))
		*ret = NATIVE_AUTO;
	else if (!strcmp(text, "load"))
		*ret = NATIVE_LOAD;
	else if (!strcmp(text, "file"))
		*ret = NATIVE_FILE;
	else
		return diag_fail(d, XK_USAGE, "--syscall %s: expected load, file or auto", text);
	return XK_OK;
}

static enum xk_status parse_digest(const char *text, struct settings *s, struct diag *d)
{
	for (int k = 0; k < SEG_KINDS; k++) {
		if (k != SEG_PURGATORY && k != SEG_BACKUP &&
			!strcmp(text, seg_kind_name((enum seg_kind)k))) {
			s->rq.test_wrong_digest = text;
			return XK_OK;
		}
	}
	return diag_fail(d, XK_USAGE,
		"--test-wrong-digest %s: expected kernel, initrd, bootparams, cmdline, elfcore or note",
		text);
}

static enum xk_status apply(int id, char *arg, struct settings *s, struct diag *d)
{
	switch (id) {
	case OPT_INITRD: s->initrds[s->nr_initrds++] = arg; break;
	case OPT_CMDLINE: s->rq.cmdline = arg; break;
	case OPT_REUSE: s->rq.reuse_cmdline = true; break;
	case OPT_CONSOLE:
		if (strcmp(arg, "auto"))
			return diag_fail(d, XK_USAGE, "--console %s: expected auto", arg);
		s->rq.console_auto = true;
		break;
	case OPT_VMCOREINFO:
		if (strcmp(arg, "yes") && strcmp(arg, "no"))
			return diag_fail(
				d, XK_USAGE, "--dom0-vmcoreinfo %s: expected yes or no", arg);
		s->rq.dom0_vmcoreinfo = arg[0] == 'y' ? CHOICE_YES : CHOICE_NO;
		break;
	case OPT_MISSING_NOTES: s->rq.allow_missing_notes = true; break;
	case OPT_CORRUPTION: return parse_corruption(arg, &s->rq.on_corruption, d);
	case OPT_DELAY: return parse_delay(arg, &s->rq.corruption_delay_s, d);
	case OPT_PURG_VERBOSE: s->rq.purgatory_verbose = true; break;
	case OPT_WRONG_DIGEST: return parse_digest(arg, s, d);
	case OPT_HOTPLUG: s->rq.hotplug = true; break;
	case OPT_SYSCALL: return parse_syscall(arg, &s->syscall, d);
	case OPT_FACTS: s->facts = arg; break;
	case OPT_DRY_RUN: s->dry_run = true; break;
	case OPT_JSON: s->json = true; break;
	case OPT_SEGMENTS:
		if (!arg[0])
			return diag_fail(d, XK_USAGE, "--write-segments: expected a folder");
		s->segments = arg;
		break;
	case OPT_YES: s->yes = true; break;
	case OPT_RUN_DIR:
		if (!arg[0])
			return diag_fail(d, XK_USAGE, "--run-dir: expected a folder");
		s->rundir = arg;
		break;
	case OPT_FORMAT: s->save.format = arg; break;
	case OPT_COMPRESS: s->save.compress = arg; break;
	case OPT_KEEP_DOMAIN:
		/* Xen's ids of domains end below those of its own (DOMID_FIRST_RESERVED) */
		return parse_number(
			"--keep-domain", arg, 0, 0x7fef, &s->save.domains[s->save.nr_domains++], d);
	case OPT_ALL_DOMAINS: s->save.all_domains = true; break;
	case OPT_ONLY_DOM0: s->save.only_dom0 = true; break;
	case OPT_SPLIT: return parse_number("--split", arg, 2, 64, &s->save.parts, d);
	case OPT_NO_SMALL: s->save.no_small = true; break;
	case OPT_THREADS: return parse_number("--threads", arg, 1, 64, &s->save.threads, d);
	case 'd': return parse_number("-d", arg, 0, 31, &s->save.level, d);
	case 'o': s->output = arg; break;
	case 'v': s->verbose = true; break;
	}
	return XK_OK;
}

/* getopt's own tables from ours. Short options are the letters among the ids. */
static void make_tables(
	const struct option_def *defs, struct option longs[MAX_OPTIONS], char shorts[MAX_OPTIONS])
{
	size_t n = 0, len = 0;

	shorts[len++] = ':'; /* our own messages */
	for (; defs->id && n < MAX_OPTIONS - 2; defs++) {
		longs[n++] = (struct option){
			defs->name, defs->arg ? required_argument : no_argument, NULL, defs->id};
		if (defs->id < 256) {
			shorts[len++] = (char)defs->id;
			if (defs->arg)
				shorts[len++] = ':';
		}
	}
	longs[n++] = (struct option){"help", no_argument, NULL, OPT_HELP};
	longs[n] = (struct option){0};
	shorts[len++] = 'h';
	shorts[len] = '\0';
}

/* What getopt did not take. `last` is the word before where it goes on, which is not the one at
 * fault when that is a letter in the middle of several. */
static enum xk_status refuse_option(
	const struct command *cmd, int c, const char *last, struct diag *d)
{
	bool known = optopt == OPT_HELP;

	for (const struct option_def *o = cmd->options; o->id; o++)
		known |= optopt == o->id;
	if (c == ':')
		diag_fail(d, XK_USAGE, "%s needs a value", last);
	else if (known)
		diag_fail(d, XK_USAGE, "%.*s takes no value", (int)strcspn(last, "="), last);
	else if (optopt)
		diag_fail(d, XK_USAGE, "unknown option -%c", optopt);
	else
		diag_fail(d, XK_USAGE, "unknown or ambiguous option %s", last);
	return diag_append(d, "; see xenkdump %s --help", cmd->name);
}

enum xk_status options_parse(const struct command *cmd, int argc, char **argv, struct settings *s,
	bool *help, struct diag *d)
{
	struct option longs[MAX_OPTIONS];
	char shorts[2 * MAX_OPTIONS];
	enum xk_status st;
	int c;

	make_tables(cmd->options, longs, shorts);
	*help = false;
	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (c == OPT_HELP || c == 'h') {
			*help = true;
			return XK_OK;
		}
		st = c == ':' || c == '?' ? refuse_option(cmd, c, argv[optind - 1], d)
					  : apply(c, optarg, s, d);
		if (st)
			return st;
	}
	if (cmd->takes_kernel && optind < argc)
		s->kernel = argv[optind++];
	if (cmd->takes_cores) {
		s->cores = (const char *const *)(argv + optind);
		s->nr_cores = (size_t)(argc - optind);
		return XK_OK;
	}
	if (optind < argc)
		return diag_fail(d, XK_USAGE, "one argument too many: %s; see xenkdump %s --help",
			argv[optind], cmd->name);
	if (cmd->takes_kernel && !s->kernel)
		return diag_fail(d, XK_USAGE,
			"which kernel? Give its file as argument; see xenkdump %s --help",
			cmd->name);
	return XK_OK;
}

void options_help(const struct command *cmd, FILE *f)
{
	fprintf(f, "usage: xenkdump %s %s\n\n%s\n\n", cmd->name, cmd->args, cmd->text);
	for (const struct option_def *o = cmd->options; o->id; o++) {
		char left[64];

		snprintf(left, sizeof(left), "%s--%s%s%s",
			o->id < 256 ? (char[]){'-', (char)o->id, ',', ' ', 0} : "", o->name,
			o->arg ? " " : "", o->arg ? o->arg : "");
		fprintf(f, "  %-36s %s\n", left, o->help ? o->help : "(the same)");
	}
	fprintf(f, "  %-36s %s\n", "-h, --help", "this text");
}
