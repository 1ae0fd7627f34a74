// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/xktest.h"

#include <elf.h>

#include "common/elfimage.h"
#include "tests/unit/mkelf.h"

/* What a reader of files does. NULL: refused, and d says why. */
static uint8_t *flatten(struct bytes file, struct elf_layout *l, struct diag *d)
{
	struct bytes head = {file.data, (size_t)min_u64(file.len, ELF_HEAD)};
	uint8_t *flat;

	if (elf_layout(head, file.len, l, d))
		return NULL;
	flat = calloc(1, (size_t)l->len);
	for (size_t i = 0; i < l->nr; i++) {
		assert_true(l->v[i].dest + l->v[i].len <= l->len);
		memcpy(flat + l->v[i].dest, file.data + l->v[i].off, (size_t)l->v[i].len);
	}
	return flat;
}

/* Text at 0, a gap of a page, data at 0x3000, init at 0x4000 with bss up to 0x44000. */
static void lays_out_x86_64(void **state)
{
	struct mkelf m = mkelf_default(true);
	struct buf f = mkelf_build(&m);
	struct elf_layout l;
	struct image img;
	struct diag d;
	uint8_t *flat;

	(void)state;
	diag_init(&d);
	flat = flatten(buf_bytes(&f), &l, &d);
	assert_non_null(flat);
	assert_int_equal(l.nr, 3);
	assert_int_equal(l.base, 0x1000000);
	assert_int_equal(l.len, 0x4000 + 0x1234);
	assert_int_equal(l.mem, 0x44000);
	assert_int_equal(flat[0x1fff], mkelf_byte(0x1000 + 0x1fff));
	assert_int_equal(flat[0x2000], 0);
	assert_int_equal(flat[0x3000], mkelf_byte(0x4000));
	assert_int_equal(flat[0x4000 + 0x1233], mkelf_byte(0x5000 + 0x1233));
	assert_int_equal(
		image_parse_elf(&l, (struct bytes){flat, (size_t)l.len}, "k", &img, &d), XK_OK);
	assert_int_equal(img.kind, IMAGE_VMLINUX);
	assert_true(img.is_64 && img.entry_64 && !img.entry_32 && img.relocatable);
	assert_int_equal(img.entry_off_64, 0x40);
	assert_int_equal(img.align, 0x200000);
	assert_int_equal(img.init_size, 0x44000);
	assert_string_equal(img.version, "6.1.0-elf (who@where) #1 SMP");
	/* boot.rst: 0x1fe boot flag, 0x202 magic, 0x206 version, 0x211 loadflags, 0x238 cmdline_size */
	assert_memory_equal(img.hdr + (0x1fe - BZ_HDR_OFF), "\x55\xaa", 2);
	assert_memory_equal(img.hdr + (0x202 - BZ_HDR_OFF), "HdrS\x0f\x02", 6);
	assert_int_equal(img.hdr[0x211 - BZ_HDR_OFF], 1);
	assert_memory_equal(img.hdr + (0x238 - BZ_HDR_OFF), "\xff\x07\0\0", 4);
	free(flat);
	buf_deinit(&f);
}

static void lays_out_i386(void **state)
{
	struct mkelf m = mkelf_default(false);
	struct elf_layout l;
	struct image img;
	struct buf f;
	struct diag d;
	uint8_t *flat;

	(void)state;
	diag_init(&d);
	m.entry = 0xc1000040; /* a virtual entry is put back to where it is linked */
	f = mkelf_build(&m);
	flat = flatten(buf_bytes(&f), &l, &d);
	assert_non_null(flat);
	assert_int_equal(
		image_parse_elf(&l, (struct bytes){flat, (size_t)l.len}, "k", &img, &d), XK_OK);
	assert_true(!img.is_64 && !img.entry_64 && img.entry_32 && !img.relocatable);
	assert_int_equal(img.entry_off_32, 0x40);
	assert_int_equal(img.pref_address, 0x1000000);
	assert_int_equal(img.init_size, 0x10000);
	assert_int_equal(img.initrd_max, 0x37ffffff);
	free(flat);
	buf_deinit(&f);
}

static void arm(struct mkelf *m)
{
	m->machine = EM_AARCH64;
}
static void wrong_width(struct mkelf *m)
{
	m->machine = EM_386;
}
static void object(struct mkelf *m)
{
	m->type = ET_REL;
}
static void core(struct mkelf *m)
{
	m->type = ET_CORE;
}
static void strange(struct mkelf *m)
{
	m->type = 0xfe00;
}
static void phentsize(struct mkelf *m)
{
	m->phentsize = 32;
}
static void many(struct mkelf *m)
{
	m->phnum = 65;
}
static void cut_phdrs(struct mkelf *m)
{
	m->phnum = 20;
	m->size = 0x400; /* 64 + 20 * 56 = 0x4a0 */
	m->nr = 0;
	m->banner = NULL;
}
static void no_load(struct mkelf *m)
{
	for (size_t i = 0; i < m->nr; i++)
		m->seg[i].type = PT_NOTE;
}
static void no_memory(struct mkelf *m)
{
	for (size_t i = 0; i < m->nr; i++)
		m->seg[i].filesz = 0;
}
static void more_file(struct mkelf *m)
{
	m->seg[1].filesz = m->seg[1].memsz + 1;
}
static void beyond_file(struct mkelf *m)
{
	m->seg[2].off = m->size - 0x1233;
}
static void off_wraps(struct mkelf *m)
{
	m->seg[2].off = UINT64_MAX - 0x1000;
}
static void too_high(struct mkelf *m)
{
	m->seg[2].paddr = UINT64_C(1) << 46;
}
static void paddr_wraps(struct mkelf *m)
{
	m->seg[2].paddr = UINT64_MAX - 0x1000;
}
static void overlap(struct mkelf *m)
{
	m->seg[1].paddr = 0x1001000;
}
static void far(struct mkelf *m)
{
	m->seg[2].paddr = 0x50000000;
} /* 0x4f000000 apart */
static void bad_entry(struct mkelf *m)
{
	m->entry = 0x1002000;
} /* in the gap */
static void no_banner(struct mkelf *m)
{
	m->banner = NULL;
}
static void odd_base(struct mkelf *m)
{
	for (size_t i = 0; i < m->nr; i++)
		m->seg[i].paddr += 0x100000;
	m->entry += 0x100000;
}

static const struct {
	void (*change)(struct mkelf *m);
	enum xk_status status;
	const char *says;
} wrong[] = {
	{arm, XK_UNSUPPORTED, "64 bits for machine 183"},
	{wrong_width, XK_UNSUPPORTED, "64 bits for machine 3"},
	{object, XK_UNSUPPORTED, "an object file or module"},
	{core, XK_UNSUPPORTED, "a core file"},
	{strange, XK_UNSUPPORTED, "ELF type 65024"},
	{phentsize, XK_BAD_INPUT, "program headers of 32 bytes; they have 56"},
	{many, XK_BAD_INPUT, "65 ELF program headers"},
	{cut_phdrs, XK_BAD_INPUT, "truncated ELF file: its table of program headers"},
	{no_load, XK_UNSUPPORTED, "nothing to load"},
	{no_memory, XK_BAD_INPUT, "segments are all empty"},
	{more_file, XK_BAD_INPUT, "more bytes in the file (0x801) than in memory (0x800)"},
	{beyond_file, XK_BAD_INPUT, "ends at byte 0x9001 of 0x9000"},
	{off_wraps, XK_BAD_INPUT, "truncated ELF file"},
	{too_high, XK_BAD_INPUT, "beyond 64 TiB"},
	{paddr_wraps, XK_BAD_INPUT, "beyond 64 TiB"},
	{overlap, XK_BAD_INPUT, "overlap at physical address 0x1001000"},
	{far, XK_BAD_INPUT, "1264 MiB apart"},
	{bad_entry, XK_BAD_INPUT, "entry 0x1002000 is in none"},
	{no_banner, XK_UNSUPPORTED, "no Linux"},
	{odd_base, XK_UNSUPPORTED, "no multiple of 2 MiB"},
};

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct mkelf m = mkelf_default(true);
		struct elf_layout l = {.base = 7};
		struct image img;
		enum xk_status st;
		struct buf f;
		struct diag d;
		uint8_t *flat;

		diag_init(&d);
		wrong[i].change(&m);
		f = mkelf_build(&m);
		flat = flatten(buf_bytes(&f), &l, &d);
		st = flat ? image_parse_elf(&l, (struct bytes){flat, (size_t)l.len}, "k", &img, &d)
			  : d.status;
		if (st != wrong[i].status || !strstr(d.text, wrong[i].says))
			fail_msg("row %zu: status %d, \"%s\" lacks \"%s\"", i, st, d.text,
				wrong[i].says);
		assert_true(flat || l.base == 7); /* written only on success */
		free(flat);
		buf_deinit(&f);
	}
}

/* Every length of the file; exact copies let the sanitizer see overreads. */
static void refuses_truncation(void **state)
{
	struct mkelf m = mkelf_default(true);
	struct buf f = mkelf_build(&m);

	(void)state;
	/* The last byte that is needed: 0x5000 + 0x1234. */
	for (size_t len = 4; len < 0x6234; len += len < 0x100 ? 1 : 509) {
		uint8_t *copy = malloc(len);
		struct elf_layout l;
		struct diag d;

		memcpy(copy, f.data, len);
		diag_init(&d);
		assert_true(elf_is((struct bytes){copy, len}));
		assert_int_equal(elf_layout((struct bytes){copy, len}, len, &l, &d), XK_BAD_INPUT);
		assert_non_null(strstr(d.text, "truncated"));
		free(copy);
	}
	buf_deinit(&f);
}

/* Xen's own file, as /boot/xen.gz unpacks: no Linux, but a multiboot header near its start.
 * 0x1badb002 + 3 + 0xe4524ffb = 2^32. */
static void knows_xen(void **state)
{
	struct mkelf m = mkelf_default(false);
	struct elf_layout l;
	struct image img;
	struct diag d;
	struct buf f;
	uint8_t *flat;

	(void)state;
	diag_init(&d);
	m.banner = NULL;
	f = mkelf_build(&m);
	memcpy(f.data + 0x1000 + 64, "\x02\xb0\xad\x1b\x03\0\0\0\xfb\x4f\x52\xe4", 12);
	flat = flatten(buf_bytes(&f), &l, &d);
	assert_non_null(flat);
	assert_int_equal(image_parse_elf(&l, (struct bytes){flat, (size_t)l.len}, "k", &img, &d),
		XK_UNSUPPORTED);
	assert_non_null(strstr(d.text, "the Xen hypervisor itself"));
	free(flat);
	buf_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lays_out_x86_64),
		cmocka_unit_test(lays_out_i386),
		cmocka_unit_test(refuses),
		cmocka_unit_test(refuses_truncation),
		cmocka_unit_test(knows_xen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
