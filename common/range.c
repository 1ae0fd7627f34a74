// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "common/range.h"

bool range_make(maddr_t start, uint64_t size, struct range *ret)
{
	maddr_t end;

	if (add_overflow(start, size, &end))
		return false;
	*ret = (struct range){start, end};
	return true;
}

bool range_list_add(struct range_list *l, struct range r, uint32_t type)
{
	if (l->nr == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 32;
		struct mem_range *v = reallocarray(l->v, cap, sizeof(*v));

		if (!v)
			return false;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->nr++] = (struct mem_range){r, type};
	return true;
}

bool range_list_subtract(struct range_list *l, struct range cut)
{
	struct range_list out = {0};

	if (range_empty(cut))
		return true;
	for (size_t i = 0; i < l->nr; i++) {
		struct range r = l->v[i].r;
		uint32_t type = l->v[i].type;
		struct range low = {r.start, min_u64(r.end, cut.start)};
		struct range high = {max_u64(r.start, cut.end), r.end};
		bool ok = true;

		if (!range_overlaps(r, cut)) {
			ok = range_list_add(&out, r, type);
		} else {
			if (!range_empty(low))
				ok = range_list_add(&out, low, type);
			if (ok && !range_empty(high))
				ok = range_list_add(&out, high, type);
		}
		if (!ok) {
			range_list_deinit(&out);
			return false;
		}
	}
	range_list_deinit(l);
	*l = out;
	return true;
}

static int by_start(const void *a, const void *b)
{
	const struct mem_range *x = a, *y = b;

	if (x->r.start != y->r.start)
		return x->r.start < y->r.start ? -1 : 1;
	return (x->r.end > y->r.end) - (x->r.end < y->r.end);
}

void range_list_sort_merge(struct range_list *l)
{
	size_t out = 0;

	if (!l->nr)
		return;
	qsort(l->v, l->nr, sizeof(*l->v), by_start);
	for (size_t i = 1; i < l->nr; i++) {
		struct mem_range *last = &l->v[out];

		if (l->v[i].type == last->type && l->v[i].r.start <= last->r.end)
			last->r.end = max_u64(last->r.end, l->v[i].r.end);
		else
			l->v[++out] = l->v[i];
	}
	l->nr = out + 1;
}

bool range_list_covers(const struct range_list *l, struct range r, uint32_t type)
{
	for (size_t i = 0; r.start < r.end && i < l->nr;) {
		struct range e = l->v[i].r;

		if (l->v[i].type == type && e.start <= r.start && e.end > r.start) {
			r.start = e.end; /* a step forward; who continues may stand earlier */
			i = 0;
		} else {
			i++;
		}
	}
	return r.start >= r.end;
}

void range_list_deinit(struct range_list *l)
{
	free(l->v);
	memset(l, 0, sizeof(*l));
}
