// SPDX-License-Identifier: GPL-2.0-only
/*
 * A Linux kernel's virtual addresses, native or under Xen. VMCOREINFO says where the kernel's text
 * lies and little else, so the rest is looked for in its page tables, and every guess is proven by
 * a walk that comes to the place that it should. Source: Linux Documentation/arch/x86/x86_64/mm.rst,
 * arch/x86/mm/kaslr.c, arch/x86/kernel/vmcore_info_64.c; 4.4 to 6.12.
 */
#include "vmcore/pagetable.h"
#include "vmcore/why.h"
#include "vmcore/xlat.h"

#define TEXT_BASE UINT64_C(0xffffffff80000000) /* __START_KERNEL_map */
#define TEXT_SIZE GiB /* KERNEL_IMAGE_SIZE with KASLR; 512 MiB without */
#define LOWMEM	  (896 * MiB) /* of a 32-bit kernel, at most, by its linear mapping */

static struct pagetable tables(const struct linux_xlat *l, struct core_reader *r)
{
	return (struct pagetable){
		.read = pagetable_read_core,
		.ctx = r,
		.root = l->pgd,
		.levels = l->levels,
		.not_address = l->not_address,
	};
}

/* The kernel's physical address as the core has it. */
static bool from_phys(const struct linux_xlat *l, struct core_reader *r, uint64_t phys,
	maddr_t *ret, uint64_t *left)
{
	uint64_t pfn = phys / CORE_PAGE, mfn = p2m_mfn(&l->p2m, r, pfn);

	if (mfn == P2M_NONE)
		return false;
	*ret = mfn * CORE_PAGE + phys % CORE_PAGE;
	*left = (l->p2m.identity ? l->p2m.nr - pfn : 1) * CORE_PAGE - phys % CORE_PAGE;
	return true;
}

bool linux_to_machine(
	const struct linux_xlat *l, struct core_reader *r, vaddr_t at, maddr_t *ret, uint64_t *left)
{
	struct pagetable t = tables(l, r);
	uint64_t ignored;
	maddr_t m;

	if (!left)
		left = &ignored;
	if (l->text_size && at >= l->text_base && at - l->text_base < l->text_size) {
		if (!from_phys(l, r, at - l->text_base + l->phys_base, &m, left))
			return false;
		*left = min_u64(*left, l->text_base + l->text_size - at);
		*ret = m;
		return true;
	}
	/* A 32-bit kernel's vmalloc area begins where its memory ends, which nobody says. */
	if (l->pgd && l->bits == 32)
		return pagetable_walk(&t, at, ret, left);
	if (l->page_offset && at >= l->page_offset &&
		at - l->page_offset < (l->bits == 32 ? LOWMEM : l->p2m.nr * CORE_PAGE) &&
		from_phys(l, r, at - l->page_offset, ret, left))
		return true;
	return l->pgd && pagetable_walk(&t, at, ret, left);
}

bool linux_read(
	const struct linux_xlat *l, struct core_reader *r, vaddr_t at, void *ret, size_t len)
{
	uint8_t *to = ret;

	while (len) {
		uint64_t left;
		maddr_t m;
		size_t n;

		if (!linux_to_machine(l, r, at, &m, &left) || !left)
			return false;
		n = (size_t)min_u64(len, left);
		if (!core_read(r, m, to, n))
			return false;
		at += n;
		to += n;
		len -= n;
	}
	return true;
}

bool linux_read_long(const struct linux_xlat *l, struct core_reader *r, vaddr_t at, uint64_t *ret)
{
	uint64_t v = 0;

	if (!linux_read(l, r, at, &v, l->bits / 8)) /* x86 is little-endian */
		return false;
	*ret = v;
	return true;
}

/* That the tables at phys map `at`, where they lie themselves, to phys. */
static bool prove_tables(
	struct linux_xlat *l, struct core_reader *r, vaddr_t at, uint64_t phys, unsigned levels)
{
	struct linux_xlat try = *l;
	struct pagetable t;
	uint64_t left;
	maddr_t root, m;

	if (!from_phys(l, r, phys, &root, &left) || root % 32)
		return false;
	try.pgd = root;
	try.levels = levels;
	t = tables(&try, r);
	if (!pagetable_walk(&t, at, &m, NULL) || m != root)
		return false;
	l->pgd = root;
	l->levels = levels;
	return true;
}

/* Where the loader's or the kernel's core header puts memory: a hint to be proven. */
static vaddr_t hint(const struct core *c, size_t i)
{
	const struct core_load *m = &c->loads[i];

	return m->virt > m->mem.start && m->virt < TEXT_BASE ? m->virt - m->mem.start : 0;
}

static bool prove_offset(
	struct linux_xlat *l, struct core_reader *r, vaddr_t offset, uint64_t pgd_phys)
{
	struct pagetable t = tables(l, r);
	vaddr_t at;
	maddr_t m;

	if (!offset || offset % (256 * MiB) || add_overflow(offset, pgd_phys, &at) ||
		!pagetable_walk(&t, at, &m, NULL) || m != l->pgd)
		return false;
	l->page_offset = offset;
	return true;
}

/* KASLR moves the direct map by multiples of 1 GiB; it is the lowest of the areas it moves. */
static bool search_offset(struct linux_xlat *l, struct core_reader *r, uint64_t pgd_phys)
{
	struct pagetable t = tables(l, r);
	vaddr_t at = l->levels == 5 ? UINT64_C(0xff00000000000000) : UINT64_C(0xffff800000000000);
	maddr_t m;

	if (!l->p2m.identity)
		return false;
	for (unsigned i = 0; i < 4096 && pagetable_next(&t, &at, TEXT_BASE); i++) {
		if (pagetable_walk(&t, at, &m, NULL) && at - m == align_down(at - m, GiB) &&
			prove_offset(l, r, at - m, pgd_phys))
			return true;
		at = align_down(at, GiB) + GiB;
	}
	return false;
}

static void find_offset(
	struct linux_xlat *l, const struct core *c, struct core_reader *r, uint64_t pgd_phys)
{
	static const vaddr_t usual[] = {
		UINT64_C(0xffff888000000000), /* since 4.20 */
		UINT64_C(0xffff880000000000),
		UINT64_C(0xff11000000000000), /* five levels */
		UINT64_C(0xff10000000000000),
	};

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (prove_offset(l, r, usual[i], pgd_phys))
			return;
	for (size_t i = 0; i < c->nr_loads; i++)
		if (prove_offset(l, r, hint(c, i), pgd_phys))
			return;
	if (!search_offset(l, r, pgd_phys))
		why_add(l->why, sizeof(l->why), "the direct map is not found");
}

/* A text segment of the core, where there is no number: older kernels under older loaders. */
static uint64_t base_by_load(const struct core *c)
{
	for (size_t i = 0; i < c->nr_loads; i++) {
		const struct core_load *m = &c->loads[i];

		if (m->virt >= TEXT_BASE && m->virt - TEXT_BASE < TEXT_SIZE)
			return m->mem.start - (m->virt - TEXT_BASE);
	}
	return 0;
}

static enum xk_status init_64(struct linux_xlat *l, const struct core *c,
	const struct core_notes *n, struct core_reader *r, vaddr_t pgd, struct diag *d)
{
	int64_t v;
	uint64_t phys;
	bool five;

	if (pgd < TEXT_BASE)
		return diag_fail(d, XK_BAD_INPUT,
			"VMCOREINFO puts a 64-bit kernel's page tables at %#" PRIx64, pgd);
	l->bits = 64;
	l->text_base = TEXT_BASE;
	l->text_size = TEXT_SIZE;
	if (vmcoreinfo_number(n->vmcoreinfo, "KERNEL_IMAGE_SIZE", &v) && v > 0 &&
		(uint64_t)v <= TEXT_SIZE)
		l->text_size = (uint64_t)v;
	if (vmcoreinfo_number(n->vmcoreinfo, "sme_mask", &v))
		l->not_address = (uint64_t)v;
	if (vmcoreinfo_number(n->vmcoreinfo, "phys_base", &v))
		l->phys_base = (uint64_t)v;
	else
		l->phys_base = n->xen ? 0 : base_by_load(c);
	five = vmcoreinfo_number(n->vmcoreinfo, "pgtable_l5_enabled", &v) && v == 1 && !n->xen;
	l->levels = five ? 5 : 4;
	phys = pgd - TEXT_BASE + l->phys_base;
	if (!prove_tables(l, r, pgd, phys, l->levels) &&
		!prove_tables(l, r, pgd, phys, five ? 4 : 5)) {
		why_add(l->why, sizeof(l->why),
			"the page tables at %#" PRIx64 " do not map themselves: not used", pgd);
		return XK_OK;
	}
	find_offset(l, c, r, phys);
	return XK_OK;
}

/* Where the linear mapping begins is a build option of few values. */
static enum xk_status init_32(struct linux_xlat *l, const struct core_notes *n,
	struct core_reader *r, vaddr_t pgd, struct diag *d)
{
	static const vaddr_t offsets[] = {
		0xc0000000, 0xb0000000, 0x80000000, 0x78000000, 0x40000000};
	unsigned levels = vmcoreinfo_value(n->vmcoreinfo, "CONFIG_X86_PAE").len || n->xen ? 3 : 2;

	(void)d;
	l->bits = 32;
	l->levels = levels;
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(offsets); i++) {
		vaddr_t offset = offsets[i % ARRAY_SIZE(offsets)];

		if (i == ARRAY_SIZE(offsets))
			levels = 5 - levels; /* the other one */
		if (pgd < offset || pgd - offset >= LOWMEM ||
			!prove_tables(l, r, pgd, pgd - offset, levels))
			continue;
		l->page_offset = l->text_base = offset;
		return XK_OK;
	}
	l->page_offset = l->text_base = 0xc0000000;
	why_add(l->why, sizeof(l->why),
		"the page tables at %#" PRIx64
		" do not map themselves: memory is taken to be at %#x",
		pgd, 0xc0000000u);
	return XK_OK;
}

enum xk_status linux_xlat_init(const struct core *c, const struct core_notes *n,
	const struct xen_xlat *x, struct core_reader *r, struct linux_xlat *ret, struct diag *d)
{
	struct linux_xlat l = {0};
	enum xk_status st;
	vaddr_t pgd;

	if (!n->vmcoreinfo.len)
		return diag_fail(d, XK_BAD_INPUT,
			"the core has no VMCOREINFO note of a Linux kernel: its addresses cannot be translated");
	if (!vmcoreinfo_symbol(n->vmcoreinfo, "swapper_pg_dir", &pgd) &&
		!vmcoreinfo_symbol(n->vmcoreinfo, "init_top_pgt", &pgd) &&
		!vmcoreinfo_symbol(n->vmcoreinfo, "init_level4_pgt", &pgd))
		return diag_fail(d, XK_BAD_INPUT,
			"VMCOREINFO does not name the kernel's page tables (SYMBOL(swapper_pg_dir))");
	st = p2m_init(c, n, x, r, &l.p2m, d);
	if (st)
		return st;
	if (pgd > UINT32_MAX)
		st = init_64(&l, c, n, r, pgd, d);
	else
		st = init_32(&l, n, r, pgd, d);
	if (st)
		return st;
	why_add(l.why, sizeof(l.why),
		"%u-bit kernel, %u levels, memory at %#" PRIx64 ", text's zero at %#" PRIx64,
		l.bits, l.levels, l.page_offset, l.phys_base);
	*ret = l;
	return XK_OK;
}
