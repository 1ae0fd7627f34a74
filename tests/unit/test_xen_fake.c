// SPDX-License-Identifier: GPL-2.0-only
/* The fake hypervisor itself, against what is documented of the real one: the other tests lean
 * on it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/fake_xen.h"

#define START 0x20000000u
#define END   0x20400000u /* 4 MiB */

static struct fake_xen f;
static struct xen x;
static uint8_t *page;

static int setup(void **state)
{
	(void)state;
	fake_xen_init(&f, (struct range){START, END});
	x = fake_xen_handle(&f);
	page = f.alloc.alloc(f.alloc.ctx, 8192);
	memset(page, 0x5a, 8192);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	xen_close(&x);
	assert_int_equal(f.opened, 0);
	fake_xen_deinit(&f);
	return 0;
}

static struct xen_kexec_segment seg(uint64_t dest, uint64_t size, bool buffer)
{
	return (struct xen_kexec_segment){
		buffer ? (uintptr_t)page : 0, buffer ? 4096 : 0, dest, size};
}

/* Loads and gives 0 or the error number. */
static int load(uint16_t arch, uint64_t entry, uint32_t nr, struct xen_kexec_segment *s)
{
	return x.ops->load(x.ctx, 1, arch, entry, nr, s) ? errno : 0;
}

static int load_good(void)
{
	struct xen_kexec_segment s = seg(START + 0x200000, 0x1000, true);

	return load(62, START + 0x200000, 1, &s);
}

static void test_rejections(void **state)
{
	struct xen_kexec_segment many[16], s[2];

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		many[i] = seg(START + 0x200000 + i * 0x1000, 0x1000, true);
	assert_int_equal(load(62, START, 16, many), EINVAL);
	assert_int_equal(load(62, START, 15, many), 0);
	s[0] = seg(START, 0x800, true);
	assert_int_equal(load(62, START, 1, s), EADDRNOTAVAIL);
	s[0] = seg(0x1000, 0x800, false);
	assert_int_equal(load(62, START, 1, s), EADDRNOTAVAIL);
	s[0] = seg(START + 0x200000, 0x3000, true);
	s[1] = seg(START + 0x202000, 0x1000, true);
	assert_int_equal(load(62, START, 2, s), EINVAL);
	s[0] = seg(START - 0x1000, 0x1000, true);
	assert_int_equal(load(62, START, 1, s), EADDRNOTAVAIL);
	s[0] = seg(START - 0x1000, 0x1000, false);
	assert_int_equal(load(62, START, 1, s), 0);
	s[0] = seg(START + 0x200000, 0x1000, true);
	assert_int_equal(load(62, END, 1, s), 0);
	assert_int_equal(load(62, END + 1, 1, s), EADDRNOTAVAIL);
	assert_int_equal(load(62, START - 1, 1, s), EADDRNOTAVAIL);
	s[0].buf_size = 0x1001;
	assert_int_equal(load(62, START, 1, s), EINVAL);
	s[0] = seg(START, END - START, true);
	assert_int_equal(load(62, START, 1, s), ENOMEM);
	s[0] = seg(START + 0x200000, 0, false);
	assert_int_equal(load(62, START, 1, s), ENOMEM);
}

static void test_arch_is_checked_after_copying(void **state)
{
	struct xen_kexec_segment s = seg(START + 0x200000, 0x2000, true);

	(void)state;
	memset(f.memory, 0xee, 0x400000);
	assert_int_equal(load(0, START, 1, &s), EINVAL);
	assert_int_equal(f.memory[0x200000], 0x5a);
	assert_int_equal(f.memory[0x200fff], 0x5a);
	assert_int_equal(f.memory[0x201000], 0); /* the tail is cleared */
	assert_int_equal(f.memory[0x202000], 0xee);
	assert_int_equal(f.memory[0], 0); /* control pages come from the start */
	assert_false(fake_xen_loaded(&f));
}

static void test_unsafe_buffer(void **state)
{
	struct xen_kexec_segment s = seg(START + 0x200000, 0x2000, true);
	uint8_t stack[16] = {0};

	(void)state;
	s.buf = (uintptr_t)stack;
	s.buf_size = sizeof(stack);
	assert_int_equal(load(62, START, 1, &s), EFAULT);
}

static void test_status_is_a_parity(void **state)
{
	static const struct {
		const char *ops;
		bool loaded;
		int status;
	} t[] = {
		{"", false, 0},
		{"L", true, 1},
		{"LL", true, 0},
		{"LU", false, 0},
		{"U", false, 1},
		{"UL", true, 0},
		{"LLU", false, 1},
		{"LUL", true, 1},
		/* As seen on a real 4.17. */
		{"ULLUL", true, 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		for (const char *p = t[i].ops; *p; p++)
			assert_int_equal(*p == 'L' ? load_good() : x.ops->unload(x.ctx, 1), 0);
		assert_int_equal(fake_xen_loaded(&f), t[i].loaded);
		assert_int_equal(x.ops->status(x.ctx, 1), t[i].status);
		assert_false(f.panicked);
		teardown(state);
		setup(state);
	}
}

static void test_double_free_before_4_9(void **state)
{
	static const struct {
		const char *ops;
		bool panics;
	} t[] = {
		{"LLLLLLLL", false},
		{"LULULULU", false},
		{"LLU", false},
		{"LLUL", true},
		{"LLUU", true},
		{"LUU", false},
		{"LUUU", true},
		{"LUUL", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		for (int minor = 4; minor <= 9; minor += 5) {
			f.minor = (uint32_t)minor;
			for (const char *p = t[i].ops; *p; p++)
				assert_int_equal(
					*p == 'L' ? load_good() : x.ops->unload(x.ctx, 1), 0);
			assert_int_equal(f.panicked, minor == 4 && t[i].panics);
			teardown(state);
			setup(state);
		}
	}
}

static void test_old_xen_pretends(void **state)
{
	(void)state;
	f.minor = 3;
	assert_int_equal(load_good(), 0);
	assert_false(fake_xen_loaded(&f));
	f.minor = 8;
	assert_int_equal(load_good(), 0);
	assert_true(fake_xen_loaded(&f));
	assert_int_equal(x.ops->status(x.ctx, 1), 0);
}

static void test_compat_range(void **state)
{
	uint64_t start = 1, size = 2;

	(void)state;
	f.notes[0] = (struct range){0x100000000, 0x100000000 + 500};
	assert_int_equal(x.ops->get_range(x.ctx, 2, 0, &start, &size), 0);
	assert_int_equal(start, 0x100000000);
	f.compat = true;
	start = 1;
	assert_int_equal(x.ops->get_range(x.ctx, 2, 0, &start, &size), -1);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(start, 1);
	assert_int_equal(x.ops->get_range(x.ctx, 2, 2, &start, &size), -1);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(x.ops->get_range(x.ctx, 3, 0, &start, &size), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(x.ops->exec(x.ctx, 1), -1);
	assert_int_equal(errno, ENOENT);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_rejections),
		T(test_arch_is_checked_after_copying),
		T(test_unsafe_buffer),
		T(test_status_is_a_parity),
		T(test_double_free_before_4_9),
		T(test_old_xen_pretends),
		T(test_compat_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
