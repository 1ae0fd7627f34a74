// SPDX-License-Identifier: GPL-2.0-only
/* The plan's first decisions: how the image is entered, and which crash region it goes to. */
#include <elf.h>
#include <stdio.h>

#include "common/plan_build.h"
#include "common/purg.h"
#include "common/remedy.h"

/* Nothing is loaded below this: the backup is taken from there and the dump kernel's first
 * stage and firmware tables live there. */
#define LOWEST (1 * MiB)

const char *build_remedy(const struct builder *b, uint64_t limit, char *buf, size_t len)
{
	uint64_t need =
		4 * MiB + b->img->init_size + 3 * (uint64_t)b->img->initrd.len + 2 * PLAN_COMFORT;
	uint64_t mib = align_up(need, 64 * MiB) / MiB;
	char word[64];

	/* No address above 4 GiB is ever needed, and devices may not reach one. */
	limit = min_u64(limit, REACH_4G);
	if (mib * MiB >= limit || (b->h->hypervisor == HV_NONE &&
					  !remedy_linux(b->h, mib, limit, word, sizeof(word)))) {
		snprintf(buf, len,
			"use a smaller kernel and initrd: such a pair has no room below "
			"%" PRIu64 " MiB",
			limit / MiB);
	} else if (b->h->hypervisor == HV_XEN) {
		remedy_crashkernel(b->h, mib, limit, word, sizeof(word));
		snprintf(buf, len, "put %s on the Xen command line (not on Linux's) and reboot",
			word);
	} else {
		snprintf(buf, len, "put %s on the kernel's command line and reboot", word);
	}
	return buf;
}

/* Width of what crashes, which is also how it enters the image. 0 or nonsense is a bad fact. */
static enum xk_status check_bits(struct builder *b, uint32_t bits)
{
	bool xen = b->h->hypervisor == HV_XEN;
	const char *fact = xen ? "xen.bits" : "kernel.bits";
	const char *why = host_gap_reason(b->h, fact);

	if (bits == 32 || bits == 64)
		return XK_OK;
	if (bits)
		return diag_fail(b->d, XK_BAD_INPUT, "%s is %u; it can be 32 or 64", fact, bits);
	return diag_fail(b->d, XK_BAD_INPUT, "it is not known whether the %s is 32- or 64-bit (%s)",
		xen ? "hypervisor" : "running kernel", why ? why : "not among the facts");
}

enum xk_status build_entry(struct builder *b)
{
	const struct image *img = b->img;
	uint32_t bits = host_crash_bits(b->h);
	enum xk_status st = check_bits(b, bits);
	struct plan *p = b->p;

	if (st)
		return st;
	if (img->is_64 && host_lacks_long_mode(b->h))
		return diag_fail(b->d, XK_UNSUPPORTED,
			"%s is a 64-bit kernel and this processor cannot run it: it has no long mode",
			img->name);
	if (img->is_64 && !b->h->cpu_long_mode && bits == 32)
		plan_warn(p, "it is not known whether this processor can run 64-bit kernels (%s)",
			host_gap_reason(b->h, "cpu.long-mode"));
	p->hypervisor = b->h->hypervisor;
	p->entry_bits = img->entry_64 && bits == 64 ? 64 : 32;
	if (p->entry_bits == 32 && !img->entry_32)
		return diag_fail(b->d, XK_UNSUPPORTED,
			"%s is a 64-bit vmlinux, which has no 32-bit entry, and this 32-bit %s has "
			"no other: use the bzImage of the same kernel",
			img->name, b->h->hypervisor == HV_XEN ? "hypervisor" : "kernel");
	p->machine = (b->lim->own_mode ? bits : p->entry_bits) == 64 ? EM_X86_64 : EM_386;
	b->reach = plan_reach(img->is_64, p->entry_bits);
	return XK_OK;
}

/* The whole pages of a region that a segment may lie in. */
static struct range usable(const struct builder *b, struct range r)
{
	maddr_t last = min_u64(b->lim->max_dest, UINT64_MAX - PAGE_SIZE_X86);
	/* Xen reports the size as it was asked for; only whole pages can be used. */
	maddr_t end = align_down(min_u64(r.end, last + 1), PAGE_SIZE_X86);

	if (r.start < LOWEST || r.start >= end || align_up(r.start, PAGE_SIZE_X86) >= end)
		return (struct range){0, 0};
	return (struct range){align_up(r.start, PAGE_SIZE_X86), end};
}

/* A firmware map that has the region as anything but RAM would be handed to the dump kernel. */
static enum xk_status check_is_ram(struct builder *b)
{
	const struct range_list *l = &b->h->memory;
	struct range r = b->p->region;
	bool ram = range_list_covers(l, r, MEM_RAM);

	for (size_t i = 0; ram && i < l->nr; i++)
		ram = l->v[i].type == MEM_RAM || !range_overlaps(l->v[i].r, r);
	if (ram)
		return XK_OK;
	return diag_fail(b->d, XK_BAD_INPUT,
		"the crash region %" PRIaddr "-%" PRIaddr
		" is not all RAM in the machine memory map: the facts contradict each other",
		r.start, r.end);
}

/* The other regions: nothing of the crashed system is in them. With crashkernel=...,high the low
 * one is all that the dump kernel's devices of 32 address bits can use. */
static enum xk_status add_more(struct builder *b)
{
	const struct range_list *mem = &b->h->memory, *l = &b->h->crash;
	struct plan *p = b->p;
	bool ok = true;

	for (size_t i = 0; ok && i < l->nr; i++) {
		struct range r = {align_up(l->v[i].r.start, PAGE_SIZE_X86),
			align_down(l->v[i].r.end, PAGE_SIZE_X86)};
		bool ram = r.start >= LOWEST && range_list_covers(mem, r, MEM_RAM);

		if (range_empty(r) || r.start < l->v[i].r.start || range_overlaps(r, p->region))
			continue;
		for (size_t k = 0; ram && k < mem->nr; k++)
			ram = mem->v[k].type == MEM_RAM || !range_overlaps(mem->v[k].r, r);
		if (ram)
			ok = range_list_add(&p->more, r, MEM_RAM);
		else
			plan_warn(p,
				"the crash region %" PRIaddr "-%" PRIaddr
				" is not all RAM above 1 MiB in the machine memory map; the dump "
				"kernel will not use it",
				r.start, r.end);
	}
	range_list_sort_merge(&p->more);
	return ok ? XK_OK : diag_fail(b->d, XK_NOMEM, "no memory for the crash regions");
}

static enum xk_status out_of_reach(struct builder *b, struct range r)
{
	const struct image *img = b->img;
	char how[160];

	if (range_empty(usable(b, r)))
		return diag_fail(b->d, XK_NO_FIT,
			"the crash region %" PRIaddr "-%" PRIaddr
			" is of no use: it must start above 1 MiB and have whole pages that %s "
			"takes, up to %" PRIaddr ": %s",
			r.start, r.end, b->lim->name, b->lim->max_dest,
			build_remedy(b, b->reach.kernel_max, how, sizeof(how)));
	return diag_fail(b->d, XK_NO_FIT,
		"the crash region %" PRIaddr "-%" PRIaddr " is out of reach of %s (%s)%s: %s%s",
		r.start, r.end, img->name, b->reach.why,
		b->lim->highest_region && b->h->crash.nr > 1
			? "; it is the higher one, and Linux loads into no other"
			: "",
		/* only where that would help */
		img->is_64 || host_crash_bits(b->h) == 32 ? "" : "use a 64-bit dump kernel, or ",
		build_remedy(b, b->reach.kernel_max, how, sizeof(how)));
}

/* The highest region that the image can use: low memory is the scarcer kind. */
enum xk_status build_region(struct builder *b)
{
	const struct range_list *l = &b->h->crash;
	const char *why = host_gap_reason(b->h, "crash-region");
	struct range best = {0, 0}, highest = {0, 0};
	enum xk_status st;
	char how[160];

	for (size_t i = 0; i < l->nr; i++)
		if (l->v[i].r.start >= highest.start && !range_empty(l->v[i].r))
			highest = l->v[i].r;
	for (size_t i = 0; i < l->nr; i++) {
		struct range r = usable(b, l->v[i].r);

		if (b->lim->highest_region && l->v[i].r.start != highest.start)
			continue;
		if (!range_empty(r) && r.start < b->reach.kernel_max && r.start >= best.start)
			best = r;
	}
	if (!range_empty(best)) {
		b->p->region = best;
		b->bottom = best.start;
		/* Purgatory maps no more than this of a region above 4 GiB. */
		b->top = min_u64(min_u64(best.end, best.start + PURG_MAX_MAP), b->reach.other_max);
		st = check_is_ram(b);
		return st ? st : add_more(b);
	}
	if (!l->nr)
		return diag_fail(b->d, XK_NO_REGION,
			"no memory is reserved for a crash kernel%s%s: %s", why ? ": " : "",
			why ? why : "", build_remedy(b, b->reach.kernel_max, how, sizeof(how)));
	return out_of_reach(b, highest);
}
