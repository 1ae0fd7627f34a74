// SPDX-License-Identifier: GPL-2.0-only
/* What EFI firmware left, over fixture trees. */
#include <stdio.h>

#include "tests/unit/xktest.h"

#include "common/efi.h"
#include "native/machine.h"
#include "tests/unit/fixture.h"

#define EFI "/sys/firmware/efi/"

static int efi_setup(void **state)
{
	setup(state);
	h.efi = true;
	return 0;
}

static void efi_again(void **state)
{
	teardown(state);
	efi_setup(state);
}

static void entry(unsigned nr, const char *const *v)
{
	static const char *const names[] = {
		"type", "phys_addr", "virt_addr", "num_pages", "attribute"};
	char path[96];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), EFI "runtime-map/%u/%s", nr, names[i]);
		if (v[i])
			scratch_text(&s, path, v[i]);
	}
}

static const char *const code[] = {
	"0x5\n", "0xbf8ef000\n", "0xfffffffeff4ef000\n", "0x100\n", "0x800000000000000f\n"};
static const char *const data[] = {"0x6\n", "0xbf9ef000\n", "0x0\n", "0x1\n", "0x0\n"};

static void tree(void)
{
	uint8_t bp[4096] = {0};

	memset(bp + 0x1c0, 0x55, 32);
	scratch_file(&s, "/sys/kernel/boot_params/data", bp, sizeof(bp));
	scratch_text(&s, EFI "fw_vendor", "0xbfbd5d98\n");
	scratch_text(&s, EFI "config_table", "0xbfb7ee98\n");
	scratch_text(&s, EFI "systab", "ACPI20=0xbfbfa014\nSMBIOS3=0x1\nSMBIOS=0xbfbcc000\n");
	entry(0, code);
	entry(1, data);
}

static void test_all(void **state)
{
	struct efi_memory_desc m[2];

	(void)state;
	tree();
	native_efi(s.path, &h);
	assert_int_equal(h.nr_gaps, 0);
	assert_int_equal(h.efi_fw_vendor, 0xbfbd5d98);
	assert_int_equal(h.efi_config_table, 0xbfb7ee98);
	assert_int_equal(h.efi_smbios, 0xbfbcc000);
	assert_int_equal(h.efi_info.len, 32);
	assert_int_equal(h.efi_info.data[0], 0x55);
	assert_int_equal(h.efi_info.data[31], 0x55);
	assert_int_equal(h.efi_runtime_map.len, 80);
	memcpy(m, h.efi_runtime_map.data, sizeof(m));
	assert_int_equal(m[0].type, 5);
	assert_int_equal(m[0]._pad, 0);
	assert_int_equal(m[0].phys_addr, 0xbf8ef000);
	assert_int_equal(m[0].virt_addr, 0xfffffffeff4ef000);
	assert_int_equal(m[0].num_pages, 0x100);
	assert_int_equal(m[0].attribute, 0x800000000000000f);
	assert_int_equal(m[1].type, 6);
	assert_int_equal(m[1].phys_addr, 0xbf9ef000);
}

/* In number order, which is not the order of names. */
static void test_order(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		char pages[8];
		const char *v[5];

		memcpy(v, code, sizeof(v));
		snprintf(pages, sizeof(pages), "0x%x", i + 1);
		v[3] = pages;
		entry(i, v);
	}
	native_efi(s.path, &h);
	assert_int_equal(h.efi_runtime_map.len, 12 * 40);
	for (unsigned i = 0; i < 12; i++)
		assert_int_equal(h.efi_runtime_map.data[40 * i + 24], i + 1);
}

/* Half a map would leave services unmapped: all or nothing. */
static void test_bad_entries(void **state)
{
	static const struct {
		unsigned field;
		const char *text, *says;
	} t[] = {
		{0, NULL, "runtime-map/1/type"},
		{4, NULL, "runtime-map/1/attribute"},
		{0, "0x100000000", "at most 0xffffffff"},
		{0, "", "runtime-map/1/type says"},
		{0, "RuntimeData", "runtime-map/1/type says"},
		{1, "0xbf9ef001", "whole pages"},
		{1, "0x10000000000000000", "phys_addr says"},
		{2, "-1", "virt_addr says"},
		{3, "0x0", "whole pages"},
		{3, "0xfffffffffffff", "whole pages"},
		{3, "0x10000000000000", "num_pages says"},
		{4, "0x1 0x2", "attribute says"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const char *v[5];

		memcpy(v, data, sizeof(v));
		v[t[i].field] = t[i].text;
		entry(0, code);
		entry(1, v);
		native_efi(s.path, &h);
		if (h.efi_runtime_map.len)
			fail_msg("row %zu taken", i);
		assert_says(host_gap_reason(&h, "efi.runtime-map"), t[i].says);
		efi_again(state);
	}
}

static void test_bad_numbering(void **state)
{
	static const unsigned t[][2] = {{1, 2}, {0, 2}, {0, 4096}, {5, 5}};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		entry(t[i][0], code);
		entry(t[i][1], code);
		native_efi(s.path, &h);
		assert_int_equal(h.efi_runtime_map.len, 0);
		assert_says(host_gap_reason(&h, "efi.runtime-map"), "not numbered");
		efi_again(state);
	}
	scratch_folder(&s, EFI "runtime-map");
	native_efi(s.path, &h);
	assert_says(host_gap_reason(&h, "efi.runtime-map"), "0 entries");
}

static void test_missing(void **state)
{
	static const char *const facts[] = {
		"efi.info", "efi.fw-vendor", "efi.config-table", "efi.smbios", "efi.runtime-map"};

	native_efi(s.path, &h);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		if (!host_gap_reason(&h, facts[i]))
			fail_msg("no gap for %s", facts[i]);
	efi_again(state);

	/* Each of the small ones, wrong. */
	tree();
	scratch_text(&s, "/sys/kernel/boot_params/data", "short");
	scratch_text(&s, EFI "fw_vendor", "vendor\n");
	scratch_text(&s, EFI "config_table", "");
	scratch_text(&s, EFI "systab", "XSMBIOS=0x1\nSMBIOS3=0x2\nSMBIOS=none\n");
	native_efi(s.path, &h);
	for (size_t i = 0; i < 4; i++)
		if (!host_gap_reason(&h, facts[i]))
			fail_msg("no gap for %s", facts[i]);
	assert_int_equal(h.efi_info.len, 0);
	assert_int_equal(h.efi_fw_vendor | h.efi_config_table | h.efi_smbios, 0);
	assert_int_equal(h.efi_runtime_map.len, 80);
	efi_again(state);

	/* Not an EFI machine: nothing is missing. */
	tree();
	h.efi = false;
	native_efi(s.path, &h);
	assert_int_equal(h.nr_gaps, 0);
	assert_int_equal(h.efi_runtime_map.len, 0);
}

int main(void)
{
#define EFI_T(f) cmocka_unit_test_setup_teardown(f, efi_setup, teardown)
	const struct CMUnitTest tests[] = {
		EFI_T(test_all),
		EFI_T(test_order),
		EFI_T(test_bad_entries),
		EFI_T(test_bad_numbering),
		EFI_T(test_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
