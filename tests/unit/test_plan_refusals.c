// SPDX-License-Identifier: GPL-2.0-only
/* What plan_build() refuses, with which code, and what the administrator is told. */
#include "tests/unit/xktest.h"

#include "common/plan_mem.h"
#include "tests/unit/mkplan.h"

#define REGION 0x20000000, 0x30000000

struct refusal {
	const char *name;
	void (*change)(struct mkplan *m);
	enum xk_status status;
	const char *says[3];
};

static void is_32(struct mkplan *m)
{
	m->kernel.is_64 = m->kernel.above_4g = false;
	m->kernel.initrd_addr_max = 0x37ffffff;
}

static void entry_32(struct mkplan *m)
{
	m->kernel.above_4g = false;
}

static void no_region(struct mkplan *m)
{
	m->host.crash.nr = 0;
	assert_true(host_gap(&m->host, "crash-region", "Xen says 0 bytes at 0"));
}

static void no_region_xen_4_9(struct mkplan *m)
{
	m->host.crash.nr = 0;
	m->host.xen.minor = 9;
}

static void no_region_xen_4_7(struct mkplan *m)
{
	m->host.crash.nr = 0;
	m->host.xen.minor = 7;
}

static void no_region_native(struct mkplan *m)
{
	m->host.crash.nr = 0;
	m->host.hypervisor = HV_NONE;
}

/* K3: with a 32-bit kernel each of these regions is out of reach. */
static void k32_at_1g(struct mkplan *m)
{
	is_32(m);
	mkplan_region(m, 0x40000000, 0x50000000);
}

static void k32_at_896m(struct mkplan *m)
{
	is_32(m);
	mkplan_region(m, 0x38000000, 0x48000000);
}

static void k32_above_4g(struct mkplan *m)
{
	is_32(m);
	mkplan_region(m, 0x1a6651000, 0x1ba651000);
}

static void entry32_above_4g(struct mkplan *m)
{
	entry_32(m);
	mkplan_region(m, 0x100000000, 0x110000000);
}

/* A 32-bit hypervisor enters nothing in 64-bit mode, so a 64-bit kernel is of no help. */
static void hv32_above_4g(struct mkplan *m)
{
	m->host.xen.bits = 32;
	mkplan_region(m, 0x100000000, 0x110000000);
}

static void beyond_page_tables(struct mkplan *m)
{
	m->host.memory.v[2].r.end = UINT64_C(1) << 50;
	mkplan_region(m, UINT64_C(1) << 46, (UINT64_C(1) << 46) + 0x10000000);
}

/* start + PURG_MAX_MAP and the next page are beyond 64 bits */
static void wraps(struct mkplan *m)
{
	mkplan_region(m, UINT64_MAX - 0x7ff, UINT64_MAX);
}

static void below_1m(struct mkplan *m)
{
	mkplan_region(m, 0xff000, 0x10000000);
}

static void no_whole_page(struct mkplan *m)
{
	mkplan_region(m, 0x20000001, 0x20001fff);
}

static void backend_too_low(struct mkplan *m)
{
	m->lim.name = "kexec_load";
	m->lim.max_dest = 0x1fffffff;
}

static void not_ram(struct mkplan *m)
{
	m->host.memory.v[2].r.end = 0x2ffff000;
}

static void also_reserved(struct mkplan *m)
{
	assert_true(range_list_add(
		&m->host.memory, (struct range){0x2ffff800, 0x2ffff801}, MEM_RESERVED));
}

static void small(struct mkplan *m)
{
	mkplan_region(m, 0x20000000, 0x21200000);
}

static void tiny(struct mkplan *m)
{
	mkplan_region(m, 0x20000000, 0x20001000);
}

/* 200 MiB of initrd: 4 + 16 + 600 + 128 = 748, in steps of 64 MiB 768 */
static void large_initrd(struct mkplan *m)
{
	m->initrd_len = 200 << 20;
	mkplan_region(m, 0x20000000, 0x28000000);
}

/* ... for a 32-bit kernel 4 + 16 + 900 + 128 = 1048 MiB would be needed below 896 */
static void hopeless_initrd(struct mkplan *m)
{
	is_32(m);
	m->initrd_len = 300 << 20;
	mkplan_region(m, 0x20000000, 0x28000000);
}

static void initrd_limit(struct mkplan *m)
{
	entry_32(m);
	mkplan_region(m, 0x90000000, 0xa0000000);
}

/* 16 MiB + its own memory are needed */
static void pref_address(struct mkplan *m)
{
	mkplan_region(m, 0x200000, 0x1800000);
}

static void pref_address_absurd(struct mkplan *m)
{
	m->kernel.pref_address = UINT64_MAX;
}

static void no_long_mode(struct mkplan *m)
{
	m->host.cpu_long_mode = false;
}

static void bits_unknown(struct mkplan *m)
{
	m->host.xen.bits = 0;
	assert_true(host_gap(&m->host, "xen.bits", "no capabilities"));
}

static void bits_absurd(struct mkplan *m)
{
	m->host.xen.bits = 16;
}

static void bits_unknown_native(struct mkplan *m)
{
	m->host.hypervisor = HV_NONE;
	m->host.kernel.bits = 0;
}

static void notes_hidden(struct mkplan *m)
{
	m->host.cpu_notes[1] = (struct cpu_note){1, CPU_NOTE_ERANGE, {0, 0}};
}

static void notes_failed(struct mkplan *m)
{
	m->host.cpu_notes[1] = (struct cpu_note){1, CPU_NOTE_ERROR, {0, 0}};
	assert_true(host_gap(&m->host, "cpu-note", "CPU 1: error 14"));
}

static void no_notes(struct mkplan *m)
{
	m->host.nr_cpu_notes = 0;
}

static void all_notes_empty(struct mkplan *m)
{
	m->host.cpu_notes[0].state = m->host.cpu_notes[1].state = CPU_NOTE_EMPTY;
}

static void note_no_size(struct mkplan *m)
{
	m->host.cpu_notes[1].r = (struct range){0xbefff000, 0xbefff000};
}

static void note_too_large(struct mkplan *m)
{
	m->host.cpu_notes[1].r = (struct range){0xbe000000, 0xbe400001};
}

static void note_not_ram(struct mkplan *m)
{
	m->host.cpu_notes[0].r = (struct range){0x9efff, 0x9f001};
}

static void note_in_region(struct mkplan *m)
{
	m->host.cpu_notes[0].r = (struct range){0x2fffffff, 0x30000001};
}

static void vmcoreinfo_not_ram(struct mkplan *m)
{
	m->host.xen.vmcoreinfo = (struct range){0x200000000, 0x200001000};
}

static void no_memory_map(struct mkplan *m)
{
	m->host.memory.nr = 0;
}

static void long_line(struct mkplan *m)
{
	m->kernel.cmdline_size = 30; /* "elfcorehdr=0x2ff5e000 nr_cpus=1" has 31 */
}

static void own_elfcorehdr(struct mkplan *m)
{
	m->rq.cmdline = "nr_cpus=1\telfcorehdr=1M";
}

static void own_elfcorehdr_quoted(struct mkplan *m)
{
	m->rq.cmdline = "\"elfcorehdr=1M\"";
}

static void few_segments(struct mkplan *m)
{
	m->lim.max_segs = 7;
	m->lim.name = "a backend";
}

static void no_map_only(struct mkplan *m)
{
	m->lim.map_only = false;
}

static void large_pages(struct mkplan *m)
{
	m->lim.align = 0x200000;
}

#define XEN_LINE "on the Xen command line (not on Linux's)"

static const struct refusal refusals[] = {
	{"no_region", no_region, XK_NO_REGION,
		{"Xen says 0 bytes", "crashkernel=192M,below=4G " XEN_LINE}},
	{"no_region_xen_4_9", no_region_xen_4_9, XK_NO_REGION, {"crashkernel=192M<4G " XEN_LINE}},
	{"no_region_xen_4_7", no_region_xen_4_7, XK_NO_REGION, {"crashkernel=192M@256M " XEN_LINE}},
	{"no_region_native", no_region_native, XK_NO_REGION,
		{"crashkernel=192M on the kernel's command line"}},
	{"k32_at_1g", k32_at_1g, XK_NO_FIT,
		{"0x40000000-0x50000000", "use a 64-bit dump kernel",
			"crashkernel=192M,below=896M " XEN_LINE}},
	{"k32_at_896m", k32_at_896m, XK_NO_FIT, {"below 896 MiB", ",below=896M"}},
	{"k32_above_4g", k32_above_4g, XK_NO_FIT, {"0x1a6651000", "64-bit", ",below=896M"}},
	{"entry32_above_4g", entry32_above_4g, XK_NO_FIT,
		{"entered at its 32-bit entry must lie below 4 GiB): put", ",below=4G " XEN_LINE}},
	{"hv32_above_4g", hv32_above_4g, XK_NO_FIT, {"below 4 GiB): put", ",below=4G"}},
	{"beyond_page_tables", beyond_page_tables, XK_NO_FIT, {"64 TiB", ",below=4G"}},
	{"wraps", wraps, XK_NO_FIT, {"whole pages"}},
	{"below_1m", below_1m, XK_NO_FIT, {"above 1 MiB"}},
	{"no_whole_page", no_whole_page, XK_NO_FIT, {"whole pages"}},
	{"backend_too_low", backend_too_low, XK_NO_FIT, {"kexec_load takes"}},
	{"not_ram", not_ram, XK_BAD_INPUT, {"not all RAM"}},
	{"also_reserved", also_reserved, XK_BAD_INPUT, {"not all RAM"}},
	{"small", small, XK_NO_FIT, {"no room left for the kernel", "18 MiB", "=192M,below=4G"}},
	{"tiny", tiny, XK_NO_FIT, {"no room left for the backup", "640 KiB"}},
	{"large_initrd", large_initrd, XK_NO_FIT,
		{"no room left for the initrd", "the initrd has 200 MiB",
			"crashkernel=768M,below=4G"}},
	{"hopeless_initrd", hopeless_initrd, XK_NO_FIT, {"use a smaller kernel and initrd", "896"}},
	{"initrd_limit", initrd_limit, XK_NO_FIT,
		{"0x80000000", "initrd_addr_max", "crashkernel=192M,below=2G " XEN_LINE}},
	{"pref_address", pref_address, XK_NO_FIT, {"0x1000000", "pref_address", "higher"}},
	{"pref_address_absurd", pref_address_absurd, XK_BAD_INPUT, {"pref_address is 0xffff"}},
	{"no_long_mode", no_long_mode, XK_UNSUPPORTED, {"64-bit kernel", "processor"}},
	{"bits_unknown", bits_unknown, XK_BAD_INPUT, {"hypervisor is 32- or", "no capabilities"}},
	{"bits_absurd", bits_absurd, XK_BAD_INPUT, {"xen.bits is 16"}},
	{"bits_unknown_native", bits_unknown_native, XK_BAD_INPUT, {"running kernel"}},
	{"notes_hidden", notes_hidden, XK_NO_NOTES,
		{"low_crashinfo=min to the Xen command line", "of 1 CPUs",
			"--allow-missing-notes"}},
	{"notes_failed", notes_failed, XK_NO_NOTES, {"some CPUs", "CPU 1: error 14"}},
	{"no_notes", no_notes, XK_NO_NOTES, {"all CPUs", "not among the facts"}},
	{"all_notes_empty", all_notes_empty, XK_NO_NOTES, {"all CPUs"}},
	{"note_no_size", note_no_size, XK_BAD_INPUT, {"CPU 1", "no size"}},
	{"note_too_large", note_too_large, XK_BAD_INPUT, {"CPU 1", "4 MiB"}},
	{"note_not_ram", note_not_ram, XK_BAD_INPUT, {"CPU 0", "RAM"}},
	{"note_in_region", note_in_region, XK_BAD_INPUT, {"CPU 0", "crash region"}},
	{"vmcoreinfo_not_ram", vmcoreinfo_not_ram, XK_BAD_INPUT, {"VMCOREINFO_XEN"}},
	{"no_memory_map", no_memory_map, XK_BAD_INPUT, {"memory map"}},
	{"long_line", long_line, XK_NO_FIT, {"31 characters", "takes 30", "cmdline_size"}},
	{"own_elfcorehdr", own_elfcorehdr, XK_USAGE, {"elfcorehdr=", "--command-line"}},
	{"own_elfcorehdr_quoted", own_elfcorehdr_quoted, XK_USAGE, {"elfcorehdr="}},
	{"few_segments", few_segments, XK_UNSUPPORTED, {"8 segments", "a backend takes 7"}},
	{"no_map_only", no_map_only, XK_UNSUPPORTED, {"640 KiB"}},
	{"large_pages", large_pages, XK_UNSUPPORTED, {"aligned"}},
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];
		struct mkplan m;

		mkplan_init(&m, REGION);
		r->change(&m);
		if (mkplan_make(&m) != r->status)
			fail_msg("%s: %d %s", r->name, m.d.status, m.d.text);
		for (size_t k = 0; k < ARRAY_SIZE(r->says) && r->says[k]; k++)
			if (!strstr(m.d.text, r->says[k]))
				fail_msg("%s: \"%s\" does not say \"%s\"", r->name, m.d.text,
					r->says[k]);
		/* nothing is left of it */
		assert_null(m.plan.mem);
		assert_null(m.plan.cmdline);
		assert_int_equal(m.plan.nr, 0);
		mkplan_deinit(&m);
	}
}

/* One step back from each edge is accepted. */
static void just_accepted(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init(&m, REGION);
	m.kernel.cmdline_size = 31;
	m.lim.max_segs = 8;
	m.lim.max_dest = 0x2fffffff;
	m.host.cpu_notes[0].r = (struct range){0x1fffffff, 0x20000000};
	m.host.cpu_notes[1].r = (struct range){0xbe000000, 0xbe400000};
	m.rq.cmdline = "nr_cpus=1"; /* 31 with elfcorehdr=0x2ff5e000 */
	if (mkplan_make(&m))
		fail_msg("%s", m.d.text);
	assert_string_equal(m.plan.cmdline, "elfcorehdr=0x2ff5e000 nr_cpus=1");
	/* what is behind "--" is init's business */
	m.kernel.cmdline_size = 2047;
	m.rq.cmdline = "nr_cpus=1 -- elfcorehdr=x";
	assert_int_equal(mkplan_make(&m), XK_OK);
	/* the limit of the backend bounds the pieces */
	m.lim.max_dest = 0x2ff00fff;
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_int_equal(plan_seg(&m.plan, SEG_BACKUP)->dest.end, 0x2ff01000);
	mkplan_deinit(&m);
}

static bool warned(const struct plan *p, const char *says)
{
	for (size_t i = 0; i < p->nr_warnings; i++)
		if (strstr(p->warnings[i], says))
			return true;
	return false;
}

/* Where only a warning is right. */
static void warnings(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init(&m, REGION);
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_int_equal(m.plan.nr_warnings, 0);

	m.rq.allow_missing_notes = true;
	notes_hidden(&m);
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_true(warned(&m.plan, "registers of 1 CPUs; those of 1 are missing"));
	assert_int_equal(m.plan.core.cpu_notes, 1);

	m.host.xen.vmcoreinfo = (struct range){0, 0};
	m.host.kernel.vmcoreinfo = (struct range){0, 0};
	m.host.xen.image = (struct range){0x2f000000, 0x31000000};
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_true(warned(&m.plan, "VMCOREINFO_XEN (not among the facts)"));
	assert_true(warned(&m.plan, "running kernel's VMCOREINFO"));
	assert_true(warned(&m.plan, "hypervisor's image"));
	assert_false(m.plan.core.xen_image);

	m.rq.dom0_vmcoreinfo = CHOICE_NO;
	m.rq.cmdline = "console=hvc0";
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_false(warned(&m.plan, "running kernel's VMCOREINFO"));
	assert_true(warned(&m.plan, "console=hvc0"));
	assert_true(warned(&m.plan, "nr_cpus=1"));

	m.rq.console_auto = true;
	m.host.xen.cmdline = strdup("console=com1 com1=auto,8n1,pci");
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_true(warned(&m.plan, "--console auto"));

	/* 64 MiB and twice the initrd should be left: 16 + 64 MiB are not enough with the rest */
	mkplan_region(&m, 0x20000000, 0x25000000);
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_true(warned(&m.plan, "only 63 MiB"));
	mkplan_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(just_accepted),
		cmocka_unit_test(warnings),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
