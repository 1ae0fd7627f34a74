// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which table of flags this dump has. The version proposes one; what is known of the dump from
 * elsewhere decides: pages of Xen's image and of the frame table are in use, dom0's pages are
 * dom0's, every entry is one that a Xen with that table can have left, and free pages lie as the
 * buddy allocator leaves them.
 */
#include <stdio.h>

#include "vmcore/why.h"
#include "vmcore/xen_frames.h"

#define say(f, ...) why_add((f)->why, sizeof((f)->why), __VA_ARGS__)

#define WINDOWS	     512 /* spread over memory */
#define WINDOW	     256 /* pages: aligned, so that a chunk starts at its start or within */
#define KNOWN_DOM0   4096
#define KNOWN_FRAMES 512 /* of each run of the frame table */
#define ORDER_MAX    20 /* MAX_ORDER of Xen's x86 configuration */

struct score {
	unsigned insane; /* entries that no Xen with this table leaves */
	unsigned xen_wrong; /* pages known to be Xen's that read as free, broken or a guest's */
	unsigned dom0_wrong; /* pages known to be dom0's that read as anything else */
	unsigned runs, runs_wrong; /* where free pages begin: that it is a chunk */
	unsigned free;
};

struct trial {
	const struct core *c;
	const struct core_notes *n;
	struct core_reader *r;
	const struct xen_frames *f;
	unsigned sampled, xen, dom0, owned, strange; /* strange: owned by no domain known */
	struct score score[PGC_TABLES];
};

/* A run of free pages begins with the head of a chunk: its order is in the place of the owner, and
 * it is aligned to its size. */
static void try_head(struct trial *t, struct score *s, uint64_t pfn, struct xen_page p)
{
	uint32_t order = (uint32_t)p.owner;

	(void)t;
	s->runs++;
	if (order > ORDER_MAX || pfn & ((UINT64_C(1) << order) - 1))
		s->runs_wrong++;
}

static bool reads_free(const struct pgc *t, struct xen_page p)
{
	return !(p.info & PGC_XEN_HEAP) && !(p.info & t->broken) &&
	       pgc_state(t, p.info) == PGC_FREE;
}

static void try_pages(struct trial *t, uint64_t pfn, const uint8_t *entry, size_t nr)
{
	for (size_t k = 0; k < PGC_TABLES; k++) {
		const struct pgc *g = &pgc_tables[k];
		struct score *s = &t->score[k];
		bool before = true; /* what precedes the first page is not seen */
		const uint8_t *e = entry;

		for (size_t i = 0; i < nr; i++, e += t->f->frames.size) {
			struct xen_page p = xen_page_at(t->f, e);
			bool free = reads_free(g, p);

			s->insane += !pgc_sane(g, p.info) && p.info != UINT64_MAX;
			s->free += free;
			if (free && !before)
				try_head(t, s, pfn + i, p);
			before = free;
		}
	}
	t->sampled += (unsigned)nr;
	for (size_t i = 0; i < nr; i++, entry += t->f->frames.size) {
		struct xen_page p = xen_page_at(t->f, entry);

		/* in use under every table */
		if (!(p.info & PGC_XEN_HEAP) && p.info & PGC_ALLOCATED && p.info & 0xffffffff &&
			p.owner) {
			t->owned++;
			t->strange += !xen_domain_find(t->f, p.owner);
		}
	}
}

static void try_window(struct trial *t, uint64_t pfn, size_t nr)
{
	uint8_t scratch[XEN_ENTRY_MAX];
	const uint8_t *data;

	while (nr && pfn < t->f->x.max_page) {
		size_t n = xen_page_run(t->f, t->r, pfn, nr, scratch, &data);

		if (n)
			try_pages(t, pfn, data, n);
		else
			n = 1;
		pfn += n;
		nr -= n;
	}
}

/* Evenly over the memory that there is. */
static void try_windows(struct trial *t)
{
	uint64_t pages = 0, step, next = 0, before = 0;

	for (size_t i = 0; i < t->c->ram.nr; i++)
		pages += range_size(t->c->ram.v[i].r) / CORE_PAGE;
	step = max_u64(pages / WINDOWS, WINDOW);
	for (size_t i = 0; i < t->c->ram.nr; i++) {
		uint64_t first = t->c->ram.v[i].r.start / CORE_PAGE;
		uint64_t n = range_size(t->c->ram.v[i].r) / CORE_PAGE;

		for (; next < before + n; next += step) {
			uint64_t pfn = align_down(first + (next - before), WINDOW);

			if (pfn < first)
				pfn = first;
			try_window(t, pfn, (size_t)min_u64(WINDOW - pfn % WINDOW, first + n - pfn));
		}
		before += n;
	}
}

static void known_xen(struct trial *t, uint64_t pfn)
{
	struct xen_page p;

	if (!xen_page_get(t->f, t->r, pfn, &p))
		return;
	t->xen++;
	for (size_t k = 0; k < PGC_TABLES; k++)
		t->score[k].xen_wrong +=
			!((1u << xen_page_kind(t->f, &pgc_tables[k], p)) & (1u << PK_XEN));
}

static void known_address(struct trial *t, const char *name)
{
	vaddr_t at;
	maddr_t m;

	if ((vmcoreinfo_symbol(t->n->vmcoreinfo_xen, name, &at) || xen_symbol(t->n, name, &at)) &&
		xen_to_machine(&t->f->x, t->r, at, &m, NULL))
		known_xen(t, m / CORE_PAGE);
}

static void try_xen(struct trial *t)
{
	static const char *const names[] = {"domain_list", "frame_table", "max_page", "dom_xen",
		"dom_io", "pgd_l4", "idle_pg_table", "conring"};
	vaddr_t start, end;
	maddr_t m;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		known_address(t, names[i]);
	/* Not the whole image: what was needed only at boot is given to the heap. */
	if (xen_symbol(t->n, "_stext", &start) && xen_symbol(t->n, "_etext", &end) &&
		end - start < 64 * MiB)
		for (; start < end; start += CORE_PAGE)
			if (xen_to_machine(&t->f->x, t->r, start, &m, NULL))
				known_xen(t, m / CORE_PAGE);
	for (size_t i = 0; i < t->f->frames.nr; i++) {
		const struct xen_run *run = &t->f->frames.runs[i];
		uint64_t pages = run->len / CORE_PAGE, step = pages / KNOWN_FRAMES + 1;

		/* Many runs are few pages each. */
		if (t->xen > 64 * KNOWN_FRAMES)
			break;
		for (uint64_t k = 0; k < pages; k += step)
			known_xen(t, run->to / CORE_PAGE + k);
	}
}

static void try_dom0(struct trial *t, const struct p2m *p2m)
{
	uint64_t step = p2m->nr / KNOWN_DOM0 + 1;

	for (uint64_t pfn = 0; pfn < p2m->nr; pfn += step) {
		uint64_t mfn = p2m_mfn(p2m, t->r, pfn);
		struct xen_page p;

		if (mfn == P2M_NONE || !xen_page_get(t->f, t->r, mfn, &p))
			continue;
		t->dom0++;
		for (size_t k = 0; k < PGC_TABLES; k++)
			t->score[k].dom0_wrong +=
				xen_page_kind(t->f, &pgc_tables[k], p) != PK_LINUX;
	}
}

/* A few of anything may be wrong in a system that has just crashed: half-done updates, a page
 * between two owners, damage. `most` sets how many of `all` that may be, in 1024ths. */
static bool few(unsigned wrong, unsigned all, unsigned most)
{
	return wrong <= 2 + (uint64_t)all * most / 1024;
}

static bool consistent(const struct trial *t, const struct score *s, unsigned least_insane)
{
	return few(s->xen_wrong, t->xen, 0) && few(s->dom0_wrong, t->dom0, 16) &&
	       few(s->runs_wrong, s->runs, 32) && few(s->insane, t->sampled, 4) &&
	       s->insane <= 4 * least_insane + 8;
}

static unsigned doubts(const struct score *s)
{
	return s->xen_wrong + s->dom0_wrong + s->runs_wrong + s->insane;
}

/* Consistent tables of the proposal's family first, then the one with the fewest doubts. A second
 * family that is consistent too makes the answer open, and then only the proposal counts. */
static const struct pgc *decide(
	const struct trial *t, const struct pgc *proposed, unsigned *families)
{
	const struct pgc *best = NULL;
	unsigned least = UINT32_MAX;

	*families = 0;
	for (size_t k = 0; k < PGC_TABLES; k++)
		if (t->score[k].insane < least)
			least = t->score[k].insane;
	if (consistent(t, &t->score[proposed - pgc_tables], least)) {
		*families = 1u << proposed->family;
		return proposed;
	}
	for (size_t k = 0; k < PGC_TABLES; k++) {
		if (!consistent(t, &t->score[k], least))
			continue;
		*families |= 1u << pgc_tables[k].family;
		if (!best || doubts(&t->score[k]) < doubts(&t->score[best - pgc_tables]))
			best = &pgc_tables[k];
	}
	return *families & (*families - 1) ? NULL : best;
}

/* Xen's extra version: from the loader's facts, else by the address in Xen's note. */
static uint32_t stable_number(const struct trial *t)
{
	static const char key[] = "\nxen.extra = \"";
	char extra[33] = "";

	if (t->n->xenkdump && t->n->xenkdump->facts.len) {
		const struct buf *facts = &t->n->xenkdump->facts;
		const uint8_t *at = memmem(facts->data, facts->len, key, sizeof(key) - 1);

		if (at) {
			at += sizeof(key) - 1;
			memcpy(extra, at,
				(size_t)min_u64(sizeof(extra) - 1,
					(uint64_t)(facts->data + facts->len - at)));
			return pgc_stable(extra);
		}
	}
	if (!t->n->xen_info.extra ||
		!core_read(t->r, t->n->xen_info.extra, extra, sizeof(extra) - 1))
		return 0;
	return pgc_stable(extra);
}

void xen_flags_choose(struct xen_filter *xf, const struct core *c, const struct core_notes *n,
	const struct p2m *p2m, struct core_reader *r)
{
	struct xen_frames *f = xf->frames;
	struct trial t = {.c = c, .n = n, .r = r, .f = f};
	uint32_t stable = stable_number(&t);
	const struct pgc *proposed = pgc_propose(f->x.major, f->x.minor, stable), *g;
	const struct score *s;
	unsigned families;

	try_windows(&t);
	try_xen(&t);
	try_dom0(&t, p2m);
	if (!t.sampled) {
		say(xf, "no entry of Xen's frame table can be read");
		xf->doubts++;
		return;
	}
	if (!t.dom0 && (!t.owned || t.strange > t.owned / 8)) {
		say(xf, "no page is known to be dom0's, and of %u owned pages %u belong to no domain that is known",
			t.owned, t.strange);
		xf->doubts++;
		return;
	}
	g = decide(&t, proposed, &families);
	s = &t.score[(g ? g : proposed) - pgc_tables];
	xf->doubts += doubts(s) + t.strange;
	if (!g) {
		say(xf, "the frame table does not read as that of Xen %u.%u.%u (flags of %s): of %u entries %u make no sense, %u of %u pages of Xen and %u of %u of dom0 read as something else, %u of %u free stretches are none; %s",
			f->x.major, f->x.minor, stable, proposed->name, t.sampled, s->insane,
			s->xen_wrong, t.xen, s->dom0_wrong, t.dom0, s->runs_wrong, s->runs,
			families ? "several others fit" : "and no other table fits");
		return;
	}
	if (g != proposed) {
		xf->doubts++;
		say(xf, "flags of Xen %s, not those that %u.%u.%u should have", g->name, f->x.major,
			f->x.minor, stable);
	} else {
		say(xf, "flags of Xen %s", g->name);
	}
	if (s->insane + s->xen_wrong + s->dom0_wrong + s->runs_wrong)
		say(xf, "of %u entries %u make no sense; %u of %u pages of Xen and %u of %u of dom0 read as something else; %u of %u free stretches are none",
			t.sampled, s->insane, s->xen_wrong, t.xen, s->dom0_wrong, t.dom0,
			s->runs_wrong, s->runs);
	if (t.strange)
		say(xf, "of %u owned pages %u belong to no domain that is known", t.owned,
			t.strange);
	f->pgc = g;
	xf->usable = true;
}
