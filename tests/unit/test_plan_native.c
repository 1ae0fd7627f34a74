// SPDX-License-Identifier: GPL-2.0-only
/*
 * A Linux without a hypervisor. Placement is that of test_plan.c; what differs is who enters the
 * image, what it takes of the region for itself, and what the core says.
 */
#include "tests/unit/xktest.h"

#include "common/elfcore.h"
#include "common/plan_mem.h"
#include "common/purg.h"
#include "native/backend.h"
#include "tests/unit/mkplan.h"

static bool warned(const struct plan *p, const char *says)
{
	for (size_t i = 0; i < p->nr_warnings; i++)
		if (strstr(p->warnings[i], says))
			return true;
	return false;
}

static void must(struct mkplan *m)
{
	if (mkplan_make(m))
		fail_msg("%s", m->d.text);
}

static void is_32(struct mkplan *m)
{
	m->kernel.is_64 = m->kernel.above_4g = false;
	m->kernel.initrd_addr_max = 0x37ffffff;
}

static struct core_spec core(struct mkplan *m)
{
	const struct seg *s = plan_seg(&m->plan, SEG_ELFCORE);
	struct core_spec c = {0};

	assert_int_equal(core_parse((struct bytes){s->buf, s->len}, &c, &m->d), XK_OK);
	return c;
}

/* Which purgatory, which entry: the first follows the running kernel, the second the image too. */
static void modes(void **state)
{
	static const struct {
		unsigned bits;
		bool is_64, above_4g;
		unsigned machine, entry_bits, core_class, core_machine;
	} rows[] = {
		{64, true, true, 62, 64, 2, 62},
		{64, true, false, 62, 32, 2, 62},
		{64, false, false, 62, 32, 2, 62},
		/* 8 GiB of RAM do not fit ELF32 */
		{32, false, false, 3, 32, 2, 3},
		/* what a 64-bit dump kernel takes for a core */
		{32, true, true, 3, 32, 2, 62},
		{32, true, false, 3, 32, 2, 62},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct bytes blob = purg_blob(rows[i].machine == 62 ? 64 : 32);
		const struct seg *s;
		struct mkplan m;

		mkplan_init_native(&m, rows[i].bits, 0x20000000, 0x30000000);
		if (!rows[i].is_64)
			is_32(&m);
		m.kernel.above_4g = rows[i].above_4g;
		must(&m);
		assert_int_equal(m.plan.machine, rows[i].machine);
		assert_int_equal(m.plan.entry_bits, rows[i].entry_bits);
		assert_int_equal(m.plan.core_class, rows[i].core_class);
		assert_int_equal(m.plan.core_machine, rows[i].core_machine);
		s = plan_seg(&m.plan, SEG_PURGATORY);
		assert_int_equal(s->len, blob.len);
		assert_memory_equal(s->buf, blob.data, PURG_ABI_OFFSET);
		s = plan_seg(&m.plan, SEG_KERNEL);
		assert_int_equal(m.plan.kernel_entry,
			s->dest.start + (rows[i].entry_bits == 64 ? 0x200 : 0));
		assert_int_equal(warned(&m.plan, "the core will say x86_64"),
			rows[i].bits == 32 && rows[i].is_64);
		mkplan_deinit(&m);
	}
}

/* RAM 0..0x9f000, 1M..8G: 8 tables of 1 GiB, one of 512 GiB, and 16 pages. */
static void control_pages(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init_native(&m, 64, 0x20000000, 0x30000000);
	must(&m);
	assert_int_equal(m.plan.control_need, (16 + 8 + 1) * 4096);
	assert_int_equal(plan_seg(&m.plan, SEG_KERNEL)->dest.start, 0x20200000);
	/* ACPI tables in the ninth GiB, RAM from 1023 GiB to 1025: 8+1+2 and 1+1+1 */
	assert_true(range_list_add(
		&m.host.memory, (struct range){8 * GiB + 4096, 8 * GiB + 8192}, MEM_ACPI));
	assert_true(
		range_list_add(&m.host.memory, (struct range){1023 * GiB, 1025 * GiB}, MEM_RAM));
	/* what is reserved is not mapped */
	assert_true(range_list_add(
		&m.host.memory, (struct range){5000 * GiB, 9000 * GiB}, MEM_RESERVED));
	must(&m);
	assert_int_equal(m.plan.control_need, (16 + 11 + 3) * 4096);
	/* 4 TiB in one range: 4096 tables and 8, the low 8 GiB besides: 8 of one level */
	m.host.memory.v[4].r = (struct range){4096 * GiB, 8192 * GiB};
	m.host.memory.v[5].r = (struct range){9000 * GiB, 9001 * GiB};
	must(&m);
	assert_int_equal(m.plan.control_need, (16 + 8 + 1 + 4096 + 1 + 8) * 4096);
	/* 0x101b000 bytes: the kernel is behind them, at the next 2 MiB */
	assert_int_equal(plan_seg(&m.plan, SEG_KERNEL)->dest.start, 0x21200000);
	mkplan_deinit(&m);

	mkplan_init_native(&m, 32, 0x20000000, 0x30000000);
	is_32(&m);
	must(&m);
	assert_int_equal(m.plan.control_need, 4096);
	mkplan_deinit(&m);
}

static void load_is(const struct core_load *l, maddr_t start, maddr_t end, vaddr_t virt)
{
	assert_int_equal(l->mem.start, start);
	assert_int_equal(l->mem.end, end);
	assert_int_equal(l->virt, virt);
}

static void addresses_64(void **state)
{
	struct core_spec c;
	struct mkplan m;

	(void)state;
	mkplan_init_native(&m, 64, 0x20000000, 0x30000000);
	/* KASLR with five levels */
	m.host.kernel.page_offset = 0xff21b00000000000;
	m.host.kernel.image_virt = 0xffffffff9b000000;
	must(&m);
	c = core(&m);
	assert_int_equal(c.nr_loads, 4);
	load_is(&c.loads[0], 0, 0x9f000, 0xff21b00000000000);
	load_is(&c.loads[1], 0x100000, 0x20000000, 0xff21b00000100000);
	load_is(&c.loads[2], 0x30000000, 0x200000000, 0xff21b00030000000);
	load_is(&c.loads[3], 0x1000000, 0x4000000, 0xffffffff9b000000);
	assert_true(m.plan.core.kernel_image);
	assert_false(m.plan.core.xen_image);
	/* two CPUs, VMCOREINFO where it lies, XENKDUMP */
	assert_int_equal(c.nr_notes, 4);
	assert_int_equal(c.notes[2].addr, 0xb0000000);
	assert_int_equal(c.notes[2].size, 0x1000);
	assert_int_equal(m.plan.nr_warnings, 0);
	core_spec_deinit(&c);

	/* not known: 0, and a word about it */
	m.host.kernel.page_offset = 0;
	m.host.kernel.image_virt = 0;
	assert_true(host_gap(&m.host, "kernel.page-offset", "no /proc/kcore"));
	must(&m);
	c = core(&m);
	assert_int_equal(c.nr_loads, 3);
	load_is(&c.loads[2], 0x30000000, 0x200000000, 0);
	assert_true(warned(&m.plan, "where the kernel maps memory (no /proc/kcore)"));
	assert_true(warned(&m.plan, "where the kernel's image lies (not among the facts)"));
	core_spec_deinit(&c);
	/* nonsense is not taken over */
	m.host.kernel.page_offset = 0x7fff00000000;
	must(&m);
	c = core(&m);
	load_is(&c.loads[2], 0x30000000, 0x200000000, 0);
	assert_true(warned(&m.plan, "no such address"));
	core_spec_deinit(&c);
	/* ... neither where a map would have no room, nor between pages */
	m.host.kernel.page_offset = UINT64_MAX - 0xfff;
	must(&m);
	assert_true(warned(&m.plan, "no such address"));
	m.host.kernel.page_offset = 0xffff888000000800;
	must(&m);
	assert_true(warned(&m.plan, "no such address"));
	/* the last 4 GiB of addresses hold the first 4 GiB of memory, and no more */
	m.host.kernel.page_offset = 0xffffffff00000000;
	must(&m);
	c = core(&m);
	assert_int_equal(c.nr_loads, 4);
	load_is(&c.loads[2], 0x30000000, 0x100000000, 0xffffffff30000000);
	load_is(&c.loads[3], 0x100000000, 0x200000000, 0);
	core_spec_deinit(&c);
	mkplan_deinit(&m);
}

/* Lowmem of a 3G/1G split ends at 896 MiB: 4 GiB less 128 MiB less 3 GiB. */
static void addresses_32(void **state)
{
	struct core_spec c;
	struct mkplan m;

	(void)state;
	mkplan_init_native(&m, 32, 0x20000000, 0x30000000);
	is_32(&m);
	must(&m);
	c = core(&m);
	assert_int_equal(c.nr_loads, 4);
	load_is(&c.loads[0], 0, 0x9f000, 0xc0000000);
	load_is(&c.loads[1], 0x100000, 0x20000000, 0xc0100000);
	load_is(&c.loads[2], 0x30000000, 0x38000000, 0xf0000000);
	load_is(&c.loads[3], 0x38000000, 0x200000000, 0);
	/* the image is in the direct map: once is enough */
	assert_false(m.plan.core.kernel_image);
	assert_int_equal(m.plan.nr_warnings, 0);
	core_spec_deinit(&c);
	/* VMSPLIT_2G: 1920 MiB */
	m.host.kernel.page_offset = 0x80000000;
	m.host.kernel.image_virt = 0x81000000;
	must(&m);
	c = core(&m);
	load_is(&c.loads[2], 0x30000000, 0x78000000, 0xb0000000);
	load_is(&c.loads[3], 0x78000000, 0x200000000, 0);
	core_spec_deinit(&c);
	/* all below 4 GiB: ELF32, unless a 64-bit kernel is to read it */
	m.host.memory.v[2].r.end = 0x100000000;
	must(&m);
	assert_int_equal(m.plan.core_class, 1);
	m.kernel.is_64 = true;
	must(&m);
	assert_int_equal(m.plan.core_class, 2);
	c = core(&m);
	load_is(&c.loads[2], 0x30000000, 0x78000000, 0xb0000000);
	core_spec_deinit(&c);
	/* more than VMSPLIT_3G is none */
	m.host.kernel.page_offset = 0xc8000000;
	must(&m);
	assert_true(warned(&m.plan, "no such address"));
	mkplan_deinit(&m);
}

static bool is_ram(const struct mkplan *m, maddr_t start, maddr_t end)
{
	return range_list_covers(&m->plan.e820, (struct range){start, end}, MEM_RAM);
}

/* crashkernel=256M,high: the high region is loaded to, the low one is for devices. */
static void high_and_low(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init_native(&m, 64, 0x170000000, 0x180000000);
	assert_true(range_list_add(&m.host.crash, (struct range){0xa0000000, 0xb0000000}, MEM_RAM));
	m.host.cpu_notes[0].r = (struct range){0xbeffe000, 0xbeffe15c};
	must(&m);
	assert_int_equal(m.plan.region.start, 0x170000000);
	assert_int_equal(m.plan.more.nr, 1);
	assert_true(is_ram(&m, 0xa0000000, 0xb0000000));
	assert_false(is_ram(&m, 0xb0000000, 0xb0001000));
	assert_int_equal(m.plan.core.ram_loads, 4);
	assert_int_equal(m.plan.nr_warnings, 0); /* there is memory below 4 GiB */
	/* a page of it that is not whole is left alone */
	m.host.crash.v[1].r = (struct range){0xa0000001, 0xafffffff};
	must(&m);
	assert_true(is_ram(&m, 0xa0001000, 0xaffff000));
	assert_false(is_ram(&m, 0xa0000000, 0xa0001000));
	/* what is not RAM is not given away */
	m.host.crash.v[1].r = (struct range){0x9e000, 0x180000};
	must(&m);
	assert_true(warned(&m.plan, "0x9e000-0x180000 is not all RAM"));
	assert_int_equal(m.plan.more.nr, 0);
	assert_true(warned(&m.plan, "add crashkernel=256M,low"));
	mkplan_deinit(&m);
}

static void notes(void **state)
{
	struct core_spec c;
	struct mkplan m;

	(void)state;
	mkplan_init_native(&m, 64, 0x20000000, 0x30000000);
	/* where it lies is better than what it said, for a Linux that crashes itself */
	buf_append(&m.host.kernel.vmcoreinfo_text, "OSRELEASE=6.1.0\n", 16);
	must(&m);
	assert_int_equal(m.plan.core.os_vmcoreinfo, OS_NOTE_ADDRESS);
	m.host.kernel.vmcoreinfo = (struct range){0, 0};
	must(&m);
	assert_int_equal(m.plan.core.os_vmcoreinfo, OS_NOTE_COPY);
	assert_true(warned(&m.plan, "without the time of the crash"));
	m.rq.dom0_vmcoreinfo = CHOICE_NO;
	must(&m);
	c = core(&m);
	assert_int_equal(c.nr_notes, 3);
	core_spec_deinit(&c);
	mkplan_deinit(&m);
}

static void hotplug(void **state)
{
	const struct seg *s;
	struct mkplan m;

	(void)state;
	mkplan_init_native(&m, 64, 0x20000000, 0x30000000);
	m.host.kernel.crash_hotplug = true;
	m.host.kernel.elfcorehdr_size = 0x71001;
	must(&m);
	assert_false(m.plan.hotplug); /* not asked for */
	m.rq.hotplug = true;
	must(&m);
	assert_true(m.plan.hotplug);
	s = plan_seg(&m.plan, SEG_ELFCORE);
	assert_int_equal(range_size(s->dest), 0x72000);
	/* 4 notes, 3 of RAM, the image */
	assert_int_equal(s->len, 64 + 8 * 56);
	assert_int_equal(m.plan.nr_warnings, 1);
	assert_says(m.plan.warnings[0], "without the XENKDUMP note");
	/* all of it is kept from the dump kernel */
	assert_false(is_ram(&m, s->dest.end - 0x1000, s->dest.end));
	/* our own header counts too */
	m.host.kernel.elfcorehdr_size = 1;
	must(&m);
	assert_int_equal(range_size(plan_seg(&m.plan, SEG_ELFCORE)->dest), 0x1000);
	mkplan_deinit(&m);
}

static void command_line(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init_native(&m, 64, 0x20000000, 0x30000000);
	m.host.kernel.cmdline = strdup("BOOT_IMAGE=/vmlinuz root=/dev/vda1 console=tty0 quiet "
				       "crashkernel=256M console=ttyS1,57600n8 -- console=init");
	m.rq.console_auto = true;
	must(&m);
	assert_string_equal(m.plan.cmdline,
		"elfcorehdr=0x2ff5e000 console=tty0 console=ttyS1,57600n8 nr_cpus=1");
	assert_int_equal(m.plan.console.serial_port, 0x2f8);
	assert_int_equal(m.plan.console.serial_divisor, 2);
	/* they come along once */
	m.rq.reuse_cmdline = true;
	must(&m);
	assert_string_equal(m.plan.cmdline,
		"elfcorehdr=0x2ff5e000 root=/dev/vda1 console=tty0 quiet console=ttyS1,57600n8 "
		"nr_cpus=1 -- console=init");
	/* purgatory speaks where this kernel does, when the dump kernel is not told where */
	m.rq.reuse_cmdline = m.rq.console_auto = false;
	must(&m);
	assert_string_equal(m.plan.cmdline, "elfcorehdr=0x2ff5e000 nr_cpus=1");
	assert_int_equal(m.plan.console.serial_port, 0x2f8);
	m.host.kernel.cmdline[0] = '\0';
	m.rq.console_auto = true;
	m.rq.cmdline = "quiet";
	must(&m);
	assert_true(warned(&m.plan, "the running kernel's command line names no console"));
	assert_true(warned(&m.plan, "after a crash the others"));
	mkplan_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(modes),
		cmocka_unit_test(control_pages),
		cmocka_unit_test(addresses_64),
		cmocka_unit_test(addresses_32),
		cmocka_unit_test(high_and_low),
		cmocka_unit_test(notes),
		cmocka_unit_test(hotplug),
		cmocka_unit_test(command_line),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
