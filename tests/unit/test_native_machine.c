// SPDX-License-Identifier: GPL-2.0-only
/* The whole probe of a machine without a hypervisor. */
#include "tests/unit/xktest.h"

#include "native/machine.h"
#include "tests/unit/fixture.h"

/* The parts come together, and what they found is the same after writing and reading. */
static void test_machine(void **state)
{
	const struct native_probe_env env = {s.path, 64, NULL, NULL};
	struct buf text = {0};
	struct host b;

	(void)state;
	h.efi = true;
	scratch_text(&s, "/sys/firmware/efi/runtime-map/0/type", "0x5");
	scratch_text(&s, "/sys/firmware/efi/runtime-map/0/phys_addr", "0xbf8ef000");
	scratch_text(&s, "/sys/firmware/efi/runtime-map/0/virt_addr", "0xfffffffeff4ef000");
	scratch_text(&s, "/sys/firmware/efi/runtime-map/0/num_pages", "0x100");
	scratch_text(&s, "/sys/firmware/efi/runtime-map/0/attribute", "0xf");
	scratch_text(&s, "/proc/iomem",
		"00100000-0fffffff : System RAM\n  01000000-01ffffff : Kernel code\n"
		"  02000000-02ffffff : Kernel bss\n  08000000-0bffffff : Crash kernel\n");
	scratch_text(&s, "/sys/devices/system/cpu/present", "0");
	scratch_text(&s, "/sys/devices/system/cpu/possible", "0");
	scratch_text(&s, "/sys/devices/system/cpu/crash_hotplug", "0");
	scratch_text(&s, "/sys/devices/system/cpu/cpu0/crash_notes", "f000000");
	scratch_text(&s, "/sys/devices/system/cpu/cpu0/crash_notes_size", "420");
	scratch_text(&s, "/sys/kernel/crash_elfcorehdr_size", "135168");
	scratch_text(&s, "/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	assert_int_equal(native_machine_probe(&env, &h, &d), XK_OK);
	assert_int_equal(h.memory.nr, 1);
	assert_int_equal(h.crash.nr, 1);
	assert_int_equal(h.nr_cpu_notes, 1);
	assert_true(h.kernel.crash_hotplug);
	assert_int_equal(h.nr_gaps, 6); /* two of /proc/kcore, four small ones of EFI */
	assert_int_equal(facts_write(&h, &text, &d), XK_OK);
	assert_int_equal(facts_read(buf_bytes(&text), "f", &b, &d), XK_OK);
	assert_true(host_equal(&h, &b));
	assert_int_equal(b.kernel.image.end, 0x3000000);
	assert_int_equal(b.kernel.elfcorehdr_size, 135168);
	assert_string_equal(b.kernel.lockdown, "integrity");
	assert_int_equal(b.efi_runtime_map.len, 40);
	host_deinit(&b);
	buf_deinit(&text);
}

static void test_empty_tree(void **state)
{
	static const char *const facts[] = {"memory", "crash-region", "cpu-note", "kernel.image",
		"kernel.image-virtual", "kernel.page-offset", "kernel.lockdown"};
	const struct native_probe_env env = {s.path, 64, NULL, NULL};

	(void)state;
	assert_int_equal(native_machine_probe(&env, &h, &d), XK_OK);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		if (!host_gap_reason(&h, facts[i]))
			fail_msg("no gap for %s", facts[i]);
	assert_int_equal(h.nr_gaps, ARRAY_SIZE(facts)); /* no EFI, no hotplug: not missing */
}

/* On this very machine, whatever it is: sanity only. */
static void test_real(void **state)
{
	(void)state;
	assert_int_equal(native_machine_probe(&native_probe_real, &h, &d), XK_OK);
	assert_true(h.nr_cpu_notes || host_gap_reason(&h, "cpu-note"));
	assert_true(h.memory.nr || host_gap_reason(&h, "memory"));
	assert_true(h.kernel.page_offset || host_gap_reason(&h, "kernel.page-offset"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_machine),
		T(test_empty_tree),
		T(test_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
