// SPDX-License-Identifier: GPL-2.0-only
/* Note buffers of the CPUs, over fixture trees. */
#include <stdio.h>

#include "tests/unit/xktest.h"

#include "native/machine.h"
#include "tests/unit/fixture.h"

#define CPUS "/sys/devices/system/cpu/"

/* NULL: no such file. */
static void cpu(unsigned nr, const char *notes, const char *size)
{
	char path[128];

	snprintf(path, sizeof(path), CPUS "cpu%u", nr);
	scratch_folder(&s, path);
	snprintf(path, sizeof(path), CPUS "cpu%u/crash_notes", nr);
	if (notes)
		scratch_text(&s, path, notes);
	snprintf(path, sizeof(path), CPUS "cpu%u/crash_notes_size", nr);
	if (size)
		scratch_text(&s, path, size);
}

static void lists(const char *present, const char *possible)
{
	if (present)
		scratch_text(&s, CPUS "present", present);
	if (possible)
		scratch_text(&s, CPUS "possible", possible);
}

static void probe(void)
{
	assert_int_equal(native_crash_notes(s.path, &h, &d), XK_OK);
}

/* CPU 1 is offline, which changes nothing; 2 was unplugged; 3 is possible, with a folder that the
 * list of present CPUs lags behind; 8 is above 4 GiB. */
static void test_cpus(void **state)
{
	(void)state;
	lists("0-1,8\n", "0-15\n");
	cpu(0, "13f3d7000\n", "420\n");
	cpu(1, "0x27c38600\n", "368\n");
	scratch_text(&s, CPUS "cpu1/online", "0\n");
	cpu(3, "1000\n", "420\n");
	cpu(8, "ffff00000000\n", "420\n");
	probe();
	assert_int_equal(h.nr_gaps, 0);
	assert_int_equal(h.nr_cpu_notes, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(h.cpu_notes[i].state, CPU_NOTE_PRESENT);
	assert_int_equal(h.cpu_notes[0].r.start, 0x13f3d7000);
	assert_int_equal(h.cpu_notes[0].r.end, 0x13f3d71a4);
	assert_int_equal(h.cpu_notes[1].r.start, 0x27c38600);
	assert_int_equal(range_size(h.cpu_notes[1].r), 368);
	assert_int_equal(h.cpu_notes[2].cpu, 3);
	assert_int_equal(h.cpu_notes[3].cpu, 8);
	assert_int_equal(h.cpu_notes[3].r.start, 0xffff00000000);
}

/* One of the lists will do, and is a gap. */
static void test_one_list(void **state)
{
	for (int i = 0; i < 2; i++) {
		lists(i ? "0" : NULL, i ? NULL : "0-3");
		cpu(0, "1000\n", "420\n");
		probe();
		assert_int_equal(h.nr_cpu_notes, 1);
		assert_says(host_gap_reason(&h, "cpu-note"), i ? "possible" : "present");
		again(state);
	}
}

static void test_bad_lists(void **state)
{
	static const char *const t[] = {"", "x", "0-", "-1", "1-0", "0,", ",0", "0-65536",
		"0-18446744073709551616", "4294967296", "0 1", "0-1-2"};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		lists(t[i], t[i]);
		cpu(0, "1000\n", "420\n");
		probe();
		if (h.nr_cpu_notes || !host_gap_reason(&h, "cpu-note"))
			fail_msg("taken: %s", t[i]);
		assert_says(host_gap_reason(&h, "cpu-note"), "not a list of CPUs");
		again(state);
	}
	probe();
	assert_int_equal(h.nr_cpu_notes, 0);
	assert_non_null(host_gap_reason(&h, "cpu-note"));
}

/* A CPU that is there and whose buffer is not known must not vanish. */
static void test_bad_notes(void **state)
{
	static const struct {
		const char *notes, *size, *says;
	} t[] = {
		{NULL, NULL, "crash_notes"},
		{NULL, "420", "crash_notes"},
		{"1000", NULL, "crash_notes_size"},
		{"", "420", "wanted a hexadecimal address"},
		{"0", "420", "wanted a hexadecimal address"},
		{"xyz", "420", "wanted a hexadecimal address"},
		{"1000 420", "420", "wanted a hexadecimal address"},
		{"10000000000000000", "420", "wanted a hexadecimal address"},
		{"1000", "", "wanted a size"},
		{"1000", "0", "wanted a size"},
		{"1000", "11", "wanted a size"},
		{"1000", "65537", "wanted a size"},
		{"1000", "-420", "wanted a size"},
		{"1000", "1a4", "wanted a size"},
		{"1002", "420", "unaligned"},
		{"fffffffffffffff0", "420", "wrap"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		lists("0-1", "0-1");
		cpu(0, t[i].notes, t[i].size);
		cpu(1, "2000", "12");
		probe();
		assert_int_equal(h.nr_cpu_notes, 2);
		assert_int_equal(h.cpu_notes[0].state, CPU_NOTE_ERROR);
		assert_true(range_empty(h.cpu_notes[0].r));
		assert_int_equal(h.cpu_notes[1].state, CPU_NOTE_PRESENT);
		assert_int_equal(range_size(h.cpu_notes[1].r), 12);
		assert_says(host_gap_reason(&h, "cpu-note"), t[i].says);
		assert_says(host_gap_reason(&h, "cpu-note"), i < 14 ? "cpu0/" : "CPU 0");
		again(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_cpus),
		T(test_one_list),
		T(test_bad_lists),
		T(test_bad_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
