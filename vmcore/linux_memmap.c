// SPDX-License-Identifier: GPL-2.0-only
#include "vmcore/linux_memmap.h"

/* Flags lie in the low bits of section_mem_map; the array itself begins with a page. */
#define MAP_MASK    (~(uint64_t)(CORE_PAGE - 1))
#define HAS_MEM_MAP 2u

/* Kernels that do not say SECTION_SIZE_BITS (before 5.9): x86_64, i386 with PAE, without. */
#define SECTION_BITS_64	 27
#define SECTION_BITS_PAE 29
#define SECTION_BITS_32	 26

/* Sections that are looked at to find out whether mem_section was understood. */
#define PROBES 4096u

static vaddr_t section_at(const struct linux_memmap *m, const struct linux_xlat *l,
	struct core_reader *r, uint64_t section)
{
	uint64_t root = section / m->per_root, base;

	if (root >= m->nr_roots)
		return 0;
	if (!m->pointers)
		return m->roots + section * m->section_size;
	if (!linux_read_long(l, r, m->roots + root * m->word, &base) || !base)
		return 0;
	return base + section % m->per_root * m->section_size;
}

static vaddr_t sparse_page(const struct linux_memmap *m, const struct linux_xlat *l,
	struct core_reader *r, uint64_t pfn)
{
	vaddr_t at = section_at(m, l, r, pfn >> m->section_bits);
	uint64_t map;

	if (!at || !linux_read_long(l, r, at + m->map_at, &map) || !(map & HAS_MEM_MAP))
		return 0;
	/* What is stored is the array's start less this section's first index: it may wrap. */
	map = (map & MAP_MASK) + pfn * m->size;
	return m->word == 4 ? (uint32_t)map : map;
}

vaddr_t linux_memmap_page(const struct linux_memmap *m, const struct linux_xlat *l,
	struct core_reader *r, uint64_t pfn, uint64_t *nr)
{
	if (!m->flat) {
		*nr = (UINT64_C(1) << m->section_bits) - pfn % (UINT64_C(1) << m->section_bits);
		return sparse_page(m, l, r, pfn);
	}
	*nr = 1;
	if (pfn < m->start || pfn >= m->end)
		return 0;
	*nr = m->end - pfn;
	return m->flat + (pfn - m->start) * m->size;
}

/* How many sections have struct pages that can be read. */
static unsigned probe(
	const struct linux_memmap *m, const struct linux_xlat *l, struct core_reader *r)
{
	const uint64_t nr = min_u64(l->p2m.nr >> m->section_bits, PROBES - 1) + 1;
	unsigned found = 0;

	for (uint64_t i = 0; i < nr; i++) {
		vaddr_t at = sparse_page(m, l, r, i << m->section_bits);

		found += at && linux_to_machine(l, r, at, &(maddr_t){0}, NULL);
	}
	return found;
}

static enum xk_status lacks(const char *key, struct diag *d)
{
	return diag_fail(d, XK_BAD_INPUT, "the kernel's VMCOREINFO lacks %s", key);
}

/* mem_section is an array of sections, of pointers to pages of them (SPARSEMEM_EXTREME), or since
 * 4.15 a pointer to the latter. Nobody says which: the one through which most struct pages can be
 * read. */
static enum xk_status init_sparse(struct linux_memmap *m, vaddr_t symbol,
	const struct core_notes *n, const struct linux_xlat *l, struct core_reader *r,
	struct diag *d)
{
	uint64_t size, at, nr = 0, pointer;
	struct linux_memmap best = *m;
	unsigned most = 0;
	int64_t bits;

	if (!vmcoreinfo_size(n->vmcoreinfo, "mem_section", &size))
		return lacks("SIZE(mem_section)", d);
	if (!vmcoreinfo_offset(n->vmcoreinfo, "mem_section.section_mem_map", &at))
		return lacks("OFFSET(mem_section.section_mem_map)", d);
	if (size < m->word || size > CORE_PAGE || at > size - m->word)
		return diag_fail(d, XK_BAD_INPUT,
			"the kernel's VMCOREINFO has a struct mem_section of %llu bytes",
			(unsigned long long)size);
	if (!vmcoreinfo_number(n->vmcoreinfo, "SECTION_SIZE_BITS", &bits))
		bits = m->word == 8	? SECTION_BITS_64
		       : l->levels == 3 ? SECTION_BITS_PAE
					: SECTION_BITS_32;
	if (bits < 24 || bits > 40)
		return diag_fail(d, XK_BAD_INPUT,
			"the kernel's VMCOREINFO has memory sections of 2^%lld bytes",
			(long long)bits);
	m->section_bits = (unsigned)bits - 12;
	m->section_size = (unsigned)size;
	m->map_at = (unsigned)at;
	if (!vmcoreinfo_length(n->vmcoreinfo, "mem_section", &nr) || !nr)
		nr = UINT64_C(1) << 20;
	m->nr_roots = nr;
	if (!linux_read_long(l, r, symbol, &pointer))
		pointer = 0;
	for (unsigned way = 0; way < 3; way++) {
		struct linux_memmap try = *m;
		unsigned found;

		try.roots = way == 0 ? pointer : symbol;
		try.pointers = way < 2;
		try.per_root = way < 2 ? CORE_PAGE / size : 1;
		found = try.roots ? probe(&try, l, r) : 0;
		if (found <= most)
			continue;
		most = found;
		best = try;
	}
	*m = best;
	if (!most)
		return diag_fail(d, XK_BAD_INPUT,
			"no memory section of the kernel can be read (mem_section at %#llx)",
			(unsigned long long)symbol);
	return XK_OK;
}

/* One node has all memory; where it does not say so, the array is as long as there are pages. */
static enum xk_status init_flat(struct linux_memmap *m, vaddr_t symbol, const struct core_notes *n,
	const struct linux_xlat *l, struct core_reader *r, struct diag *d)
{
	uint64_t start_at, spanned_at, start, spanned;
	vaddr_t node;

	if (!linux_read_long(l, r, symbol, &m->flat) || !m->flat)
		return diag_fail(d, XK_BAD_INPUT, "the kernel's mem_map at %#llx cannot be read",
			(unsigned long long)symbol);
	m->end = l->p2m.nr;
	if (vmcoreinfo_symbol(n->vmcoreinfo, "contig_page_data", &node) &&
		vmcoreinfo_offset(n->vmcoreinfo, "pglist_data.node_start_pfn", &start_at) &&
		vmcoreinfo_offset(n->vmcoreinfo, "pglist_data.node_spanned_pages", &spanned_at) &&
		linux_read_long(l, r, node + start_at, &start) &&
		linux_read_long(l, r, node + spanned_at, &spanned) && start < m->end)
		m->end = min_u64(m->end, start + min_u64(spanned, m->end));
	return XK_OK;
}

enum xk_status linux_memmap_init(const struct core_notes *n, const struct linux_xlat *l,
	struct core_reader *r, struct linux_memmap *ret, struct diag *d)
{
	struct linux_memmap m = {.word = l->bits / 8};
	enum xk_status st;
	vaddr_t symbol;
	uint64_t size;

	if (!vmcoreinfo_size(n->vmcoreinfo, "page", &size))
		return lacks("SIZE(page)", d);
	if (size < 32 || size > 256)
		return diag_fail(d, XK_BAD_INPUT,
			"the kernel's VMCOREINFO has a struct page of %llu bytes; 32 to 256 are possible",
			(unsigned long long)size);
	m.size = (unsigned)size;
	if (vmcoreinfo_symbol(n->vmcoreinfo, "mem_section", &symbol))
		st = init_sparse(&m, symbol, n, l, r, d);
	else if (vmcoreinfo_symbol(n->vmcoreinfo, "mem_map", &symbol))
		st = init_flat(&m, symbol, n, l, r, d);
	else
		st = lacks("SYMBOL(mem_section) and SYMBOL(mem_map)", d);
	if (st == XK_OK)
		*ret = m;
	return st;
}
