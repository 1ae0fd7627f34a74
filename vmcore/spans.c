// SPDX-License-Identifier: GPL-2.0-only
#include "vmcore/spans.h"

bool spans_add(struct spans *s, struct span a)
{
	if (range_empty(a.r))
		return true;
	if (s->nr == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct span *v = reallocarray(s->v, cap, sizeof(*v));

		if (!v)
			return false;
		s->v = v;
		s->cap = cap;
	}
	s->v[s->nr++] = a;
	return true;
}

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->r.start > y->r.start) - (x->r.start < y->r.start);
}

static bool better(const struct span *a, const struct span *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->id < b->id;
}

/* A heap of the spans that hold the address in question, the best one on top. */
struct heap {
	const struct span **v;
	size_t nr;
};

static void heap_push(struct heap *h, const struct span *s)
{
	size_t i = h->nr++;

	for (; i && better(s, h->v[(i - 1) / 2]); i = (i - 1) / 2)
		h->v[i] = h->v[(i - 1) / 2];
	h->v[i] = s;
}

static void heap_pop(struct heap *h)
{
	const struct span *s = h->v[--h->nr];
	size_t i = 0, k;

	for (; (k = 2 * i + 1) < h->nr; i = k) {
		if (k + 1 < h->nr && better(h->v[k + 1], h->v[k]))
			k++;
		if (!better(h->v[k], s))
			break;
		h->v[i] = h->v[k];
	}
	h->v[i] = s;
}

/* Appends [from, to) of s. */
static bool add_part(struct spans *out, const struct span *s, uint64_t from, uint64_t to)
{
	struct span *last = out->nr ? &out->v[out->nr - 1] : NULL;

	if (last && last->id == s->id && last->rank == s->rank && last->r.end == from &&
		last->off + (from - last->r.start) == s->off + (from - s->r.start)) {
		last->r.end = to;
		return true;
	}
	return spans_add(
		out, (struct span){{from, to}, s->off + (from - s->r.start), s->id, s->rank});
}

/* Cuts sorted spans that overlap so that each address is in one: a sweep over their borders. */
static bool resolve(const struct spans *in, struct spans *out)
{
	struct heap h = {calloc(in->nr, sizeof(*h.v)), 0};
	uint64_t at = 0;
	size_t next = 0;
	bool ok = h.v;

	while (ok && (h.nr || next < in->nr)) {
		uint64_t to;

		if (!h.nr)
			at = max_u64(at, in->v[next].r.start);
		for (; next < in->nr && in->v[next].r.start <= at; next++)
			heap_push(&h, &in->v[next]);
		while (h.nr && h.v[0]->r.end <= at)
			heap_pop(&h);
		if (!h.nr)
			continue;
		to = h.v[0]->r.end;
		if (next < in->nr)
			to = min_u64(to, in->v[next].r.start);
		ok = add_part(out, h.v[0], at, to);
		at = to;
	}
	free(h.v);
	return ok;
}

bool spans_finish(struct spans *s, uint64_t *twice)
{
	struct spans out = {0};
	uint64_t end = 0;

	*twice = 0;
	if (!s->nr)
		return true;
	qsort(s->v, s->nr, sizeof(*s->v), by_start);
	for (size_t i = 0; i < s->nr; i++) {
		if (s->v[i].r.start < end)
			*twice += min_u64(s->v[i].r.end, end) - s->v[i].r.start;
		end = max_u64(end, s->v[i].r.end);
	}
	if (!*twice)
		return true;
	if (!resolve(s, &out)) {
		spans_deinit(&out);
		return false;
	}
	spans_deinit(s);
	*s = out;
	return true;
}

size_t spans_find(const struct spans *s, uint64_t at)
{
	size_t lo = 0, hi = s->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->v[mid].r.end > at)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

void spans_deinit(struct spans *s)
{
	free(s->v);
	*s = (struct spans){0};
}
