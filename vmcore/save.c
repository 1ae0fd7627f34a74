// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "vmcore/head.h"
#include "vmcore/judge.h"
#include "vmcore/pack.h"
#include "vmcore/runs.h"
#include "vmcore/save.h"

/* For the estimate so many pages are compressed of each window, of so many windows at most. */
#define SAMPLE_PAGES   32u
#define SAMPLE_WINDOWS 512u

struct save {
	const struct core *core;
	const struct core_notes *notes;
	const struct save_request *rq;
	struct save_result *res;
	struct judge judge;
	struct codec_lib *codec;
	struct packer *packers;
	unsigned nr_packers;
	struct dump_head head;
	struct runs runs;
	struct head_parts parts;
	struct out *out;
	struct dump_writer *writer;
	uint64_t windows, done; /* of FILTER_WINDOW pages; pages */
};

static bool stopped(const struct save *s)
{
	return s->rq->stop && *s->rq->stop;
}

static void progress(struct save *s, enum save_phase phase)
{
	struct save_progress p = {
		phase, s->done, s->res->count.pages, s->out ? out_written(s->out) : 0};

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

static enum xk_status count_window(struct save *s, uint64_t pfn, unsigned nr, struct diag *d)
{
	const bool elf = s->rq->format == SAVE_ELF;
	const bool look = elf && s->core->format == CORE_KDUMP;
	struct save_count *n = &s->res->count;
	struct packer *p = &s->packers[0];

	packer_judge(p, pfn, nr);
	for (unsigned i = 0; i < nr; i++) {
		uint8_t kind = p->kinds[i];

		if (kind == NO_PAGE)
			continue;
		n->found[kind]++;
		if (!judge_keeps(&s->judge, kind))
			continue;
		n->kept[kind]++;
		if (look && !is_there(p, pfn + i))
			continue;
		s->head.planned++;
		if (elf && !runs_add(&s->runs, pfn + i))
			return diag_fail(d, XK_NOMEM, "no memory for a list of pages");
	}
	return XK_OK;
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

/* First pass: what there is, and what is kept. */
static enum xk_status count(struct save *s, struct diag *d)
{
	struct windows w = {.ram = &s->core->ram};
	enum xk_status st = XK_OK;
	uint64_t pfn;
	unsigned nr;

	s->res->count.pages = pages_of(s->core);
	while (st == XK_OK && windows_next(&w, &pfn, &nr)) {
		if (stopped(s))
			return diag_fail(d, XK_FAIL, "stopped before anything was written");
		st = count_window(s, pfn, nr, d);
		s->windows++;
		s->done = min_u64(s->windows * FILTER_WINDOW, s->res->count.pages);
		progress(s, SAVE_COUNTING);
	}
	s->done = 0;
	return st;
}

static uint64_t overhead(const struct save *s)
{
	return s->rq->format == SAVE_ELF ? elf_overhead(&s->head) : kdump_overhead(&s->head);
}

/* A few pages of a window, each time at another place of it. */
static void sample_window(
	struct packer *p, uint64_t pfn, unsigned nr, uint64_t i, struct dump_chunk *c)
{
	const unsigned places = FILTER_WINDOW / SAMPLE_PAGES;
	/* a step that is prime to their number meets them all, and not in order */
	const unsigned first = (unsigned)(i * 13 % places) * SAMPLE_PAGES;

	packer_judge(p, pfn, nr);
	memset(p->kinds, NO_PAGE, first);
	memset(p->kinds + first + SAMPLE_PAGES, NO_PAGE, FILTER_WINDOW - first - SAMPLE_PAGES);
	packer_fill(p, pfn, nr, first / DUMP_CHUNK, c);
}

/* The size of the file by a sample of pages that lie evenly in the core. */
static enum xk_status estimate(struct save *s, struct diag *d)
{
	const uint64_t step = s->windows / SAMPLE_WINDOWS + 1;
	struct dump_chunk c = {.data = malloc(DUMP_CHUNK * CORE_PAGE)};
	struct windows w = {.ram = &s->core->ram};
	uint64_t pages = 0, bytes = 0, data, pfn;
	struct packer *p = &s->packers[0];
	unsigned nr;

	if (!c.data)
		return diag_fail(d, XK_NOMEM, "no memory for %u pages", DUMP_CHUNK);
	for (uint64_t i = 0; windows_next(&w, &pfn, &nr) && !stopped(s); i++) {
		if (i % step)
			continue;
		sample_window(p, pfn, nr, i / step, &c);
		bytes += c.len;
		for (unsigned k = 0; k < c.nr; k++)
			pages += c.size[k] != DUMP_NONE;
	}
	free(c.data);
	p->stats = (struct pack_stats){0};
	data = s->head.planned * CORE_PAGE;
	if (pages)
		data = (uint64_t)((double)s->head.planned * (double)bytes / (double)pages);
	s->res->estimate = overhead(s) + data;
	return XK_OK;
}

static void check_room(struct save *s)
{
	struct save_result *r = s->res;
	char text[256];

	r->room = out_room(s->rq->path);
	if (r->room >= r->estimate)
		return;
	snprintf(text, sizeof(text),
		"about %llu MiB will be needed and %llu MiB are free: the dump may end incomplete",
		(unsigned long long)(r->estimate / MiB), (unsigned long long)(r->room / MiB));
	notice(s, text);
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
	s->done = min_u64(s->done + c->nr, s->res->count.pages);
	progress(s, SAVE_WRITING);
	return st;
}

static enum xk_status open_writer(struct save *s, struct diag *d)
{
	const struct save_request *rq = s->rq;
	enum xk_status st = out_create(rq->path, rq->flattened, &s->out, d);

	if (st != XK_OK)
		return st;
	st = rq->format == SAVE_ELF ? elf_create(&s->head, s->out, &s->writer, d)
				    : kdump_create(&s->head, s->out, &s->writer, d);
	if (st != XK_OK) {
		out_abandon(s->out, false);
		s->out = NULL;
	}
	return st;
}

static void add_up(struct save *s)
{
	struct save_count *n = &s->res->count;

	for (unsigned i = 0; i < s->nr_packers; i++) {
		n->bad += s->packers[i].stats.bad;
		n->missing += s->packers[i].stats.missing;
	}
	n->written = s->writer->pages;
	n->zero = s->writer->zero_pages;
}

/* The one way out. `st` is how the pages went; what was written becomes a dump, whole or not. */
static enum xk_status conclude(struct save *s, enum xk_status st, struct diag *d)
{
	struct save_result *r = s->res;
	struct diag again;

	if (st == XK_OK)
		st = s->writer->finish(s->writer, true, d);
	r->whole = st == XK_OK;
	if (!r->whole) {
		snprintf(r->incomplete_why, sizeof(r->incomplete_why), "%s", d->text);
		diag_init(&again);
		if (s->writer->finish(s->writer, false, &again) != XK_OK) {
			out_abandon(s->out, true);
			s->out = NULL;
			return diag_append(d,
				"; and it could not be marked as incomplete either (%s): what is there was left under its temporary name",
				again.text);
		}
	}
	r->bytes = out_written(s->out);
	st = out_publish(s->out, r->whole, d);
	s->out = NULL;
	if (st != XK_OK)
		return st;
	return r->whole && r->filtered ? XK_OK : XK_PARTIAL;
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
	st = pack_all(s->packers, s->nr_packers, write_chunk, s, d);
	add_up(s);
	return conclude(s, st, d);
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
	st = count(s, d);
	s->head.runs = s->runs.v;
	s->head.nr_runs = s->runs.nr;
	if (st == XK_OK)
		st = estimate(s, d);
	if (st == XK_OK)
		check_room(s);
	return st;
}

static void deinit(struct save *s)
{
	if (s->writer)
		s->writer->destroy(s->writer);
	for (unsigned i = 0; i < s->nr_packers; i++)
		packer_deinit(&s->packers[i]);
	free(s->packers);
	codec_close(s->codec);
	judge_deinit(&s->judge);
	runs_deinit(&s->runs);
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
