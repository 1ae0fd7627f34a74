// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/fixture.h"
#include "tests/unit/flat.h"
#include "tests/unit/xktest.h"
#include "vmcore/dump.h"

/* A low load, one above it with virtual addresses, and a second one for a part of that: a kernel's
 * text, as native cores have it. */
static const struct dump_load loads[] = {
	{{0x1000, 0xa000}, 0},
	{{0x100000, 0x140000}, 0xffff888000100000},
	{{0x120000, 0x130800}, 0xffffffff81000000},
};
static const struct range runs[] = {
	{0x2000, 0x5000}, /* pages 2 to 4, data from 0 */
	{0x11e000, 0x124000}, /* pages 0x11e to 0x123, data from 0x3000 */
};
static struct range_list ram;
static uint8_t notes[] = "thirty-two bytes that are notes.";

static struct dump_head head(void)
{
	return (struct dump_head){
		.machine = EM_X86_64,
		.e_flags = 0x10,
		.notes = {notes, 32},
		.ram = &ram,
		.loads = loads,
		.nr_loads = ARRAY_SIZE(loads),
		.runs = runs,
		.nr_runs = ARRAY_SIZE(runs),
		.planned = 9,
		.max_pfn = 0x140,
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

static Elf64_Ehdr ehdr(void)
{
	Elf64_Ehdr e;

	assert_true(bytes_read(buf_bytes(&file), 0, &e, sizeof(e)));
	return e;
}

static Elf64_Phdr phdr(unsigned i)
{
	Elf64_Phdr p;

	assert_true(i < ehdr().e_phnum);
	assert_true(bytes_read(buf_bytes(&file), 64 + 56 * i, &p, sizeof(p)));
	return p;
}

/* The i-th PT_LOAD is this one; data_at is where the first run's data are in the file. */
static void load_is(unsigned i, uint64_t paddr, uint64_t size, uint64_t virt, uint64_t offset)
{
	Elf64_Phdr p = phdr(1 + i);

	assert_int_equal(p.p_type, PT_LOAD);
	assert_int_equal(p.p_paddr, paddr);
	assert_int_equal(p.p_filesz, size);
	assert_int_equal(p.p_memsz, size);
	assert_int_equal(p.p_vaddr, virt);
	assert_int_equal(p.p_offset, offset);
	assert_int_equal(p.p_align, 0);
}

static struct dump_writer *begin(const struct dump_head *hd, bool flattened, struct out **o)
{
	struct dump_writer *w = NULL;

	assert_int_equal(out_create(at("dump"), flattened, o, &d), XK_OK);
	assert_int_equal(elf_create(hd, *o, &w, &d), XK_OK);
	return w;
}

static uint8_t data[16 * 4096];

/* 'r' a page of its number's low byte, 'z' zero, else not there. */
static struct dump_chunk chunk(uint64_t pfn, const char *pages)
{
	struct dump_chunk c = {.pfn = pfn, .nr = (unsigned)strlen(pages), .data = data};

	for (unsigned i = 0; i < c.nr; i++) {
		c.size[i] = pages[i] == 'r' ? 4096 : pages[i] == 'z' ? 0 : DUMP_NONE;
		if (pages[i] != 'r')
			continue;
		memset(data + c.len, (int)(pfn + i) & 0xff, 4096);
		c.len += 4096;
	}
	return c;
}

static void add(struct dump_writer *w, uint64_t pfn, const char *pages)
{
	struct dump_chunk c = chunk(pfn, pages);

	assert_int_equal(w->chunk(w, &c, &d), XK_OK);
}

static void end(struct dump_writer *w, struct out *o, bool whole)
{
	assert_int_equal(w->finish(w, whole, &d), XK_OK);
	w->destroy(w);
	assert_int_equal(out_publish(o, whole, &d), XK_OK);
}

/* Every byte of the page at this place of the file is `want`. */
static void page_at(uint64_t off, uint8_t want)
{
	assert_true(bytes_has(buf_bytes(&file), off, 4096));
	for (unsigned i = 0; i < 4096; i++)
		assert_int_equal(file.data[off + i], want);
}

/* 3 loads and 512 in reserve: 64 + (1 + 515) * 56 = 28960 bytes, so notes at 0x8000, data after. */
#define NOTES 0x8000
#define DATA  0x9000

static void make(bool flattened)
{
	struct dump_head hd = head();
	struct out *o;
	struct dump_writer *w = begin(&hd, flattened, &o);

	add(w, 0, "--rzr---");
	add(w, 0x110, "--------------rr");
	add(w, 0x120, "rrzz----");
	assert_int_equal(w->pages, 9);
	assert_int_equal(w->zero_pages, 3);
	end(w, o, true);
	load("dump");
	if (flattened)
		flat_join(&file);
}

static void check_whole(void)
{
	Elf64_Ehdr e = ehdr();

	assert_memory_equal(e.e_ident, "\177ELF\2\1\1", 7);
	assert_int_equal(e.e_type, ET_CORE);
	assert_int_equal(e.e_machine, EM_X86_64);
	assert_int_equal(e.e_flags, 0x10);
	assert_int_equal(e.e_phnum, 4);
	assert_int_equal(phdr(0).p_type, PT_NOTE);
	assert_int_equal(phdr(0).p_offset, NOTES);
	assert_int_equal(phdr(0).p_filesz, 32);
	assert_memory_equal(file.data + NOTES, notes, 32);
	load_is(0, 0x2000, 0x3000, 0, DATA);
	load_is(1, 0x11e000, 0x6000, 0xffff88800011e000, DATA + 0x3000);
	/* the part within the text: from 0x120000, two pages into the run, on */
	load_is(2, 0x120000, 0x4000, 0xffffffff81000000, DATA + 0x5000);
	page_at(DATA, 2);
	page_at(DATA + 0x1000, 0);
	page_at(DATA + 0x2000, 4);
	page_at(DATA + 0x3000, 0x1e);
	page_at(DATA + 0x4000, 0x1f);
	page_at(DATA + 0x5000, 0x20);
	page_at(DATA + 0x6000, 0x21);
	page_at(DATA + 0x7000, 0);
	page_at(DATA + 0x8000, 0);
	assert_int_equal(file.len, DATA + 0x9000);
}

static void whole(void **state _unused_)
{
	make(false);
	check_whole();
}

static void flattened(void **state _unused_)
{
	make(true);
	check_whole();
}

/* A page that could not be read is described by no header. */
static void unreadable_pages(void **state)
{
	for (unsigned flat = 0; flat < 2; flat++) {
		struct dump_head hd = head();
		struct out *o;
		struct dump_writer *w;

		again(state);
		w = begin(&hd, flat, &o);
		add(w, 0, "---rr---"); /* 2, the first */
		add(w, 0x11e, "r--r--"); /* two in the middle, two at the end */
		end(w, o, true);
		load("dump");
		if (flat)
			flat_join(&file);
		assert_int_equal(ehdr().e_phnum, 5);
		load_is(0, 0x3000, 0x2000, 0, DATA + 0x1000);
		load_is(1, 0x11e000, 0x1000, 0xffff88800011e000, DATA + 0x3000);
		load_is(2, 0x121000, 0x1000, 0xffff888000121000, DATA + 0x6000);
		load_is(3, 0x121000, 0x1000, 0xffffffff81001000, DATA + 0x6000);
		page_at(DATA + 0x1000, 3);
		page_at(DATA + 0x6000, 0x21);
	}
}

static void too_many_unreadable_read_as_zero(void **state _unused_)
{
	static const struct range run[] = {{0, 1100 * UINT64_C(4096)}};
	struct dump_head hd = head();
	struct out *o;
	struct dump_writer *w;

	hd.nr_loads = 0;
	hd.runs = run;
	hd.nr_runs = 1;
	w = begin(&hd, false, &o);
	for (unsigned i = 0; i < 1100; i += 2)
		add(w, i, "-r");
	end(w, o, true);
	load("dump");
	/* 512 of 550 are cut out, which leaves 511 pages between them and the rest as one */
	assert_int_equal(ehdr().e_phnum, 1 + 512);
	load_is(0, 0x1000, 0x1000, 0, phdr(1).p_offset);
	load_is(511, 1023 * 4096, (1100 - 1023) * 4096, 0, phdr(512).p_offset);
	page_at(phdr(512).p_offset, 1023 & 0xff);
	page_at(phdr(512).p_offset + 4096, 0);
	page_at(phdr(512).p_offset + 2 * 4096, 1025 & 0xff);
}

static void incomplete(void **state)
{
	for (unsigned flat = 0; flat < 2; flat++) {
		struct dump_head hd = head();
		struct out *o;
		struct dump_writer *w;

		again(state);
		w = begin(&hd, flat, &o);
		add(w, 0, "--rzr---");
		add(w, 0x11e, "rz");
		end(w, o, false);
		load("dump.incomplete");
		if (flat)
			flat_join(&file);
		assert_int_equal(ehdr().e_flags, 0x11);
		assert_int_equal(ehdr().e_phnum, 3);
		load_is(0, 0x2000, 0x3000, 0, DATA);
		load_is(1, 0x11e000, 0x2000, 0xffff88800011e000, DATA + 0x3000);
		assert_int_equal(file.len, DATA + 0x5000);
		page_at(DATA + 0x3000, 0x1e);
		page_at(DATA + 0x4000, 0);
	}
}

static void unfinished_says_so(void **state _unused_)
{
	struct dump_head hd = head();
	struct out *o;
	struct dump_writer *w = begin(&hd, false, &o);

	add(w, 0, "--rrr---");
	load("dump.part");
	assert_int_equal(ehdr().e_flags, 0x11);
	load_is(0, 0x2000, 0x3000, 0, DATA);
	/* what is missing lies beyond the end, and so is not zero */
	assert_int_equal(file.len, DATA + 0x3000);
	w->destroy(w);
	out_abandon(o, false);
}

static void full_disk(void **state _unused_)
{
	struct rlimit old, small;
	struct dump_head hd = head();
	struct dump_chunk c = chunk(0x11e, "rrrrrr");
	struct out *o;
	struct dump_writer *w = begin(&hd, false, &o);

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = DATA + 5 * 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	add(w, 0, "--rrr---");
	c = chunk(0x11e, "rrrrrr");
	assert_int_equal(w->chunk(w, &c, &d), XK_IO);
	end(w, o, false);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	load("dump.incomplete");
	assert_int_equal(ehdr().e_flags, 0x11);
	assert_int_equal(ehdr().e_phnum, 2);
	load_is(0, 0x2000, 0x3000, 0, DATA);
}

static void zeros_are_holes(void **state _unused_)
{
	static const struct range run[] = {{0, UINT64_C(1) << 30}};
	struct dump_head hd = head();
	struct stat st;
	struct out *o;
	struct dump_writer *w;

	hd.nr_loads = 0;
	hd.runs = run;
	hd.nr_runs = 1;
	w = begin(&hd, false, &o);
	for (unsigned i = 0; i < 1u << 18; i += 8)
		add(w, i, "zzzzzzzz");
	end(w, o, true);
	assert_int_equal(stat(at("dump"), &st), 0);
	assert_true(st.st_size > 1 << 30);
	assert_true(st.st_blocks * 512 < 1 << 20);
}

static void pages_that_were_not_planned(void **state _unused_)
{
	struct dump_head hd = head();
	struct dump_chunk c = chunk(5, "r");
	struct out *o;
	struct dump_writer *w = begin(&hd, false, &o);

	add(w, 0, "--rrr");
	assert_int_equal(w->chunk(w, &c, &d), XK_FAIL);
	assert_says(d.text, "page 0x5 was not there");
	w->destroy(w);
	out_abandon(o, false);
}

static void too_many_runs(void **state _unused_)
{
	/* 65022 runs and 512 in reserve are 65534 */
	const size_t nr = 65022;
	struct range *many = calloc(nr, sizeof(*many));
	struct dump_head hd = head();
	struct dump_writer *w = NULL;
	struct out *o;

	for (size_t i = 0; i < nr; i++)
		many[i] = (struct range){2 * i * 4096, (2 * i + 1) * 4096};
	hd.runs = many;
	hd.nr_runs = nr;
	hd.nr_loads = 0;
	assert_int_equal(out_create(at("dump"), false, &o, &d), XK_OK);
	assert_int_equal(elf_create(&hd, o, &w, &d), XK_UNSUPPORTED);
	assert_says(d.text, "use --format kdump");
	assert_null(w);
	hd.nr_runs--;
	assert_int_equal(elf_create(&hd, o, &w, &d), XK_OK);
	w->destroy(w);
	out_abandon(o, false);
	free(many);
}

static int drop_file(void **state)
{
	buf_deinit(&file);
	return teardown(state);
}

#define E(f) cmocka_unit_test_setup_teardown(f, setup, drop_file)

int main(void)
{
	const struct CMUnitTest tests[] = {
		E(whole),
		E(flattened),
		E(unreadable_pages),
		E(too_many_unreadable_read_as_zero),
		E(incomplete),
		E(unfinished_says_so),
		E(full_disk),
		E(zeros_are_holes),
		E(pages_that_were_not_planned),
		E(too_many_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
