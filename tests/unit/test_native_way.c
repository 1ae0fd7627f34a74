// SPDX-License-Identifier: GPL-2.0-only
/* Which system call loads an image, and what the kernel's refusals mean. */
#include <errno.h>

#include "tests/unit/xktest.h"

#include "native/explain.h"

/* All that can be asked for and known, and what is tried first. */
static void test_first(void **state)
{
	static const struct {
		struct native_way w;
		enum native_call want;
	} t[] = {
		/* Only kexec_load takes our header and notes. */
		{{NATIVE_AUTO, LOCKDOWN_OFF, true}, CALL_LOAD},
		{{NATIVE_AUTO, LOCKDOWN_UNKNOWN, true}, CALL_LOAD},
		/* It would be refused. */
		{{NATIVE_AUTO, LOCKDOWN_ON, true}, CALL_FILE},
		/* A 32-bit program has nothing else. */
		{{NATIVE_AUTO, LOCKDOWN_ON, false}, CALL_LOAD},
		{{NATIVE_AUTO, LOCKDOWN_OFF, false}, CALL_LOAD},
		/* What was asked for, whatever comes of it. */
		{{NATIVE_LOAD, LOCKDOWN_ON, true}, CALL_LOAD},
		{{NATIVE_LOAD, LOCKDOWN_OFF, true}, CALL_LOAD},
		{{NATIVE_FILE, LOCKDOWN_OFF, true}, CALL_FILE},
		{{NATIVE_FILE, LOCKDOWN_OFF, false}, CALL_FILE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(native_first_call(&t[i].w), t[i].want);
}

static void test_next(void **state)
{
	static const struct {
		enum native_choice choice;
		enum native_lockdown lockdown;
		bool has_file;
		enum native_call failed;
		bool second;
		int error;
		enum native_call want;
	} t[] = {
		{NATIVE_AUTO, LOCKDOWN_OFF, true, CALL_LOAD, false, ENOSYS, CALL_FILE},
		{NATIVE_AUTO, LOCKDOWN_UNKNOWN, true, CALL_LOAD, false, EPERM, CALL_FILE},
		{NATIVE_AUTO, LOCKDOWN_ON, true, CALL_LOAD, false, EPERM, CALL_FILE},
		{NATIVE_AUTO, LOCKDOWN_OFF, true, CALL_LOAD, false, EACCES, CALL_FILE},
		/* Not for lockdown: the other call would be refused for the same reason. */
		{NATIVE_AUTO, LOCKDOWN_OFF, true, CALL_LOAD, false, EPERM, CALL_NONE},
		/* A bad plan does not get better. */
		{NATIVE_AUTO, LOCKDOWN_OFF, true, CALL_LOAD, false, EINVAL, CALL_NONE},
		{NATIVE_AUTO, LOCKDOWN_OFF, true, CALL_LOAD, false, EADDRNOTAVAIL, CALL_NONE},
		{NATIVE_AUTO, LOCKDOWN_OFF, true, CALL_LOAD, false, EBUSY, CALL_NONE},
		{NATIVE_AUTO, LOCKDOWN_OFF, true, CALL_LOAD, false, ENOMEM, CALL_NONE},
		/* A 32-bit program has no other. */
		{NATIVE_AUTO, LOCKDOWN_OFF, false, CALL_LOAD, false, ENOSYS, CALL_NONE},
		{NATIVE_AUTO, LOCKDOWN_ON, false, CALL_LOAD, false, EPERM, CALL_NONE},
		{NATIVE_AUTO, LOCKDOWN_OFF, false, CALL_LOAD, false, EACCES, CALL_NONE},

		{NATIVE_AUTO, LOCKDOWN_ON, true, CALL_FILE, false, ENOSYS, CALL_LOAD},
		{NATIVE_AUTO, LOCKDOWN_ON, true, CALL_FILE, false, EINVAL, CALL_LOAD},
		{NATIVE_AUTO, LOCKDOWN_ON, true, CALL_FILE, false, ENOEXEC, CALL_LOAD},
		{NATIVE_AUTO, LOCKDOWN_ON, true, CALL_FILE, false, EOPNOTSUPP, CALL_LOAD},
		/* A signature that is refused is not got around. */
		{NATIVE_AUTO, LOCKDOWN_ON, true, CALL_FILE, false, EKEYREJECTED, CALL_NONE},
		{NATIVE_AUTO, LOCKDOWN_ON, true, CALL_FILE, false, ENODATA, CALL_NONE},
		{NATIVE_AUTO, LOCKDOWN_ON, true, CALL_FILE, false, EPERM, CALL_NONE},
		{NATIVE_AUTO, LOCKDOWN_ON, true, CALL_FILE, false, EBUSY, CALL_NONE},

		/* Once. */
		{NATIVE_AUTO, LOCKDOWN_ON, true, CALL_LOAD, true, ENOSYS, CALL_NONE},
		{NATIVE_AUTO, LOCKDOWN_OFF, true, CALL_FILE, true, ENOSYS, CALL_NONE},
		{NATIVE_AUTO, LOCKDOWN_OFF, true, CALL_FILE, true, ENOEXEC, CALL_NONE},
	};
	static const int errors[] = {
		ENOSYS, EINVAL, ENOEXEC, EOPNOTSUPP, EPERM, EACCES, EBUSY, ENODATA, EIO};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct native_way w = {t[i].choice, t[i].lockdown, t[i].has_file};

		if (native_next_call(&w, t[i].failed, t[i].second, t[i].error) != t[i].want)
			fail_msg("row %zu", i);
	}
	/* What was asked for by name is not replaced. */
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		for (int lockdown = LOCKDOWN_UNKNOWN; lockdown <= LOCKDOWN_ON; lockdown++) {
			struct native_way w = {NATIVE_LOAD, (enum native_lockdown)lockdown, true};

			assert_int_equal(
				native_next_call(&w, CALL_LOAD, false, errors[i]), CALL_NONE);
			w.choice = NATIVE_FILE;
			assert_int_equal(
				native_next_call(&w, CALL_FILE, false, errors[i]), CALL_NONE);
		}
}

static void test_unload(void **state)
{
	const struct native_way wide = {NATIVE_AUTO, LOCKDOWN_OFF, true};
	const struct native_way narrow = {NATIVE_AUTO, LOCKDOWN_OFF, false};

	(void)state;
	assert_true(native_unload_by_file(&wide, ENOSYS));
	assert_true(native_unload_by_file(&wide, EPERM));
	assert_false(native_unload_by_file(&wide, EBUSY));
	assert_false(native_unload_by_file(&wide, EINVAL));
	assert_false(native_unload_by_file(&narrow, ENOSYS));
	assert_false(native_unload_by_file(&narrow, EPERM));
}

static void test_explain(void **state)
{
	static const struct {
		enum native_call call;
		int error;
		enum xk_status st;
		const char *says;
	} t[] = {
		{CALL_LOAD, EPERM, XK_REFUSED, "locked down"},
		{CALL_LOAD, EPERM, XK_REFUSED, "kernel.kexec_load_disabled"},
		{CALL_LOAD, EACCES, XK_REFUSED, "IMA"},
		{CALL_LOAD, ENOSYS, XK_UNSUPPORTED, "CONFIG_KEXEC"},
		{CALL_LOAD, EBUSY, XK_REFUSED, "in progress"},
		{CALL_LOAD, EADDRNOTAVAIL, XK_REFUSED, "kexec_crash_size"},
		{CALL_LOAD, ENOMEM, XK_NOMEM, "crashkernel="},
		{CALL_LOAD, EINVAL, XK_REFUSED, "--hotplug"},
		{CALL_FILE, EPERM, XK_REFUSED, "signature"},
		{CALL_FILE, ENOSYS, XK_UNSUPPORTED, "CONFIG_KEXEC_FILE"},
		{CALL_FILE, ENOEXEC, XK_UNSUPPORTED, "64-bit entry"},
		{CALL_FILE, EINVAL, XK_REFUSED, "command line"},
		{CALL_FILE, EADDRNOTAVAIL, XK_NO_FIT, "crashkernel="},
		{CALL_FILE, EKEYREJECTED, XK_REFUSED, "signature"},
		{CALL_FILE, ENODATA, XK_REFUSED, "signature"},
		{CALL_FILE, ELIBBAD, XK_REFUSED, "signature"},
		{CALL_FILE, ETXTBSY, XK_IO, "open for writing"},
		{CALL_UNLOAD, ENOSYS, XK_UNSUPPORTED, "CONFIG_KEXEC"},
		{CALL_UNLOAD, EBUSY, XK_REFUSED, "in progress"},
		{CALL_PANIC, ENOENT, XK_UNSUPPORTED, "CONFIG_MAGIC_SYSRQ"},
		{CALL_PANIC, EACCES, XK_PRIVILEGE, "root"},
		{CALL_LOAD, EL2HLT, XK_REFUSED, "dmesg"},
	};
	struct host h;
	struct diag d;

	(void)state;
	host_init(&h);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		assert_says(native_explain(t[i].call, t[i].error), t[i].says);
		diag_init(&d);
		assert_int_equal(native_call_failed(&h, t[i].call, t[i].error, &d), t[i].st);
		assert_says(d.text, strerror(t[i].error));
	}
	h.kernel.lockdown = strdup("integrity");
	native_call_failed(&h, CALL_LOAD, EPERM, &d);
	assert_says(d.text, "kernel.lockdown is \"integrity\"");
	native_call_failed(&h, CALL_LOAD, EBUSY, &d);
	assert_null(strstr(d.text, "kernel.lockdown"));
	host_deinit(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_unload),
		cmocka_unit_test(test_explain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
