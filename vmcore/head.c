// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "vmcore/head.h"

/* Beyond this a core's own program headers are not worth their virtual addresses. */
#define LOADS_MAX 1024

static void copy_text(char *to, size_t cap, struct bytes text)
{
	size_t n = text.len < cap - 1 ? text.len : cap - 1;

	if (n)
		memcpy(to, text.data, n);
	to[n] = '\0';
}

static enum xk_status copy_loads(
	const struct core *c, struct dump_head *h, struct head_parts *p, struct diag *d)
{
	if (!c->nr_loads || c->nr_loads > LOADS_MAX)
		return XK_OK;
	p->loads = calloc(c->nr_loads, sizeof(*p->loads));
	if (!p->loads)
		return diag_fail(d, XK_NOMEM, "no memory for %zu program headers", c->nr_loads);
	for (size_t i = 0; i < c->nr_loads; i++)
		p->loads[i] = (struct dump_load){c->loads[i].mem, c->loads[i].virt};
	h->loads = p->loads;
	h->nr_loads = c->nr_loads;
	return XK_OK;
}

enum xk_status head_fill(const struct core *c, const struct core_notes *n,
	const struct save_request *rq, struct dump_head *ret, struct head_parts *parts,
	struct diag *d)
{
	const struct bytes info = n->vmcoreinfo;
	struct dump_head *h = ret;
	int64_t base;

	copy_text(parts->release, sizeof(parts->release), vmcoreinfo_value(info, "OSRELEASE"));
	h->codec = rq->format == SAVE_ELF ? CODEC_NONE : rq->codec;
	h->machine = c->machine == EM_386 ? EM_386 : EM_X86_64;
	h->e_flags = c->e_flags;
	h->notes = buf_bytes(&c->notes);
	h->vmcoreinfo = info;
	h->release = *parts->release ? parts->release : c->uts_release;
	h->version = c->uts_version;
	h->uts_machine = c->uts_machine;
	h->nr_cpus = (unsigned)min_u64(n->nr_cpus, INT32_MAX);
	h->level = rq->filter.level;
	if (vmcoreinfo_number(info, "phys_base", &base))
		h->phys_base = (uint64_t)base;
	h->time = rq->time;
	h->ram = &c->ram;
	h->max_pfn = c->max_pfn;
	return rq->format == SAVE_ELF ? copy_loads(c, h, parts, d) : XK_OK;
}

void head_parts_deinit(struct head_parts *p)
{
	free(p->loads);
	*p = (struct head_parts){0};
}
