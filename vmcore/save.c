// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "vmcore/count.h"
#include "vmcore/estimate.h"
#include "vmcore/head.h"
#include "vmcore/outs.h"
#include "vmcore/save.h"

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
	struct head_parts parts;
	struct counting counted;
	struct dump_part *files; /* of a split dump */
	struct outs outs;
	struct dump_writer *writer;
	uint64_t done; /* pages */
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

/* First pass: what there is, and what is kept. */
static enum xk_status count(struct save *s, struct diag *d)
{
	struct windows w = {.ram = &s->core->ram};
	enum xk_status st;
	uint64_t pfn;
	unsigned nr;

	s->counted = (struct counting){.core = s->core,
		.judge = &s->judge,
		.rq = s->rq,
		.packer = &s->packers[0],
		.res = s->res};
	st = count_init(&s->counted, d);
	while (st == XK_OK && windows_next(&w, &pfn, &nr)) {
		if (stopped(s))
			return diag_fail(d, XK_FAIL, "stopped before anything was written");
		st = count_window(&s->counted, pfn, nr, d);
		s->done = min_u64(s->counted.windows * FILTER_WINDOW, s->res->count.pages);
		progress(s, SAVE_COUNTING);
	}
	count_end(&s->counted);
	s->head.planned = s->counted.planned;
	s->head.runs = s->counted.runs.v;
	s->head.nr_runs = s->counted.runs.nr;
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
		.windows = s->counted.windows,
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
		s->packers[i].visited = &s->counted.kept;
		s->packers[i].wanted = number ? &s->counted.later : NULL;
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
	cuts_make(&s->counted.cuts, s->head.max_pfn, s->files, s->rq->parts);
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
	st = count(s, d);
	if (st == XK_OK)
		st = cut(s, d);
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
	count_deinit(&s->counted);
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
