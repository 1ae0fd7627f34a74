// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <string.h>
#include <sys/random.h>

#include "cli/cli.h"
#include "cli/machine.h"
#include "cli/reexec.h"

static enum xk_status load_plan(
	struct settings *s, struct inputs *in, struct machine *m, struct diag *d)
{
	struct plan p;
	enum xk_status st = make_plan(s, in, &p, d);

	if (st)
		return st;
	warn_all(&p);
	if (s->verbose)
		st = show_plan(s, &p, d);
	if (!st)
		st = machine_load(m, s, in, &p, d);
	if (!st) {
		printf("armed in %#" PRIx64 "-%#" PRIx64, p.region.start, p.region.end);
		print_line(stdout, ": ", s->kernel);
		if (machine_said(m)[0])
			print_line(stdout, "", machine_said(m));
	}
	plan_deinit(&p);
	return st;
}

static enum xk_status run(struct settings *s, struct diag *d)
{
	struct machine m = {0};
	struct inputs in;
	enum xk_status st;

	/* A reader that went away must not end this between two hypercalls, or hide the result. */
	signal(SIGPIPE, SIG_IGN);
	if (s->dry_run)
		return plan_without_loading(s, d);
	if (s->facts)
		return diag_fail(d, XK_USAGE,
			"--facts describes another machine: it needs --dry-run, or xenkdump plan");
	if (s->json)
		return diag_fail(d, XK_USAGE, "--json needs --dry-run");
	if (getrandom(s->rq.rng_seed, sizeof(s->rq.rng_seed), 0) == (ssize_t)sizeof(s->rq.rng_seed))
		s->rq.rng_seed_len = sizeof(s->rq.rng_seed);
	inputs_init(&in);
	st = inputs_host(s, &in, d);
	if (!st)
		st = machine_check(s, &in.host, d); /* before any large file is read */
	if (!st)
		st = reexec_if(reexec_to_load(REEXEC_BITS, &in.host), s->argv, d);
	if (!st)
		st = machine_open(&m, &in.host, s->rundir, d);
	if (!st) {
		st = inputs_image(s, machine_payload(&m), &in, d);
		if (!st)
			st = load_plan(s, &in, &m, d);
	}
	if (m.open)
		machine_close(&m);
	/* Kernel and initrd are left to the end of the process: for a PV dom0 it is several times
	 * cheaper to give back a whole address space than to unmap pages from a live one. */
	host_deinit(&in.host);
	memset(s->rq.rng_seed, 0, sizeof(s->rq.rng_seed));
	return st;
}

const struct command cmd_load = {
	.name = "load",
	.args = "[OPTION]... KERNEL",
	.summary = "arm the crash kernel",
	.text = "Loads KERNEL (a bzImage or vmlinux, also compressed by gzip, zstd or xz) into the\n"
		"memory that was reserved for a crash kernel, in place of what was loaded there:\n"
		"through Xen on its dom0, through Linux elsewhere. Everything is checked first; when\n"
		"loading fails, the message says what is armed then.",
	.options = options_load,
	.takes_kernel = true,
	.run = run,
};
