// SPDX-License-Identifier: GPL-2.0-only
/* Refusals by host facts, and error numbers into advice. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "xen/armed.h"
#include "xen/check.h"

static void good_host(struct host *h)
{
	host_init(h);
	h->hypervisor = HV_XEN;
	h->guest = GUEST_PV;
	h->control_domain = true;
	h->xen.major = 4;
	h->xen.minor = 17;
	h->xen.bits = 64;
	h->kernel.bits = 64;
	assert_true(range_list_add(&h->crash, (struct range){0x20000000, 0x30000000}, MEM_RAM));
}

static void no_xen(struct host *h)
{
	h->hypervisor = HV_NONE;
}
static void domu(struct host *h)
{
	h->control_domain = false;
}
static void pvh(struct host *h)
{
	h->guest = GUEST_PVH;
}
static void hvm(struct host *h)
{
	h->guest = GUEST_HVM;
}
static void unknown_guest(struct host *h)
{
	h->guest = GUEST_UNKNOWN;
	host_gap(h, "guest", "reason-of-guest");
}
static void xen_4_3(struct host *h)
{
	h->xen.minor = 3;
}
static void xen_4_4(struct host *h)
{
	h->xen.minor = 4;
}
static void xen_3_4(struct host *h)
{
	h->xen.major = 3;
}
static void xen_5_0(struct host *h)
{
	h->xen.major = 5;
	h->xen.minor = 0;
}
static void no_version(struct host *h)
{
	h->xen.major = 0;
}
static void no_kexec(struct host *h)
{
	range_list_deinit(&h->crash);
	host_gap(h, "xen.kexec", "built without CONFIG_KEXEC");
}
static void no_region(struct host *h)
{
	range_list_deinit(&h->crash);
}
static void no_region_4_8(struct host *h)
{
	range_list_deinit(&h->crash);
	h->xen.minor = 8;
}
static void region_erange(struct host *h)
{
	range_list_deinit(&h->crash);
	host_gap(h, "crash-region", "it lies above 4 GiB");
}
static void not_asked(struct host *h)
{
	range_list_deinit(&h->crash);
	host_gap(h, "xen.interface", "only root may do that");
	host_gap(h, "crash-region", "only root may do that");
}
static void no_bits(struct host *h)
{
	h->xen.bits = 0;
	host_gap(h, "xen.bits", "reason-of-bits");
}
static void nothing(struct host *h _unused_)
{
}

static void test_host(void **state)
{
	static const struct {
		void (*change)(struct host *h);
		enum xk_status st;
		const char *says; /* part of the message */
	} t[] = {
		{nothing, XK_OK, NULL},
		{xen_4_4, XK_OK, NULL},
		{xen_5_0, XK_OK, NULL},
		{no_xen, XK_UNSUPPORTED, "not run under Xen"},
		{domu, XK_PRIVILEGE, "dom0"},
		{pvh, XK_UNSUPPORTED, "dom0=pv "},
		{hvm, XK_UNSUPPORTED, "dom0=pv "},
		{unknown_guest, XK_UNSUPPORTED, "reason-of-guest"},
		{xen_4_3, XK_UNSUPPORTED, "4.3 is too old"},
		{xen_3_4, XK_UNSUPPORTED, "too old"},
		{no_version, XK_UNSUPPORTED, "version of Xen"},
		{no_kexec, XK_UNSUPPORTED, "CONFIG_KEXEC"},
		{no_region, XK_NO_REGION, "crashkernel=512M,below=4G on the Xen command line"},
		{no_region_4_8, XK_NO_REGION, "crashkernel=512M<4G"},
		{region_erange, XK_NO_REGION, "above 4 GiB"},
		{not_asked, XK_IO, "only root"},
		{no_bits, XK_UNSUPPORTED, "reason-of-bits"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct diag d;
		struct host h;

		good_host(&h);
		diag_init(&d);
		t[i].change(&h);
		assert_int_equal(xen_check_host(&h, &d), t[i].st);
		if (t[i].says)
			assert_non_null(strstr(d.text, t[i].says));
		host_deinit(&h);
	}
}

static void test_caller(void **state)
{
	struct diag d;
	struct host h;

	(void)state;
	good_host(&h);
	assert_int_equal(xen_check_caller(&h, (struct xen_caller){true, 64}, &d), XK_OK);
	assert_int_equal(xen_check_caller(&h, (struct xen_caller){false, 64}, &d), XK_PRIVILEGE);
	assert_int_equal(xen_check_caller(&h, (struct xen_caller){true, 32}, &d), XK_UNSUPPORTED);
	assert_non_null(strstr(d.text, "x86_64 build"));
	h.kernel.bits = 32;
	assert_int_equal(xen_check_caller(&h, (struct xen_caller){true, 32}, &d), XK_OK);
	host_deinit(&h);
}

static void test_plan_32_bit_above_4g(void **state)
{
	struct range high = {0x100000000, 0x110000000}, across = {0xf0000000, 0x110000000};
	struct plan p = {.machine = 62, .entry = 0x100000000};
	struct diag d;

	(void)state;
	assert_int_equal(xen_check_plan(&p, high, &d), XK_OK);
	p.machine = 3;
	assert_int_equal(xen_check_plan(&p, high, &d), XK_NO_FIT);
	assert_non_null(strstr(d.text, "below=4G"));
	assert_int_equal(xen_check_plan(&p, across, &d), XK_NO_FIT);
	p.entry = 0xf0000000;
	assert_int_equal(xen_check_plan(&p, across, &d), XK_OK);
}

static void test_explain(void **state)
{
	static const int errors[] = {EPERM, EACCES, ENOSYS, EOPNOTSUPP, ENOTTY, ENOENT, EBUSY,
		ERANGE, EADDRNOTAVAIL, ENOMEM, EFAULT, EINVAL, EIO, 0, -1, 4095};
	static const struct {
		enum xen_call call;
		int error;
		enum xk_status st;
		const char *says;
	} t[] = {
		{XEN_CALL_LOAD, EPERM, XK_PRIVILEGE, "control domain"},
		{XEN_CALL_LOAD, EADDRNOTAVAIL, XK_REFUSED, "crash region"},
		{XEN_CALL_LOAD, ENOMEM, XK_NO_FIT, "page tables"},
		{XEN_CALL_UNLOAD, ENOMEM, XK_NOMEM, "locked memory"},
		{XEN_CALL_LOAD, EBUSY, XK_REFUSED, "in progress"},
		{XEN_CALL_LOAD, ENOSYS, XK_UNSUPPORTED, "CONFIG_KEXEC"},
		{XEN_CALL_LOAD, EINVAL, XK_REFUSED, "xl dmesg"},
		{XEN_CALL_RANGE, ERANGE, XK_NO_FIT, "low_crashinfo=min"},
		{XEN_CALL_EXEC, ENOENT, XK_STATE, "no crash image"},
		{XEN_CALL_OPEN, ENOENT, XK_IO, "xen-privcmd"},
		{XEN_CALL_LOAD, 4095, XK_REFUSED, "no known reason"},
	};
	struct diag d;

	(void)state;
	for (int c = XEN_CALL_OPEN; c <= XEN_CALL_EXEC; c++)
		for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
			assert_non_null(xen_explain((enum xen_call)c, errors[i]));
			assert_int_not_equal(
				xen_call_failed((enum xen_call)c, errors[i], &d), XK_OK);
		}
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		assert_int_equal(xen_call_failed(t[i].call, t[i].error, &d), t[i].st);
		assert_non_null(strstr(d.text, t[i].says));
	}
}

static void test_judge(void **state)
{
	const struct xen_armed_rules with = {true}, without = {false};
	static const struct {
		enum record_state rec;
		enum armed_state bit0, bit1, no_status;
	} t[] = {
		{RECORD_NONE, ARMED_NO, ARMED_UNKNOWN, ARMED_UNKNOWN},
		{RECORD_BUSY, ARMED_UNKNOWN, ARMED_UNKNOWN, ARMED_UNKNOWN},
		{RECORD_ARMED, ARMED_UNKNOWN, ARMED_YES, ARMED_YES},
		{RECORD_DAMAGED, ARMED_UNKNOWN, ARMED_UNKNOWN, ARMED_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct record r = {.state = t[i].rec, .kernel = "kernel-name"};
		struct armed a;

		xen_armed_judge(with, 0, &r, &a);
		assert_int_equal(a.state, t[i].bit0);
		assert_string_equal(a.kernel, t[i].rec == RECORD_NONE ? "" : "kernel-name");
		xen_armed_judge(with, 1, &r, &a);
		assert_int_equal(a.state, t[i].bit1);
		for (int bit = 0; bit < 2; bit++) {
			xen_armed_judge(without, bit, &r, &a);
			assert_int_equal(a.state, t[i].no_status);
			assert_true(a.why[0]);
		}
	}
}

static void test_rules(void **state)
{
	struct diag d;

	(void)state;
	assert_false(xen_armed_rules(4, 4).has_status);
	assert_false(xen_armed_rules(4, 8).has_status);
	assert_true(xen_armed_rules(4, 9).has_status);
	assert_int_equal(xen_armed_may_unload(xen_armed_rules(4, 9), &d), XK_OK);
	assert_int_equal(xen_armed_may_unload(xen_armed_rules(4, 8), &d), XK_UNSUPPORTED);
	assert_non_null(strstr(d.text, "reboot"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_caller),
		cmocka_unit_test(test_plan_32_bit_above_4g),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
