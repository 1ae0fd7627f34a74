// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmcore/head.h"
#include "vmcore/head_loads.h"

/* Beyond this a core's own program headers are not worth their virtual addresses. */
#define LOADS_MAX 1024

/* Xen's part of the address space: Xen xen/arch/x86/include/asm/config.h. */
#define XEN_FIRST UINT64_C(0xffff800000000000)
#define XEN_END	  UINT64_C(0xffff880000000000)

/* The core's memory, as far as its addresses can be translated. */
struct look {
	struct core_reader *r;
	struct xen_xlat x;
	struct linux_xlat l;
	bool have_x, have_l;
};

static bool fact_is(const struct core_notes *n, const char *key, const char *value)
{
	struct bytes v;

	return xkn_fact(n->xenkdump, key, 0, &v) && v.len == strlen(value) &&
	       !memcmp(v.data, value, v.len);
}

/* The registers are as wide as what crashed; after that the loader knows best. 0: nobody tells. */
static unsigned crashed_bits(const struct core_notes *n)
{
	const char *key = n->xen ? "xen.bits" : "kernel.bits";
	vaddr_t at;

	if (n->bits)
		return n->bits;
	if (fact_is(n, key, "32"))
		return 32;
	if (fact_is(n, key, "64") || n->xen) /* Xen 4.3 and later have 64 */
		return 64;
	if (vmcoreinfo_symbol(n->vmcoreinfo, "swapper_pg_dir", &at))
		return at > UINT32_MAX ? 64 : 32;
	return 0;
}

uint16_t head_machine(const struct core *c, const struct core_notes *n)
{
	unsigned bits = crashed_bits(n);

	if (!bits)
		return c->machine == EM_386 ? EM_386 : EM_X86_64;
	return bits == 32 ? EM_386 : EM_X86_64;
}

static void tell_machine(const struct core *c, const struct dump_head *h, struct head_parts *p)
{
	const char *is = h->machine == EM_386 ? "i386" : "x86_64";

	if (c->machine != EM_NONE && c->machine != h->machine)
		snprintf(p->notice, sizeof(p->notice),
			"the source says that it is of machine %s; what crashed was %s, and the dump says so",
			h->machine == EM_386 ? "x86_64" : "i386", is);
	else if (c->format == CORE_ELF && c->class == ELFCLASS32 && h->machine == EM_X86_64)
		snprintf(p->notice, sizeof(p->notice),
			"the source is a 32-bit ELF file of an x86_64 machine, which few programs read; the dump has the 64-bit form");
}

/* What cannot be translated is no failure: it is only not told. */
static void look_init(struct look *k, const struct core *c, const struct core_notes *n)
{
	struct diag ignored;

	diag_init(&ignored);
	k->r = core_reader_create(c);
	if (!k->r)
		return;
	if (n->xen)
		k->have_x = xen_xlat_init(c, n, k->r, &k->x, &ignored) == XK_OK;
	k->have_l = n->xen == k->have_x &&
		    linux_xlat_init(c, n, k->have_x ? &k->x : NULL, k->r, &k->l, &ignored) == XK_OK;
}

static void copy_text(char *to, struct bytes text)
{
	size_t n = text.len < LINUX_UTS_LEN - 1 ? text.len : LINUX_UTS_LEN - 1;

	if (n)
		memcpy(to, text.data, n);
	to[n] = '\0';
}

static bool known(const char *name)
{
	return *name && strcmp(name, "unknown") != 0;
}

/* The first that is known: VMCOREINFO (the release only), the source's header, what the kernel's
 * memory says, what the loader saw. */
static void fill_names(const struct core *c, const struct core_notes *n, const struct look *k,
	struct dump_head *h, struct head_parts *p)
{
	const char *const width = h->machine == EM_386 ? "i686" : "x86_64";
	struct linux_uts u = {0};
	struct bytes v;

	if (k->have_l && !linux_uts_read(n, &k->l, k->r, &u))
		u = (struct linux_uts){0};
	copy_text(p->uts.release, vmcoreinfo_value(n->vmcoreinfo, "OSRELEASE"));
	if (!known(p->uts.release))
		memcpy(p->uts.release, known(c->uts_release) ? c->uts_release : u.release,
			sizeof(p->uts.release));
	memcpy(p->uts.version, known(c->uts_version) ? c->uts_version : u.version,
		sizeof(p->uts.version));
	if (!known(p->uts.release) && xkn_fact(n->xenkdump, "kernel.release", 0, &v))
		copy_text(p->uts.release, v);
	if (!known(p->uts.version) && xkn_fact(n->xenkdump, "kernel.version", 0, &v))
		copy_text(p->uts.version, v);
	/* i486 and i586 are true too */
	if (c->machine == h->machine && known(c->uts_machine))
		memcpy(p->uts.machine, c->uts_machine, sizeof(p->uts.machine));
	else
		copy_text(p->uts.machine, (struct bytes){(const uint8_t *)width, strlen(width)});
	h->release = p->uts.release;
	h->version = p->uts.version;
	h->uts_machine = p->uts.machine;
}

/* An address that says where the crashed system had this memory. A loader of no great knowledge
 * gives machine addresses as dom0 would have them, which are nobody's. */
static bool means_something(const struct core_notes *n, vaddr_t virt)
{
	return n->xen ? virt >= XEN_FIRST && virt < XEN_END : virt != 0;
}

static bool any_means_something(const struct core *c, const struct core_notes *n)
{
	for (size_t i = 0; i < c->nr_loads; i++)
		if (means_something(n, c->loads[i].virt))
			return true;
	return false;
}

static enum xk_status copy_loads(const struct core *c, const struct core_notes *n,
	struct dump_head *h, struct head_parts *p, struct diag *d)
{
	if (!c->nr_loads || c->nr_loads > LOADS_MAX)
		return XK_OK;
	p->loads = calloc(c->nr_loads, sizeof(*p->loads));
	if (!p->loads)
		return diag_fail(d, XK_NOMEM, "no memory for %zu program headers", c->nr_loads);
	for (size_t i = 0; i < c->nr_loads; i++) {
		const struct core_load *l = &c->loads[i];

		p->loads[i] = (struct dump_load){l->mem, means_something(n, l->virt) ? l->virt : 0};
	}
	h->nr_loads = c->nr_loads;
	return XK_OK;
}

/* The source's own, unless they tell nothing and the memory does. */
static enum xk_status fill_loads(const struct core *c, const struct core_notes *n,
	const struct look *k, struct dump_head *h, struct head_parts *p, struct diag *d)
{
	enum xk_status st = XK_OK;

	if (k->r && !any_means_something(c, n))
		st = head_loads_make(c, k->have_x ? &k->x : NULL, k->have_l ? &k->l : NULL, k->r,
			&p->loads, &h->nr_loads, d);
	if (!st && !h->nr_loads)
		st = copy_loads(c, n, h, p, d);
	h->loads = p->loads;
	return st;
}

static void fill_phys_base(const struct core_notes *n, const struct look *k, struct dump_head *h)
{
	int64_t base;

	if (vmcoreinfo_number(n->vmcoreinfo, "phys_base", &base))
		h->phys_base = (uint64_t)base;
	else if (k->have_l && !n->xen && k->l.bits == 64)
		h->phys_base = k->l.phys_base;
}

enum xk_status head_fill(const struct core *c, const struct core_notes *n,
	const struct save_request *rq, struct dump_head *ret, struct head_parts *parts,
	struct diag *d)
{
	struct dump_head *h = ret;
	enum xk_status st = XK_OK;
	struct look k = {0};

	h->codec = rq->format == SAVE_ELF ? CODEC_NONE : rq->codec;
	h->machine = head_machine(c, n);
	h->e_flags = c->e_flags;
	h->notes = buf_bytes(&c->notes);
	h->vmcoreinfo = n->vmcoreinfo;
	h->nr_cpus = (unsigned)min_u64(n->nr_cpus, INT32_MAX);
	h->level = rq->filter.level;
	h->time = rq->time;
	h->ram = &c->ram;
	h->max_pfn = c->max_pfn;
	tell_machine(c, h, parts);
	look_init(&k, c, n);
	fill_names(c, n, &k, h, parts);
	fill_phys_base(n, &k, h);
	if (rq->format == SAVE_ELF)
		st = fill_loads(c, n, &k, h, parts, d);
	core_reader_destroy(k.r);
	return st;
}

void head_parts_deinit(struct head_parts *p)
{
	free(p->loads);
	*p = (struct head_parts){0};
}
