// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>

#include "vmcore/pack.h"

#define CHUNKS (FILTER_WINDOW / DUMP_CHUNK) /* of a window */

/* Chunks that wait to be written: so many, and so many with data for each thread. Where nothing is
 * kept, or all is zero, there are no data, so that no thread stops at such windows. */
#define SLOTS		  512u
#define SPARES_PER_THREAD 3u

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

/* Where nothing is wanted, which is known from the count, the frame table is not read again. The
 * chunks are given out all the same: the writer counts by them. */
static void judge_wanted(struct packer *p, uint64_t pfn, unsigned nr)
{
	if (window_set_has(p->wanted, pfn))
		packer_judge(p, pfn, nr);
	else
		memset(p->kinds, NO_PAGE, nr);
}

static bool keeps(const struct packer *p, unsigned i)
{
	return p->kinds[i] != NO_PAGE && judge_keeps(p->judge, p->kinds[i]);
}

/* Page i of the chunk. */
static uint16_t pack_page(struct packer *p, const uint8_t *page, unsigned i, struct dump_chunk *c)
{
	const uint8_t *packed;
	size_t n;

	c->slot[i] = TWINS_NONE;
	if (page_is_zero(page))
		return 0;
	if (p->twins && twins_find(p->twins, p->reader, page,
				(uint64_t)p->pass << TWINS_PFN_BITS | (c->pfn + i), &c->slot[i]))
		return DUMP_TWIN;
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
		for (size_t k = 0; k < n; k++, at++)
			c->size[at] = pack_page(p, data + k * CORE_PAGE, at, c);
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
	struct windows w = {.ram = &p->core->ram, .only = p->visited};
	struct dump_chunk c = {.data = malloc(DUMP_CHUNK * CORE_PAGE)};
	enum xk_status st = XK_OK;
	unsigned nr;
	uint64_t pfn;

	if (!c.data)
		return diag_fail(d, XK_NOMEM, "no memory for %u pages", DUMP_CHUNK);
	while (st == XK_OK && windows_next(&w, &pfn, &nr)) {
		judge_wanted(p, pfn, nr);
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
	bool lent; /* the data are its worker's, who waits */
};

/* Chunks are numbered in ascending order; number n goes through slot n % SLOTS. */
struct crew {
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	struct windows windows;
	struct slot *slots;
	uint8_t **spares; /* buffers for a chunk's data that nobody has */
	size_t nr_spares;
	uint64_t given, written; /* numbers from here on are not yet given out, written */
	bool no_more, stop;
};

struct worker {
	struct crew *crew;
	struct packer *packer;
	struct dump_chunk chunk; /* always with a buffer */
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

/* Whether this chunk may be handed over. One whose turn it is always may: what comes after it waits
 * for it. */
static bool has_room(const struct crew *w, uint64_t number, const struct dump_chunk *c)
{
	return number == w->written || (number < w->written + SLOTS && (!c->len || w->nr_spares));
}

/* Hands over the chunk that the worker filled, in exchange for a spare buffer; false: all work
 * ends. Without a spare one the worker waits until its own is back. */
static bool crew_put(struct worker *me, uint64_t number)
{
	struct crew *w = me->crew;
	struct slot *s = &w->slots[number % SLOTS];
	struct dump_chunk *c = &me->chunk;
	bool ret;

	pthread_mutex_lock(&w->lock);
	while (!w->stop && !has_room(w, number, c))
		pthread_cond_wait(&w->emptied, &w->lock);
	if (!w->stop) {
		s->c = *c;
		s->full = true;
		s->lent = !c->len || !w->nr_spares;
		if (!s->lent)
			c->data = w->spares[--w->nr_spares];
		if (number == w->written)
			pthread_cond_signal(&w->filled);
		while (c->len && s->lent && !w->stop && number >= w->written)
			pthread_cond_wait(&w->emptied, &w->lock);
	}
	ret = !w->stop;
	pthread_mutex_unlock(&w->lock);
	return ret;
}

static void *work(void *arg)
{
	struct worker *me = arg;
	uint64_t pfn, number;
	unsigned nr;

	while (crew_take(me->crew, &pfn, &nr, &number)) {
		judge_wanted(me->packer, pfn, nr);
		for (unsigned i = 0; i < CHUNKS; i++) {
			packer_fill(me->packer, pfn, nr, i, &me->chunk);
			if (!crew_put(me, number + i))
				return NULL;
		}
	}
	return NULL;
}

/* The next chunk in order; NULL: there are no more. */
static struct slot *crew_next(struct crew *w)
{
	struct slot *s = &w->slots[w->written % SLOTS];

	pthread_mutex_lock(&w->lock);
	while (!s->full && !(w->no_more && w->written == w->given))
		pthread_cond_wait(&w->filled, &w->lock);
	pthread_mutex_unlock(&w->lock);
	return s->full ? s : NULL;
}

static void crew_emptied(struct crew *w, struct slot *s, bool stop)
{
	pthread_mutex_lock(&w->lock);
	if (!s->lent)
		w->spares[w->nr_spares++] = s->c.data;
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

static bool crew_init(struct crew *w, const struct packer *p, unsigned nr)
{
	*w = (struct crew){.windows = {.ram = &p->core->ram, .only = p->visited}};
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->filled, NULL);
	pthread_cond_init(&w->emptied, NULL);
	w->slots = calloc(SLOTS, sizeof(*w->slots));
	w->spares = calloc((size_t)nr * (SPARES_PER_THREAD + 1), sizeof(*w->spares));
	if (!w->slots || !w->spares)
		return false;
	for (; w->nr_spares < (size_t)nr * (SPARES_PER_THREAD + 1); w->nr_spares++) {
		w->spares[w->nr_spares] = malloc(DUMP_CHUNK * CORE_PAGE);
		if (!w->spares[w->nr_spares])
			return w->nr_spares >= nr; /* one for each worker will do */
	}
	return true;
}

/* After all workers ended and gave their buffers back. */
static void crew_deinit(struct crew *w)
{
	for (unsigned i = 0; w->slots && i < SLOTS; i++)
		if (w->slots[i].full && !w->slots[i].lent)
			free(w->slots[i].c.data);
	while (w->nr_spares)
		free(w->spares[--w->nr_spares]);
	free(w->spares);
	free(w->slots);
	pthread_cond_destroy(&w->emptied);
	pthread_cond_destroy(&w->filled);
	pthread_mutex_destroy(&w->lock);
}

/* How many threads could be made. Each has its buffer before the first one runs. */
static unsigned crew_start(struct crew *w, struct worker *workers, struct packer *p, unsigned nr)
{
	unsigned made = 0;

	for (unsigned i = 0; i < nr; i++) {
		workers[i].crew = w;
		workers[i].packer = &p[i];
		workers[i].chunk.data = w->spares[--w->nr_spares];
	}
	while (made < nr && !pthread_create(&workers[made].thread, NULL, work, &workers[made]))
		made++;
	return made;
}

enum xk_status pack_all(struct packer *p, unsigned nr, pack_sink *sink, void *ctx, struct diag *d)
{
	struct worker *workers = calloc(nr, sizeof(*workers));
	enum xk_status st;
	unsigned made = 0;
	struct crew w;

	if (nr < 2 || !workers || !crew_init(&w, p, nr)) {
		if (nr >= 2 && workers)
			crew_deinit(&w);
		free(workers);
		return pack_alone(p, sink, ctx, d);
	}
	made = crew_start(&w, workers, p, nr);
	st = made ? crew_write(&w, sink, ctx, d) : pack_alone(p, sink, ctx, d);
	for (unsigned i = 0; i < made; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned i = 0; i < nr; i++)
		free(workers[i].chunk.data);
	crew_deinit(&w);
	free(workers);
	return st;
}
