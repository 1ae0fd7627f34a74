// SPDX-License-Identifier: GPL-2.0-only
/* Linux's addresses: dom0's over its list in the small Xen, and native ones in 16 MiB. */
#include <stdio.h>

#include "mklinux.h"
#include "mkxen.h"
#include "xktest.h"

#define TEXT UINT64_C(0xffffffff80000000)
#define PTE  0x063u

static enum xk_status init(const struct core *c, struct core_notes *n, const char *text,
	struct linux_xlat *l, char *says)
{
	struct core_reader *r = core_reader_create(c);
	struct xen_xlat x;
	struct diag d;
	enum xk_status st;

	diag_init(&d);
	n->vmcoreinfo = (struct bytes){(const uint8_t *)text, strlen(text)};
	if (n->xen)
		assert_int_equal(xen_xlat_init(c, n, r, &x, &d), XK_OK);
	st = linux_xlat_init(c, n, n->xen ? &x : NULL, r, l, &d);
	if (says)
		strcpy(says, d.text);
	core_reader_destroy(r);
	return st;
}

static void gives(
	const struct linux_xlat *l, struct core_reader *r, vaddr_t at, maddr_t want, uint64_t left)
{
	maddr_t m = 0;
	uint64_t got = 0;

	assert_true(linux_to_machine(l, r, at, &m, &got));
	assert_int_equal(m, want);
	assert_int_equal(got, left);
}

static void refuses(const struct linux_xlat *l, struct core_reader *r, vaddr_t at)
{
	maddr_t m;

	assert_false(linux_to_machine(l, r, at, &m, NULL));
}

/* pfn i is machine page 0x1000 + i, but two that change places: a list, not an offset. dom0's
 * tables are its pages 8 to 12: text at TEXT, the direct map of its first 2 MiB. */
static void make_dom0(struct mkxen *x)
{
	mkxen_init(x);
	mkcore_put64(&x->m, 0x312000 + 20 * 8, 0x1015);
	mkcore_put64(&x->m, 0x312000 + 21 * 8, 0x1014);
	mkcore_put64(&x->m, 0x1008000 + 511 * 8, 0x1009 * 4096 | PTE);
	mkcore_put64(&x->m, 0x1009000 + 510 * 8, 0x100a * 4096 | PTE);
	mkcore_put64(&x->m, 0x100a000, 0x100b * 4096 | PTE);
	mkcore_put64(&x->m, 0x1008000 + 273 * 8, 0x100c * 4096 | PTE);
	mkcore_put64(&x->m, 0x100c000, 0x100d * 4096 | PTE);
	mkcore_put64(&x->m, 0x100d000, 0x100b * 4096 | PTE);
	for (unsigned i = 0; i < 512; i++)
		mkcore_put64(&x->m, 0x100b000 + i * 8,
			(0x1000 + (i == 20	    ? 21
					  : i == 21 ? 20
						    : i)) *
					UINT64_C(4096) |
				PTE);
	/* and something only the tables know: 0xffffc90000000000 */
	mkcore_put64(&x->m, 0x1008000 + 402 * 8, 0x100e * 4096 | PTE);
	mkcore_put64(&x->m, 0x100e000, 0x100f * 4096 | PTE);
	mkcore_put64(&x->m, 0x100f000, 0x100b * 4096 | PTE);
}

static void test_dom0(void **state)
{
	struct mkxen x = {.minor = 17, .table = 4};
	struct linux_xlat l;

	(void)state;
	make_dom0(&x);
	mkxen_open(&x);
	assert_int_equal(
		init(&x.core, &x.n,
			"SYMBOL(swapper_pg_dir)=ffffffff80008000\nNUMBER(phys_base)=0\n", &l, NULL),
		XK_OK);
	assert_int_equal(l.bits, 64);
	assert_int_equal(l.levels, 4);
	assert_int_equal(l.pgd, 0x1008000);
	assert_int_equal(l.p2m.nr, 1024);
	assert_true(l.page_offset == UINT64_C(0xffff888000000000));
	gives(&l, x.r, TEXT + 0x3004, 0x1003004, 0xffc);
	gives(&l, x.r, TEXT + 20 * 4096, 0x1015000, 0x1000);
	gives(&l, x.r, UINT64_C(0xffff888000014010), 0x1015010, 0xff0);
	gives(&l, x.r, UINT64_C(0xffff8880003ff000), 0x13ff000, 0x1000); /* not in the tables */
	gives(&l, x.r, UINT64_C(0xffffc90000015000), 0x1014000, 0x1000);
	refuses(&l, x.r, UINT64_C(0xffff888000400000)); /* beyond dom0's last page */
	refuses(&l, x.r, TEXT + 0x400000);
	refuses(&l, x.r, UINT64_C(0xffffc90000200000));
	refuses(&l, x.r, 0x1000);
	mkxen_deinit(&x);
}

static void test_p2m(void **state)
{
	(void)state;
	for (unsigned bits = 32; bits <= 64; bits += 32) {
		struct mkxen x = {.minor = 14, .table = 2, .dom0_bits = bits};
		uint64_t mfns[1030];
		struct diag d;
		struct p2m p;

		diag_init(&d);
		mkxen_init(&x);
		mkxen_open(&x);
		assert_int_equal(p2m_init(&x.core, &x.n, NULL, x.r, &p, &d), XK_OK);
		assert_int_equal(p.bits, bits);
		assert_int_equal(p.nr, 1024);
		p2m_window(&p, x.r, 500, 530, mfns); /* over a leaf's border and over the end */
		for (unsigned i = 0; i < 530; i++)
			assert_true(mfns[i] == (i < 524 ? 0x1000 + 500 + i : P2M_NONE));
		assert_true(p2m_mfn(&p, x.r, UINT64_MAX) == P2M_NONE);
		mkxen_deinit(&x);
	}
}

static void test_p2m_refused(void **state)
{
	static const struct {
		uint64_t root, at, v;
		const char *says;
	} rows[] = {
		{0, 0x310000, 0x311, "names no list"}, {UINT64_MAX, 0x310000, 0x311, "512 GiB"},
		{0x7000000, 0x310000, 0x311, "outside the core's memory"},
		{0x310, 0x310000, 0, "makes no sense"},
		{0x310, 0x310000, UINT64_MAX, "makes no sense"},
		{0x310, 0x310008, UINT64_C(0x123456789abc), "makes no sense"},
		{0x310, 0x311000, 0x400000, "makes no sense"},
		{0x310, 0x311000, 0x317, "makes no sense"}, /* dom0 without low memory */
		{0x201, 0x310000, 0x311, "makes no sense"}, /* a page table */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mkxen x = {.minor = 17, .table = 4};
		struct diag d;
		struct p2m p;

		diag_init(&d);
		mkxen_init(&x);
		x.n.xen_info.p2m_mfn = rows[i].root;
		mkcore_put64(&x.m, rows[i].at, rows[i].v);
		mkxen_open(&x);
		assert_int_not_equal(p2m_init(&x.core, &x.n, NULL, x.r, &p, &d), XK_OK);
		assert_says(d.text, rows[i].says);
		mkxen_deinit(&x);
	}
}

/* The same list in dom0's virtual memory, of 1030 entries: its tables are dom0's pages 0x20 to 0x23,
 * the shared page is 0x306, and struct domain names it behind other things. */
#define SHARED	  UINT64_C(0x306000)
#define LINEAR	  UINT64_C(0xffffc90000000000) /* L4 index 402 */
#define DIRECTMAP UINT64_C(0xffff830000000000)

static void make_linear(struct mkxen *x)
{
	mkxen_init(x);
	mkcore_put64(&x->m, 0x300000 + 792, DIRECTMAP + 0x300000); /* itself */
	mkcore_put64(&x->m, 0x300000 + 800, DIRECTMAP + SHARED);
	mkcore_put64(&x->m, SHARED + 3088, 1030);
	mkcore_put64(&x->m, SHARED + 3096, UINT64_MAX);
	mkcore_put64(&x->m, SHARED + 3112, 0x1020000);
	mkcore_put64(&x->m, SHARED + 3120, LINEAR);
	mkcore_put64(&x->m, 0x1020000 + 402 * 8, 0x1021000 | PTE);
	mkcore_put64(&x->m, 0x1021000, 0x1022000 | PTE);
	mkcore_put64(&x->m, 0x1022000, 0x1023000 | PTE);
	for (unsigned i = 0; i < 3; i++)
		mkcore_put64(
			&x->m, 0x1023000 + i * 8, (i < 2 ? 0x312000 + i * 4096 : 0x317000) | PTE);
	mkcore_put64(&x->m, 0x312000 + 500 * 8, UINT64_C(0x8000000000001500)); /* a guest's */
	x->n.xen_info.p2m_mfn = UINT64_MAX;
}

static bool count_foreign(void *ctx, uint64_t pfn, uint64_t mfn)
{
	assert_int_equal(pfn, 500);
	assert_int_equal(mfn, 0x1500);
	(*(unsigned *)ctx)++;
	return true;
}

static void test_p2m_linear(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct mkxen x = {.minor = 17, .table = 4};
		unsigned foreign = 0;
		uint64_t mfns[530];
		struct xen_xlat t;
		struct diag d;
		struct p2m p;

		diag_init(&d);
		make_linear(&x);
		if (i)
			x.n.xen_info.p2m_mfn = 0; /* nor is the crash note finished */
		mkxen_open(&x);
		assert_int_equal(xen_xlat_init(&x.core, &x.n, x.r, &t, &d), XK_OK);
		assert_int_equal(p2m_init(&x.core, &x.n, &t, x.r, &p, &d), XK_OK);
		assert_int_equal(p.nr, 1024); /* what follows is none */
		p2m_window(&p, x.r, 500, 530, mfns);
		for (unsigned k = 0; k < 530; k++)
			assert_true(mfns[k] == (k && k < 524 ? 0x1000 + 500 + k : P2M_NONE));
		assert_true(p2m_mfn(&p, x.r, UINT64_MAX) == P2M_NONE);
		assert_true(p2m_each_foreign(&p, x.r, count_foreign, &foreign));
		assert_int_equal(foreign, 1);
		/* without Xen's addresses there is no way to it */
		assert_int_not_equal(p2m_init(&x.core, &x.n, NULL, x.r, &p, &d), XK_OK);
		assert_says(d.text, "Xen's own addresses are not known");
		mkxen_deinit(&x);
	}
}

static void test_p2m_linear_refused(void **state)
{
	static const struct {
		uint64_t at, v;
		const char *says;
	} rows[] = {
		{SHARED + 3088, 0, "no page that dom0 shares"},
		{SHARED + 3088, UINT64_C(1) << 40, "no page that dom0 shares"},
		{SHARED + 3112, 0, "no page that dom0 shares"},
		{SHARED + 3112, 0x1020008, "no page that dom0 shares"},
		{SHARED + 3112, 0x2000000, "no page that dom0 shares"},
		{SHARED + 3112, 0x1021000, "no page that dom0 shares"}, /* no such tables */
		{SHARED + 3120, LINEAR + 8, "no page that dom0 shares"},
		{SHARED + 3120, DIRECTMAP, "no page that dom0 shares"}, /* of Xen's half */
		{SHARED + 3120, LINEAR + 0x2000, "no page that dom0 shares"}, /* nothing there */
		{0x300000 + 800, DIRECTMAP + SHARED + 8, "no page that dom0 shares"},
		{0x300000 + 800, DIRECTMAP + 0x2000000, "no page that dom0 shares"},
		{0x1023000, 0, "no page that dom0 shares"},
		{0x300000, 3, "description of dom0 cannot be read"}, /* domain 3 */
		{0x200000, 0, "description of dom0 cannot be read"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mkxen x = {.minor = 17, .table = 4};
		struct xen_xlat t;
		struct diag d;
		struct p2m p;

		diag_init(&d);
		make_linear(&x);
		mkcore_put64(&x.m, rows[i].at, rows[i].v);
		mkxen_open(&x);
		assert_int_equal(xen_xlat_init(&x.core, &x.n, x.r, &t, &d), XK_OK);
		assert_int_equal(p2m_init(&x.core, &x.n, &t, x.r, &p, &d), XK_UNSUPPORTED);
		assert_says(d.text, "512 GiB");
		assert_says(d.text, rows[i].says);
		mkxen_deinit(&x);
	}
}

static void test_native_kaslr(void **state)
{
	static const char text[] = "SYMBOL(swapper_pg_dir)=ffffffff81100000\n"
				   "NUMBER(phys_base)=-12582912\nNUMBER(pgtable_l5_enabled)=%u\n"
				   "NUMBER(KERNEL_IMAGE_SIZE)=1073741824\n";

	(void)state;
	for (unsigned levels = 4; levels <= 5; levels++) {
		struct core_notes n = {.bits = 64};
		struct mkcore m;
		struct buf file;
		struct linux_xlat l;
		struct core c;
		struct diag d;
		struct core_reader *r;
		char t[256];

		diag_init(&d);
		mklinux_64(&m, levels);
		file = mkcore_build(&m);
		assert_int_equal(core_open_bytes(buf_bytes(&file), &c, &d), XK_OK);
		r = core_reader_create(&c);
		snprintf(t, sizeof(t), text, levels - 4);
		assert_int_equal(init(&c, &n, t, &l, NULL), XK_OK);
		assert_int_equal(l.levels, levels);
		assert_int_equal(l.pgd, 0x500000);
		assert_true(l.page_offset == MKLINUX_OFFSET);
		gives(&l, r, TEXT + 0x1012345, 0x412345, 0x1000000 - 0x412345);
		gives(&l, r, MKLINUX_OFFSET + 0x345678, 0x345678, 0x1000000 - 0x345678);
		refuses(&l, r, MKLINUX_OFFSET + 0x1000000);
		refuses(&l, r, MKLINUX_OFFSET - 0x40000000);
		core_reader_destroy(r);
		core_close(&c);
		buf_deinit(&file);
		mkcore_deinit(&m);
	}
}

static void test_native_32(void **state)
{
	static const struct {
		vaddr_t offset;
		bool pae;
	} rows[] = {
		{0xc0000000, true}, {0xc0000000, false}, {0x80000000, true}, {0xb0000000, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct core_notes n = {.bits = 32};
		struct mkcore m;
		struct buf file;
		struct linux_xlat l;
		struct core c;
		struct diag d;
		struct core_reader *r;
		char t[256];

		diag_init(&d);
		mklinux_32(&m, rows[i].offset, rows[i].pae);
		file = mkcore_build(&m);
		assert_int_equal(core_open_bytes(buf_bytes(&file), &c, &d), XK_OK);
		r = core_reader_create(&c);
		snprintf(t, sizeof(t), "SYMBOL(swapper_pg_dir)=%llx\n%s",
			(unsigned long long)rows[i].offset + 0x500000,
			rows[i].pae ? "CONFIG_X86_PAE=y\n" : "");
		assert_int_equal(init(&c, &n, t, &l, NULL), XK_OK);
		assert_int_equal(l.bits, 32);
		assert_int_equal(l.levels, rows[i].pae ? 3 : 2);
		assert_int_equal(l.page_offset, rows[i].offset);
		gives(&l, r, rows[i].offset + 0x512345, 0x512345,
			(rows[i].pae ? 0x600000 : 0x800000) - 0x512345);
		/* by the tables, not by adding */
		gives(&l, r, rows[i].offset + 0x1000000, rows[i].pae ? 0x600000 : 0x800000,
			rows[i].pae ? 0x200000 : 0x400000);
		refuses(&l, r, rows[i].offset + 0x2000000);
		core_reader_destroy(r);
		core_close(&c);
		buf_deinit(&file);
		mkcore_deinit(&m);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"", "no VMCOREINFO"},
		{"OSRELEASE=6.1\n", "swapper_pg_dir"},
		{"SYMBOL(swapper_pg_dir)=zzz\n", "swapper_pg_dir"},
		{"SYMBOL(swapper_pg_dir)=ffff888000000000\n", "puts a 64-bit kernel's page tables"},
	};
	struct mkxen x = {.minor = 17, .table = 4};
	struct linux_xlat l;
	char says[2048];

	(void)state;
	make_dom0(&x);
	mkxen_open(&x);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(init(&x.core, &x.n, rows[i].text, &l, says), XK_BAD_INPUT);
		assert_says(says, rows[i].says);
	}
	/* Tables elsewhere: the text remains. */
	assert_int_equal(
		init(&x.core, &x.n, "SYMBOL(swapper_pg_dir)=ffffffff80020000\n", &l, NULL), XK_OK);
	assert_int_equal(l.pgd, 0);
	assert_int_equal(l.page_offset, 0);
	assert_says(l.why, "do not map themselves");
	gives(&l, x.r, TEXT + 0x3004, 0x1003004, 0xffc);
	refuses(&l, x.r, UINT64_C(0xffff888000014010));
	mkxen_deinit(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dom0),
		cmocka_unit_test(test_p2m),
		cmocka_unit_test(test_p2m_refused),
		cmocka_unit_test(test_p2m_linear),
		cmocka_unit_test(test_p2m_linear_refused),
		cmocka_unit_test(test_native_kaslr),
		cmocka_unit_test(test_native_32),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("linux_xlat", tests, NULL, NULL);
}
