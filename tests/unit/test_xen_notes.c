// SPDX-License-Identifier: GPL-2.0-only
/* Register notes of both hypervisor widths: fixtures are made from the documented layout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "xen/notes.h"

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static void put_word(uint8_t *p, unsigned n, unsigned word, uint64_t v)
{
	memcpy(p + n * word, &v, word);
}

static void put_note(uint8_t *p, const char *name, uint32_t descsz, uint32_t type)
{
	put32(p, (uint32_t)strlen(name) + 1);
	put32(p + 4, descsz);
	put32(p + 8, type);
	memcpy(p + 12, name, strlen(name) + 1);
}

/* CPU 0 of a 64-bit Xen: 20 + 336, 16 + 32, 16 + 80 = 500 bytes. */
static void make_64(uint8_t b[500])
{
	memset(b, 0, 500);
	put_note(b, "CORE", 336, 1);
	put_note(b + 356, "Xen", 32, 0x1000002);
	put_note(b + 404, "Xen", 80, 0x1000001);
	for (unsigned i = 0; i < 27; i++)
		put_word(b + 20 + 112, i, 8, 0xffff82d000000000u + i);
	for (unsigned i = 0; i < 4; i++)
		put_word(b + 372, i, 8, 0x100 + i);
	for (unsigned i = 0; i < 10; i++)
		put_word(b + 420, i, 8, 0x200000000u + i);
}

/* CPU 0 of a 32-bit Xen: 20 + 144, 16 + 16, 16 + 40 = 252 bytes. */
static void make_32(uint8_t b[252])
{
	memset(b, 0, 252);
	put_note(b, "CORE", 144, 1);
	put_note(b + 164, "Xen", 16, 0x1000002);
	put_note(b + 196, "Xen", 40, 0x1000001);
	for (unsigned i = 0; i < 17; i++)
		put_word(b + 20 + 72, i, 4, 0xff100000u + i);
	for (unsigned i = 0; i < 4; i++)
		put_word(b + 180, i, 4, 0x100 + i);
	for (unsigned i = 0; i < 10; i++)
		put_word(b + 212, i, 4, 0x300 + i);
}

static void test_header_bytes(void **state)
{
	/* The header bytes as a 64-bit Xen writes them. */
	static const uint8_t core[] = {
		5, 0, 0, 0, 0x50, 1, 0, 0, 1, 0, 0, 0, 'C', 'O', 'R', 'E', 0, 0, 0, 0};
	static const uint8_t regs[] = {4, 0, 0, 0, 0x20, 0, 0, 0, 2, 0, 0, 1, 'X', 'e', 'n', 0};
	static const uint8_t info[] = {4, 0, 0, 0, 0x50, 0, 0, 0, 1, 0, 0, 1, 'X', 'e', 'n', 0};
	uint8_t b[500] = {0};
	struct diag d;

	(void)state;
	memcpy(b, core, sizeof(core));
	memcpy(b + 356, regs, sizeof(regs));
	memcpy(b + 404, info, sizeof(info));
	assert_int_equal(xen_notes_validate((struct bytes){b, 500}, 64, true, &d), XK_OK);
	assert_int_equal(xen_notes_validate((struct bytes){b, 404}, 64, false, &d), XK_OK);
}

static void test_parse_64(void **state)
{
	struct xen_cpu_notes n;
	uint8_t b[500];
	struct diag d;

	(void)state;
	make_64(b);
	assert_int_equal(xen_notes_parse((struct bytes){b, 500}, 64, &n, &d), XK_OK);
	assert_true(n.has_regs && n.has_crs && n.has_info && n.saved);
	assert_int_equal(n.regs[0], 0xffff82d000000000u); /* r15 */
	assert_int_equal(n.regs[xen_note_layout(64)->sp], 0xffff82d000000013u);
	assert_int_equal(n.cr0, 0x100);
	assert_int_equal(n.cr2, 0x101);
	assert_int_equal(n.cr3, 0x102);
	assert_int_equal(n.cr4, 0x103);
	assert_int_equal(n.info.major, 0x200000000u);
	assert_int_equal(n.info.tainted, 0x200000007u);
	assert_true(n.info.has_phys_start && n.info.has_frame_list);
	assert_int_equal(n.info.phys_start, 0x200000008u);
	assert_int_equal(n.info.frame_list, 0x200000009u);
}

static void test_parse_32(void **state)
{
	struct xen_cpu_notes n;
	uint8_t b[252];
	struct diag d;

	(void)state;
	make_32(b);
	assert_int_equal(xen_notes_parse((struct bytes){b, 252}, 32, &n, &d), XK_OK);
	assert_true(n.has_regs && n.has_crs && n.has_info && n.saved);
	assert_int_equal(n.regs[0], 0xff100000u); /* ebx */
	assert_int_equal(n.regs[xen_note_layout(32)->sp], 0xff10000fu);
	assert_int_equal(n.regs[16], 0xff100010u); /* ss, the last */
	assert_int_equal(n.cr3, 0x102);
	assert_int_equal(n.info.phys_start, 0x308);
	assert_int_equal(n.info.frame_list, 0x309);
	assert_int_equal(xen_notes_validate((struct bytes){b, 252}, 32, true, &d), XK_OK);
	assert_int_equal(xen_notes_validate((struct bytes){b, 196}, 32, false, &d), XK_OK);
}

static void test_register_names(void **state)
{
	const struct xen_note_layout *w = xen_note_layout(64), *n = xen_note_layout(32);

	(void)state;
	assert_string_equal(w->reg_names[w->sp], "rsp");
	assert_string_equal(w->reg_names[w->ip], "rip");
	assert_string_equal(w->reg_names[w->flags], "rflags");
	assert_string_equal(n->reg_names[n->sp], "esp");
	assert_string_equal(n->reg_names[n->ip], "eip");
	assert_string_equal(n->reg_names[n->flags], "eflags");
	/* pr_reg and pr_fpvalid (and, with 64 bits, its padding) end the descriptor. */
	assert_int_equal(w->reg_off + w->nr_regs * w->word + 8, w->prstatus.descsz);
	assert_int_equal(n->reg_off + n->nr_regs * n->word + 4, n->prstatus.descsz);
	assert_null(xen_note_layout(0));
	assert_null(xen_note_layout(16));
}

static void test_bits_of_size(void **state)
{
	(void)state;
	assert_int_equal(xen_note_bits(500, true), 64);
	assert_int_equal(xen_note_bits(404, false), 64);
	assert_int_equal(xen_note_bits(252, true), 32);
	assert_int_equal(xen_note_bits(196, false), 32);
	assert_int_equal(xen_note_bits(404, true), 0);
	assert_int_equal(xen_note_bits(500, false), 0);
	assert_int_equal(xen_note_bits(0, true), 0);
	assert_int_equal(xen_note_bits(UINT64_MAX, false), 0);
}

static void test_silent_cpu(void **state)
{
	struct xen_cpu_notes n;
	uint8_t b[500];
	struct diag d;

	(void)state;
	make_64(b);
	memset(b + 20, 0, 336);
	assert_int_equal(xen_notes_parse((struct bytes){b, 404}, 64, &n, &d), XK_OK);
	assert_true(n.has_regs);
	assert_false(n.saved);
	assert_false(n.has_info);
}

static void test_truncated(void **state)
{
	uint8_t b[500];
	struct diag d;

	(void)state;
	make_64(b);
	for (size_t len = 0; len < 500; len++) {
		uint8_t *exact = malloc(len ? len : 1);
		struct xen_cpu_notes n = {0};
		enum xk_status st;

		/* Exactly as long as claimed, so that a sanitizer sees a read past it. */
		memcpy(exact, b, len);
		st = xen_notes_parse((struct bytes){exact, len}, 64, &n, &d);
		/* A cut inside a note is refused; one in the room where a header would be is an
		 * end. */
		if ((len >= 12 && len < 356) || (len >= 368 && len < 404) || len >= 416)
			assert_int_equal(st, XK_BAD_INPUT);
		else
			assert_int_equal(st, XK_OK);
		assert_int_equal(
			xen_notes_validate((struct bytes){exact, len}, 64, true, &d), XK_BAD_INPUT);
		free(exact);
	}
}

static void test_refusals(void **state)
{
	struct xen_cpu_notes n;
	uint8_t b[500];
	struct diag d;

	(void)state;
	make_64(b);
	assert_int_equal(xen_notes_parse((struct bytes){b, 500}, 16, &n, &d), XK_BAD_INPUT);
	/* The right notes read as the other width. */
	assert_int_equal(xen_notes_parse((struct bytes){b, 500}, 32, &n, &d), XK_BAD_INPUT);
	assert_non_null(strstr(d.text, "wanted 144"));
	assert_int_equal(xen_notes_validate((struct bytes){b, 404}, 64, true, &d), XK_BAD_INPUT);
	assert_int_equal(xen_notes_validate((struct bytes){b, 500}, 64, false, &d), XK_BAD_INPUT);
	/* Sizes that would wrap a 32-bit sum. */
	put32(b, 0xfffffffe);
	assert_int_equal(xen_notes_parse((struct bytes){b, 500}, 64, &n, &d), XK_BAD_INPUT);
	make_64(b);
	put32(b + 4, 0xffffffff);
	assert_int_equal(xen_notes_parse((struct bytes){b, 500}, 64, &n, &d), XK_BAD_INPUT);
	make_64(b);
	put32(b + 356 + 4, 40); /* swallows 8 bytes of the next note */
	assert_int_equal(xen_notes_parse((struct bytes){b, 500}, 64, &n, &d), XK_BAD_INPUT);
	make_64(b);
	b[356 + 12] = 'x';
	assert_int_equal(xen_notes_validate((struct bytes){b, 500}, 64, true, &d), XK_BAD_INPUT);
	/* Not known to the parser, so skipped. */
	assert_int_equal(xen_notes_parse((struct bytes){b, 500}, 64, &n, &d), XK_OK);
	assert_false(n.has_crs);
}

static void test_crash_info_variants(void **state)
{
	struct xen_crash_info i;
	uint8_t b[88];
	struct diag d;

	(void)state;
	for (unsigned w = 0; w < 11; w++)
		put_word(b, w, 8, w + 1);
	assert_int_equal(xen_crash_info_parse((struct bytes){b, 64}, 64, &i, &d), XK_OK);
	assert_false(i.has_phys_start || i.has_frame_list);
	assert_int_equal(i.tainted, 8);
	assert_int_equal(xen_crash_info_parse((struct bytes){b, 72}, 64, &i, &d), XK_OK);
	assert_false(i.has_phys_start);
	assert_true(i.has_frame_list);
	assert_int_equal(i.frame_list, 9);
	assert_int_equal(xen_crash_info_parse((struct bytes){b, 80}, 64, &i, &d), XK_OK);
	assert_int_equal(i.phys_start, 9);
	assert_int_equal(i.frame_list, 10);
	assert_int_equal(xen_crash_info_parse((struct bytes){b, 56}, 64, &i, &d), XK_BAD_INPUT);
	assert_int_equal(xen_crash_info_parse((struct bytes){b, 88}, 64, &i, &d), XK_BAD_INPUT);
	assert_int_equal(xen_crash_info_parse((struct bytes){b, 76}, 64, &i, &d), XK_BAD_INPUT);
	assert_int_equal(xen_crash_info_parse((struct bytes){b, 80}, 32, &i, &d), XK_BAD_INPUT);
}

static void test_vmcoreinfo(void **state)
{
	static const uint8_t head[] = {0x0f, 0, 0, 0, 0xe4, 0x0f, 0, 0, 0, 0, 0, 0, 'V', 'M', 'C',
		'O', 'R', 'E', 'I', 'N', 'F', 'O', '_', 'X', 'E', 'N', 0, 0};
	static const char text[] = "PAGESIZE=4096\nSYMBOL(domain_list)=ffff82d040428ea0\n";
	uint8_t page[4096] = {0};
	struct bytes t;
	struct diag d;

	(void)state;
	assert_int_equal(xen_vmcoreinfo_text((struct bytes){page, 4096}, &t, &d), XK_BAD_INPUT);
	assert_non_null(strstr(d.text, "empty"));
	memcpy(page, head, sizeof(head));
	memcpy(page + 28, text, sizeof(text));
	assert_int_equal(xen_vmcoreinfo_text((struct bytes){page, 4096}, &t, &d), XK_OK);
	assert_int_equal(t.len, sizeof(text) - 1);
	assert_memory_equal(t.data, text, t.len);
	/* No NUL anywhere: the descriptor's end is the end. */
	memset(page + 28, 'x', 4068);
	assert_int_equal(xen_vmcoreinfo_text((struct bytes){page, 4096}, &t, &d), XK_OK);
	assert_int_equal(t.len, 4068);
	assert_int_equal(xen_vmcoreinfo_text((struct bytes){page, 4095}, &t, &d), XK_BAD_INPUT);
	page[12] = 'X';
	assert_int_equal(xen_vmcoreinfo_text((struct bytes){page, 4096}, &t, &d), XK_BAD_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header_bytes),
		cmocka_unit_test(test_parse_64),
		cmocka_unit_test(test_parse_32),
		cmocka_unit_test(test_register_names),
		cmocka_unit_test(test_bits_of_size),
		cmocka_unit_test(test_silent_cpu),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_crash_info_variants),
		cmocka_unit_test(test_vmcoreinfo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
