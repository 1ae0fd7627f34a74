// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "vmcore/windows.h"

#define MAX_BITS (UINT64_C(1) << 24)

bool window_set_init(struct window_set *s, uint64_t max_pfn)
{
	const uint64_t windows = max_pfn / FILTER_WINDOW + 1;
	const uint64_t each = windows / MAX_BITS + 1;

	s->each = each * FILTER_WINDOW;
	s->nr = max_pfn / s->each + 1;
	s->bits = calloc(1, (size_t)(s->nr / 8 + 1));
	return s->bits != NULL;
}

void window_set_deinit(struct window_set *s)
{
	free(s->bits);
	*s = (struct window_set){0};
}

void window_set_add(struct window_set *s, uint64_t pfn)
{
	const uint64_t bit = s->bits ? pfn / s->each : 0;

	if (s->bits && bit < s->nr)
		s->bits[bit / 8] |= (uint8_t)(1u << bit % 8);
}

bool window_set_has(const struct window_set *s, uint64_t pfn)
{
	uint64_t bit;

	if (!s || !s->bits)
		return true;
	bit = pfn / s->each;
	return bit >= s->nr || s->bits[bit / 8] >> bit % 8 & 1;
}

bool windows_next(struct windows *w, uint64_t *pfn, unsigned *nr)
{
	for (; w->i < w->ram->nr; w->i++) {
		struct range r = w->ram->v[w->i].r;
		uint64_t end = r.end / CORE_PAGE + (r.end % CORE_PAGE != 0);
		uint64_t first = max_u64(align_down(r.start / CORE_PAGE, FILTER_WINDOW), w->next);

		if (range_empty(r))
			continue;
		while (first < end && !window_set_has(w->only, first))
			first += FILTER_WINDOW;
		if (first >= end)
			continue;
		*pfn = first;
		*nr = FILTER_WINDOW;
		w->next = first + FILTER_WINDOW;
		return true;
	}
	return false;
}

unsigned window_mask(const struct range_list *ram, uint64_t pfn, unsigned nr, uint8_t *kinds)
{
	size_t lo = 0, hi = ram->nr;
	unsigned n = 0;
	uint64_t at = pfn;

	while (lo < hi) { /* the first range that ends above pfn */
		size_t mid = lo + (hi - lo) / 2;

		if (ram->v[mid].r.end <= pfn * CORE_PAGE)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < ram->nr && at < pfn + nr; lo++) {
		struct range r = ram->v[lo].r;
		uint64_t start = min_u64(max_u64(r.start / CORE_PAGE, at), pfn + nr);
		uint64_t end = r.end / CORE_PAGE + (r.end % CORE_PAGE != 0);

		end = max_u64(min_u64(end, pfn + nr), start);
		memset(kinds + (at - pfn), NO_PAGE, (size_t)(start - at));
		n += (unsigned)(end - start);
		at = end;
	}
	memset(kinds + (at - pfn), NO_PAGE, (size_t)(pfn + nr - at));
	return n;
}
