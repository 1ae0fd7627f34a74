// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>

#include "vmcore/pack.h"

#define CHUNKS (FILTER_WINDOW / DUMP_CHUNK) /* of a window */

/* Chunks that wait to be written, for each thread: a window, so that all can work on one each while
 * the writer waits for the disk. */
#define SLOTS_PER_THREAD CHUNKS

bool windows_next(struct windows *w, uint64_t *pfn, unsigned *nr)
{
	for (; w->i < w->ram->nr; w->i++) {
		struct range r = w->ram->v[w->i].r;
		uint64_t end = r.end / CORE_PAGE + (r.end % CORE_PAGE != 0);
		uint64_t first = max_u64(align_down(r.start / CORE_PAGE, FILTER_WINDOW), w->next);

		if (range_empty(r) || first >= end)
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

enum xk_status packer_init(const struct core *c, const struct judge *j, const struct codec_lib *l,
	struct packer *ret, struct diag *d)
{
	*ret = (struct packer){.core = c, .judge = j, .want = UINT32_MAX};
	ret->reader = core_reader_create(c);
	if (ret->reader)
		ret->jx = judge_ctx_create(j, ret->reader);
	ret->codec = codec_ctx_create(l);
	if (ret->jx && ret->codec)
		return XK_OK;
	packer_deinit(ret);
	return diag_fail(d, XK_NOMEM, "no memory for reading and compressing");
}

void packer_deinit(struct packer *p)
{
	codec_ctx_destroy(p->codec);
	judge_ctx_destroy(p->jx);
	core_reader_destroy(p->reader);
	*p = (struct packer){0};
}

unsigned packer_judge(struct packer *p, uint64_t pfn, unsigned nr)
{
	judge_window(p->jx, pfn, nr, p->kinds);
	return window_mask(&p->core->ram, pfn, nr, p->kinds);
}

static bool keeps(const struct packer *p, unsigned i)
{
	return p->kinds[i] != NO_PAGE && judge_keeps(p->judge, p->kinds[i]);
}

static uint16_t pack_page(struct packer *p, const uint8_t *page, struct dump_chunk *c)
{
	const uint8_t *packed;
	size_t n;

	if (page_is_zero(page))
		return 0;
	n = codec_page(p->codec, page, &packed);
	if (!n) {
		packed = page;
		n = CORE_PAGE;
	}
	memcpy(c->data + c->len, packed, n);
	c->len += n;
	return (uint16_t)n;
}

/* Pages that lie together; the first one's state when there are none. */
static size_t read_run(
	struct packer *p, uint64_t pfn, size_t max, const uint8_t **data, enum page_state *state)
{
	size_t n = core_run(p->reader, pfn, max, data);

	*state = PAGE_DATA;
	if (n)
		return n;
	*state = core_page(p->reader, pfn, data);
	return *state == PAGE_DATA;
}

void packer_fill(struct packer *p, uint64_t pfn, unsigned nr, unsigned i, struct dump_chunk *c)
{
	unsigned first = i * DUMP_CHUNK, at = 0;

	c->pfn = pfn + first;
	c->nr = nr <= first ? 0 : nr - first < DUMP_CHUNK ? nr - first : DUMP_CHUNK;
	c->len = 0;
	while (at < c->nr) {
		enum page_state state;
		const uint8_t *data;
		unsigned max = 0;
		size_t n;

		while (at + max < c->nr && keeps(p, first + at + max) &&
			p->want >> p->kinds[first + at + max] & 1)
			max++;
		if (!max) {
			c->size[at] = keeps(p, first + at) ? DUMP_LATER : DUMP_NONE;
			at++;
			continue;
		}
		n = read_run(p, c->pfn + at, max, &data, &state);
		for (size_t k = 0; k < n; k++)
			c->size[at++] = pack_page(p, data + k * CORE_PAGE, c);
		if (n)
			continue;
		/* of two passes the first has promised it */
		c->size[at++] = p->want == UINT32_MAX ? DUMP_NONE : DUMP_LATER;
		if (state != PAGE_BAD)
			p->stats.missing++;
		else if (!p->stats.bad++ || c->pfn + at - 1 < p->stats.first_bad)
			p->stats.first_bad = c->pfn + at - 1;
	}
}

static enum xk_status pack_alone(struct packer *p, pack_sink *sink, void *ctx, struct diag *d)
{
	struct windows w = {.ram = &p->core->ram};
	struct dump_chunk c = {.data = malloc(DUMP_CHUNK * CORE_PAGE)};
	enum xk_status st = XK_OK;
	unsigned nr;
	uint64_t pfn;

	if (!c.data)
		return diag_fail(d, XK_NOMEM, "no memory for %u pages", DUMP_CHUNK);
	while (st == XK_OK && windows_next(&w, &pfn, &nr)) {
		packer_judge(p, pfn, nr);
		for (unsigned i = 0; i < CHUNKS && st == XK_OK; i++) {
			packer_fill(p, pfn, nr, i, &c);
			st = sink(ctx, &c, d);
		}
	}
	free(c.data);
	return st;
}

struct slot {
	struct dump_chunk c;
	bool full;
};

/* Chunks are numbered in ascending order; number n goes through slot n % nr_slots. The thread with
 * the lowest number never waits for another one, only for the writer. */
struct crew {
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	struct windows windows;
	struct slot *slots;
	size_t nr_slots;
	uint64_t given, written; /* numbers from here on are not yet given out, written */
	bool no_more, stop;
};

struct worker {
	struct crew *crew;
	struct packer *packer;
	pthread_t thread;
};

/* Takes the next window. */
static bool crew_take(struct crew *w, uint64_t *pfn, unsigned *nr, uint64_t *number)
{
	bool ret;

	pthread_mutex_lock(&w->lock);
	ret = !w->stop && windows_next(&w->windows, pfn, nr);
	if (ret) {
		*number = w->given;
		w->given += CHUNKS;
	} else {
		w->no_more = true;
		pthread_cond_signal(&w->filled);
	}
	pthread_mutex_unlock(&w->lock);
	return ret;
}

/* The slot for this number, once it is empty; NULL: all work ends. */
static struct slot *crew_slot(struct crew *w, uint64_t number)
{
	bool stop;

	pthread_mutex_lock(&w->lock);
	while (!w->stop && number >= w->written + w->nr_slots)
		pthread_cond_wait(&w->emptied, &w->lock);
	stop = w->stop;
	pthread_mutex_unlock(&w->lock);
	return stop ? NULL : &w->slots[number % w->nr_slots];
}

static void crew_filled(struct crew *w, struct slot *s, uint64_t number)
{
	pthread_mutex_lock(&w->lock);
	s->full = true;
	if (number == w->written)
		pthread_cond_signal(&w->filled);
	pthread_mutex_unlock(&w->lock);
}

static void *work(void *arg)
{
	struct worker *me = arg;
	struct crew *w = me->crew;
	uint64_t pfn, number;
	unsigned nr;

	while (crew_take(w, &pfn, &nr, &number)) {
		packer_judge(me->packer, pfn, nr);
		for (unsigned i = 0; i < CHUNKS; i++) {
			struct slot *s = crew_slot(w, number + i);

			if (!s)
				return NULL;
			packer_fill(me->packer, pfn, nr, i, &s->c);
			crew_filled(w, s, number + i);
		}
	}
	return NULL;
}

/* The next chunk in order; NULL: there are no more. */
static struct slot *crew_next(struct crew *w)
{
	struct slot *s = &w->slots[w->written % w->nr_slots];

	pthread_mutex_lock(&w->lock);
	while (!s->full && !(w->no_more && w->written == w->given))
		pthread_cond_wait(&w->filled, &w->lock);
	pthread_mutex_unlock(&w->lock);
	return s->full ? s : NULL;
}

static void crew_emptied(struct crew *w, struct slot *s, bool stop)
{
	pthread_mutex_lock(&w->lock);
	s->full = false;
	w->written++;
	w->stop = stop;
	pthread_cond_broadcast(&w->emptied);
	pthread_mutex_unlock(&w->lock);
}

static enum xk_status crew_write(struct crew *w, pack_sink *sink, void *ctx, struct diag *d)
{
	enum xk_status st = XK_OK;
	struct slot *s;

	while (st == XK_OK && (s = crew_next(w))) {
		st = sink(ctx, &s->c, d);
		crew_emptied(w, s, st != XK_OK);
	}
	return st;
}

static bool crew_init(struct crew *w, const struct range_list *ram, unsigned nr)
{
	*w = (struct crew){.windows = {.ram = ram}};
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->filled, NULL);
	pthread_cond_init(&w->emptied, NULL);
	w->nr_slots = (size_t)nr * SLOTS_PER_THREAD;
	w->slots = calloc(w->nr_slots, sizeof(*w->slots));
	if (!w->slots)
		return false;
	for (size_t i = 0; i < w->nr_slots; i++) {
		w->slots[i].c.data = malloc(DUMP_CHUNK * CORE_PAGE);
		if (!w->slots[i].c.data)
			return false;
	}
	return true;
}

static void crew_deinit(struct crew *w)
{
	for (size_t i = 0; w->slots && i < w->nr_slots; i++)
		free(w->slots[i].c.data);
	free(w->slots);
	pthread_cond_destroy(&w->emptied);
	pthread_cond_destroy(&w->filled);
	pthread_mutex_destroy(&w->lock);
}

enum xk_status pack_all(struct packer *p, unsigned nr, pack_sink *sink, void *ctx, struct diag *d)
{
	struct worker *workers = calloc(nr, sizeof(*workers));
	enum xk_status st;
	unsigned made = 0;
	struct crew w;

	if (nr < 2 || !workers || !crew_init(&w, &p->core->ram, nr)) {
		if (nr >= 2 && workers)
			crew_deinit(&w);
		free(workers);
		return pack_alone(p, sink, ctx, d);
	}
	for (; made < nr; made++) {
		workers[made].crew = &w;
		workers[made].packer = &p[made];
		if (pthread_create(&workers[made].thread, NULL, work, &workers[made]))
			break;
	}
	st = made ? crew_write(&w, sink, ctx, d) : pack_alone(p, sink, ctx, d);
	for (unsigned i = 0; i < made; i++)
		pthread_join(workers[i].thread, NULL);
	crew_deinit(&w);
	free(workers);
	return st;
}
