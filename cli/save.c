// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/save.h"
#include "cli/spool.h"
#include "vmcore/dom0_view.h"

/* Memory for more threads than that is not there in a dump kernel: 11 MiB each. */
#define AUTO_THREADS 4

#define LINE_EVERY_S	 5.0 /* where each line stays: a serial console, a log */
#define TERMINAL_EVERY_S 0.2

static volatile sig_atomic_t stop;

static void on_signal(int sig _unused_)
{
	stop = 1;
}

/* A reader that goes away and a file that may not grow are errors of a write, not the end. */
static void catch_signals(void)
{
	static const int ends[] = {SIGTERM, SIGINT, SIGHUP};
	struct sigaction a = {.sa_handler = on_signal};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		sigaction(ends[i], &a, NULL);
	a.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &a, NULL);
	sigaction(SIGXFSZ, &a, NULL);
}

static unsigned cpus(void)
{
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	n = CPU_COUNT(&set);
	return n < 1 ? 1 : n > AUTO_THREADS ? AUTO_THREADS : (unsigned)n;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct show {
	bool terminal, line_open;
	double begin, last;
	enum save_phase phase;
};

static void show_progress(void *ctx, const struct save_progress *p)
{
	struct show *v = ctx;
	double t = now(), took, rate;

	if (p->phase != v->phase || !v->begin) {
		v->phase = p->phase;
		v->begin = v->last = t;
	}
	if (t - v->last < (v->terminal ? TERMINAL_EVERY_S : LINE_EVERY_S) || !p->total)
		return;
	v->last = t;
	took = t - v->begin;
	rate = (double)p->done / took;
	fprintf(stderr, "%s%s: %3.0f%%", v->terminal ? "\r" : "",
		p->phase == SAVE_COUNTING ? "counting pages" : "writing",
		100.0 * (double)p->done / (double)p->total);
	if (p->phase == SAVE_WRITING)
		fprintf(stderr, ", %llu MiB written", (unsigned long long)(p->written / MiB));
	fprintf(stderr, ", %.0f MiB of memory/s, %.0f s left%s", rate / 256,
		rate > 0 ? (double)(p->total - p->done) / rate : 0, v->terminal ? " \033[K" : "\n");
	v->line_open = v->terminal;
}

static void end_line(struct show *v)
{
	if (v->line_open)
		fputs("\r\033[K", stderr);
	v->line_open = false;
}

static void show_notice(void *ctx, const char *text)
{
	end_line(ctx);
	print_line(stderr, "xenkdump: warning: ", text);
}

static enum xk_status make_request(
	const struct settings *s, struct save_request *rq, struct diag *d)
{
	const char *format = s->save.format ? s->save.format : "kdump";
	const char *compress = s->save.compress ? s->save.compress : "zstd";

	if (!s->output && !s->dry_run)
		return diag_fail(d, XK_USAGE, "where to? Give -o FILE, or -o - for a stream");
	if (!strcmp(format, "elf"))
		rq->format = SAVE_ELF;
	else if (!strcmp(format, "flat"))
		rq->flattened = true;
	else if (strcmp(format, "kdump"))
		return diag_fail(d, XK_USAGE, "--format %s: expected kdump, elf or flat", format);
	if (!codec_parse(compress, &rq->codec))
		return diag_fail(d, XK_USAGE,
			"--compress %s: expected zlib, zstd, lzo, snappy or none", compress);
	if (rq->format == SAVE_ELF && s->save.compress && rq->codec != CODEC_NONE)
		return diag_fail(d, XK_USAGE,
			"--compress %s: an ELF core is not compressed; use --format kdump",
			compress);
	rq->path = s->output ? s->output : "-";
	if (!strcmp(rq->path, "-") && !s->dry_run) {
		if (s->json)
			return diag_fail(d, XK_USAGE,
				"--json: standard output is the dump (-o -); give -o FILE");
		if (isatty(STDOUT_FILENO))
			return diag_fail(d, XK_USAGE,
				"-o -: standard output is a terminal; a dump is no text");
	}
	if (s->save.parts && rq->format == SAVE_ELF)
		return diag_fail(d, XK_USAGE,
			"--split: an ELF core has no parts that a reader puts together; use --format kdump");
	if (s->save.parts && (rq->flattened || (s->output && !strcmp(rq->path, "-"))))
		return diag_fail(d, XK_USAGE,
			"--split: a stream is one; give -o FILE, which names FILE.1 and so on, and leave out --format flat");
	if (s->save.only_dom0 && (s->save.all_domains || s->save.nr_domains))
		return diag_fail(d, XK_USAGE,
			"--only-dom0: guests have no place in a core of dom0 alone; leave out %s",
			s->save.all_domains ? "--all-domains" : "--keep-domain");
	rq->filter.level = s->save.level;
	rq->filter.guests = s->save.all_domains;
	rq->filter.keep_domains = s->save.domains;
	rq->filter.nr_keep_domains = s->save.nr_domains;
	rq->parts = s->save.parts;
	rq->threads = s->save.threads ? s->save.threads : cpus();
	rq->dry_run = s->dry_run;
	rq->small = !s->save.no_small && !s->dry_run && strcmp(rq->path, "-") != 0;
	rq->time = time(NULL);
	rq->stop = &stop;
	return rq->small ? small_check(rq->path, d) : XK_OK;
}

/* XK_PARTIAL is also an error message: scripts that look only at it must not miss it. */
static enum xk_status say_partial(const struct save_result *r, bool dry_run, struct diag *d)
{
	if (!dry_run && !r->whole)
		return diag_fail(d, XK_PARTIAL, "the dump is INCOMPLETE: %s", r->incomplete_why);
	(void)diag_fail(d, XK_PARTIAL, "%s", "");
	if (!r->filtered)
		(void)diag_append(d, "the dump %s NOT filtered as asked, and holds more: %s%s",
			dry_run ? "would be" : "is", r->unfiltered_why,
			r->count.bad ? "; and " : "");
	if (r->count.bad)
		(void)diag_append(d,
			"pages that cannot be read and are not in the dump: %" PRIu64
			", the first at %#" PRIx64
			"; it has all the others, and is marked incomplete",
			r->count.bad, r->count.first_bad * CORE_PAGE);
	return XK_PARTIAL;
}

static void show_problems(char *const *problems, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		print_line(stderr, "xenkdump: warning: ", problems[i]);
}

/* What the notes say, with those that were lost and are found again. */
static enum xk_status read_notes(
	struct core *c, struct core_notes *n, struct notes_lost *lost, struct diag *d)
{
	enum xk_status st = core_notes_parse(buf_bytes(&c->notes), c->machine, n, d);

	if (st)
		return st;
	st = notes_recover(c, n, lost, d);
	if (st) {
		core_notes_deinit(n);
		return st;
	}
	show_problems(c->problems, c->nr_problems);
	show_problems(n->problems, n->nr_problems);
	return XK_OK;
}

/* A serial line is a terminal too, but slow, and what reads it mostly keeps all that comes. Screens
 * and windows have these names; /dev/console may be either. */
static bool can_redraw(int fd)
{
	const char *name = isatty(fd) ? ttyname(fd) : NULL;

	return name && (!strncmp(name, "/dev/pts/", 9) ||
			       (!strncmp(name, "/dev/tty", 8) && name[8] >= '0' && name[8] <= '9'));
}

static enum xk_status save_parsed(struct settings *s, const struct core *c,
	const struct core_notes *n, const struct notes_lost *lost, struct save_request *rq,
	struct diag *d)
{
	struct show view = {.terminal = can_redraw(STDERR_FILENO)};
	struct save_result r;
	enum xk_status st;

	rq->progress = show_progress;
	rq->notice = show_notice;
	rq->ctx = &view;
	catch_signals();
	st = save_core(c, n, rq, &r, d);
	end_line(&view);
	if (st == XK_OK || st == XK_PARTIAL) {
		enum xk_status shown =
			s->json ? save_show_json(rq, &r, lost, d) : save_show_text(rq, &r, lost);

		st = shown ? shown : st;
	}
	if (st == XK_PARTIAL)
		say_partial(&r, rq->dry_run, d);
	save_result_deinit(&r);
	return st;
}

/* dom0 alone: another core, with other notes, made from this one. */
static enum xk_status save_dom0(struct settings *s, const struct core *c,
	const struct core_notes *n, const struct notes_lost *lost, struct save_request *rq,
	struct diag *d)
{
	struct core_notes own;
	struct core dom0;
	enum xk_status st = dom0_view_open(c, n, &dom0, d);

	if (st)
		return st;
	st = core_notes_parse(buf_bytes(&dom0.notes), dom0.machine, &own, d);
	if (!st) {
		show_problems(dom0.problems, dom0.nr_problems);
		st = save_parsed(s, &dom0, &own, lost, rq, d);
		core_notes_deinit(&own);
	}
	core_close(&dom0);
	return st;
}

static enum xk_status save(
	struct settings *s, struct core *c, struct save_request *rq, struct diag *d)
{
	struct notes_lost lost;
	struct core_notes n;
	enum xk_status st = read_notes(c, &n, &lost, d);

	if (st)
		return st;
	st = s->save.only_dom0 ? save_dom0(s, c, &n, &lost, rq, d)
			       : save_parsed(s, c, &n, &lost, rq, d);
	core_notes_deinit(&n);
	return st;
}

/* "-" among the cores. */
static enum xk_status take_input(const struct settings *s, struct diag *d)
{
	size_t nr = 0;

	for (size_t i = 0; i < s->nr_cores; i++)
		nr += !strcmp(s->cores[i], "-");
	if (nr > 1)
		return diag_fail(d, XK_USAGE, "-: standard input can be given once");
	return nr ? spool_input(s->output, d) : XK_OK;
}

static enum xk_status run(struct settings *s, struct diag *d)
{
	static const char *const standard[] = {"/proc/vmcore"};
	struct save_request rq = {0};
	struct core c;
	enum xk_status st = make_request(s, &rq, d);

	if (!st)
		st = take_input(s, d);
	if (!st)
		st = core_open(
			s->nr_cores ? s->cores : standard, s->nr_cores ? s->nr_cores : 1, &c, d);
	if (st)
		return st;
	st = save(s, &c, &rq, d);
	core_close(&c);
	return st;
}

const struct command cmd_save = {
	.name = "save",
	.args = "[OPTION]... -o FILE [CORE]...",
	.summary = "write a small dump of a crashed machine's memory",
	.text = "Reads CORE (/proc/vmcore, in the dump kernel), leaves out what is not wanted,\n"
		"compresses the rest and writes it as FILE, which appears under its name only when it\n"
		"is whole; FILE.incomplete is a valid dump of a part. Several COREs are the parts of\n"
		"one split dump; - is standard input.",
	.options = options_save,
	.takes_cores = true,
	.run = run,
};
