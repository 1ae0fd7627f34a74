// SPDX-License-Identifier: GPL-2.0-only
/* The estimate of a dump's size by kind, and what is said when there is no room for it. */
#include <elf.h>

#include "tests/unit/fixture.h"
#include "tests/unit/mkcore.h"
#include "tests/unit/xktest.h"
#include "vmcore/estimate.h"

/* 4 windows of 1024 pages from 4 MiB on: filled, zero, filled, zero. */
static struct mkcore m;
static struct buf image;
static struct core c;
static struct core_notes n;
static struct judge judge;
static struct codec_lib *codec;
static struct packer packer;
static struct save_request rq;
static struct save_count count;
static struct save_estimate e;

static int make(void **state)
{
	const uint64_t window = FILTER_WINDOW * CORE_PAGE;

	setup(state);
	mkcore_init(&m, ELFCLASS64, EM_X86_64);
	mkcore_mem(&m, window, 4 * window);
	mkcore_fill(&m, window, window);
	mkcore_fill(&m, 3 * window, window);
	image = mkcore_build(&m);
	assert_int_equal(core_open_bytes(buf_bytes(&image), &c, &d), XK_OK);
	assert_int_equal(core_notes_parse(buf_bytes(&c.notes), c.machine, &n, &d), XK_OK);
	assert_int_equal(codec_open(CODEC_NONE, false, &codec, &d), XK_OK);
	judge = (struct judge){.usable = true};
	assert_int_equal(packer_init(&c, &judge, codec, &packer, &d), XK_OK);
	rq = (struct save_request){.codec = CODEC_ZSTD};
	count = (struct save_count){0};
	return 0;
}

static int unmake(void **state)
{
	packer_deinit(&packer);
	codec_close(codec);
	core_notes_deinit(&n);
	core_close(&c);
	buf_deinit(&image);
	mkcore_deinit(&m);
	return teardown(state);
}

static void size_of(uint64_t planned)
{
	const struct estimate_from from = {&rq, &packer, &count, 4, planned, 1000};

	assert_int_equal(estimate_size(&from, &e, &d), XK_OK);
}

/* Uncompressed, half of the sample is 4096 bytes and half is zero. */
static void by_sample(void **state _unused_)
{
	count.kept[PK_UNKNOWN] = 4096;
	size_of(4096);
	assert_int_equal(e.kind[PK_UNKNOWN], 2048 * 4096);
	assert_int_equal(e.zero, 2048);
	assert_int_equal(e.bytes, 2048 * 4096 + 1000);
	assert_int_equal(packer.stats.bad, 0);
}

/* A kind that the sample did not meet is like the rest; one that is not kept takes nothing. */
static void kinds(void **state _unused_)
{
	count.kept[PK_UNKNOWN] = 1000;
	count.kept[PK_XEN] = 200;
	count.found[PK_GUEST] = 5000;
	size_of(1200);
	assert_int_equal(e.kind[PK_UNKNOWN], 500 * 4096);
	assert_int_equal(e.kind[PK_XEN], 100 * 4096);
	assert_int_equal(e.kind[PK_GUEST], 0);
	assert_int_equal(e.bytes, 600 * 4096 + 1000);
}

/* Half of what is kept is not in the source. */
static void fewer_planned(void **state _unused_)
{
	count.kept[PK_UNKNOWN] = 1000;
	size_of(500);
	assert_int_equal(e.bytes, 250 * 4096 + 1000);
}

static void nothing_kept(void **state _unused_)
{
	size_of(0);
	assert_int_equal(e.bytes, 1000);
	assert_int_equal(e.zero, 0);
}

static char text[1024];

static const char *advice(const struct save_result *r)
{
	estimate_advice(&rq, r, text, sizeof(text));
	return text;
}

static void advises(void **state _unused_)
{
	struct owner_pages guest = {3, 10, 10};
	struct save_result r = {
		.room = 100 * MiB,
		.guests = &guest,
		.nr_guests = 1,
		.estimate = {.bytes = 400 * MiB},
	};

	r.estimate.kind[PK_LINUX_FREE] = 60 * MiB;
	r.estimate.kind[PK_LINUX_USER] = 30 * MiB;
	r.estimate.kind[PK_LINUX] = 200 * MiB;
	r.estimate.kind[PK_XEN] = 10 * MiB;
	r.estimate.kind[PK_GUEST_KEPT] = 100 * MiB;
	rq.codec = CODEC_ZLIB;
	rq.filter.nr_keep_domains = 1;
	assert_says(advice(&r), "about 400 MiB will be needed and 100 MiB are free");
	assert_says(text, "-d 31 (about 90 MiB less); no --keep-domain (about 100 MiB less)");
	assert_says(text, "--compress zstd; --only-dom0 (about 110 MiB less)");
	rq.filter.nr_keep_domains = 0;
	rq.filter.guests = true;
	r.estimate.kind[PK_XEN_FREE] = 7 * MiB; /* which goes with the guests, and by -d 31 */
	assert_says(advice(&r), "-d 31 (about 97 MiB less); no --all-domains (about 107 MiB less)");
	rq.format = SAVE_ELF;
	assert_says(advice(&r), "--format kdump");
}

/* What is in force already is not advised, and Linux alone has no --only-dom0. */
static void nothing_left(void **state _unused_)
{
	struct save_result r = {.room = 1, .estimate = {.bytes = 400 * MiB}};

	rq.filter.level = 31;
	assert_says(advice(&r), "nothing more among the options (in force: -d 31; zstd)");
	assert_null(strstr(text, "less"));
	assert_null(strstr(text, "--only-dom0"));
	rq.filter.level = 30;
	assert_says(advice(&r), "fit: -d 31 (in force: zstd)");
}

#define S(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(by_sample),
		S(kinds),
		S(fewer_planned),
		S(nothing_kept),
		S(advises),
		S(nothing_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
