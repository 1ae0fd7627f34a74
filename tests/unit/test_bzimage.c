// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/image.h"
#include "tests/unit/mkbz.h"

static void accepts_modern(void **state)
{
	struct mkbz m = mkbz_default();
	struct buf f = mkbz_build(&m);
	struct image img;
	struct diag d;

	(void)state;
	diag_init(&d);
	assert_int_equal(image_parse(buf_bytes(&f), "k", &img, &d), XK_OK);
	assert_string_equal(img.name, "k");
	assert_int_equal(img.protocol, 0x20f);
	assert_int_equal(img.xloadflags, XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G);
	assert_true(img.is_64 && img.entry_64 && img.relocatable);
	assert_int_equal(img.align, 2 * MiB);
	assert_int_equal(img.pref_address, 16 * MiB);
	assert_int_equal(img.init_size, MiB);
	assert_int_equal(img.cmdline_max, 2047);
	assert_int_equal(img.initrd_max, 0x7fffffff);
	assert_string_equal(img.version, "6.1.0-test (builder@host) #1 SMP");
	assert_int_equal(img.kernel.len, 0x8000);
	assert_ptr_equal(img.kernel.data, f.data + 5 * 512);
	assert_int_equal(img.initrd.len, 0);
	/* 0x202 + 0x6a - 0x1f1 */
	assert_int_equal(img.hdr_len, 0x7b);
	assert_memory_equal(img.hdr, f.data + 0x1f1, 0x7b);
	buf_deinit(&f);
}

static void accepts_variants(void **state)
{
	struct mkbz m = mkbz_default();
	struct image img;
	struct buf f;
	struct diag d;

	(void)state;
	diag_init(&d);
	/* 2.05: fields of later protocols are not looked at. setup_sects 0 means 4. */
	m.protocol = 0x205;
	m.jump = 0x33; /* to 0x235 */
	m.setup_sects = 0;
	m.align = 16;
	m.payload_offset = UINT32_MAX;
	m.version = NULL;
	f = mkbz_build(&m);
	assert_int_equal(image_parse(buf_bytes(&f), "k", &img, &d), XK_OK);
	assert_int_equal(img.xloadflags, 0);
	assert_false(img.is_64 || img.entry_64);
	assert_int_equal(img.cmdline_max, 255);
	assert_int_equal(img.pref_address, 0);
	assert_int_equal(img.init_size, 8 * 0x8000);
	assert_int_equal(img.align, 4096);
	assert_int_equal(img.kernel.len, 0x8000);
	assert_string_equal(img.version, "");
	buf_deinit(&f);

	/* 64-bit, but bound below 4 GiB */
	m = mkbz_default();
	m.above_4g = false;
	f = mkbz_build(&m);
	assert_int_equal(image_parse(buf_bytes(&f), "k", &img, &d), XK_OK);
	assert_true(img.is_64 && !img.entry_64);
	buf_deinit(&f);

	/* The above-4G bit alone is nothing: there is no 64-bit entry. */
	m.above_4g = true;
	m.is_64 = false;
	f = mkbz_build(&m);
	assert_int_equal(image_parse(buf_bytes(&f), "k", &img, &d), XK_OK);
	assert_true(!img.is_64 && !img.entry_64);
	buf_deinit(&f);

	/* A signature follows the kernel; it is loaded along, but not beyond init_size. */
	m = mkbz_default();
	m.syssize = 0x7000 / 16;
	m.init_size = 0x7800;
	m.payload_offset = 0x100;
	m.payload_length = 0x6f00;
	f = mkbz_build(&m);
	assert_int_equal(image_parse(buf_bytes(&f), "k", &img, &d), XK_OK);
	assert_int_equal(img.kernel.len, 0x7800);
	buf_deinit(&f);

	/* A version string that nobody should send to a terminal, and one that never ends */
	m = mkbz_default();
	m.version = "6\033[2J\177\n";
	f = mkbz_build(&m);
	assert_int_equal(image_parse(buf_bytes(&f), "k", &img, &d), XK_OK);
	assert_string_equal(img.version, "6?[2J??");
	memset(f.data + 0x300, 'x', 0x400);
	assert_int_equal(image_parse(buf_bytes(&f), "k", &img, &d), XK_OK);
	assert_int_equal(strlen(img.version), sizeof(img.version) - 1);
	memcpy(f.data + 0x20e, "\x00\x08", 2); /* 0x800 = 4 sectors: one byte too far */
	assert_int_equal(image_parse(buf_bytes(&f), "k", &img, &d), XK_OK);
	assert_string_equal(img.version, "");
	buf_deinit(&f);
}

/* One field made wrong; the message must name it. */
static const struct {
	uint32_t off, len;
	uint64_t value;
	enum xk_status status;
	const char *says;
} wrong[] = {
	{0x1fe, 2, 0x55aa, XK_BAD_INPUT, "boot_flag is 0x55aa"},
	{0x200, 1, 0xe9, XK_BAD_INPUT, "jump at 0x200 is e9"},
	{0x201, 1, 0x80, XK_BAD_INPUT, "instead of eb 00..7f"},
	{0x201, 1, 0x61, XK_BAD_INPUT, "needs it up to 0x264"},
	{0x201, 1, 0x00, XK_BAD_INPUT, "header ends at 0x202"},
	{0x202, 1, 'h', XK_UNSUPPORTED, "neither a bzImage"},
	{0x206, 2, 0x0204, XK_UNSUPPORTED, "boot protocol 2.04"},
	{0x206, 2, 0x0000, XK_UNSUPPORTED, "at least 2.05"},
	{0x211, 1, 0x80, XK_UNSUPPORTED, "LOADED_HIGH"},
	{0x234, 1, 0, XK_UNSUPPORTED, "CONFIG_RELOCATABLE"},
	{0x230, 4, 0, XK_BAD_INPUT, "kernel_alignment is 0x0"},
	{0x230, 4, 0x300000, XK_BAD_INPUT, "kernel_alignment is 0x300000"},
	{0x230, 4, 0x80000000, XK_BAD_INPUT, "at most 1 GiB"},
	{0x25c, 4, 0x4001, XK_BAD_INPUT, "pref_address is 0x400101000000"}, /* 64 TiB and above */
	{0x238, 4, 0, XK_BAD_INPUT, "cmdline_size is 0"},
	{0x22c, 4, 0, XK_BAD_INPUT, "initrd_addr_max is 0"},
	{0x1f4, 4, 0, XK_BAD_INPUT, "syssize is 0"},
	/* 0x8000 bytes are 0x800 units */
	{0x1f4, 4, 0x801, XK_BAD_INPUT, "truncated: 32784 bytes"},
	{0x1f4, 4, 0xffffffff, XK_BAD_INPUT, "truncated: 68719476720 bytes"},
	{0x1f1, 1, 5, XK_BAD_INPUT, "has 32256 of them"}, /* one sector less */
	{0x1f1, 1, 0xff, XK_BAD_INPUT, "has 0 of them"},
	{0x1f4, 4, 0x20, XK_BAD_INPUT, "before the 64-bit entry"},
	{0x260, 4, 0x7fff, XK_BAD_INPUT, "init_size is 0x7fff"},
	{0x260, 4, 0, XK_BAD_INPUT, "init_size is 0x0"},
	{0x248, 4, 0x8001, XK_BAD_INPUT, "payload_offset 0x8001"},
	{0x24c, 4, 0xffffffff, XK_BAD_INPUT, "payload_length 0xffffffff"},
};

static void refuses_wrong_fields(void **state)
{
	struct mkbz m = mkbz_default();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct buf f = mkbz_build(&m);
		struct image img = {.protocol = 0x7777};
		struct diag d;

		diag_init(&d);
		memcpy(f.data + wrong[i].off, &wrong[i].value, wrong[i].len);
		assert_int_equal(image_parse(buf_bytes(&f), "/boot/k", &img, &d), wrong[i].status);
		if (!strstr(d.text, wrong[i].says))
			fail_msg("row %zu: \"%s\" lacks \"%s\"", i, d.text, wrong[i].says);
		assert_ptr_equal(strstr(d.text, "kernel /boot/k: "), d.text);
		assert_int_equal(img.protocol, 0x7777); /* written only on success */
		buf_deinit(&f);
	}
}

/* Every length up to the whole file is refused; exact copies let the sanitizer see overreads. */
static void refuses_truncation(void **state)
{
	struct mkbz m = mkbz_default();
	struct buf f = mkbz_build(&m);

	(void)state;
	for (size_t len = 0; len < f.len; len += len < 0x300 ? 1 : 509) {
		uint8_t *copy = malloc(len ? len : 1);
		struct image img;
		struct diag d;
		enum xk_status st;

		memcpy(copy, f.data, len);
		diag_init(&d);
		st = image_parse((struct bytes){copy, len}, "k", &img, &d);
		/* From 0x206 on it can be seen to be a bzImage. */
		assert_int_equal(st, len < 0x206 ? XK_UNSUPPORTED : XK_BAD_INPUT);
		if (len >= 0x206)
			assert_non_null(strstr(d.text, "truncated"));
		free(copy);
	}
	buf_deinit(&f);
}

static const struct {
	const char *what;
	size_t len, off;
	const char *bytes;
	size_t n;
	const char *says;
} guesses[] = {
#define B(s) s, sizeof(s) - 1
	{"empty", 0, 0, B(""), "the file is empty"},
	{"cpio", 600, 0, B("070701000"), "kernel and initrd swapped"},
	{"old cpio", 600, 0, B("\xc7\x71"), "kernel and initrd swapped"},
	{"gzip", 600, 0, B("\x1f\x8b\x08"), "gzip data"},
	{"xz", 600, 0, B("\xfd\x37\x7a\x58\x5a\x00"), "xz data"},
	{"lz4", 600, 0, B("\x02\x21\x4c\x18"), "lz4 data; unpack it"},
	{"script", 600, 0, B("#!/bin/sh\n"), "a script"},
	{"arm64", 600, 0x38, B("ARM\x64"), "an ARM64 kernel"},
	/* 0x1badb002 + 3 + 0xe4524ffb = 2^32 */
	{"multiboot", 600, 64, B("\x02\xb0\xad\x1b\x03\0\0\0\xfb\x4f\x52\xe4"), "multiboot image"},
	{"wrong sum", 600, 64, B("\x02\xb0\xad\x1b\x03\0\0\0\xfa\x4f\x52\xe4"),
		"nothing that is known"},
	{"boot sector", 600, 510, B("\x55\xaa"), "a boot sector"},
	{"zeros", 600, 0, B("\0\0\0\0"), "full of zeros"},
	{"text", 5, 0, B("hello"), "a text file"},
	{"noise", 5, 0, B("\x90\x91\x92\x93\x94"), "nothing that is known"},
#undef B
};

static void says_what_it_looks_like(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(guesses); i++) {
		uint8_t file[600] = {0};
		struct image img;
		struct diag d;

		diag_init(&d);
		memcpy(file + guesses[i].off, guesses[i].bytes, guesses[i].n);
		assert_int_equal(image_parse((struct bytes){file, guesses[i].len}, "k", &img, &d),
			XK_UNSUPPORTED);
		if (!strstr(d.text, guesses[i].says))
			fail_msg("%s: \"%s\" lacks \"%s\"", guesses[i].what, d.text,
				guesses[i].says);
	}
}

/* PE header at 0x80, no optional header, one section at 0x80 + 24 */
static void says_pe(void **state)
{
	uint8_t file[600] = "MZ";
	struct image img;
	struct diag d;

	(void)state;
	diag_init(&d);
	file[0x3c] = 0x80;
	memcpy(file + 0x80, "PE\0\0\x64\x86\x01", 7);
	memcpy(file + 0x80 + 24, ".text", 5);
	assert_int_equal(
		image_parse((struct bytes){file, sizeof(file)}, "k", &img, &d), XK_UNSUPPORTED);
	assert_non_null(strstr(d.text, "an EFI program"));
	memcpy(file + 0x80 + 24, ".linux", 6);
	assert_int_equal(
		image_parse((struct bytes){file, sizeof(file)}, "k", &img, &d), XK_UNSUPPORTED);
	assert_non_null(strstr(d.text, "unified kernel image"));
	memset(file + 0x3c, 0xff, 4); /* PE header beyond the file */
	assert_int_equal(
		image_parse((struct bytes){file, sizeof(file)}, "k", &img, &d), XK_UNSUPPORTED);
	assert_non_null(strstr(d.text, "nothing that is known"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_modern),
		cmocka_unit_test(accepts_variants),
		cmocka_unit_test(refuses_wrong_fields),
		cmocka_unit_test(refuses_truncation),
		cmocka_unit_test(says_what_it_looks_like),
		cmocka_unit_test(says_pe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
