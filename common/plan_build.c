// SPDX-License-Identifier: GPL-2.0-only
/* From facts, request and image to a plan: the decisions, and where each piece goes. */
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "common/bootparams.h"
#include "common/efi.h"
#include "common/note.h"
#include "common/plan_build.h"
#include "common/purg.h"

static enum xk_status no_room(struct builder *b, const char *what, uint64_t size)
{
	char how[160];

	return diag_fail(b->d, XK_NO_FIT,
		"the crash region %" PRIaddr "-%" PRIaddr " (%" PRIu64
		" MiB) has no room left for the %s (%" PRIu64 " KiB; %s needs %" PRIu64
		" MiB, init_size of its header, and the initrd has %" PRIu64 " MiB): %s",
		b->p->region.start, b->p->region.end, range_size(b->p->region) / MiB, what,
		(size + KiB - 1) / KiB, b->img->name, b->img->init_size / MiB,
		(uint64_t)b->img->initrd.len / MiB,
		build_remedy(b, b->reach.kernel_max, how, sizeof(how)));
}

/* Takes `size` bytes from the top of what is free, ending at or below `limit`. */
static enum xk_status place(
	struct builder *b, enum seg_kind kind, uint64_t size, maddr_t limit, const char *reason)
{
	maddr_t end = align_down(min_u64(b->top, limit), PAGE_SIZE_X86);
	uint64_t pages = align_up(size, PAGE_SIZE_X86);

	if (pages < size || end < b->bottom || pages > end - b->bottom)
		return no_room(b, seg_kind_name(kind), size);
	b->top = end - pages;
	b->p->segs[b->p->nr++] = (struct seg){
		.kind = kind,
		.dest = {b->top, end},
		.len = kind == SEG_BACKUP ? 0 : size,
		.protected = kind == SEG_BACKUP || kind == SEG_NOTE || kind == SEG_ELFCORE,
		.reason = reason,
	};
	return XK_OK;
}

/* The kernel goes to the bottom, after the room that the hypervisor takes for itself. */
static enum xk_status place_kernel(struct builder *b)
{
	struct plan *p = b->p;
	struct seg *s = &p->segs[p->nr];
	uint64_t size = align_up(b->img->init_size, PAGE_SIZE_X86);
	maddr_t start, end;
	char how[160];

	*s = (struct seg){
		.kind = SEG_KERNEL,
		.dest = {0, size},
		.buf = b->img->kernel.data,
		.len = b->img->kernel.len,
		.reason = "at its alignment, with the memory it unpacks itself into",
	};
	p->nr++;
	p->control_need = plan_control_need(b->lim, b->h, p->segs, p->nr);
	/* A relocatable kernel below its pref_address moves itself up to there when it unpacks
	 * (boot.rst), which would be over the crashed system's memory. */
	start = align_up(max_u64(b->bottom + p->control_need, b->img->pref_address), b->img->align);
	if (start < b->bottom || add_overflow(start, size, &end))
		return no_room(b, "kernel", size);
	if (end > b->reach.kernel_max)
		return diag_fail(b->d, XK_NO_FIT,
			"%s would lie at %" PRIaddr "-%" PRIaddr " in the crash region %" PRIaddr
			"-%" PRIaddr ", above %" PRIaddr " (%s): %s",
			b->img->name, start, end, p->region.start, p->region.end,
			b->reach.kernel_max, b->reach.why,
			build_remedy(b, b->reach.kernel_max, how, sizeof(how)));
	if (p->machine == EM_386 && b->bottom + p->control_need > b->lim->control_end)
		return diag_fail(b->d, XK_NO_FIT,
			"the crash region %" PRIaddr "-%" PRIaddr
			" is too high: %s enters the image from a page of it that must lie below "
			"%" PRIu64 " MiB: %s",
			p->region.start, p->region.end, b->lim->name, b->lim->control_end / MiB,
			build_remedy(b, b->lim->control_end, how, sizeof(how)));
	if (end > b->top && p->region.start < b->img->pref_address)
		return diag_fail(b->d, XK_NO_FIT,
			"%s runs at %" PRIaddr " or above (pref_address of its header) and has no "
			"room there in the crash region %" PRIaddr "-%" PRIaddr
			": reserve the region higher",
			b->img->name, b->img->pref_address, p->region.start, p->region.end);
	if (end > b->top)
		return no_room(b, "kernel", size);
	s->dest = (struct range){start, end};
	p->control = (struct range){p->region.start, start};
	b->bottom = end;
	return XK_OK;
}

/* What the dump kernel may use and what it must know of. */
static enum xk_status build_e820(struct builder *b)
{
	const struct host *h = b->h;
	struct range_list *l = &b->p->e820;
	bool ok = true;

	for (size_t i = 0; ok && i < h->memory.nr; i++) {
		struct mem_range m = h->memory.v[i];

		if (m.type == MEM_RAM)
			m.r.end = b->low_ram ? min_u64(m.r.end, BACKUP_END) : 0;
		if (!range_empty(m.r))
			ok = range_list_add(l, m.r, m.type);
	}
	ok = ok && range_list_add(l, b->p->region, MEM_RAM);
	for (size_t i = 0; ok && i < b->p->more.nr; i++)
		ok = range_list_add(l, b->p->more.v[i].r, MEM_RAM);
	for_each_seg (s, b->p)
		if (s->protected)
			ok = ok && range_list_subtract(l, s->dest) &&
			     range_list_add(l, s->dest, MEM_RESERVED);
	range_list_sort_merge(l);
	return ok ? XK_OK : diag_fail(b->d, XK_NOMEM, "no memory for the memory map");
}

static enum xk_status place_protected(struct builder *b)
{
	size_t header = core_header_size(b->core.class, b->core.nr_notes + b->core.nr_loads);
	enum xk_status st = XK_OK;

	if (b->low_ram)
		st = place(b, SEG_BACKUP, BACKUP_END, UINT64_MAX,
			"where purgatory saves the first 640 KiB");
	if (!st)
		st = place(b, SEG_NOTE, b->p->mem->note.len, UINT64_MAX,
			"what the dump says of itself; read through the core header");
	if (!st)
		st = place(b, SEG_ELFCORE,
			b->p->hotplug ? max_u64(header, b->h->kernel.elfcorehdr_size) : header,
			UINT64_MAX, "the core header, found through elfcorehdr=");
	if (!st) /* the rest is room for the header that Linux writes */
		b->p->segs[b->p->nr - 1].len = header;
	return st;
}

/* At the 32-bit entry initrd_addr_max of the header holds; the 64-bit one takes any address. */
static enum xk_status place_initrd(struct builder *b)
{
	const struct image *img = b->img;
	maddr_t limit = b->p->entry_bits == 64 ? UINT64_MAX : img->initrd_max + 1;
	char how[160];

	if (limit < b->top && (limit <= b->bottom || limit - b->bottom < img->initrd.len))
		return diag_fail(b->d, XK_NO_FIT,
			"the crash region %" PRIaddr "-%" PRIaddr
			" has no room for the initrd (%" PRIu64 " MiB) below %" PRIaddr
			", the most that %s takes (initrd_addr_max of its header): %s",
			b->p->region.start, b->p->region.end, (uint64_t)img->initrd.len / MiB,
			limit, img->name,
			build_remedy(b, min_u64(limit, b->reach.kernel_max), how, sizeof(how)));
	return place(b, SEG_INITRD, img->initrd.len, limit, "all --initrd, concatenated");
}

static enum xk_status place_rest(struct builder *b)
{
	const struct image *img = b->img;
	enum xk_status st;

	st = place(b, SEG_PURGATORY, purg_blob(plan_purg_bits(b->p)).len, UINT64_MAX,
		"runs first: verifies, saves low memory, enters the kernel");
	if (!st) {
		/* More than its file: stack, tables. Zeroed by whoever loads it. */
		struct purg_abi abi = purg_blob_abi(plan_purg_bits(b->p));
		struct seg *s = &b->p->segs[b->p->nr - 1];
		uint64_t more = align_up(abi.mem_size, PAGE_SIZE_X86) - range_size(s->dest);

		if (more > b->top - b->bottom)
			return no_room(b, "purgatory", abi.mem_size);
		b->top -= more;
		s->dest.start = b->top;
	}
	if (!st)
		st = place(b, SEG_CMDLINE, strlen(b->p->cmdline) + 1, UINT64_MAX,
			"the dump kernel's command line");
	if (!st)
		st = place(b, SEG_BOOTPARAMS, bootparams_size(b->rq, b->h, img, b->p->e820.nr),
			UINT64_MAX, "zero page, memory map, random seed");
	if (!st && img->initrd.len)
		st = place_initrd(b);
	if (!st)
		st = place_kernel(b);
	return st;
}

/* Whether Linux may keep the core header current, if that was asked for. */
static enum xk_status build_hotplug(struct builder *b)
{
	const struct host *h = b->h;
	const char *why = host_gap_reason(h, "kernel.crash-hotplug");

	if (!b->rq->hotplug)
		return XK_OK;
	if (h->hypervisor != HV_NONE)
		return diag_fail(b->d, XK_UNSUPPORTED,
			"--hotplug: under Xen no one keeps the core header current, and no one needs "
			"to: it has the notes of all CPUs that Xen can have");
	if (!h->kernel.crash_hotplug || !h->kernel.elfcorehdr_size)
		return diag_fail(b->d, XK_UNSUPPORTED,
			"--hotplug: this kernel does not keep a loaded core header current (%s): load "
			"again after CPUs or memory came or went",
			why ? why : "that came with Linux 6.6 and CONFIG_CRASH_HOTPLUG");
	if (b->p->core_machine != (h->kernel.bits == 32 ? EM_386 : EM_X86_64))
		return diag_fail(b->d, XK_UNSUPPORTED,
			"--hotplug: this 32-bit kernel would write a header that %s, a 64-bit kernel, "
			"does not read: use a 32-bit dump kernel",
			b->img->name);
	if (b->rq->test_wrong_digest &&
		!strcmp(b->rq->test_wrong_digest, seg_kind_name(SEG_ELFCORE)))
		return diag_fail(b->d, XK_USAGE,
			"--test-wrong-digest elfcore: with --hotplug the core header is not verified");
	b->p->hotplug = true;
	plan_warn(b->p,
		"--hotplug: once a CPU or memory comes or goes, Linux writes a core header of its "
		"own: without the XENKDUMP note and the first MiB, and nothing verifies it");
	return XK_OK;
}

static struct seg *seg_of(struct plan *p, enum seg_kind kind)
{
	for (size_t i = 0; i < p->nr; i++)
		if (p->segs[i].kind == kind)
			return &p->segs[i];
	return NULL;
}

static void fill_map(struct builder *b)
{
	struct xkn_map map[SEG_KINDS + 1] = {
		{XKN_MAP_REGION, 0, b->p->region.start, b->p->region.end}};
	size_t nr = 1;

	for_each_seg (s, b->p)
		map[nr++] = (struct xkn_map){s->kind, s->protected, s->dest.start, s->dest.end};
	xkn_set_map(b->p->mem->note.data + b->map_off, map, SEG_KINDS + 1);
	xkn_seal(b->p->mem->note.data + b->xkn_off);
}

static void build_efi(struct builder *b)
{
	char why[512];

	if (bootparams_has_efi(b->h, b->img, why, sizeof(why)))
		b->p->efi_ranges = b->h->efi_runtime_map.len / sizeof(struct efi_memory_desc);
	else if (why[0])
		plan_warn(b->p,
			"the dump kernel is not told of the EFI firmware's runtime services (%s): it "
			"can neither restart the machine by them nor reach EFI variables",
			why);
}

static enum xk_status fill_bootparams(struct builder *b)
{
	struct plan *p = b->p;
	const struct seg *initrd = plan_seg(p, SEG_INITRD);
	struct bp_places at = {
		.self = plan_seg(p, SEG_BOOTPARAMS)->dest.start,
		.kernel = plan_seg(p, SEG_KERNEL)->dest.start,
		.cmdline = plan_seg(p, SEG_CMDLINE)->dest.start,
		.initrd = initrd ? initrd->dest.start : 0,
		.initrd_len = initrd ? initrd->len : 0,
	};

	return bootparams_build(b->rq, b->h, b->img, &p->e820, &at, &p->mem->bootparams, b->d);
}

/* Hashes every piece and tells purgatory what must be where. */
static void fill_purgatory(struct builder *b)
{
	struct plan *p = b->p;
	const struct seg *backup = plan_seg(p, SEG_BACKUP);
	const struct seg *bp = plan_seg(p, SEG_BOOTPARAMS);
	struct purg_abi abi = {
		.flags = (p->console.serial_port ? PURG_F_SERIAL : 0) |
			 (p->console.vga ? PURG_F_VGA : 0) |
			 (b->rq->purgatory_verbose ? PURG_F_VERBOSE : 0),
		.on_corruption = b->rq->on_corruption,
		.delay_s = b->rq->corruption_delay_s,
		.serial_port = p->console.serial_port,
		.serial_divisor = p->console.serial_divisor,
		.entry_bits = p->entry_bits,
		.entry = p->kernel_entry,
		.boot_params = bp->dest.start,
		.backup_dst = backup ? backup->dest.start : 0,
		.backup_len = backup ? BACKUP_END : 0,
		.map_start = p->region.start,
		.map_end = min_u64(p->region.end, p->region.start + PURG_MAX_MAP),
	};

	for (size_t i = 0; i < p->nr; i++) {
		struct seg *s = &p->segs[i];
		struct purg_region *r = &abi.regions[abi.nr_regions];

		if (!plan_verifies(p, s))
			continue;
		sha256(s->buf, s->len, s->sha256);
		if (b->rq->test_wrong_digest &&
			!strcmp(b->rq->test_wrong_digest, seg_kind_name(s->kind)))
			s->sha256[0] ^= 1;
		r->addr = s->dest.start;
		r->len = s->len;
		snprintf(r->name, sizeof(r->name), "%s", seg_kind_name(s->kind));
		memcpy(r->sha256, s->sha256, sizeof(r->sha256));
		abi.nr_regions++;
	}
	purg_fill(p->mem->purgatory.data, &abi);
}

static enum xk_status fill_contents(struct builder *b)
{
	struct bytes blob = purg_blob(plan_purg_bits(b->p));
	struct plan *p = b->p;
	enum xk_status st;

	p->kernel_entry = plan_seg(p, SEG_KERNEL)->dest.start + (p->entry_bits == 64 ? 0x200 : 0);
	p->entry = plan_seg(p, SEG_PURGATORY)->dest.start;
	fill_map(b);
	st = build_core_header(b);
	if (!st)
		st = fill_bootparams(b);
	if (st)
		return st;
	buf_append(&p->mem->purgatory, blob.data, blob.len);
	if (p->mem->purgatory.failed)
		return diag_fail(b->d, XK_NOMEM, "no memory for purgatory");
	seg_of(p, SEG_NOTE)->buf = p->mem->note.data;
	seg_of(p, SEG_ELFCORE)->buf = p->mem->elfcore.data;
	seg_of(p, SEG_BOOTPARAMS)->buf = p->mem->bootparams.data;
	seg_of(p, SEG_CMDLINE)->buf = (const uint8_t *)p->cmdline;
	seg_of(p, SEG_PURGATORY)->buf = p->mem->purgatory.data;
	if (plan_seg(p, SEG_INITRD))
		seg_of(p, SEG_INITRD)->buf = b->img->initrd.data;
	fill_purgatory(b);
	return XK_OK;
}

static void warn_of_memory(struct builder *b)
{
	uint64_t used = 0, want = 2 * (uint64_t)b->img->initrd.len + PLAN_COMFORT;
	struct plan *p = b->p;
	char how[160];

	for_each_seg (s, p)
		if (s->protected || s->kind == SEG_INITRD || s->kind == SEG_KERNEL)
			used += range_size(s->dest);
	if (range_size(p->region) < used + want)
		plan_warn(p,
			"only %" PRIu64 " MiB of the crash region are left for the dump kernel to "
			"run in and unpack its initrd; it may run out of memory",
			(range_size(p->region) - used) / MiB);
	if (!b->img->is_64 && p->region.end > REACH_LOWMEM &&
		REACH_LOWMEM - plan_seg(p, SEG_KERNEL)->dest.end < PLAN_COMFORT)
		plan_warn(p,
			"a 32-bit kernel runs in memory below 896 MiB, and only %" PRIu64
			" MiB of it are left for this one; it may run out of memory: %s",
			(REACH_LOWMEM - plan_seg(p, SEG_KERNEL)->dest.end) / MiB,
			build_remedy(b, REACH_LOWMEM, how, sizeof(how)));
	if (p->region.start >= REACH_4G && !(p->more.nr && p->more.v[0].r.start < REACH_4G))
		plan_warn(p,
			"the crash region lies above 4 GiB: drivers of devices that reach only 4 GiB "
			"find no memory in the dump kernel; if they are needed, %s%s",
			build_remedy(b, REACH_4G, how, sizeof(how)),
			p->hypervisor == HV_NONE ? ", or add crashkernel=256M,low" : "");
	if (!b->img->initrd.len)
		plan_warn(p, "no initrd: the dump kernel must find everything in itself");
}

/* What the plan needs of the way it will be loaded. */
static enum xk_status check_backend(struct builder *b)
{
	unsigned need = 6 + b->low_ram + (b->img->initrd.len != 0);

	if (b->lim->max_segs < need)
		return diag_fail(b->d, XK_UNSUPPORTED, "%u segments are needed, %s takes %u", need,
			b->lim->name, b->lim->max_segs);
	if (b->lim->align > PAGE_SIZE_X86)
		return diag_fail(b->d, XK_UNSUPPORTED,
			"%s wants segments aligned to %" PRIu64 "; they are pages here",
			b->lim->name, b->lim->align);
	if (b->low_ram && !b->lim->map_only)
		return diag_fail(b->d, XK_UNSUPPORTED,
			"%s takes no segment without content, which the backup of the first 640 KiB is",
			b->lim->name);
	return XK_OK;
}

static int by_dest(const void *a, const void *b)
{
	const struct seg *x = a, *y = b;

	return x->dest.start < y->dest.start ? -1 : x->dest.start > y->dest.start;
}

enum xk_status plan_build(const struct request *rq, const struct host *h, const struct image *img,
	const struct backend_limits *lim, struct plan *ret, struct diag *d)
{
	struct builder b = {.rq = rq, .h = h, .img = img, .lim = lim, .p = ret, .d = d};
	enum xk_status st;

	memset(ret, 0, sizeof(*ret));
	ret->mem = calloc(1, sizeof(*ret->mem));
	if (!ret->mem)
		return diag_fail(d, XK_NOMEM, "no memory for a plan");
	st = build_entry(&b);
	if (!st)
		st = build_region(&b);
	if (!st)
		st = build_notes(&b);
	if (!st)
		st = build_core_spec(&b);
	if (!st)
		st = build_hotplug(&b);
	if (!st)
		st = check_backend(&b);
	if (!st)
		st = place_protected(&b);
	if (!st)
		st = build_e820(&b);
	if (!st) {
		build_efi(&b);
		st = build_cmdline(&b, plan_seg(ret, SEG_ELFCORE)->dest.start);
	}
	if (!st)
		st = place_rest(&b);
	if (!st)
		st = fill_contents(&b);
	if (!st) {
		warn_of_memory(&b);
		qsort(ret->segs, ret->nr, sizeof(ret->segs[0]), by_dest);
	}
	core_spec_deinit(&b.core);
	if (st)
		plan_deinit(ret);
	return st;
}
