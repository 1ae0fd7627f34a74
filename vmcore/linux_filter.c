// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "vmcore/filter.h"
#include "vmcore/linux_memmap.h"
#include "vmcore/linux_page.h"

/* Struct pages read at once; a piece of memory of a window, and of a section. */
#define PIECE 128u

struct linux_pages {
	struct linux_xlat x;
	struct linux_memmap map;
	struct linux_page_layout layout;
};

/* A window while it is judged. */
struct judged {
	const struct linux_pages *l;
	struct core_reader *r;
	uint8_t *kinds;
	uint64_t pfn; /* of the first entry */
	size_t nr;
	size_t until; /* entries below it belong to a free block or a compound page before */
	uint8_t until_kind;
	vaddr_t head; /* the last head that a tail led to; 0: none */
	uint8_t head_kind; /* what its tails are */
	unsigned head_order;
};

/* Reads what can be read of nr struct pages at `at`; good[i]: all of number i. */
static void read_pages(const struct linux_pages *l, struct core_reader *r, vaddr_t at, size_t nr,
	uint8_t *buf, bool *good)
{
	const size_t len = nr * l->map.size;
	size_t off = 0;

	memset(good, true, nr);
	while (off < len) {
		uint64_t left = 0;
		maddr_t m;
		size_t n;

		if (linux_to_machine(&l->x, r, at + off, &m, &left) && left) {
			n = (size_t)min_u64(left, len - off);
			if (core_read(r, m, buf + off, n)) {
				off += n;
				continue;
			}
		}
		/* the rest of this page of the array is not there */
		n = CORE_PAGE - (size_t)((at + off) % CORE_PAGE);
		n = n < len - off ? n : len - off;
		memset(good + off / l->map.size, false,
			(off + n - 1) / l->map.size - off / l->map.size + 1);
		off += n;
	}
}

/* The head that a tail names, judged, and kept for the next tail. */
static bool find_head(struct judged *j, vaddr_t head)
{
	const struct linux_pages *l = j->l;
	uint8_t two[2 * LINUX_PAGE_MAX];
	struct linux_page p;

	if (head == j->head)
		return true;
	if (!linux_read(&l->x, j->r, head, two, 2 * (size_t)l->map.size))
		return false;
	p = linux_page_read(&l->layout, two, true, head);
	if (!p.head || !p.order)
		return false;
	j->head = head;
	j->head_kind = p.kind;
	j->head_order = p.order;
	return true;
}

/* A tail is what its head is, if that head, by its order and its place, has this tail. */
static uint8_t kind_of_tail(struct judged *j, uint64_t pfn, vaddr_t at, vaddr_t head)
{
	uint64_t back;

	if (head >= at || (at - head) % j->l->map.size || !find_head(j, head))
		return PK_LINUX;
	back = (at - head) / j->l->map.size;
	if (back > pfn || back >> j->head_order || (pfn - back) % (UINT64_C(1) << j->head_order))
		return PK_LINUX;
	return j->head_kind;
}

/* The entries that a free block or a compound page beginning at i has, as far as the window goes. */
static void begin_block(struct judged *j, size_t i, const struct linux_page *p)
{
	const uint64_t nr = UINT64_C(1) << p->order;

	j->until = i + 1;
	if ((j->pfn + i) % nr)
		return;
	j->until = i + (size_t)min_u64(nr, j->nr - i);
	j->until_kind = p->kind;
}

static void judge_piece(struct judged *j, size_t first, size_t nr, vaddr_t at)
{
	uint8_t buf[(PIECE + 1) * LINUX_PAGE_MAX];
	const unsigned size = j->l->map.size;
	bool good[PIECE + 1];

	read_pages(j->l, j->r, at, nr + 1, buf, good);
	for (size_t k = 0; k < nr; k++) {
		const size_t i = first + k;
		struct linux_page p;

		if (i < j->until && j->until_kind != PK_LINUX) {
			j->kinds[i] = j->until_kind;
			continue;
		}
		if (!good[k]) {
			j->kinds[i] = PK_UNKNOWN;
			continue;
		}
		p = linux_page_read(&j->l->layout, buf + k * size, good[k + 1], at + k * size);
		j->kinds[i] = p.kind;
		if (p.tail_of)
			j->kinds[i] = kind_of_tail(j, j->pfn + i, at + k * size, p.tail_of);
		else if (p.order)
			begin_block(j, i, &p);
	}
}

void linux_filter_window(const struct linux_filter *f, struct core_reader *r, uint64_t pfn,
	size_t nr, uint8_t *kinds)
{
	struct judged j = {.l = f->pages, .r = r, .kinds = kinds, .pfn = pfn, .nr = nr};
	size_t at = 0;

	memset(kinds, PK_UNKNOWN, nr);
	while (f->usable && at < nr) {
		uint64_t together;
		vaddr_t page = linux_memmap_page(&j.l->map, &j.l->x, r, pfn + at, &together);
		size_t n = nr - at < PIECE ? nr - at : PIECE;

		n = (size_t)min_u64(n, together);
		if (page)
			judge_piece(&j, at, n, page);
		at += n;
	}
}

/*
 * Pages of which it is known what they are: those of symbols of the kernel's image. One that comes
 * out as free, cache, or a user's says that the layout is not this kernel's.
 */
static bool image_is_the_kernels(const struct linux_filter *f, const struct core_notes *n,
	struct core_reader *r, struct diag *d)
{
	static const char *const symbols[] = {"swapper_pg_dir", "init_top_pgt", "init_level4_pgt",
		"init_uts_ns", "_stext", "node_online_map", "mem_section", "mem_map",
		"contig_page_data", "vmap_area_list", "prb", "log_buf", "phys_base"};
	const struct linux_xlat *l = &f->pages->x;
	unsigned seen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		uint8_t kinds[FILTER_WINDOW];
		uint64_t pfn;
		vaddr_t at;

		if (!vmcoreinfo_symbol(n->vmcoreinfo, symbols[i], &at) || at < l->text_base)
			continue;
		at -= l->text_base;
		if (l->text_size && at >= l->text_size)
			continue;
		pfn = (at + l->phys_base) / CORE_PAGE;
		if (pfn >= l->p2m.nr)
			continue;
		linux_filter_window(f, r, align_down(pfn, FILTER_WINDOW), FILTER_WINDOW, kinds);
		pfn %= FILTER_WINDOW;
		seen += kinds[pfn] == PK_LINUX;
		if (kinds[pfn] != PK_LINUX && kinds[pfn] != PK_UNKNOWN) {
			(void)diag_fail(d, XK_BAD_INPUT,
				"the page of the kernel's own %s reads as \"%s\": its struct page is not understood",
				symbols[i], page_kind_name(kinds[pfn]));
			return false;
		}
	}
	if (!seen)
		(void)diag_fail(
			d, XK_BAD_INPUT, "no struct page of the kernel's own image can be read");
	return seen;
}

enum xk_status linux_filter_init(const struct core_notes *n, const struct linux_xlat *l,
	struct core_reader *r, struct linux_filter *ret, struct diag *d)
{
	struct linux_filter f = {.pages = calloc(1, sizeof(*f.pages))};
	enum xk_status st;
	struct diag why;

	if (!f.pages)
		return diag_fail(d, XK_NOMEM, "no memory to judge pages of Linux");
	diag_init(&why);
	f.pages->x = *l;
	st = linux_page_layout(n, l->bits, &f.pages->layout, &why);
	if (st == XK_OK)
		st = linux_memmap_init(n, l, r, &f.pages->map, &why);
	f.usable = st == XK_OK;
	f.usable = f.usable && image_is_the_kernels(&f, n, r, &why);
	if (!f.usable)
		snprintf(f.why, sizeof(f.why), "%.500s", why.text);
	*ret = f;
	return XK_OK;
}

void linux_filter_deinit(struct linux_filter *f)
{
	free(f->pages);
	*f = (struct linux_filter){0};
}
