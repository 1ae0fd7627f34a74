// SPDX-License-Identifier: GPL-2.0-only
/* Pages by the frame table of a small crashed Xen, of every layout that Xen had. */
#include "filtered.h"
#include "vmcore/xen_flags.h"

#define GOT  (UINT64_C(1) << 63)
#define HEAP (UINT64_C(1) << 62)

/* The versions of the columns, with the first and last of each. */
static const struct column {
	uint32_t minor;
	const char *extra;
	unsigned table;
} columns[] = {
	{4, ".4", 0},
	{9, ".0", 0},
	{10, ".0", 1},
	{13, ".4", 1},
	{14, ".5", 2},
	{15, ".2", 2},
	{16, ".1", 2},
	{13, ".5", 3},
	{14, ".6", 4},
	{15, ".3-1", 4},
	{16, ".2", 4},
	{17, ".5", 4},
	{18, ".0", 5},
	{21, ".1", 5},
	{22, ".0", 6},
	{23, "-unstable", 6},
};

static void test_columns(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		struct mkxen x = {.minor = columns[i].minor, .table = columns[i].table};
		struct xen_filter f;

		mkxen_init(&x);
		mkxen_extra(&x, columns[i].extra);
		filtered_open(&x, &filtered_nothing, &f);
		if (!f.usable || f.doubts)
			fail_msg("4.%u%s: %u doubts, %s", columns[i].minor, columns[i].extra,
				f.doubts, f.why);
		filtered_map(&x, &f);
		filtered_done(&x, &f);
	}
}

/* Vendors carry the fix of XSA-402 under any number. Every column's version with every column's
 * bits: where the two families differ, the dump wins and it is said. */
static void test_dump_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		for (unsigned table = 0; table < PGC_TABLES; table++) {
			struct mkxen x = {.minor = columns[i].minor, .table = table};
			struct xen_filter f;

			mkxen_init(&x);
			mkxen_extra(&x, columns[i].extra);
			filtered_open(&x, &filtered_nothing, &f);
			assert_true(f.usable);
			filtered_map(&x, &f);
			if ((table < 3) != (columns[i].table < 3)) {
				assert_true(f.doubts > 0);
				assert_says(f.why, "not those that");
			}
			filtered_done(&x, &f);
		}
	}
}

static void test_bigmem(void **state)
{
	struct mkxen x = {.minor = 17, .table = 4, .bigmem = true};
	struct xen_filter f;

	(void)state;
	mkxen_init(&x);
	filtered_open(
		&x, &filtered_nothing, &f); /* 4096 is no multiple of 48: entries cross pages */
	assert_true(f.usable);
	assert_int_equal(f.doubts, 0);
	filtered_map(&x, &f);
	filtered_done(&x, &f);
}

static void test_dom0_32(void **state)
{
	struct mkxen x = {.minor = 14, .table = 2, .dom0_bits = 32};
	struct xen_filter f;

	(void)state;
	mkxen_init(&x);
	filtered_open(&x, &filtered_nothing, &f);
	assert_true(f.usable);
	assert_int_equal(f.doubts, 0);
	filtered_map(&x, &f);
	filtered_done(&x, &f);
}

/* The vectors of the ABI notes. */
static void test_flags(void **state)
{
	const struct pgc *old = pgc_propose(4, 16, 0), *new = pgc_propose(4, 17, 0);

	(void)state;
	assert_int_equal(pgc_state(old, UINT64_C(0x0180000000000000)), PGC_FREE);
	assert_true(pgc_sane(old, UINT64_C(0x0180000000000000)));
	assert_int_equal(pgc_state(new, UINT64_C(0x0180000000000000)), PGC_IN_USE);
	assert_false(pgc_sane(new, UINT64_C(0x0180000000000000)));
	assert_int_equal(pgc_state(new, UINT64_C(0x0c00000000000000)), PGC_FREE);
	assert_true(pgc_sane(new, UINT64_C(0x0c00000000000000)));
	assert_false(pgc_sane(old, UINT64_C(0x0c00000000000000)));
	assert_int_equal(pgc_state(pgc_propose(4, 20, 0), UINT64_C(0x8c00000000000000)), PGC_FREE);
	assert_true(pgc_sane(pgc_propose(4, 20, 0), UINT64_C(0x8c00000000000000)));
	assert_false(pgc_sane(pgc_propose(4, 22, 0), UINT64_C(0x8c00000000000000)));
	assert_true(pgc_sane(pgc_propose(4, 22, 0), UINT64_C(0x0e00000000000000)));
	/* no page has references and is free; none is allocated without references */
	assert_false(pgc_sane(new, UINT64_C(0x0c00000000000001)));
	assert_false(pgc_sane(new, GOT));
	assert_true(pgc_sane(new, GOT | 1));
	assert_true(pgc_sane(new, 0));
	assert_true(pgc_sane(old, GOT | UINT64_C(3) << 58 | 1)); /* cached otherwise */
	assert_ptr_equal(pgc_propose(4, 13, 4), &pgc_tables[1]);
	assert_ptr_equal(pgc_propose(4, 13, 5), &pgc_tables[3]);
	assert_ptr_equal(pgc_propose(5, 0, 0), &pgc_tables[6]);
	assert_ptr_equal(pgc_propose(3, 4, 0), &pgc_tables[0]);
	assert_int_equal(pgc_stable(".5+72-g01140da4e8-1"), 5);
	assert_int_equal(pgc_stable(".12"), 12);
	assert_int_equal(pgc_stable("-unstable"), 0);
	assert_int_equal(pgc_stable("."), 0);
	assert_int_equal(pgc_stable(""), 0);
}

/* Single pages between pages of domain 5. */
static void test_pages(void **state)
{
	static const struct {
		uint64_t info, owner;
		enum page_kind kind;
	} rows[] = {
		{HEAP, 0, PK_XEN},
		{HEAP | GOT | 1, 0x301, PK_XEN}, /* shared with a guest */
		{GOT | 1, 0, PK_XEN}, /* anonymous */
		{0, 0x301, PK_XEN}, /* a shadow: what stands there is no owner */
		{GOT | 1, 0x303, PK_XEN}, /* dom_xen */
		{GOT | 1, 0x304, PK_XEN}, /* dom_io */
		{GOT | 1, 0x999, PK_UNKNOWN}, /* nobody's */
		{GOT | UINT64_C(1) << 58 | 1, 0x301, PK_GUEST}, /* offlining, still in use */
		{UINT64_C(1) << 59, 0, PK_BROKEN}, /* offlined */
		{UINT64_C(1) << 59 | UINT64_C(1) << 60, 0, PK_BROKEN},
		{GOT | UINT64_C(1) << 58 | UINT64_C(1) << 60 | 1, 0x301, PK_BROKEN},
		{GOT | UINT64_C(1) << 57 | UINT64_C(1) << 61 | 1, 0x301, PK_GUEST},
		{UINT64_C(3) << 58 | 1, 0x301, PK_UNKNOWN}, /* free with a reference */
		{UINT64_C(3) << 58 | GOT | 1, 0x301, PK_UNKNOWN},
		{GOT | UINT64_C(1) << 40, 0x301, PK_UNKNOWN}, /* absurd count */
		{GOT, 0x301, PK_UNKNOWN}, /* no count */
		{UINT64_MAX, UINT32_MAX, PK_UNKNOWN},
	};
	struct mkxen x = {.minor = 17, .table = 4};
	struct xen_filter f;

	(void)state;
	mkxen_init(&x);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		mkxen_page(&x, 0x1401 + 2 * i, rows[i].info, rows[i].owner);
	filtered_open(&x, &filtered_nothing, &f);
	assert_true(f.usable);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (filtered_kind(&x, &f, 0x1401 + 2 * i) != rows[i].kind)
			fail_msg("row %zu is %s", i,
				page_kind_name(filtered_kind(&x, &f, 0x1401 + 2 * i)));
		assert_int_equal(filtered_kind(&x, &f, 0x1400 + 2 * i), PK_GUEST);
	}
	filtered_done(&x, &f);
}

static void test_keep_domain(void **state)
{
	const uint32_t ids[] = {7, 99};
	const struct filter_request rq = {.keep_domains = ids, .nr_keep_domains = 2};
	struct mkxen x = {.minor = 17, .table = 4};
	struct xen_filter f;

	(void)state;
	mkxen_init(&x);
	filtered_open(&x, &rq, &f);
	assert_int_equal(filtered_kind(&x, &f, 0x1400), PK_GUEST);
	assert_int_equal(filtered_kind(&x, &f, 0x1800), PK_GUEST_KEPT);
	filtered_done(&x, &f);
}

/* dom0's list says FOREIGN for what it mapped through a grant. */
static void test_granted(void **state)
{
	struct mkxen x = {.minor = 17, .table = 4};
	struct xen_filter f;
	uint8_t kinds[8];

	(void)state;
	mkxen_init(&x);
	mkcore_put64(&x.m, 0x313000 + 511 * 8, UINT64_C(1) << 63 | 0x1502);
	mkcore_put64(&x.m, 0x313000 + 510 * 8, UINT64_C(1) << 63 | 0x1500);
	mkcore_put64(&x.m, 0x313000 + 509 * 8, UINT64_C(1) << 62 | 0x1501); /* identity: I/O */
	filtered_open(&x, &filtered_nothing, &f);
	assert_true(f.usable);
	xen_filter_window(&f, x.r, 0x14ff, 8, kinds);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(kinds[i], i == 1 || i == 3 ? PK_GUEST_KEPT : PK_GUEST);
	filtered_done(&x, &f);
}

static const struct owner_pages *owner(const struct owner_pages *o, size_t nr, uint32_t id)
{
	for (size_t i = 0; i < nr; i++)
		if (o[i].id == id)
			return &o[i];
	fail_msg("domain %u is not there", id);
	return NULL;
}

/* Windows of two halves, as a core with a hole has them: what is not there counts nothing. */
static void test_owners(void **state)
{
	static const uint32_t seven = 7;
	const struct filter_request rq = {.keep_domains = &seven, .nr_keep_domains = 1};
	struct mkxen x = {.minor = 17, .table = 4};
	struct owner_pages *o;
	struct xen_filter f;
	uint8_t kinds[0x400];
	size_t nr;

	(void)state;
	mkxen_init(&x);
	mkcore_put64(&x.m, 0x313000 + 511 * 8, UINT64_C(1) << 63 | 0x1502);
	filtered_open(&x, &rq, &f);
	nr = xen_owners(&f, &o);
	for (uint64_t pfn = 0x1000; pfn < 0x2000; pfn += 0x400) {
		xen_filter_window(&f, x.r, pfn, 0x400, kinds);
		if (pfn == 0x1400)
			memset(kinds + 0x3f0, 0xff, 0x10); /* beyond the core's memory */
		xen_owners_window(&f, x.r, pfn, 0x400, kinds, o);
	}
	assert_int_equal(owner(o, nr, 0)->pages, 0); /* no guest */
	assert_int_equal(owner(o, nr, 5)->pages, 0x3f0);
	assert_int_equal(owner(o, nr, 5)->kept, 1); /* mapped by dom0 */
	assert_int_equal(owner(o, nr, 7)->pages, 0x80);
	assert_int_equal(owner(o, nr, 7)->kept, 0x80);
	free(o);
	f.usable = false;
	assert_int_equal(xen_owners(&f, &o), 0);
	assert_null(o);
	filtered_done(&x, &f);
}

static void test_m2p(void **state)
{
	struct mkxen x = {.minor = 17, .table = 4};
	struct xen_filter f;
	uint64_t pfns[3];

	(void)state;
	mkxen_init(&x);
	mkcore_put64(&x.m, 0x600000 + 0x1002 * 8, UINT64_C(0x5555555555555555));
	filtered_open(&x, &filtered_nothing, &f);
	xen_m2p_window(&f, x.r, 0x1000, 3, pfns);
	assert_int_equal(pfns[0], 0);
	assert_int_equal(pfns[1], 1);
	assert_true(pfns[2] == P2M_NONE);
	xen_m2p_window(&f, x.r, 0x1ffff, 3, pfns); /* nobody's */
	assert_true(pfns[0] == P2M_NONE && pfns[1] == P2M_NONE && pfns[2] == P2M_NONE);
	filtered_done(&x, &f);
}

static void mask_symbols(struct mkxen *x)
{
	mkxen_variable(x, "pfn_pdx_hole_shift", 0x100, 4);
	mkxen_variable(x, "pfn_pdx_bottom_mask", 0x108, 0xfffff);
	mkxen_variable(x, "pfn_top_mask", 0x110, ~UINT64_C(0xffffff));
}

static void offset_symbols(struct mkxen *x)
{
	/* Bank 1 is at index 1 of both tables: 0x1000000 pages on, 0x100000 numbers on. */
	mkxen_variable(x, "pfn_index_shift", 0x100, 24);
	mkxen_variable(x, "pdx_index_shift", 0x108, 20);
	mkxen_symbol(x, "pfn_pdx_lookup", MKXEN_BASE + 0x200);
	mkxen_symbol(x, "pdx_pfn_lookup", MKXEN_BASE + 0x400);
	mkxen_symbol(x, "pfn_bases", MKXEN_BASE + 0x600);
	mkcore_put64(&x->m, 0x200000 + 0x208, 0x1000000 - 0x100000);
	mkcore_put64(&x->m, 0x200000 + 0x408, 0x1000000 - 0x100000);
}

static void two_banks(struct mkxen *x, struct xen_filter *f)
{
	uint8_t kinds[1040];

	if (!f->usable || f->doubts)
		fail_msg("%s", f->why);
	filtered_map(x, f); /* max_page is beyond the hole: pages in it are unknown all the same */
	xen_filter_window(f, x->r, MKXEN_BANK - 8, 1040, kinds);
	for (unsigned i = 0; i < 1040; i++)
		assert_int_equal(kinds[i], i < 8 || i >= 1032 ? PK_UNKNOWN : PK_GUEST);
}

static void test_pdx_mask(void **state)
{
	struct mkxen x = {.minor = 17, .table = 4, .bank = true};
	struct xen_filter f;

	(void)state;
	mkxen_init(&x);
	mask_symbols(&x);
	filtered_open(&x, &filtered_nothing, &f);
	two_banks(&x, &f);
	filtered_done(&x, &f);
}

static void test_pdx_offset(void **state)
{
	struct mkxen x = {.minor = 21, .table = 5, .bank = true};
	struct xen_filter f;

	(void)state;
	mkxen_init(&x);
	offset_symbols(&x);
	filtered_open(&x, &filtered_nothing, &f);
	two_banks(&x, &f);
	filtered_done(&x, &f);
}

static void test_drop_mask(void **state)
{
	struct filter_request rq = {0};

	(void)state;
	assert_int_equal(filter_drop_mask(&rq),
		1u << PK_BROKEN | 1u << PK_LINUX_OFFLINE | 1u << PK_GUEST | 1u << PK_XEN_FREE);
	rq.guests = true;
	assert_int_equal(filter_drop_mask(&rq), 1u << PK_BROKEN | 1u << PK_LINUX_OFFLINE);
	for (rq.level = 0; rq.level < 32; rq.level++) {
		uint32_t m = filter_drop_mask(&rq);

		assert_false(m & (1u << PK_UNKNOWN | 1u << PK_XEN | 1u << PK_GUEST_KEPT |
					 1u << PK_LINUX | 1u << PK_GUEST));
		assert_int_equal(!!(m & 1u << PK_LINUX_FREE), !!(rq.level & 16));
		assert_int_equal(!!(m & 1u << PK_LINUX_USER), !!(rq.level & 8));
		assert_int_equal(!!(m & 1u << PK_LINUX_CACHE_PRIVATE), !!(rq.level & 4));
		assert_int_equal(!!(m & 1u << PK_LINUX_CACHE), !!(rq.level & 6));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_dump_decides),
		cmocka_unit_test(test_bigmem),
		cmocka_unit_test(test_dom0_32),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_keep_domain),
		cmocka_unit_test(test_granted),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_m2p),
		cmocka_unit_test(test_pdx_mask),
		cmocka_unit_test(test_pdx_offset),
		cmocka_unit_test(test_drop_mask),
	};

	return cmocka_run_group_tests_name("xen_filter", tests, NULL, NULL);
}
