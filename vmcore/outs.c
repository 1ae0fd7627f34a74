// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "vmcore/outs.h"

enum xk_status outs_create(
	const char *path, unsigned parts, bool flattened, struct outs *ret, struct diag *d)
{
	const size_t want = parts ? parts : 1;
	struct outs o = {.v = calloc(want, sizeof(struct out *))};
	enum xk_status st = XK_OK;

	if (!o.v)
		return diag_fail(d, XK_NOMEM, "no memory for %zu files", want);
	while (st == XK_OK && o.nr < want) {
		_cleanup_(freep) char *name = NULL;

		if (parts && asprintf(&name, "%s.%zu", path, o.nr + 1) < 0) {
			name = NULL;
			st = diag_fail(d, XK_NOMEM, "no memory for a path");
		} else {
			st = out_create(parts ? name : path, flattened, &o.v[o.nr], d);
		}
		o.nr += st == XK_OK;
	}
	if (st == XK_OK)
		*ret = o;
	else
		outs_abandon(&o, false);
	return st;
}

uint64_t outs_written(const struct outs *o)
{
	uint64_t n = 0;

	for (size_t i = 0; i < o->nr; i++)
		n += out_written(o->v[i]);
	return n;
}

enum xk_status outs_flush(struct outs *o, struct diag *d)
{
	enum xk_status st = XK_OK;

	for (size_t i = 0; st == XK_OK && i < o->nr; i++)
		st = out_flush(o->v[i], d);
	return st;
}

static void drop(struct outs *o)
{
	free(o->v);
	*o = (struct outs){0};
}

enum xk_status outs_publish(struct outs *o, bool whole, struct diag *d)
{
	enum xk_status st = XK_OK;
	struct diag more;

	for (size_t i = 0; i < o->nr; i++) {
		enum xk_status one;

		diag_init(&more);
		one = out_publish(o->v[i], whole, st == XK_OK ? d : &more);
		st = st == XK_OK ? one : st;
	}
	drop(o);
	return st;
}

void outs_abandon(struct outs *o, bool keep)
{
	for (size_t i = 0; i < o->nr; i++)
		out_abandon(o->v[i], keep);
	drop(o);
}
