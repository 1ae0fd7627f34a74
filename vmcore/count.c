// SPDX-License-Identifier: GPL-2.0-only
#include "vmcore/count.h"

static uint64_t pages_of(const struct core *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < c->ram.nr; i++) {
		struct range r = c->ram.v[i].r;

		n += align_up(r.end, CORE_PAGE) / CORE_PAGE - r.start / CORE_PAGE;
	}
	return n;
}

/* An ELF core is described before it is read, so what an earlier filter left out must be known. */
static bool is_there(struct packer *p, uint64_t pfn)
{
	const uint8_t *page;

	return core_page(p->reader, pfn, &page) != PAGE_EXCLUDED;
}

/* How many bytes from the first one on are like it. */
static unsigned same(const uint8_t *kinds, unsigned nr)
{
	const uint64_t eight = *kinds * UINT64_C(0x0101010101010101);
	unsigned i = 1;
	uint64_t w;

	for (; i + sizeof(w) <= nr; i += sizeof(w)) {
		memcpy(&w, kinds + i, sizeof(w));
		if (w != eight)
			break;
	}
	while (i < nr && kinds[i] == *kinds)
		i++;
	return i;
}

/* Pages that are kept. What there is of them, and where, is needed before an ELF core begins. */
static enum xk_status plan_pages(struct counting *c, uint64_t pfn, unsigned nr, struct diag *d)
{
	const bool elf = c->rq->format == SAVE_ELF;
	const bool look = elf && c->core->format == CORE_KDUMP;
	unsigned planned = nr;

	for (unsigned i = 0; elf && i < nr; i++) {
		if (look && !is_there(c->packer, pfn + i))
			planned--;
		else if (!runs_add(&c->runs, pfn + i))
			return diag_fail(d, XK_NOMEM, "no memory for a list of pages");
	}
	c->planned += planned;
	cuts_add(&c->cuts, pfn, planned);
	return XK_OK;
}

enum xk_status count_window(struct counting *c, uint64_t pfn, unsigned nr, struct diag *d)
{
	struct save_count *n = &c->res->count;
	struct packer *p = c->packer;
	enum xk_status st = XK_OK;

	c->windows++;
	packer_judge(p, pfn, nr);
	if (c->res->guests)
		xen_owners_window(&c->judge->frames, p->reader, pfn, nr, p->kinds, c->res->guests);
	for (unsigned i = 0, run; st == XK_OK && i < nr; i += run) {
		const uint8_t kind = p->kinds[i];

		run = same(p->kinds + i, nr - i);
		if (kind == NO_PAGE)
			continue;
		n->found[kind] += run;
		if (!judge_keeps(c->judge, kind))
			continue;
		n->kept[kind] += run;
		window_set_add(&c->kept, pfn);
		if (!(USEFUL >> kind & 1))
			window_set_add(&c->later, pfn);
		st = plan_pages(c, pfn + i, run, d);
	}
	return st;
}

static int by_id(const void *a, const void *b)
{
	const struct owner_pages *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Of the guests only those that have pages, and in the order of people. */
void count_end(struct counting *c)
{
	const bool all = judge_keeps(c->judge, PK_GUEST);
	struct save_result *r = c->res;
	size_t nr = 0;

	for (size_t i = 0; i < r->nr_guests; i++)
		if (r->guests[i].pages)
			r->guests[nr++] = r->guests[i];
	r->nr_guests = nr;
	for (size_t i = 0; all && i < nr; i++)
		r->guests[i].kept = r->guests[i].pages;
	if (nr)
		qsort(r->guests, nr, sizeof(*r->guests), by_id);
}

enum xk_status count_init(struct counting *c, struct diag *d)
{
	c->res->count.pages = pages_of(c->core);
	if (c->judge->xen)
		c->res->nr_guests = xen_owners(&c->judge->frames, &c->res->guests);
	if (c->rq->parts && !cuts_init(&c->cuts, c->core->max_pfn))
		return diag_fail(d, XK_NOMEM, "no memory to count pages");
	if (!window_set_init(&c->kept, c->core->max_pfn) ||
		!window_set_init(&c->later, c->core->max_pfn))
		return diag_fail(d, XK_NOMEM, "no memory to remember what is kept");
	return XK_OK;
}

void count_deinit(struct counting *c)
{
	runs_deinit(&c->runs);
	cuts_deinit(&c->cuts);
	window_set_deinit(&c->kept);
	window_set_deinit(&c->later);
}
