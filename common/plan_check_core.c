// SPDX-License-Identifier: GPL-2.0-only
/* What the core header says, read as the dump kernel reads it, against what the host has. */
#include <elf.h>

#include "common/elfcore.h"
#include "common/plan_check.h"

/* Some of it is in a crash region. */
static bool is_reserved(const struct host *h, struct range r)
{
	for (size_t i = 0; i < h->crash.nr; i++)
		if (range_overlaps(h->crash.v[i].r, r))
			return true;
	return false;
}

static enum xk_status check_note(
	const struct plan *p, const struct host *h, const struct core_note *n, struct diag *d)
{
	const struct seg *note = plan_seg(p, SEG_NOTE);
	struct range r;

	if (!range_make(n->addr, n->size, &r) || n->size > CORE_MAX_NOTE)
		return broken(d, "a note at %" PRIaddr " wraps or is larger than 4 MiB", n->addr);
	if (r.start >= note->dest.start && r.end <= note->dest.start + note->len)
		return XK_OK;
	if (is_reserved(h, r))
		return broken(d, "a note at %" PRIaddr " lies in the crash region", n->addr);
	if (!range_list_covers(&h->memory, r, MEM_RAM))
		return broken(d, "a note at %" PRIaddr " is not in the machine's RAM", n->addr);
	return XK_OK;
}

static bool has_note(const struct core_spec *c, struct range r)
{
	for (size_t i = 0; i < c->nr_notes; i++)
		if (c->notes[i].addr == r.start && c->notes[i].size == range_size(r))
			return true;
	return false;
}

/* Nothing that the host has may be lost, and the note segment must be used. */
static enum xk_status check_notes_complete(
	const struct plan *p, const struct host *h, const struct core_spec *c, struct diag *d)
{
	const struct seg *note = plan_seg(p, SEG_NOTE);
	uint64_t own = 0;

	for (size_t i = 0; i < h->nr_cpu_notes; i++)
		if (h->cpu_notes[i].state == CPU_NOTE_PRESENT && !has_note(c, h->cpu_notes[i].r))
			return broken(d, "the core would lack the registers of CPU %u",
				h->cpu_notes[i].cpu);
	if (p->core.os_vmcoreinfo == OS_NOTE_ADDRESS && !has_note(c, h->kernel.vmcoreinfo))
		return broken(d, "the core would lack the kernel's VMCOREINFO");
	if (p->core.os_vmcoreinfo == OS_NOTE_COPY && h->hypervisor == HV_NONE &&
		!range_empty(h->kernel.vmcoreinfo))
		return broken(d, "the kernel's VMCOREINFO would lack what it adds as it crashes");
	if (!range_empty(h->xen.vmcoreinfo) && !has_note(c, h->xen.vmcoreinfo))
		return broken(d, "the core would lack VMCOREINFO_XEN");
	for (size_t i = 0; i < c->nr_notes; i++)
		if (range_contains(note->dest,
			    (struct range){c->notes[i].addr, c->notes[i].addr + c->notes[i].size}))
			own += c->notes[i].size;
	/* Between two notes of its own there is less than an alignment of 16. */
	if (own > note->len || note->len - own >= 16)
		return broken(d, "the core would lack notes of the loader's own");
	return XK_OK;
}

static enum xk_status check_load(
	const struct plan *p, const struct host *h, const struct core_load *l, struct diag *d)
{
	const struct seg *backup = plan_seg(p, SEG_BACKUP);

	if (is_reserved(h, l->mem))
		return broken(d, "the core would hold the crash region");
	if (l->mem.start < BACKUP_END) {
		if (!backup || l->mem.end > BACKUP_END ||
			l->content != backup->dest.start + l->mem.start)
			return broken(d, "low memory at %" PRIaddr " is not taken from the backup",
				l->mem.start);
	} else if (l->content != l->mem.start) {
		return broken(d, "memory at %" PRIaddr " is taken from %" PRIaddr, l->mem.start,
			l->content);
	}
	return XK_OK;
}

/* The image of what crashed once more at its virtual address: last, so that readers that look an
 * address up find the RAM first. */
static bool is_image(const struct host *h, const struct core_load *l)
{
	bool xen = h->hypervisor == HV_XEN;
	struct range r = xen ? h->xen.image : h->kernel.image;

	return l->virt && l->virt == (xen ? h->xen.image_virt : h->kernel.image_virt) &&
	       l->mem.start == r.start && l->mem.end == r.end;
}

/* Where a Linux that crashes has this RAM in its direct map, worked out from the top of its address
 * space: 4 GiB less 128 MiB, or the end of 64 bits. 0: nowhere, or unknown. */
static vaddr_t direct_virt(const struct host *h, struct range r)
{
	bool narrow = h->kernel.bits == 32;
	vaddr_t first, last, offset = h->kernel.page_offset;
	vaddr_t top = narrow ? 0xf7ffffff : UINT64_MAX;

	if (h->hypervisor != HV_NONE || !offset)
		return 0;
	if (narrow ? offset < GiB || offset > 3 * GiB : offset >> 56 != 0xff || -offset < 4 * GiB)
		return 0;
	if (offset % PAGE_SIZE_X86)
		return 0;
	if (add_overflow(offset, r.start, &first) || add_overflow(offset, r.end - 1, &last))
		return 0;
	return last <= top ? first : 0;
}

/* All RAM that is not a crash region, once, and nothing else. */
static enum xk_status check_loads_complete(
	const struct plan *p, const struct host *h, const struct core_spec *c, struct diag *d)
{
	struct range_list ram = {0};
	enum xk_status st = XK_OK;
	bool ok = true, image = false;
	size_t at = 0;

	for (size_t i = 0; ok && i < h->memory.nr; i++)
		if (h->memory.v[i].type == MEM_RAM && !range_empty(h->memory.v[i].r))
			ok = range_list_add(&ram, h->memory.v[i].r, MEM_RAM);
	for (size_t i = 0; ok && i < h->crash.nr; i++)
		ok = range_list_subtract(&ram, h->crash.v[i].r);
	range_list_sort_merge(&ram);
	for (size_t i = 0; ok && !st && i < ram.nr; i++) {
		maddr_t from = ram.v[i].r.start;

		for (; at < c->nr_loads && c->loads[at].mem.start == from &&
			c->loads[at].mem.end <= ram.v[i].r.end &&
			c->loads[at].virt == direct_virt(h, c->loads[at].mem);
			at++)
			from = c->loads[at].mem.end;
		if (from != ram.v[i].r.end)
			st = broken(d, "the core would lack memory at %" PRIaddr, from);
	}
	range_list_deinit(&ram);
	if (!ok)
		return diag_fail(d, XK_NOMEM, "no memory to check the core's ranges");
	if (!st && at < c->nr_loads && is_image(h, &c->loads[at])) {
		image = true;
		at++;
	}
	if (!st && at < c->nr_loads)
		st = broken(d, "the core would hold %" PRIaddr ", which is no RAM",
			c->loads[at].mem.start);
	if (!st && image != (p->core.xen_image || p->core.kernel_image))
		st = broken(d, "the core does not name the image that is shown");
	return st;
}

static enum xk_status check_class(const struct plan *p, const struct host *h,
	const struct image *img, const struct core_spec *c, struct diag *d)
{
	uint32_t bits = host_crash_bits(h);
	/* of the dump kernel's width where the crashed one is narrower, or it shows no core */
	bool as_64 = bits == 64 || (bits == 32 && img->is_64);

	if (c->class != p->core_class || c->machine != p->core_machine)
		return broken(d, "the core header is not of the class and machine shown");
	if (c->machine != (as_64 ? EM_X86_64 : EM_386) || (as_64 && c->class != ELFCLASS64))
		return broken(d, "core of class %u, machine %u for a %u-bit system", c->class,
			c->machine, bits);
	return XK_OK;
}

enum xk_status check_core(
	const struct plan *p, const struct host *h, const struct image *img, struct diag *d)
{
	const struct seg *s = plan_seg(p, SEG_ELFCORE);
	struct core_spec core = {0};
	enum xk_status st = core_parse((struct bytes){s->buf, s->len}, &core, d);

	if (st)
		return diag_prepend(d, "the plan is wrong (please report): ");
	st = check_class(p, h, img, &core, d);
	for (size_t i = 0; !st && i < core.nr_notes; i++)
		st = check_note(p, h, &core.notes[i], d);
	for (size_t i = 0; !st && i < core.nr_loads; i++)
		st = check_load(p, h, &core.loads[i], d);
	if (!st)
		st = check_notes_complete(p, h, &core, d);
	if (!st)
		st = check_loads_complete(p, h, &core, d);
	core_spec_deinit(&core);
	return st;
}
