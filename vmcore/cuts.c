// SPDX-License-Identifier: GPL-2.0-only
#include "vmcore/cuts.h"
#include "vmcore/filter.h"

#define MAX_STRETCHES 65536u /* half a MiB */

bool cuts_init(struct cuts *c, uint64_t max_pfn)
{
	const uint64_t windows = max_pfn / FILTER_WINDOW + (max_pfn % FILTER_WINDOW != 0);
	const uint64_t each = windows / MAX_STRETCHES + (windows % MAX_STRETCHES != 0);

	c->each = max_u64(each, 1) * FILTER_WINDOW;
	c->nr = (size_t)(max_pfn / c->each + 1);
	c->kept = calloc(c->nr, sizeof(*c->kept));
	return c->kept != NULL;
}

void cuts_add(struct cuts *c, uint64_t pfn, uint64_t kept)
{
	if (c->kept && pfn / c->each < c->nr)
		c->kept[pfn / c->each] += kept;
}

void cuts_make(const struct cuts *c, uint64_t max_pfn, struct dump_part *ret, size_t nr)
{
	uint64_t total = 0, done = 0;
	size_t at = 0;

	for (size_t i = 0; i < c->nr; i++)
		total += c->kept[i];
	for (size_t p = 0; p < nr; p++) {
		/* no overflow: 2^40 pages, and not many parts */
		const uint64_t want = total * (p + 1) / nr;
		const uint64_t before = done;

		ret[p].start = min_u64(at * c->each, max_pfn);
		/* the stretch in which the border would fall goes to whom more of it belongs */
		while (at < c->nr && (p + 1 == nr || done + c->kept[at] / 2 < want))
			done += c->kept[at++];
		ret[p].end = p + 1 == nr ? max_pfn : min_u64(at * c->each, max_pfn);
		ret[p].planned = done - before;
	}
}

void cuts_deinit(struct cuts *c)
{
	free(c->kept);
	*c = (struct cuts){0};
}
