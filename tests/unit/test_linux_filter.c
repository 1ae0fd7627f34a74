// SPDX-License-Identifier: GPL-2.0-only
/* Pages of Linux by their struct pages, in every memory model, as kernels since 2.6.39 have them. */
#include <elf.h>
#include <stdio.h>

#include "tests/unit/mklinux.h"
#include "tests/unit/xktest.h"
#include "vmcore/filter.h"

/* The struct pages of pages 0 to 4095 lie in the direct map, at 8 MiB; the kernel's image at 4 MiB. */
#define MAP	   (8 * MiB)
#define PAGES	   4096u
#define SIZE	   64u
#define MAP_VIRT   (MKLINUX_OFFSET + MAP)
#define IMAGE	   UINT64_C(0xffffffff81000000)
#define IMAGE_PHYS (4 * MiB)

#define LRU	  (1u << 4)
#define SLAB	  (1u << 9)
#define SWAPCACHE (1u << 10)
#define PRIVATE	  (1u << 13)
#define HEAD	  (1u << 16)
#define BACKED	  (1u << 19)
#define POISON	  (1u << 23)
#define BUDDY	  0xffffff7fu
#define OFFLINE	  0xfffffeffu

static const char *const common[] = {
	"SYMBOL(swapper_pg_dir)=ffffffff81100000",
	"NUMBER(phys_base)=-12582912",
	"SYMBOL(mem_map)=ffffffff81080000",
	"SIZE(page)=64",
	"OFFSET(page.flags)=0",
	"OFFSET(page.lru)=8",
	"OFFSET(page.mapping)=24",
	"OFFSET(page.private)=40",
	"OFFSET(page._mapcount)=48",
	"OFFSET(page.compound_head)=8",
	"OFFSET(page.compound_dtor)=16",
	"OFFSET(page.compound_order)=17",
	"NUMBER(PG_lru)=4",
	"NUMBER(PG_private)=13",
	"NUMBER(PG_swapcache)=10",
	"NUMBER(PG_swapbacked)=19",
	"NUMBER(PG_slab)=9",
	"NUMBER(PG_hwpoison)=23",
	"NUMBER(PG_head_mask)=65536",
	"NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129",
	"NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257",
	"NUMBER(HUGETLB_PAGE_DTOR)=2",
	"LENGTH(zone.free_area)=11",
};

static struct diag d;
static struct mkcore m;
static struct buf image;
static struct core c;
static struct core_reader *r;
static struct core_notes n;
static struct linux_filter f;
static char info[4096];
static uint8_t kinds[FILTER_WINDOW];

static uint64_t page_at(uint64_t pfn)
{
	return MAP + pfn * SIZE;
}

static void page(uint64_t pfn, uint64_t flags, uint64_t mapping, uint32_t mapcount, uint64_t priv)
{
	mkcore_put64(&m, page_at(pfn), flags);
	mkcore_put64(&m, page_at(pfn) + 24, mapping);
	mkcore_put32(&m, page_at(pfn) + 48, mapcount);
	mkcore_put64(&m, page_at(pfn) + 40, priv);
}

static void compound(uint64_t head, unsigned order, uint8_t dtor)
{
	uint8_t second[2] = {dtor, (uint8_t)order};

	for (uint64_t i = 1; i < UINT64_C(1) << order; i++)
		mkcore_put64(&m, page_at(head + i) + 8, MAP_VIRT + head * SIZE + 1);
	mkcore_put(&m, page_at(head + 1) + 16, second, 2);
}

static int make(void **state _unused_)
{
	diag_init(&d);
	mklinux_64(&m, 4);
	for (uint64_t i = 0; i < PAGES; i++)
		page(i, 0, 0, UINT32_MAX, 0);
	mkcore_put64(&m, IMAGE_PHYS + 0x80000, MAP_VIRT); /* mem_map */
	*info = 0;
	return 0;
}

/* VMCOREINFO without the line that begins with `without`, and with `more`. */
static void tell(const char *without, const char *more)
{
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		if (!*without || strncmp(common[i], without, strlen(without)))
			len += (size_t)snprintf(info + len, sizeof(info) - len, "%s\n", common[i]);
	assert_true(len + strlen(more) < sizeof(info));
	memcpy(info + len, more, strlen(more) + 1);
}

/* Opens what was made; the filter may come out unusable. */
static void begin(void)
{
	struct linux_xlat l;

	if (!*info)
		tell("", "");
	image = mkcore_build(&m);
	assert_int_equal(core_open_bytes(buf_bytes(&image), &c, &d), XK_OK);
	r = core_reader_create(&c);
	n = (struct core_notes){.vmcoreinfo = {(const uint8_t *)info, strlen(info)}};
	assert_int_equal(linux_xlat_init(&c, &n, NULL, r, &l, &d), XK_OK);
	assert_int_equal(linux_filter_init(&n, &l, r, &f, &d), XK_OK);
}

static int end(void **state _unused_)
{
	linux_filter_deinit(&f);
	core_reader_destroy(r);
	r = NULL;
	core_close(&c);
	buf_deinit(&image);
	mkcore_deinit(&m);
	return 0;
}

static void again(void **state)
{
	end(state);
	make(state);
}

static void window(uint64_t pfn)
{
	memset(kinds, 0xee, sizeof(kinds));
	linux_filter_window(&f, r, pfn, FILTER_WINDOW, kinds);
}

static void usable(void)
{
	begin();
	if (!f.usable)
		fail_msg("%s", f.why);
}

static void refused(const char *why)
{
	begin();
	assert_false(f.usable);
	assert_says(f.why, why);
	window(0);
	for (unsigned i = 0; i < FILTER_WINDOW; i++)
		assert_int_equal(kinds[i], PK_UNKNOWN);
}

/* Entries [from, to) are `kind`; the one before and the one behind are the kernel's. */
static void only(unsigned from, unsigned to, uint8_t kind)
{
	for (unsigned i = from; i < to; i++)
		assert_int_equal(kinds[i], kind);
	if (from)
		assert_int_equal(kinds[from - 1], PK_LINUX);
	if (to < FILTER_WINDOW)
		assert_int_equal(kinds[to], PK_LINUX);
}

static void single_pages(void **state _unused_)
{
	static const struct {
		uint64_t flags, mapping;
		uint32_t mapcount;
		uint8_t kind;
	} rows[] = {
		{0, 0, UINT32_MAX, PK_LINUX}, {0, 0, 0, PK_LINUX},
		{LRU, 0xffff888000001000, 3, PK_LINUX_CACHE},
		{LRU | PRIVATE, 0xffff888000001000, UINT32_MAX, PK_LINUX_CACHE_PRIVATE},
		{SWAPCACHE | BACKED, 0xffff888000001000, UINT32_MAX, PK_LINUX_CACHE},
		{SWAPCACHE, 0, UINT32_MAX, PK_LINUX}, /* that bit means something else then */
		{PRIVATE, 0xffff888000001000, UINT32_MAX, PK_LINUX},
		{LRU | BACKED, 0xffff888000001001, 0, PK_LINUX_USER},
		{LRU | BACKED | PRIVATE, 0xffff888000001001, 0, PK_LINUX_USER},
		{0, 0xffff888000001001, 0, PK_LINUX_USER},
		{0, 0xffff888000001003, 0, PK_LINUX_USER}, /* KSM */
		{0, 0xffff888000001002, 0, PK_LINUX}, /* movable, none of a user's */
		{SLAB, 0xffff888000001001, UINT32_MAX, PK_LINUX}, {SLAB | LRU, 0, BUDDY, PK_LINUX},
		{POISON, 0, UINT32_MAX, PK_LINUX_OFFLINE},
		{POISON | LRU, 0xffff888000001001, 0, PK_LINUX_OFFLINE},
		{0, 0, OFFLINE, PK_LINUX_OFFLINE},
		{UINT64_MAX, UINT64_MAX, UINT32_MAX, PK_LINUX}, /* never set up */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		page(2 * i + 1, rows[i].flags, rows[i].mapping, rows[i].mapcount, 0);
	usable();
	window(0);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(kinds[2 * i], PK_LINUX);
		assert_int_equal(kinds[2 * i + 1], rows[i].kind);
	}
}

static void free_blocks(void **state _unused_)
{
	page(8, 0, 0, BUDDY, 3);
	page(9, LRU, 0, 0, 0); /* what is within a free block is not looked at */
	page(17, 0, 0, BUDDY, 0);
	page(31, 0, 0, BUDDY, 4); /* not where a block of 16 may begin */
	page(40, 0, 0, BUDDY, 11); /* no such order */
	page(48, 0, 0, BUDDY, UINT64_MAX);
	page(3072, 0, 0, BUDDY, 10);
	usable();
	window(0);
	only(8, 16, PK_LINUX_FREE);
	only(17, 18, PK_LINUX_FREE);
	only(31, 32, PK_LINUX_FREE);
	assert_int_equal(kinds[40], PK_LINUX);
	assert_int_equal(kinds[48], PK_LINUX);
	window(2048);
	only(0, 0, PK_LINUX);
	window(3072);
	only(0, 1024, PK_LINUX_FREE);
}

static void compound_pages(void **state _unused_)
{
	page(512, HEAD | LRU | BACKED, 0xffff888000001001, 0, 0);
	compound(512, 9, 1);
	page(2048, HEAD, 0, 0, 0);
	compound(2048, 10, 2); /* hugetlb, of two windows' length had it order 11 */
	page(128, HEAD | LRU, 0xffff888000001000, 0, 0);
	compound(128, 2, 1);
	page(136, HEAD, 0, 0, 0); /* the kernel's own */
	compound(136, 3, 1);
	page(139, 0, 1, UINT32_MAX, 0); /* another meaning of that field in a tail */
	usable();
	window(0);
	only(128, 132, PK_LINUX_CACHE);
	for (unsigned i = 132; i < 1024; i++)
		assert_int_equal(kinds[i], i < 512 ? PK_LINUX : PK_LINUX_USER);
	window(2048);
	only(0, 1024, PK_LINUX_USER);
}

/* A compound page of 2048 pages: the second window has tails only. */
static void larger_than_a_window(void **state _unused_)
{
	page(2048, HEAD, 0, 0, 0);
	compound(2048, 11, 2);
	usable();
	for (unsigned w = 2048; w < 4096; w += 1024) {
		window(w);
		only(0, 1024, PK_LINUX_USER);
	}
}

static void tails_that_lie(void **state _unused_)
{
	static const uint64_t heads[] = {
		1, /* address 0 */
		0xdead000000000001, MAP_VIRT + 200 * SIZE + 1, /* no head */
		MAP_VIRT + 201 * SIZE + 1, /* itself */
		MAP_VIRT + 300 * SIZE + 1, /* after it */
		MAP_VIRT + 128 * SIZE + 1 + 8, /* within a struct page */
		MAP_VIRT + 128 * SIZE + 1, /* whose order does not reach so far */
		MAP_VIRT + 132 * SIZE + 1, /* not where its order may begin */
	};

	page(128, HEAD | LRU, 0xffff888000001000, 0, 0);
	compound(128, 2, 1);
	page(132, HEAD | LRU, 0xffff888000001000, 0, 0);
	compound(132, 2, 1);
	mkcore_put(&m, page_at(133) + 17, "\7", 1);
	for (unsigned i = 0; i < ARRAY_SIZE(heads); i++)
		mkcore_put64(&m, page_at(201 + i) + 8, heads[i]);
	mkcore_put64(&m, page_at(203) + 8, MAP_VIRT + 203 * SIZE + 1);
	usable();
	window(0);
	for (unsigned i = 0; i < ARRAY_SIZE(heads); i++)
		assert_int_equal(kinds[201 + i], PK_LINUX);
}

/* Only the struct pages of a hugetlb page's first 64 pages exist; the others are mapped to them, so
 * that each 64th looks like the head. */
static void false_heads(void **state _unused_)
{
	page(512, HEAD, 0, 0, 0);
	compound(512, 9, 2);
	for (unsigned i = 576; i < 1024; i += 64) {
		const uint8_t *head = mkcore_at(&m, page_at(512), 2 * SIZE);

		mkcore_put(&m, page_at(i), head, 2 * SIZE);
	}
	usable();
	window(0);
	for (unsigned i = 512; i < 1024; i++)
		assert_int_equal(kinds[i], PK_LINUX_USER);
}

/* Where the second struct page of a compound page says its order and whose it is. */
static void as_kernels_say_it(void **state)
{
	static const struct {
		const char *without, *more;
		unsigned order_at, dtor_at, dtor_len;
		uint64_t dtor;
		uint32_t mapcount; /* of the head */
	} rows[] = {
		/* 4.5 to 6.2 */
		{"", "", 17, 16, 1, 2, 0},
		/* 6.3 to 6.5 */
		{"OFFSET(page.compound_",
			"OFFSET(page.compound_head)=8\nOFFSET(folio._folio_order)=81\nOFFSET(folio._folio_dtor)=80\n",
			17, 16, 1, 2, 0},
		/* 6.6 to 6.8: in flags, with PG_hugetlb = 8 */
		{"OFFSET(page.compound_", "OFFSET(page.compound_head)=8\nNUMBER(PG_hugetlb)=8\n", 0,
			1, 1, 1, 0},
		/* since 6.9: a type */
		{"OFFSET(page.compound_",
			"OFFSET(page.compound_head)=8\nNUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)=4093640704\n",
			0, 1, 0, 0, 0xf4000000},
		/* before 4.4: the destructor's address and the order, where the list pointers are */
		{"OFFSET(page.compound_", "SYMBOL(free_huge_page)=ffffffff81234560\n", 16, 8, 8,
			0xffffffff81234560, 0},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t order = 6;

		again(state);
		tell(rows[i].without, rows[i].more);
		page(256, HEAD, 0, rows[i].mapcount, 0);
		if (i < ARRAY_SIZE(rows) - 1)
			compound(256, 6, 0);
		mkcore_put(&m, page_at(257) + 16, "\0\0", 2);
		mkcore_put(&m, page_at(257) + rows[i].dtor_at, &rows[i].dtor, rows[i].dtor_len);
		mkcore_put(&m, page_at(257) + rows[i].order_at, &order, 1);
		usable();
		window(0);
		only(256, 320, PK_LINUX_USER);
		/* of the kernel's own, when it is not that */
		again(state);
		tell(rows[i].without, rows[i].more);
		page(256, HEAD, 0, 0, 0);
		mkcore_put(&m, page_at(257) + rows[i].order_at, &order, 1);
		usable();
		window(0);
		only(256, 320, PK_LINUX);
	}
}

static void slab_by_type(void **state _unused_)
{
	tell("NUMBER(PG_slab)", "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)=4110417920\n");
	page(7, 0, 0xffff888000001001, 0xf5000000, 0);
	page(9, 0, 0xffff888000001001, 0, 0);
	usable();
	window(0);
	only(7, 8, PK_LINUX);
	only(9, 10, PK_LINUX_USER);
}

static void lacking(void **state)
{
	static const char *const needed[] = {"SIZE(page)", "OFFSET(page.flags)",
		"OFFSET(page.mapping)", "OFFSET(page.private)", "OFFSET(page._mapcount)",
		"NUMBER(PG_lru)", "NUMBER(PG_private)", "NUMBER(PG_swapcache)",
		"NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)", "SYMBOL(mem_map)"};

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		again(state);
		tell(needed[i], "");
		refused(i == 0 ? "struct page" : needed[i]);
	}
}

static void absurd(void **state)
{
	static const struct {
		const char *without, *more, *why;
	} rows[] = {
		{"SIZE(page)", "SIZE(page)=0\n", "beyond its end"},
		{"SIZE(page)", "SIZE(page)=40\n", "beyond its end"},
		{"SIZE(page)", "SIZE(page)=4096\n", "struct page"},
		{"SIZE(page)", "SIZE(page)=18446744073709551615\n", "struct page"},
		{"OFFSET(page.private)", "OFFSET(page.private)=60\n", "beyond its end"},
		{"OFFSET(page.flags)", "OFFSET(page.flags)=18446744073709551615\n",
			"OFFSET(page.flags)"},
		{"NUMBER(PG_lru)", "NUMBER(PG_lru)=64\n", "NUMBER(PG_lru)"},
		{"NUMBER(PG_lru)", "NUMBER(PG_lru)=-1\n", "NUMBER(PG_lru)"},
		{"SYMBOL(mem_map)", "SYMBOL(mem_map)=ffffffff80000000\n", "mem_map at"},
		{"SYMBOL(mem_map)", "SYMBOL(mem_section)=ffffffff81080000\n", "SIZE(mem_section)"},
		{"SYMBOL(mem_map)", "SYMBOL(mem_section)=ffffffff81080000\nSIZE(mem_section)=32\n",
			"OFFSET(mem_section.section_mem_map)"},
		{"SYMBOL(mem_map)",
			"SYMBOL(mem_section)=ffffffff81080000\nSIZE(mem_section)=4\n"
			"OFFSET(mem_section.section_mem_map)=0\n",
			"struct mem_section"},
		{"SYMBOL(mem_map)",
			"SYMBOL(mem_section)=ffffffff81080000\nSIZE(mem_section)=32\n"
			"OFFSET(mem_section.section_mem_map)=0\nNUMBER(SECTION_SIZE_BITS)=70\n",
			"2^70"},
		{"SYMBOL(mem_map)",
			"SYMBOL(mem_section)=ffffffff81090000\nSIZE(mem_section)=32\n"
			"OFFSET(mem_section.section_mem_map)=0\n",
			"no memory section"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		again(state);
		tell(rows[i].without, rows[i].more);
		refused(rows[i].why);
	}
}

/* The image's own pages read as something that may go: the layout is another kernel's. */
static void layout_of_another_kernel(void **state)
{
	again(state);
	page((IMAGE_PHYS + MiB) / 4096, LRU, 0xffff888000001000, 0, 0);
	refused("swapper_pg_dir reads as \"Linux page cache\"");
	again(state);
	page((IMAGE_PHYS + 0x80000) / 4096, 0, 0, BUDDY, 0);
	refused("mem_map reads as \"Linux free\"");
	/* struct pages that are nowhere */
	again(state);
	mkcore_put64(&m, IMAGE_PHYS + 0x80000, MKLINUX_OFFSET + 64 * MiB);
	refused("no struct page of the kernel's own image");
}

/* Part of the array is not mapped: those pages are not known, the others are. */
static void array_with_a_hole(void **state _unused_)
{
	mkcore_put64(&m, IMAGE_PHYS + 0x80000, MKLINUX_OFFSET + 16 * MiB - 2048 * SIZE);
	for (uint64_t i = 0; i < 2048; i++) {
		mkcore_put64(&m, 16 * MiB - 2048 * SIZE + i * SIZE, i % 2 ? LRU : 0);
		mkcore_put32(&m, 16 * MiB - 2048 * SIZE + i * SIZE + 48, UINT32_MAX);
	}
	for (uint64_t i = 0x400; i < 0x700; i++)
		mkcore_put64(&m, 16 * MiB - 2048 * SIZE + i * SIZE, 0);
	usable();
	window(0);
	assert_int_equal(kinds[0], PK_LINUX);
	assert_int_equal(kinds[1023], PK_LINUX_CACHE);
	window(2048);
	for (unsigned i = 0; i < FILTER_WINDOW; i++)
		assert_int_equal(kinds[i], PK_UNKNOWN);
}

#define SECTION                                                                                \
	"SIZE(mem_section)=32\nOFFSET(mem_section.section_mem_map)=0\nLENGTH(mem_section)=8\n" \
	"NUMBER(SECTION_SIZE_BITS)=24\nSYMBOL(mem_section)=ffffffff81080000\n"

/* As an array, as pointers to pages of sections, and as a pointer to those. */
static void sparse(void **state)
{
	for (unsigned way = 0; way < 3; way++) {
		uint64_t at = IMAGE_PHYS + 0x80000;

		again(state);
		tell("SYMBOL(mem_map)", SECTION);
		if (way == 2) {
			mkcore_put64(&m, at, MKLINUX_OFFSET + 10 * MiB);
			at = 10 * MiB;
		}
		if (way >= 1) {
			mkcore_put64(&m, at, MKLINUX_OFFSET + 11 * MiB);
			at = 11 * MiB;
		}
		mkcore_put64(&m, at, MAP_VIRT | 0x1f);
		page(16, 0, 0, BUDDY, 2);
		usable();
		window(0);
		only(16, 20, PK_LINUX_FREE);
		/* the next section has no memory */
		window(4096);
		for (unsigned i = 0; i < FILTER_WINDOW; i++)
			assert_int_equal(kinds[i], PK_UNKNOWN);
	}
	again(state);
	tell("SYMBOL(mem_map)", SECTION);
	mkcore_put64(&m, IMAGE_PHYS + 0x80000, MAP_VIRT | 1); /* present, but without its map */
	refused("no memory section");
}

/* FLATMEM of a node that begins at page 1024 and has 512. */
static void flat_bounds(void **state _unused_)
{
	tell("SYMBOL(mem_map)",
		"SYMBOL(mem_map)=ffffffff81080000\nSYMBOL(contig_page_data)=ffffffff81090000\n"
		"OFFSET(pglist_data.node_start_pfn)=8\nOFFSET(pglist_data.node_spanned_pages)=16\n");
	mkcore_put64(&m, IMAGE_PHYS + 0x90008, 1);
	mkcore_put64(&m, IMAGE_PHYS + 0x90010, 1535);
	usable();
	window(1024);
	assert_int_equal(kinds[511], PK_LINUX);
	assert_int_equal(kinds[512], PK_UNKNOWN);
}

/* Whatever bytes the struct pages hold: some kind of a Linux page, and no fault. */
static void garbage(void **state)
{
	uint64_t seed = 1;

	for (unsigned round = 0; round < 20; round++) {
		again(state);
		for (uint64_t i = 0; i < PAGES * SIZE / 8; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
			/* mostly heads and tails, for they lead elsewhere */
			if (i * 8 / SIZE * 4096 >= IMAGE_PHYS && i * 8 / SIZE * 4096 < 6 * MiB)
				continue;
			mkcore_put64(&m, MAP + i * 8,
				i % 8 == 1 && seed >> 63
					? (MAP_VIRT + (seed >> 40) % (PAGES * SIZE)) | 1
					: seed >> (seed >> 59));
		}
		begin();
		for (uint64_t w = 0; w < PAGES; w += FILTER_WINDOW) {
			window(w);
			for (unsigned i = 0; i < FILTER_WINDOW; i++)
				assert_true(kinds[i] == PK_UNKNOWN ||
					    (kinds[i] >= PK_LINUX && kinds[i] < PK_KINDS));
		}
	}
}

#define S(t) cmocka_unit_test_setup_teardown(t, make, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(single_pages),
		S(free_blocks),
		S(compound_pages),
		S(larger_than_a_window),
		S(tails_that_lie),
		S(false_heads),
		S(as_kernels_say_it),
		S(slab_by_type),
		S(lacking),
		S(absurd),
		S(layout_of_another_kernel),
		S(array_with_a_hole),
		S(sparse),
		S(flat_bounds),
		S(garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
