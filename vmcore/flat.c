// SPDX-License-Identifier: GPL-2.0-only
#include <endian.h>

#include "vmcore/flat.h"
#include "vmcore/spans.h"

/*
 * A writer fills a few places at once, each from its beginning on: page data, the table of pages, a
 * bitmap. Records that continue what one before them wrote make one stretch, however many others
 * lie between them in the file, so that a dump of any size is few stretches. Those of a hostile
 * file are as many as it has records, and memory is bounded by this.
 */
#define MAX_STRETCHES 0x20000

/* Places that are written at once. */
#define LANES 8

/* Within a stretch a record is found by reading on from a mark before it. When there are too many
 * marks, every second one goes. */
#define MAX_MARKS 0x20000

/* A stretch that began so many stretches ago is not continued: the search for overlaps ends. */
#define MAX_YOUNGER 64

/* Where later stretches overlap this one they win: it is not continued into one that is younger. */
struct stretch {
	uint64_t off, end; /* in what it unfolds to */
	uint64_t first, last; /* its first and last record in the file */
};

struct mark {
	uint64_t off, pos; /* of a record: in what it unfolds to, in the file */
	uint32_t stretch, nr; /* which record of the stretch it is */
};

struct flat {
	struct stretch *v; /* by age */
	size_t nr, cap;
	struct mark *mark; /* in the end by stretch and place */
	size_t nr_marks, cap_marks;
	uint32_t every; /* how many records there are from one mark to the next */
	struct spans map; /* id: which stretch; off: from its start */
};

/* While the file is walked: stretches that may go on. */
struct lane {
	uint32_t stretch, records;
	bool open;
	uint64_t used; /* the record that used it last */
};

struct scan {
	struct flat *f;
	struct lane lane[LANES];
	uint64_t records;
	uint64_t end; /* of all there is */
};

struct record {
	uint64_t off, size; /* in what it unfolds to */
	uint64_t pos; /* in the file */
};

bool flat_is(struct bytes head)
{
	return bytes_has(head, 0, 16) && !memcmp(head.data, FLAT_SIGNATURE, 16);
}

/* Room for one more; false: no memory. */
static bool grow(void **v, size_t *cap, size_t nr, size_t size)
{
	size_t want = *cap ? 2 * *cap : 64;
	void *p;

	if (nr < *cap)
		return true;
	p = reallocarray(*v, want, size);
	if (!p)
		return false;
	*v = p;
	*cap = want;
	return true;
}

static void thin_out(struct flat *f)
{
	size_t n = 0;

	f->every *= 2;
	for (size_t i = 0; i < f->nr_marks; i++)
		if (f->mark[i].nr % f->every == 0)
			f->mark[n++] = f->mark[i];
	f->nr_marks = n;
}

/* Stretches have their beginning for a mark, so that there are marks for what follows only. */
static bool add_mark(struct flat *f, const struct record *r, uint32_t stretch, uint32_t nr)
{
	if (!nr || nr % f->every)
		return true;
	if (f->nr_marks == MAX_MARKS)
		thin_out(f);
	if (nr % f->every)
		return true;
	if (!grow((void **)&f->mark, &f->cap_marks, f->nr_marks, sizeof(*f->mark)))
		return false;
	f->mark[f->nr_marks++] = (struct mark){r->off, r->pos, stretch, nr};
	return true;
}

/* Whether a younger stretch has some of this already: it would then win wrongly. */
static bool may_go_on(const struct scan *s, const struct lane *l, const struct record *r)
{
	const struct flat *f = s->f;

	if (r->off >= s->end)
		return true;
	if (f->nr - l->stretch > MAX_YOUNGER)
		return false;
	for (size_t i = l->stretch + 1; i < f->nr; i++)
		if (f->v[i].off < r->off + r->size && r->off < f->v[i].end)
			return false;
	return true;
}

/* The lane that this record goes on, or a fresh one. A lane that ends where the record begins and
 * may not go on is closed, and so is one of two that end at one place: so the record that continues
 * a stretch is the next in the file that begins at its end. */
static struct lane *choose(struct scan *s, const struct record *r)
{
	struct lane *old = &s->lane[0];

	for (unsigned i = 0; i < LANES; i++) {
		struct lane *l = &s->lane[i];

		if (l->open && s->f->v[l->stretch].end == r->off) {
			if (may_go_on(s, l, r))
				return l;
			l->open = false;
		}
		if (!l->open || (old->open && l->used < old->used))
			old = l;
	}
	old->open = false;
	return old;
}

static void close_twins(struct scan *s, const struct lane *keep)
{
	for (unsigned i = 0; i < LANES; i++) {
		struct lane *l = &s->lane[i];

		if (l != keep && l->open && s->f->v[l->stretch].end == s->f->v[keep->stretch].end)
			l->open = false;
	}
}

static enum xk_status add(struct scan *s, const struct record *r, const char *name, struct diag *d)
{
	struct lane *l = choose(s, r);
	struct flat *f = s->f;
	bool ok = true;

	if (l->open) {
		f->v[l->stretch].end += r->size;
		f->v[l->stretch].last = r->pos;
		ok = add_mark(f, r, l->stretch, ++l->records);
	} else if (f->nr == MAX_STRETCHES) {
		return diag_fail(d, XK_UNSUPPORTED,
			"%s writes in more than %d places that do not continue each other; unfold it with `makedumpfile -R` first",
			name, MAX_STRETCHES);
	} else {
		ok = grow((void **)&f->v, &f->cap, f->nr, sizeof(*f->v));
		if (ok) {
			f->v[f->nr] = (struct stretch){r->off, r->off + r->size, r->pos, r->pos};
			*l = (struct lane){.stretch = (uint32_t)f->nr++, .open = true};
		}
	}
	if (!ok)
		return diag_fail(d, XK_NOMEM, "no memory for the records of %s", name);
	l->used = ++s->records;
	close_twins(s, l);
	s->end = max_u64(s->end, r->off + r->size);
	return XK_OK;
}

enum { RECORD, LAST, CUT, NONSENSE };

/* The record at r->pos; of one that is cut short, what is there: what it would have written over
 * stays. */
static int read_record(const struct source *s, struct source_view *v, struct record *r)
{
	uint64_t rec[2], end, data = r->pos + FLAT_RECORD;
	int64_t off, size;

	if (source_read_file(s, v, r->pos, rec, sizeof(rec)) < sizeof(rec))
		return CUT;
	off = (int64_t)be64toh(rec[0]);
	size = (int64_t)be64toh(rec[1]);
	if (off == -1 && size == -1)
		return LAST;
	if (off < 0 || size <= 0 || add_overflow((uint64_t)off, (uint64_t)size, &end) ||
		end > INT64_MAX)
		return NONSENSE;
	r->off = (uint64_t)off;
	r->size = min_u64((uint64_t)size, data < s->file_size ? s->file_size - data : 0);
	return r->size ? RECORD : CUT;
}

/* Walks the records. */
static enum xk_status walk(struct source *s, struct flat *f, const char **why, struct diag *d)
{
	_cleanup_(source_view_deinit) struct source_view v = {0};
	struct record r = {.pos = FLAT_HEAD};
	struct scan scan = {.f = f};

	for (;;) {
		enum xk_status st;

		switch (read_record(s, &v, &r)) {
		case LAST: return XK_OK;
		case CUT: *why = "its end is missing"; return XK_OK;
		case NONSENSE:
			*why = "one of its records makes no sense, and what follows cannot be found";
			return XK_OK;
		default: break;
		}
		st = add(&scan, &r, s->name, d);
		if (st)
			return st;
		s->size = scan.end;
		r.pos += FLAT_RECORD + r.size;
	}
}

static int by_stretch(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	if (x->stretch != y->stretch)
		return x->stretch < y->stretch ? -1 : 1;
	return (x->off > y->off) - (x->off < y->off);
}

enum xk_status flat_open(struct source *s, const char **why, struct diag *d)
{
	struct flat *f = calloc(1, sizeof(*f));
	enum xk_status st;
	bool ok = true;
	uint64_t twice;

	*why = NULL;
	if (!f)
		return diag_fail(d, XK_NOMEM, "no memory to open %s", s->name);
	f->every = 1;
	s->flat = f;
	s->size = 0;
	st = walk(s, f, why, d);
	if (st)
		return st;
	for (size_t i = 0; ok && i < f->nr; i++)
		ok = spans_add(&f->map, (struct span){{f->v[i].off, f->v[i].end}, 0, (uint32_t)i,
						(uint32_t)(MAX_STRETCHES - i)}); /* younger wins */
	if (!ok || !spans_finish(&f->map, &twice))
		return diag_fail(d, XK_NOMEM, "no memory for the records of %s", s->name);
	if (f->nr_marks)
		qsort(f->mark, f->nr_marks, sizeof(*f->mark), by_stretch);
	return XK_OK;
}

void flat_close(struct source *s)
{
	if (!s->flat)
		return;
	free(s->flat->v);
	free(s->flat->mark);
	spans_deinit(&s->flat->map);
	free(s->flat);
	s->flat = NULL;
}

/* The last mark of the stretch that is not beyond `at`; its beginning when there is none. */
static struct record nearest_mark(const struct flat *f, uint32_t stretch, uint64_t at)
{
	struct record r = {.off = f->v[stretch].off, .pos = f->v[stretch].first};
	size_t low = 0, high = f->nr_marks;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct mark *m = &f->mark[mid];

		if (m->stretch < stretch || (m->stretch == stretch && m->off <= at))
			low = mid + 1;
		else
			high = mid;
	}
	if (low && f->mark[low - 1].stretch == stretch) {
		r.off = f->mark[low - 1].off;
		r.pos = f->mark[low - 1].pos;
	}
	return r;
}

/* The record of a stretch that has `at`. False: the file is no longer what it was. */
static bool find_record(const struct source *s, struct source_view *v, uint32_t stretch,
	uint64_t at, struct record *ret)
{
	const struct flat *f = s->flat;
	struct record r = nearest_mark(f, stretch, at);
	struct flat_cursor *c = NULL, *old = &v->flat[0];
	uint64_t want;

	for (unsigned i = 0; i < FLAT_CURSORS; i++) {
		struct flat_cursor *k = &v->flat[i];

		if (k->flat == f && k->stretch == stretch)
			c = k;
		if (k->used < old->used)
			old = k;
	}
	if (c && c->off <= at && c->off >= r.off)
		r = (struct record){c->off, c->size, c->pos};
	if (c && at >= c->off && at - c->off < c->size) {
		c->used = ++v->flat_clock;
		*ret = r;
		return true;
	}
	want = r.off;
	for (;;) {
		if (r.pos > f->v[stretch].last || read_record(s, v, &r) != RECORD)
			return false;
		if (r.off == want) {
			if (at - want < r.size)
				break;
			want += r.size;
		}
		r.pos += FLAT_RECORD + r.size;
	}
	c = c ? c : old;
	*c = (struct flat_cursor){f, stretch, r.off, r.size, r.pos, ++v->flat_clock};
	*ret = r;
	return true;
}

size_t flat_read(
	const struct source *s, struct source_view *v, uint64_t off, uint8_t *ret, size_t len)
{
	const struct flat *f = s->flat;
	size_t done = 0, i;

	if (off >= s->size)
		return 0;
	len = (size_t)min_u64(len, s->size - off);
	i = spans_find(&f->map, off);
	while (done < len) {
		uint64_t at = off + done;
		const struct span *p = &f->map.v[i]; /* off is below the end of the last one */
		struct record r;
		size_t n, got;

		if (at < p->r.start) {
			n = (size_t)min_u64(len - done, p->r.start - at);
			memset(ret + done, 0, n);
			done += n;
			continue;
		}
		if (!find_record(s, v, p->id, at, &r))
			break;
		n = (size_t)min_u64(min_u64(len - done, p->r.end - at), r.off + r.size - at);
		got = source_read_file(s, v, r.pos + FLAT_RECORD + (at - r.off), ret + done, n);
		done += got;
		if (got < n)
			break;
		if (at + n == p->r.end)
			i++;
	}
	return done;
}
