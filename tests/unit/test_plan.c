// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where things go. The rules, from which every address below was worked out by hand:
 *
 * From the region's top down, in whole pages: backup 0xa0000, note (one page here), core header
 * (one page), purgatory (its mem_size), command line (one page), boot parameters (4096 bytes,
 * one page), initrd (0x2345 bytes: 3 pages). The kernel goes to the bottom, above
 * the hypervisor's pages, at its alignment (2 MiB) and not below its pref_address (16 MiB).
 *
 * The hypervisor's pages: 12, and for every segment of at most 2 MiB (1+1)+(1+1)+1 = 5. The
 * kernel's 16 MiB need (8+1)+(1+1)+1 = 12. With an initrd: 12 + 7*5 + 12 = 59 pages, 0x3b000.
 */
#include "tests/unit/xktest.h"

#include "common/plan_mem.h"
#include "common/purg.h"
#include "tests/unit/mkplan.h"

#define TOP_FIXED 0xa2000 /* backup, note, core header */

enum kind64 { K64, K64_ENTRY32, K32 };

static void set_kind(struct mkplan *m, enum kind64 k)
{
	m->kernel.is_64 = k != K32;
	m->kernel.above_4g = k == K64;
	if (k == K32)
		m->kernel.initrd_addr_max = 0x37ffffff;
}

static void at(const struct mkplan *m, enum seg_kind k, maddr_t start, maddr_t end)
{
	const struct seg *s = plan_seg(&m->plan, k);

	assert_non_null(s);
	assert_int_equal(s->dest.start, start);
	assert_int_equal(s->dest.end, end);
}

static void no_warning_but(const struct mkplan *m, const char *says)
{
	for (size_t i = 0; i < m->plan.nr_warnings; i++)
		if (!says || !strstr(m->plan.warnings[i], says))
			fail_msg("unexpected: %s", m->plan.warnings[i]);
	if (says)
		assert_true(m->plan.nr_warnings > 0);
}

struct row {
	enum kind64 kind;
	maddr_t start, end; /* crash region */
	maddr_t kernel, top; /* expected: kernel's address, end of the backup */
	maddr_t initrd_end; /* expected; 0: right below the boot parameters */
	uint32_t initrd_max; /* 0: the kind's own */
	const char *warns;
};

static const struct row rows[] = {
	/* A 64-bit kernel, wherever the region is: 0x3b000 above its start, to the next 2 MiB. */
	{K64, 0x20000000, 0x30000000, 0x20200000, 0x30000000, 0, 0, NULL}, /* 512M */
	{K64, 0x40000000, 0x50000000, 0x40200000, 0x50000000, 0, 0, NULL}, /* 1G */
	{K64, 0x90000000, 0xa0000000, 0x90200000, 0xa0000000, 0, 0, NULL}, /* 2.25G */
	/* above 4G, where a 6 GiB machine put it: 0x1a6651000 + 0x3b000 = 0x1a668c000 */
	{K64, 0x1a6651000, 0x1ba651000, 0x1a6800000, 0x1ba651000, 0, 0, "above 4 GiB"},
	/* on both sides of 4 GiB */
	{K64, 0xf8000000, 0x108000000, 0xf8200000, 0x108000000, 0, 0, NULL},
	/* not in whole pages: 0x20000800 up, 0x30000800 down */
	{K64, 0x20000800, 0x30000800, 0x20200000, 0x30000000, 0, 0, NULL},
	/* exactly at 2 MiB with the hypervisor's pages: 0x201c5000 + 0x3b000 = 0x20200000 */
	{K64, 0x201c5000, 0x30000000, 0x20200000, 0x30000000, 0, 0, NULL},
	/* a page more, and it is the next 2 MiB */
	{K64, 0x201c6000, 0x30000000, 0x20400000, 0x30000000, 0, 0, NULL},
	/* below 16 MiB it would move itself to pref_address */
	{K64, 0x800000, 0x10000000, 0x1000000, 0x10000000, 0, 0, NULL},

	/* The 32-bit entry of a 64-bit kernel: below 4 GiB, not below 896 MiB. */
	{K64_ENTRY32, 0x40000000, 0x50000000, 0x40200000, 0x50000000, 0, 0, NULL},
	{K64_ENTRY32, 0x90000000, 0xa0000000, 0x90200000, 0xa0000000, 0, 0xffffffff, NULL},
	/* the part above 4 GiB is not used */
	{K64_ENTRY32, 0xf0000000, 0x108000000, 0xf0200000, 0x100000000, 0, 0xffffffff, NULL},
	/* initrd_addr_max 0x7fffffff is in the middle of the region */
	{K64_ENTRY32, 0x78000000, 0x88000000, 0x78200000, 0x88000000, 0x80000000, 0, NULL},
	/* ... and at an odd place: the last whole page below 0x7ffff801 */
	{K64_ENTRY32, 0x78000000, 0x88000000, 0x78200000, 0x88000000, 0x7ffff000, 0x7ffff800, NULL},

	/* A 32-bit kernel; more of it in straddles_lowmem(). */
	{K32, 0x20000000, 0x30000000, 0x20200000, 0x30000000, 0, 0, NULL},
};

static void check_row(const struct row *r)
{
	unsigned bits = r->kind == K64 ? 64 : 32;
	maddr_t purg_start, bp_start, initrd_end;
	struct mkplan m;

	mkplan_init(&m, r->start, r->end);
	set_kind(&m, r->kind);
	if (r->initrd_max)
		m.kernel.initrd_addr_max = r->initrd_max;
	if (mkplan_make(&m))
		fail_msg("%#" PRIx64 ": %s", r->start, m.d.text);
	assert_int_equal(m.plan.entry_bits, bits);
	assert_int_equal(m.plan.machine, bits == 64 ? 62 : 3);
	assert_int_equal(m.plan.nr, 8);
	purg_start = r->top - TOP_FIXED - purg_blob_abi(bits).mem_size;
	bp_start = purg_start - 0x2000;
	initrd_end = r->initrd_end ? r->initrd_end : bp_start;
	at(&m, SEG_BACKUP, r->top - 0xa0000, r->top);
	at(&m, SEG_NOTE, r->top - 0xa1000, r->top - 0xa0000);
	at(&m, SEG_ELFCORE, r->top - 0xa2000, r->top - 0xa1000);
	at(&m, SEG_PURGATORY, purg_start, r->top - 0xa2000);
	at(&m, SEG_CMDLINE, purg_start - 0x1000, purg_start);
	at(&m, SEG_BOOTPARAMS, bp_start, purg_start - 0x1000);
	at(&m, SEG_INITRD, initrd_end - 0x3000, initrd_end);
	at(&m, SEG_KERNEL, r->kernel, r->kernel + 0x1000000);
	assert_int_equal(m.plan.entry, purg_start);
	assert_int_equal(m.plan.kernel_entry, r->kernel + (bits == 64 ? 0x200 : 0));
	assert_int_equal(m.plan.control_need, 0x3b000);
	/* whatever the image is, the core is the hypervisor's */
	assert_int_equal(m.plan.core_class, 2);
	assert_int_equal(m.plan.core_machine, 62);
	no_warning_but(&m, r->warns);
	mkplan_deinit(&m);
}

static void places(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

/* 896 MiB is 0x38000000. The kernel may end there, not a page later. */
static void straddles_lowmem(void **state)
{
	struct mkplan m;

	(void)state;
	/* without an initrd the hypervisor needs 54 pages: 0x36e00000 + 0x36000, up to 2 MiB */
	mkplan_init(&m, 0x36f00000, 0x48000000);
	set_kind(&m, K32);
	m.initrd_len = 0;
	assert_int_equal(mkplan_make(&m), XK_OK);
	at(&m, SEG_KERNEL, 0x37000000, 0x38000000);
	assert_int_equal(m.plan.control_need, 0x36000);
	assert_int_equal(m.plan.nr, 7);
	/* it is told that this kernel has no memory of its own left, and of the missing initrd */
	assert_int_equal(m.plan.nr_warnings, 2);
	assert_says(m.plan.warnings[0], "only 0 MiB");
	assert_says(m.plan.warnings[0], "crashkernel=192M,below=896M on the Xen command line");
	assert_says(m.plan.warnings[1], "no initrd");

	mkplan_region(&m, 0x37000000, 0x48000000);
	assert_int_equal(mkplan_make(&m), XK_NO_FIT);
	assert_says(m.d.text, "0x37200000-0x38200000");
	assert_says(m.d.text, "896 MiB");
	assert_says(m.d.text, "below=896M on the Xen command line");
	assert_null(m.plan.mem);
	mkplan_deinit(&m);
}

/* Of several regions the highest that can be reached is used. */
static void several_regions(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init(&m, 0x140000000, 0x150000000);
	assert_true(range_list_add(&m.host.crash, (struct range){0x20000000, 0x30000000}, MEM_RAM));
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_int_equal(m.plan.region.start, 0x140000000);
	set_kind(&m, K32);
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_int_equal(m.plan.region.start, 0x20000000);
	/* neither is in the core: RAM has a hole at each, and the one at 640K..1M */
	assert_int_equal(m.plan.core.ram_loads, 4);
	mkplan_deinit(&m);
}

/* Purgatory maps 16 GiB of a region; what is beyond is left alone. */
static void huge_region(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init(&m, 0x100000000, 0x700000000);
	m.host.memory.v[2].r.end = 0x800000000;
	assert_int_equal(mkplan_make(&m), XK_OK);
	at(&m, SEG_BACKUP, 0x500000000 - 0xa0000, 0x500000000);
	at(&m, SEG_KERNEL, 0x100200000, 0x101200000);
	mkplan_deinit(&m);
}

/* init_size 0xffffffff is 4 GiB in pages: tables for it are 2048+1 + 4+1 + 1 = 2055 pages, with
 * the others' 35 and 12 that is 2102 = 0x836000, so the kernel starts at 0x100a00000. */
static void huge_kernel(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init(&m, 0x100000000, 0x1ffe00000);
	m.kernel.init_size = 0xffffffff;
	m.host.memory.v[2].r.end = 0x300000000;
	assert_int_equal(mkplan_make(&m), XK_NO_FIT);
	assert_says(m.d.text, "no room left for the kernel");
	/* the end that is needed: 0x200a00000 and the top's pieces */
	mkplan_region(&m, 0x100000000, 0x200b00000);
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_int_equal(m.plan.control_need, 0x836000);
	at(&m, SEG_KERNEL, 0x100a00000, 0x200a00000);
	mkplan_deinit(&m);
}

/* The smallest region: from the hypervisor's 59 pages to the last piece without a hole. */
static void exact_fit(void **state)
{
	maddr_t pieces = TOP_FIXED + purg_blob_abi(64).mem_size + 0x2000 + 0x3000;
	maddr_t end = 0x20200000 + 0x1000000 + pieces;
	struct mkplan m;

	(void)state;
	mkplan_init(&m, 0x201c5000, end);
	assert_int_equal(mkplan_make(&m), XK_OK);
	at(&m, SEG_KERNEL, 0x20200000, 0x21200000);
	at(&m, SEG_INITRD, 0x21200000, 0x21203000);
	mkplan_region(&m, 0x201c5000, end - 1);
	assert_int_equal(mkplan_make(&m), XK_NO_FIT);
	/* 4 + 16 + 0 + 2*64 MiB, to a multiple of 64 MiB: 192 */
	assert_says(m.d.text, "crashkernel=192M,below=4G on the Xen command line");
	mkplan_deinit(&m);
}

/* A 32-bit hypervisor: EM_386, ELF32 as long as every address fits; and what a 64-bit dump kernel
 * takes for a core when it is one. */
static void hypervisor_32(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init(&m, 0x20000000, 0x30000000);
	m.host.xen.bits = 32;
	m.host.xen.image_virt = 0xff100000;
	set_kind(&m, K32);
	m.host.memory.v[2].r.end = 0x100000000; /* to 4 GiB exactly */
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_int_equal(m.plan.core_class, 1);
	assert_int_equal(m.plan.core_machine, 3);
	assert_int_equal(m.plan.machine, 3);
	m.host.memory.v[2].r.end = 0x100001000;
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_int_equal(m.plan.core_class, 2);
	assert_int_equal(m.plan.core_machine, 3);
	set_kind(&m, K64);
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_int_equal(m.plan.core_class, 2);
	assert_int_equal(m.plan.core_machine, 62);
	assert_int_equal(m.plan.machine, 3);
	mkplan_deinit(&m);
}

/* No RAM below 640 KiB: nothing to back up. */
static void no_low_memory(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init(&m, 0x20000000, 0x30000000);
	m.host.memory.v[0].type = MEM_RESERVED;
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_null(plan_seg(&m.plan, SEG_BACKUP));
	at(&m, SEG_NOTE, 0x2ffff000, 0x30000000);
	mkplan_deinit(&m);
}

static void same_twice(void **state)
{
	struct mkplan a, b;

	(void)state;
	mkplan_init(&a, 0x20000000, 0x30000000);
	mkplan_init(&b, 0x20000000, 0x30000000);
	a.rq.rng_seed_len = b.rq.rng_seed_len = 32;
	assert_int_equal(mkplan_make(&a), XK_OK);
	assert_int_equal(mkplan_make(&b), XK_OK);
	assert_int_equal(a.plan.nr, b.plan.nr);
	for (size_t i = 0; i < a.plan.nr; i++) {
		const struct seg *x = &a.plan.segs[i], *y = &b.plan.segs[i];

		assert_int_equal(x->len, y->len);
		if (x->buf)
			assert_memory_equal(x->buf, y->buf, x->len);
	}
	mkplan_deinit(&a);
	mkplan_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(places),
		cmocka_unit_test(straddles_lowmem),
		cmocka_unit_test(several_regions),
		cmocka_unit_test(huge_region),
		cmocka_unit_test(huge_kernel),
		cmocka_unit_test(exact_fit),
		cmocka_unit_test(hypervisor_32),
		cmocka_unit_test(no_low_memory),
		cmocka_unit_test(same_twice),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
