// SPDX-License-Identifier: GPL-2.0-only
/* The part of the plan that decides what the core header says. */
#include <stdio.h>
#include <string.h>

#include "common/note.h"
#include "common/plan_build.h"

/*
 * Where a direct map can begin: arch/x86/Kconfig has VMSPLIT_1G to VMSPLIT_3G for a 32-bit Linux,
 * which keeps at least 128 MiB at the top for vmalloc() and maps no RAM there (some MiB less in
 * truth; that RAM is then in no map, and nothing else has its address either). A 64-bit one has it
 * in its half of five-level page tables.
 */
#define PAGE_OFFSET_MIN_32 UINT64_C(0x40000000)
#define PAGE_OFFSET_MAX_32 UINT64_C(0xc0000000)
#define VMALLOC_32	   (128 * MiB)
#define PAGE_OFFSET_MIN_64 UINT64_C(0xff00000000000000)
#define PAGE_OFFSET_MAX_64 UINT64_C(0xffffffff00000000)

/*
 * The kernel's own VMCOREINFO. Of dom0's a copy is first choice: it is protected by the digest and
 * known to be whole, and by address its second page may be anyone's (it spans two pseudo-physical
 * pages). A Linux that crashes by itself adds to the note as it does (CRASHTIME), so a copy made
 * now would lack that.
 */
static void choose_os_vmcoreinfo(struct builder *b)
{
	const struct host *h = b->h;
	bool native = h->hypervisor == HV_NONE;
	const char *why;

	b->p->core.os_vmcoreinfo = OS_NOTE_NONE;
	if (b->rq->dom0_vmcoreinfo == CHOICE_NO)
		return;
	if (native && !range_empty(h->kernel.vmcoreinfo)) {
		b->p->core.os_vmcoreinfo = OS_NOTE_ADDRESS;
	} else if (h->kernel.vmcoreinfo_text.len) {
		b->p->core.os_vmcoreinfo = OS_NOTE_COPY;
		why = host_gap_reason(h, "kernel.vmcoreinfo");
		if (native)
			plan_warn(b->p,
				"the core will hold the kernel's VMCOREINFO as it is now, without "
				"the time of the crash: where it lies is unknown (%s)",
				why ? why : "not among the facts");
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

static bool in_crash_region(const struct host *h, struct range r)
{
	for (size_t i = 0; i < h->crash.nr; i++)
		if (range_overlaps(h->crash.v[i].r, r))
			return true;
	return false;
}

/* A note by address must be readable for the dump kernel, which sees RAM of the machine only, and
 * may not lie in what the dump kernel uses. */
static enum xk_status add_note(struct builder *b, const char *what, struct range r)
{
	if (range_empty(r) || range_size(r) > CORE_MAX_NOTE)
		return diag_fail(b->d, XK_BAD_INPUT,
			"%s at %" PRIaddr "-%" PRIaddr
			" has no size or more than 4 MiB, the most a dump kernel reads",
			what, r.start, r.end);
	if (!range_list_covers(&b->h->memory, r, MEM_RAM) || in_crash_region(b->h, r))
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

/* Virtual address of physical address 0 in the crashed kernel's direct map; 0 when that is unknown,
 * is no such address, or it is not a Linux that crashes. */
static vaddr_t page_offset(const struct host *h)
{
	vaddr_t v = h->hypervisor == HV_NONE ? h->kernel.page_offset : 0;
	bool ok = h->kernel.bits == 32 ? v >= PAGE_OFFSET_MIN_32 && v <= PAGE_OFFSET_MAX_32
				       : v >= PAGE_OFFSET_MIN_64 && v <= PAGE_OFFSET_MAX_64;

	return ok && v % PAGE_SIZE_X86 == 0 ? v : 0;
}

/* The end of what the direct map holds: a 32-bit kernel keeps the rest of its addresses. */
static maddr_t direct_map_end(const struct host *h)
{
	if (h->kernel.bits == 32)
		return REACH_4G - VMALLOC_32 - page_offset(h);
	return -page_offset(h);
}

/* One range, cut where its content or its virtual address changes. */
static bool add_ram_range(struct builder *b, struct range r)
{
	vaddr_t offset = page_offset(b->h);
	const maddr_t cuts[] = {BACKUP_END, offset ? direct_map_end(b->h) : UINT64_MAX, UINT64_MAX};
	bool ok = true;

	for (size_t i = 0; ok && i < ARRAY_SIZE(cuts); i++) {
		struct range part = {r.start, min_u64(r.end, cuts[i])};

		if (range_empty(part))
			continue;
		/* content below BACKUP_END: an offset into the backup, its address added later */
		b->low_ram |= i == 0;
		ok = core_add_load(
			&b->core, part, part.start, offset && i < 2 ? offset + part.start : 0);
		r.start = part.end;
	}
	return ok;
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
	for (size_t i = 0; ok && i < ram.nr; i++)
		ok = add_ram_range(b, ram.v[i].r);
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
	/* A 64-bit dump kernel shows no core but EM_X86_64 (Linux vmcore_elf64_check_arch()). */
	bool as_64 = bits == 32 && b->img->is_64;

	if (as_64) {
		plan_warn(b->p,
			"the core will say x86_64, for %s shows no other; the %s that crashed has 32 "
			"bits, and so have its notes: xenkdump knows that by the XENKDUMP note, "
			"other readers must be told",
			b->img->name, b->h->hypervisor == HV_XEN ? "hypervisor" : "kernel");
	} else if (bits == 32) {
		/* ELF32 where it can hold every address, as 32-bit tools expect of such a core. */
		class = ELFCLASS32;
		for (size_t i = 0; i < b->core.nr_loads; i++)
			if (b->core.loads[i].mem.end > REACH_4G ||
				b->core.loads[i].virt > UINT32_MAX)
				class = ELFCLASS64;
		for (size_t i = 0; i < b->core.nr_notes; i++)
			if (b->core.notes[i].addr + b->core.notes[i].size > REACH_4G)
				class = ELFCLASS64;
	}
	b->core.class = b->p->core_class = class;
	b->core.machine = b->p->core_machine = bits == 32 && !as_64 ? EM_386 : EM_X86_64;
}

/*
 * The image of what crashed, at its own virtual addresses: a convenience for readers (makedumpfile
 * and crash take phys_base from it where VMCOREINFO does not say it), so a range that cannot be is
 * no reason to refuse. Last of all ranges, so that readers that look an address up find the RAM
 * first. An image in its direct map, as of a 32-bit Linux, is there already.
 */
static enum xk_status add_image(struct builder *b)
{
	const struct host *h = b->h;
	bool xen = h->hypervisor == HV_XEN;
	struct range r = xen ? h->xen.image : h->kernel.image;
	vaddr_t virt = xen ? h->xen.image_virt : h->kernel.image_virt, offset = page_offset(h);

	if (range_empty(r) || !virt)
		return XK_OK;
	if (offset && virt == offset + r.start && r.end <= direct_map_end(h))
		return XK_OK;
	if (r.start < BACKUP_END || !range_list_covers(&h->memory, r, MEM_RAM) ||
		in_crash_region(h, r)) {
		plan_warn(b->p,
			"the %s's image at %" PRIaddr "-%" PRIaddr
			" is not in the machine's RAM outside the crash region; the core will not "
			"name it",
			xen ? "hypervisor" : "kernel", r.start, r.end);
		return XK_OK;
	}
	if (!core_add_load(&b->core, r, r.start, virt))
		return diag_fail(b->d, XK_NOMEM, "no memory for the core's ranges");
	b->p->core.xen_image = xen;
	b->p->core.kernel_image = !xen;
	return XK_OK;
}

/* Readers that do not take these from VMCOREINFO or debug data guess. */
static void warn_of_addresses(struct builder *b)
{
	const struct host *h = b->h;
	const char *why = host_gap_reason(h, "kernel.page-offset");

	if (h->hypervisor != HV_NONE)
		return;
	if (!page_offset(h))
		plan_warn(b->p,
			"the core will not say where the kernel maps memory (%s); readers must find "
			"that in VMCOREINFO or guess",
			h->kernel.page_offset ? "kernel.page-offset is no such address"
			: why		      ? why
					      : "kernel.page-offset is not among the facts");
	why = host_gap_reason(h, "kernel.image-virtual");
	if (!why)
		why = host_gap_reason(h, "kernel.image");
	if (h->kernel.bits == 64 && (range_empty(h->kernel.image) || !h->kernel.image_virt))
		plan_warn(b->p,
			"the core will not say where the kernel's image lies (%s); readers must find "
			"that in VMCOREINFO or guess",
			why ? why : "not among the facts");
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
	st = add_image(b);
	if (st)
		return st;
	warn_of_addresses(b);
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
