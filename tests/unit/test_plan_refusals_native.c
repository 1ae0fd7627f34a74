// SPDX-License-Identifier: GPL-2.0-only
/* What plan_build() refuses, or warns of, on a Linux without a hypervisor; nothing names Xen. */
#include "tests/unit/xktest.h"

#include "common/efi.h"
#include "common/plan_mem.h"
#include "tests/unit/mkplan.h"

struct refusal {
	const char *name;
	unsigned bits;
	void (*change)(struct mkplan *m);
	enum xk_status status;
	const char *says[3];
};

static void is_32(struct mkplan *m)
{
	m->kernel.is_64 = m->kernel.above_4g = false;
	m->kernel.initrd_addr_max = 0x37ffffff;
}

static void no_region(struct mkplan *m)
{
	m->host.crash.nr = 0;
	assert_true(host_gap(&m->host, "crash-region", "no \"Crash kernel\" in /proc/iomem"));
}

/* 4 + 16 + 128 MiB and three times nothing: 192; the highest 64 MiB multiple is 896 - 192 = 704 */
static void k32_at_1g(struct mkplan *m)
{
	is_32(m);
	mkplan_region(m, 0x40000000, 0x50000000);
}

/* 704 and 640 MiB are taken by the kernel's image: 576 + 192 = 768 */
static void k32_image_in_the_way(struct mkplan *m)
{
	k32_at_1g(m);
	m->host.kernel.image = (struct range){0x30000000, 0x33000000};
}

/* nothing below 896 MiB is free RAM */
static void k32_no_place(struct mkplan *m)
{
	k32_at_1g(m);
	m->host.memory.v[2].r.start = 0x38000000;
}

static void k32_of_32(struct mkplan *m)
{
	k32_at_1g(m);
}

/* The low region would do, but kexec_load takes segments in the high one only. */
static void k32_high_and_low(struct mkplan *m)
{
	is_32(m);
	mkplan_region(m, 0x20000000, 0x30000000);
	assert_true(
		range_list_add(&m->host.crash, (struct range){0x140000000, 0x150000000}, MEM_RAM));
}

static void entry32_above_4g(struct mkplan *m)
{
	m->kernel.above_4g = false;
	mkplan_region(m, 0x140000000, 0x150000000);
}

static void above_4g_of_32(struct mkplan *m)
{
	mkplan_region(m, 0x140000000, 0x150000000);
}

/* kexec_load's end of a segment must be below 4 GiB - 1: the last page is out */
static void last_page_of_32(struct mkplan *m)
{
	mkplan_region(m, 0xfffff000, 0x100000000);
}

static void highmem_of_32(struct mkplan *m)
{
	mkplan_region(m, 0x40000000, 0x50000000);
}

static void no_long_mode(struct mkplan *m)
{
	m->host.cpu_long_mode = false;
}

static void bits_unknown(struct mkplan *m)
{
	m->host.kernel.bits = 0;
}

static void note_in_low_region(struct mkplan *m)
{
	mkplan_region(m, 0x40000000, 0x50000000);
	assert_true(
		range_list_add(&m->host.crash, (struct range){0x20000000, 0x30000000}, MEM_RAM));
	m->host.cpu_notes[1].r = (struct range){0x20001000, 0x20001170};
}

static void no_notes(struct mkplan *m)
{
	m->host.nr_cpu_notes = 0;
}

static void hotplug_old_kernel(struct mkplan *m)
{
	m->rq.hotplug = true;
}

static void hotplug_no_size(struct mkplan *m)
{
	m->rq.hotplug = m->host.kernel.crash_hotplug = true;
}

static void hotplug_gap(struct mkplan *m)
{
	m->rq.hotplug = true;
	assert_true(host_gap(&m->host, "kernel.crash-hotplug", "no size"));
}

static void hotplug_other_machine(struct mkplan *m)
{
	m->rq.hotplug = m->host.kernel.crash_hotplug = true;
	m->host.kernel.elfcorehdr_size = 4096;
}

static void hotplug_digest(struct mkplan *m)
{
	hotplug_other_machine(m);
	m->rq.test_wrong_digest = "elfcore";
}

static void hotplug_xen(struct mkplan *m)
{
	hotplug_other_machine(m);
	m->host.hypervisor = HV_XEN;
	m->host.xen.bits = 64;
}

static void hotplug_too_large(struct mkplan *m)
{
	hotplug_other_machine(m);
	m->host.kernel.elfcorehdr_size = 0x10000000;
}

#define LINE " on the kernel's command line and reboot"

static const struct refusal refusals[] = {
	{"no_region", 64, no_region, XK_NO_REGION,
		{"no \"Crash kernel\"", "crashkernel=192M" LINE}},
	{"k32_at_1g", 64, k32_at_1g, XK_NO_FIT,
		{"896 MiB", "use a 64-bit dump kernel, or put crashkernel=192M@704M" LINE}},
	{"k32_image_in_the_way", 64, k32_image_in_the_way, XK_NO_FIT, {"=192M@576M" LINE}},
	{"k32_no_place", 64, k32_no_place, XK_NO_FIT, {"no room below 896 MiB"}},
	{"k32_of_32", 32, k32_of_32, XK_NO_FIT,
		{"896 MiB, where its own memory is): put", "crashkernel=192M" LINE}},
	{"k32_high_and_low", 64, k32_high_and_low, XK_NO_FIT,
		{"0x140000000-0x150000000 is out of reach", "Linux loads into no other"}},
	{"entry32_above_4g", 64, entry32_above_4g, XK_NO_FIT,
		{"below 4 GiB): put crashkernel=192M" LINE}},
	{"above_4g_of_32", 32, above_4g_of_32, XK_NO_FIT, {"takes, up to 0xffffefff"}},
	{"last_page_of_32", 32, last_page_of_32, XK_NO_FIT, {"takes, up to 0xffffefff"}},
	{"highmem_of_32", 32, highmem_of_32, XK_NO_FIT, {"too high", "below 864 MiB"}},
	{"no_long_mode", 32, no_long_mode, XK_UNSUPPORTED, {"64-bit kernel", "processor"}},
	{"bits_unknown", 64, bits_unknown, XK_BAD_INPUT, {"running kernel is 32- or 64-bit"}},
	{"note_in_low_region", 64, note_in_low_region, XK_BAD_INPUT, {"CPU 1", "crash region"}},
	{"no_notes", 64, no_notes, XK_NO_NOTES, {"all CPUs", "--allow-missing-notes"}},
	{"hotplug_old_kernel", 64, hotplug_old_kernel, XK_UNSUPPORTED, {"--hotplug", "6.6"}},
	{"hotplug_no_size", 64, hotplug_no_size, XK_UNSUPPORTED, {"--hotplug"}},
	{"hotplug_gap", 64, hotplug_gap, XK_UNSUPPORTED, {"(no size)"}},
	{"hotplug_other_machine", 32, hotplug_other_machine, XK_UNSUPPORTED,
		{"use a 32-bit dump kernel"}},
	{"hotplug_digest", 64, hotplug_digest, XK_USAGE, {"--test-wrong-digest", "--hotplug"}},
	{"hotplug_too_large", 64, hotplug_too_large, XK_NO_FIT, {"no room left for the elfcore"}},
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];
		struct mkplan m;

		mkplan_init_native(&m, r->bits, 0x20000000, 0x30000000);
		r->change(&m);
		if (mkplan_make(&m) != r->status)
			fail_msg("%s: %d %s", r->name, m.d.status, m.d.text);
		for (size_t k = 0; k < ARRAY_SIZE(r->says) && r->says[k]; k++)
			if (!strstr(m.d.text, r->says[k]))
				fail_msg("%s: \"%s\" does not say \"%s\"", r->name, m.d.text,
					r->says[k]);
		assert_null(strstr(m.d.text, "Xen"));
		assert_null(strstr(m.d.text, "hypervisor"));
		assert_null(m.plan.mem);
		mkplan_deinit(&m);
	}
}

static void hotplug_under_xen(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init(&m, 0x20000000, 0x30000000);
	hotplug_xen(&m);
	assert_int_equal(mkplan_make(&m), XK_UNSUPPORTED);
	assert_says(m.d.text, "under Xen");
	mkplan_deinit(&m);
}

static bool warned(const struct plan *p, const char *says)
{
	for (size_t i = 0; i < p->nr_warnings; i++)
		if (strstr(p->warnings[i], says))
			return true;
	return false;
}

static void f_info_short(struct mkplan *m)
{
	m->host.efi_info.len = 31;
}

static void f_info_32(struct mkplan *m)
{
	memcpy(m->host.efi_info.data, "EL32", 4);
}

static void f_info_version(struct mkplan *m)
{
	m->host.efi_info.data[12] = 2;
}

static void f_info_systab(struct mkplan *m)
{
	memset(m->host.efi_info.data + 4, 0, 4);
	memset(m->host.efi_info.data + 24, 0, 4);
}

static void f_vendor(struct mkplan *m)
{
	m->host.efi_fw_vendor = 0;
}

static void f_tables(struct mkplan *m)
{
	m->host.efi_config_table = 0;
}

static void f_no_map(struct mkplan *m)
{
	m->host.efi_runtime_map.len = 0;
	assert_true(host_gap(&m->host, "efi.runtime-map", "cannot be read"));
}

static void f_map_cut(struct mkplan *m)
{
	m->host.efi_runtime_map.len--;
}

static void f_map_unaligned(struct mkplan *m)
{
	m->host.efi_runtime_map.data[8] = 1;
}

static void f_map_not_mapped(struct mkplan *m)
{
	memset(m->host.efi_runtime_map.data + 16, 0, 8);
}

static void f_map_no_pages(struct mkplan *m)
{
	memset(m->host.efi_runtime_map.data + 40 + 24, 0, 8);
}

static void f_map_wraps(struct mkplan *m)
{
	memset(m->host.efi_runtime_map.data + 40 + 24, 0xff, 8);
}

/* Facts that do not hold together leave the firmware out, with a word; no plan fails for them. */
static void efi_facts(void **state)
{
	static const struct {
		const char *name;
		void (*change)(struct mkplan *m);
		const char *says;
	} rows[] = {
		{"info_short", f_info_short, "efi.info has not its 32 bytes"},
		{"info_32", f_info_32, "64-bit firmware"},
		{"info_version", f_info_version, "unknown format"},
		{"info_systab", f_info_systab, "no system table"},
		{"vendor", f_vendor, "efi.fw-vendor is not"},
		{"tables", f_tables, "efi.config-table is not"},
		{"no_map", f_no_map, "efi.runtime-map cannot be read"},
		{"map_cut", f_map_cut, "no list of mapped memory"},
		{"map_unaligned", f_map_unaligned, "no list of mapped memory"},
		{"map_not_mapped", f_map_not_mapped, "no list of mapped memory"},
		{"map_no_pages", f_map_no_pages, "no list of mapped memory"},
		{"map_wraps", f_map_wraps, "no list of mapped memory"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mkplan m;

		mkplan_init_native(&m, 64, 0x20000000, 0x30000000);
		mkplan_efi(&m);
		rows[i].change(&m);
		if (mkplan_make(&m))
			fail_msg("%s: %s", rows[i].name, m.d.text);
		assert_int_equal(m.plan.efi_ranges, 0);
		if (!warned(&m.plan, rows[i].says))
			fail_msg("%s: no warning says \"%s\"", rows[i].name, rows[i].says);
		mkplan_deinit(&m);
	}
}

/* An image that cannot use the firmware is nothing to warn of, and neither is a host without. */
static void efi_not_for_it(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init_native(&m, 64, 0x20000000, 0x30000000);
	mkplan_efi(&m);
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_int_equal(m.plan.efi_ranges, 2);
	/* zero page, two descriptors of 40 bytes, setup_data of 16 and 96 */
	assert_int_equal(plan_seg(&m.plan, SEG_BOOTPARAMS)->len, 4096 + 80 + 112);
	m.kernel.efi_kexec = false;
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_int_equal(m.plan.efi_ranges, 0);
	assert_int_equal(m.plan.nr_warnings, 0);
	assert_int_equal(plan_seg(&m.plan, SEG_BOOTPARAMS)->len, 4096);
	m.kernel.efi_kexec = true;
	m.kernel.is_64 = m.kernel.above_4g = false;
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_int_equal(m.plan.efi_ranges, 0);
	m.kernel.is_64 = true;
	m.host.efi = false;
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_int_equal(m.plan.efi_ranges, 0);
	assert_int_equal(m.plan.nr_warnings, 0);
	mkplan_deinit(&m);
}

static void long_mode_unknown(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init_native(&m, 32, 0x20000000, 0x30000000);
	m.host.cpu_long_mode = false;
	assert_true(host_gap(&m.host, "cpu.long-mode", "not asked"));
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_true(warned(&m.plan, "whether this processor can run 64-bit kernels (not asked)"));
	mkplan_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(hotplug_under_xen),
		cmocka_unit_test(efi_facts),
		cmocka_unit_test(efi_not_for_it),
		cmocka_unit_test(long_mode_unknown),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
