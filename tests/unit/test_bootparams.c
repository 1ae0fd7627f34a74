// SPDX-License-Identifier: GPL-2.0-only
/* The zero page by the offsets of Linux Documentation/arch/x86/zero-page.rst and boot.rst, and
 * purgatory's parameters by the offsets that its assembly uses. */
#include "tests/unit/xktest.h"

#include <stdio.h>

#include "common/plan_mem.h"
#include "common/purg.h"
#include "tests/unit/mkplan.h"

static uint64_t get(const uint8_t *p, size_t off, size_t width)
{
	uint64_t v = 0;

	for (size_t i = 0; i < width; i++)
		v |= (uint64_t)p[off + i] << (8 * i);
	return v;
}

static void entry(const uint8_t *p, size_t off, uint64_t addr, uint64_t size, uint32_t type)
{
	assert_int_equal(get(p, off, 8), addr);
	assert_int_equal(get(p, off + 8, 8), size);
	assert_int_equal(get(p, off + 16, 4), type);
}

static void zero_page(void **state)
{
	const struct seg *bp, *rd;
	struct mkplan m;
	uint64_t sd;

	(void)state;
	mkplan_init(&m, 0x140000000, 0x150000000);
	m.host.rsdp = 0xbf7fe014;
	buf_zero(&m.host.screen_info, 64);
	m.host.screen_info.data[0x0f] = 0x23; /* orig_video_isVGA */
	buf_zero(&m.host.edd, 2 * 82);
	m.host.edd.data[82] = 0x81; /* device of the second */
	m.rq.rng_seed_len = 32;
	for (uint8_t i = 0; i < 32; i++)
		m.rq.rng_seed[i] = (uint8_t)(0xa0 + i);
	assert_int_equal(mkplan_make(&m), XK_OK);
	bp = plan_seg(&m.plan, SEG_BOOTPARAMS);
	rd = plan_seg(&m.plan, SEG_INITRD);
	assert_int_equal(bp->buf[0x0f], 0x23);
	assert_int_equal(get(bp->buf, 0x70, 8), 0xbf7fe014);
	/* the initrd and the command line lie above 4 GiB: upper halves */
	assert_int_equal(get(bp->buf, 0x218, 4), rd->dest.start & 0xffffffff);
	assert_int_equal(get(bp->buf, 0xc0, 4), 1);
	assert_int_equal(get(bp->buf, 0x21c, 4), 0x2345);
	assert_int_equal(get(bp->buf, 0xc4, 4), 0);
	assert_int_equal(
		get(bp->buf, 0x228, 4), plan_seg(&m.plan, SEG_CMDLINE)->dest.start & 0xffffffff);
	assert_int_equal(get(bp->buf, 0xc8, 4), 1);
	/* the kernel's own header, 0x1f1 to 0x26c, but for what a loader writes */
	assert_int_equal(bp->buf[0x1f1], 4);
	assert_memory_equal(bp->buf + 0x202, "HdrS\x0f\x02", 6);
	assert_int_equal(get(bp->buf, 0x1fa, 2), 0xffff);
	assert_int_equal(bp->buf[0x210], 0xff);
	assert_int_equal(bp->buf[0x211], 1);
	assert_int_equal(get(bp->buf, 0x230, 4), 0x200000);
	assert_int_equal(get(bp->buf, 0x260, 4), 0x1000000);
	assert_int_equal(get(bp->buf, 0x23c, 4), 0); /* hardware_subarch */
	assert_int_equal(bp->buf[0x1ef], 0); /* sentinel: these fields were set on purpose */
	assert_int_equal(bp->buf[0x1e9], 2);
	assert_int_equal(bp->buf[0xd00 + 82], 0x81);
	/* memory map: low RAM, its reserved neighbour, the region without what is protected */
	assert_int_equal(bp->buf[0x1e8], 4);
	entry(bp->buf, 0x2d0, 0, 0x9f000, 1);
	entry(bp->buf, 0x2d0 + 20, 0x9f000, 0x61000, 2);
	entry(bp->buf, 0x2d0 + 40, 0x140000000, 0x10000000 - 0xa2000, 1);
	entry(bp->buf, 0x2d0 + 60, 0x14ff5e000, 0xa2000, 2);
	/* one setup_data: next, SETUP_RNG_SEED, 32 bytes */
	sd = get(bp->buf, 0x250, 8) - bp->dest.start;
	assert_int_equal(sd, 4096);
	assert_int_equal(bp->len, 4096 + 16 + 32);
	assert_int_equal(get(bp->buf, sd, 8), 0);
	assert_int_equal(get(bp->buf, sd + 8, 4), 9);
	assert_int_equal(get(bp->buf, sd + 12, 4), 32);
	assert_memory_equal(bp->buf + sd + 16, m.rq.rng_seed, 32);
	mkplan_deinit(&m);
}

static void nothing_optional(void **state)
{
	const struct seg *bp;
	struct mkplan m;

	(void)state;
	mkplan_init(&m, 0x20000000, 0x30000000);
	m.initrd_len = 0;
	buf_zero(&m.host.screen_info, 63); /* not whole */
	buf_zero(&m.host.edd, 83); /* not in entries */
	m.host.screen_info.data[0x0f] = m.host.edd.data[0] = 1;
	assert_int_equal(mkplan_make(&m), XK_OK);
	bp = plan_seg(&m.plan, SEG_BOOTPARAMS);
	assert_int_equal(bp->len, 4096);
	for (size_t i = 0; i < 0x1e8; i++)
		assert_int_equal(bp->buf[i], 0);
	assert_int_equal(bp->buf[0x1e9], 0);
	assert_int_equal(get(bp->buf, 0x218, 8), 0); /* ramdisk_image, ramdisk_size */
	assert_int_equal(get(bp->buf, 0x250, 8), 0);
	mkplan_deinit(&m);
}

/* 128 entries fill the page; the 129th goes to SETUP_E820_EXT. */
static void long_map(void **state)
{
	/* low RAM, its neighbour, region, protected: 4 entries come of their own */
	static const unsigned rows[] = {124, 125, 300};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned nr = rows[i] + 4, ext = nr > 128 ? nr - 128 : 0;
		const struct seg *bp;
		struct mkplan m;
		uint64_t sd;

		mkplan_init(&m, 0x20000000, 0x30000000);
		m.rq.rng_seed_len = 32;
		for (uint64_t k = 0; k < rows[i]; k++)
			assert_true(range_list_add(&m.host.memory,
				(struct range){0x300000000 + k * 0x2000, 0x300001000 + k * 0x2000},
				MEM_RESERVED));
		assert_int_equal(mkplan_make(&m), XK_OK);
		bp = plan_seg(&m.plan, SEG_BOOTPARAMS);
		assert_int_equal(bp->buf[0x1e8], ext ? 128 : nr);
		/* entry 127 is the 124th of ours */
		entry(bp->buf, 0x2d0 + 127 * 20, 0x300000000 + 123 * 0x2000, 0x1000, 2);
		/* the chain: the seed, then the rest of the map */
		sd = get(bp->buf, 0x250, 8) - bp->dest.start;
		assert_int_equal(get(bp->buf, sd + 8, 4), 9);
		if (!ext) {
			assert_int_equal(get(bp->buf, sd, 8), 0);
			mkplan_deinit(&m);
			continue;
		}
		sd = get(bp->buf, sd, 8) - bp->dest.start;
		assert_int_equal(sd, 4096);
		assert_int_equal(get(bp->buf, sd, 8), 0);
		assert_int_equal(get(bp->buf, sd + 8, 4), 1);
		assert_int_equal(get(bp->buf, sd + 12, 4), ext * 20);
		entry(bp->buf, sd + 16, 0x300000000 + 124 * 0x2000, 0x1000, 2);
		entry(bp->buf, sd + 16 + (ext - 1) * 20,
			0x300000000 + (uint64_t)(rows[i] - 1) * 0x2000, 0x1000, 2);
		mkplan_deinit(&m);
	}
}

/* Offsets from the blob's start: the parameters are at 16. */
static void purgatory(void **state)
{
	/* after "jmp": magic 16, version 20, size 22, mem_size 24, flags 28, on_corruption 32,
	 * delay 36, serial port 40, divisor 42, entry_bits 44, entry 48, boot_params 56, backup
	 * source 64, destination 72, length 80, map 88..96, nr 104, regions of 64 bytes at 112 */
	static const char *const names[] = {
		"note", "elfcore", "cmdline", "bootparams", "initrd", "kernel"};
	const struct seg *pg;
	struct mkplan m;

	(void)state;
	mkplan_init(&m, 0x140000000, 0x150000000);
	m.rq.cmdline = "nr_cpus=1 console=ttyS1,9600";
	m.rq.on_corruption = ON_CORRUPTION_HALT;
	m.rq.corruption_delay_s = 77;
	m.rq.purgatory_verbose = true;
	assert_int_equal(mkplan_make(&m), XK_OK);
	pg = plan_seg(&m.plan, SEG_PURGATORY);
	assert_memory_equal(pg->buf + 16, "XKDP", 4);
	assert_int_equal(get(pg->buf, 28, 4), 7); /* serial, VGA, verbose */
	assert_int_equal(get(pg->buf, 32, 4), 1);
	assert_int_equal(get(pg->buf, 36, 4), 77);
	assert_int_equal(get(pg->buf, 40, 2), 0x2f8);
	assert_int_equal(get(pg->buf, 42, 2), 12); /* 115200 / 9600 */
	assert_int_equal(get(pg->buf, 44, 4), 64);
	assert_int_equal(get(pg->buf, 48, 8), 0x140200200);
	assert_int_equal(get(pg->buf, 56, 8), plan_seg(&m.plan, SEG_BOOTPARAMS)->dest.start);
	assert_int_equal(get(pg->buf, 64, 8), 0);
	assert_int_equal(get(pg->buf, 72, 8), 0x150000000 - 0xa0000);
	assert_int_equal(get(pg->buf, 80, 8), 0xa0000);
	assert_int_equal(get(pg->buf, 88, 8), 0x140000000);
	assert_int_equal(get(pg->buf, 96, 8), 0x150000000);
	assert_int_equal(get(pg->buf, 104, 4), 6);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const uint8_t *r = pg->buf + 112 + 64 * i;
		const struct seg *s = NULL;

		for (int k = 0; k < SEG_KINDS; k++)
			if (!strcmp(names[i], seg_kind_name((enum seg_kind)k)))
				s = plan_seg(&m.plan, (enum seg_kind)k);
		assert_non_null(s);
		assert_int_equal(get(r, 0, 8), s->dest.start);
		assert_int_equal(get(r, 8, 8), s->len);
		assert_string_equal((const char *)r + 16, names[i]);
		assert_memory_equal(r + 32, s->sha256, 32);
	}
	mkplan_deinit(&m);
}

/* Digests that Python's hashlib gave: of the bytes mkbz_byte(i), i below 0x8000; of
 * mkbz_byte(i + 5), i below 0x2345; of the command line and its NUL. */
static void digests(void **state)
{
	static const struct {
		enum seg_kind kind;
		const char *sha256;
	} rows[] = {
		{SEG_KERNEL, "3dadfccb8d297f5301391a1928adf9020572014b69f78b2f031f34da450b6ff2"},
		{SEG_INITRD, "0dcaf345b7094cb7db79bad3d7a6df2760be986771a9b9cbc388cdaac86fde59"},
		{SEG_CMDLINE, "63dff24d2c3748eada9dd4ab8166181ecfcb7a6b2ef20bb008faec1b72f028ea"},
	};
	struct mkplan m;
	char hex[65];

	(void)state;
	mkplan_init(&m, 0x20000000, 0x30000000);
	assert_int_equal(mkplan_make(&m), XK_OK);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct seg *s = plan_seg(&m.plan, rows[i].kind);

		for (size_t k = 0; k < 32; k++)
			snprintf(hex + 2 * k, 3, "%02x", s->sha256[k]);
		assert_string_equal(hex, rows[i].sha256);
	}
	/* a rehearsal differs in one bit of one digest */
	m.rq.test_wrong_digest = "initrd";
	assert_int_equal(mkplan_make(&m), XK_OK);
	for (size_t k = 0; k < 32; k++)
		snprintf(hex + 2 * k, 3, "%02x", plan_seg(&m.plan, SEG_INITRD)->sha256[k]);
	assert_string_not_equal(hex, rows[1].sha256);
	assert_string_equal(hex + 2, rows[1].sha256 + 2);
	mkplan_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(zero_page),
		cmocka_unit_test(nothing_optional),
		cmocka_unit_test(long_map),
		cmocka_unit_test(purgatory),
		cmocka_unit_test(digests),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
