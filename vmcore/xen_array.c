// SPDX-License-Identifier: GPL-2.0-only
#include "vmcore/xen_frames.h"

/* What Xen maps its tables by where it can. */
#define LARGE (2 * MiB)

/* Room is made for all at once: 96 KiB. */
static bool append(struct xen_array *a, vaddr_t at, maddr_t to, uint64_t len)
{
	struct xen_run *last = a->nr ? &a->runs[a->nr - 1] : NULL;

	if (!a->runs) {
		a->runs = malloc(XEN_RUNS * sizeof(*a->runs));
		if (!a->runs)
			return false;
	}
	if (last && last->at + last->len == at && last->to + last->len == to)
		last->len += len;
	else if (a->nr < XEN_RUNS)
		a->runs[a->nr++] = (struct xen_run){at, to, len};
	else
		a->partial = true;
	return true;
}

bool xen_array_add(struct xen_array *a, const struct xen_xlat *x, struct core_reader *r,
	uint64_t first, uint64_t end)
{
	uint64_t start_off, end_off;
	vaddr_t at, stop;

	/* A number that wraps names nothing that Xen could map. */
	if (mul_overflow(first, a->size, &start_off) || mul_overflow(end, a->size, &end_off) ||
		add_overflow(a->base, start_off, &at) || add_overflow(a->base, end_off, &stop))
		return true;
	while (at < stop && !a->partial) {
		uint64_t left, next;
		maddr_t to;

		if (xen_walk(x, r, at, &to, &left)) {
			left = min_u64(left, stop - at);
			if (!append(a, at, to, left))
				return false;
			at += left;
			continue;
		}
		next = align_down(at, LARGE);
		if (add_overflow(next, LARGE, &at))
			break;
	}
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct xen_run *l = a, *r = b;

	return l->at < r->at ? -1 : l->at > r->at;
}

void xen_array_done(struct xen_array *a)
{
	size_t kept = 0;

	if (!a->nr)
		return;
	qsort(a->runs, a->nr, sizeof(*a->runs), by_address);
	for (size_t i = 1; i < a->nr; i++) {
		struct xen_run *k = &a->runs[kept], *n = &a->runs[i];

		if (k->at + k->len == n->at && k->to + k->len == n->to)
			k->len += n->len;
		else
			a->runs[++kept] = *n;
	}
	a->nr = kept + 1;
}

void xen_array_deinit(struct xen_array *a)
{
	free(a->runs);
	memset(a, 0, sizeof(*a));
}

static bool translate(const struct xen_array *a, const struct xen_xlat *x, struct core_reader *r,
	vaddr_t at, maddr_t *ret, uint64_t *left)
{
	size_t low = 0, high = a->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (a->runs[mid].at <= at)
			low = mid + 1;
		else
			high = mid;
	}
	if (low && at - a->runs[low - 1].at < a->runs[low - 1].len) {
		const struct xen_run *run = &a->runs[low - 1];

		*ret = run->to + (at - run->at);
		*left = run->len - (at - run->at);
		return true;
	}
	return a->partial && xen_walk(x, r, at, ret, left);
}

/* An entry in two pieces of memory. */
static bool copy(const struct xen_array *a, const struct xen_xlat *x, struct core_reader *r,
	vaddr_t at, uint8_t *scratch)
{
	size_t done = 0;

	while (done < a->size) {
		uint64_t left;
		maddr_t to;
		size_t n;

		if (!translate(a, x, r, at + done, &to, &left))
			return false;
		n = (size_t)min_u64(a->size - done, left);
		if (!core_read(r, to, scratch + done, n))
			return false;
		done += n;
	}
	return true;
}

size_t xen_array_get(const struct xen_array *a, const struct xen_xlat *x, struct core_reader *r,
	uint64_t first, size_t max, uint8_t *scratch, const uint8_t **data)
{
	uint64_t off, left, len;
	vaddr_t at;
	maddr_t to;
	size_t pages, n;

	if (mul_overflow(first, a->size, &off) || add_overflow(a->base, off, &at) ||
		!translate(a, x, r, at, &to, &left))
		return 0;
	len = min_u64((uint64_t)max * a->size, left);
	off = to % CORE_PAGE;
	pages = (size_t)((off + len + CORE_PAGE - 1) / CORE_PAGE);
	n = core_run(r, to / CORE_PAGE, pages, data);
	if (n) {
		len = min_u64(len, n * (uint64_t)CORE_PAGE - off);
		*data += off;
		if (len >= a->size)
			return (size_t)(len / a->size);
	} else if (off + a->size <= CORE_PAGE && left >= a->size) {
		/* A page that cannot be had in a run may be had alone, from a compressed file. */
		if (core_page(r, to / CORE_PAGE, data) != PAGE_DATA)
			return 0;
		*data += off;
		len = min_u64(len, CORE_PAGE - off);
		return (size_t)(len / a->size);
	}
	if (!copy(a, x, r, at, scratch))
		return 0;
	*data = scratch;
	return 1;
}
