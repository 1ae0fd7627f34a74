// SPDX-License-Identifier: GPL-2.0-only
#include "vmcore/notes_lost_file.h"
#include "vmcore/why.h"
#include "vmcore/xen_frames.h"

/* Of memory that is read in a search: some seconds. Xen's heap is smaller. */
#define SEARCH_MAX (4 * GiB)

#define SIGNATURE 17u

/* How the notes of a CPU begin. */
static void signature(const struct lost *l, uint8_t *ret)
{
	const uint32_t head[3] = {5, l->bits == 32 ? 144 : 336, XEN_NT_PRSTATUS};

	memcpy(ret, head, sizeof(head));
	memcpy(ret + sizeof(head), "CORE", 5);
}

struct search {
	struct lost *l;
	uint8_t sign[SIGNATURE];
	uint64_t budget; /* pages */
};

/* Pages from pfn on, of which those that cannot be read are passed over. False: no memory. */
static bool search_pages(struct search *s, uint64_t pfn, uint64_t nr)
{
	while (nr && s->budget) {
		const uint8_t *data, *p, *end;
		size_t n = core_run(s->l->r, pfn, (size_t)nr, &data);
		/* lost_take() reads with the same reader, but whole pages it keeps elsewhere */
		const maddr_t base = pfn * CORE_PAGE;
		size_t at = 0;

		if (!n) { /* counted too: a file may describe more than any time suffices for */
			pfn++;
			nr--;
			s->budget--;
			continue;
		}
		n = (size_t)min_u64(n, s->budget);
		s->budget -= n;
		end = data + n * CORE_PAGE;
		while ((p = memmem(data + at, (size_t)(end - data) - at, s->sign, SIGNATURE))) {
			at = (size_t)(p - data) + 4;
			if ((p - data) % 4 == 0 &&
				!lost_take(s->l, base + (uint64_t)(p - data), CPU_UNKNOWN, true))
				return false;
		}
		pfn += n;
		nr -= n;
	}
	return true;
}

/* Whether there is a page of Xen's heap among them that is not allocated to a domain. Asked of all
 * memory, of which most has none: the loop is as short as it can be. */
static inline __attribute__((always_inline)) bool any_heap(
	const uint8_t *info_at, size_t nr, size_t size)
{
	bool any = false;

	for (size_t i = 0; i < nr; i++) {
		uint64_t info;

		memcpy(&info, info_at + i * size, sizeof(info));
		any |= (info & (PGC_XEN_HEAP | PGC_ALLOCATED)) == PGC_XEN_HEAP;
	}
	return any;
}

/* Of a window's pages those of Xen's heap that nobody else can write to: not allocated to a domain.
 * False: there are none. */
static bool heap_window(
	const struct xen_frames *f, struct core_reader *r, uint64_t pfn, size_t nr, bool *heap)
{
	const size_t size = f->frames.size;
	uint8_t scratch[XEN_ENTRY_MAX];
	const uint8_t *data;
	bool any = false;

	memset(heap, 0, nr * sizeof(*heap));
	for (size_t i = 0, n; i < nr; i += n ? n : 1) {
		n = xen_page_run(f, r, pfn + i, nr - i, scratch, &data);
		if (!n || !(size == 32 ? any_heap(data + f->count_at, n, 32)
				       : any_heap(data + f->count_at, n, size)))
			continue;
		any = true;
		for (size_t k = 0; k < n; k++) {
			struct xen_page p = xen_page_at(f, data + k * size);

			heap[i + k] =
				p.info & PGC_XEN_HEAP && !(p.info & PGC_ALLOCATED) && !p.owner;
		}
	}
	return any;
}

static bool search_window(struct search *s, const struct xen_frames *f, uint64_t pfn, size_t nr)
{
	bool heap[FILTER_WINDOW], ok = true;

	if (!heap_window(f, s->l->r, pfn, nr, heap))
		return true;
	for (size_t i = 0; ok && i < nr;) {
		size_t n = 0;

		while (i + n < nr && heap[i + n])
			n++;
		if (n)
			ok = search_pages(s, pfn + i, n);
		i += n ? n : 1;
	}
	return ok;
}

static bool search_xen(struct search *s)
{
	const struct filter_request rq = {.guests = true};
	struct lost *l = s->l;
	struct xen_filter f = {0};
	struct xen_xlat x;
	bool ok = true;
	struct diag d;

	diag_init(&d);
	if (xen_xlat_init(l->c, l->n, l->r, &x, &d) == XK_OK)
		xen_filter_init(l->c, l->n, &x, l->r, &rq, &f, &d);
	if (d.status == XK_NOMEM)
		return false;
	if (!f.frames || !f.frames->frames.nr) {
		why_add(l->why, sizeof(l->why), "Xen's heap cannot be searched for them: %.180s",
			*d.text ? d.text : f.why);
		xen_filter_deinit(&f);
		return true;
	}
	for (size_t i = 0; ok && i < l->c->ram.nr; i++) {
		uint64_t end = min_u64(l->c->ram.v[i].r.end / CORE_PAGE, f.frames->x.max_page);

		for (uint64_t pfn = l->c->ram.v[i].r.start / CORE_PAGE; ok && pfn < end;) {
			size_t nr = (size_t)min_u64(end - pfn, FILTER_WINDOW);

			ok = search_window(s, f.frames, pfn, nr);
			pfn += nr;
		}
	}
	xen_filter_deinit(&f);
	return ok;
}

/* From the top down: the memory of CPUs is taken there first. Old cores lie in memory as files do,
 * so that more than can be are none. */
static bool search_native(struct search *s)
{
	struct lost *l = s->l;
	const size_t before = l->nr_found;

	for (size_t i = l->c->ram.nr; i--;) {
		const struct range r = l->c->ram.v[i].r;

		for (uint64_t end = r.end / CORE_PAGE, start; end > r.start / CORE_PAGE;
			end = start) {
			start = max_u64(
				r.start / CORE_PAGE, end > FILTER_WINDOW ? end - FILTER_WINDOW : 0);
			if (!search_pages(s, start, end - start))
				return false;
		}
	}
	if (l->expected && l->nr_have + l->nr_found > l->expected) {
		why_add(l->why, sizeof(l->why),
			"%zu places in memory look like notes of CPUs, which are more than the machine had: none is taken",
			l->nr_found - before);
		l->nr_found = before;
	}
	return true;
}

bool lost_search(struct lost *l)
{
	struct search s = {.l = l, .budget = SEARCH_MAX / CORE_PAGE};
	bool ok;

	/* A file in the page cache can hold notes too. */
	if (!l->n->xen && l->nr_have)
		return true;
	signature(l, s.sign);
	ok = l->n->xen ? search_xen(&s) : search_native(&s);
	if (!s.budget)
		why_add(l->why, sizeof(l->why), "only %u GiB of memory were searched",
			(unsigned)(SEARCH_MAX / GiB));
	return ok;
}
