// SPDX-License-Identifier: GPL-2.0-only
/* Finding the library and its memory, on a machine that need not have Xen. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/scratch.h"
#include "xen/ctrl.h"
#include "xen/pv_cpuid.h"
#include "xen/sysfs.h"

static void test_names(void **state)
{
	char n[XEN_LIB_NAMES][XEN_LIB_NAME_LEN];

	(void)state;
	/* Own first, then 4.30 ... 4.4 without it, then the plain name. */
	assert_int_equal(xen_lib_names(4, 17, n), 28);
	assert_string_equal(n[0], "libxenctrl.so.4.17");
	assert_string_equal(n[1], "libxenctrl.so.4.30");
	assert_string_equal(n[26], "libxenctrl.so.4.4");
	assert_string_equal(n[27], "libxenctrl.so");
	for (int i = 1; i < 28; i++)
		assert_string_not_equal(n[i], "libxenctrl.so.4.17");
	assert_int_equal(xen_lib_names(4, 99, n), 29);
	assert_string_equal(n[0], "libxenctrl.so.4.99");
	assert_int_equal(xen_lib_names(5, 4, n), 29);
	assert_string_equal(n[0], "libxenctrl.so.5.4");
	assert_string_equal(n[27], "libxenctrl.so.4.4");
	assert_int_equal(xen_lib_names(0, 0, n), 28);
	assert_string_equal(n[0], "libxenctrl.so.4.30");
}

static void test_open_is_silent(void **state)
{
	char path[128], said[64] = {0};
	struct xen x = {NULL, NULL};
	struct scratch s;
	struct diag d;
	int saved, fd;
	enum xk_status st;

	(void)state;
	if (!access("/dev/xen/privcmd", F_OK) || !access("/proc/xen/privcmd", F_OK))
		skip(); /* would open a real one */
	scratch_init(&s);
	scratch_text(&s, "/sys/hypervisor/version/major", "4\n");
	scratch_text(&s, "/sys/hypervisor/version/minor", "17\n");
	snprintf(path, sizeof(path), "%s/stderr", s.path);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	saved = dup(2);
	assert_true(fd >= 0 && saved >= 0);
	dup2(fd, 2);
	diag_init(&d);
	st = xen_ctrl_open(s.path, &x, &d);
	dup2(saved, 2);
	close(saved);
	/* No library, or no device: either way a failure that is said here and nowhere else. */
	assert_true(st == XK_UNSUPPORTED || st == XK_IO || st == XK_PRIVILEGE);
	assert_true(d.text[0]);
	assert_null(x.ops);
	assert_int_equal(pread(fd, said, sizeof(said) - 1, 0), 0);
	assert_string_equal(said, "");
	close(fd);
	scratch_deinit(&s);
	xen_close(&x);
}

static void test_payload(void **state)
{
	static const size_t sizes[] = {1, 4096, 4097, 1 << 20};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint8_t *p = xen_payload_alloc.alloc(NULL, sizes[i]);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 4096, 0);
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(p[j], 0);
		memset(p, 1, sizes[i]);
		xen_payload_alloc.release(NULL, p, sizes[i]);
	}
	errno = 0;
	assert_null(xen_payload_alloc.alloc(NULL, SIZE_MAX));
	assert_int_equal(errno, ENOMEM);
	xen_payload_alloc.release(NULL, NULL, 1);
}

static void test_pv_cpuid_leaves_signals_alone(void **state)
{
	(void)state;
	/* Not a PV guest, or the next line could not be known. */
	if (!access("/proc/xen", F_OK))
		skip();
	for (int i = 0; i < 3; i++) /* works again: the signal is not left blocked */
		assert_false(xen_pv_cpuid());
}

static void test_version(void **state)
{
	static const struct {
		const char *major, *minor;
		bool ok;
	} t[] = {
		{"4\n", "17\n", true},
		{"4", "17", true},
		{"4\n", NULL, false},
		{"", "17\n", false},
		{"-4\n", "17\n", false},
		{"4x\n", "17\n", false},
		{"4\n", "99999999999999999999\n", false},
		{"4\n", "65536\n", false},
		{"<denied>\n", "17\n", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint32_t major = 77, minor = 78;
		struct scratch s;

		scratch_init(&s);
		if (t[i].major)
			scratch_text(&s, "/sys/hypervisor/version/major", t[i].major);
		if (t[i].minor)
			scratch_text(&s, "/sys/hypervisor/version/minor", t[i].minor);
		assert_int_equal(xen_sysfs_version(s.path, &major, &minor), t[i].ok);
		assert_int_equal(major, t[i].ok ? 4 : 77);
		assert_int_equal(minor, t[i].ok ? 17 : 78);
		scratch_deinit(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_open_is_silent),
		cmocka_unit_test(test_payload),
		cmocka_unit_test(test_pv_cpuid_leaves_signals_alone),
		cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
