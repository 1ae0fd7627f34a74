// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "cli/cli.h"
#include "cli/machine.h"

enum xk_status make_plan(
	const struct settings *s, const struct inputs *in, struct plan *ret, struct diag *d)
{
	const struct backend_limits *lim = machine_limits(&in->host);
	enum xk_status st = plan_build(&s->rq, &in->host, &in->image, lim, ret, d);

	if (st)
		return st;
	st = plan_check(ret, &in->host, &in->image, lim, d);
	if (st)
		plan_deinit(ret);
	return st;
}

enum xk_status show_plan(const struct settings *s, const struct plan *p, struct diag *d)
{
	struct buf text = {0};
	enum xk_status st = s->json ? plan_print_json(p, &text, d) : plan_print(p, &text, d);

	if (!st)
		print_text((const char *)text.data, text.len);
	buf_deinit(&text);
	return st;
}

/* One file for each segment that has content, under the name of its kind, of which a plan has one
 * each. 0600: command lines may hold secrets. */
static enum xk_status write_segments(const struct plan *p, const char *dir, struct diag *d)
{
	enum xk_status st = XK_OK;

	for_each_seg (s, p) {
		_cleanup_(freep) char *path = NULL;

		if (!s->buf)
			continue;
		if (asprintf(&path, "%s/%s", dir, seg_kind_name(s->kind)) < 0) {
			path = NULL;
			return diag_fail(d, XK_NOMEM, "out of memory");
		}
		st = file_create(path, (struct bytes){s->buf, s->len}, 0600, d);
		if (st)
			return diag_prepend(d, "--write-segments: ");
	}
	return st;
}

/* The random seed is drawn when a plan is loaded. A plan that is only shown holds zeros in its
 * place, so that the same inputs show the same plan everywhere. */
enum xk_status plan_without_loading(struct settings *s, struct diag *d)
{
	struct inputs in;
	struct plan p;
	enum xk_status st;

	s->rq.rng_seed_len = sizeof(s->rq.rng_seed);
	inputs_init(&in);
	st = inputs_host(s, &in, d);
	if (!st)
		st = machine_check(s, &in.host, d); /* before any large file is read */
	if (!st)
		st = inputs_image(s, &payload_plain, &in, d);
	if (!st)
		st = make_plan(s, &in, &p, d);
	if (!st) {
		st = s->segments ? write_segments(&p, s->segments, d) : XK_OK;
		if (!st)
			st = show_plan(s, &p, d);
		plan_deinit(&p);
	}
	inputs_deinit(&in);
	return st;
}

static enum xk_status run(struct settings *s, struct diag *d)
{
	return plan_without_loading(s, d);
}

const struct command cmd_plan = {
	.name = "plan",
	.args = "[--facts FILE] [OPTION]... KERNEL",
	.summary = "show what load would do; with --facts, for any machine and without root",
	.text = "Builds the plan that `xenkdump load` would load, checks it, and prints it. With\n"
		"--facts the machine is the one whose facts the file holds.",
	.options = options_plan,
	.takes_kernel = true,
	.run = run,
};
