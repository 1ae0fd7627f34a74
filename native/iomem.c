// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/iomem: "START-LAST : NAME", hexadecimal, LAST included, a child indented below its parent.
 * Linux gives RAM that was added later under a device (virtio-mem) or under what the firmware
 * called something else (kmem), so names count at any depth, and the inner of two wins.
 */
#include <string.h>

#include "common/factfile.h"
#include "native/machine.h"
#include "common/number.h"

#define IOMEM	    "/proc/iomem"
#define MAX_FILE    (16u << 20)
#define MAX_ENTRIES 16384 /* more has no map, once neighbours are joined */
/* Linux maps its image in 512 MiB, or 1 GiB with KASLR: arch/x86 KERNEL_IMAGE_SIZE. */
#define MAX_IMAGE GiB

#define TYPE_PRAM 12 /* NVDIMM of before ACPI 6.0, Linux E820_TYPE_PRAM */

struct entry {
	uint64_t start, last;
	const char *name; /* not terminated */
	size_t len;
};

struct scan {
	struct host *h;
	unsigned line;
	bool any, nonzero, too_many;
	unsigned nr_code, nr_bss;
	struct range code, bss;
};

static const struct {
	const char *name;
	uint32_t type;
} names[] = {
	{"System RAM", MEM_RAM},
	{"Reserved", MEM_RESERVED},
	{"reserved", MEM_RESERVED}, /* before Linux 4.11 */
	{"Unknown E820 type", MEM_RESERVED},
	{"Soft Reserved", MEM_RESERVED}, /* its children are RAM where kmem took it */
	{"GART", MEM_RESERVED}, /* an aperture laid over RAM: reading it there is a machine check */
	{"ACPI Tables", MEM_ACPI},
	{"ACPI Non-volatile Storage", MEM_NVS},
	{"Unusable memory", MEM_UNUSABLE},
	{"Persistent Memory (legacy)", TYPE_PRAM},
	{"Persistent Memory", MEM_PMEM},
};

static bool is(const struct entry *e, const char *name)
{
	return e->len == strlen(name) && !memcmp(e->name, name, e->len);
}

/* 0: not memory. "System RAM (kmem)" and "System RAM (virtio_mem)" say who added it. */
static uint32_t type_of(const struct entry *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (is(e, names[i].name))
			return names[i].type;
	if (e->len > 12 && !memcmp(e->name, "System RAM (", 12))
		return MEM_RAM;
	return 0;
}

static bool parse(const char *p, const char *end, struct entry *ret)
{
	while (p < end && *p == ' ')
		p++;
	if (!number_take(&p, end, 16, &ret->start) || p == end || *p++ != '-' ||
		!number_take(&p, end, 16, &ret->last) || end - p < 3 || memcmp(p, " : ", 3))
		return false;
	ret->name = p + 3;
	ret->len = (size_t)(end - ret->name);
	return true;
}

static enum xk_status no_memory(struct diag *d)
{
	return diag_fail(d, XK_NOMEM, "no memory for " IOMEM);
}

/* Cuts the new range out of what it lies in. False where it crosses the border of another one,
 * which no tree of resources does. */
static bool nests(const struct range_list *l, struct range r, uint32_t type, bool *inside)
{
	*inside = false;
	for (size_t i = 0; i < l->nr; i++) {
		if (!range_overlaps(l->v[i].r, r))
			continue;
		if (l->v[i].type != type && !range_contains(l->v[i].r, r))
			return false;
		*inside = true;
	}
	return true;
}

static enum xk_status add_memory(struct scan *s, struct range r, uint32_t type, struct diag *d)
{
	struct range_list *l = &s->h->memory;
	struct mem_range *last = l->nr ? &l->v[l->nr - 1] : NULL;
	bool inside;

	if (!nests(l, r, type, &inside)) {
		host_gap(s->h, "memory",
			IOMEM ":%u: %" PRIaddr "-%" PRIaddr
			      " overlaps an entry of another kind without being inside it; it "
			      "counts unless it says RAM",
			s->line, r.start, r.end);
		if (type == MEM_RAM)
			return XK_OK;
	}
	/* Hot-added RAM is one line a block, thousands on a large machine. */
	if (!inside && last && last->type == type && last->r.end == r.start) {
		last->r.end = r.end;
		return XK_OK;
	}
	if (l->nr >= MAX_ENTRIES) {
		s->too_many = true;
		return XK_OK;
	}
	if (!range_list_subtract(l, r) || !range_list_add(l, r, type))
		return no_memory(d);
	return XK_OK;
}

static enum xk_status add_crash(struct scan *s, struct range r, struct diag *d)
{
	struct range_list *l = &s->h->crash;

	for (size_t i = 0; i < l->nr; i++) {
		if (!range_overlaps(l->v[i].r, r))
			continue;
		host_gap(s->h, "crash-region",
			IOMEM ":%u: the crash region %" PRIaddr "-%" PRIaddr " overlaps another",
			s->line, r.start, r.end);
		return XK_OK;
	}
	if (l->nr >= MAX_ENTRIES) {
		host_gap(
			s->h, "crash-region", IOMEM " has more than %d crash regions", MAX_ENTRIES);
		return XK_OK;
	}
	return range_list_add(l, r, MEM_RAM) ? XK_OK : no_memory(d);
}

static enum xk_status take_entry(struct scan *s, const struct entry *e, struct diag *d)
{
	bool crash = is(e, "Crash kernel"), code = is(e, "Kernel code"), bss = is(e, "Kernel bss");
	const char *fact = crash ? "crash-region" : code || bss ? "kernel.image" : "memory";
	uint32_t type = type_of(e);
	struct range r = {e->start, e->last + 1};

	s->any = true;
	s->nonzero |= e->start || e->last;
	if (!crash && !code && !bss && !type)
		return XK_OK;
	if (e->last < e->start || e->last == UINT64_MAX) {
		host_gap(s->h, fact,
			IOMEM ":%u: %" PRIaddr "-%" PRIaddr " is no range of addresses", s->line,
			e->start, e->last);
		return XK_OK;
	}
	if (crash)
		return add_crash(s, r, d);
	if (code) {
		s->nr_code++;
		s->code = r;
	} else if (bss) {
		s->nr_bss++;
		s->bss = r;
	} else {
		return add_memory(s, r, type, d);
	}
	return XK_OK;
}

/* Code, read-only data, data and bss follow each other; Linux gives the gaps back as RAM. */
static void take_image(struct scan *s)
{
	struct range r = {s->code.start, s->bss.end};
	struct host *h = s->h;

	if (s->nr_code != 1 || s->nr_bss != 1)
		host_gap(h, "kernel.image",
			IOMEM " has %u \"Kernel code\" and %u \"Kernel bss\", wanted one of each",
			s->nr_code, s->nr_bss);
	else if (s->bss.start < s->code.end || range_size(r) > MAX_IMAGE)
		host_gap(h, "kernel.image",
			IOMEM ": code %" PRIaddr "-%" PRIaddr " and bss %" PRIaddr "-%" PRIaddr
			      " are not one image of at most 1 GiB",
			s->code.start, s->code.end, s->bss.start, s->bss.end);
	else if (!range_list_covers(&h->memory, r, MEM_RAM))
		host_gap(h, "kernel.image",
			IOMEM ": the kernel's image %" PRIaddr "-%" PRIaddr " is not in RAM",
			r.start, r.end);
	else
		h->kernel.image = r;
}

/* What does not hold together is worse than nothing: a dump would lack RAM without a word. */
static void finish(struct scan *s)
{
	struct host *h = s->h;

	if (s->any && !s->nonzero) {
		static const char *const facts[] = {"memory", "crash-region", "kernel.image"};

		range_list_deinit(&h->memory);
		range_list_deinit(&h->crash);
		for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
			host_gap(h, facts[i],
				IOMEM " shows zeros for addresses to who lacks CAP_SYS_ADMIN: run "
				      "this as root");
		return;
	}
	if (s->too_many) {
		range_list_deinit(&h->memory);
		host_gap(h, "memory", IOMEM " has more than %d ranges of memory", MAX_ENTRIES);
	}
	range_list_sort_merge(&h->memory);
	if (!h->memory.nr)
		host_gap(h, "memory", IOMEM " names no memory");
	if (!h->crash.nr)
		host_gap(h, "crash-region",
			IOMEM " has no \"Crash kernel\": Linux was started without crashkernel=, "
			      "or found no room for it");
	take_image(s);
}

enum xk_status native_iomem(const char *root, struct host *h, struct diag *d)
{
	struct scan s = {.h = h};
	enum xk_status st = XK_OK;
	struct buf file = {0};
	const char *p, *end;

	if (!factfile_read(h, "memory", root, IOMEM, MAX_FILE, &file)) {
		host_gap(h, "crash-region", "%s", host_gap_reason(h, "memory"));
		host_gap(h, "kernel.image", "%s", host_gap_reason(h, "memory"));
		return XK_OK;
	}
	p = (const char *)file.data;
	end = p + file.len;
	while (!st && p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct entry e;

		s.line++;
		if (parse(p, nl ? nl : end, &e))
			st = take_entry(&s, &e, d);
		else
			host_gap(h, "memory", IOMEM ":%u: expected START-END : NAME", s.line);
		p = nl ? nl + 1 : end;
	}
	if (!st)
		finish(&s);
	buf_deinit(&file);
	return st;
}
