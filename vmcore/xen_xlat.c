// SPDX-License-Identifier: GPL-2.0-only
/*
 * Xen's virtual addresses. Three ways, of which two need no page table: the image is one linear
 * stretch, and so is the direct map but for compressed page numbers. Layout: Xen
 * xen/arch/x86/include/asm/config.h, 4.4 to 4.22.
 */
#include "vmcore/pagetable.h"
#include "vmcore/why.h"
#include "vmcore/xen_xlat.h"

#define DIRECTMAP	 UINT64_C(0xffff830000000000)
#define DIRECTMAP_BIGMEM UINT64_C(0xffff848000000000)
#define DIRECTMAP_END	 UINT64_C(0xffff880000000000)
#define FRAMES_BIGMEM	 DIRECTMAP

#define IMAGE_MAX  GiB /* both the alignment and the room of Xen's image */
#define IMAGE_STEP (2 * MiB) /* in machine memory */

bool xen_walk(
	const struct xen_xlat *x, struct core_reader *r, vaddr_t at, maddr_t *ret, uint64_t *left)
{
	const struct pagetable t = {
		.read = pagetable_read_core,
		.ctx = r,
		.root = x->pgd_l4,
		.levels = 4,
	};

	return x->pgd_l4 && pagetable_walk(&t, at, ret, left);
}

static bool in_image(const struct xen_xlat *x, vaddr_t at)
{
	return at >= x->image_base && at - x->image_base < IMAGE_MAX;
}

static void image_linear(const struct xen_xlat *x, vaddr_t at, maddr_t *ret, uint64_t *left)
{
	*ret = x->phys_start + (at - x->image_base);
	*left = (x->image_end ? x->image_end : x->image_base + IMAGE_MAX) - at;
}

static void direct_linear(const struct xen_xlat *x, vaddr_t at, maddr_t *ret, uint64_t *left)
{
	uint64_t off = at - x->directmap, pdx = off / CORE_PAGE;
	uint64_t n = pdx_stretch(&x->pdx, pdx);

	*ret = pdx_to_pfn(&x->pdx, pdx) * CORE_PAGE + off % CORE_PAGE;
	*left = x->directmap_end - at;
	if (n < *left / CORE_PAGE)
		*left = n * CORE_PAGE - off % CORE_PAGE;
}

bool xen_to_machine(
	const struct xen_xlat *x, struct core_reader *r, vaddr_t at, maddr_t *ret, uint64_t *left)
{
	uint64_t ignored;

	if (!left)
		left = &ignored;
	if (in_image(x, at) && at < x->image_end) {
		image_linear(x, at, ret, left);
		return true;
	}
	if (at >= x->directmap && at < x->directmap_end &&
		!(x->pdx.scheme == PDX_UNKNOWN && x->pgd_l4)) {
		direct_linear(x, at, ret, left);
		return true;
	}
	if (xen_walk(x, r, at, ret, left))
		return true;
	/* Livepatches and stubs live in the image's GiB too, so this is the last resort. */
	if (!x->image_end && in_image(x, at)) {
		image_linear(x, at, ret, left);
		return true;
	}
	return false;
}

bool xen_read(const struct xen_xlat *x, struct core_reader *r, vaddr_t at, void *ret, size_t len)
{
	uint8_t *to = ret;

	while (len) {
		uint64_t left;
		maddr_t m;
		size_t n;

		if (!xen_to_machine(x, r, at, &m, &left) || !left)
			return false;
		n = (size_t)min_u64(len, left);
		if (!core_read(r, m, to, n))
			return false;
		at += n;
		to += n;
		len -= n;
	}
	return true;
}

/* The loader may have described Xen's image as a segment with its virtual address. */
static const struct core_load *image_load(const struct core *c, vaddr_t base)
{
	for (size_t i = 0; i < c->nr_loads; i++) {
		const struct core_load *l = &c->loads[i];

		if (l->virt >= base && l->virt - base < IMAGE_MAX &&
			range_size(l->mem) < IMAGE_MAX && l->mem.start >= l->virt - base)
			return l;
	}
	return NULL;
}

/* That Xen's page tables lie where they would if Xen were at x->phys_start: they map themselves. */
static bool tables_prove(const struct xen_xlat *x, struct core_reader *r, vaddr_t tables)
{
	struct xen_xlat try = *x;
	maddr_t m;

	try.pgd_l4 = x->phys_start + (tables - x->image_base);
	return xen_walk(&try, r, tables, &m, NULL) && m == try.pgd_l4;
}

static bool tables_address(const struct xen_xlat *x, const struct core_notes *n, vaddr_t *ret)
{
	return (vmcoreinfo_symbol(n->vmcoreinfo_xen, "pgd_l4", ret) ||
		       xen_symbol(n, "idle_pg_table", ret)) &&
	       in_image(x, *ret) && *ret % CORE_PAGE == 0;
}

/*
 * Without a note and a segment: Xen lies below 4 GiB at a multiple of 2 MiB (xen/arch/x86/setup.c,
 * efi/efi-boot.h), which are few enough to try. Where two places prove themselves, a guest has made
 * one of them: neither is believed.
 */
static bool search_image(
	struct xen_xlat *x, const struct core *c, const struct core_notes *n, struct core_reader *r)
{
	maddr_t end = min_u64(c->max_pfn * CORE_PAGE, 4 * GiB), found = 0;
	unsigned hits = 0;
	vaddr_t tables;

	if (!tables_address(x, n, &tables))
		return false;
	for (x->phys_start = 0; x->phys_start < end; x->phys_start += IMAGE_STEP)
		if (tables_prove(x, r, tables)) {
			found = x->phys_start;
			hits++;
		}
	x->phys_start = found;
	return hits == 1;
}

static enum xk_status find_image(struct xen_xlat *x, const struct core *c,
	const struct core_notes *n, struct core_reader *r, struct diag *d)
{
	const struct core_load *l;
	vaddr_t at;

	if (!vmcoreinfo_symbol(n->vmcoreinfo_xen, "domain_list", &at) &&
		!xen_symbol(n, "domain_list", &at))
		return diag_fail(d, XK_BAD_INPUT,
			"no VMCOREINFO_XEN note with SYMBOL(domain_list) and no hypervisor symbols: Xen's addresses cannot be translated");
	x->image_base = align_down(at, IMAGE_MAX);
	l = image_load(c, x->image_base);
	if (n->xen_info.have_phys_start && n->xen_info.phys_start) {
		x->phys_start = n->xen_info.phys_start;
		why_add(x->why, sizeof(x->why), "Xen at %" PRIaddr " from its crash note",
			x->phys_start);
	} else if (l) {
		/* The note is filled last, so a crash that did not get that far lacks it. */
		x->phys_start = l->mem.start - (l->virt - x->image_base);
		why_add(x->why, sizeof(x->why), "Xen at %" PRIaddr " from the segment of its image",
			x->phys_start);
	} else if (search_image(x, c, n, r)) {
		why_add(x->why, sizeof(x->why), "Xen at %" PRIaddr " by its page tables",
			x->phys_start);
	} else {
		return diag_fail(d, XK_BAD_INPUT,
			"Xen's crash note does not say where in memory Xen is (xen_phys_start), no segment of the core does, and its page tables are not found");
	}
	if (xen_symbol(n, "_end", &at) && in_image(x, at))
		x->image_end = at;
	else if (l && l->mem.start - (l->virt - x->image_base) == x->phys_start)
		x->image_end = l->virt + range_size(l->mem);
	return XK_OK;
}

/* idle_pg_table maps Xen itself, so it can prove itself: the walk must come to the same place. */
static void find_tables(struct xen_xlat *x, const struct core_notes *n, struct core_reader *r)
{
	vaddr_t at;

	if (!tables_address(x, n, &at)) {
		why_add(x->why, sizeof(x->why), "no page tables known");
		return;
	}
	if (tables_prove(x, r, at)) {
		x->pgd_l4 = x->phys_start + (at - x->image_base);
		return;
	}
	why_add(x->why, sizeof(x->why),
		"the page tables at %#" PRIx64 " do not map themselves: not used", at);
}

bool xen_variable(const struct xen_xlat *x, const struct core_notes *n, struct core_reader *r,
	const char *name, uint64_t *ret)
{
	vaddr_t at;

	return (vmcoreinfo_symbol(n->vmcoreinfo_xen, name, &at) || xen_symbol(n, name, &at)) &&
	       xen_read(x, r, at, ret, sizeof(*ret));
}

enum xk_status xen_xlat_init(const struct core *c, const struct core_notes *n,
	struct core_reader *r, struct xen_xlat *ret, struct diag *d)
{
	struct xen_xlat x = {.max_page = UINT64_MAX};
	uint64_t v, size;
	enum xk_status st;

	if (!n->xen)
		return diag_fail(
			d, XK_BAD_INPUT, "not a core of Xen: it has no crash note of Xen's");
	if (n->bits == 32)
		return diag_fail(d, XK_UNSUPPORTED,
			"the crashed hypervisor is 32-bit; Xen ended that with 4.2, and only 4.4 and later are read");
	x.major = (uint32_t)n->xen_info.major;
	x.minor = (uint32_t)n->xen_info.minor;
	st = find_image(&x, c, n, r, d);
	if (st)
		return st;
	find_tables(&x, n, r);
	x.bigmem = (vmcoreinfo_size(n->vmcoreinfo_xen, "page_info", &size) && size == 48) ||
		   (xen_variable(&x, n, r, "frame_table", &v) && v == FRAMES_BIGMEM);
	x.directmap = x.bigmem ? DIRECTMAP_BIGMEM : DIRECTMAP;
	x.directmap_end = DIRECTMAP_END;
	if (xen_variable(&x, n, r, "max_page", &v) && v)
		x.max_page = v;
	xen_pdx_find(&x, c, n, r);
	*ret = x;
	return XK_OK;
}
