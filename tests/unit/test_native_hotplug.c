// SPDX-License-Identifier: GPL-2.0-only
/* Whether the kernel can keep a loaded elfcorehdr current, over fixture trees. */
#include "tests/unit/xktest.h"

#include "native/machine.h"
#include "tests/unit/fixture.h"

#define CPUS "/sys/devices/system/cpu/"

static void test_hotplug(void **state)
{
	static const struct {
		const char *cpu, *memory, *size;
		bool want;
		uint32_t room;
	} t[] = {
		{"1\n", "1\n", "135168\n", true, 135168},
		/* Nothing is loaded: the kernel can do it all the same. */
		{"0\n", "0\n", "135168\n", true, 135168},
		{"0\n", NULL, "120\n", true, 120},
		{NULL, "0\n", "67108864\n", true, 67108864},
		/* An older kernel, without even the files: no is not a gap. */
		{NULL, NULL, NULL, false, 0},
		{NULL, NULL, "135168\n", false, 0},
		{"1\n", "1\n", NULL, false, 0},
		{"1\n", "1\n", "", false, 0},
		{"1\n", "1\n", "0\n", false, 0},
		{"1\n", "1\n", "119\n", false, 0},
		{"1\n", "1\n", "67108865\n", false, 0},
		{"1\n", "1\n", "-1\n", false, 0},
		{"1\n", "1\n", "0x1000\n", false, 0},
		{"1\n", "1\n", "18446744073709551617\n", false, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		bool gap = !t[i].want && (t[i].cpu || t[i].memory);

		if (t[i].cpu)
			scratch_text(&s, CPUS "crash_hotplug", t[i].cpu);
		if (t[i].memory)
			scratch_text(&s, "/sys/devices/system/memory/crash_hotplug", t[i].memory);
		if (t[i].size)
			scratch_text(&s, "/sys/kernel/crash_elfcorehdr_size", t[i].size);
		native_crash_hotplug(s.path, &h);
		assert_int_equal(h.kernel.crash_hotplug, t[i].want);
		assert_int_equal(h.kernel.elfcorehdr_size, t[i].room);
		assert_int_equal(!!host_gap_reason(&h, "kernel.crash-hotplug"), gap);
		assert_int_equal(!!host_gap_reason(&h, "kernel.elfcorehdr-size"), gap);
		again(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_hotplug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
