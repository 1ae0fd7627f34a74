// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "vmcore/head_loads.h"
#include "vmcore/pagetable.h"

/* A core of that many pieces is a filtered one, and readers find their way by VMCOREINFO. */
#define RAM_MAX 1024

/* A 32-bit kernel keeps the last of its addresses for other things: Linux
 * arch/x86/include/asm/pgtable_32_areas.h, VMALLOC_RESERVE at its usual value. */
#define VMALLOC_32 (128 * MiB)

/* An image of 1 GiB in pages of 4 KiB. */
#define STEPS_MAX 0x40000u

/* The end of what the direct map holds. */
static maddr_t direct_map_end(const struct linux_xlat *l)
{
	if (l->bits == 32)
		return 4 * GiB - VMALLOC_32 - l->page_offset;
	return 0 - l->page_offset;
}

static void add_ram(
	const struct core *c, const struct linux_xlat *l, struct dump_load *v, size_t *nr)
{
	const vaddr_t offset = l ? l->page_offset : 0;
	const maddr_t end = offset ? direct_map_end(l) : 0;

	for (size_t i = 0; i < c->ram.nr; i++) {
		struct range m = c->ram.v[i].r, low = {m.start, min_u64(m.end, end)};

		if (!range_empty(low)) {
			v[(*nr)++] = (struct dump_load){low, offset + low.start};
			m.start = low.end;
		}
		if (!range_empty(m))
			v[(*nr)++] = (struct dump_load){m, 0};
	}
}

/*
 * What lies between base and base + size, and is mapped where a linear mapping of base to phys has
 * it: from the first to the last such page, for what a kernel frees of its image becomes a hole.
 */
static bool find_image(const struct pagetable *t, vaddr_t base, uint64_t size, uint64_t phys,
	struct dump_load *ret)
{
	vaddr_t at = base, first = 0, last = 0;

	for (unsigned i = 0; i < STEPS_MAX && pagetable_next(t, &at, base + size); i++) {
		uint64_t left = CORE_PAGE;
		maddr_t m;

		if (!pagetable_walk(t, at, &m, &left))
			break;
		if (m == phys + (at - base)) {
			first = first ? first : at;
			last = min_u64(at + left, base + size);
		}
		if (add_overflow(at, left, &at))
			break;
	}
	if (!first)
		return false;
	*ret = (struct dump_load){{phys + (first - base), phys + (last - base)}, first};
	return true;
}

static bool xen_image(const struct xen_xlat *x, struct core_reader *r, struct dump_load *ret)
{
	const struct pagetable t = {pagetable_read_core, r, x->pgd_l4, 4, 0};

	return x->pgd_l4 &&
	       find_image(&t, x->image_base,
		       (x->image_end ? x->image_end : x->image_base + GiB) - x->image_base,
		       x->phys_start, ret);
}

/* Natively. A 32-bit kernel's lies in its direct map. */
static bool linux_image(const struct linux_xlat *l, struct core_reader *r, struct dump_load *ret)
{
	const struct pagetable t = {pagetable_read_core, r, l->pgd, l->levels, l->not_address};

	return l->pgd && l->text_size &&
	       find_image(&t, l->text_base, l->text_size, l->phys_base, ret);
}

enum xk_status head_loads_make(const struct core *c, const struct xen_xlat *x,
	const struct linux_xlat *l, struct core_reader *r, struct dump_load **ret, size_t *nr,
	struct diag *d)
{
	struct dump_load *v;
	size_t n = 0;

	if ((!x && !l) || c->ram.nr > RAM_MAX)
		return XK_OK;
	v = calloc(2 * c->ram.nr + 1, sizeof(*v));
	if (!v)
		return diag_fail(d, XK_NOMEM, "no memory for %zu program headers", c->ram.nr);
	add_ram(c, x ? NULL : l, v, &n);
	if (x ? xen_image(x, r, &v[n]) : linux_image(l, r, &v[n]))
		n++;
	*ret = v;
	*nr = n;
	return XK_OK;
}
