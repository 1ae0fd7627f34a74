// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks at a finished plan as the hypervisor, purgatory and the dump kernel will, and trusts
 * nothing about how it was made. Also the oracle of the plan fuzzer.
 */
#include <elf.h>
#include <string.h>

#include "common/plan_check.h"

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
	if (!s->buf != (s->kind == SEG_BACKUP) || (!s->buf && (s->len || !lim->map_only)))
		return broken(d, "%s has content that it should not have, or lacks it", name);
	if (s->protected !=
		(s->kind == SEG_BACKUP || s->kind == SEG_NOTE || s->kind == SEG_ELFCORE))
		return broken(d, "%s is kept from the wrong one", name);
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

/* Free pages for who enters the image are counted wherever they are: it takes any hole. */
static enum xk_status check_control(const struct plan *p, const struct host *h,
	const struct backend_limits *lim, struct diag *d)
{
	uint64_t used = 0, need, low;
	maddr_t at = p->region.start;

	need = plan_control_need(lim, h, p->segs, p->nr);
	if (!need)
		return XK_OK;
	for_each_seg (s, p)
		used += range_size(s->dest);
	if (used > range_size(p->region) || range_size(p->region) - used < need)
		return broken(d, "%" PRIu64 " KiB must stay free for %s, %" PRIu64 " are",
			need / KiB, lim->name, (range_size(p->region) - used) / KiB);
	if (p->machine != EM_386)
		return XK_OK;
	/* The image is entered from one of these pages. */
	low = min_u64(p->region.end, lim->control_end) - min_u64(at, lim->control_end);
	for_each_seg (s, p)
		low -= min_u64(s->dest.end, lim->control_end) -
		       min_u64(s->dest.start, lim->control_end);
	if (low < need)
		return broken(d,
			"%s has %" PRIu64 " KiB below %" PRIu64 " MiB to enter a 32-bit image from",
			lim->name, low / KiB, lim->control_end / MiB);
	return XK_OK;
}

/* The kernel's own wishes, out of its header. */
static enum xk_status check_kernel(const struct plan *p, const struct image *img, struct diag *d)
{
	const struct seg *k = plan_seg(p, SEG_KERNEL), *rd = plan_seg(p, SEG_INITRD);
	struct reach reach = plan_reach(img->is_64, p->entry_bits);

	if (k->buf != img->kernel.data || k->len != img->kernel.len)
		return broken(d, "the kernel loaded is not the one given");
	if (rd ? rd->buf != img->initrd.data || rd->len != img->initrd.len : img->initrd.len != 0)
		return broken(d, "the initrd loaded is not the one given");
	if (k->dest.start % img->align || k->dest.start < img->pref_address ||
		range_size(k->dest) < img->init_size)
		return broken(d, "the kernel's address or memory is not what its header asks for");
	if (k->dest.end > reach.kernel_max)
		return broken(d, "the kernel ends at %" PRIaddr ": %s", k->dest.end, reach.why);
	if (rd && p->entry_bits == 32 && rd->dest.start + rd->len - 1 > img->initrd_max)
		return broken(
			d, "the initrd ends above initrd_addr_max %" PRIaddr, img->initrd_max);
	for_each_seg (s, p)
		if (s->dest.end > reach.other_max)
			return broken(d, "%s ends at %" PRIaddr ": %s", seg_kind_name(s->kind),
				s->dest.end, reach.why);
	return XK_OK;
}

static enum xk_status check_entry(const struct plan *p, const struct host *h,
	const struct image *img, const struct backend_limits *lim, struct diag *d)
{
	const struct seg *k = plan_seg(p, SEG_KERNEL), *pg = plan_seg(p, SEG_PURGATORY);
	unsigned bits = lim->own_mode ? host_crash_bits(h) : p->entry_bits;

	if (p->hypervisor != h->hypervisor)
		return broken(d, "it was made for another kind of host");
	if (p->entry_bits != 32 && p->entry_bits != 64)
		return broken(d, "entry of %u bits", p->entry_bits);
	if (p->entry_bits == 64 && (!img->entry_64 || host_crash_bits(h) != 64))
		return broken(d, "no one would enter the kernel's 64-bit entry");
	if (img->is_64 && host_lacks_long_mode(h))
		return broken(d, "the processor cannot run a 64-bit kernel");
	if (p->machine != (bits == 64 ? EM_X86_64 : EM_386))
		return broken(d, "image machine %u for an entry of %u bits, by a %u-bit %s",
			p->machine, p->entry_bits, host_crash_bits(h), lim->name);
	if (p->entry != pg->dest.start)
		return broken(d, "the image is not entered at purgatory");
	if (p->kernel_entry != k->dest.start + (p->entry_bits == 64 ? 0x200 : 0))
		return broken(d, "the kernel is not entered at its entry");
	return XK_OK;
}

/* The region must be one of the host's, and none of it anything but RAM. */
static enum xk_status check_region(const struct plan *p, const struct host *h,
	const struct backend_limits *lim, struct diag *d)
{
	bool found = false;

	for (size_t i = 0; i < h->crash.nr; i++) {
		found |= range_contains(h->crash.v[i].r, p->region);
		if (lim->highest_region && h->crash.v[i].r.start >= p->region.end &&
			!range_empty(h->crash.v[i].r))
			return broken(d, "%s loads into its highest crash region only", lim->name);
	}
	if (!found || range_empty(p->region) || p->region.start < MiB)
		return broken(d, "%" PRIaddr "-%" PRIaddr " is not reserved for a crash kernel",
			p->region.start, p->region.end);
	if (!range_list_covers(&h->memory, p->region, MEM_RAM))
		return broken(d, "the crash region is not RAM");
	return XK_OK;
}

/* Linux writes its header where ours lies, of its own kind. */
static enum xk_status check_hotplug(const struct plan *p, const struct host *h, struct diag *d)
{
	if (!p->hotplug)
		return XK_OK;
	if (h->hypervisor != HV_NONE || !h->kernel.crash_hotplug)
		return broken(d, "no one would keep the core header current");
	if (range_size(plan_seg(p, SEG_ELFCORE)->dest) < h->kernel.elfcorehdr_size)
		return broken(
			d, "Linux wants %u bytes for the core header", h->kernel.elfcorehdr_size);
	if (p->core_machine != (h->kernel.bits == 64 ? EM_X86_64 : EM_386))
		return broken(d, "Linux would turn the core header into one of another machine");
	return XK_OK;
}

/* Every byte of r is in some crash region, and RAM of the machine and nothing else. */
static enum xk_status check_crash_ram(const struct host *h, struct range r, struct diag *d)
{
	struct range_list left = {0};
	bool ok = range_list_add(&left, r, MEM_RAM), empty, ram;

	for (size_t i = 0; ok && i < h->crash.nr; i++)
		ok = range_list_subtract(&left, h->crash.v[i].r);
	empty = ok && !left.nr;
	range_list_deinit(&left);
	if (!ok)
		return diag_fail(d, XK_NOMEM, "no memory to check the memory map");
	ram = range_list_covers(&h->memory, r, MEM_RAM);
	for (size_t i = 0; ram && i < h->memory.nr; i++)
		ram = h->memory.v[i].type == MEM_RAM || !range_overlaps(h->memory.v[i].r, r);
	if (!empty || !ram)
		return broken(d, "RAM %" PRIaddr "-%" PRIaddr " is not the dump kernel's", r.start,
			r.end);
	return XK_OK;
}

/* What the host reserved besides the region is the dump kernel's too, where it is RAM. */
static enum xk_status check_more(const struct plan *p, const struct host *h, struct diag *d)
{
	struct diag unused;

	diag_init(&unused);
	for (size_t i = 0; i < p->more.nr; i++)
		if (!range_list_covers(&p->e820, p->more.v[i].r, MEM_RAM) ||
			range_overlaps(p->more.v[i].r, p->region))
			return broken(d, "the crash region at %" PRIaddr " is no RAM of its own",
				p->more.v[i].r.start);
	for (size_t i = 0; i < h->crash.nr; i++) {
		struct range r = h->crash.v[i].r;
		uint64_t page = PAGE_SIZE_X86;

		if (r.start < MiB || r.start > UINT64_MAX - page)
			continue;
		r = (struct range){align_up(r.start, page), align_down(r.end, page)};
		if (range_empty(r) || range_overlaps(r, p->region) ||
			check_crash_ram(h, r, &unused))
			continue;
		if (!range_list_covers(&p->more, r, MEM_RAM))
			return broken(d,
				"the dump kernel would not use the crash region at %" PRIaddr,
				r.start);
	}
	return XK_OK;
}

/* The dump kernel's memory: nothing protected may be RAM to it, and what it is given must be
 * a crash region or the memory that the backup holds. */
static enum xk_status check_e820(const struct plan *p, const struct host *h, struct diag *d)
{
	const struct range low = {0, BACKUP_END};

	for (size_t i = 0; i < p->e820.nr; i++) {
		const struct mem_range *m = &p->e820.v[i];

		if (m->type != MEM_RAM) {
			for_each_seg (s, p)
				if (!s->protected && range_overlaps(s->dest, m->r))
					return broken(d, "%s is no RAM to the dump kernel",
						seg_kind_name(s->kind));
			continue;
		}
		if (!range_contains(low, m->r)) {
			enum xk_status st = check_crash_ram(h, m->r, d);

			if (st)
				return st;
		}
		if (range_contains(low, m->r) && !plan_seg(p, SEG_BACKUP))
			return broken(d, "low memory is given away without a backup");
		for_each_seg (s, p)
			if (s->protected && range_overlaps(s->dest, m->r))
				return broken(d, "%s may be overwritten by the dump kernel",
					seg_kind_name(s->kind));
	}
	for_each_seg (s, p)
		if (!s->protected && !range_list_covers(&p->e820, s->dest, MEM_RAM))
			return broken(d, "%s is no RAM to the dump kernel", seg_kind_name(s->kind));
	return check_more(p, h, d);
}

enum xk_status plan_check(const struct plan *p, const struct host *h, const struct image *img,
	const struct backend_limits *lim, struct diag *d)
{
	enum xk_status st = check_region(p, h, lim, d);

	if (!st)
		st = check_segs(p, lim, d);
	if (!st)
		st = check_entry(p, h, img, lim, d);
	if (!st)
		st = check_kernel(p, img, d);
	if (!st)
		st = check_control(p, h, lim, d);
	if (!st)
		st = check_hotplug(p, h, d);
	if (!st)
		st = check_bootparams(p, h, img, d);
	if (!st)
		st = check_e820(p, h, d);
	if (!st)
		st = check_core(p, h, img, d);
	if (!st)
		st = check_purgatory(p, d);
	return st;
}
