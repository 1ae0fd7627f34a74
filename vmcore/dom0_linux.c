// SPDX-License-Identifier: GPL-2.0-only
#include "vmcore/dom0_linux.h"
#include "vmcore/pagetable.h"

/* The text mapping has gaps where initial data was freed, but none as long as this. */
#define TEXT_GAP (16 * MiB)
/* A 32-bit kernel's image lies in the direct map, which does not end with it. */
#define IMAGE_32 (32 * MiB)

/* Xen include/public/xen.h, struct start_info: "xen-<version>-<platform>"; 3.0 since 2005. */
static const char magic[] = "xen-3.0-x86_";

struct range dom0_image(const struct dom0_pages *p, const struct linux_xlat *l,
	const struct core_notes *n, struct core_reader *under)
{
	const struct pagetable t = {pagetable_read_core, under, l->pgd, l->levels, l->not_address};
	const struct range none = {0, 0};
	uint64_t size = l->text_size ? l->text_size : IMAGE_32, off;
	vaddr_t start, end = 0;

	if (!l->pgd || !l->text_base || !vmcoreinfo_symbol(n->vmcoreinfo, "_stext", &start) ||
		start < l->text_base || (l->text_size && start - l->text_base >= l->text_size))
		return none;
	start = align_down(start, 2 * MiB);
	size = l->text_size ? l->text_base + size - start : IMAGE_32;
	for (off = 0; off < size && off - end < TEXT_GAP; off += CORE_PAGE) {
		uint64_t phys = start + off - l->text_base + l->phys_base;
		maddr_t m;

		if (pagetable_walk(&t, start + off, &m, NULL) &&
			p2m_mfn(&p->p2m, under, phys / CORE_PAGE) == m / CORE_PAGE)
			end = off + CORE_PAGE;
	}
	if (!end)
		return none;
	start = start - l->text_base + l->phys_base;
	return (struct range){start, start + end};
}

/* dom0's address of a pointer that could be the one; false: it is none. */
static bool to_phys(
	const struct dom0_pages *p, const struct linux_xlat *l, uint64_t v, uint64_t *ret)
{
	const uint64_t all = p->p2m.nr * CORE_PAGE;

	if (v % CORE_PAGE || !v)
		return false;
	if (l->text_size && v >= l->text_base && v - l->text_base < l->text_size)
		*ret = v - l->text_base + l->phys_base;
	else if (l->page_offset && v >= l->page_offset && v - l->page_offset < all)
		*ret = v - l->page_offset;
	else
		return false;
	return true;
}

size_t dom0_blank_start_info(struct dom0_pages *p, const struct linux_xlat *l, struct range image,
	struct core_reader *under)
{
	uint8_t page[CORE_PAGE], told[CORE_PAGE];
	const unsigned width = p->p2m.bits / 8;
	uint64_t last = 0; /* most page-aligned words of a kernel are the same few */
	bool last_is = false;

	for (uint64_t at = align_down(image.start, CORE_PAGE); at < image.end; at += CORE_PAGE) {
		if (dom0_page(p, under, at / CORE_PAGE, page) != PAGE_DATA)
			continue;
		for (unsigned i = 0; i < CORE_PAGE; i += width) {
			uint64_t v = 0, phys;

			memcpy(&v, page + i, width);
			if (!to_phys(p, l, v, &phys))
				continue;
			if (v != last)
				last_is =
					dom0_page(p, under, phys / CORE_PAGE, told) == PAGE_DATA &&
					!memcmp(told, magic, sizeof(magic) - 1);
			last = v;
			if (last_is && p->nr_blanks < DOM0_BLANKS)
				p->blank[p->nr_blanks++] = at + i;
		}
	}
	return p->nr_blanks;
}
