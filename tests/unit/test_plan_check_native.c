// SPDX-License-Identifier: GPL-2.0-only
/* A good plan for a Linux without a hypervisor, broken in one place at a time. */
#include "tests/unit/xktest.h"

#include "common/bootparams.h"
#include "common/plan_mem.h"
#include "common/purg.h"
#include "native/backend.h"
#include "tests/unit/mkplan.h"

/* Program headers of ELF64: 0, 1 CPUs, 2 VMCOREINFO, 3 XENKDUMP; memory: 4 0..0x9f000, 5
 * 1M..0x20000000, 6 0x30000000..0x60000000, 7 0x70000000..8G, 8 the kernel's image. */
enum { P_OFFSET = 8, P_VADDR = 16, P_PADDR = 24, P_FILESZ = 32, P_MEMSZ = 40 };

static void ph(struct mkplan *m, unsigned i, unsigned field, uint64_t v)
{
	mkplan_put(&m->plan.mem->elfcore, 64 + 56 * i + field, v, 8);
}

/* Two regions, EFI, and a header that Linux keeps current; the higher region is loaded to. */
static void init_64(struct mkplan *m)
{
	mkplan_init_native(m, 64, 0x60000000, 0x70000000);
	assert_true(
		range_list_add(&m->host.crash, (struct range){0x20000000, 0x30000000}, MEM_RAM));
	m->host.kernel.crash_hotplug = true;
	m->host.kernel.elfcorehdr_size = 0x3000;
	m->rq.hotplug = true;
	mkplan_efi(m);
}

/* ELF32, headers of 52 and 32 bytes, p_vaddr at 8. RAM: 4 0..0x9f000, 5 1M..0x20000000, 6
 * 0x30000000 to the end of lowmem at 0x38000000, 7 from there to 4G. */
static void init_32(struct mkplan *m)
{
	mkplan_init_native(m, 32, 0x20000000, 0x30000000);
	m->kernel.is_64 = m->kernel.above_4g = false;
	m->kernel.initrd_addr_max = 0x37ffffff;
	m->host.memory.v[2].r.end = 0x100000000;
}

static void m_other_host(struct mkplan *m)
{
	m->plan.hypervisor = HV_XEN;
}

static void m_machine(struct mkplan *m)
{
	m->plan.machine = 3;
}

static void m_lower_region(struct mkplan *m)
{
	assert_true(
		range_list_add(&m->host.crash, (struct range){0x100000000, 0x110000000}, MEM_RAM));
}

static void m_control(struct mkplan *m)
{
	m->host.memory.v[2].r.end = UINT64_C(1) << 51;
}

static void m_hotplug_xen(struct mkplan *m)
{
	m->host.kernel.crash_hotplug = false;
}

static void m_hotplug_room(struct mkplan *m)
{
	m->host.kernel.elfcorehdr_size = 0x3001;
}

static void m_hotplug_verified(struct mkplan *m)
{
	m->plan.hotplug = false;
}

static void m_more_not_given(struct mkplan *m)
{
	m->plan.more.nr = 0;
}

static void m_more_not_ram(struct mkplan *m)
{
	m->plan.more.v[0].r.end += 0x1000;
}

static void m_e820_not_reserved(struct mkplan *m)
{
	m->host.crash.v[1].r.end -= 0x1000;
}

static void m_e820_no_ram(struct mkplan *m)
{
	m->host.memory.v[2].r.start = 0x20001000;
}

static void m_note_in_other_region(struct mkplan *m)
{
	ph(m, 0, P_OFFSET, 0x20000000);
	ph(m, 0, P_PADDR, 0x20000000);
}

static void m_load_in_other_region(struct mkplan *m)
{
	ph(m, 5, P_FILESZ, 0x1ff01000);
	ph(m, 5, P_MEMSZ, 0x1ff01000);
}

static void m_vmcoreinfo(struct mkplan *m)
{
	ph(m, 2, P_OFFSET, 0xb0000004);
}

static void m_vmcoreinfo_copy(struct mkplan *m)
{
	m->plan.core.os_vmcoreinfo = OS_NOTE_COPY;
}

static void m_virt_none(struct mkplan *m)
{
	ph(m, 6, P_VADDR, 0);
}

static void m_virt_other(struct mkplan *m)
{
	ph(m, 6, P_VADDR, 0xffff880030000000);
}

static void m_virt_low(struct mkplan *m)
{
	ph(m, 4, P_VADDR, 0);
}

static void m_image_virt(struct mkplan *m)
{
	ph(m, 8, P_VADDR, 0xffffffff82000000);
}

static void m_image_not_there(struct mkplan *m)
{
	m->plan.core.kernel_image = false;
}

static void m_efi_not_asked(struct mkplan *m)
{
	m->plan.efi_ranges = 0;
}

static void m_efi_no_kernel(struct mkplan *m)
{
	m->image.xloadflags &= (uint16_t)~XLF_EFI_KEXEC;
}

static const struct mutation mutations_64[] = {
	{"other_host", m_other_host, "another kind of host"},
	{"machine", m_machine, "by a 64-bit Linux"},
	{"lower_region", m_lower_region, "highest crash region only"},
	{"control", m_control, "must stay free for Linux"},
	{"hotplug_xen", m_hotplug_xen, "no one would keep"},
	{"hotplug_room", m_hotplug_room, "wants 12289 bytes"},
	{"hotplug_verified", m_hotplug_verified, "does not verify the elfcore"},
	{"more_not_given", m_more_not_given, "would not use the crash region at 0x20000000"},
	{"more_not_ram", m_more_not_ram, "no RAM of its own"},
	{"e820_not_reserved", m_e820_not_reserved, "is not the dump kernel's"},
	{"e820_no_ram", m_e820_no_ram, "is not the dump kernel's"},
	{"note_in_other_region", m_note_in_other_region, "lies in the crash region"},
	{"load_in_other_region", m_load_in_other_region, "hold the crash region"},
	{"vmcoreinfo", m_vmcoreinfo, "lack the kernel's VMCOREINFO"},
	{"vmcoreinfo_copy", m_vmcoreinfo_copy, "what it adds as it crashes"},
	{"virt_none", m_virt_none, "lack memory at 0x30000000"},
	{"virt_other", m_virt_other, "lack memory at 0x30000000"},
	{"virt_low", m_virt_low, "lack memory at 0"},
	{"image_virt", m_image_virt, "which is no RAM"},
	{"image_not_there", m_image_not_there, "image that is shown"},
	{"efi_not_asked", m_efi_not_asked, "EFI"},
	{"efi_no_kernel", m_efi_no_kernel, "no one can use them"},
};

static const struct bp_mutation mutations_64_bp[] = {
	{"efi_signature", "EFI system table", 0x1c0, 0x32, 1},
	{"efi_systab", "EFI system table", 0x1c0 + 24, 0, 4},
	{"efi_version", "EFI system table", 0x1c0 + 12, 2, 4},
	{"efi_desc_size", "map of EFI", 0x1c0 + 8, 48, 4},
	{"efi_map_address", "map of EFI", 0x1c0 + 16, 0x7d014018, 4},
	{"efi_map_high", "map of EFI", 0x1c0 + 28, 1, 4},
	{"efi_map_size", "map of EFI", 0x1c0 + 20, 40, 4},
	{"efi_map_content", "map of EFI", 4096 + 16, 0, 8},
	{"efi_setup_lost", "setup_data is missing", 0x250, 0, 8},
	{"efi_setup_vendor", "setup_data is not", 4096 + 80 + 16, 1, 8},
	{"efi_setup_tables", "setup_data is not", 4096 + 80 + 16 + 16, 1, 8},
	{"efi_setup_reserved", "setup_data is not", 4096 + 80 + 16 + 95, 1, 1},
	{"efi_setup_short", "setup_data is not", 4096 + 80 + 12, 95, 4},
};

static void m32_machine(struct mkplan *m)
{
	m->plan.machine = 62;
}

static void m32_control_high(struct mkplan *m)
{
	m->lim.control_end = 0x20000fff;
}

static void m32_core_for_64(struct mkplan *m)
{
	mkplan_put(&m->plan.mem->elfcore, 18, 62, 2);
	m->plan.core_machine = 62;
}

static void m32_lowmem_cut(struct mkplan *m)
{
	/* what would follow, were there lowmem */
	mkplan_put(&m->plan.mem->elfcore, 52 + 32 * 7 + 8, 0xf8000000, 4);
}

static void m32_lowmem_none(struct mkplan *m)
{
	mkplan_put(&m->plan.mem->elfcore, 52 + 32 * 6 + 8, 0, 4);
}

static const struct mutation mutations_32[] = {
	{"m32_machine", m32_machine, "by a 32-bit Linux"},
	{"m32_control_high", m32_control_high, "to enter a 32-bit image from"},
	{"m32_core_for_64", m32_core_for_64, "for a 32-bit system"},
	{"m32_lowmem_cut", m32_lowmem_cut, "lack memory at 0x38000000"},
	{"m32_lowmem_none", m32_lowmem_none, "lack memory at 0x30000000"},
};

static void seen_64(void **state)
{
	(void)state;
	mkplan_mutate_those(init_64, mutations_64, ARRAY_SIZE(mutations_64));
	mkplan_mutate_bp(init_64, mutations_64_bp, ARRAY_SIZE(mutations_64_bp));
}

static void seen_32(void **state)
{
	(void)state;
	mkplan_mutate_those(init_32, mutations_32, ARRAY_SIZE(mutations_32));
}

/* The one pair of widths where the header is the dump kernel's: only EM_X86_64 of ELF64 will do,
 * and Linux must not rewrite it. */
static void seen_32_for_64(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init_native(&m, 32, 0x20000000, 0x30000000);
	assert_int_equal(mkplan_make(&m), XK_OK);
	mkplan_put(&m.plan.mem->elfcore, 18, 3, 2);
	m.plan.core_machine = 3;
	assert_int_equal(mkplan_check(&m), XK_FAIL);
	assert_says(m.d.text, "machine 3 for a 32-bit system");
	mkplan_put(&m.plan.mem->elfcore, 18, 62, 2);
	m.plan.core_machine = 62;
	assert_int_equal(mkplan_check(&m), XK_OK);
	m.host.kernel.crash_hotplug = m.plan.hotplug = true;
	assert_int_equal(mkplan_check(&m), XK_FAIL);
	assert_says(m.d.text, "one of another machine");
	m.plan.hotplug = false;
	m.host.cpu_long_mode = false;
	assert_int_equal(mkplan_check(&m), XK_FAIL);
	assert_says(m.d.text, "cannot run a 64-bit kernel");
	mkplan_deinit(&m);
}

/* Before protocol 2.15 a kernel without EFI's tables is told of ACPI's by a word. */
static void seen_rsdp(void **state)
{
	struct mkplan m;
	char *word;

	(void)state;
	mkplan_init_native(&m, 64, 0x20000000, 0x30000000);
	mkplan_efi(&m);
	m.kernel.efi_kexec = false;
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_null(strstr(m.plan.cmdline, "acpi_rsdp"));
	m.kernel.protocol = 0x20d;
	assert_int_equal(mkplan_make(&m), XK_OK);
	word = strstr(m.plan.cmdline, "acpi_rsdp=0x7fb7e014");
	assert_non_null(word);
	word[11]++;
	assert_int_equal(mkplan_check(&m), XK_FAIL);
	assert_says(m.d.text, "find the ACPI tables");
	mkplan_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(seen_64),
		cmocka_unit_test(seen_32),
		cmocka_unit_test(seen_32_for_64),
		cmocka_unit_test(seen_rsdp),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
