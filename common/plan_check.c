// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks at a finished plan as the hypervisor, purgatory and the dump kernel will, and trusts
 * nothing about how it was made. Also the oracle of the plan fuzzer.
 */
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "common/bootparams.h"
#include "common/elfcore.h"
#include "common/plan_mem.h"
#include "common/purg.h"

/* A broken plan is a defect of this tool, not of the input, and says so. */
#define broken(d, ...)                       \
	(diag_fail(d, XK_FAIL, __VA_ARGS__), \
		diag_prepend(d, "the plan is wrong and will not be loaded (please report): "))

static enum xk_status check_seg(
	const struct plan *p, const struct seg *s, const struct backend_limits *lim, struct diag *d)
{
	const char *name = seg_kind_name(s->kind);

	if (range_empty(s->dest) || s->dest.start % lim->align || s->dest.end % lim->align)
		return broken(d,
			"%s at %" PRIaddr "-%" PRIaddr " is empty or not aligned to %" PRIu64, name,
			s->dest.start, s->dest.end, lim->align);
	if (!range_contains(p->region, s->dest))
		return broken(d, "%s at %" PRIaddr "-%" PRIaddr " is outside the crash region",
			name, s->dest.start, s->dest.end);
	if (s->dest.end - 1 > lim->max_dest)
		return broken(d, "%s at %" PRIaddr " is above what %s takes (%" PRIaddr ")", name,
			s->dest.start, lim->name, lim->max_dest);
	if (s->len > range_size(s->dest))
		return broken(d, "%s has more bytes than its place", name);
	if (!s->buf && (!lim->map_only || s->len))
		return broken(d, "%s has no content and %s", name,
			s->len ? "a length" : "the backend takes no such segment");
	return XK_OK;
}

static enum xk_status check_segs(
	const struct plan *p, const struct backend_limits *lim, struct diag *d)
{
	bool seen[SEG_KINDS] = {false};
	maddr_t last = 0;

	if (p->nr > lim->max_segs || p->nr > PLAN_MAX_SEGS)
		return broken(d, "%zu segments, %s takes %u", p->nr, lim->name, lim->max_segs);
	for_each_seg (s, p) {
		enum xk_status st = check_seg(p, s, lim, d);

		if (st)
			return st;
		if (s->kind >= SEG_KINDS || seen[s->kind])
			return broken(d, "segment kind %d twice or unknown", s->kind);
		seen[s->kind] = true;
		if (s->dest.start < last)
			return broken(d, "%s overlaps its neighbour", seg_kind_name(s->kind));
		last = s->dest.end;
	}
	if (!seen[SEG_KERNEL] || !seen[SEG_PURGATORY] || !seen[SEG_BOOTPARAMS] ||
		!seen[SEG_CMDLINE] || !seen[SEG_ELFCORE] || !seen[SEG_NOTE])
		return broken(d, "a needed segment is missing");
	return XK_OK;
}

/* Free pages for the hypervisor are counted wherever they are: it takes any hole. */
static enum xk_status check_control(
	const struct plan *p, const struct backend_limits *lim, struct diag *d)
{
	uint64_t used = 0, need;

	if (!lim->control_pages)
		return XK_OK;
	for_each_seg (s, p)
		used += range_size(s->dest);
	need = plan_control_need(p->segs, p->nr);
	if (used > range_size(p->region) || range_size(p->region) - used < need)
		return broken(d, "%" PRIu64 " KiB must stay free for %s, %" PRIu64 " are",
			need / KiB, lim->name, (range_size(p->region) - used) / KiB);
	return XK_OK;
}

static enum xk_status check_entry(const struct plan *p, const struct image *img, struct diag *d)
{
	const struct seg *k = plan_seg(p, SEG_KERNEL), *pg = plan_seg(p, SEG_PURGATORY);
	struct reach reach = plan_reach(img->is_64, p->entry_bits);

	if (p->entry_bits != 32 && p->entry_bits != 64)
		return broken(d, "entry of %u bits", p->entry_bits);
	if (p->entry_bits == 64 && !img->entry_64)
		return broken(d, "the kernel has no 64-bit entry");
	if (p->machine != (p->entry_bits == 64 ? EM_X86_64 : EM_386))
		return broken(
			d, "image machine %u for an entry of %u bits", p->machine, p->entry_bits);
	if (p->entry != pg->dest.start)
		return broken(d, "the image is not entered at purgatory");
	if (p->kernel_entry != k->dest.start + (p->entry_bits == 64 ? 0x200 : 0))
		return broken(d, "the kernel is not entered at its entry");
	if (k->dest.start % img->align || range_size(k->dest) < img->init_size)
		return broken(
			d, "the kernel's alignment or memory is not what its header asks for");
	if (k->dest.end > reach.kernel_max)
		return broken(d, "the kernel ends at %" PRIaddr ": %s", k->dest.end, reach.why);
	for_each_seg (s, p)
		if (s->dest.end > reach.other_max)
			return broken(d, "%s ends at %" PRIaddr ": %s", seg_kind_name(s->kind),
				s->dest.end, reach.why);
	return XK_OK;
}

static uint64_t get(const uint8_t *p, size_t off, size_t width)
{
	uint64_t v = 0;

	for (size_t i = 0; i < width; i++)
		v |= (uint64_t)p[off + i] << (8 * i);
	return v;
}

static enum xk_status check_bootparams(const struct plan *p, struct diag *d)
{
	const struct seg *bp = plan_seg(p, SEG_BOOTPARAMS), *cl = plan_seg(p, SEG_CMDLINE);
	const struct seg *rd = plan_seg(p, SEG_INITRD);
	uint64_t addr, size, next;

	if (bp->len < BP_SIZE)
		return broken(d, "boot parameters of %zu bytes", bp->len);
	addr = get(bp->buf, BP_CMD_LINE_PTR, 4) | get(bp->buf, BP_EXT_CMD_LINE_PTR, 4) << 32;
	if (addr != cl->dest.start || !cl->len || cl->buf[cl->len - 1])
		return broken(d, "the command line is not where the kernel looks");
	addr = get(bp->buf, BP_RAMDISK_IMAGE, 4) | get(bp->buf, BP_EXT_RAMDISK_IMAGE, 4) << 32;
	size = get(bp->buf, BP_RAMDISK_SIZE, 4) | get(bp->buf, BP_EXT_RAMDISK_SIZE, 4) << 32;
	if (addr != (rd ? rd->dest.start : 0) || size != (rd ? rd->len : 0))
		return broken(d, "the initrd is not where the kernel looks");
	if (get(bp->buf, BP_HARDWARE_SUBARCH, 4))
		return broken(d, "the dump kernel would believe to be a guest");
	next = get(bp->buf, BP_SETUP_DATA, 8);
	for (unsigned i = 0; next; i++) {
		uint64_t off = next - bp->dest.start;

		if (i == 8 || next < bp->dest.start || off > bp->len || bp->len - off < 16 ||
			get(bp->buf, off + 12, 4) > bp->len - off - 16)
			return broken(d, "setup_data leads out of its segment");
		next = get(bp->buf, off, 8);
	}
	return XK_OK;
}

/* The dump kernel's memory: nothing protected may be RAM to it, and what it is given must be
 * the crash region or the memory that the backup holds. */
static enum xk_status check_e820(const struct plan *p, struct diag *d)
{
	const struct range low = {0, BACKUP_END};
	bool region = false;

	for (size_t i = 0; i < p->e820.nr; i++) {
		const struct mem_range *m = &p->e820.v[i];

		if (m->type != MEM_RAM)
			continue;
		if (!range_contains(p->region, m->r) && !range_contains(low, m->r))
			return broken(d, "RAM %" PRIaddr "-%" PRIaddr " is not the dump kernel's",
				m->r.start, m->r.end);
		if (range_contains(low, m->r) && !plan_seg(p, SEG_BACKUP))
			return broken(d, "low memory is given away without a backup");
		region |= range_contains(p->region, m->r);
		for_each_seg (s, p)
			if (s->protected && range_overlaps(s->dest, m->r))
				return broken(d, "%s may be overwritten by the dump kernel",
					seg_kind_name(s->kind));
	}
	if (!region)
		return broken(d, "the dump kernel has no memory");
	return XK_OK;
}

static enum xk_status check_core_note(
	const struct plan *p, const struct host *h, const struct core_note *n, struct diag *d)
{
	const struct seg *note = plan_seg(p, SEG_NOTE);
	struct range r;

	if (!range_make(n->addr, n->size, &r))
		return broken(d, "a note at %" PRIaddr " wraps", n->addr);
	if (r.start >= note->dest.start && r.end <= note->dest.start + note->len)
		return XK_OK;
	if (range_overlaps(r, p->region))
		return broken(d, "a note at %" PRIaddr " lies in the crash region", n->addr);
	for (size_t i = 0; i < h->memory.nr; i++)
		if (h->memory.v[i].type == MEM_RAM && range_contains(h->memory.v[i].r, r))
			return XK_OK;
	return diag_fail(d, XK_BAD_INPUT,
		"a note buffer at %" PRIaddr "-%" PRIaddr
		" is not in the machine's RAM: the dump kernel could not read it",
		r.start, r.end);
}

static enum xk_status check_core_load(
	const struct plan *p, const struct core_load *l, struct diag *d)
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

static enum xk_status check_core(const struct plan *p, const struct host *h, struct diag *d)
{
	const struct seg *s = plan_seg(p, SEG_ELFCORE);
	uint32_t bits = host_crash_bits(h);
	struct core_spec core = {0};
	char word[40];
	enum xk_status st;

	snprintf(word, sizeof(word), "elfcorehdr=%" PRIaddr, s->dest.start);
	if (!strstr(p->cmdline, word))
		return broken(d, "the command line does not name the core header");
	st = core_parse((struct bytes){s->buf, s->len}, &core, d);
	if (st)
		return diag_prepend(d, "the plan is wrong (please report): ");
	if (core.machine != (bits == 64 ? EM_X86_64 : EM_386) ||
		(bits == 64 && core.class != ELFCLASS64))
		st = broken(d, "core of class %u, machine %u for a %u-bit system", core.class,
			core.machine, bits);
	for (size_t i = 0; !st && i < core.nr_notes; i++)
		st = check_core_note(p, h, &core.notes[i], d);
	for (size_t i = 0; !st && i < core.nr_loads; i++)
		st = check_core_load(p, &core.loads[i], d);
	core_spec_deinit(&core);
	return st;
}

/* Purgatory's list must cover every loaded byte but its own. */
static enum xk_status check_purgatory(const struct plan *p, struct diag *d)
{
	const struct seg *pg = plan_seg(p, SEG_PURGATORY), *backup = plan_seg(p, SEG_BACKUP);
	struct purg_abi abi;
	unsigned found = 0;

	if (!bytes_read((struct bytes){pg->buf, pg->len}, PURG_ABI_OFFSET, &abi, sizeof(abi)) ||
		abi.magic != PURG_MAGIC || abi.mem_size > range_size(pg->dest))
		return broken(d, "purgatory is not whole or has too little memory");
	if (abi.entry != p->kernel_entry || abi.entry_bits != p->entry_bits ||
		abi.boot_params != plan_seg(p, SEG_BOOTPARAMS)->dest.start)
		return broken(d, "purgatory would enter the kernel wrongly");
	if (backup && (abi.backup_dst != backup->dest.start || abi.backup_len != BACKUP_END ||
			      range_size(backup->dest) < BACKUP_END))
		return broken(d, "purgatory would save low memory wrongly");
	for_each_seg (s, p) {
		if (s == pg || !s->buf)
			continue;
		for (unsigned i = 0; i < abi.nr_regions && i < PURG_MAX_REGIONS; i++)
			found += abi.regions[i].addr == s->dest.start &&
				 abi.regions[i].len == s->len &&
				 !memcmp(abi.regions[i].sha256, s->sha256, sizeof(s->sha256));
	}
	if (found != abi.nr_regions || found != p->nr - 1 - (backup != NULL))
		return broken(d, "purgatory does not verify every segment");
	return XK_OK;
}

enum xk_status plan_check(const struct plan *p, const struct host *h, const struct image *img,
	const struct backend_limits *lim, struct diag *d)
{
	enum xk_status st = check_segs(p, lim, d);

	if (!st)
		st = check_control(p, lim, d);
	if (!st)
		st = check_entry(p, img, d);
	if (!st)
		st = check_bootparams(p, d);
	if (!st)
		st = check_e820(p, d);
	if (!st)
		st = check_core(p, h, d);
	if (!st)
		st = check_purgatory(p, d);
	return st;
}
