// SPDX-License-Identifier: GPL-2.0-only
/* A good plan, broken in one place at a time: the dump kernel's memory, and the core. */
#include "tests/unit/xktest.h"

#include "common/bootparams.h"
#include "common/plan_mem.h"
#include "tests/unit/mkplan.h"

/* Program headers: 0, 1 CPUs, 2 VMCOREINFO_XEN, 3 the kernel's, 4 XENKDUMP; memory: 5 0..0x9f000,
 * 6 1M..0x20000000, 7 0x30000000..8G, 8 the hypervisor's image. */
enum { P_FLAGS = 4, P_OFFSET = 8, P_VADDR = 16, P_PADDR = 24, P_FILESZ = 32, P_MEMSZ = 40 };

static void ph(struct mkplan *m, unsigned i, unsigned field, uint64_t v)
{
	mkplan_put(&m->plan.mem->elfcore, 64 + 56 * i + field, v, 8);
}

static void ph_size(struct mkplan *m, unsigned i, uint64_t v)
{
	ph(m, i, P_FILESZ, v);
	ph(m, i, P_MEMSZ, v);
}

/* What the memory map in the boot parameters says must stay the plan's: both are changed. */
static void sync_e820(struct mkplan *m)
{
	mkplan_bp(m, BP_E820_ENTRIES, m->plan.e820.nr, 1);
	for (size_t i = 0; i < m->plan.e820.nr; i++) {
		const struct mem_range *e = &m->plan.e820.v[i];

		mkplan_bp(m, BP_E820_TABLE + 20 * i, e->r.start, 8);
		mkplan_bp(m, BP_E820_TABLE + 20 * i + 8, range_size(e->r), 8);
		mkplan_bp(m, BP_E820_TABLE + 20 * i + 16, e->type, 4);
	}
}

static void grow_e820(struct mkplan *m, maddr_t start, maddr_t end, uint32_t type)
{
	assert_true(range_list_add(&m->plan.e820, (struct range){start, end}, type));
	sync_e820(m);
}

static void set_low_e820(struct mkplan *m, maddr_t end)
{
	assert_int_equal(m->plan.e820.v[0].r.start, 0);
	m->plan.e820.v[0].r.end = end;
	sync_e820(m);
}

static void cut_region_e820(struct mkplan *m)
{
	for (size_t i = 0; i < m->plan.e820.nr; i++)
		if (m->plan.e820.v[i].r.start == 0x20000000)
			m->plan.e820.v[i].r.start = 0x20201000;
	sync_e820(m);
}

static void m_e820_not_its(struct mkplan *m)
{
	grow_e820(m, 0xa0000000, 0xa0001000, MEM_RAM);
}

static void m_e820_below_1m(struct mkplan *m)
{
	set_low_e820(m, 0xa0001);
}

static void m_e820_protected(struct mkplan *m)
{
	grow_e820(m, 0x2ff5e000, 0x2ff5f000, MEM_RAM);
}

static void m_e820_reserved(struct mkplan *m)
{
	grow_e820(m, 0x20200000, 0x20201000, MEM_RESERVED);
}

static void m_e820_lacks_kernel(struct mkplan *m)
{
	cut_region_e820(m);
}

static void m_core_class(struct mkplan *m)
{
	m->plan.core_class = 1;
}

static void m_core_machine(struct mkplan *m)
{
	m->plan.core_machine = 3;
}

static void m_core_machine_both(struct mkplan *m)
{
	mkplan_put(&m->plan.mem->elfcore, 18, 3, 2);
	m->plan.core_machine = 3;
}

static void m_core_damaged(struct mkplan *m)
{
	mkplan_put(&m->plan.mem->elfcore, 0, 0, 1);
}

static void m_core_note_region(struct mkplan *m)
{
	ph(m, 0, P_OFFSET, 0x21000000);
}

static void m_core_note_no_ram(struct mkplan *m)
{
	ph(m, 0, P_OFFSET, 0x9f000);
}

static void m_core_note_large(struct mkplan *m)
{
	ph_size(m, 2, 0x400001);
}

static void m_core_note_cpu(struct mkplan *m)
{
	ph(m, 1, P_OFFSET, 0xbefff004);
}

static void m_core_note_cpu_size(struct mkplan *m)
{
	ph_size(m, 0, 404);
}

static void m_core_note_xen(struct mkplan *m)
{
	ph(m, 2, P_OFFSET, 0xbf331000);
}

static void m_core_note_own(struct mkplan *m)
{
	ph_size(m, 4, 64);
}

static void m_core_load_region(struct mkplan *m)
{
	ph_size(m, 6, 0x20000000);
}

static void m_core_load_low(struct mkplan *m)
{
	ph(m, 5, P_OFFSET, 0);
}

static void m_core_load_low_long(struct mkplan *m)
{
	ph_size(m, 5, 0xa0001);
}

static void m_core_load_offset(struct mkplan *m)
{
	ph(m, 7, P_OFFSET, 0x30001000);
}

static void m_core_load_short(struct mkplan *m)
{
	ph_size(m, 6, 0x1fefffff);
}

static void m_core_load_gap(struct mkplan *m)
{
	ph(m, 6, P_PADDR, 0x101000);
	ph(m, 6, P_OFFSET, 0x101000);
	ph_size(m, 6, 0x1feff000);
}

static void m_core_load_more(struct mkplan *m)
{
	ph_size(m, 8, 0x400001);
}

static void m_core_load_image_virt(struct mkplan *m)
{
	ph(m, 8, P_VADDR, 0xffff82d040000000);
}

static void m_core_load_virt(struct mkplan *m)
{
	ph(m, 6, P_VADDR, 0xffff888000100000);
}

static const struct mutation mutations[] = {
	/* the dump kernel's memory */
	{"e820_not_its", m_e820_not_its, "is not the dump kernel's"},
	{"e820_below_1m", m_e820_below_1m, "is not the dump kernel's"},
	{"e820_protected", m_e820_protected, "may be overwritten"},
	{"e820_reserved", m_e820_reserved, "no RAM to the dump kernel"},
	{"e820_lacks_kernel", m_e820_lacks_kernel, "no RAM to the dump kernel"},
	/* the core header */
	{"core_class", m_core_class, "class and machine shown"},
	{"core_machine", m_core_machine, "class and machine shown"},
	{"core_machine_both", m_core_machine_both, "for a 64-bit system"},
	{"core_damaged", m_core_damaged, "core header:"},
	{"core_note_region", m_core_note_region, "lies in the crash region"},
	{"core_note_no_ram", m_core_note_no_ram, "not in the machine's RAM"},
	{"core_note_large", m_core_note_large, "larger than 4 MiB"},
	{"core_note_cpu", m_core_note_cpu, "registers of CPU 1"},
	{"core_note_cpu_size", m_core_note_cpu_size, "registers of CPU 0"},
	{"core_note_xen", m_core_note_xen, "lack VMCOREINFO_XEN"},
	{"core_note_own", m_core_note_own, "loader's own"},
	{"core_load_region", m_core_load_region, "hold the crash region"},
	{"core_load_low", m_core_load_low, "not taken from the backup"},
	{"core_load_low_long", m_core_load_low_long, "not taken from the backup"},
	{"core_load_offset", m_core_load_offset, "is taken from"},
	{"core_load_short", m_core_load_short, "lack memory at 0x1fffffff"},
	{"core_load_gap", m_core_load_gap, "lack memory at 0x100000"},
	{"core_load_more", m_core_load_more, "which is no RAM"},
	{"core_load_image_virt", m_core_load_image_virt, "which is no RAM"},
	{"core_load_virt", m_core_load_virt, "lack memory"},
};

static void seen(void **state)
{
	(void)state;
	mkplan_mutate(mutations, ARRAY_SIZE(mutations));
}

static void no_backup(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init(&m, 0x20000000, 0x30000000);
	m.host.memory.v[0].type = MEM_RESERVED;
	assert_int_equal(mkplan_make(&m), XK_OK);
	grow_e820(&m, 0x1000, 0x2000, MEM_RAM);
	assert_int_equal(mkplan_check(&m), XK_FAIL);
	assert_says(m.d.text, "without a backup");
	mkplan_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(seen),
		cmocka_unit_test(no_backup),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
