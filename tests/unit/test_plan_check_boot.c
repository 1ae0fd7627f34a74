// SPDX-License-Identifier: GPL-2.0-only
/* A good plan, broken in one place at a time: what purgatory and the dump kernel read to start. */
#include "tests/unit/xktest.h"

#include "common/bootparams.h"
#include "common/plan_mem.h"
#include "common/purg.h"
#include "tests/unit/mkplan.h"

#define PURG(m, field, v)                                                                         \
	mkplan_put(&(m)->plan.mem->purgatory, PURG_ABI_OFFSET + offsetof(struct purg_abi, field), \
		v, sizeof(((struct purg_abi *)0)->field))

/* The list as long as before, one entry there twice and another not at all. */
static void double_region(struct mkplan *m)
{
	uint8_t *r =
		m->plan.mem->purgatory.data + PURG_ABI_OFFSET + offsetof(struct purg_abi, regions);

	memcpy(r + 3 * sizeof(struct purg_region), r + 2 * sizeof(struct purg_region),
		sizeof(struct purg_region));
}

static void m_bp_short(struct mkplan *m)
{
	mkplan_seg(m, SEG_BOOTPARAMS)->len = 4095;
}

static void m_bp_e820_count(struct mkplan *m)
{
	m->plan.mem->bootparams.data[0x1e8]--;
}

static void m_setup_data_inside(struct mkplan *m)
{
	mkplan_bp(m, 0x250, mkplan_seg(m, SEG_BOOTPARAMS)->dest.start, 8);
}

static void m_setup_data_loop(struct mkplan *m)
{
	mkplan_bp(m, 4096, mkplan_seg(m, SEG_BOOTPARAMS)->dest.start + 4096, 8);
}

static void m_cmdline_other(struct mkplan *m)
{
	mkplan_seg(m, SEG_CMDLINE)->buf++;
}

static void m_cmdline_cut(struct mkplan *m)
{
	m->plan.cmdline[9] = '\0';
}

static void m_cmdline_long(struct mkplan *m)
{
	m->image.cmdline_max = 30;
}

static void m_cmdline_address(struct mkplan *m)
{
	m->plan.cmdline[13]++;
}

static void m_cmdline_longer(struct mkplan *m)
{
	m->plan.cmdline[21] = '0';
}

static void m_cmdline_shorter(struct mkplan *m)
{
	m->plan.cmdline[20] = ' ';
}

static void m_cmdline_dashes(struct mkplan *m)
{
	memcpy(m->plan.cmdline, "-- elfcorehdr=0x2ff5e0", 22);
}

static void m_purg_code(struct mkplan *m)
{
	m->plan.mem->purgatory.data[0] ^= 1;
}

static void m_purg_code_end(struct mkplan *m)
{
	m->plan.mem->purgatory.data[PURG_ABI_OFFSET + PURG_ABI_SIZE] ^= 1;
}

static void m_purg_cut(struct mkplan *m)
{
	mkplan_seg(m, SEG_PURGATORY)->len--;
}

static void m_purg_memory(struct mkplan *m)
{
	mkplan_seg(m, SEG_PURGATORY)->dest.end -= 0x1000;
}

static void m_purg_version(struct mkplan *m)
{
	PURG(m, version, 2);
}

static void m_purg_entry(struct mkplan *m)
{
	PURG(m, entry, 0x20200000);
}

static void m_purg_bits(struct mkplan *m)
{
	PURG(m, entry_bits, 32);
}

static void m_purg_bp(struct mkplan *m)
{
	PURG(m, boot_params, 0);
}

static void m_purg_backup_src(struct mkplan *m)
{
	PURG(m, backup_src, 0x1000);
}

static void m_purg_backup_dst(struct mkplan *m)
{
	PURG(m, backup_dst, 0x2ff5f000);
}

static void m_purg_backup_len(struct mkplan *m)
{
	PURG(m, backup_len, 0x9f000);
}

static void m_purg_corruption(struct mkplan *m)
{
	PURG(m, on_corruption, 3);
}

static void m_purg_flags(struct mkplan *m)
{
	PURG(m, flags, 8);
}

static void m_purg_many(struct mkplan *m)
{
	PURG(m, nr_regions, 17);
}

static void m_purg_fewer(struct mkplan *m)
{
	PURG(m, nr_regions, 5);
}

static void m_purg_more(struct mkplan *m)
{
	PURG(m, nr_regions, 7);
}

static void m_purg_doubled(struct mkplan *m)
{
	double_region(m);
}

static void m_purg_digest(struct mkplan *m)
{
	mkplan_seg(m, SEG_KERNEL)->sha256[31] ^= 1;
}

static void m_purg_region_len(struct mkplan *m)
{
	PURG(m, regions[2].len, 1);
}

static void m_purg_region_name(struct mkplan *m)
{
	PURG(m, regions[2].name[0], 'x');
}

static const struct mutation mutations[] = {
	/* boot parameters and command line */
	{"bp_short", m_bp_short, "boot parameters of"},
	{"bp_e820_count", m_bp_e820_count, "memory map in the boot"},
	{"setup_data_inside", m_setup_data_inside, "setup_data"},
	{"setup_data_loop", m_setup_data_loop, "setup_data"},
	{"cmdline_other", m_cmdline_other, "the one shown"},
	{"cmdline_cut", m_cmdline_cut, "the one shown"},
	{"cmdline_long", m_cmdline_long, "longer than"},
	{"cmdline_address", m_cmdline_address, "does not name"},
	{"cmdline_longer", m_cmdline_longer, "does not name"},
	{"cmdline_shorter", m_cmdline_shorter, "does not name"},
	{"cmdline_dashes", m_cmdline_dashes, "does not name"},
	/* purgatory */
	{"purg_code", m_purg_code, "not whole"},
	{"purg_code_end", m_purg_code_end, "not whole"},
	{"purg_cut", m_purg_cut, "not whole"},
	{"purg_memory", m_purg_memory, "not whole"},
	{"purg_version", m_purg_version, "not whole"},
	{"purg_entry", m_purg_entry, "enter the kernel wrongly"},
	{"purg_bits", m_purg_bits, "enter the kernel wrongly"},
	{"purg_bp", m_purg_bp, "enter the kernel wrongly"},
	{"purg_backup_src", m_purg_backup_src, "save low memory"},
	{"purg_backup_dst", m_purg_backup_dst, "save low memory"},
	{"purg_backup_len", m_purg_backup_len, "save low memory"},
	{"purg_corruption", m_purg_corruption, "does not know"},
	{"purg_flags", m_purg_flags, "does not know"},
	{"purg_many", m_purg_many, "no room for 17"},
	{"purg_fewer", m_purg_fewer, "does not verify"},
	{"purg_more", m_purg_more, "what was not loaded"},
	{"purg_doubled", m_purg_doubled, "does not verify"},
	{"purg_digest", m_purg_digest, "does not verify the kernel"},
	{"purg_region_len", m_purg_region_len, "does not verify the"},
	{"purg_region_name", m_purg_region_name, "does not verify the"},
};

static const struct bp_mutation mutations_bp[] = {
	{"bp_magic", "setup header", 0x202, 0, 1},
	{"bp_flag", "setup header", 0x1fe, 0, 2},
	{"bp_loader", "setup header", 0x210, 0, 1},
	{"bp_cmdline", "command line is not where", 0x228, 0, 4},
	{"bp_cmdline_high", "command line is not where", 0x0c8, 1, 4},
	{"bp_initrd", "initrd is not where", 0x219, 0, 1},
	{"bp_initrd_high", "initrd is not where", 0x0c0, 1, 4},
	{"bp_initrd_size", "initrd is not where", 0x21c, 0x2344, 4},
	{"bp_initrd_size_high", "initrd is not where", 0x0c4, 1, 4},
	{"bp_guest", "believe to be a guest", 0x23c, 2, 4},
	{"bp_rsdp", "ACPI root", 0x070, 1, 8},
	{"bp_e820_addr", "memory map in the boot", 0x2d0 + 20, 1, 8},
	{"bp_e820_size", "memory map in the boot", 0x2d0 + 8, 1, 8},
	{"bp_e820_type", "memory map in the boot", 0x2d0 + 16, 2, 4},
	{"setup_data_out", "setup_data", 0x250, 0x20000000, 8},
	{"setup_data_size", "setup_data", 4096 + 12, 33, 4},
	{"e820_ext", "rest of the memory map", 4096 + 8, SETUP_E820_EXT, 4},
};

static void seen(void **state)
{
	(void)state;
	mkplan_mutate(mutations, ARRAY_SIZE(mutations));
	mkplan_mutate_bp(mkplan_init_xen, mutations_bp, ARRAY_SIZE(mutations_bp));
}

/* Above 4 GiB purgatory maps what its parameters say. */
static void seen_high(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init(&m, 0x140000000, 0x150000000);
	assert_int_equal(mkplan_make(&m), XK_OK);
	PURG(&m, map_end, 0x14ffff000);
	assert_int_equal(mkplan_check(&m), XK_FAIL);
	assert_says(m.d.text, "not map the backup");
	PURG(&m, map_end, 0x150000000);
	assert_int_equal(mkplan_check(&m), XK_OK);
	PURG(&m, map_start, 0x140201000);
	assert_int_equal(mkplan_check(&m), XK_FAIL);
	assert_says(m.d.text, "not map the kernel");
	/* more than its tables hold */
	PURG(&m, map_start, 0x140000000);
	PURG(&m, map_end, 0x140000000 + PURG_MAX_MAP + 1);
	assert_int_equal(mkplan_check(&m), XK_FAIL);
	mkplan_deinit(&m);
}

/* The same with more entries than the zero page holds. */
static void seen_long_map(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init(&m, 0x20000000, 0x30000000);
	for (uint64_t i = 0; i < 200; i++)
		assert_true(range_list_add(&m.host.memory,
			(struct range){0x300000000 + i * 0x2000, 0x300001000 + i * 0x2000},
			MEM_RESERVED));
	assert_int_equal(mkplan_make(&m), XK_OK);
	mkplan_bp(&m, 4096 + 16 + 20 * 50 + 16, 1, 4); /* type of entry 128 + 50 */
	assert_int_equal(mkplan_check(&m), XK_FAIL);
	assert_says(m.d.text, "rest of the memory map");
	mkplan_bp(&m, 4096 + 16 + 20 * 50 + 16, 2, 4);
	assert_int_equal(mkplan_check(&m), XK_OK);
	mkplan_bp(&m, BP_SETUP_DATA, 0, 8);
	assert_int_equal(mkplan_check(&m), XK_FAIL);
	assert_says(m.d.text, "cut at 128");
	mkplan_deinit(&m);
}

static void no_backup(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init(&m, 0x20000000, 0x30000000);
	m.host.memory.v[0].type = MEM_RESERVED;
	assert_int_equal(mkplan_make(&m), XK_OK);
	PURG(&m, backup_len, 0xa0000);
	assert_int_equal(mkplan_check(&m), XK_FAIL);
	assert_says(m.d.text, "save low memory");
	mkplan_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(seen),
		cmocka_unit_test(seen_high),
		cmocka_unit_test(seen_long_map),
		cmocka_unit_test(no_backup),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
