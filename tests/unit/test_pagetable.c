// SPDX-License-Identifier: GPL-2.0-only
/* Page tables of every paging mode in sixteen pages of memory, and compressed page numbers. */
#include "xktest.h"

#include "vmcore/pagetable.h"
#include "vmcore/xlat.h"

#define PAGES 16
/* Machine memory is page 0x100 on, so that a table at 0 is always a mistake. */
#define BASE UINT64_C(0x100000)

static uint8_t mem[PAGES * 4096];
static unsigned reads;

static bool read_entry(void *ctx, maddr_t at, size_t size, uint64_t *ret)
{
	uint64_t v = 0;

	assert_null(ctx);
	reads++;
	if (at < BASE || at - BASE > sizeof(mem) - size)
		return false;
	memcpy(&v, mem + (at - BASE), size);
	*ret = v;
	return true;
}

static maddr_t page(unsigned n)
{
	return BASE + n * UINT64_C(4096);
}

static void put64(unsigned n, unsigned index, uint64_t v)
{
	memcpy(mem + n * 4096 + index * 8, &v, 8);
}

static void put32(unsigned n, unsigned index, uint32_t v)
{
	memcpy(mem + n * 4096 + index * 4, &v, 4);
}

static struct pagetable table(unsigned levels)
{
	memset(mem, 0, sizeof(mem));
	reads = 0;
	return (struct pagetable){.read = read_entry, .root = page(0), .levels = levels};
}

static void gives(const struct pagetable *t, vaddr_t at, maddr_t want, uint64_t want_left)
{
	maddr_t got = 0;
	uint64_t left = 0;

	assert_true(pagetable_walk(t, at, &got, &left));
	assert_int_equal(got, want);
	assert_int_equal(left, want_left);
	assert_true(pagetable_walk(t, at, &got, NULL));
}

static void refuses(const struct pagetable *t, vaddr_t at)
{
	maddr_t got = 77;
	uint64_t left = 78;

	assert_false(pagetable_walk(t, at, &got, &left));
	assert_int_equal(got, 77);
	assert_int_equal(left, 78);
}

static void test_four_levels(void **state)
{
	struct pagetable t = table(4);

	(void)state;
	/* 0xffff82d040201234: bits 47:39 = 0x105 = 261, 38:30 = 0x141 = 321, 29:21 = 1, 20:12 = 1 */
	put64(0, 261, page(1) | 0x063);
	put64(1, 321, page(2) | 0x063);
	put64(2, 1, page(3) | 0x063);
	put64(3, 1, UINT64_C(0x8000123456789061)); /* NX, and 52..62 are the system's own */
	gives(&t, UINT64_C(0xffff82d040201234), UINT64_C(0x123456789234), 0x1000 - 0x234);
	assert_int_equal(reads, 8);
	/* The bits above 51 are not part of it. */
	put64(3, 1, UINT64_C(0x7ff0000000456061));
	gives(&t, UINT64_C(0xffff82d040201fff), UINT64_C(0x456fff), 1);
	/* 2 MiB: bit 12 is PAT. */
	put64(2, 2, UINT64_C(0x400010e3));
	gives(&t, UINT64_C(0xffff82d040400000) + 0x54321, 0x40000000 + 0x54321, 0x200000 - 0x54321);
	/* 1 GiB */
	put64(1, 322, UINT64_C(0x80000001e3));
	gives(&t, UINT64_C(0xffff82d080000010), UINT64_C(0x8000000010), 0x40000000 - 0x10);
}

static void test_four_levels_refused(void **state)
{
	struct pagetable t = table(4);

	(void)state;
	put64(0, 261, page(1) | 0x063);
	put64(1, 321, page(2) | 0x063);
	put64(2, 1, page(3) | 0x063);
	put64(3, 1, 0x456060); /* not present */
	refuses(&t, UINT64_C(0xffff82d040201234));
	refuses(&t, UINT64_C(0x000082d040201234)); /* not canonical */
	refuses(&t, UINT64_C(0xff0082d040201234));
	refuses(&t, 0);
	put64(2, 1, UINT64_C(0xffffffffff063)); /* a table where there is no memory */
	refuses(&t, UINT64_C(0xffff82d040201234));
	put64(0, 261, page(1) | 0x0e3); /* a 512 GiB page: no CPU has them */
	refuses(&t, UINT64_C(0xffff82d040201234));
	t.root = UINT64_C(0xfffffffffffff000); /* the entry's address wraps or is nowhere */
	refuses(&t, UINT64_C(0xffff82d040201234));
	t = table(4);
	put64(0, 0, page(0) | 0x063); /* a table of itself ends all the same */
	gives(&t, 0, page(0), 0x1000);
	assert_int_equal(reads, 8);
}

static void test_five_levels(void **state)
{
	struct pagetable t = table(5);

	(void)state;
	put64(0, 511, page(1) | 0x063);
	put64(1, 511, page(2) | 0x063);
	put64(2, 510, UINT64_C(0x40000000) | 0x1e3);
	gives(&t, UINT64_C(0xffffffff81000000), 0x41000000, 0x3f000000);
	/* 0xff11000000000000: bits 56:48 = 0x111 */
	refuses(&t, UINT64_C(0xff11000000000000));
	put64(0, 0x111, page(1) | 0x063);
	put64(1, 0, page(2) | 0x063);
	put64(2, 0, UINT64_C(0x80000000) | 0x1e3);
	gives(&t, UINT64_C(0xff11000000000000), 0x80000000, 0x40000000);
	refuses(&t, UINT64_C(0x0111000000000000));
}

static void test_encryption_bit(void **state)
{
	struct pagetable t = table(4);

	(void)state;
	t.not_address = UINT64_C(1) << 47;
	put64(0, 0, page(1) | t.not_address | 0x063);
	put64(1, 0, page(2) | t.not_address | 0x063);
	put64(2, 0, page(3) | t.not_address | 0x063);
	put64(3, 0, 0x5000 | t.not_address | 0x063);
	gives(&t, 0x10, 0x5010, 0xff0);
	t.not_address = 0;
	refuses(&t, 0x10);
}

static void test_pae(void **state)
{
	struct pagetable t = table(3);

	(void)state;
	/* 0xc1234567: bits 31:30 = 3, 29:21 = 9, 20:12 = 0x34 */
	put64(0, 3, page(1) | 1); /* PAE's top entries have no other flags */
	put64(1, 9, page(2) | 0x063);
	put64(2, 0x34, UINT64_C(0x1fedcba063)); /* above 4 GiB */
	gives(&t, 0xc1234567, UINT64_C(0x1fedcba567), 0x1000 - 0x567);
	put64(1, 10, UINT64_C(0x2000000000) | 0x1e3);
	gives(&t, 0xc1400000, UINT64_C(0x2000000000), 0x200000);
	refuses(&t, UINT64_C(0x1c1234567)); /* beyond 32 bits */
	refuses(&t, UINT64_C(0xffffffffc1234567)); /* also when sign-extended */
	refuses(&t, 0x41234567);
	put64(0, 1, UINT64_C(0xfffffff00000) | 1);
	refuses(&t, 0x41234567);
}

static void test_i386(void **state)
{
	struct pagetable t = table(2);

	(void)state;
	/* 0xc1234567: bits 31:22 = 0x304, 21:12 = 0x234 */
	put32(0, 0x304, (uint32_t)page(1) | 0x063);
	put32(1, 0x234, 0xfffff067); /* the last page of 4 GiB */
	gives(&t, 0xc1234567, 0xfffff567, 0x1000 - 0x567);
	/* 4 MiB at 0x3_00400000: bits 39:32 stand in 20:13 */
	put32(0, 0x305, 0x00400000 | 3 << 13 | 0x0e3);
	gives(&t, 0xc1400001, UINT64_C(0x300400001), 0x400000 - 1);
	refuses(&t, 0x1234567);
	put32(1, 0x235, 0x00001066);
	refuses(&t, 0xc1235000);
}

static void test_no_such_mode(void **state)
{
	static const unsigned levels[] = {0, 1, 6, 64};
	struct pagetable t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		t = table(levels[i]);
		put64(0, 0, page(1) | 0x063);
		refuses(&t, 0);
		assert_int_equal(reads, 0);
	}
}

/* A hole of 4 bits above 20: 0x000000-0x0fffff and 0x1000000-0x10fffff pages. */
static void test_pdx_mask(void **state)
{
	const struct pdx p = {
		.scheme = PDX_MASK,
		.bottom_mask = 0xfffff,
		.top_mask = ~UINT64_C(0xffffff),
		.hole_shift = 4,
	};

	(void)state;
	assert_int_equal(pdx_from_pfn(&p, 0xfffff), 0xfffff);
	assert_int_equal(pdx_from_pfn(&p, 0x1000000), 0x100000);
	assert_int_equal(pdx_from_pfn(&p, 0x2012345), 0x212345);
	assert_int_equal(pdx_to_pfn(&p, 0x212345), 0x2012345);
	assert_int_equal(pdx_to_pfn(&p, 0x100000), 0x1000000);
	assert_int_equal(pdx_to_pfn(&p, 0xfffff), 0xfffff);
	/* A page in the hole is some other page's index: the way back tells. */
	assert_int_equal(pdx_to_pfn(&p, pdx_from_pfn(&p, 0x500001)), 1);
}

/* Memory at 0 and at 0x4000000 pages, each less than 0x1000000: one index bit, 26. */
static void test_pdx_offset(void **state)
{
	struct pdx p = {.scheme = PDX_OFFSET, .pfn_shift = 26, .pdx_shift = 24, .nr = 64};

	(void)state;
	for (uint64_t pfn = 1; pfn; pfn <<= 3) { /* all-zero tables are the identity */
		assert_int_equal(pdx_from_pfn(&p, pfn), pfn);
		assert_int_equal(pdx_to_pfn(&p, pfn), pfn);
	}
	p.pfn_to_pdx[1] = p.pdx_to_pfn[1] = 0x4000000 - 0x1000000;
	assert_int_equal(pdx_from_pfn(&p, 0x4000123), 0x1000123);
	assert_int_equal(pdx_to_pfn(&p, 0x1000123), 0x4000123);
	assert_int_equal(pdx_from_pfn(&p, 0x123), 0x123);
	/* Beyond the first region's size. */
	assert_int_not_equal(pdx_to_pfn(&p, pdx_from_pfn(&p, 0x1000005)), 0x1000005);
}

static void test_pdx_hostile(void **state)
{
	struct pdx p = {.scheme = PDX_OFFSET, .pfn_shift = 200, .pdx_shift = 64, .nr = 4000000000};

	(void)state;
	p.pfn_to_pdx[0] = 5;
	assert_int_equal(pdx_from_pfn(&p, UINT64_MAX), UINT64_MAX - 5);
	assert_int_equal(pdx_to_pfn(&p, UINT64_MAX), UINT64_MAX);
	p.nr = 0;
	assert_int_equal(pdx_from_pfn(&p, 9), 9);
	p = (struct pdx){.scheme = PDX_MASK, .top_mask = UINT64_MAX, .hole_shift = 64};
	assert_int_equal(pdx_from_pfn(&p, UINT64_MAX), 0);
	assert_int_equal(pdx_to_pfn(&p, UINT64_MAX), 0);
	p = (struct pdx){.scheme = PDX_UNKNOWN};
	assert_int_equal(pdx_from_pfn(&p, 9), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_four_levels),
		cmocka_unit_test(test_four_levels_refused),
		cmocka_unit_test(test_five_levels),
		cmocka_unit_test(test_encryption_bit),
		cmocka_unit_test(test_pae),
		cmocka_unit_test(test_i386),
		cmocka_unit_test(test_no_such_mode),
		cmocka_unit_test(test_pdx_mask),
		cmocka_unit_test(test_pdx_offset),
		cmocka_unit_test(test_pdx_hostile),
	};

	return cmocka_run_group_tests_name("pagetable", tests, NULL, NULL);
}
