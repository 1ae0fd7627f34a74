// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "vmcore/cuts.h"
#include "vmcore/estimate.h"
#include "vmcore/head.h"
#include "vmcore/judge.h"
#include "vmcore/outs.h"
#include "vmcore/pack.h"
#include "vmcore/runs.h"
#include "vmcore/save.h"

/* What a crash is explained with; the rest of what is kept can wait. */
#define USEFUL (1u << PK_XEN | 1u << PK_LINUX | 1u << PK_UNKNOWN)

struct save {
	const struct core *core;
	const struct core_notes *notes;
	const struct save_request *rq;
	struct save_result *res;
	struct judge judge;
	struct codec_lib *codec;
	struct packer *packers;
	unsigned nr_packers;
	struct twins *twins;
	struct dump_head head;
	struct runs runs;
	struct head_parts parts;
	struct cuts cuts;
	struct dump_part *files; /* of a split dump */
	struct outs outs;
	struct dump_writer *writer;
	struct window_set kept, later; /* windows that keep pages; and such as are no USEFUL ones */
	uint64_t windows, done; /* of FILTER_WINDOW pages; pages */
};

static bool stopped(const struct save *s)
{
	return s->rq->stop && *s->rq->stop;
}

static void progress(struct save *s, enum save_phase phase)
{
	const uint64_t total = phase == SAVE_COUNTING ? s->res->count.pages : s->head.planned;
	struct save_progress p = {phase, min_u64(s->done, total), total, outs_written(&s->outs)};

	if (s->rq->progress)
		s->rq->progress(s->rq->ctx, &p);
}

static void notice(const struct save *s, const char *text)
{
	if (s->rq->notice)
		s->rq->notice(s->rq->ctx, text);
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
static enum xk_status plan_pages(struct save *s, uint64_t pfn, unsigned nr, struct diag *d)
{
	const bool elf = s->rq->format == SAVE_ELF;
	const bool look = elf && s->core->format == CORE_KDUMP;
	unsigned planned = nr;

	for (unsigned i = 0; elf && i < nr; i++) {
		if (look && !is_there(&s->packers[0], pfn + i))
			planned--;
		else if (!runs_add(&s->runs, pfn + i))
			return diag_fail(d, XK_NOMEM, "no memory for a list of pages");
	}
	s->head.planned += planned;
	cuts_add(&s->cuts, pfn, planned);
	return XK_OK;
}

static enum xk_status count_window(struct save *s, uint64_t pfn, unsigned nr, struct diag *d)
{
	struct save_count *n = &s->res->count;
	struct packer *p = &s->packers[0];
	enum xk_status st = XK_OK;

	packer_judge(p, pfn, nr);
	if (s->res->guests)
		xen_owners_window(&s->judge.frames, p->reader, pfn, nr, p->kinds, s->res->guests);
	for (unsigned i = 0, run; st == XK_OK && i < nr; i += run) {
		const uint8_t kind = p->kinds[i];

		run = same(p->kinds + i, nr - i);
		if (kind == NO_PAGE)
			continue;
		n->found[kind] += run;
		if (!judge_keeps(&s->judge, kind))
			continue;
		n->kept[kind] += run;
		window_set_add(&s->kept, pfn);
		if (!(USEFUL >> kind & 1))
			window_set_add(&s->later, pfn);
		st = plan_pages(s, pfn + i, run, d);
	}
	return st;
}

static uint64_t pages_of(const struct core *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < c->ram.nr; i++) {
		struct range r = c->ram.v[i].r;

		n += align_up(r.end, CORE_PAGE) / CORE_PAGE - r.start / CORE_PAGE;
	}
	return n;
}

static int by_id(const void *a, const void *b)
{
	const struct owner_pages *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Only those that have pages, and in the order of people. */
static void sort_guests(struct save *s)
{
	const bool all = judge_keeps(&s->judge, PK_GUEST);
	struct save_result *r = s->res;
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

/* First pass: what there is, and what is kept. */
static enum xk_status count(struct save *s, struct diag *d)
{
	struct windows w = {.ram = &s->core->ram};
	enum xk_status st = XK_OK;
	uint64_t pfn;
	unsigned nr;

	s->res->count.pages = pages_of(s->core);
	if (s->judge.xen)
		s->res->nr_guests = xen_owners(&s->judge.frames, &s->res->guests);
	while (st == XK_OK && windows_next(&w, &pfn, &nr)) {
		if (stopped(s))
			return diag_fail(d, XK_FAIL, "stopped before anything was written");
		st = count_window(s, pfn, nr, d);
		s->windows++;
		s->done = min_u64(s->windows * FILTER_WINDOW, s->res->count.pages);
		progress(s, SAVE_COUNTING);
	}
	sort_guests(s);
	s->done = 0;
	return st;
}

static uint64_t overhead(const struct save *s)
{
	return s->rq->format == SAVE_ELF ? elf_overhead(&s->head) : kdump_overhead(&s->head);
}

static enum xk_status estimate(struct save *s, struct diag *d)
{
	const struct estimate_from from = {
		.rq = s->rq,
		.packer = &s->packers[0],
		.count = &s->res->count,
		.windows = s->windows,
		.planned = s->head.planned,
		.overhead = overhead(s),
	};
	struct save_result *r = s->res;
	enum xk_status st = estimate_size(&from, &r->estimate, d);
	char text[1024];

	if (st != XK_OK)
		return st;
	r->room = out_room(s->rq->path);
	if (r->room >= r->estimate.bytes)
		return XK_OK;
	estimate_advice(s->rq, r, text, sizeof(text));
	notice(s, text);
	return XK_OK;
}

/* The judge reads with a reader that ends before those of the threads begin. */
static enum xk_status make_judge(struct save *s, struct diag *d)
{
	struct core_reader *r = core_reader_create(s->core);
	enum xk_status st;

	if (!r)
		return diag_fail(d, XK_NOMEM, "no memory to read the core");
	st = judge_init(s->core, s->notes, r, &s->rq->filter, &s->judge, d);
	core_reader_destroy(r);
	if (st != XK_OK)
		return st;
	s->res->filtered = s->judge.usable;
	if (!s->judge.usable) {
		snprintf(
			s->res->unfiltered_why, sizeof(s->res->unfiltered_why), "%s", s->judge.why);
		notice(s, s->judge.why);
	}
	if (*s->judge.doubts)
		notice(s, s->judge.doubts);
	return st;
}

static enum xk_status make_packers(struct save *s, struct diag *d)
{
	unsigned want = s->rq->threads ? s->rq->threads : 1;
	enum xk_status st = codec_open(s->head.codec, s->rq->plain, &s->codec, d);

	if (st != XK_OK)
		return st;
	want = want < SAVE_MAX_THREADS ? want : SAVE_MAX_THREADS;
	s->packers = calloc(want, sizeof(*s->packers));
	if (!s->packers)
		return diag_fail(d, XK_NOMEM, "no memory for %u threads", want);
	while (s->nr_packers < want) {
		st = packer_init(s->core, &s->judge, s->codec, &s->packers[s->nr_packers], d);
		if (st != XK_OK)
			break;
		s->nr_packers++;
	}
	s->res->threads = s->nr_packers;
	s->res->compressor = codec_maker(s->codec);
	return s->nr_packers ? XK_OK : st; /* fewer threads will do */
}

static enum xk_status write_chunk(void *ctx, const struct dump_chunk *c, struct diag *d)
{
	struct save *s = ctx;
	enum xk_status st;

	if (stopped(s))
		return diag_fail(d, XK_PARTIAL, "stopped by a signal");
	st = s->writer->chunk(s->writer, c, d);
	for (unsigned i = 0; i < c->nr; i++)
		s->done += c->size[i] != DUMP_NONE && c->size[i] != DUMP_LATER;
	progress(s, SAVE_WRITING);
	return st;
}

static enum xk_status open_writer(struct save *s, struct diag *d)
{
	const struct save_request *rq = s->rq;
	enum xk_status st = outs_create(rq->path, rq->parts, rq->flattened, &s->outs, d);

	if (st != XK_OK)
		return st;
	st = rq->format == SAVE_ELF ? elf_create(&s->head, s->outs.v[0], &s->writer, d)
				    : kdump_create(&s->head, s->outs.v, &s->writer, d);
	if (st != XK_OK)
		outs_abandon(&s->outs, false);
	return st;
}

static void add_up(struct save *s)
{
	struct save_count *n = &s->res->count;

	for (unsigned i = 0; i < s->nr_packers; i++) {
		const struct pack_stats *p = &s->packers[i].stats;

		if (p->bad && (!n->bad || p->first_bad < n->first_bad))
			n->first_bad = p->first_bad;
		n->bad += p->bad;
		n->missing += p->missing;
	}
	n->written = s->writer->pages;
	n->zero = s->writer->zero_pages;
	n->twins = s->writer->twin_pages;
}

/* Nobody knows what of it is on the device: it keeps its temporary name, and must not say that it
 * is whole. What went out as a stream's last record cannot be taken back; it has no end yet. */
static enum xk_status unsafe(struct save *s, struct diag *d)
{
	struct diag again;

	diag_init(&again);
	if (!out_flattened(s->outs.v[0]))
		(void)s->writer->finish(s->writer, false, &again);
	outs_abandon(&s->outs, true);
	return diag_append(d, "; it was left under its temporary name, marked incomplete");
}

/* The one way out. `st` is how the pages went; what was written becomes a dump, whole or not. One
 * that lacks pages only because they cannot be read has all that can be had: it gets its name, and
 * its header says that it is incomplete. */
static enum xk_status conclude(struct save *s, enum xk_status st, struct diag *d)
{
	struct save_result *r = s->res;
	struct diag again;

	if (st == XK_OK) {
		st = s->writer->finish(s->writer, !r->count.bad, d);
		if (st == XK_OK && outs_flush(&s->outs, d) != XK_OK)
			return unsafe(s, d);
	}
	r->whole = st == XK_OK;
	if (!r->whole) {
		snprintf(r->incomplete_why, sizeof(r->incomplete_why), "%s", d->text);
		diag_init(&again);
		if (s->writer->finish(s->writer, false, &again) != XK_OK) {
			outs_abandon(&s->outs, true);
			return diag_append(d,
				"; and it could not be brought to an end either (%s): what is there was left under its temporary name",
				again.text);
		}
	}
	r->bytes = outs_written(&s->outs);
	st = outs_publish(&s->outs, r->whole, d);
	if (st != XK_OK)
		return st;
	return r->whole && r->filtered && !r->count.bad ? XK_OK : XK_PARTIAL;
}

/* The second of two passes looks at those windows only that have something for it; but it visits
 * all that the first one did. */
static enum xk_status pass(struct save *s, unsigned number, uint32_t want, struct diag *d)
{
	for (unsigned i = 0; i < s->nr_packers; i++) {
		s->packers[i].want = want;
		s->packers[i].pass = number;
		s->packers[i].visited = &s->kept;
		s->packers[i].wanted = number ? &s->later : NULL;
	}
	return pack_all(s->packers, s->nr_packers, write_chunk, s, d);
}

/* Of pages of two sorts the useful ones are written first, where the format allows it. */
static enum xk_status write_pages(struct save *s, struct diag *d)
{
	const bool in_order = !s->writer->again || out_flattened(s->outs.v[0]);
	uint32_t kinds = 0;
	enum xk_status st;

	for (unsigned k = 0; k < PK_KINDS; k++)
		kinds |= s->res->count.kept[k] ? 1u << k : 0;
	if (in_order || !(kinds & USEFUL) || !(kinds & ~USEFUL))
		return pass(s, 0, UINT32_MAX, d);
	st = pass(s, 0, USEFUL, d);
	if (st == XK_OK)
		st = s->writer->again(s->writer, d);
	return st == XK_OK ? pass(s, 1, ~USEFUL, d) : st;
}

/* Not before the estimate, whose pages are written nowhere; nor with parts, whose data are in files
 * of their own. Without memory each page is stored. */
static void share_twins(struct save *s)
{
	if (s->rq->format != SAVE_KDUMP || s->rq->parts > 1)
		return;
	s->twins = twins_create();
	for (unsigned i = 0; i < s->nr_packers; i++)
		s->packers[i].twins = s->twins;
}

/* What fails of them is told, and no failure of the dump's. */
static void write_small(struct save *s)
{
	const struct small_request rq = {s->rq->path, s->rq->time, s->rq->notice, s->rq->ctx};

	small_write(s->core, s->notes, &rq, &s->res->small);
}

static enum xk_status write_dump(struct save *s, struct diag *d)
{
	enum xk_status st = open_writer(s, d);

	if (st != XK_OK)
		return st;
	if (s->rq->small)
		write_small(s);
	progress(s, SAVE_WRITING);
	share_twins(s);
	st = write_pages(s, d);
	add_up(s);
	return conclude(s, st, d);
}

/* Where the parts end, now that it is known what lies where. */
static enum xk_status cut(struct save *s, struct diag *d)
{
	if (!s->rq->parts)
		return XK_OK;
	s->files = calloc(s->rq->parts, sizeof(*s->files));
	if (!s->files)
		return diag_fail(d, XK_NOMEM, "no memory for %u parts", s->rq->parts);
	cuts_make(&s->cuts, s->head.max_pfn, s->files, s->rq->parts);
	s->head.parts = s->files;
	s->head.nr_parts = s->rq->parts;
	return XK_OK;
}

static enum xk_status plan(struct save *s, struct diag *d)
{
	enum xk_status st = head_fill(s->core, s->notes, s->rq, &s->head, &s->parts, d);

	if (*s->parts.notice)
		notice(s, s->parts.notice);
	if (st == XK_OK)
		st = make_judge(s, d);
	if (st == XK_OK)
		st = make_packers(s, d);
	if (st != XK_OK)
		return st;
	if (s->rq->parts && !cuts_init(&s->cuts, s->head.max_pfn))
		return diag_fail(d, XK_NOMEM, "no memory to count pages");
	if (!window_set_init(&s->kept, s->core->max_pfn) ||
		!window_set_init(&s->later, s->core->max_pfn))
		return diag_fail(d, XK_NOMEM, "no memory to remember what is kept");
	st = count(s, d);
	if (st == XK_OK)
		st = cut(s, d);
	s->head.runs = s->runs.v;
	s->head.nr_runs = s->runs.nr;
	if (st == XK_OK)
		st = estimate(s, d);
	return st;
}

static void deinit(struct save *s)
{
	if (s->writer)
		s->writer->destroy(s->writer);
	for (unsigned i = 0; i < s->nr_packers; i++)
		packer_deinit(&s->packers[i]);
	free(s->packers);
	twins_destroy(s->twins);
	codec_close(s->codec);
	judge_deinit(&s->judge);
	runs_deinit(&s->runs);
	cuts_deinit(&s->cuts);
	window_set_deinit(&s->kept);
	window_set_deinit(&s->later);
	free(s->files);
	head_parts_deinit(&s->parts);
}

enum xk_status save_core(const struct core *c, const struct core_notes *n,
	const struct save_request *rq, struct save_result *ret, struct diag *d)
{
	struct save s = {.core = c, .notes = n, .rq = rq, .res = ret};
	enum xk_status st;

	*ret = (struct save_result){.room = UINT64_MAX};
	st = plan(&s, d);
	if (st == XK_OK && !rq->dry_run)
		st = write_dump(&s, d);
	else if (st == XK_OK && !ret->filtered)
		st = XK_PARTIAL;
	deinit(&s);
	return st;
}

void save_result_deinit(struct save_result *r)
{
	free(r->guests);
	r->guests = NULL;
	r->nr_guests = 0;
}
