// SPDX-License-Identifier: GPL-2.0-only
/* The part of the plan that decides what the core header says. */
#include <stdio.h>
#include <string.h>

#include "common/note.h"
#include "common/plan_build.h"

/* dom0's own VMCOREINFO: a copy made now is protected by the digest and known to be whole; by
 * address its second page may be anyone's (it spans two pseudo-physical pages), so that is the
 * second choice. */
static void choose_os_vmcoreinfo(struct builder *b)
{
	const struct host *h = b->h;
	const char *why;

	b->p->core.os_vmcoreinfo = OS_NOTE_NONE;
	if (b->rq->dom0_vmcoreinfo == CHOICE_NO)
		return;
	if (h->kernel.vmcoreinfo_text.len) {
		b->p->core.os_vmcoreinfo = OS_NOTE_COPY;
	} else if (!range_empty(h->kernel.vmcoreinfo)) {
		b->p->core.os_vmcoreinfo = OS_NOTE_ADDRESS;
	} else {
		why = host_gap_reason(h, "kernel.vmcoreinfo");
		plan_warn(b->p,
			"the core will not hold the running kernel's VMCOREINFO (%s): its log "
			"cannot be read from the dump without debug data",
			why ? why : "not among the facts");
	}
}

enum xk_status build_notes(struct builder *b)
{
	struct buf *note = &b->p->mem->note;
	enum xk_status st;
	unsigned dropped;

	choose_os_vmcoreinfo(b);
	if (b->p->core.os_vmcoreinfo == OS_NOTE_COPY)
		note_append(note, "VMCOREINFO", 0, buf_bytes(&b->h->kernel.vmcoreinfo_text));
	b->os_note_len = note->len;
	buf_zero(note, (size_t)(align_up(note->len, 16) - note->len));
	b->xkn_off = note->len;
	st = xkn_append(b->h, SEG_KINDS + 1, note, &b->map_off, &dropped, b->d);
	if (st)
		return st;
	b->p->core.xenkdump_note = note->len - b->xkn_off;
	if (dropped & 1u << XKN_FACTS)
		plan_warn(b->p,
			"the facts do not fit the XENKDUMP note's %u bytes and are left out",
			XKN_MAX_SIZE);
	if (dropped & 1u << XKN_SYMBOLS)
		plan_warn(b->p,
			"the hypervisor's symbols (%zu bytes compressed) do not fit the XENKDUMP "
			"note's %u bytes and are left out",
			b->h->xen.symbols_z.len, XKN_MAX_SIZE);
	return XK_OK;
}

/* A note by address must be readable for the dump kernel, which sees RAM of the machine only. */
static enum xk_status add_note(struct builder *b, const char *what, struct range r)
{
	if (range_empty(r) || range_size(r) > CORE_MAX_NOTE)
		return diag_fail(b->d, XK_BAD_INPUT,
			"%s at %" PRIaddr "-%" PRIaddr
			" has no size or more than 4 MiB, the most a dump kernel reads",
			what, r.start, r.end);
	if (!range_list_covers(&b->h->memory, r, MEM_RAM) || range_overlaps(r, b->p->region))
		return diag_fail(b->d, XK_BAD_INPUT,
			"%s at %" PRIaddr "-%" PRIaddr
			" is not in the machine's RAM outside the crash region: the dump kernel "
			"could not read it",
			what, r.start, r.end);
	if (!core_add_note(&b->core, r.start, range_size(r)))
		return diag_fail(b->d, XK_NOMEM, "no memory for the core's notes");
	return XK_OK;
}

/* Every CPU's registers, or a refusal that says how to get them. */
static enum xk_status add_cpu_notes(struct builder *b)
{
	const struct host *h = b->h;
	unsigned missing = 0, hidden = 0;
	enum xk_status st;
	char what[48];

	for (size_t i = 0; i < h->nr_cpu_notes; i++) {
		const struct cpu_note *n = &h->cpu_notes[i];

		switch (n->state) {
		case CPU_NOTE_PRESENT:
			snprintf(what, sizeof(what), "the register note of CPU %u", n->cpu);
			st = add_note(b, what, n->r);
			if (st)
				return st;
			b->p->core.cpu_notes++;
			break;
		case CPU_NOTE_EMPTY: break; /* no such processor */
		case CPU_NOTE_ERANGE: hidden++; break;
		case CPU_NOTE_ERROR: missing++; break;
		}
	}
	if (b->p->core.cpu_notes && !hidden && !missing)
		return XK_OK;
	if (b->rq->allow_missing_notes) {
		plan_warn(b->p,
			"the core will hold the registers of %u CPUs; those of %u are missing",
			b->p->core.cpu_notes, hidden + missing);
		return XK_OK;
	}
	if (hidden)
		return diag_fail(b->d, XK_NO_NOTES,
			"the register notes of %u CPUs lie above 4 GiB, where a 32-bit dom0 cannot be "
			"told their address: add low_crashinfo=min to the Xen command line and reboot, "
			"or accept a core without these registers with --allow-missing-notes",
			hidden);
	return diag_fail(b->d, XK_NO_NOTES,
		"the register notes of %s could not be had (%s): a dump would not say where the "
		"processors were; --allow-missing-notes accepts that",
		b->p->core.cpu_notes ? "some CPUs" : "all CPUs",
		host_gap_reason(h, "cpu-note") ? host_gap_reason(h, "cpu-note")
					       : "not among the facts");
}

/* RAM of the machine that is not a crash region. The dump kernel's own low memory is described
 * too: its content is in the backup. */
static enum xk_status add_ram(struct builder *b)
{
	struct range_list ram = {0};
	bool ok = true;

	for (size_t i = 0; ok && i < b->h->memory.nr; i++)
		if (b->h->memory.v[i].type == MEM_RAM && !range_empty(b->h->memory.v[i].r))
			ok = range_list_add(&ram, b->h->memory.v[i].r, MEM_RAM);
	for (size_t i = 0; ok && i < b->h->crash.nr; i++)
		ok = range_list_subtract(&ram, b->h->crash.v[i].r);
	range_list_sort_merge(&ram);
	for (size_t i = 0; ok && i < ram.nr; i++) {
		struct range r = ram.v[i].r;
		struct range low = {r.start, min_u64(r.end, BACKUP_END)};
		struct range high = {max_u64(r.start, BACKUP_END), r.end};

		if (!range_empty(low)) {
			/* content: an offset into the backup, its address added later */
			ok = core_add_load(&b->core, low, low.start, 0);
			b->low_ram = true;
		}
		if (ok && !range_empty(high))
			ok = core_add_load(&b->core, high, high.start, 0);
	}
	range_list_deinit(&ram);
	b->p->core.ram_loads = (uint32_t)b->core.nr_loads;
	if (!ok)
		return diag_fail(b->d, XK_NOMEM, "no memory for the core's memory ranges");
	if (!b->core.nr_loads)
		return diag_fail(b->d, XK_UNSUPPORTED,
			"the machine memory map has no RAM outside the crash region (%s)",
			host_gap_reason(b->h, "memory") ? host_gap_reason(b->h, "memory")
							: "not among the facts");
	return XK_OK;
}

static void choose_class(struct builder *b)
{
	uint32_t bits = host_crash_bits(b->h);
	uint8_t class = ELFCLASS64;

	if (bits == 32) {
		/* ELF32 where it can hold every address, as 32-bit tools expect of such a core. */
		class = ELFCLASS32;
		for (size_t i = 0; i < b->core.nr_loads; i++)
			if (b->core.loads[i].mem.end > REACH_4G)
				class = ELFCLASS64;
		for (size_t i = 0; i < b->core.nr_notes; i++)
			if (b->core.notes[i].addr + b->core.notes[i].size > REACH_4G)
				class = ELFCLASS64;
		if (b->h->xen.image_virt > UINT32_MAX)
			class = ELFCLASS64;
	}
	b->core.class = b->p->core_class = class;
	b->core.machine = b->p->core_machine = bits == 32 ? EM_386 : EM_X86_64;
}

/* A convenience for readers, so a range that cannot be is no reason to refuse. */
static bool has_image_load(struct builder *b)
{
	const struct host *h = b->h;
	struct range r = h->xen.image;

	if (range_empty(r) || !h->xen.image_virt)
		return false;
	if (r.start >= BACKUP_END && range_list_covers(&h->memory, r, MEM_RAM) &&
		!range_overlaps(r, b->p->region))
		return true;
	plan_warn(b->p,
		"the hypervisor's image at %" PRIaddr "-%" PRIaddr
		" is not in the machine's RAM outside the crash region; the core will not name it",
		r.start, r.end);
	return false;
}

enum xk_status build_core_spec(struct builder *b)
{
	const struct host *h = b->h;
	enum xk_status st;
	bool ok = true;

	st = add_cpu_notes(b);
	if (st)
		return st;
	if (!range_empty(h->xen.vmcoreinfo)) {
		st = add_note(b, "VMCOREINFO_XEN", h->xen.vmcoreinfo);
		b->p->core.xen_vmcoreinfo = true;
	} else if (h->hypervisor == HV_XEN) {
		plan_warn(b->p, "the core will not hold VMCOREINFO_XEN (%s)",
			host_gap_reason(h, "xen.vmcoreinfo") ? host_gap_reason(h, "xen.vmcoreinfo")
							     : "not among the facts");
	}
	if (!st && b->p->core.os_vmcoreinfo == OS_NOTE_ADDRESS)
		st = add_note(b, "the kernel's VMCOREINFO", h->kernel.vmcoreinfo);
	if (st)
		return st;
	if (b->p->core.os_vmcoreinfo == OS_NOTE_COPY)
		ok &= core_add_note(&b->core, 0, b->os_note_len);
	ok &= core_add_note(&b->core, 0, b->p->core.xenkdump_note);
	if (!ok)
		return diag_fail(b->d, XK_NOMEM, "no memory for the core's notes");
	st = add_ram(b);
	if (st)
		return st;
	/* Last, so that readers that look an address up find the RAM range first. */
	if (has_image_load(b)) {
		if (!core_add_load(&b->core, h->xen.image, h->xen.image.start, h->xen.image_virt))
			return diag_fail(b->d, XK_NOMEM, "no memory for the core's ranges");
		b->p->core.xen_image = true;
	}
	b->p->core.phdrs = (uint32_t)(b->core.nr_notes + b->core.nr_loads);
	choose_class(b);
	return XK_OK;
}

/* Now that the segments have places: put them into the spec and write it out. */
enum xk_status build_core_header(struct builder *b)
{
	const struct seg *backup = plan_seg(b->p, SEG_BACKUP), *note = plan_seg(b->p, SEG_NOTE);
	struct core_note *n = b->core.notes + b->core.nr_notes;

	for (size_t i = 0; i < b->core.nr_loads; i++) {
		struct core_load *l = &b->core.loads[i];

		if (backup && l->mem.end <= BACKUP_END)
			l->content = backup->dest.start + l->mem.start;
	}
	n[-1].addr = note->dest.start + b->xkn_off;
	if (b->p->core.os_vmcoreinfo == OS_NOTE_COPY)
		n[-2].addr = note->dest.start;
	return core_build(&b->core, &b->p->mem->elfcore, b->d);
}
