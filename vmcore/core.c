// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>

#include "vmcore/core_kdump.h"
#include "vmcore/flat.h"

/* core_page() reads on when it is asked for one page after the other. */
#define AHEAD 16

void core_problem(struct core *c, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	if (c->nr_problems == CORE_MAX_PROBLEMS)
		return;
	if (c->nr_problems == CORE_MAX_PROBLEMS - 1) {
		s = strdup("there is more wrong with the file than is listed here");
		n = s ? 0 : -1;
	} else {
		va_start(ap, fmt);
		n = vasprintf(&s, fmt, ap);
		va_end(ap);
	}
	if (n >= 0)
		c->problems[c->nr_problems++] = s;
}

/* Files in flattened form become what they unfold to. */
static enum xk_status unfold(struct core *c, struct diag *d)
{
	for (size_t i = 0; i < c->file->nr_src; i++) {
		_cleanup_(source_view_deinit) struct source_view v = {0};
		struct source *s = &c->file->src[i];
		uint8_t head[16];
		const char *why;
		enum xk_status st;

		if (!source_get(s, &v, 0, head, sizeof(head)) ||
			!flat_is((struct bytes){head, sizeof(head)}))
			continue;
		st = flat_open(s, &why, d);
		if (st)
			return st;
		c->flattened = true;
		if (why)
			core_problem(c, "%s, a flattened file, is cut short or damaged: %s",
				s->name, why);
	}
	return XK_OK;
}

/* The file's kind by its first bytes. */
static enum xk_status open_format(struct core *c, struct diag *d)
{
	_cleanup_(source_view_deinit) struct source_view v = {0};
	uint8_t head[16];
	const struct source *s = &c->file->src[0];
	size_t n = source_read(s, &v, 0, head, sizeof(head));

	if (core_elf_is((struct bytes){head, n}))
		return core_elf_open(c, d);
	if (core_kdump_is((struct bytes){head, n}))
		return core_kdump_open(c, d);
	return diag_fail(d, XK_BAD_INPUT,
		"%s is no dump: it starts neither as an ELF file nor as a kdump-compressed or flattened one%s%s",
		s->name, c->nr_problems ? "; " : "", c->nr_problems ? c->problems[0] : "");
}

static enum xk_status open_sources(
	struct core_file *f, const char *const *paths, size_t nr, struct diag *d)
{
	f->src = calloc(nr, sizeof(*f->src));
	if (!f->src)
		return diag_fail(d, XK_NOMEM, "no memory to open %zu files", nr);
	for (; f->nr_src < nr; f->nr_src++) {
		enum xk_status st =
			source_open(paths[f->nr_src], SOURCE_AUTO, &f->src[f->nr_src], d);

		if (st)
			return st;
	}
	return XK_OK;
}

/* Takes over f, also when it fails. */
static enum xk_status open_file(struct core_file *f, struct core *ret, struct diag *d)
{
	struct core c = {.file = f};
	enum xk_status st = unfold(&c, d);

	if (!st)
		st = open_format(&c, d);
	if (st) {
		core_close(&c);
		return st;
	}
	if (c.notes.failed) {
		core_close(&c);
		return diag_fail(d, XK_NOMEM, "no memory for the notes of a core");
	}
	range_list_sort_merge(&c.ram);
	if (c.ram.nr)
		c.max_pfn = align_up(c.ram.v[c.ram.nr - 1].r.end, CORE_PAGE) / CORE_PAGE;
	*ret = c;
	return XK_OK;
}

enum xk_status core_open(const char *const *paths, size_t nr, struct core *ret, struct diag *d)
{
	struct core_file *f = calloc(1, sizeof(*f));
	enum xk_status st;

	if (!nr)
		st = diag_fail(d, XK_USAGE, "no dump file is given");
	else if (!f)
		st = diag_fail(d, XK_NOMEM, "no memory to open a core");
	else
		st = open_sources(f, paths, nr, d);
	if (st) {
		struct core c = {.file = f};

		core_close(&c);
		return st;
	}
	return open_file(f, ret, d);
}

enum xk_status core_open_bytes(struct bytes file, struct core *ret, struct diag *d)
{
	struct core_file *f = calloc(1, sizeof(*f));

	if (f)
		f->src = calloc(1, sizeof(*f->src));
	if (!f || !f->src || source_bytes(file, f->src, d)) {
		struct core c = {.file = f};

		core_close(&c);
		return diag_fail(d, XK_NOMEM, "no memory to open a core");
	}
	f->nr_src = 1;
	return open_file(f, ret, d);
}

void core_close(struct core *c)
{
	struct core_file *f = c->file;

	if (f) {
		core_elf_close(f);
		core_kdump_close(f);
		if (f->view)
			f->view->close(f->view);
		for (size_t i = 0; i < f->nr_src; i++)
			source_close(&f->src[i]);
		free(f->src);
		free(f);
	}
	range_list_deinit(&c->ram);
	free(c->loads);
	buf_deinit(&c->notes);
	for (size_t i = 0; i < c->nr_problems; i++)
		free(c->problems[i]);
	memset(c, 0, sizeof(*c));
}

struct core_reader *core_reader_create(const struct core *c)
{
	struct core_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->core = c;
	r->last = UINT64_MAX - 1;
	for (size_t i = 0; i < CORE_SLOTS; i++)
		r->slot[i].pfn = UINT64_MAX;
	/* Copies to a misaligned buffer are ten times slower (rep movsb of current CPUs). */
	r->run = aligned_alloc(CORE_PAGE, CORE_RUN_PAGES * CORE_PAGE);
	r->slots = aligned_alloc(CORE_PAGE, CORE_SLOTS * CORE_PAGE);
	if (!r->run || !r->slots || (c->file->kdump && !kdump_reader_init(r)) ||
		(c->file->view && !c->file->view->reader_init(r))) {
		core_reader_destroy(r);
		return NULL;
	}
	return r;
}

void core_reader_destroy(struct core_reader *r)
{
	if (!r)
		return;
	kdump_reader_deinit(r);
	core_reader_destroy(r->under);
	source_view_deinit(&r->view);
	free(r->run);
	free(r->slots);
	free(r);
}

size_t core_run(struct core_reader *r, uint64_t pfn, size_t max, const uint8_t **data)
{
	size_t n;

	if (pfn >= r->run_pfn && pfn - r->run_pfn < r->run_nr) {
		size_t at = (size_t)(pfn - r->run_pfn);

		*data = r->run + at * CORE_PAGE;
		return (size_t)min_u64(max, r->run_nr - at);
	}
	if (pfn >= r->core->max_pfn || !max)
		return 0;
	r->run_nr = 0;
	n = r->core->file->ops->run(r, pfn, (size_t)min_u64(max, CORE_RUN_PAGES), r->run);
	r->run_pfn = pfn;
	r->run_nr = n;
	*data = r->run;
	return n;
}

/* One page by way of the slots. */
static enum page_state slot_page(struct core_reader *r, uint64_t pfn, const uint8_t **page)
{
	size_t i = (size_t)((pfn ^ pfn >> 7 ^ pfn >> 14) % CORE_SLOTS);
	uint8_t *to = r->slots + i * CORE_PAGE;

	if (r->slot[i].pfn != pfn) {
		r->slot[i].pfn = UINT64_MAX; /* while its bytes are neither page's */
		r->slot[i].state = r->core->file->ops->page(r, pfn, to);
		r->slot[i].pfn = pfn;
	}
	*page = to;
	return r->slot[i].state;
}

enum page_state core_page(struct core_reader *r, uint64_t pfn, const uint8_t **page)
{
	bool next = pfn == r->last + 1;

	r->last = pfn;
	if (pfn >= r->core->max_pfn)
		return PAGE_HOLE;
	if ((next || pfn - r->run_pfn < r->run_nr) && core_run(r, pfn, AHEAD, page))
		return PAGE_DATA;
	return slot_page(r, pfn, page);
}

bool core_read(struct core_reader *r, maddr_t at, void *ret, size_t len)
{
	uint8_t *to = ret;

	while (len) {
		uint64_t pfn = at / CORE_PAGE;
		size_t off = at % CORE_PAGE, n = CORE_PAGE - off;
		const uint8_t *page;

		if (pfn >= r->core->max_pfn)
			return false;
		if (!off && len >= CORE_PAGE) {
			/* what is large is not kept: it would push out what is asked for again */
			n = CORE_PAGE * r->core->file->ops->run(r, pfn, len / CORE_PAGE, to);
		} else {
			n = 0;
		}
		if (!n) {
			if (slot_page(r, pfn, &page) != PAGE_DATA)
				return false;
			n = CORE_PAGE - off < len ? CORE_PAGE - off : len;
			memcpy(to, page + off, n);
		}
		at += n;
		to += n;
		len -= n;
	}
	return true;
}

bool core_read64(struct core_reader *r, maddr_t at, uint64_t *ret)
{
	uint64_t v;

	if (!core_read(r, at, &v, sizeof(v)))
		return false;
	*ret = v;
	return true;
}
