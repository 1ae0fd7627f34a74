// SPDX-License-Identifier: GPL-2.0-only
/* The plan as a value: small questions about it, and its end. */
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

uint64_t plan_control_need(const struct seg *segs, size_t nr)
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
	return pages * PAGE_SIZE_X86;
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
	range_list_deinit(&p->e820);
	free(p->cmdline);
	memset(p, 0, sizeof(*p));
}
