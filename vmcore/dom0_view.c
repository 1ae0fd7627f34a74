// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>

#include "common/elfnote.h"
#include "vmcore/core_file.h"
#include "vmcore/dom0_linux.h"
#include "vmcore/dom0_vcpus.h"
#include "vmcore/dom0_view.h"
#include "vmcore/runs.h"
#include "vmcore/xen_frames.h"

struct dom0_view {
	struct core_view base;
	const struct core *under;
	struct dom0_pages pages;
};

static struct dom0_view *view_of(const struct core *c)
{
	return (struct dom0_view *)c->file->view;
}

static size_t view_run(struct core_reader *r, uint64_t pfn, size_t max, uint8_t *to)
{
	return dom0_run(&view_of(r->core)->pages, r->under, pfn, max, to);
}

static enum page_state view_page(struct core_reader *r, uint64_t pfn, uint8_t *to)
{
	return dom0_page(&view_of(r->core)->pages, r->under, pfn, to);
}

static const struct core_ops ops = {view_run, view_page};

static bool view_reader_init(struct core_reader *r)
{
	r->under = core_reader_create(view_of(r->core)->under);
	return r->under;
}

static void view_close(struct core_view *v)
{
	dom0_pages_deinit(&((struct dom0_view *)v)->pages);
	free(v);
}

#define WINDOW 512

/* What dom0's list has. A ballooned dom0 may have very many holes: small ones are then part of the
 * memory, and their pages are missing. */
static enum xk_status find_ram(struct core *v, struct core_reader *r, struct diag *d)
{
	const struct p2m *p2m = &view_of(v)->pages.p2m;
	uint64_t mfns[WINDOW];
	struct runs runs = {0};
	bool ok = true;

	for (uint64_t pfn = 0; ok && pfn < p2m->nr; pfn += WINDOW) {
		p2m_window(p2m, r, pfn, WINDOW, mfns);
		for (size_t i = 0; ok && i < WINDOW; i++)
			if (mfns[i] != P2M_NONE)
				ok = runs_add(&runs, pfn + i);
	}
	for (size_t i = 0; ok && i < runs.nr; i++)
		ok = range_list_add(&v->ram, runs.v[i], MEM_RAM);
	if (ok && runs.nr)
		v->max_pfn = runs.v[runs.nr - 1].end / CORE_PAGE;
	runs_deinit(&runs);
	return ok ? XK_OK : diag_fail(d, XK_NOMEM, "no memory for the map of dom0's memory");
}

/* Virtual addresses as a native kernel's core has them: the text, then memory by the direct map. */
static enum xk_status add_loads(
	struct core *v, const struct linux_xlat *l, struct range text, struct diag *d)
{
	const uint64_t all = v->max_pfn * CORE_PAGE;
	uint64_t low = l->bits == 32 ? min_u64(all, 896 * MiB) : all;

	v->loads = calloc(3, sizeof(*v->loads));
	if (!v->loads)
		return diag_fail(d, XK_NOMEM, "no memory for the map of dom0's memory");
	if (!range_empty(text) && l->text_size)
		v->loads[v->nr_loads++] =
			(struct core_load){text, text.start - l->phys_base + l->text_base};
	v->loads[v->nr_loads++] = (struct core_load){{0, low}, l->page_offset};
	if (low < all)
		v->loads[v->nr_loads++] = (struct core_load){{low, all}, 0};
	return XK_OK;
}

/* A core without Linux's addresses is one all the same: pages by number. */
static enum xk_status find_linux(struct core *v, const struct core *c, const struct core_notes *n,
	const struct xen_xlat *x, struct core_reader *r, struct linux_xlat *l, struct diag *d)
{
	struct dom0_pages *p = &view_of(v)->pages;
	struct range text = {0, 0};
	struct diag why;
	enum xk_status st;

	diag_init(&why);
	st = linux_xlat_init(c, n, x, r, l, &why);
	if (st == XK_NOMEM)
		return diag_fail(d, st, "%s", why.text);
	if (st)
		core_problem(v,
			"where dom0's kernel lies is not known, and tools may not open the core: %s",
			why.text);
	else
		text = dom0_image(p, l, n, r);
	if (!st && !dom0_blank_start_info(p, l, text, r))
		core_problem(v,
			"dom0's xen_start_info is not found: crash will take the core for one of Xen and not read what is behind page tables");
	return add_loads(v, l, text, d);
}

/* dom0's CPUs in place of the machine's. */
static enum xk_status add_registers(struct core *v, const struct core_notes *n,
	const struct xen_xlat *x, const struct linux_xlat *l, struct core_reader *r, struct diag *d)
{
	const struct dom0_pages *p = &view_of(v)->pages;
	const struct xen_frames *f = p->filter.frames;
	const struct xen_domain *dom0 = f->dom0 ? xen_domain_find(f, f->dom0) : NULL;
	struct dom0_vcpus cpus;
	enum xk_status st;

	if (!dom0) {
		core_problem(v, "dom0 is not found in Xen's list: the core has no registers");
		return XK_OK;
	}
	st = dom0_vcpus_read(n, x, r, dom0->at, &cpus, d);
	if (st)
		return st;
	if (*cpus.why)
		core_problem(v, "%s", cpus.why);
	for (size_t i = 0; i < cpus.nr; i++) {
		cpus.v[i].pid = dom0_current_pid(l, r, &cpus.v[i]);
		dom0_prstatus(&v->notes, &cpus.v[i], p->p2m.bits);
	}
	dom0_vcpus_deinit(&cpus);
	return XK_OK;
}

/* What is left of the notes when Xen's are gone. */
static void copy_notes(struct core *v, const struct core *c)
{
	const struct bytes from = buf_bytes(&c->notes);
	struct elf_note e;
	uint64_t off = 0;

	while (elfnote_next(from, &off, &e) > 0)
		if (elfnote_is(&e, "VMCOREINFO", 0))
			note_append(&v->notes, "VMCOREINFO", e.type, e.desc);
		else if (elfnote_is(&e, XKN_NAME, XKN_TYPE))
			note_append(&v->notes, XKN_NAME, e.type, e.desc);
}

/* Only a PV dom0 has a list of its pages; what the loader noted says what else it was. */
static enum xk_status refuse(const struct core_notes *n, struct diag *d)
{
	struct bytes guest;

	if (!n->xen)
		return diag_fail(d, XK_UNSUPPORTED,
			"the core is not one of Xen: a Linux without Xen is saved without --only-dom0");
	if (n->xen_info.p2m_mfn)
		return XK_OK;
	if (xkn_fact(n->xenkdump, "guest", 0, &guest) && guest.len == 3 &&
		(!memcmp(guest.data, "PVH", 3) || !memcmp(guest.data, "HVM", 3)))
		return diag_fail(d, XK_UNSUPPORTED,
			"dom0 is %.3s: where its pages lie is in tables of the processor's (EPT or NPT), which are not read; only a PV dom0 has a list of its own",
			(const char *)guest.data);
	return XK_OK;
}

static enum xk_status fill(struct core *v, const struct core *c, const struct core_notes *n,
	struct core_reader *r, struct diag *d)
{
	struct dom0_pages *p = &view_of(v)->pages;
	struct linux_xlat l = {0};
	struct xen_xlat x;
	enum xk_status st = xen_xlat_init(c, n, r, &x, d);

	if (!st)
		st = dom0_pages_init(c, n, &x, r, p, d);
	if (st)
		return st;
	v->format = CORE_KDUMP; /* pages may be missing within what it describes */
	v->incomplete = c->incomplete;
	v->class = ELFCLASS64;
	v->machine = p->p2m.bits == 32 ? EM_386 : EM_X86_64;
	if (*p->why)
		core_problem(v, "%s", p->why);
	st = find_ram(v, r, d);
	if (!st)
		st = find_linux(v, c, n, &x, r, &l, d);
	if (!st)
		st = add_registers(v, n, &x, &l, r, d);
	if (st)
		return st;
	copy_notes(v, c);
	return v->notes.failed ? diag_fail(d, XK_NOMEM, "no memory for the notes of dom0") : XK_OK;
}

enum xk_status dom0_view_open(
	const struct core *c, const struct core_notes *n, struct core *ret, struct diag *d)
{
	struct core_reader *r = core_reader_create(c);
	struct dom0_view *view = calloc(1, sizeof(*view));
	struct core v = {.file = calloc(1, sizeof(*v.file))};
	enum xk_status st;

	if (!r || !v.file || !view) {
		free(view);
		st = diag_fail(d, XK_NOMEM, "no memory for a view of dom0");
	} else {
		view->base = (struct core_view){view_reader_init, view_close};
		view->under = c;
		v.file->ops = &ops;
		v.file->view = &view->base;
		st = refuse(n, d);
		if (!st)
			st = fill(&v, c, n, r, d);
	}
	core_reader_destroy(r);
	if (st) {
		core_close(&v);
		return diag_prepend(d, "dom0 alone cannot be had: ");
	}
	*ret = v;
	return XK_OK;
}
