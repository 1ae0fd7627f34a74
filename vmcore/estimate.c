// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>

#include "vmcore/estimate.h"
#include "vmcore/why.h"

/* So many pages are compressed of each window, of so many windows at most. */
#define SAMPLE_PAGES   32u
#define SAMPLE_WINDOWS 512u

/* By kind, and of all kinds. */
struct sample {
	uint64_t pages[PK_KINDS + 1], bytes[PK_KINDS + 1], zero[PK_KINDS + 1];
};
#define ALL PK_KINDS

static void add(struct sample *s, unsigned kind, uint16_t size)
{
	s->pages[kind]++;
	s->bytes[kind] += size;
	s->zero[kind] += size == 0;
}

/* A few pages of a window, each time at another place of it. */
static void sample_window(struct packer *p, uint64_t pfn, unsigned nr, uint64_t i,
	struct dump_chunk *c, struct sample *s)
{
	const unsigned places = FILTER_WINDOW / SAMPLE_PAGES;
	/* a step that is prime to their number meets them all, and not in order */
	const unsigned first = (unsigned)(i * 13 % places) * SAMPLE_PAGES;

	packer_judge(p, pfn, nr);
	memset(p->kinds, NO_PAGE, first);
	memset(p->kinds + first + SAMPLE_PAGES, NO_PAGE, FILTER_WINDOW - first - SAMPLE_PAGES);
	packer_fill(p, pfn, nr, first / DUMP_CHUNK, c);
	for (unsigned k = 0; k < c->nr; k++) {
		if (c->size[k] == DUMP_NONE)
			continue;
		add(s, p->kinds[c->pfn + k - pfn], c->size[k]);
		add(s, ALL, c->size[k]);
	}
}

/* What n pages make when the sample's made so much. */
static uint64_t scale(uint64_t n, uint64_t part, uint64_t pages)
{
	return pages ? (uint64_t)((double)n * (double)part / (double)pages) : 0;
}

/* A kind of which the sample met none is taken to be like the others. */
static void conclude(
	const struct estimate_from *f, const struct sample *s, struct save_estimate *ret)
{
	uint64_t kept = 0, data = 0;

	for (unsigned k = 0; k < PK_KINDS; k++)
		kept += f->count->kept[k];
	for (unsigned k = 0; k < PK_KINDS; k++) {
		const unsigned like = s->pages[k] ? k : ALL;
		const uint64_t n = scale(f->count->kept[k], f->planned, kept);

		ret->kind[k] =
			s->pages[like] ? scale(n, s->bytes[like], s->pages[like]) : n * CORE_PAGE;
		ret->zero += scale(n, s->zero[like], s->pages[like]);
		data += ret->kind[k];
	}
	ret->bytes = f->overhead + data;
}

enum xk_status estimate_size(
	const struct estimate_from *f, struct save_estimate *ret, struct diag *d)
{
	const uint64_t step = f->windows / SAMPLE_WINDOWS + 1;
	struct dump_chunk c = {.data = malloc(DUMP_CHUNK * CORE_PAGE)};
	const struct pack_stats before = f->packer->stats;
	struct windows w = {.ram = &f->packer->core->ram};
	struct sample s = {0};
	uint64_t pfn;
	unsigned nr;

	if (!c.data)
		return diag_fail(d, XK_NOMEM, "no memory for %u pages", DUMP_CHUNK);
	for (uint64_t i = 0; windows_next(&w, &pfn, &nr); i++) {
		if (f->rq->stop && *f->rq->stop)
			break;
		if (i % step == 0)
			sample_window(f->packer, pfn, nr, i / step, &c, &s);
	}
	free(c.data);
	f->packer->stats = before;
	*ret = (struct save_estimate){0};
	conclude(f, &s, ret);
	return XK_OK;
}

static uint64_t sum(const struct save_estimate *e, uint32_t kinds)
{
	uint64_t n = 0;

	for (unsigned k = 0; k < PK_KINDS; k++)
		if (kinds >> k & 1)
			n += e->kind[k];
	return n;
}

/* "OPTION (about N MiB less)"; without the number when it is not known. */
static void advise(char *text, size_t size, const char *option, uint64_t less)
{
	if (less >= MiB)
		why_add(text, size, "%s (about %" PRIu64 " MiB less)", option, less / MiB);
	else
		why_add(text, size, "%s", option);
}

/* What was asked for is not advised again. Kinds that the filter did not tell apart, because
 * nobody asked for it, have no number. */
void estimate_advice(
	const struct save_request *rq, const struct save_result *r, char *text, size_t size)
{
	const uint32_t xen_free = 1u
				  << PK_XEN_FREE; /* kept only with all guests, and not at -d 16 */
	const uint32_t linux_rest = xen_free | 1u << PK_LINUX_FREE | 1u << PK_LINUX_CACHE |
				    1u << PK_LINUX_CACHE_PRIVATE | 1u << PK_LINUX_USER;
	const uint32_t guests = 1u << PK_GUEST | 1u << PK_GUEST_KEPT;
	const uint32_t xen = 1u << PK_XEN | xen_free;
	const struct save_estimate *e = &r->estimate;
	const bool asked = rq->filter.guests || rq->filter.nr_keep_domains;
	char less[512] = "", in_force[256] = "";

	if (rq->filter.level == 31)
		why_add(in_force, sizeof(in_force), "-d 31");
	else
		advise(less, sizeof(less), "-d 31", sum(e, linux_rest));
	if (asked)
		advise(less, sizeof(less),
			rq->filter.guests ? "no --all-domains" : "no --keep-domain",
			sum(e, guests | xen_free));
	if (rq->format == SAVE_ELF)
		advise(less, sizeof(less), "--format kdump, which is compressed", 0);
	else if (rq->codec != CODEC_ZSTD)
		advise(less, sizeof(less), "--compress zstd", 0);
	else
		why_add(in_force, sizeof(in_force), "zstd");
	if (r->guests)
		advise(less, sizeof(less), "--only-dom0", sum(e, xen | guests));
	snprintf(text, size,
		"about %" PRIu64 " MiB will be needed and %" PRIu64
		" MiB are free: the dump may end incomplete. What would make it fit: %s%s%s%s; or another file system, or a stream (-o -)",
		e->bytes / MiB, r->room / MiB, *less ? less : "nothing more among the options",
		*in_force ? " (in force: " : "", in_force, *in_force ? ")" : "");
}
