// SPDX-License-Identifier: GPL-2.0-only
/* A core is saved in every way there is, and read back by the reader. */
#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/fixture.h"
#include "tests/unit/flat.h"
#include "tests/unit/mkcore.h"
#include "tests/unit/xktest.h"
#include "vmcore/save.h"

static struct mkcore m;
static struct buf image;
static struct core c;
static struct core_notes n;
static struct save_request rq;
static struct save_result r;

static const char *at(const char *name)
{
	return scratch_path(&s, name);
}

static bool there(const char *name)
{
	return !access(at(name), F_OK);
}

/* 9 MiB from 1 MiB on, of which every third page is zero and each else tells its address; and 5
 * pages at 4 GiB: several windows, one of them not whole. 2304 + 5 pages. No two are alike, for
 * what mkcore_fill() gives repeats itself. */
#define LOW	MiB
#define LOW_LEN (9 * MiB)
#define HIGH	(4 * GiB)

static int make(void **state)
{
	static const char info[] = "OSRELEASE=6.1.0-test\nNUMBER(phys_base)=4194304\n";
	uint8_t prstatus[336] = {0};

	setup(state);
	mkcore_init(&m, ELFCLASS64, EM_X86_64);
	mkcore_mem(&m, LOW, LOW_LEN);
	mkcore_mem(&m, HIGH, 5 * 4096);
	for (uint64_t a = LOW; a < LOW + LOW_LEN; a += 4096)
		if (a / 4096 % 3) {
			mkcore_fill(&m, a, 4096);
			mkcore_put64(&m, a, a);
		}
	mkcore_fill(&m, HIGH, 5 * 4096);
	mkcore_note(&m, "CORE", 1, prstatus, sizeof(prstatus));
	mkcore_note(&m, "CORE", 1, prstatus, sizeof(prstatus));
	mkcore_note(&m, "VMCOREINFO", 0, info, sizeof(info) - 1);
	image = mkcore_build(&m);
	assert_int_equal(core_open_bytes(buf_bytes(&image), &c, &d), XK_OK);
	assert_int_equal(core_notes_parse(buf_bytes(&c.notes), c.machine, &n, &d), XK_OK);
	rq = (struct save_request){
		.path = at("dump"),
		.codec = CODEC_ZLIB,
		.time = 1,
		.threads = 1,
	};
	return 0;
}

static int unmake(void **state)
{
	core_notes_deinit(&n);
	core_close(&c);
	buf_deinit(&image);
	mkcore_deinit(&m);
	return teardown(state);
}

/* Every page of the dump is the source's; returns how many there are. */
static uint64_t compare(const char *name)
{
	const char *paths[] = {at(name)};
	struct core got;
	struct core_reader *a, *b;
	uint64_t pages = 0;

	assert_int_equal(core_open(paths, 1, &got, &d), XK_OK);
	assert_int_equal(got.nr_problems, 0);
	assert_int_equal(got.notes.len, c.notes.len);
	assert_memory_equal(got.notes.data, c.notes.data, c.notes.len);
	a = core_reader_create(&c);
	b = core_reader_create(&got);
	assert_true(got.max_pfn <= c.max_pfn);
	for (uint64_t pfn = 0; pfn < c.max_pfn; pfn++) {
		const uint8_t *p, *q;

		if (pfn == 0x1000) /* nothing between 16 MiB and 4 GiB */
			pfn = HIGH / 4096;
		if (core_page(b, pfn, &q) != PAGE_DATA)
			continue;
		assert_int_equal(core_page(a, pfn, &p), PAGE_DATA);
		assert_memory_equal(p, q, 4096);
		pages++;
	}
	core_reader_destroy(a);
	core_reader_destroy(b);
	core_close(&got);
	return pages;
}

static void check_counts(void)
{
	assert_int_equal(r.count.pages, 2309);
	assert_int_equal(r.count.found[PK_UNKNOWN], 2309);
	assert_int_equal(r.count.kept[PK_UNKNOWN], 2309);
	assert_int_equal(r.count.written, 2309);
	/* pages 256 to 2559: 258, 261 ... 2559 are (2559 - 258) / 3 + 1 */
	assert_int_equal(r.count.zero, 768);
	assert_int_equal(r.count.bad, 0);
	assert_int_equal(r.count.missing, 0);
	assert_true(r.whole && r.filtered);
}

/* The header says that there should be more. */
static bool marked(const char *name, bool elf)
{
	struct buf b = {0};
	bool ret;

	flat_load(at(name), &b);
	ret = elf ? b.data[48] & 1 : b.data[424] & 8; /* e_flags, status */
	buf_deinit(&b);
	return ret;
}

static void every_way(void **state)
{
	static const struct {
		enum save_format format;
		bool flattened;
		enum codec codec;
	} ways[] = {
		{SAVE_KDUMP, false, CODEC_ZLIB},
		{SAVE_KDUMP, false, CODEC_ZSTD},
		{SAVE_KDUMP, false, CODEC_NONE},
		{SAVE_KDUMP, true, CODEC_ZLIB},
		{SAVE_ELF, false, CODEC_NONE},
		{SAVE_ELF, true, CODEC_NONE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		for (unsigned threads = 1; threads < 5; threads++) {
			struct stat st;

			unmake(state);
			make(state);
			rq.format = ways[i].format;
			rq.flattened = ways[i].flattened;
			rq.codec = ways[i].codec;
			rq.threads = threads;
			assert_int_equal(save_core(&c, &n, &rq, &r, &d), XK_OK);
			assert_int_equal(r.threads, threads);
			check_counts();
			assert_int_equal(compare("dump"), 2309);
			assert_int_equal(stat(at("dump"), &st), 0);
			assert_false(there("dump.part"));
			if (!ways[i].flattened)
				assert_false(marked("dump", rq.format == SAVE_ELF));
		}
	}
}

/* The bytes do not depend on how many threads there are, where no page has a twin. */
static void threads_change_nothing(void **state _unused_)
{
	struct buf one = {0}, three = {0};

	assert_int_equal(save_core(&c, &n, &rq, &r, &d), XK_OK);
	rq.threads = 3;
	rq.path = at("dump3");
	assert_int_equal(save_core(&c, &n, &rq, &r, &d), XK_OK);
	flat_load(at("dump"), &one);
	flat_load(at("dump3"), &three);
	assert_int_equal(one.len, three.len);
	assert_memory_equal(one.data, three.data, one.len);
	buf_deinit(&one);
	buf_deinit(&three);
}

static void dry_run_creates_nothing(void **state _unused_)
{
	rq.dry_run = true;
	assert_int_equal(save_core(&c, &n, &rq, &r, &d), XK_OK);
	assert_int_equal(r.count.kept[PK_UNKNOWN], 2309);
	assert_true(r.estimate.bytes > 0 && r.room != UINT64_MAX);
	assert_false(there("dump") || there("dump.part") || there("dump.incomplete"));
}

static void existing_file(void **state _unused_)
{
	scratch_text(&s, "/dump", "mine");
	assert_int_equal(save_core(&c, &n, &rq, &r, &d), XK_IO);
	assert_says(d.text, "dump: is there already");
	assert_false(there("dump.part"));
}

/* 1 MiB that is there three times, and 100 times one page: stored once where the format allows. */
static void twins_are_stored_once(void **state)
{
	for (unsigned threads = 1; threads < 4; threads++) {
		const uint64_t copy = LOW + 4 * MiB, third = LOW + 8 * MiB;
		const uint8_t *original;

		unmake(state);
		core_notes_deinit(&n);
		core_close(&c);
		buf_deinit(&image);
		setup(state);
		mkcore_init(&m, ELFCLASS64, EM_X86_64);
		mkcore_mem(&m, LOW, LOW_LEN);
		mkcore_fill(&m, LOW, MiB);
		for (uint64_t a = LOW; a < LOW + MiB; a += 4096)
			mkcore_put64(&m, a, a);
		original = mkcore_at(&m, LOW, MiB);
		mkcore_put(&m, copy, original, MiB);
		mkcore_put(&m, third, original, MiB);
		for (uint64_t a = LOW + 2 * MiB; a < LOW + 2 * MiB + 100 * 4096; a += 4096)
			mkcore_put(&m, a, original + 4096, 4096);
		image = mkcore_build(&m);
		assert_int_equal(core_open_bytes(buf_bytes(&image), &c, &d), XK_OK);
		assert_int_equal(core_notes_parse(buf_bytes(&c.notes), c.machine, &n, &d), XK_OK);
		rq = (struct save_request){.path = at("dump"), .codec = CODEC_ZLIB, .time = 1};
		rq.threads = threads;
		assert_int_equal(save_core(&c, &n, &rq, &r, &d), XK_OK);
		assert_int_equal(r.count.written, 2304);
		assert_int_equal(r.count.zero, 2304 - 3 * 256 - 100);
		/* a page that a faster thread met first has no earlier one to share with */
		assert_true(r.count.twins <= 2 * 256 + 100);
		assert_true(threads > 1 ? r.count.twins > 0 : r.count.twins == 2 * 256 + 100);
		assert_int_equal(compare("dump"), 2304);
		rq.path = at("elf");
		rq.format = SAVE_ELF;
		assert_int_equal(save_core(&c, &n, &rq, &r, &d), XK_OK);
		assert_int_equal(r.count.twins, 0);
		assert_int_equal(compare("elf"), 2304);
	}
}

/* This core has no kernel whose pages could be told apart: all are kept, and it is said. */
static char noticed[4096];

static void notice(void *ctx _unused_, const char *text)
{
	snprintf(noticed, sizeof(noticed), "%s", text);
}

static void unfiltered(void **state _unused_)
{
	rq.filter.level = 16;
	rq.notice = notice;
	assert_int_equal(save_core(&c, &n, &rq, &r, &d), XK_PARTIAL);
	assert_false(r.filtered);
	assert_true(r.whole);
	assert_says(r.unfiltered_why, "pages of Linux cannot be told apart");
	assert_says(noticed, "pages of Linux cannot be told apart");
	assert_int_equal(compare("dump"), 2309);
	rq.dry_run = true;
	assert_int_equal(save_core(&c, &n, &rq, &r, &d), XK_PARTIAL);
}

static volatile sig_atomic_t stop;
static unsigned stop_after;

static void count_down(void *ctx _unused_, const struct save_progress *p)
{
	assert_true(p->done <= p->total);
	if (p->phase == SAVE_WRITING && !stop_after--)
		stop = 1;
}

static void stopped(void **state)
{
	for (unsigned threads = 1; threads < 4; threads++) {
		unmake(state);
		make(state);
		stop = 0;
		stop_after = 2; /* once at the beginning, then after each chunk: two are written */
		rq.stop = &stop;
		rq.threads = threads;
		rq.progress = count_down;
		assert_int_equal(save_core(&c, &n, &rq, &r, &d), XK_PARTIAL);
		assert_false(r.whole);
		assert_says(r.incomplete_why, "stopped by a signal");
		assert_true(there("dump.incomplete"));
		assert_false(there("dump") || there("dump.part"));
		/* the first window begins at page 0, its memory at 256: one chunk of nothing */
		assert_int_equal(r.count.written, 256);
		assert_int_equal(compare("dump.incomplete"), 256);
	}
}

static void stopped_early(void **state _unused_)
{
	stop = 1;
	rq.stop = &stop;
	assert_int_equal(save_core(&c, &n, &rq, &r, &d), XK_FAIL);
	assert_says(d.text, "before anything was written");
	assert_false(there("dump") || there("dump.part") || there("dump.incomplete"));
}

static void full_disk(void **state)
{
	struct rlimit old, small;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	for (unsigned threads = 1; threads < 4; threads++) {
		unmake(state);
		make(state);
		rq.codec = CODEC_NONE;
		rq.threads = threads;
		small.rlim_cur = 4 * MiB;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		assert_int_equal(save_core(&c, &n, &rq, &r, &d), XK_PARTIAL);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		assert_false(r.whole);
		assert_says(r.incomplete_why, "File too large");
		assert_true(r.count.written > 0 && r.count.written < 2309);
		assert_int_equal(compare("dump.incomplete"), r.count.written);
	}
	/* not even the tables fit */
	unmake(state);
	make(state);
	small.rlim_cur = 8192;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(save_core(&c, &n, &rq, &r, &d), XK_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_false(there("dump") || there("dump.part") || there("dump.incomplete"));
}

/* A truncated core: what cannot be read is not in the dump, and the rest is. The dump has its name,
 * for nothing better can be had; but a page that is lost is not one that nobody wanted, so the exit
 * code and the header tell. */
static void bad_pages(void **state _unused_)
{
	for (unsigned elf = 0; elf < 2; elf++) {
		core_notes_deinit(&n);
		core_close(&c);
		assert_int_equal(
			core_open_bytes((struct bytes){image.data, image.len - 2 * 4096}, &c, &d),
			XK_OK);
		assert_int_equal(core_notes_parse(buf_bytes(&c.notes), c.machine, &n, &d), XK_OK);
		rq.format = elf ? SAVE_ELF : SAVE_KDUMP;
		rq.path = at(elf ? "elf" : "dump");
		assert_int_equal(save_core(&c, &n, &rq, &r, &d), XK_PARTIAL);
		assert_true(r.whole);
		assert_int_equal(r.count.bad, 2);
		assert_int_equal(r.count.first_bad, HIGH / 4096 + 3); /* the last two of five */
		assert_int_equal(r.count.written, 2307);
		assert_int_equal(compare(elf ? "elf" : "dump"), 2307);
		assert_true(marked(elf ? "elf" : "dump", elf));
	}
}

#define S(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(every_way),
		S(threads_change_nothing),
		S(dry_run_creates_nothing),
		S(existing_file),
		S(twins_are_stored_once),
		S(unfiltered),
		S(stopped),
		S(stopped_early),
		S(full_disk),
		S(bad_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
