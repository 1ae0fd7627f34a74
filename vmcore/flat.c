// SPDX-License-Identifier: GPL-2.0-only
#include <endian.h>

#include "vmcore/flat.h"
#include "vmcore/spans.h"

/*
 * Records of one size that follow each other, in the file and in what it unfolds to, are one entry:
 * a writer flushes buffers of one size, so that a dump of any size is few of them. Those of a
 * hostile file are as many as the file has records, and memory is bounded by this.
 */
#define MAX_RUNS 0x20000

struct run {
	uint64_t off; /* in what it unfolds to */
	uint64_t pos; /* of the first record's data in the file */
	uint64_t size, nr; /* of each record; how many */
};

struct flat {
	struct run *run; /* in the order of the file */
	size_t nr, cap;
	struct spans map; /* id: which run; off: from its start */
};

bool flat_is(struct bytes head)
{
	return bytes_has(head, 0, 16) && !memcmp(head.data, FLAT_SIGNATURE, 16);
}

static bool run_add(struct flat *f, uint64_t off, uint64_t size, uint64_t pos)
{
	struct run *last = f->nr ? &f->run[f->nr - 1] : NULL;

	if (last && last->size == size && last->off + last->nr * size == off &&
		last->pos + last->nr * (size + FLAT_RECORD) == pos) {
		last->nr++;
		return true;
	}
	if (f->nr == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 64;
		struct run *v = reallocarray(f->run, cap, sizeof(*v));

		if (!v)
			return false;
		f->run = v;
		f->cap = cap;
	}
	f->run[f->nr++] = (struct run){off, pos, size, 1};
	return true;
}

/* Walks the records. */
static enum xk_status scan(struct source *s, struct flat *f, const char **why, struct diag *d)
{
	_cleanup_(source_view_deinit) struct source_view v = {0};
	uint64_t pos = FLAT_HEAD;

	for (;;) {
		uint64_t rec[2], end, have;
		int64_t off, size;

		if (source_read_file(s, &v, pos, rec, sizeof(rec)) < sizeof(rec)) {
			*why = "its end is missing";
			return XK_OK;
		}
		off = (int64_t)be64toh(rec[0]);
		size = (int64_t)be64toh(rec[1]);
		if (off == -1 && size == -1)
			return XK_OK;
		if (off < 0 || size <= 0 || add_overflow((uint64_t)off, (uint64_t)size, &end) ||
			end > INT64_MAX) {
			*why = "one of its records makes no sense, and what follows cannot be found";
			return XK_OK;
		}
		pos += sizeof(rec);
		/* of one that is cut short, what is there: what it would have written over stays */
		have = min_u64((uint64_t)size, s->file_size - pos);
		if (f->nr == MAX_RUNS)
			return diag_fail(d, XK_UNSUPPORTED,
				"%s has more than %d records that do not follow each other; unfold it with `makedumpfile -R` first",
				s->name, MAX_RUNS);
		if (have && !run_add(f, (uint64_t)off, have, pos))
			return diag_fail(d, XK_NOMEM, "no memory for the records of %s", s->name);
		if (have < (uint64_t)size) {
			*why = "its end is missing";
			return XK_OK;
		}
		pos += have;
	}
}

enum xk_status flat_open(struct source *s, const char **why, struct diag *d)
{
	struct flat *f = calloc(1, sizeof(*f));
	uint64_t twice, end = 0;
	enum xk_status st;
	bool ok = true;

	*why = NULL;
	if (!f)
		return diag_fail(d, XK_NOMEM, "no memory to open %s", s->name);
	s->flat = f;
	st = scan(s, f, why, d);
	if (st)
		return st;
	for (size_t i = 0; ok && i < f->nr; i++) {
		const struct run *r = &f->run[i];

		end = max_u64(end, r->off + r->size * r->nr);
		ok = spans_add(
			&f->map, (struct span){{r->off, r->off + r->size * r->nr}, 0, (uint32_t)i,
					 (uint32_t)(MAX_RUNS - i)}); /* later wins */
	}
	if (!ok || !spans_finish(&f->map, &twice))
		return diag_fail(d, XK_NOMEM, "no memory for the records of %s", s->name);
	s->size = end;
	return XK_OK;
}

void flat_close(struct source *s)
{
	if (!s->flat)
		return;
	free(s->flat->run);
	spans_deinit(&s->flat->map);
	free(s->flat);
	s->flat = NULL;
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
		uint64_t at = off + done, from, in;
		const struct span *p = &f->map.v[i]; /* off is below the end of the last one */
		const struct run *r = &f->run[p->id];
		size_t n, got;

		if (at < p->r.start) {
			n = (size_t)min_u64(len - done, p->r.start - at);
			memset(ret + done, 0, n);
			done += n;
			continue;
		}
		from = p->off + (at - p->r.start);
		in = from % r->size;
		n = (size_t)min_u64(min_u64(len - done, p->r.end - at), r->size - in);
		got = source_read_file(s, v, r->pos + from / r->size * (r->size + FLAT_RECORD) + in,
			ret + done, n);
		done += got;
		if (got < n)
			break;
		if (at + n == p->r.end)
			i++;
	}
	return done;
}
