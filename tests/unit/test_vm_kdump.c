// SPDX-License-Identifier: GPL-2.0-only
/* kdump files are read here by the offsets that their readers use. */
#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#include "tests/unit/fixture.h"
#include "tests/unit/flat.h"
#include "tests/unit/xktest.h"
#include "vmcore/dump.h"
#include "vmcore/twins.h"

/* 0x1000-0xa000 is pages 1 to 9; 0x8000000-0x8003800 is 32768 to 32771, the last one in part, and
 * needs the second block of the bitmaps: a block has 32768 bits. */
static struct mem_range ranges[] = {
	{{0x1000, 0xa000}, MEM_RAM},
	{{0x8000000, 0x8003800}, MEM_RAM},
};
static struct range_list ram = {ranges, 2, 2};
static uint8_t notes[] = "....VMCOREINFO..OSRELEASE=6.1\n..";

static struct dump_head head(void)
{
	return (struct dump_head){
		.codec = CODEC_ZLIB,
		.machine = EM_X86_64,
		.notes = {notes, 32},
		.vmcoreinfo = {notes + 16, 14},
		.release = "6.1.0",
		.version = "#1 SMP",
		.uts_machine = "",
		.nr_cpus = 4,
		.level = 31,
		.phys_base = 0x1000000,
		.time = 1700000000,
		.ram = &ram,
		.max_pfn = 32772,
		.planned = 6,
	};
}

static struct buf file;

static const char *at(const char *name)
{
	return scratch_path(&s, name);
}

static void load(const char *name)
{
	buf_deinit(&file);
	flat_load(at(name), &file);
}

static uint32_t get32(size_t off)
{
	uint32_t v;

	assert_true(off + 4 <= file.len);
	memcpy(&v, file.data + off, 4);
	return v;
}

static uint64_t get64(size_t off)
{
	uint64_t v;

	assert_true(off + 8 <= file.len);
	memcpy(&v, file.data + off, 8);
	return v;
}

/* Blocks: 0 header, 1 sub header and notes, 2-3 and 4-5 the bitmaps, 6 descriptors, 7 zero page. */
#define BITMAP1 0x2000
#define BITMAP2 0x4000
#define TABLE	0x6000
#define ZEROS	0x7000
#define DATA	0x8000

static bool bit(size_t bitmap, unsigned pfn)
{
	return file.data[bitmap + pfn / 8] >> pfn % 8 & 1;
}

/* The descriptor's offset in the file, as a reader finds it: by counting bits; 0: no such page. */
static size_t desc(unsigned pfn)
{
	size_t n = 0;

	if (!bit(BITMAP2, pfn))
		return 0;
	for (unsigned i = 0; i < pfn; i++)
		n += bit(BITMAP2, i);
	return TABLE + 24 * n;
}

static void page_is(unsigned pfn, uint64_t off, uint32_t size, uint32_t flags)
{
	size_t at_ = desc(pfn);

	assert_int_not_equal(at_, 0);
	assert_int_equal(get64(at_), off);
	assert_int_equal(get32(at_ + 8), size);
	assert_int_equal(get32(at_ + 12), flags);
	assert_int_equal(get64(at_ + 16), 0);
}

/* Pages of a chunk: 'c' compressed (to 10 bytes), 'r' raw, 'z' zero, anything else is left out. */
static struct dump_chunk chunk(uint64_t pfn, const char *pages, uint8_t *data)
{
	struct dump_chunk c = {.pfn = pfn, .nr = (unsigned)strlen(pages), .data = data};

	for (unsigned i = 0; i < c.nr; i++) {
		size_t n = pages[i] == 'c' ? 10 : pages[i] == 'r' ? 4096 : 0;

		c.slot[i] = TWINS_NONE;
		c.size[i] = (uint16_t)n;
		if (pages[i] != 'c' && pages[i] != 'r' && pages[i] != 'z')
			c.size[i] = DUMP_NONE;
		memset(data + c.len, (int)(pfn + i) & 0xff, n);
		c.len += n;
	}
	return c;
}

static uint8_t data[16 * 4096];

static struct dump_writer *begin(const struct dump_head *hd, bool flattened, struct out **o)
{
	struct dump_writer *w = NULL;

	assert_int_equal(out_create(at("dump"), flattened, o, &d), XK_OK);
	assert_int_equal(kdump_create(hd, o, &w, &d), XK_OK);
	return w;
}

static void add(struct dump_writer *w, uint64_t pfn, const char *pages)
{
	struct dump_chunk c = chunk(pfn, pages, data);

	assert_int_equal(w->chunk(w, &c, &d), XK_OK);
}

static void end(struct dump_writer *w, struct out *o, bool whole)
{
	assert_int_equal(w->finish(w, whole, &d), XK_OK);
	w->destroy(w);
	assert_int_equal(out_publish(o, whole, &d), XK_OK);
}

/* Pages 1 c, 2 z, 4 r, 5 z, 32768 c, 32770 r. */
static void make(bool flattened, bool whole)
{
	struct dump_head hd = head();
	struct out *o;
	struct dump_writer *w = begin(&hd, flattened, &o);

	add(w, 0, "-cz-r");
	add(w, 5, "z----");
	if (whole)
		add(w, 32768, "c-r-");
	assert_int_equal(w->pages, whole ? 6 : 4);
	assert_int_equal(w->zero_pages, 2);
	end(w, o, whole);
	load(whole ? "dump" : "dump.incomplete");
	if (flattened)
		flat_join(&file);
}

static void check_head(uint32_t status)
{
	assert_memory_equal(file.data, "KDUMP   ", 8);
	assert_int_equal(get32(8), 6);
	assert_string_equal(file.data + 12, "Linux");
	assert_string_equal(file.data + 12 + 2 * 65, "6.1.0");
	assert_string_equal(file.data + 12 + 3 * 65, "#1 SMP");
	assert_string_equal(file.data + 12 + 4 * 65, "x86_64");
	assert_int_equal(get64(408), 1700000000);
	assert_int_equal(get64(416), 0);
	assert_int_equal(get32(424), status);
	assert_int_equal(get32(428), 4096);
	assert_int_equal(get32(432), 1); /* 104 + 32 bytes fit one block */
	assert_int_equal(get32(436), 4); /* 32772 bits are two blocks, twice */
	assert_int_equal(get32(440), 32772);
	assert_int_equal(get32(460), 4);
	assert_int_equal(get64(0x1000), 0x1000000);
	assert_int_equal(get32(0x1008), 31);
	assert_int_equal(get64(0x1000 + 32), 0x1000 + 104 + 16);
	assert_int_equal(get64(0x1000 + 40), 14);
	assert_int_equal(get64(0x1000 + 48), 0x1000 + 104);
	assert_int_equal(get64(0x1000 + 56), 32);
	assert_int_equal(get64(0x1000 + 96), 32772);
	assert_memory_equal(file.data + 0x1000 + 104, notes, 32);
	for (unsigned i = 0; i < 65536; i++)
		assert_int_equal(bit(BITMAP1, i), (i >= 1 && i <= 9) || (i >= 32768 && i <= 32771));
}

static void check_pages(void)
{
	/* data begin after the zero page: page 1 at +0, 4 at +10, 32768 at +4106, 32770 at +4116 */
	page_is(1, DATA, 10, 1);
	page_is(2, ZEROS, 4096, 0);
	page_is(4, DATA + 10, 4096, 0);
	page_is(5, ZEROS, 4096, 0);
	page_is(32768, DATA + 4106, 10, 1);
	page_is(32770, DATA + 4116, 4096, 0);
	assert_int_equal(file.len, DATA + 8212);
	for (unsigned i = 0; i < 4096; i++)
		assert_int_equal(file.data[ZEROS + i], 0);
	assert_int_equal(file.data[DATA + 9], 1);
	assert_int_equal(file.data[DATA + 10], 4);
	assert_int_equal(file.data[DATA + 4105], 4);
	assert_int_equal(file.data[DATA + 4106], 0);
	assert_int_equal(file.data[DATA + 4116], 2);
	for (unsigned i = 0; i < 65536; i++)
		if (i != 1 && i != 2 && i != 4 && i != 5 && i != 32768 && i != 32770)
			assert_int_equal(desc(i), 0);
}

static void whole(void **state _unused_)
{
	make(false, true);
	check_head(1);
	check_pages();
}

static void flattened(void **state _unused_)
{
	struct buf plain = {0};

	make(false, true);
	buf_append(&plain, file.data, file.len);
	again(state);
	make(true, true);
	assert_int_equal(file.len, plain.len);
	assert_memory_equal(file.data, plain.data, plain.len);
	buf_deinit(&plain);
}

/* Page 5 has the data of page 1, 9 those of 4, 32768 those of 1 again. */
static void twins(void **state _unused_)
{
	struct dump_head hd = head();
	struct out *o;
	struct dump_writer *w = begin(&hd, false, &o);
	struct dump_chunk k = chunk(1, "c--rc---c", data);

	k.slot[0] = 7;
	k.slot[3] = TWINS - 1;
	k.size[4] = k.size[8] = DUMP_TWIN;
	k.slot[4] = 7;
	k.slot[8] = TWINS - 1;
	k.len = 10 + 4096;
	assert_int_equal(w->chunk(w, &k, &d), XK_OK);
	k = chunk(32768, "cc", data);
	k.size[0] = DUMP_TWIN;
	k.slot[0] = 7;
	memmove(k.data, k.data + 10, 10);
	k.len = 10;
	assert_int_equal(w->chunk(w, &k, &d), XK_OK);
	assert_int_equal(w->pages, 6);
	assert_int_equal(w->twin_pages, 3);
	end(w, o, true);
	load("dump");
	page_is(1, DATA, 10, 1);
	page_is(4, DATA + 10, 4096, 0);
	page_is(5, DATA, 10, 1);
	page_is(9, DATA + 10, 4096, 0);
	page_is(32768, DATA, 10, 1);
	page_is(32769, DATA + 4106, 10, 1);
	assert_int_equal(file.len, DATA + 4116);
}

/* The page whose data it should share was never written: no descriptor to nowhere. */
static void twin_of_nothing(void **state)
{
	static const uint32_t slots[] = {0, 7, TWINS - 1, TWINS, TWINS_NONE};

	for (size_t i = 0; i < ARRAY_SIZE(slots); i++) {
		struct dump_head hd = head();
		struct out *o;
		struct dump_writer *w;
		struct dump_chunk k = chunk(4, "z", data);

		again(state);
		w = begin(&hd, false, &o);
		k.size[0] = DUMP_TWIN;
		k.slot[0] = slots[i];
		assert_int_equal(w->chunk(w, &k, &d), XK_FAIL);
		assert_says(d.text, "shares the data of one that was not written");
		assert_int_equal(w->pages, 0);
		end(w, o, false);
		load("dump.incomplete");
		assert_int_equal(desc(4), 0);
	}
}

static void incomplete(void **state)
{
	for (unsigned flat = 0; flat < 2; flat++) {
		again(state);
		make(flat, false);
		check_head(9);
		page_is(5, ZEROS, 4096, 0);
		assert_int_equal(desc(32768), 0);
		assert_int_equal(desc(32770), 0);
	}
}

/* What is on disk before the end is a dump that says that it is incomplete. */
static void unfinished_says_so(void **state _unused_)
{
	struct dump_head hd = head();
	struct out *o;
	struct dump_writer *w = begin(&hd, false, &o);

	add(w, 0, "-cz-r");
	/* goes to the next piece of bitmap, so the first one is written */
	add(w, 32768, "c");
	load("dump.part");
	check_head(9);
	page_is(1, DATA, 10, 1);
	page_is(4, DATA + 10, 4096, 0);
	assert_int_equal(desc(32768), 0);
	w->destroy(w);
	out_abandon(o, false);
}

static void more_than_planned(void **state _unused_)
{
	struct dump_head hd = head();
	struct dump_chunk c = chunk(5, "cc", data);
	struct out *o;
	struct dump_writer *w;

	hd.planned = 4;
	w = begin(&hd, false, &o);
	add(w, 0, "-cz-r");
	assert_int_equal(w->chunk(w, &c, &d), XK_FAIL);
	assert_says(d.text, "more pages than the 4 that were counted");
	add(w, 5, "z");
	end(w, o, false);
	load("dump.incomplete");
	page_is(5, ZEROS, 4096, 0);
}

/* The disk is full at the second chunk; the tables have their room, and what they say is true. */
static void full_disk(void **state _unused_)
{
	struct rlimit old, small;
	struct dump_head hd = head();
	struct dump_chunk c = chunk(32768, "rrr", data);
	struct out *o;
	struct dump_writer *w = begin(&hd, false, &o);

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = DATA + 3 * 4096; /* page 4 needs 4116 bytes, three more too many */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	add(w, 0, "-cz-r");
	memset(data, 0xaa, sizeof(data));
	assert_int_equal(w->chunk(w, &c, &d), XK_IO);
	assert_says(d.text, "dump.part: cannot write: File too large");
	end(w, o, false);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	load("dump.incomplete");
	check_head(9);
	page_is(4, DATA + 10, 4096, 0);
	for (unsigned i = 32768; i < 32772; i++)
		assert_int_equal(desc(i), 0);
}

/* There is not even room for the tables: nothing is begun. */
static void no_room_for_tables(void **state _unused_)
{
	struct rlimit old, small;
	struct dump_head hd = head();
	struct dump_writer *w = NULL;
	struct out *o;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = TABLE;
	assert_int_equal(out_create(at("dump"), false, &o, &d), XK_OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(kdump_create(&hd, &o, &w, &d), XK_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_says(d.text, "cannot reserve room");
	assert_null(w);
	out_abandon(o, false);
}

static void absurd_size(void **state _unused_)
{
	struct dump_head hd = head();
	struct dump_writer *w = NULL;
	struct out *o;

	assert_int_equal(out_create(at("dump"), false, &o, &d), XK_OK);
	hd.max_pfn = (UINT64_C(1) << 40) + 1;
	assert_int_equal(kdump_create(&hd, &o, &w, &d), XK_UNSUPPORTED);
	hd.max_pfn = 5; /* fewer than planned */
	assert_int_equal(kdump_create(&hd, &o, &w, &d), XK_UNSUPPORTED);
	assert_null(w);
	out_abandon(o, false);
}

static void nothing_known(void **state _unused_)
{
	struct range_list none = {0};
	struct dump_head hd = {
		.machine = EM_386,
		.release = "",
		.version = "",
		.uts_machine = "",
		.ram = &none,
	};
	struct out *o;
	struct dump_writer *w = begin(&hd, false, &o);

	end(w, o, true);
	load("dump");
	assert_string_equal(file.data + 12 + 2 * 65, "unknown");
	assert_string_equal(file.data + 12 + 3 * 65, "unknown");
	assert_string_equal(file.data + 12 + 4 * 65, "i686");
	assert_int_equal(get32(424), 0);
	assert_int_equal(get32(460), 1);
	assert_int_equal(get64(0x1000 + 32), 0);
	assert_int_equal(get64(0x1000 + 48), 0);
}

static void long_names_are_cut(void **state _unused_)
{
	struct dump_head hd = head();
	char name[100];
	struct out *o;
	struct dump_writer *w;

	memset(name, 'x', 99);
	name[99] = '\0';
	hd.release = name;
	w = begin(&hd, false, &o);
	end(w, o, true);
	load("dump");
	assert_int_equal(strlen((char *)file.data + 12 + 2 * 65), 64);
	assert_string_equal(file.data + 12 + 3 * 65, "#1 SMP");
}

/* 33000 pages of descriptors are several batches, and a bitmap may begin anywhere. */
static void many_pages(void **state _unused_)
{
	struct mem_range all[] = {{{0, 33000 * UINT64_C(4096)}, MEM_RAM}};
	struct range_list list = {all, 1, 1};
	struct dump_head hd = head();
	struct out *o;
	struct dump_writer *w;

	hd.ram = &list;
	hd.max_pfn = hd.planned = 33000;
	w = begin(&hd, false, &o);
	for (unsigned i = 0; i < 33000; i += 8)
		add(w, i, i % 16 ? "zzzzzzzz" : "zzzczzzz");
	end(w, o, true);
	load("dump");
	/* table: 33000 * 24 = 792000 bytes are 193.4 blocks; zero page at 6 + 194 blocks */
	for (unsigned i = 0; i < 33000; i += 7) {
		size_t n = TABLE + 24 * (size_t)i;

		assert_true(bit(BITMAP2, i));
		assert_int_equal(get64(n), i % 16 == 3 ? 201 * 4096 + i / 16 * 10 : 200 * 4096);
	}
	assert_false(bit(BITMAP2, 33000));
}

static int drop_file(void **state)
{
	buf_deinit(&file);
	return teardown(state);
}

#define K(f) cmocka_unit_test_setup_teardown(f, setup, drop_file)

int main(void)
{
	const struct CMUnitTest tests[] = {
		K(whole),
		K(flattened),
		K(twins),
		K(twin_of_nothing),
		K(incomplete),
		K(unfinished_says_so),
		K(more_than_planned),
		K(full_disk),
		K(no_room_for_tables),
		K(absurd_size),
		K(nothing_known),
		K(long_names_are_cut),
		K(many_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
