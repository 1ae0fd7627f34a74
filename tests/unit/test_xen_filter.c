// SPDX-License-Identifier: GPL-2.0-only
/* Pages by the frame table of a small crashed Xen, of every layout that Xen had, and damaged. */
#include "mkxen.h"
#include "vmcore/xen_flags.h"
#include "xktest.h"

#define GOT  (UINT64_C(1) << 63)
#define HEAP (UINT64_C(1) << 62)

static const struct filter_request nothing;

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

static void open_filter(struct mkxen *x, const struct filter_request *rq, struct xen_filter *f)
{
	struct xen_xlat xl;
	struct diag d;

	diag_init(&d);
	mkxen_open(x);
	assert_int_equal(xen_xlat_init(&x->core, &x->n, x->r, &xl, &d), XK_OK);
	assert_int_equal(xen_filter_init(&x->core, &x->n, &xl, x->r, rq, f, &d), XK_OK);
}

static void done(struct mkxen *x, struct xen_filter *f)
{
	xen_filter_deinit(f);
	mkxen_deinit(x);
}

static enum page_kind one(struct mkxen *x, struct xen_filter *f, uint64_t pfn)
{
	uint8_t k;

	xen_filter_window(f, x->r, pfn, 1, &k);
	return k;
}

/* What mkxen.h says lies where. */
static void the_map(struct mkxen *x, struct xen_filter *f)
{
	static const struct {
		unsigned first, end;
		enum page_kind kind;
	} want[] = {
		{0x100, 0x1000, PK_XEN}, {0x1000, 0x1400, PK_LINUX}, {0x1400, 0x1880, PK_GUEST},
		{0x1880, 0x1900, PK_XEN}, {0x1900, 0x2000, PK_XEN_FREE},
		{0x2000, 0x2010, PK_UNKNOWN}, /* beyond max_page */
	};
	uint8_t kinds[0x2010];

	xen_filter_window(f, x->r, 0x100, 0x2010 - 0x100, kinds);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		for (unsigned p = want[i].first; p < want[i].end; p++)
			if (kinds[p - 0x100] != want[i].kind)
				fail_msg("page %#x is %s, not %s", p,
					page_kind_name(kinds[p - 0x100]),
					page_kind_name(want[i].kind));
}

static void test_columns(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		struct mkxen x = {.minor = columns[i].minor, .table = columns[i].table};
		struct xen_filter f;

		mkxen_init(&x);
		mkxen_extra(&x, columns[i].extra);
		open_filter(&x, &nothing, &f);
		if (!f.usable || f.doubts)
			fail_msg("4.%u%s: %u doubts, %s", columns[i].minor, columns[i].extra,
				f.doubts, f.why);
		the_map(&x, &f);
		done(&x, &f);
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
			open_filter(&x, &nothing, &f);
			assert_true(f.usable);
			the_map(&x, &f);
			if ((table < 3) != (columns[i].table < 3)) {
				assert_true(f.doubts > 0);
				assert_says(f.why, "not those that");
			}
			done(&x, &f);
		}
	}
}

static void test_bigmem(void **state)
{
	struct mkxen x = {.minor = 17, .table = 4, .bigmem = true};
	struct xen_filter f;

	(void)state;
	mkxen_init(&x);
	open_filter(&x, &nothing, &f); /* 4096 is no multiple of 48: entries cross pages */
	assert_true(f.usable);
	assert_int_equal(f.doubts, 0);
	the_map(&x, &f);
	done(&x, &f);
}

static void test_dom0_32(void **state)
{
	struct mkxen x = {.minor = 14, .table = 2, .dom0_bits = 32};
	struct xen_filter f;

	(void)state;
	mkxen_init(&x);
	open_filter(&x, &nothing, &f);
	assert_true(f.usable);
	assert_int_equal(f.doubts, 0);
	the_map(&x, &f);
	done(&x, &f);
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
	open_filter(&x, &nothing, &f);
	assert_true(f.usable);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (one(&x, &f, 0x1401 + 2 * i) != rows[i].kind)
			fail_msg("row %zu is %s", i, page_kind_name(one(&x, &f, 0x1401 + 2 * i)));
		assert_int_equal(one(&x, &f, 0x1400 + 2 * i), PK_GUEST);
	}
	done(&x, &f);
}

static void test_keep_domain(void **state)
{
	const uint32_t ids[] = {7, 99};
	const struct filter_request rq = {.keep_domains = ids, .nr_keep_domains = 2};
	struct mkxen x = {.minor = 17, .table = 4};
	struct xen_filter f;

	(void)state;
	mkxen_init(&x);
	open_filter(&x, &rq, &f);
	assert_int_equal(one(&x, &f, 0x1400), PK_GUEST);
	assert_int_equal(one(&x, &f, 0x1800), PK_GUEST_KEPT);
	done(&x, &f);
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
	open_filter(&x, &nothing, &f);
	assert_true(f.usable);
	xen_filter_window(&f, x.r, 0x14ff, 8, kinds);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(kinds[i], i == 1 || i == 3 ? PK_GUEST_KEPT : PK_GUEST);
	done(&x, &f);
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
	open_filter(&x, &rq, &f);
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
	done(&x, &f);
}

static void test_m2p(void **state)
{
	struct mkxen x = {.minor = 17, .table = 4};
	struct xen_filter f;
	uint64_t pfns[3];

	(void)state;
	mkxen_init(&x);
	mkcore_put64(&x.m, 0x600000 + 0x1002 * 8, UINT64_C(0x5555555555555555));
	open_filter(&x, &nothing, &f);
	xen_m2p_window(&f, x.r, 0x1000, 3, pfns);
	assert_int_equal(pfns[0], 0);
	assert_int_equal(pfns[1], 1);
	assert_true(pfns[2] == P2M_NONE);
	xen_m2p_window(&f, x.r, 0x1ffff, 3, pfns); /* nobody's */
	assert_true(pfns[0] == P2M_NONE && pfns[1] == P2M_NONE && pfns[2] == P2M_NONE);
	done(&x, &f);
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
	the_map(x, f); /* max_page is beyond the hole: pages in it are unknown all the same */
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
	open_filter(&x, &nothing, &f);
	two_banks(&x, &f);
	done(&x, &f);
}

static void test_pdx_offset(void **state)
{
	struct mkxen x = {.minor = 21, .table = 5, .bank = true};
	struct xen_filter f;

	(void)state;
	mkxen_init(&x);
	offset_symbols(&x);
	open_filter(&x, &nothing, &f);
	two_banks(&x, &f);
	done(&x, &f);
}

/* Compressed, and nobody says how: everything is kept. */
static void keeps_all(struct mkxen *x, const char *why)
{
	struct xen_filter f;
	uint8_t kinds[64];

	open_filter(x, &nothing, &f);
	assert_false(f.usable);
	assert_true(f.doubts > 0);
	assert_says(f.why, why);
	xen_filter_window(&f, x->r, 0x1400, 64, kinds);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(kinds[i], PK_UNKNOWN);
	done(x, &f);
}

static void test_pdx_unknown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct mkxen x = {.minor = 17, .table = 4, .bank = true};

		mkxen_init(&x);
		if (i == 0)
			x.n.xenkdump = NULL;
		if (i == 1) { /* of another machine */
			mkxen_variable(&x, "pfn_pdx_hole_shift", 0x100, 3);
			mkxen_variable(&x, "pfn_pdx_bottom_mask", 0x108, 0xfffff);
			mkxen_variable(&x, "pfn_top_mask", 0x110, ~UINT64_C(0x7fffff));
		}
		if (i == 2) { /* nonsense */
			mkxen_variable(&x, "pfn_pdx_hole_shift", 0x100, 200);
			mkxen_variable(&x, "pfn_pdx_bottom_mask", 0x108, 5);
			mkxen_variable(&x, "pfn_top_mask", 0x110, 7);
		}
		keeps_all(&x, "compress");
	}
}

static void test_list_loops(void **state)
{
	struct mkxen x = {.minor = 17, .table = 4};
	struct xen_filter f;

	(void)state;
	mkxen_init(&x);
	/* 7 -> 5: what is known is used, and it is said */
	mkcore_put64(&x.m, 0x302000 + 136, UINT64_C(0xffff830000301000));
	open_filter(&x, &nothing, &f);
	assert_true(f.usable);
	assert_true(f.doubts > 0);
	assert_says(f.why, "list of domains is damaged");
	the_map(&x, &f);
	done(&x, &f);
}

static void test_list_cut(void **state)
{
	static const uint64_t nexts[] = {UINT64_C(0xffff830000301008), 0x1234,
		UINT64_C(0xffff8300ffffe000), UINT64_C(0xffff87fffffff000), UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nexts); i++) {
		struct mkxen x = {.minor = 17, .table = 4};
		struct xen_filter f;

		mkxen_init(&x);
		mkcore_put64(&x.m, 0x300000 + 136, nexts[i]);
		open_filter(&x, &nothing, &f);
		assert_true(f.usable);
		assert_true(f.doubts > 0);
		assert_says(f.why, "ends in nowhere");
		/* guests that nobody knows are kept */
		assert_int_equal(one(&x, &f, 0x1400), PK_UNKNOWN);
		assert_int_equal(one(&x, &f, 0x1000), PK_LINUX);
		assert_int_equal(one(&x, &f, 0x1a00), PK_XEN_FREE);
		done(&x, &f);
	}
}

static void replace(struct mkxen *x, const char *from, const char *to)
{
	char *at = strstr(x->vmcoreinfo, from);

	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
}

static void test_hostile_layout(void **state)
{
	static const char *const rows[][3] = {
		{"SIZE(page_info)=32", "SIZE(page_info)= 2", "page_info"},
		{"SIZE(page_info)=32", "SIZE(page_info)=12", "page_info of 12"},
		{"SIZE(page_info)=32", "SIZE(page_info)=99", "page_info of 99"},
		{"OFFSET(page_info._domain)=24", "OFFSET(page_info._domain)=29", "_domain at 29"},
		{"SIZE(domain)=2432", "SIZE(domain)=0099", "outside of it"},
		{"SYMBOL(frame_table)=ffff", "SYMBOL(frame_table)=0fff", "frame table"},
		{"SYMBOL(pgd_l4)=ffff", "SYMBOL(pgd_l4)=0fff", "frame table"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mkxen x = {.minor = 17, .table = 4};

		mkxen_init(&x);
		replace(&x, rows[i][0], rows[i][1]);
		keeps_all(&x, rows[i][2]);
	}
}

/* One entry off: all but the first and last pages of a stretch would read as right. */
static void test_shifted_table(void **state)
{
	static const int off[] = {32, -32, 8};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(off); i++) {
		struct mkxen x = {.minor = 17, .table = 4};

		mkxen_init(&x);
		mkcore_put64(&x.m, 0x200008, UINT64_C(0xffff82e000000000) + (uint64_t)off[i]);
		keeps_all(&x, "no page's beginning");
	}
}

/* Damage that no table explains. */
static void test_damaged_frames(void **state)
{
	struct mkxen x = {.minor = 17, .table = 4};

	(void)state;
	mkxen_init(&x);
	for (unsigned i = 0x1000; i < 0x2000; i++)
		mkxen_page(&x, i, UINT64_C(0x9e3779b97f4a7c15) * (i + 1), i * 7919);
	keeps_all(&x, "no other table fits");
}

/* dom0's pages are another domain's: the table is not this machine's, or the list is not. */
static void test_dom0_elsewhere(void **state)
{
	struct mkxen x = {.minor = 17, .table = 4};

	(void)state;
	mkxen_init(&x);
	for (unsigned i = 0x1000; i < 0x1400; i++)
		mkxen_page(&x, i, GOT | 1, 0x301);
	keeps_all(&x, "of dom0");
}

/* Free where there is Xen. */
static void test_xen_free(void **state)
{
	struct mkxen x = {.minor = 17, .table = 4};

	(void)state;
	mkxen_init(&x);
	for (unsigned i = 0x400; i < 0x420; i++)
		mkxen_page(&x, i, UINT64_C(3) << 58, 0);
	keeps_all(&x, "pages of Xen");
}

static void test_no_list(void **state)
{
	struct mkxen x = {.minor = 17, .table = 4};
	struct xen_filter f;

	(void)state;
	mkxen_init(&x);
	x.n.xen_info.p2m_mfn = UINT64_MAX;
	open_filter(&x, &nothing, &f);
	assert_true(f.usable); /* owners are all known domains */
	assert_true(f.doubts > 0);
	assert_says(f.why, "512 GiB");
	the_map(&x, &f);
	done(&x, &f);
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
		cmocka_unit_test(test_pdx_unknown),
		cmocka_unit_test(test_list_loops),
		cmocka_unit_test(test_list_cut),
		cmocka_unit_test(test_hostile_layout),
		cmocka_unit_test(test_shifted_table),
		cmocka_unit_test(test_shifted_table),
		cmocka_unit_test(test_damaged_frames),
		cmocka_unit_test(test_dom0_elsewhere),
		cmocka_unit_test(test_xen_free),
		cmocka_unit_test(test_no_list),
		cmocka_unit_test(test_drop_mask),
	};

	return cmocka_run_group_tests_name("xen_filter", tests, NULL, NULL);
}
