// SPDX-License-Identifier: GPL-2.0-only
#include "vmcore/runs.h"

#define PAGE PAGE_SIZE_X86

/* Doubles the gap until a quarter of the runs is gone: each round is worth its time. */
static void join(struct runs *r)
{
	const size_t want = r->nr - r->nr / 4;

	while (r->nr > want && r->nr > 1) {
		size_t to = 0;

		r->gap = r->gap ? r->gap * 2 : PAGE;
		for (size_t i = 1; i < r->nr; i++) {
			uint64_t hole = r->v[i].start - r->v[to].end;

			if (hole > r->gap) {
				r->v[++to] = r->v[i];
				continue;
			}
			r->holes += hole / PAGE;
			r->v[to].end = r->v[i].end;
		}
		r->nr = to + 1;
	}
}

static bool grow(struct runs *r)
{
	size_t cap = r->cap ? 2 * r->cap : 256;
	struct range *v = realloc(r->v, cap * sizeof(*v));

	if (!v)
		return false;
	r->v = v;
	r->cap = cap;
	return true;
}

/* Makes the last run longer, if it is near enough. */
static bool extend(struct runs *r, uint64_t at)
{
	struct range *last = r->nr ? &r->v[r->nr - 1] : NULL;

	if (!last || at - last->end > r->gap)
		return false;
	r->holes += (at - last->end) / PAGE;
	last->end = at + PAGE;
	return true;
}

bool runs_add(struct runs *r, uint64_t pfn)
{
	const uint64_t at = pfn * PAGE;

	if (extend(r, at))
		return true;
	if (r->nr == (r->max ? r->max : RUNS_MAX)) {
		join(r);
		if (extend(r, at))
			return true;
	}
	if (r->nr == r->cap && !grow(r))
		return false;
	r->v[r->nr++] = (struct range){at, at + PAGE};
	return true;
}

void runs_deinit(struct runs *r)
{
	free(r->v);
	*r = (struct runs){0};
}
