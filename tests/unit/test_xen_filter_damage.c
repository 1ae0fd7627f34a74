// SPDX-License-Identifier: GPL-2.0-only
/* A frame table, a list of domains, or what says where they are, that cannot be right. */
#include "filtered.h"

#define GOT (UINT64_C(1) << 63)

/* Compressed, and nobody says how: everything is kept. */
static void keeps_all(struct mkxen *x, const char *why)
{
	struct xen_filter f;
	uint8_t kinds[64];

	filtered_open(x, &filtered_nothing, &f);
	assert_false(f.usable);
	assert_true(f.doubts > 0);
	assert_says(f.why, why);
	xen_filter_window(&f, x->r, 0x1400, 64, kinds);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(kinds[i], PK_UNKNOWN);
	filtered_done(x, &f);
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
	filtered_open(&x, &filtered_nothing, &f);
	assert_true(f.usable);
	assert_true(f.doubts > 0);
	assert_says(f.why, "list of domains is damaged");
	filtered_map(&x, &f);
	filtered_done(&x, &f);
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
		filtered_open(&x, &filtered_nothing, &f);
		assert_true(f.usable);
		assert_true(f.doubts > 0);
		assert_says(f.why, "ends in nowhere");
		/* guests that nobody knows are kept */
		assert_int_equal(filtered_kind(&x, &f, 0x1400), PK_UNKNOWN);
		assert_int_equal(filtered_kind(&x, &f, 0x1000), PK_LINUX);
		assert_int_equal(filtered_kind(&x, &f, 0x1a00), PK_XEN_FREE);
		filtered_done(&x, &f);
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
	filtered_open(&x, &filtered_nothing, &f);
	assert_true(f.usable); /* owners are all known domains */
	assert_true(f.doubts > 0);
	assert_says(f.why, "512 GiB");
	filtered_map(&x, &f);
	filtered_done(&x, &f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pdx_unknown),
		cmocka_unit_test(test_list_loops),
		cmocka_unit_test(test_list_cut),
		cmocka_unit_test(test_hostile_layout),
		cmocka_unit_test(test_shifted_table),
		cmocka_unit_test(test_damaged_frames),
		cmocka_unit_test(test_dom0_elsewhere),
		cmocka_unit_test(test_xen_free),
		cmocka_unit_test(test_no_list),
	};

	return cmocka_run_group_tests_name("xen_filter_damage", tests, NULL, NULL);
}
