// SPDX-License-Identifier: GPL-2.0-only
/* Kdump-compressed and flattened files: every version, layout and compression; damaged ones. */
#include "tests/unit/xktest.h"

#include <elf.h>
#include <endian.h>
#include <stdio.h>

#include "tests/unit/mkcore.h"
#include "tests/unit/opened.h"
#include "tests/unit/scratch.h"

static enum page_state state_of(struct opened *o, uint64_t pfn)
{
	const uint8_t *page;

	return core_page(o->r, pfn, &page);
}

/* Pages 0x10..0x2f there; 0x100..0x103 described, the last two left out; 0x9000..0x9002, beyond
 * the first 32768 pages of the bitmaps, there, the middle one of noise that does not compress. */
static void describe(struct mkcore *m)
{
	uint8_t *noise;
	uint32_t x = 1;

	mkcore_init(m, ELFCLASS64, EM_X86_64);
	mkcore_note(m, "CORE", 1, "abcdefgh", 8);
	mkcore_mem(m, 0x10000, 0x20000);
	mkcore_mem(m, 0x100000, 0x4000)->filesz = 0x2000;
	mkcore_mem(m, 0x9000000, 0x3000);
	mkcore_fill(m, 0x10000, 0x20000);
	mkcore_fill(m, 0x100000, 0x2000);
	mkcore_fill(m, 0x9000000, 0x3000);
	noise = mkcore_at(m, 0x9001000, 4096);
	for (int i = 0; i < 4096; i++) {
		x = x * 1664525 + 1013904223;
		noise[i] = (uint8_t)(x >> 24);
	}
}

static void check_all(struct opened *o, struct mkcore *m)
{
	const uint8_t *page;

	assert_int_equal(o->c.ram.nr, 3);
	assert_int_equal(o->c.ram.v[0].r.start, 0x10000);
	assert_int_equal(o->c.ram.v[0].r.end, 0x30000);
	assert_int_equal(o->c.ram.v[1].r.end, 0x104000);
	assert_int_equal(o->c.max_pfn, 0x9003);
	for (uint64_t pfn = 0x9002; pfn != 0x9001; pfn--)
		assert_page(o, pfn);
	for (uint64_t pfn = 0x10; pfn < 0x30; pfn++)
		assert_page(o, pfn);
	for (uint64_t pfn = 0x2f; pfn >= 0x10; pfn--)
		assert_page(o, pfn);
	assert_page(o, 0x100);
	assert_page(o, 0x101);
	assert_int_equal(state_of(o, 0x102), PAGE_EXCLUDED);
	assert_int_equal(state_of(o, 0x103), PAGE_EXCLUDED);
	assert_int_equal(state_of(o, 0x104), PAGE_HOLE);
	assert_int_equal(state_of(o, 0xf), PAGE_HOLE);
	assert_int_equal(state_of(o, 0x30), PAGE_HOLE);
	assert_int_equal(state_of(o, 0x9003), PAGE_HOLE);
	assert_int_equal(state_of(o, UINT64_MAX), PAGE_HOLE);
	assert_int_equal(core_page(o->r, 0x9001, &page), PAGE_DATA);
	assert_memory_equal(page, mkcore_at(m, 0x9001000, 4096), 4096);
	assert_int_equal(core_run(o->r, 0x12, 1000, &page), 0x1e);
	assert_pattern(page, 0x12000, 0x1e000);
}

static void every_form(void **state)
{
	static const uint32_t flags[] = {0, 1, 2, 4, 0x20};
	struct mkcore m;

	(void)state;
	describe(&m);
	for (uint32_t version = 1; version <= 6; version++)
		for (unsigned w = 0; w < 2; w++)
			for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
				struct mkcore_kdump k = {.version = version,
					.is_32 = w,
					.flags = flags[i],
					.machine = "x86_64",
					.release = "6.1.0-test"};
				struct opened o;
				struct buf f;

				if (!mkcore_can_pack(flags[i])) /* see no_library() */
					continue;
				f = mkcore_kdump(&m, &k);
				opened_init(&o, &f);
				assert_int_equal(o.c.nr_problems, 0);
				assert_int_equal(o.c.format, CORE_KDUMP);
				assert_int_equal(o.c.machine, EM_X86_64);
				assert_string_equal(o.c.uts_release, "6.1.0-test");
				assert_false(o.c.incomplete);
				assert_false(o.c.flattened);
				check_all(&o, &m);
				assert_int_equal(o.c.notes.len, version >= 4 ? m.notes.len : 0);
				if (version >= 4)
					assert_memory_equal(
						o.c.notes.data, m.notes.data, m.notes.len);
				opened_close(&o);
				buf_deinit(&f);
			}
	mkcore_deinit(&m);
}

/* A library that is missing is named at once, and its pages are bad, the raw ones among them not.
 * On a machine that has both, the pages are no LZO and no snappy, which is as bad. */
static void no_library(void **state)
{
	static const struct {
		uint32_t flag;
		const char *lib;
	} row[] = {{2, "liblzo2.so.2"}, {4, "libsnappy.so.1"}};
	struct mkcore m;

	(void)state;
	describe(&m);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct mkcore_kdump k = {.version = 6, .flags = 0, .status = row[i].flag};
		struct buf f = mkcore_kdump(&m, &k);
		struct opened o;

		f.data[4096 * 6 + 12] = (uint8_t)row[i].flag; /* of the first page, which is raw */
		opened_init(&o, &f);
		if (mkcore_can_pack(row[i].flag))
			assert_int_equal(o.c.nr_problems, 0);
		else
			assert_problem(&o, row[i].lib);
		assert_int_equal(state_of(&o, 0x10), PAGE_BAD);
		assert_page(&o, 0x11);
		opened_close(&o);
		buf_deinit(&f);
	}
	mkcore_deinit(&m);
}

/* Before version 4 there are no notes, only the text; it becomes one. */
static void vmcoreinfo_alone(void **state)
{
	static const uint8_t note[] = "\13\0\0\0\16\0\0\0\0\0\0\0VMCOREINFO\0\0OSRELEASE=6.1\n\0";
	struct mkcore_kdump k = {.version = 3, .vmcoreinfo = "OSRELEASE=6.1\n"};
	struct opened o;
	struct mkcore m;
	struct buf f;

	(void)state;
	describe(&m);
	for (k.version = 2; k.version <= 4; k.version++) {
		size_t own = k.version >= 4 ? m.notes.len : 0;

		f = mkcore_kdump(&m, &k);
		opened_init(&o, &f);
		assert_int_equal(o.c.machine, EM_NONE);
		assert_int_equal(o.c.nr_problems, 0);
		/* 12 + 12 + 14 padded to 16 */
		assert_int_equal(o.c.notes.len, own + (k.version >= 3 ? 40 : 0));
		if (k.version >= 3)
			assert_memory_equal(o.c.notes.data + own, note, 40);
		opened_close(&o);
		buf_deinit(&f);
	}
	mkcore_deinit(&m);
}

/* Parts by file, in any order; borders that are no multiple of 8, beyond the first window too. */
static void split_set(void **state)
{
	static const uint64_t border[] = {0, 0x1b, 0x9001, 0x9003};
	const char *paths[3];
	char path[3][128];
	struct opened o = {0};
	struct scratch s;
	struct mkcore m;

	(void)state;
	describe(&m);
	scratch_init(&s);
	for (int i = 0; i < 3; i++) {
		struct mkcore_kdump k = {.version = 6,
			.flags = 1,
			.split = true,
			.start = border[i],
			.end = border[i + 1]};
		struct buf f = mkcore_kdump(&m, &k);

		snprintf(path[i], sizeof(path[i]), "/part%d", i);
		scratch_file(&s, path[i], f.data, f.len);
		snprintf(path[i], sizeof(path[i]), "%s/part%d", s.path, i);
		buf_deinit(&f);
	}
	for (int turn = 0; turn < 3; turn++) {
		for (int i = 0; i < 3; i++)
			paths[i] = path[(i + turn) % 3];
		assert_int_equal(core_open(paths, 3, &o.c, &o.d), XK_OK);
		o.r = core_reader_create(&o.c);
		assert_int_equal(o.c.nr_problems, 0);
		assert_int_equal(o.c.notes.len, m.notes.len);
		check_all(&o, &m);
		opened_close(&o);
	}
	paths[0] = path[2];
	paths[1] = path[0];
	assert_int_equal(core_open(paths, 2, &o.c, &o.d), XK_OK);
	o.r = core_reader_create(&o.c);
	assert_problem(&o, "pages 0x1b to 0x9001 is missing");
	assert_page(&o, 0x1a);
	assert_int_equal(state_of(&o, 0x1b), PAGE_BAD);
	assert_int_equal(state_of(&o, 0x100), PAGE_BAD);
	assert_int_equal(state_of(&o, 0x102), PAGE_EXCLUDED);
	assert_page(&o, 0x9002);
	opened_close(&o);
	paths[0] = path[1];
	assert_int_equal(core_open(paths, 1, &o.c, &o.d), XK_OK);
	o.r = core_reader_create(&o.c);
	assert_problem(&o, "pages 0 to 0x1b is missing");
	assert_problem(&o, "pages 0x9001 to 0x9003 is missing");
	assert_page(&o, 0x1b);
	assert_page(&o, 0x9000);
	assert_int_equal(state_of(&o, 0x1a), PAGE_BAD);
	assert_int_equal(state_of(&o, 0x9002), PAGE_BAD);
	opened_close(&o);
	scratch_deinit(&s);
	mkcore_deinit(&m);
}

static void no_set(void **state)
{
	struct mkcore_kdump k = {.version = 6};
	const char *paths[2];
	char path[2][128];
	struct scratch s;
	struct mkcore m;
	struct diag d;
	struct core c;

	(void)state;
	describe(&m);
	scratch_init(&s);
	diag_init(&d);
	for (int i = 0; i < 2; i++) {
		struct buf f = mkcore_kdump(&m, &k);

		snprintf(path[i], sizeof(path[i]), "/part%d", i);
		scratch_file(&s, path[i], f.data, f.len);
		snprintf(path[i], sizeof(path[i]), "%s/part%d", s.path, i);
		paths[i] = path[i];
		buf_deinit(&f);
	}
	assert_int_equal(core_open(paths, 2, &c, &d), XK_BAD_INPUT);
	assert_says(d.text, "is a whole dump, not a part");
	k.split = true;
	k.end = 0x20;
	for (int i = 0; i < 2; i++) {
		struct buf f;

		snprintf(path[i], sizeof(path[i]), "/part%d", i);
		f = mkcore_kdump(&m, &k);
		scratch_file(&s, path[i], f.data, f.len);
		snprintf(path[i], sizeof(path[i]), "%s/part%d", s.path, i);
		buf_deinit(&f);
		mkcore_mem(&m, 0xa000000, 0x1000);
		k.start = 0x20;
		k.end = 0xa001;
	}
	assert_int_equal(core_open(paths, 2, &c, &d), XK_BAD_INPUT);
	assert_says(d.text, "parts of different dumps");
	scratch_text(&s, "/part1", "KDUMB   and more than sixteen bytes");
	assert_int_equal(core_open(paths, 2, &c, &d), XK_BAD_INPUT);
	assert_says(d.text, "is no kdump-compressed file, as the other parts are");
	scratch_deinit(&s);
	mkcore_deinit(&m);
}

/* A 32-bit word of the main header is changed. */
static void headers(void **state)
{
	static const struct {
		size_t off;
		uint32_t v;
		enum xk_status st;
		const char *says;
	} row[] = {
		{428, 0, XK_BAD_INPUT, "neither layout of its header makes sense"},
		{428, 4097, XK_BAD_INPUT, "neither layout of its header makes sense"},
		{428, 65536, XK_UNSUPPORTED, "pages of 65536 bytes"},
		{432, 0, XK_BAD_INPUT, "neither layout of its header makes sense"},
		{432, UINT32_MAX, XK_BAD_INPUT, "neither layout of its header makes sense"},
		{272, 0x63726161, XK_UNSUPPORTED, "machine aarch"}, /* "aarc"; then "h64" */
		{8, 7, XK_OK, "newer than this tool knows"},
		{436, 2, XK_OK, "bitmaps, or x86, allow no more"},
		/* 2^20 blocks further on there is nothing */
		{432, (1 << 20) - 1, XK_OK, "cut short"},
		{436, UINT32_MAX, XK_OK, "cut short"},
	};
	struct mkcore_kdump k = {.version = 6, .machine = "xxxxh64"};
	struct opened o;
	struct mkcore m;

	(void)state;
	describe(&m);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct buf f;

		k.machine = row[i].off == 272 ? "xxxxh64" : "i686";
		f = mkcore_kdump(&m, &k);
		memcpy(f.data + row[i].off, &row[i].v, 4);
		assert_int_equal(opened_try(&o, &f), row[i].st);
		if (row[i].st) {
			assert_says(o.d.text, row[i].says);
		} else {
			assert_problem(&o, row[i].says);
			assert_int_equal(o.c.machine, EM_386);
			core_close(&o.c);
		}
		buf_deinit(&f);
	}
	/* a max_mapnr beyond everything is bounded by the bitmaps */
	{
		struct buf f = mkcore_kdump(&m, &k);

		memset(f.data + 4096 + 96, 0xff, 8);
		opened_init(&o, &f);
		assert_problem(&o, "bitmaps, or x86, allow no more");
		check_all(&o, &m);
		opened_close(&o);
		buf_deinit(&f);
	}
	mkcore_deinit(&m);
}

/* One descriptor of ten is changed: that page is bad, its neighbours are not. */
static void descriptors(void **state)
{
	static const struct {
		size_t off, len;
		uint64_t v;
	} row[] = {
		{0, 8, 0},
		{0, 8, UINT64_MAX},
		{0, 8, (uint64_t)INT64_MAX - 100},
		{0, 8, 0x10000000}, /* beyond the end */
		{0, 8, 100}, /* the header is no zlib stream */
		{8, 4, 0},
		{8, 4, 5}, /* cut short */
		{8, 4, 4097},
		{8, 4, UINT32_MAX},
		{12, 4, 0}, /* raw, but not a page long */
		{12, 4, 2}, /* not LZO */
		{12, 4, 4},
		{12, 4, 0x20},
		{12, 4, 3},
		{12, 4, 0x40000000},
	};
	struct mkcore_kdump k = {.version = 6, .flags = 1};
	struct mkcore m;

	(void)state;
	mkcore_init(&m, ELFCLASS64, EM_X86_64);
	mkcore_mem(&m, 0x10000, 0xa000);
	mkcore_fill(&m, 0x10000, 0xa000);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct buf f = mkcore_kdump(&m, &k);
		struct opened o;

		/* headers 2 blocks, bitmaps 2; the sixth descriptor */
		memcpy(f.data + 4 * 4096 + 5 * 24 + row[i].off, &row[i].v, row[i].len);
		opened_init(&o, &f);
		for (uint64_t pfn = 0x10; pfn < 0x1a; pfn++)
			if (pfn != 0x15)
				assert_page(&o, pfn);
		if (state_of(&o, 0x15) != PAGE_BAD)
			fail_msg("row %zu: state %d", i, state_of(&o, 0x15));
		opened_close(&o);
		buf_deinit(&f);
	}
	mkcore_deinit(&m);
}

static void incomplete(void **state)
{
	struct mkcore_kdump k = {.version = 6, .flags = 1, .status = 8, .lost_pfn = 0x12};
	struct opened o;
	struct mkcore m;
	struct buf f;

	(void)state;
	describe(&m);
	f = mkcore_kdump(&m, &k);
	opened_init(&o, &f);
	assert_true(o.c.incomplete);
	assert_page(&o, 0x11);
	assert_int_equal(state_of(&o, 0x12), PAGE_BAD);
	assert_page(&o, 0x13);
	opened_close(&o);
	buf_deinit(&f);
	mkcore_deinit(&m);
}

/* Cut at every place: refused, or a finding and pages that are right or bad. */
static void cut(void **state)
{
	struct mkcore_kdump k = {.version = 6, .flags = 1};
	size_t refused = 0, opened = 0;
	struct mkcore m;
	struct buf f, part;

	(void)state;
	describe(&m);
	f = mkcore_kdump(&m, &k);
	for (size_t len = 0; len < f.len; len += len < 600 || len > f.len - 200 ? 1 : 211) {
		struct opened o;
		const uint8_t *p;

		part = (struct buf){f.data, len, len, false};
		if (opened_try(&o, &part)) {
			refused++;
			assert_int_equal(o.d.status, XK_BAD_INPUT);
			assert_true(len < 4096 + 104 + m.notes.len);
			continue;
		}
		opened++;
		assert_true(o.c.nr_problems > 0);
		o.r = core_reader_create(&o.c);
		for (uint64_t pfn = 0; pfn < o.c.max_pfn; pfn += pfn == 0x120 ? 0x8e00 : 1)
			if (core_page(o.r, pfn, &p) == PAGE_DATA && pfn != 0x9001)
				assert_pattern(p, pfn * 4096, 4096);
		opened_close(&o);
	}
	assert_true(refused > 500 && opened > 200);
	buf_deinit(&f);
	mkcore_deinit(&m);
}

static void flattened(void **state)
{
	static const size_t size[] = {1, 100, 4096, 5000, 1 << 24};
	struct mkcore_kdump k = {.version = 6, .flags = 1};
	struct mkcore m;

	(void)state;
	describe(&m);
	for (unsigned elf = 0; elf < 2; elf++)
		for (size_t i = elf; i < ARRAY_SIZE(size); i++) {
			struct buf plain = elf ? mkcore_build(&m) : mkcore_kdump(&m, &k);
			struct buf f = mkcore_flatten(&plain, size[i]);
			struct opened o;

			opened_init(&o, &f);
			assert_true(o.c.flattened);
			assert_int_equal(o.c.format, elf ? CORE_ELF : CORE_KDUMP);
			assert_int_equal(o.c.nr_problems, 0);
			check_all(&o, &m);
			opened_close(&o);
			buf_deinit(&f);
			buf_deinit(&plain);
		}
	mkcore_deinit(&m);
}

static void put_record(struct buf *f, size_t at, uint64_t off, uint64_t size)
{
	off = htobe64(off);
	size = htobe64(size);
	memcpy(f->data + at, &off, 8);
	memcpy(f->data + at + 8, &size, 8);
}

static void flattened_damaged(void **state)
{
	static const struct {
		uint64_t off, size;
		const char *says;
	} row[] = {
		{UINT64_MAX, 5, "makes no sense"},
		{5, UINT64_MAX, "makes no sense"},
		{5, 0, "makes no sense"},
		{INT64_MAX, 1, "makes no sense"},
		{0, (uint64_t)INT64_MAX, "its end is missing"},
	};
	struct opened o;
	struct mkcore m;
	struct buf plain, f;
	size_t at;

	(void)state;
	describe(&m);
	plain = mkcore_build(&m);
	f = mkcore_flatten(&plain, 1 << 24);
	/* without the end; the last record is the good first one */
	f.len -= 16;
	opened_init(&o, &f);
	assert_problem(&o, "its end is missing");
	check_all(&o, &m);
	opened_close(&o);
	f.len += 16;
	at = f.len - 16;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		put_record(&f, at, row[i].off, row[i].size);
		opened_init(&o, &f);
		assert_problem(&o, row[i].says);
		check_all(&o, &m);
		opened_close(&o);
	}
	buf_deinit(&f);
	/* nothing but the header */
	f = mkcore_flatten(&plain, 1 << 24);
	f.len = 4096;
	assert_int_equal(opened_try(&o, &f), XK_BAD_INPUT);
	assert_says(o.d.text, "is no dump");
	buf_deinit(&f);
	buf_deinit(&plain);
	mkcore_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(every_form),
		cmocka_unit_test(no_library),
		cmocka_unit_test(vmcoreinfo_alone),
		cmocka_unit_test(split_set),
		cmocka_unit_test(no_set),
		cmocka_unit_test(headers),
		cmocka_unit_test(descriptors),
		cmocka_unit_test(incomplete),
		cmocka_unit_test(cut),
		cmocka_unit_test(flattened),
		cmocka_unit_test(flattened_damaged),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
