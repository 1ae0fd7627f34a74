// SPDX-License-Identifier: GPL-2.0-only
/* The plan as a value: small questions about it, and its end. */
#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/plan_mem.h"

const char *seg_kind_name(enum seg_kind k)
{
	static const char *const names[SEG_KINDS] = {
		[SEG_KERNEL] = "kernel",
		[SEG_INITRD] = "initrd",
		[SEG_BOOTPARAMS] = "bootparams",
		[SEG_CMDLINE] = "cmdline",
		[SEG_ELFCORE] = "elfcore",
		[SEG_NOTE] = "note",
		[SEG_BACKUP] = "backup",
		[SEG_PURGATORY] = "purgatory",
	};

	return k < SEG_KINDS ? names[k] : "?";
}

struct reach plan_reach(bool is_64, unsigned entry_bits)
{
	if (!is_64)
		return (struct reach){REACH_LOWMEM, REACH_4G,
			"a 32-bit kernel must lie below 896 MiB, where its own memory is"};
	if (entry_bits == 32)
		return (struct reach){REACH_4G, REACH_4G,
			"a 64-bit kernel entered at its 32-bit entry must lie below 4 GiB"};
	return (struct reach){REACH_ALL, REACH_ALL, "four-level page tables reach 64 TiB"};
}

unsigned plan_purg_bits(const struct plan *p)
{
	return p->machine == EM_X86_64 ? 64 : 32;
}

bool plan_verifies(const struct plan *p, const struct seg *s)
{
	return s->buf && s->kind != SEG_PURGATORY && !(p->hotplug && s->kind == SEG_ELFCORE);
}

const struct seg *plan_seg(const struct plan *p, enum seg_kind kind)
{
	for_each_seg (s, p)
		if (s->kind == kind)
			return s;
	return NULL;
}

bool plan_warn(struct plan *p, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (p->nr_warnings == PLAN_MAX_WARNINGS)
		return true;
	va_start(ap, fmt);
	n = vasprintf(&p->warnings[p->nr_warnings], fmt, ap);
	va_end(ap);
	if (n < 0)
		return false;
	p->nr_warnings++;
	return true;
}

static uint64_t control_map_segs(const struct seg *segs, size_t nr)
{
	/* Code page, indirection page, top table, and the code page's alias at Xen's address. */
	uint64_t pages = 12;

	for (size_t i = 0; i < nr; i++) {
		uint64_t size = range_size(segs[i].dest);

		/* One table a 2 MiB and a 1 GiB touched (one more where it straddles), and a
		 * third level. */
		pages += (size + 2 * MiB - 1) / (2 * MiB) + 1;
		pages += (size + GiB - 1) / GiB + 1;
		pages += 1;
	}
	return pages;
}

/* Tables that it takes to map what Linux maps of the machine: one level, of which a table spans
 * `span` bytes. Firmware tables that are no RAM count too. Two neighbours share a table; ranges
 * that are not in order are counted as if they did not. */
static uint64_t tables(const struct host *h, uint64_t span)
{
	uint64_t nr = 0, last = UINT64_MAX;

	for (size_t i = 0; i < h->memory.nr; i++) {
		const struct mem_range *m = &h->memory.v[i];

		if (range_empty(m->r) || m->type == MEM_RESERVED || m->type == MEM_UNUSABLE)
			continue;
		nr += (m->r.end - 1) / span - m->r.start / span + (m->r.start / span != last);
		last = (m->r.end - 1) / span;
	}
	return nr;
}

static uint64_t control_map_ram(const struct host *h)
{
	/* Two pages for code and top table, aligned to two; with five levels a table more; the EFI
	 * system table, ACPI tables and a serial port in memory, two tables each at most. */
	return 16 + tables(h, GiB) + tables(h, 512 * GiB);
}

uint64_t plan_control_need(
	const struct backend_limits *lim, const struct host *h, const struct seg *segs, size_t nr)
{
	switch (lim->control) {
	case CONTROL_NONE: break;
	case CONTROL_MAP_SEGS: return control_map_segs(segs, nr) * PAGE_SIZE_X86;
	case CONTROL_MAP_RAM: return control_map_ram(h) * PAGE_SIZE_X86;
	case CONTROL_CODE: return PAGE_SIZE_X86;
	}
	return 0;
}

void plan_deinit(struct plan *p)
{
	if (p->mem) {
		buf_deinit(&p->mem->bootparams);
		buf_deinit(&p->mem->elfcore);
		buf_deinit(&p->mem->note);
		buf_deinit(&p->mem->purgatory);
		free(p->mem);
	}
	for (size_t i = 0; i < p->nr_warnings; i++)
		free(p->warnings[i]);
	range_list_deinit(&p->more);
	range_list_deinit(&p->e820);
	free(p->cmdline);
	memset(p, 0, sizeof(*p));
}
