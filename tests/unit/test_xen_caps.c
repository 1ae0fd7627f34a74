// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "xen/abi.h"
#include "xen/caps.h"

static void test_bits(void **state)
{
	static const struct {
		const char *caps;
		unsigned bits;
		bool pv32;
	} t[] = {
		{"xen-3.0-x86_64 xen-3.0-x86_32p hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ",
			64, true},
		{"xen-3.0-x86_32p ", 32, true},
		{"xen-3.0-x86_32p hvm-3.0-x86_32 hvm-3.0-x86_32p ", 32, true},
		{"xen-3.0-x86_64 ", 64, false}, {"xen-3.0-x86_64\n", 64, false},
		/* Without PV only the hvm tokens are left. */
		{"hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ", 64, false},
		{"xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ", 64, false},
		{NULL, 0, false}, {"", 0, false}, {" ", 0, false}, {"<denied>", 0, false},
		{"xen-3.0-aarch64 xen-3.0-armv7l ", 0, false}, {"x86_64", 0, false},
		{"xen-3.0-x86_64p ", 0, false}, {"foo-3.0-x86_64 xen-3.0-x86_32p", 32, true},
		{"xen-x86_64", 0, false}, /* no version: not a token Xen writes */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		assert_int_equal(xen_caps_bits(t[i].caps), t[i].bits);
		assert_int_equal(xen_caps_pv32(t[i].caps), t[i].pv32);
	}
}

static void test_gates(void **state)
{
	static const struct {
		uint32_t major, minor;
		bool load, status, unload, on_demand;
		uint64_t off;
	} t[] = {
		{3, 4, false, false, false, false, 0x100000},
		{4, 1, false, false, false, false, 0x100000},
		{4, 3, false, false, false, true, 0x100000},
		{4, 4, true, false, false, true, 0x100000},
		{4, 8, true, false, false, true, 0x100000},
		{4, 9, true, true, true, true, 0x200000},
		{4, 17, true, true, true, true, 0x200000},
		{5, 0, true, true, true, true, 0x200000},
		{0, 0, false, false, false, false, 0x100000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		assert_int_equal(xen_has_kexec_load(t[i].major, t[i].minor), t[i].load);
		assert_int_equal(xen_has_kexec_status(t[i].major, t[i].minor), t[i].status);
		assert_int_equal(xen_unload_is_safe(t[i].major, t[i].minor), t[i].unload);
		assert_int_equal(
			xen_allocates_notes_on_demand(t[i].major, t[i].minor), t[i].on_demand);
		assert_int_equal(xen_image_offset(t[i].major, t[i].minor), t[i].off);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_gates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
