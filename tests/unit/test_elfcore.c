// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/xktest.h"

#include "common/elfcore.h"

static void le(const struct buf *b, size_t off, size_t width, uint64_t want)
{
	uint64_t v = 0;

	assert_true(off + width <= b->len);
	for (size_t i = 0; i < width; i++)
		v |= (uint64_t)b->data[off + i] << (8 * i);
	assert_int_equal(v, want);
}

/* Field offsets are those of the ELF specification (gABI), not of this build's structs. */
static void elf64_bytes(void **state)
{
	struct core_spec s = {.machine = 62, .class = 2};
	struct buf b = {0};
	struct diag d;

	(void)state;
	diag_init(&d);
	assert_true(core_add_note(&s, 0x123456000, 404));
	assert_true(core_add_load(&s, (struct range){0x1000, 0x9f000}, 0x3c001000, 0));
	assert_true(core_add_load(
		&s, (struct range){0x200000000, 0x340000000}, 0x200000000, 0xffff82d040200000));
	assert_int_equal(core_build(&s, &b, &d), XK_OK);
	assert_int_equal(b.len, 64 + 3 * 56);
	assert_int_equal(core_header_size(2, 3), b.len);
	assert_memory_equal(b.data,
		"\x7f"
		"ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
		16);
	le(&b, 16, 2, 4); /* ET_CORE */
	le(&b, 18, 2, 62); /* EM_X86_64 */
	le(&b, 20, 4, 1); /* version */
	le(&b, 24, 8, 0); /* entry */
	le(&b, 32, 8, 64); /* phoff */
	le(&b, 52, 2, 64); /* ehsize */
	le(&b, 54, 2, 56); /* phentsize */
	le(&b, 56, 2, 3); /* phnum */
	le(&b, 64, 4, 4); /* PT_NOTE */
	le(&b, 64 + 8, 8, 0x123456000); /* offset */
	le(&b, 64 + 24, 8, 0x123456000); /* paddr */
	le(&b, 64 + 32, 8, 404);
	le(&b, 64 + 40, 8, 404);
	le(&b, 120, 4, 1); /* PT_LOAD */
	le(&b, 120 + 8, 8, 0x3c001000);
	le(&b, 120 + 24, 8, 0x1000);
	le(&b, 120 + 40, 8, 0x9e000);
	le(&b, 176 + 16, 8, 0xffff82d040200000);
	le(&b, 176 + 32, 8, 0x140000000);
	buf_deinit(&b);
	core_spec_deinit(&s);
}

static void elf32_bytes(void **state)
{
	struct core_spec s = {.machine = 3, .class = 1};
	struct buf b = {0};
	struct diag d;

	(void)state;
	diag_init(&d);
	assert_true(core_add_note(&s, 0xfffff000, 196));
	assert_true(core_add_load(&s, (struct range){0x100000, 0x100000000}, 0x100000, 0xff000000));
	assert_int_equal(core_build(&s, &b, &d), XK_OK);
	assert_int_equal(b.len, 52 + 2 * 32);
	assert_memory_equal(b.data,
		"\x7f"
		"ELF\x01\x01\x01",
		7);
	le(&b, 18, 2, 3);
	le(&b, 28, 4, 52); /* phoff */
	le(&b, 44, 2, 2); /* phnum */
	le(&b, 52, 4, 4);
	le(&b, 52 + 12, 4, 0xfffff000); /* paddr */
	le(&b, 84 + 4, 4, 0x100000); /* offset */
	le(&b, 84 + 8, 4, 0xff000000); /* vaddr */
	le(&b, 84 + 20, 4, 0xfff00000); /* memsz: up to 4 GiB exactly */
	buf_deinit(&b);

	/* one byte more does not fit */
	assert_true(core_add_load(&s, (struct range){0xfffff000, 0x100000001}, 0xfffff000, 0));
	assert_int_equal(core_build(&s, &b, &d), XK_UNSUPPORTED);
	assert_says(d.text, "above 4 GiB");
	buf_deinit(&b);
	core_spec_deinit(&s);
}

static void too_many(void **state)
{
	struct core_spec s = {.machine = 62, .class = 2};
	struct core_spec back;
	struct buf b = {0};
	struct diag d;

	(void)state;
	diag_init(&d);
	for (uint64_t i = 0; i < CORE_MAX_PHDRS; i++)
		assert_true(core_add_load(
			&s, (struct range){i * 0x2000, i * 0x2000 + 0x1000}, i * 0x2000, 0));
	assert_int_equal(core_build(&s, &b, &d), XK_OK);
	assert_int_equal(core_parse(buf_bytes(&b), &back, &d), XK_OK);
	assert_int_equal(back.nr_loads, CORE_MAX_PHDRS);
	core_spec_deinit(&back);
	buf_deinit(&b);
	assert_true(core_add_note(&s, 0, 1));
	assert_int_equal(core_build(&s, &b, &d), XK_UNSUPPORTED);
	assert_says(d.text, "65535");
	buf_deinit(&b);
	core_spec_deinit(&s);
}

static void parse_back(uint8_t class)
{
	struct core_spec s = {.machine = 62, .class = class}, back;
	struct buf b = {0};
	struct diag d;

	diag_init(&d);
	assert_true(core_add_note(&s, 0x5000, 404));
	assert_true(core_add_load(&s, (struct range){0x100000, 0x200000}, 0x100000, 7));
	assert_int_equal(core_build(&s, &b, &d), XK_OK);
	assert_int_equal(core_parse(buf_bytes(&b), &back, &d), XK_OK);
	assert_int_equal(back.machine, 62);
	assert_int_equal(back.class, class);
	assert_int_equal(back.notes[0].addr, 0x5000);
	assert_int_equal(back.loads[0].virt, 7);
	assert_int_equal(back.loads[0].mem.end, 0x200000);
	core_spec_deinit(&back);
	/* every cut is refused */
	for (size_t len = 0; len < b.len; len++)
		assert_int_equal(core_parse((struct bytes){b.data, len}, &back, &d), XK_BAD_INPUT);
	buf_deinit(&b);
	core_spec_deinit(&s);
}

static void parse(void **state)
{
	(void)state;
	parse_back(2);
	parse_back(1);
}

static void parse_refusals(void **state)
{
	static const struct {
		size_t off;
		uint8_t value;
		const char *says;
	} rows[] = {
		{0, 0, "ELF"}, {4, 3, "ELF"}, /* class */
		{5, 2, "little-endian"}, /* big-endian */
		{16, 2, "ELF core"}, /* ET_EXEC */
		{20, 2, "ELF core"}, /* version */
		{52, 63, "ELF core"}, /* ehsize */
		{54, 55, "ELF core"}, /* phentsize */
		{39, 0xff, "past its end"}, /* phoff */
		{56, 9, "past its end"}, /* phnum */
		{64, 6, "neither note nor memory"}, /* PT_PHDR */
		{64 + 32, 1, "must be equal"}, /* filesz */
		{64 + 31, 0xff, NULL}, /* paddr: no wrap, fine */
		{64 + 47, 0xff, "wraps"}, /* memsz with that */
	};
	struct core_spec s = {.machine = 62, .class = 2}, back;
	struct buf b = {0};
	struct diag d;

	(void)state;
	diag_init(&d);
	assert_true(core_add_load(&s,
		(struct range){UINT64_C(0xff00000000001000), UINT64_C(0xff00000000002000)}, 0, 0));
	assert_int_equal(core_build(&s, &b, &d), XK_OK);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t old = b.data[rows[i].off];

		b.data[rows[i].off] = rows[i].value;
		if (rows[i].says) {
			assert_int_equal(core_parse(buf_bytes(&b), &back, &d), XK_BAD_INPUT);
			assert_says(d.text, rows[i].says);
		} else {
			assert_int_equal(core_parse(buf_bytes(&b), &back, &d), XK_OK);
			core_spec_deinit(&back);
		}
		b.data[rows[i].off] = old;
	}
	buf_deinit(&b);
	core_spec_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elf64_bytes),
		cmocka_unit_test(elf32_bytes),
		cmocka_unit_test(too_many),
		cmocka_unit_test(parse),
		cmocka_unit_test(parse_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
