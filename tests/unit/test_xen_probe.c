// SPDX-License-Identifier: GPL-2.0-only
/* The probe over fixture trees and the fake hypervisor. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/fake_xen.h"
#include "tests/unit/scratch.h"
#include "xen/check.h"
#include "xen/cpunotes.h"
#include "xen/probe.h"
#include "xen/sysfs.h"

static struct fake_xen f;
static struct scratch s;
static struct host h;
static struct diag d;
static unsigned opened;

static enum xk_status open_fake(const char *root, struct xen *ret, struct diag *why _unused_)
{
	assert_string_equal(root, s.path);
	opened++;
	*ret = fake_xen_handle(&f);
	return XK_OK;
}

static enum xk_status open_fails(
	const char *root _unused_, struct xen *ret _unused_, struct diag *why)
{
	return diag_fail(why, XK_PRIVILEGE, "only root may do that");
}

static bool says_yes(void)
{
	return true;
}

static bool says_no(void)
{
	return false;
}

static int setup(void **state)
{
	(void)state;
	fake_xen_init(&f, (struct range){0x20000000, 0x2c000000});
	scratch_init(&s);
	host_init(&h);
	diag_init(&d);
	h.kernel.bits = 64;
	opened = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(f.opened, 0);
	host_deinit(&h);
	scratch_deinit(&s);
	fake_xen_deinit(&f);
	return 0;
}

static void xen_4_17_tree(const char *guest_type)
{
	scratch_text(&s, "/sys/hypervisor/type", "xen\n");
	scratch_text(&s, "/sys/hypervisor/version/major", "4\n");
	scratch_text(&s, "/sys/hypervisor/version/minor", "17\n");
	scratch_text(&s, "/sys/hypervisor/version/extra", ".7-sysfs\n");
	scratch_text(&s, "/sys/hypervisor/compilation/compiler", "gcc (Debian 12) 12.2.0\n");
	scratch_text(&s, "/sys/hypervisor/compilation/compile_date", "Mon Jan  5 2026\n");
	scratch_text(&s, "/sys/hypervisor/properties/changeset", "git:2445b30a44\n");
	scratch_text(&s, "/sys/hypervisor/properties/capabilities",
		"xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 \n");
	scratch_text(&s, "/sys/hypervisor/properties/buildid",
		"0123456789abcdef0123456789abcdef01234567\n");
	if (guest_type)
		scratch_text(&s, "/sys/hypervisor/guest_type", guest_type);
	scratch_text(&s, "/proc/xen/capabilities", "control_d\n");
	scratch_text(
		&s, "/proc/xen/xensyms", "ffff82d040200000 T _stext\nffff82d040200000 T _start\n");
}

static enum xk_status probe(struct xen_probe_env e)
{
	e.root = s.path;
	if (!e.process_bits)
		e.process_bits = 64;
	if (!e.open)
		e.open = open_fake;
	return xen_probe(&e, &h, &d);
}

static void assert_gap(const char *fact, const char *reason)
{
	const char *why = host_gap_reason(&h, fact);

	if (!why)
		fail_msg("no gap for %s", fact);
	if (!strstr(why, reason))
		fail_msg("gap of %s is \"%s\", wanted \"%s\"", fact, why, reason);
}

static void test_dom0(void **state)
{
	(void)state;
	xen_4_17_tree("PV\n");
	h.kernel.vmcoreinfo = (struct range){0x7f123000, 0x7f124024};
	f.notes[2] = (struct range){0, 0}; /* no memory for it */
	f.notes[3] = (struct range){0x7fe03000, 0x7fe03000 + 404};
	f.nr_cpus = 4;
	assert_int_equal(probe((struct xen_probe_env){0}), XK_OK);
	assert_int_equal(h.hypervisor, HV_XEN);
	assert_int_equal(h.guest, GUEST_PV);
	assert_true(h.control_domain);
	assert_int_equal(h.xen.major, 4);
	assert_int_equal(h.xen.minor, 17);
	assert_int_equal(h.xen.bits, 64);
	assert_string_equal(h.xen.extra, ".7-sysfs");
	assert_string_equal(h.xen.changeset, "git:2445b30a44");
	assert_string_equal(h.xen.compiler, "gcc (Debian 12) 12.2.0");
	assert_string_equal(h.xen.compile_date, "Mon Jan  5 2026");
	assert_string_equal(h.xen.build_id, "0123456789abcdef0123456789abcdef01234567");
	assert_string_equal(h.xen.cmdline, "console=com1 com1=115200");
	assert_int_equal(h.xen.image.start, 0x3d600000);
	assert_int_equal(h.xen.image_virt, 0xffff82d040200000);
	assert_int_equal(h.xen.vmcoreinfo.end, 0x3d9d2000);
	assert_int_equal(h.crash.nr, 1);
	assert_int_equal(h.crash.v[0].r.start, 0x20000000);
	assert_int_equal(h.crash.v[0].r.end, 0x2c000000);
	assert_int_equal(h.memory.nr, 3);
	assert_int_equal(h.memory.v[1].r.end, 0x7ffe0000);
	assert_int_equal(h.memory.v[2].type, MEM_RESERVED);
	assert_int_equal(h.nr_cpu_notes, 4);
	assert_int_equal(h.cpu_notes[0].state, CPU_NOTE_PRESENT);
	assert_int_equal(range_size(h.cpu_notes[0].r), 500);
	assert_int_equal(h.cpu_notes[2].state, CPU_NOTE_EMPTY);
	assert_int_equal(h.cpu_notes[3].cpu, 3);
	assert_int_equal(h.cpu_notes[3].state, CPU_NOTE_PRESENT);
	assert_true(h.cpu_long_mode);
	/* The note's second page may be anyone's. */
	assert_int_equal(h.kernel.vmcoreinfo.start, 0x7f123000);
	assert_int_equal(h.kernel.vmcoreinfo.end, 0x7f124000);
	assert_int_equal(h.nr_gaps, 0);
	assert_int_equal(xen_check_host(&h, &d), XK_OK);
}

static void test_dom0_without_sysfs_strings(void **state)
{
	(void)state;
	/* xenfs and Xen itself are enough. */
	scratch_text(&s, "/proc/xen/capabilities", "control_d\n");
	assert_int_equal(probe((struct xen_probe_env){.pv_cpuid = says_yes}), XK_OK);
	assert_int_equal(h.guest, GUEST_PV);
	assert_int_equal(h.xen.major, 4);
	assert_int_equal(h.xen.minor, 17);
	assert_int_equal(h.xen.bits, 64);
	assert_string_equal(h.xen.extra, ".7");
	assert_string_equal(h.xen.changeset, "fake");
	assert_string_equal(h.xen.compiler, "gcc (fake) 12");
	assert_string_equal(h.xen.build_id, "abcdef0000000000000000000000000000000000");
	assert_gap("xen.symbols-z", "xensyms");
	assert_gap("xen.image-virtual", "no hypervisor symbols");
}

static void test_denied_strings(void **state)
{
	(void)state;
	xen_4_17_tree("PV\n");
	scratch_text(&s, "/sys/hypervisor/properties/changeset", "<denied>\n");
	f.changeset = "<denied>";
	f.cmdline = NULL;
	assert_int_equal(probe((struct xen_probe_env){0}), XK_OK);
	assert_null(h.xen.changeset);
	assert_gap("xen.changeset", "denied");
	assert_null(h.xen.cmdline);
	assert_gap("xen.command-line", "denied");
}

static void test_no_xen(void **state)
{
	(void)state;
	h.cpu_long_mode = true;
	h.kernel.vmcoreinfo = (struct range){0x123000, 0x124024};
	assert_int_equal(probe((struct xen_probe_env){.pv_cpuid = says_no}), XK_OK);
	assert_int_equal(h.hypervisor, HV_NONE);
	assert_int_equal(h.guest, GUEST_NONE);
	assert_false(h.control_domain);
	assert_true(h.cpu_long_mode);
	assert_int_equal(h.kernel.vmcoreinfo.end, 0x124024);
	assert_int_equal(h.nr_gaps, 0);
	assert_int_equal(opened, 0);
	assert_int_equal(xen_check_host(&h, &d), XK_UNSUPPORTED);
}

static void test_other_hypervisor(void **state)
{
	(void)state;
	scratch_text(&s, "/sys/hypervisor/type", "other\n");
	assert_int_equal(probe((struct xen_probe_env){0}), XK_OK);
	assert_int_equal(h.hypervisor, HV_NONE);
}

static void test_domu(void **state)
{
	(void)state;
	xen_4_17_tree("PV\n");
	scratch_text(&s, "/proc/xen/capabilities", "\n");
	assert_int_equal(probe((struct xen_probe_env){0}), XK_OK);
	assert_int_equal(h.hypervisor, HV_XEN);
	assert_false(h.control_domain);
	assert_int_equal(opened, 0);
	assert_int_equal(h.xen.minor, 17);
	assert_gap("crash-region", "control domain");
	assert_gap("memory", "control domain");
	assert_int_equal(xen_check_host(&h, &d), XK_PRIVILEGE);
}

static void test_guest_types(void **state)
{
	static const struct {
		const char *guest_type, *features;
		bool (*cpuid)(void);
		enum guest_type want;
		bool dom0;
	} t[] = {
		{"PV\n", NULL, NULL, GUEST_PV, false},
		{"PVH\n", NULL, NULL, GUEST_PVH, false},
		{"HVM\n", NULL, NULL, GUEST_HVM, false},
		{NULL, "00000705\n", says_yes, GUEST_PV, false}, /* CPUID before the bits */
		{NULL, "00000aff\n", says_no, GUEST_HVM, true}, /* bits 2 and 11 */
		{NULL, "00000ae3\n", says_no, GUEST_PV, true}, /* 11 without 2 */
		{NULL, "00000705\n", NULL, GUEST_HVM, false}, /* 2 without 11 */
		{NULL, NULL, says_no, GUEST_UNKNOWN, false},
		{NULL, "rubbish\n", NULL, GUEST_UNKNOWN, false},
		{"Something\n", NULL, NULL, GUEST_UNKNOWN, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scratch_text(&s, "/sys/hypervisor/type", "xen\n");
		if (t[i].guest_type)
			scratch_text(&s, "/sys/hypervisor/guest_type", t[i].guest_type);
		if (t[i].features)
			scratch_text(&s, "/sys/hypervisor/properties/features", t[i].features);
		assert_int_equal(probe((struct xen_probe_env){.pv_cpuid = t[i].cpuid}), XK_OK);
		assert_int_equal(h.guest, t[i].want);
		assert_int_equal(h.control_domain, t[i].dom0);
		if (t[i].want == GUEST_UNKNOWN)
			assert_gap("guest", "guest_type");
		if (!t[i].features || t[i].features[0] == 'r')
			assert_gap("control-domain", "xenfs");
		teardown(state);
		setup(state);
	}
}

static void test_pvh_dom0(void **state)
{
	(void)state;
	xen_4_17_tree("PVH\n");
	f.has_kexec = false; /* the operation is for PV callers */
	h.kernel.vmcoreinfo = (struct range){0x7f123000, 0x7f124024};
	assert_int_equal(probe((struct xen_probe_env){0}), XK_OK);
	assert_int_equal(h.guest, GUEST_PVH);
	assert_int_equal(h.memory.nr, 3); /* this operation it has */
	assert_gap("xen.kexec", "ENOSYS");
	assert_gap("cpu-note", "ENOSYS");
	assert_int_equal(h.crash.nr, 0);
	assert_int_equal(h.nr_cpu_notes, 0);
	assert_int_equal(h.kernel.vmcoreinfo.end, 0x7f124024);
	assert_int_equal(xen_check_host(&h, &d), XK_UNSUPPORTED);
	assert_non_null(strstr(d.text, "PVH"));
}

static void test_no_crash_region(void **state)
{
	(void)state;
	xen_4_17_tree("PV\n");
	f.crash = (struct range){0, 0};
	assert_int_equal(probe((struct xen_probe_env){0}), XK_OK);
	assert_int_equal(h.crash.nr, 0);
	assert_gap("crash-region", "there is none");
	assert_gap("cpu-note", "reserved no memory");
	assert_int_equal(h.nr_cpu_notes, 0);
	assert_int_equal(xen_check_host(&h, &d), XK_NO_REGION);
}

static void test_not_root(void **state)
{
	(void)state;
	xen_4_17_tree("PV\n");
	assert_int_equal(probe((struct xen_probe_env){.open = open_fails}), XK_OK);
	assert_gap("xen.interface", "only root");
	assert_gap("crash-region", "only root");
	assert_gap("cpu-note", "only root");
	assert_int_equal(h.xen.bits, 64); /* sysfs told */
	assert_int_equal(xen_check_host(&h, &d), XK_IO);
}

static void test_32_on_64(void **state)
{
	(void)state;
	xen_4_17_tree("PV\n");
	assert_int_equal(probe((struct xen_probe_env){.process_bits = 32}), XK_OK);
	assert_int_equal(opened, 0);
	assert_gap("crash-region", "x86_64 build");
}

static void test_bits_disagree(void **state)
{
	(void)state;
	xen_4_17_tree("PV\n");
	f.notes[1].end = f.notes[1].start + 196; /* a 32-bit hypervisor's */
	assert_int_equal(probe((struct xen_probe_env){0}), XK_OK);
	assert_int_equal(h.xen.bits, 0);
	assert_gap("xen.bits", "32-bit");
	assert_int_equal(xen_check_host(&h, &d), XK_UNSUPPORTED);
}

static void test_odd_answers(void **state)
{
	(void)state;
	xen_4_17_tree("PV\n");
	f.notes[1].end = f.notes[1].start + 500; /* CPU 0's size on CPU 1 */
	f.map[0].addr = UINT64_MAX - 10;
	f.map[1].size = 0;
	f.image = (struct range){UINT64_MAX - 1, 100}; /* start + size wraps */
	scratch_text(&s, "/sys/hypervisor/properties/capabilities", "xen-3.0-aarch64\n");
	assert_int_equal(probe((struct xen_probe_env){0}), XK_OK);
	assert_gap("cpu-note", "500 bytes");
	assert_gap("memory", "wraps");
	assert_int_equal(h.memory.nr, 1);
	assert_gap("xen.image", "no sense");
	assert_true(range_empty(h.xen.image));
	assert_gap("xen.bits", "aarch64");
	assert_gap("xen.image-virtual", "64-bit hypervisor");
}

static void test_range_errors(void **state)
{
	(void)state;
	xen_4_17_tree("PV\n");
	f.fail_on = 1u << FAKE_RANGE | 1u << FAKE_MAP;
	f.fail_errno = EACCES;
	assert_int_equal(probe((struct xen_probe_env){0}), XK_OK);
	assert_gap("crash-region", "Permission denied");
	assert_gap("memory", "Permission denied");
	assert_int_equal(h.nr_cpu_notes, 1);
	assert_int_equal(h.cpu_notes[0].state, CPU_NOTE_ERROR);
	assert_gap("cpu-note", "Permission denied");
}

/* A 32-bit dom0 kernel: notes at these places in units of 4 GiB + 1 (0: below). */
static void narrow_dom0(const char *high, uint32_t nr)
{
	xen_4_17_tree("PV\n");
	h.kernel.bits = 32;
	f.compat = true;
	f.nr_cpus = nr;
	for (uint32_t i = 0; i < nr; i++) {
		uint64_t at = 0x7fe00000 + i * 0x1000 + (high[i] == 'H' ? UINT64_C(1) << 32 : 0);

		f.notes[i] = (struct range){at, at + (i ? 404 : 500)};
	}
}

static void test_narrow_dom0(void **state)
{
	static const struct {
		const char *high; /* per CPU: H above 4 GiB, l below */
		uint32_t seen; /* CPUs under /sys/devices/system/xen_cpu */
		const char *want; /* per CPU: E erange, P present */
	} t[] = {
		{"ll", 0, "PP"},
		{"ll", 2, "PP"},
		/* A later success proves the hole. */
		{"HHl", 0, "EEP"},
		{"lHHl", 0, "PEEP"},
		/* What dom0 sees of the CPUs proves the end. */
		{"llHH", 4, "PPEE"},
		{"HHHH", 4, "EEEE"},
		/* Nothing proves it: only CPU 0 is sure to exist. */
		{"HHHH", 0, "E"},
		{"llHH", 0, "PP"},
		/* Fewer seen than there are: a success still counts. */
		{"lHlH", 1, "PEP"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint32_t nr = (uint32_t)strlen(t[i].high);
		bool missing = strchr(t[i].want, 'E');

		narrow_dom0(t[i].high, nr);
		for (uint32_t c = 0; c < t[i].seen; c++) {
			char path[64];

			snprintf(path, sizeof(path), "/sys/devices/system/xen_cpu/xen_cpu%u", c);
			scratch_folder(&s, path);
		}
		assert_int_equal(probe((struct xen_probe_env){.process_bits = 32}), XK_OK);
		assert_int_equal(h.nr_cpu_notes, strlen(t[i].want));
		for (size_t c = 0; c < h.nr_cpu_notes; c++) {
			assert_int_equal(h.cpu_notes[c].cpu, c);
			assert_int_equal(h.cpu_notes[c].state,
				t[i].want[c] == 'E' ? CPU_NOTE_ERANGE : CPU_NOTE_PRESENT);
		}
		if (missing)
			assert_gap("cpu-note", "low_crashinfo=min");
		else
			assert_null(host_gap_reason(&h, "cpu-note"));
		/* Asking ended, although Xen never said so unambiguously. */
		assert_in_range(f.calls[FAKE_RANGE], 1, 4 + 300);
		teardown(state);
		setup(state);
	}
}

static void test_narrow_dom0_regions(void **state)
{
	(void)state;
	narrow_dom0("ll", 2);
	f.crash = (struct range){0x1a6651000, 0x1ba651000};
	assert_int_equal(probe((struct xen_probe_env){.process_bits = 32}), XK_OK);
	assert_int_equal(h.crash.nr, 0);
	assert_gap("crash-region", "above 4 GiB");
	/* CPU numbers below the first 4 GiB are still told. */
	assert_int_equal(h.nr_cpu_notes, 2);
	assert_int_equal(xen_check_host(&h, &d), XK_NO_REGION);
	assert_non_null(strstr(d.text, "below=4G"));
}

static void test_many_cpus(void **state)
{
	(void)state;
	xen_4_17_tree("PV\n");
	f.nr_cpus = FAKE_MAX_CPUS;
	for (uint32_t i = 0; i < f.nr_cpus; i++)
		f.notes[i] = (struct range){0x1000 * (i + 1), 0x1000 * (i + 1) + (i ? 404 : 500)};
	assert_int_equal(probe((struct xen_probe_env){0}), XK_OK);
	assert_int_equal(h.nr_cpu_notes, FAKE_MAX_CPUS);
	assert_null(host_gap_reason(&h, "cpu-note"));
}

static void test_madt(void **state)
{
	uint8_t m[44 + 3 * 8 + 2 * 16] = {'A', 'P', 'I', 'C'};
	uint8_t *e = m + 44;
	const char *source;

	(void)state;
	/* Two local APICs in use, one not; x2APIC: one repeats id 1, one is new. */
	memcpy(e, "\x00\x08\x00\x00\x01\x00\x00\x00", 8);
	memcpy(e + 8, "\x00\x08\x01\x01\x01\x00\x00\x00", 8);
	memcpy(e + 16, "\x00\x08\x02\x02\x00\x00\x00\x00", 8);
	memcpy(e + 24, "\x09\x10\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00", 16);
	memcpy(e + 40, "\x09\x10\x00\x00\x00\x02\x00\x00\x01\x00\x00\x00\x07\x00\x00\x00", 16);
	assert_int_equal(xen_madt_cpus((struct bytes){m, sizeof(m)}), 3);
	assert_int_equal(xen_madt_cpus((struct bytes){m, sizeof(m) - 1}), 2);
	assert_int_equal(xen_madt_cpus((struct bytes){m, 44}), 0);
	assert_int_equal(xen_madt_cpus((struct bytes){m, 43}), 0);
	e[1] = 0; /* would never end */
	assert_int_equal(xen_madt_cpus((struct bytes){m, sizeof(m)}), 0);
	e[1] = 255;
	assert_int_equal(xen_madt_cpus((struct bytes){m, sizeof(m)}), 0);
	e[1] = 8;
	assert_int_equal(xen_sysfs_cpus(s.path, &source), 1);
	scratch_file(&s, "/sys/firmware/acpi/tables/APIC", m, sizeof(m));
	assert_int_equal(xen_sysfs_cpus(s.path, &source), 3);
	assert_string_equal(source, "ACPI's MADT");
	scratch_folder(&s, "/sys/devices/system/xen_cpu/xen_cpu6");
	scratch_folder(&s, "/sys/devices/system/xen_cpu/xen_cpux");
	assert_int_equal(xen_sysfs_cpus(s.path, &source), 7);
	m[0] = 'X';
	assert_int_equal(xen_madt_cpus((struct bytes){m, sizeof(m)}), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_dom0),
		T(test_dom0_without_sysfs_strings),
		T(test_denied_strings),
		T(test_no_xen),
		T(test_other_hypervisor),
		T(test_domu),
		T(test_guest_types),
		T(test_pvh_dom0),
		T(test_no_crash_region),
		T(test_not_root),
		T(test_32_on_64),
		T(test_bits_disagree),
		T(test_odd_answers),
		T(test_range_errors),
		T(test_narrow_dom0),
		T(test_narrow_dom0_regions),
		T(test_many_cpus),
		T(test_madt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
