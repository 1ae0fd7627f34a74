// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>
#include <cmocka.h>

#include "tests/unit/scratch.h"
#include "xen/symbols.h"

#define GOOD                                  \
	"ffff82d040000000 T __image_base__\n" \
	"ffff82d040200000 T _stext\n"         \
	"ffff82d040200000 T _start\n"         \
	"ffff82d0402000b3 t head.o#bad_cpu\n" \
	"ffff82d040428ea0 D domain_list\n"

static struct bytes text(const char *s)
{
	return (struct bytes){(const uint8_t *)s, strlen(s)};
}

static void test_scan(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"ffff82d040200000 T _start", /* cut */
		"ffff82d040200000 T _start\nffff82d0",
		"ffff82d040200000 T \n",
		"ffff82d040200000 T\n",
		"ffff82d040200000 T two words\n",
		"ffff82d0402000001 T _start\n", /* 17 digits */
		" T _start\n",
		"FFFF82d040200000 T _start\n",
		"ffff82d040200000  _start\n",
		"ffff82d040200000 1 _start\n",
		"ffff82d040200000\tT\t_start\n",
	};
	struct xen_symbols s;
	struct diag d;

	(void)state;
	assert_int_equal(xen_symbols_scan(text(GOOD), &s, &d), XK_OK);
	assert_int_equal(s.nr, 5);
	assert_int_equal(s.start, 0xffff82d040200000);
	assert_int_equal(s.text, 0xffff82d040000000);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(xen_symbols_scan(text(bad[i]), &s, &d), XK_BAD_INPUT);
	assert_int_equal(
		xen_symbols_scan((struct bytes){(const uint8_t *)"ffff T a\0b\n", 11}, &s, &d),
		XK_BAD_INPUT);
	/* The second line is the bad one. */
	assert_int_equal(xen_symbols_scan(text("1 T a\nx\n"), &s, &d), XK_BAD_INPUT);
	assert_non_null(strstr(d.text, "line 2"));
}

static void test_image_virt(void **state)
{
	static const struct {
		vaddr_t start, text;
		uint32_t minor;
		vaddr_t want; /* 0: refused */
	} t[] = {
		{0xffff82d040200000, 0xffff82d040000000, 17, 0xffff82d040200000},
		{0xffff82d040200000, 0xffff82d040200000, 17, 0xffff82d040200000},
		{0, 0xffff82d0402abcde, 17, 0xffff82d040200000},
		/* Up to 4.13 the base is at 2 GiB + ..., up to 4.8 the image begins at 1 MiB. */
		{0xffff82d080200000, 0xffff82d080200000, 9, 0xffff82d080200000},
		{0, 0xffff82d080123456, 8, 0xffff82d080100000},
		{0xffff82d080100000, 0xffff82d080100000, 8, 0xffff82d080100000},
		{0xffff82d080100000, 0, 8, 0xffff82d080100000},
		{0xffff82d080100000, 0xffff82d080100000, 9, 0},
		{0xffff82d040200000, 0xffff82d040200000, 8, 0},
		{0, 0, 17, 0},
	};
	struct diag d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct xen_symbols s = {1, t[i].start, t[i].text};
		vaddr_t got = 0;
		enum xk_status st = xen_symbols_image_virt(&s, 4, t[i].minor, &got, &d);

		assert_int_equal(st, t[i].want ? XK_OK : XK_BAD_INPUT);
		assert_int_equal(got, t[i].want);
	}
}

static void test_facts(void **state)
{
	uint8_t back[1000];
	uLongf len = sizeof(back);
	struct scratch s;
	struct host a, b;

	(void)state;
	scratch_init(&s);
	host_init(&a);
	host_init(&b);
	a.xen.major = b.xen.major = 4;
	a.xen.minor = b.xen.minor = 17;
	a.xen.bits = b.xen.bits = 64;
	scratch_text(&s, "/proc/xen/xensyms", GOOD);
	xen_symbols_facts(s.path, &a);
	xen_symbols_facts(s.path, &b);
	assert_int_equal(a.xen.image_virt, 0xffff82d040200000);
	assert_int_equal(a.xen.symbols_len, strlen(GOOD));
	assert_int_equal(uncompress(back, &len, a.xen.symbols_z.data, a.xen.symbols_z.len), Z_OK);
	assert_int_equal(len, strlen(GOOD));
	assert_memory_equal(back, GOOD, len);
	assert_int_equal(a.nr_gaps, 0);
	assert_int_equal(a.xen.symbols_z.len, b.xen.symbols_z.len);
	assert_memory_equal(a.xen.symbols_z.data, b.xen.symbols_z.data, b.xen.symbols_z.len);
	host_deinit(&a);
	host_deinit(&b);

	scratch_text(&s, "/proc/xen/xensyms", "rubbish\n");
	xen_symbols_facts(s.path, &a);
	assert_int_equal(a.xen.symbols_len, 0);
	assert_int_equal(a.xen.symbols_z.len, 0);
	assert_non_null(host_gap_reason(&a, "xen.symbols-z"));
	assert_non_null(host_gap_reason(&a, "xen.image-virtual"));
	host_deinit(&a);

	xen_symbols_facts("/nonexistent", &a);
	assert_non_null(strstr(host_gap_reason(&a, "xen.symbols-z"), "/proc/xen/xensyms"));
	assert_non_null(host_gap_reason(&a, "xen.image-virtual"));
	host_deinit(&a);
	scratch_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_image_virt),
		cmocka_unit_test(test_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
