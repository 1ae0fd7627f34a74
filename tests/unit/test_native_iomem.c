// SPDX-License-Identifier: GPL-2.0-only
/* /proc/iomem of hosts without a hypervisor. */
#include <stdio.h>

#include "tests/unit/xktest.h"

#include "native/machine.h"
#include "tests/unit/fixture.h"

static void probe(const char *text)
{
	scratch_text(&s, "/proc/iomem", text);
	assert_int_equal(native_iomem(s.path, &h, &d), XK_OK);
}

static void expect(const struct range_list *l, size_t nr, const struct mem_range *want)
{
	assert_int_equal(l->nr, nr);
	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(l->v[i].r.start, want[i].r.start);
		assert_int_equal(l->v[i].r.end, want[i].r.end);
		assert_int_equal(l->v[i].type, want[i].type);
	}
}
#define EXPECT(list, ...)                                                                  \
	expect(list, sizeof((struct mem_range[]){__VA_ARGS__}) / sizeof(struct mem_range), \
		(struct mem_range[]){__VA_ARGS__})
#define LOW_IMAGE "00100000-0fffffff : System RAM\n"

static const char plain[] = "00000000-00000fff : Reserved\n"
			    "00001000-0009fbff : System RAM\n"
			    "000a0000-000bffff : PCI Bus 0000:00\n"
			    "000f0000-000fffff : System ROM\n"
			    "00100000-7ffdbfff : System RAM\n"
			    "  01000000-02209987 : Kernel code\n"
			    "  02400000-02e09fff : Kernel rodata\n"
			    "  03000000-0327c0ff : Kernel data\n"
			    "  03b34000-03c57fff : Kernel bss\n"
			    "  70000000-7effffff : Crash kernel\n"
			    "7ffdc000-7ffdffff : ACPI Tables\n"
			    "7ffe0000-7ffeffff : ACPI Non-volatile Storage\n"
			    "7fff0000-7fff7fff : Unusable memory\n"
			    "80000000-febfffff : PCI Bus 0000:00\n"
			    "  b0000000-bfffffff : PCI MMCONFIG 0000 [bus 00-ff]\n"
			    "    b0000000-bfffffff : Reserved\n"
			    "100000000-27fffffff : System RAM\n"
			    "  270000000-27effffff : Crash kernel\n"
			    "280000000-2ffffffff : Persistent Memory\n";

static void test_plain(void **state)
{
	(void)state;
	probe(plain);
	EXPECT(&h.memory, {{0, 0x1000}, MEM_RESERVED}, {{0x1000, 0x9fc00}, MEM_RAM},
		{{0x100000, 0x7ffdc000}, MEM_RAM}, {{0x7ffdc000, 0x7ffe0000}, MEM_ACPI},
		{{0x7ffe0000, 0x7fff0000}, MEM_NVS}, {{0x7fff0000, 0x7fff8000}, MEM_UNUSABLE},
		{{0xb0000000, 0xc0000000}, MEM_RESERVED}, {{4 * GiB, 0x280000000}, MEM_RAM},
		{{0x280000000, 0x300000000}, MEM_PMEM});
	/* crashkernel=...,high and ,low; both are RAM in the map as well. */
	EXPECT(&h.crash, {{0x70000000, 0x7f000000}, MEM_RAM},
		{{0x270000000, 0x27f000000}, MEM_RAM});
	for (size_t i = 0; i < h.crash.nr; i++)
		assert_true(range_list_covers(&h.memory, h.crash.v[i].r, MEM_RAM));
	assert_int_equal(h.kernel.image.start, 0x1000000);
	assert_int_equal(h.kernel.image.end, 0x3c58000);
	assert_int_equal(h.nr_gaps, 0);
}

/* The inner name wins, at any depth; a parent of the same name is no second entry. */
static void test_nesting(void **state)
{
	(void)state;
	probe(LOW_IMAGE "  01000000-01ffffff : Kernel code\n"
			"  02000000-02ffffff : Kernel bss\n"
			"  04000000-07ffffff : GART\n"
			"  08100000-08100fff : Reserved\n"
			"  09000000-09ffffff : Crash kernel\n"
			"    09800000-098fffff : System RAM\n"
			"140000000-33fffffff : virtio0\n"
			"  140000000-147ffffff : System RAM (virtio_mem)\n"
			"  148000000-14fffffff : System RAM (virtio_mem)\n"
			"  160000000-167ffffff : System RAM (virtio_mem)\n"
			"400000000-4ffffffff : Persistent Memory\n"
			"  410000000-4efffffff : dax0.0\n"
			"    420000000-427ffffff : System RAM (kmem)\n"
			"    428000000-42fffffff : System RAM (kmem)\n"
			"      428000000-428000fff : reserved\n"
			"500000000-5ffffffff : Soft Reserved\n"
			"  500000000-5ffffffff : dax1.0\n"
			"    500000000-53fffffff : System RAM (kmem)\n"
			"600000000-6ffffffff : Persistent Memory (legacy)\n"
			"700000000-7ffffffff : System RAM beyond\n");
	EXPECT(&h.memory, {{0x100000, 0x4000000}, MEM_RAM}, {{0x4000000, 0x8000000}, MEM_RESERVED},
		{{0x8000000, 0x8100000}, MEM_RAM}, {{0x8100000, 0x8101000}, MEM_RESERVED},
		{{0x8101000, 0x10000000}, MEM_RAM}, {{0x140000000, 0x150000000}, MEM_RAM},
		{{0x160000000, 0x168000000}, MEM_RAM}, {{0x400000000, 0x420000000}, MEM_PMEM},
		{{0x420000000, 0x428000000}, MEM_RAM}, {{0x428000000, 0x428001000}, MEM_RESERVED},
		{{0x428001000, 0x430000000}, MEM_RAM}, {{0x430000000, 0x500000000}, MEM_PMEM},
		{{0x500000000, 0x540000000}, MEM_RAM}, {{0x540000000, 0x600000000}, MEM_RESERVED},
		{{0x600000000, 0x700000000}, 12});
	EXPECT(&h.crash, {{0x9000000, 0xa000000}, MEM_RAM});
	assert_int_equal(h.nr_gaps, 0);
}

/* A region that spans the RAM it was cut from, which the kernel then shows as its child. */
static void test_crash_is_parent(void **state)
{
	(void)state;
	probe("10000000-1fffffff : Crash kernel\n  10000000-1fffffff : System RAM\n");
	EXPECT(&h.crash, {{0x10000000, 0x20000000}, MEM_RAM});
	EXPECT(&h.memory, {{0x10000000, 0x20000000}, MEM_RAM});
}

static void test_zeros(void **state)
{
	static const char *const facts[] = {"memory", "crash-region", "kernel.image"};

	(void)state;
	probe("00000000-00000000 : System RAM\n  00000000-00000000 : Crash kernel\n"
	      "  00000000-00000000 : Kernel code\n00000000-00000000 : Reserved\n");
	assert_int_equal(h.memory.nr, 0);
	assert_int_equal(h.crash.nr, 0);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		assert_says(host_gap_reason(&h, facts[i]), "CAP_SYS_ADMIN");
}

static void test_no_file(void **state)
{
	(void)state;
	assert_int_equal(native_iomem(s.path, &h, &d), XK_OK);
	assert_says(host_gap_reason(&h, "memory"), "/proc/iomem");
	assert_says(host_gap_reason(&h, "crash-region"), "/proc/iomem");
	assert_says(host_gap_reason(&h, "kernel.image"), "/proc/iomem");
}

static void test_no_crash_region(void **state)
{
	(void)state;
	probe(LOW_IMAGE);
	assert_int_equal(h.crash.nr, 0);
	assert_says(host_gap_reason(&h, "crash-region"), "crashkernel=");
}

/* One bad line is named and left out; the good one after it still counts. */
static void test_bad_lines(void **state)
{
	static const struct {
		const char *line, *fact, *says;
	} t[] = {
		{"", "memory", ":2: expected"},
		{"rubbish", "memory", ":2: expected"},
		{"-20000000 : System RAM", "memory", ":2: expected"},
		{"20000000 : System RAM", "memory", ":2: expected"},
		{"20000000-2fffffff: System RAM", "memory", ":2: expected"},
		{"20000000-2fffffff :", "memory", ":2: expected"},
		{"20000000--1 : System RAM", "memory", ":2: expected"},
		{"0x20000000-0x2fffffff : System RAM", "memory", ":2: expected"},
		{"20000000-10000000000000000 : System RAM", "memory", ":2: expected"},
		{"20000000-ffffffffffffffff : System RAM", "memory", ":2: 0x20000000"},
		{"2fffffff-20000000 : System RAM", "memory", "no range"},
		{"2fffffff-20000000 : Reserved", "memory", "no range"},
		{"00000000-ffffffffffffffff : Crash kernel", "crash-region", "no range"},
		{"2fffffff-20000000 : Crash kernel", "crash-region", "no range"},
		{"2fffffff-20000000 : Kernel code", "kernel.image", "no range"},
		{"00200000-00200000 : Kernel bss\n00300000-00400000 : Kernel bss", "kernel.image",
			"2 \"Kernel bss\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		char text[256];

		snprintf(text, sizeof(text),
			LOW_IMAGE "%s\n40000000-4fffffff : System RAM\n"
				  "  41000000-41ffffff : Crash kernel\n",
			t[i].line);
		probe(text);
		if (!host_gap_reason(&h, t[i].fact))
			fail_msg("taken: %s", t[i].line);
		assert_says(host_gap_reason(&h, t[i].fact), t[i].says);
		EXPECT(&h.memory, {{0x100000, 0x10000000}, MEM_RAM},
			{{0x40000000, 0x50000000}, MEM_RAM});
		EXPECT(&h.crash, {{0x41000000, 0x42000000}, MEM_RAM});
		again(state);
	}
}

/* Things no kernel writes: whatever is said not to be RAM is not. */
static void test_overlaps(void **state)
{
	(void)state;
	probe(LOW_IMAGE "08000000-17ffffff : Reserved\n");
	EXPECT(&h.memory, {{0x100000, 0x8000000}, MEM_RAM},
		{{0x8000000, 0x18000000}, MEM_RESERVED});
	assert_says(host_gap_reason(&h, "memory"), ":2: 0x8000000-0x18000000 overlaps");
	again(state);

	probe("08000000-17ffffff : Reserved\n" LOW_IMAGE);
	EXPECT(&h.memory, {{0x8000000, 0x18000000}, MEM_RESERVED});
	assert_says(host_gap_reason(&h, "memory"), "overlaps");
	again(state);

	probe("08000000-17ffffff : ACPI Tables\n00000000-ffffffff : System RAM\n");
	EXPECT(&h.memory, {{0x8000000, 0x18000000}, MEM_ACPI});
	again(state);

	probe(LOW_IMAGE LOW_IMAGE "08000000-17ffffff : System RAM\n");
	EXPECT(&h.memory, {{0x100000, 0x18000000}, MEM_RAM});
	again(state);

	probe(LOW_IMAGE "01000000-02ffffff : Crash kernel\n02000000-03ffffff : Crash kernel\n");
	EXPECT(&h.crash, {{0x1000000, 0x3000000}, MEM_RAM});
	assert_says(host_gap_reason(&h, "crash-region"), ":3: ");
}

static void test_bad_image(void **state)
{
	static const struct {
		const char *text, *says;
	} t[] = {
		{"", "0 \"Kernel code\""},
		{"01000000-01ffffff : Kernel code\n", "0 \"Kernel bss\""},
		{"02000000-02ffffff : Kernel bss\n", "0 \"Kernel code\""},
		{"01000000-01ffffff : Kernel code\n03000000-03ffffff : Kernel code\n"
		 "05000000-05ffffff : Kernel bss\n",
			"2 \"Kernel code\""},
		{"02000000-02ffffff : Kernel code\n01000000-01ffffff : Kernel bss\n", "one image"},
		{"01000000-02ffffff : Kernel code\n02000000-03ffffff : Kernel bss\n", "one image"},
		{"01000000-01ffffff : Kernel code\n50000000-500fffff : Kernel bss\n", "one image"},
		{"0e000000-0effffff : Kernel code\n0f000000-100fffff : Kernel bss\n", "not in RAM"},
		{"20000000-20ffffff : Kernel code\n21000000-21ffffff : Kernel bss\n", "not in RAM"},
		{"01000000-01ffffff : Kernel code\n03000000-03ffffff : Kernel bss\n"
		 "02000000-02000fff : Reserved\n",
			"not in RAM"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		char text[256];

		snprintf(text, sizeof(text), LOW_IMAGE "%s", t[i].text);
		probe(text);
		assert_true(range_empty(h.kernel.image));
		assert_says(host_gap_reason(&h, "kernel.image"), t[i].says);
		again(state);
	}
}

/* Cut anywhere, and with a NUL anywhere: never beyond the buffer, and no crash region is made up. */
static void test_truncated(void **state)
{
	char text[sizeof(plain)];

	for (size_t len = 0; len < sizeof(plain) - 1; len += 3) {
		memcpy(text, plain, sizeof(text));
		text[len] = '\0';
		scratch_file(&s, "/proc/iomem", text, len % 2 ? len : sizeof(text) - 1);
		assert_int_equal(native_iomem(s.path, &h, &d), XK_OK);
		assert_true(h.crash.nr <= 2);
		again(state);
	}
}

static void test_long_lines(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_printf(&b, "%s20000000-20ffffff : ", LOW_IMAGE);
	for (int i = 0; i < 100000; i++)
		buf_append(&b, "System RAM ", 11);
	buf_printf(&b, "\n");
	for (int i = 0; i < 100000; i++)
		buf_append(&b, " ", 1);
	buf_printf(&b, "01000000-01ffffff : Crash kernel");
	scratch_file(&s, "/proc/iomem", b.data, b.len);
	buf_deinit(&b);
	assert_int_equal(native_iomem(s.path, &h, &d), XK_OK);
	EXPECT(&h.memory, {{0x100000, 0x10000000}, MEM_RAM});
	EXPECT(&h.crash, {{0x1000000, 0x2000000}, MEM_RAM});
}

/* Neighbouring blocks are one range however many there are; a map with more holes than any
 * machine's is refused whole, since a part of it would be a dump that lacks memory. */
static void test_many(void **state)
{
	struct buf b = {0};

	for (uint64_t i = 0; i < 40000; i++)
		buf_printf(&b, "%" PRIx64 "-%" PRIx64 " : System RAM\n", i * 128 * MiB,
			(i + 1) * 128 * MiB - 1);
	scratch_file(&s, "/proc/iomem", b.data, b.len);
	assert_int_equal(native_iomem(s.path, &h, &d), XK_OK);
	EXPECT(&h.memory, {{0, 40000 * 128 * MiB}, MEM_RAM});
	assert_null(host_gap_reason(&h, "memory"));
	again(state);

	b.len = 0;
	for (uint64_t i = 0; i < 16385; i++)
		buf_printf(&b, "%" PRIx64 "-%" PRIx64 " : System RAM\n", i * MiB, i * MiB + 0xffff);
	scratch_file(&s, "/proc/iomem", b.data, b.len);
	buf_deinit(&b);
	assert_int_equal(native_iomem(s.path, &h, &d), XK_OK);
	assert_int_equal(h.memory.nr, 0);
	assert_says(host_gap_reason(&h, "memory"), "16384");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_plain),
		T(test_nesting),
		T(test_crash_is_parent),
		T(test_zeros),
		T(test_no_file),
		T(test_no_crash_region),
		T(test_bad_lines),
		T(test_overlaps),
		T(test_bad_image),
		T(test_truncated),
		T(test_long_lines),
		T(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
