// SPDX-License-Identifier: GPL-2.0-only
/* What the core header says, read as the dump kernel reads it, against what the host has. */
#include <elf.h>

#include "common/elfcore.h"
#include "common/plan_check.h"

static enum xk_status check_note(
	const struct plan *p, const struct host *h, const struct core_note *n, struct diag *d)
{
	const struct seg *note = plan_seg(p, SEG_NOTE);
	struct range r;

	if (!range_make(n->addr, n->size, &r) || n->size > CORE_MAX_NOTE)
		return broken(d, "a note at %" PRIaddr " wraps or is larger than 4 MiB", n->addr);
	if (r.start >= note->dest.start && r.end <= note->dest.start + note->len)
		return XK_OK;
	if (range_overlaps(r, p->region))
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

static enum xk_status check_load(const struct plan *p, const struct core_load *l, struct diag *d)
{
	const struct seg *backup = plan_seg(p, SEG_BACKUP);

	if (range_overlaps(l->mem, p->region))
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

/* The hypervisor's image once more at its virtual address: last, so that readers that look an
 * address up find the RAM first. */
static bool is_image(const struct host *h, const struct core_load *l)
{
	return l->virt && l->virt == h->xen.image_virt && l->mem.start == h->xen.image.start &&
	       l->mem.end == h->xen.image.end;
}

/* All RAM that is not a crash region, once, and nothing else. */
static enum xk_status check_loads_complete(
	const struct host *h, const struct core_spec *c, struct diag *d)
{
	struct range_list ram = {0};
	enum xk_status st = XK_OK;
	bool ok = true;
	size_t at = 0;

	for (size_t i = 0; ok && i < h->memory.nr; i++)
		if (h->memory.v[i].type == MEM_RAM && !range_empty(h->memory.v[i].r))
			ok = range_list_add(&ram, h->memory.v[i].r, MEM_RAM);
	for (size_t i = 0; ok && i < h->crash.nr; i++)
		ok = range_list_subtract(&ram, h->crash.v[i].r);
	range_list_sort_merge(&ram);
	for (size_t i = 0; ok && !st && i < ram.nr; i++) {
		maddr_t from = ram.v[i].r.start;

		for (; at < c->nr_loads && !c->loads[at].virt && c->loads[at].mem.start == from &&
			c->loads[at].mem.end <= ram.v[i].r.end;
			at++)
			from = c->loads[at].mem.end;
		if (from != ram.v[i].r.end)
			st = broken(d, "the core would lack memory at %" PRIaddr, from);
	}
	range_list_deinit(&ram);
	if (!ok)
		return diag_fail(d, XK_NOMEM, "no memory to check the core's ranges");
	if (!st && at < c->nr_loads && is_image(h, &c->loads[at]))
		at++;
	if (!st && at < c->nr_loads)
		st = broken(d, "the core would hold %" PRIaddr ", which is no RAM",
			c->loads[at].mem.start);
	return st;
}

static enum xk_status check_class(
	const struct plan *p, const struct host *h, const struct core_spec *c, struct diag *d)
{
	uint32_t bits = host_crash_bits(h);

	if (c->class != p->core_class || c->machine != p->core_machine)
		return broken(d, "the core header is not of the class and machine shown");
	if (c->machine != (bits == 64 ? EM_X86_64 : EM_386) ||
		(bits == 64 && c->class != ELFCLASS64))
		return broken(d, "core of class %u, machine %u for a %u-bit system", c->class,
			c->machine, bits);
	return XK_OK;
}

enum xk_status check_core(const struct plan *p, const struct host *h, struct diag *d)
{
	const struct seg *s = plan_seg(p, SEG_ELFCORE);
	struct core_spec core = {0};
	enum xk_status st = core_parse((struct bytes){s->buf, s->len}, &core, d);

	if (st)
		return diag_prepend(d, "the plan is wrong (please report): ");
	st = check_class(p, h, &core, d);
	for (size_t i = 0; !st && i < core.nr_notes; i++)
		st = check_note(p, h, &core.notes[i], d);
	for (size_t i = 0; !st && i < core.nr_loads; i++)
		st = check_load(p, &core.loads[i], d);
	if (!st)
		st = check_notes_complete(p, h, &core, d);
	if (!st)
		st = check_loads_complete(h, &core, d);
	core_spec_deinit(&core);
	return st;
}
