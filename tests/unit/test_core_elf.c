// SPDX-License-Identifier: GPL-2.0-only
/* ELF cores: what is there, what is not, and headers that lie. */
#include "tests/unit/xktest.h"

#include <elf.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/opened.h"
#include "tests/unit/scratch.h"
#include "vmcore/source.h"

static enum xk_status open_built(struct mkcore *m, struct opened *o)
{
	struct buf file = mkcore_build(m);
	enum xk_status st = opened_try(o, &file);

	o->file = file;
	return st;
}

static void open_ok(struct mkcore *m, struct opened *o)
{
	if (open_built(m, o))
		fail_msg("%s", o->d.text);
	o->r = core_reader_create(&o->c);
	assert_non_null(o->r);
}

/* Two banks with a hole, at odd offsets in the file, of every class and machine there is. */
static void plain(void **state)
{
	static const struct {
		uint8_t class;
		uint16_t machine;
	} row[] = {{ELFCLASS64, EM_X86_64}, {ELFCLASS32, EM_X86_64}, {ELFCLASS32, EM_386},
		{ELFCLASS64, EM_386}};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(row); k++) {
		struct opened o;
		const uint8_t *p;
		struct mkcore m;
		uint8_t b[20000];
		uint64_t v;

		mkcore_init(&m, row[k].class, row[k].machine);
		m.off_align = k & 1 ? 1 : 4096;
		mkcore_note(&m, "CORE", 1, "abcdefgh", 8);
		mkcore_mem(&m, 0x100000, 0x5000)->virt = 0xc0100000;
		mkcore_mem(&m, 0x200000, 0x2000);
		mkcore_fill(&m, 0x100000, 0x5000);
		mkcore_fill(&m, 0x200000, 0x2000);
		open_ok(&m, &o);
		assert_int_equal(o.c.format, CORE_ELF);
		assert_int_equal(o.c.class, row[k].class);
		assert_int_equal(o.c.machine, row[k].machine);
		assert_false(o.c.incomplete);
		assert_int_equal(o.c.nr_problems, 0);
		assert_int_equal(o.c.nr_loads, 2);
		assert_int_equal(o.c.loads[0].virt, 0xc0100000);
		assert_int_equal(o.c.ram.nr, 2);
		assert_int_equal(o.c.ram.v[1].r.start, 0x200000);
		assert_int_equal(o.c.max_pfn, 0x202);
		assert_int_equal(o.c.notes.len, 12 + 8 + 8);
		assert_memory_equal(o.c.notes.data + 12, "CORE\0\0\0\0abcdefgh", 16);

		for (uint64_t pfn = 0x104; pfn >= 0x100; pfn--)
			assert_page(&o, pfn);
		for (uint64_t pfn = 0x100; pfn < 0x105; pfn++)
			assert_page(&o, pfn);
		assert_state(&o, 0xff, PAGE_HOLE);
		assert_state(&o, 0x105, PAGE_HOLE);
		assert_state(&o, 0x202, PAGE_HOLE);
		assert_state(&o, UINT64_MAX, PAGE_HOLE);
		assert_int_equal(core_run(o.r, 0x101, 100, &p), 4);
		assert_pattern(p, 0x101000, 0x4000);
		assert_int_equal(core_run(o.r, 0x103, 1, &p), 1);
		assert_pattern(p, 0x103000, 0x1000);

		assert_true(core_read(o.r, 0x100ffd, b, 6));
		assert_pattern(b, 0x100ffd, 6);
		assert_true(core_read(o.r, 0x100010, b, 20000));
		assert_pattern(b, 0x100010, 20000);
		assert_false(core_read(o.r, 0x104ffd, b, 6));
		assert_false(core_read(o.r, UINT64_MAX - 2, b, 6));
		assert_false(core_read(o.r, 0xff000, b, 8192));
		assert_true(core_read64(o.r, 0x200008, &v));
		assert_pattern((const uint8_t *)&v, 0x200008, 8);
		opened_close(&o);
		mkcore_deinit(&m);
	}
}

/* As every loader describes it: nothing to report. */
static void image_again(void **state)
{
	struct opened o;
	struct mkcore m;

	(void)state;
	mkcore_init(&m, ELFCLASS64, EM_X86_64);
	mkcore_mem(&m, 0x100000, 0x8000);
	mkcore_mem(&m, 0x104000, 0x2000);
	mkcore_fill(&m, 0x100000, 0x8000);
	open_ok(&m, &o);
	assert_int_equal(o.c.nr_problems, 0);
	assert_int_equal(o.c.nr_loads, 2);
	assert_page(&o, 0x104);
	opened_close(&o);
	mkcore_deinit(&m);
}

/* The first header wins, whatever the order of addresses; Xen's image is described again. */
static void overlaps(void **state)
{
	struct opened o;
	struct mkcore m;
	const uint8_t *p;

	(void)state;
	mkcore_init(&m, ELFCLASS64, EM_X86_64);
	memset(mkcore_mem(&m, 0x103000, 0x2000)->data, 'a', 0x2000);
	memset(mkcore_mem(&m, 0x100000, 0x8000)->data, 'b', 0x8000);
	memset(mkcore_mem(&m, 0x104000, 0x6000)->data, 'c', 0x6000);
	memset(mkcore_mem(&m, 0x102000, 0x1000)->data, 'd', 0x1000);
	open_ok(&m, &o);
	assert_problem(&o, "described more than once");
	assert_int_equal(o.c.nr_loads, 4);
	assert_int_equal(o.c.ram.nr, 1);
	assert_int_equal(o.c.ram.v[0].r.end, 0x10a000);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(core_page(o.r, 0x100 + i, &p), PAGE_DATA);
		assert_int_equal(p[0], "bbbaabbbcc"[i]);
		assert_int_equal(p[4095], "bbbaabbbcc"[i]);
	}
	opened_close(&o);
	mkcore_deinit(&m);
}

/* What a header promises but leaves out of the file loses against one that has it. */
static void excluded(void **state)
{
	struct mkcore_load *l;
	struct opened o;
	struct mkcore m;

	(void)state;
	mkcore_init(&m, ELFCLASS64, EM_X86_64);
	l = mkcore_mem(&m, 0x100000, 0x4000);
	l->filesz = 0x2000;
	mkcore_mem(&m, 0x103000, 0x1000);
	l = mkcore_mem(&m, 0x200000, 0x4000);
	l->filesz = 0;
	mkcore_fill(&m, 0x100000, 0x2000);
	memcpy(m.loads[1].data, m.loads[0].data, 0x1000);
	for (size_t i = 0; i < 0x1000; i++)
		m.loads[1].data[i] = mkcore_byte(0x103000 + i);
	m.e_flags = 1;
	open_ok(&m, &o);
	assert_true(o.c.incomplete);
	assert_page(&o, 0x101);
	assert_state(&o, 0x102, PAGE_EXCLUDED);
	assert_page(&o, 0x103);
	assert_state(&o, 0x200, PAGE_EXCLUDED);
	assert_state(&o, 0x203, PAGE_EXCLUDED);
	opened_close(&o);
	mkcore_deinit(&m);
}

/* Memory that starts and ends within a page, as BIOS maps have it: the rest reads as zeros. */
static void partial_pages(void **state)
{
	uint8_t zeros[4096] = {0}, b[16];
	struct opened o;
	struct mkcore m;
	const uint8_t *p;

	(void)state;
	mkcore_init(&m, ELFCLASS64, EM_X86_64);
	mkcore_mem(&m, 0x1400, 0x1800); /* to 0x2c00 */
	mkcore_mem(&m, 0x2c00, 0x300); /* to 0x2f00 */
	mkcore_mem(&m, 0x5ff0, 0x10);
	mkcore_fill(&m, 0x1400, 0x1800);
	mkcore_fill(&m, 0x2c00, 0x300);
	mkcore_fill(&m, 0x5ff0, 0x10);
	open_ok(&m, &o);
	assert_int_equal(o.c.nr_problems, 0);
	assert_int_equal(core_page(o.r, 1, &p), PAGE_DATA);
	assert_memory_equal(p, zeros, 0x400);
	assert_pattern(p + 0x400, 0x1400, 0xc00);
	assert_int_equal(core_page(o.r, 2, &p), PAGE_DATA);
	assert_pattern(p, 0x2000, 0xf00);
	assert_memory_equal(p + 0xf00, zeros, 0x100);
	assert_state(&o, 3, PAGE_HOLE);
	assert_true(core_read(o.r, 0x5ff0, b, 16));
	assert_pattern(b, 0x5ff0, 16);
	opened_close(&o);
	mkcore_deinit(&m);
}

/* Cut at every length: what is still there reads right, the rest is bad, never anything else. */
static void cut(void **state)
{
	struct mkcore m;
	struct buf file;
	size_t opened = 0;

	(void)state;
	mkcore_init(&m, ELFCLASS64, EM_X86_64);
	mkcore_note(&m, "CORE", 1, "abcdefgh", 8);
	mkcore_mem(&m, 0x100000, 0x3000);
	mkcore_fill(&m, 0x100000, 0x3000);
	file = mkcore_build(&m);
	for (size_t len = 0; len <= file.len; len += len < 400 ? 1 : 97) {
		struct opened o = {0};

		diag_init(&o.d);
		if (core_open_bytes((struct bytes){file.data, len}, &o.c, &o.d)) {
			assert_true(len < 64 + 56 + 56 + 28);
			assert_int_equal(o.d.status, XK_BAD_INPUT);
			assert_true(o.d.text[0]);
			continue;
		}
		opened++;
		assert_true(o.c.nr_problems > 0);
		o.r = core_reader_create(&o.c);
		assert_non_null(o.r);
		for (uint64_t i = 0; i < 3 && o.c.nr_loads; i++) {
			if (len >= 4096 + (i + 1) * 4096)
				assert_page(&o, 0x100 + i);
			else
				assert_state(&o, 0x100 + i, PAGE_BAD);
		}
		core_reader_destroy(o.r);
		core_close(&o.c);
	}
	assert_true(opened > 50);
	buf_deinit(&file);
	mkcore_deinit(&m);
}

struct lie {
	uint64_t paddr, memsz, filesz, off;
	bool fixed_off;
	const char *says; /* the problem */
	enum page_state at_1m; /* of 0x100000, where this header may be the only one */
};

static void lies(void **state)
{
	static const struct lie row[] = {
		/* wraps */
		{UINT64_MAX - 0xfff, 0x2000, 0x1000, 0, false, "no x86 machine has memory",
			PAGE_HOLE},
		{UINT64_MAX, UINT64_MAX, UINT64_MAX, 0, false, "no x86 machine has memory",
			PAGE_HOLE},
		/* one page beyond 52 bits; the last page within them is fine (below) */
		{UINT64_C(1) << 52, 0x1000, 0x1000, 0, false, "no x86 machine has memory",
			PAGE_HOLE},
		/* content beyond the end of the file, and where an off_t is negative */
		{0x100000, 0x1000, 0x1000, 0x40000000, true, "cut short", PAGE_BAD},
		{0x100000, 0x1000, 0x1000, UINT64_MAX - 0x10, true, "cut short", PAGE_BAD},
		{0x100000, UINT64_C(1) << 40, UINT64_C(1) << 40, 0x4000, true, "cut short",
			PAGE_BAD},
		/* more in the file than in memory */
		{0x100000, 0x800, 0x1000, 0, false, "more bytes in the file", PAGE_DATA},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct mkcore_load *l;
		struct opened o;
		struct mkcore m;

		mkcore_init(&m, ELFCLASS64, EM_X86_64);
		mkcore_mem(&m, 0x300000, 0x1000);
		mkcore_fill(&m, 0x300000, 0x1000);
		l = mkcore_mem(&m, row[i].paddr, 0x1000);
		l->memsz = row[i].memsz;
		l->filesz = row[i].filesz;
		l->off = row[i].off;
		l->fixed_off = row[i].fixed_off;
		open_ok(&m, &o);
		assert_problem(&o, row[i].says);
		assert_page(&o, 0x300);
		assert_state(&o, 0x100, row[i].at_1m);
		opened_close(&o);
		mkcore_deinit(&m);
	}
}

static void top_of_memory(void **state)
{
	const uint64_t last = (UINT64_C(1) << 52) - 4096;
	struct opened o;
	struct mkcore m;

	(void)state;
	mkcore_init(&m, ELFCLASS64, EM_X86_64);
	mkcore_mem(&m, last, 0x1000);
	mkcore_fill(&m, last, 0x1000);
	open_ok(&m, &o);
	assert_int_equal(o.c.nr_problems, 0);
	assert_int_equal(o.c.max_pfn, UINT64_C(1) << 40);
	assert_page(&o, last / 4096);
	assert_state(&o, UINT64_C(1) << 40, PAGE_HOLE);
	opened_close(&o);
	mkcore_deinit(&m);
}

/* Header numbers that cannot be: phnum beyond the file, notes beyond any size. */
static void absurd_headers(void **state)
{
	struct opened o = {0};
	struct mkcore m;

	(void)state;
	mkcore_init(&m, ELFCLASS64, EM_X86_64);
	mkcore_mem(&m, 0x100000, 0x1000);
	mkcore_fill(&m, 0x100000, 0x1000);
	m.phnum = 500; /* of zeros and content: (8192 - 64) / 56 = 145 */
	m.off_align = 8192;
	open_ok(&m, &o);
	assert_problem(&o, "of 500 program headers");
	assert_page(&o, 0x100);
	opened_close(&o);
	m.phnum = 0;

	mkcore_note(&m, "CORE", 1, "abcdefgh", 8);
	o.file = mkcore_build(&m);
	memset(o.file.data + 64 + 32, 0xff, 8); /* p_filesz of the notes */
	diag_init(&o.d);
	assert_int_equal(core_open_bytes(buf_bytes(&o.file), &o.c, &o.d), XK_OK);
	assert_problem(&o, "only the first 8388608 bytes");
	assert_problem(&o, "bytes of notes at offset");
	assert_true(o.c.notes.len <= o.file.len);
	core_close(&o.c);
	buf_deinit(&o.file);
	mkcore_deinit(&m);
}

/* The number of headers in the first section header, as QEMU writes it for many of them. */
static void many_headers(void **state)
{
	struct opened o = {0};
	struct mkcore m;
	uint64_t shoff;

	(void)state;
	mkcore_init(&m, ELFCLASS64, EM_X86_64);
	mkcore_mem(&m, 0x100000, 0x1000);
	mkcore_mem(&m, 0x200000, 0x1000);
	mkcore_fill(&m, 0x200000, 0x1000);
	m.phnum = PN_XNUM;
	o.file = mkcore_build(&m);
	shoff = o.file.len;
	memcpy(o.file.data + 40, &shoff, 8);
	buf_zero(&o.file, 64);
	o.file.data[shoff + 44] = 2; /* sh_info */
	diag_init(&o.d);
	assert_int_equal(core_open_bytes(buf_bytes(&o.file), &o.c, &o.d), XK_OK);
	o.r = core_reader_create(&o.c);
	assert_int_equal(o.c.nr_problems, 0);
	assert_int_equal(o.c.nr_loads, 2);
	assert_page(&o, 0x200);
	opened_close(&o);
	mkcore_deinit(&m);
}

static void refusals(void **state)
{
	static const struct {
		size_t off;
		uint8_t byte;
		enum xk_status st;
		const char *says;
	} row[] = {
		{0, 'E', XK_BAD_INPUT, "is no dump"}, {4, 3, XK_UNSUPPORTED, "class 3"},
		{5, 2, XK_UNSUPPORTED, "byte order 2"}, {16, 2, XK_BAD_INPUT, "type 2, not a core"},
		{18, 183, XK_UNSUPPORTED, "machine 183"},
		{56, 0, XK_BAD_INPUT, "neither memory nor notes"},
		{38, 1, XK_BAD_INPUT, "neither memory nor notes"}, /* e_phoff at 2^48 */
	};
	const char *none = "/nonexistent/core", *two[2];
	struct scratch s;
	struct diag d;
	struct core c;
	char path[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct opened o = {0};
		struct mkcore m;

		mkcore_init(&m, ELFCLASS64, EM_X86_64);
		mkcore_mem(&m, 0x100000, 0x1000);
		o.file = mkcore_build(&m);
		o.file.data[row[i].off] = row[i].byte;
		diag_init(&o.d);
		assert_int_equal(core_open_bytes(buf_bytes(&o.file), &o.c, &o.d), row[i].st);
		assert_says(o.d.text, row[i].says);
		buf_deinit(&o.file);
		mkcore_deinit(&m);
	}
	diag_init(&d);
	assert_int_equal(core_open(&none, 1, &c, &d), XK_IO);
	assert_says(d.text, none);
	assert_int_equal(core_open(&none, 0, &c, &d), XK_USAGE);
	scratch_init(&s);
	none = s.path;
	assert_int_equal(core_open(&none, 1, &c, &d), XK_IO);
	assert_says(d.text, "is a folder");
	scratch_file(&s, "/core", ELFMAG, SELFMAG);
	snprintf(path, sizeof(path), "%s/core", s.path);
	two[0] = two[1] = path;
	assert_int_equal(core_open(two, 2, &c, &d), XK_BAD_INPUT);
	assert_says(d.text, "which is one file");
	scratch_deinit(&s);
}

/* 5 MiB through a file, by both ways of reading, and what happens when it shrinks meanwhile. */
static void by_file(void **state)
{
	const size_t len = 5 << 20;
	const char *paths[1];
	struct opened o = {0};
	struct scratch s;
	struct mkcore m;
	const uint8_t *p;
	uint8_t *b = malloc(len);
	char path[128];

	(void)state;
	assert_non_null(b);
	mkcore_init(&m, ELFCLASS64, EM_X86_64);
	mkcore_mem(&m, 0x100000, len);
	mkcore_fill(&m, 0x100000, len);
	o.file = mkcore_build(&m);
	scratch_init(&s);
	scratch_file(&s, "/core", o.file.data, o.file.len);
	snprintf(path, sizeof(path), "%s/core", s.path);
	paths[0] = path;
	assert_int_equal(core_open(paths, 1, &o.c, &o.d), XK_OK);
	o.r = core_reader_create(&o.c);
	assert_true(core_read(o.r, 0x100001, b, len - 1));
	assert_pattern(b, 0x100001, len - 1);
	assert_int_equal(core_run(o.r, 0x101, 10000, &p), 256);
	assert_pattern(p, 0x101000, 256 * 4096);
	for (enum source_way way = SOURCE_READ; way <= SOURCE_MAP; way++) {
		struct source_view v = {0};
		struct source src;

		assert_int_equal(source_open(path, way, &src, &o.d), XK_OK);
		assert_int_equal(src.map, way == SOURCE_MAP);
		assert_int_equal(src.size, o.file.len);
		/* across the windows' border at 4 MiB */
		assert_true(source_get(&src, &v, (4 << 20) - 7, b, 4096));
		assert_memory_equal(b, o.file.data + (4 << 20) - 7, 4096);
		assert_true(source_get(&src, &v, 0, b, len));
		assert_memory_equal(b, o.file.data, len);
		assert_int_equal(source_read(&src, &v, o.file.len - 5, b, 100), 5);
		assert_int_equal(truncate(path, 0x301000), 0);
		assert_int_equal(source_read(&src, &v, 0x2ffff8, b, len - 0x400000), 0x1008);
		assert_memory_equal(b, o.file.data + 0x2ffff8, 0x1008);
		assert_false(source_get(&src, &v, 0x301000, b, 1));
		assert_true(source_get(&src, &v, 0x300000, b, 0x1000));
		source_view_deinit(&v);
		source_close(&src);
		scratch_file(&s, "/core", o.file.data, o.file.len);
	}
	free(b);
	scratch_deinit(&s);
	opened_close(&o);
	mkcore_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(image_again),
		cmocka_unit_test(overlaps),
		cmocka_unit_test(excluded),
		cmocka_unit_test(partial_pages),
		cmocka_unit_test(cut),
		cmocka_unit_test(lies),
		cmocka_unit_test(top_of_memory),
		cmocka_unit_test(absurd_headers),
		cmocka_unit_test(many_headers),
		cmocka_unit_test(refusals),
		cmocka_unit_test(by_file),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
