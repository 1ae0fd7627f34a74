// SPDX-License-Identifier: GPL-2.0-only
/*
 * The most useful pages first, and what is left of a dump that ends at any write. Guests are kept
 * here: their pages and Xen's free ones lie among those of Xen and dom0, and come second.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/fixture.h"
#include "tests/unit/mkxen.h"
#include "tests/unit/xktest.h"
#include "vmcore/save.h"

static struct mkxen x;
static struct save_request rq;
static struct save_result r;

/* What happens at write number `at_write` of a save; FAIL_SYNC: at the fsync() of that number. */
static enum { NOTHING, FAIL_ONCE, DISK_FULL, STOP, SNAPSHOT, FAIL_SYNC } event;
static unsigned at_write, writes, syncs;
static volatile sig_atomic_t stop;

static const char *at(const char *name)
{
	return scratch_path(&s, name);
}

/* The file as a kill would leave it at this moment. */
static void snapshot(int fd)
{
	static uint8_t buf[1 << 20];
	int to = open(at("snapshot"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	off_t off = 0;
	ssize_t n;

	while ((n = pread(fd, buf, sizeof(buf), off)) > 0) {
		assert_int_equal(write(to, buf, (size_t)n), n);
		off += n;
	}
	close(to);
}

static bool refused(int fd, size_t len, off_t off)
{
	struct stat st;

	writes++;
	if (event == SNAPSHOT && writes == at_write)
		snapshot(fd);
	if (event == STOP && writes == at_write)
		stop = 1;
	if (event == FAIL_ONCE && writes == at_write)
		return true;
	/* what has its room already can be written */
	return event == DISK_FULL && writes >= at_write && !fstat(fd, &st) &&
	       off + (off_t)len > st.st_size;
}

/* In the C library's place, by either name. */
#undef pwrite
#undef pwrite64
ssize_t pwrite64(int fd, const void *data, size_t len, __off64_t off);
ssize_t pwrite64(int fd, const void *data, size_t len, __off64_t off)
{
	static bool inside;
	bool no;

	if (!inside) {
		inside = true;
		no = refused(fd, len, (off_t)off);
		inside = false;
		if (no) {
			errno = event == DISK_FULL ? ENOSPC : EIO;
			return -1;
		}
	}
	if (lseek(fd, (off_t)off, SEEK_SET) < 0)
		return -1;
	return syscall(SYS_write, fd, data, len);
}

/* For each save: an empty folder, the same core. */
static void fresh(void **state)
{
	again(state);
	save_result_deinit(&r);
	stop = 0;
	writes = syncs = at_write = 0;
	event = NOTHING;
	rq = (struct save_request){
		.path = at("dump"),
		.codec = CODEC_NONE,
		.filter.guests = true,
		.threads = 1,
		.stop = &stop,
	};
}

int fsync(int fd)
{
	syncs++;
	if (event == FAIL_SYNC && syncs == at_write) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static void make(size_t truncated)
{
	x = (struct mkxen){.minor = 17, .table = 4, .bank = true};
	mkxen_init(&x);
	mkxen_variable(&x, "pfn_pdx_hole_shift", 0x100, 4);
	mkxen_variable(&x, "pfn_pdx_bottom_mask", 0x108, 0xfffff);
	mkxen_variable(&x, "pfn_top_mask", 0x110, ~UINT64_C(0xffffff));
	/* each third page of what is anyone's, in both passes, and one zero page in three */
	for (uint64_t pfn = 0x1000; pfn < 0x2000; pfn++)
		if (pfn % 3) {
			mkcore_fill(&x.m, pfn * 4096, 4096);
			mkcore_put64(&x.m, pfn * 4096, pfn); /* or its bytes come again */
		}
	mkcore_fill(&x.m, MKXEN_BANK * 4096, 1024 * 4096);
	mkxen_open(&x);
	if (truncated) {
		core_reader_destroy(x.r);
		core_close(&x.core);
		diag_init(&d);
		assert_int_equal(
			core_open_bytes(
				(struct bytes){x.file.data, x.file.len - truncated}, &x.core, &d),
			XK_OK);
		x.r = core_reader_create(&x.core);
	}
}

static void unmake(void)
{
	save_result_deinit(&r);
	mkxen_deinit(&x);
}

static bool is_useful(uint64_t pfn)
{
	return pfn < 0x1400 || (pfn >= 0x1880 && pfn < 0x1900);
}

/* 0x100-0x1fff and 1024 pages of the bank. */
#define USEFUL_PAGES (0x1400 - 0x100 + 0x80)
#define OTHER_PAGES  (0x1f00 + 1024 - USEFUL_PAGES)

struct found {
	uint64_t useful, other, bad;
};

/* Every page that the dump has is the source's. */
static struct found compare(const char *const *names, size_t nr)
{
	struct found n = {0};
	struct core got;
	struct core_reader *b;

	diag_init(&d);
	if (core_open(names, nr, &got, &d) != XK_OK)
		fail_msg("%s", d.text);
	b = core_reader_create(&got);
	for (uint64_t pfn = 0x100; pfn < MKXEN_BANK + 1024; pfn++) {
		const uint8_t *p, *q;
		enum page_state state;

		if (pfn == 0x2000)
			pfn = MKXEN_BANK;
		state = core_page(b, pfn, &q);
		n.bad += state == PAGE_BAD;
		if (state != PAGE_DATA)
			continue;
		assert_int_equal(core_page(x.r, pfn, &p), PAGE_DATA);
		if (memcmp(p, q, 4096))
			fail_msg("write %u: page %#llx is another one's", at_write,
				(unsigned long long)pfn);
		if (is_useful(pfn))
			n.useful++;
		else
			n.other++;
	}
	core_reader_destroy(b);
	core_close(&got);
	return n;
}

static struct found compare_one(const char *name)
{
	const char *path = at(name);

	return compare(&path, 1);
}

/* All that a save made: one file or parts. */
static struct found compare_made(const char *end)
{
	char *names[64], name[32];
	struct found n;

	for (unsigned i = 0; i < rq.parts; i++) {
		snprintf(name, sizeof(name), "dump.%u%s", i + 1, end);
		names[i] = strdup(at(name));
	}
	if (!rq.parts) {
		snprintf(name, sizeof(name), "dump%s", end);
		return compare_one(name);
	}
	n = compare((const char *const *)names, rq.parts);
	for (unsigned i = 0; i < rq.parts; i++)
		free(names[i]);
	return n;
}

static bool is_there(const char *end)
{
	char name[32];

	snprintf(name, sizeof(name), "dump%s%s", rq.parts ? ".1" : "", end);
	return !access(at(name), F_OK);
}

static uint64_t offset_of(int fd, uint64_t table, uint64_t rank)
{
	uint64_t off;

	assert_int_equal(pread(fd, &off, sizeof(off), (off_t)(table + rank * 24)), sizeof(off));
	return off;
}

/* The file has both sorts, and all data of the useful ones before all data of the others. */
static void whole(void **state)
{
	make(0);
	for (unsigned threads = 1; threads < 4; threads++) {
		uint64_t last = 0, table, zero;
		uint64_t behind = 0, shared = 0;
		uint32_t blocks[2];
		struct found n;
		int fd;

		fresh(state);
		rq.threads = threads;
		assert_int_equal(save_core(&x.core, &x.n, &rq, &r, &d), XK_OK);
		assert_true(r.whole && r.filtered);
		n = compare_one("dump");
		assert_int_equal(n.useful, USEFUL_PAGES);
		assert_int_equal(n.other, OTHER_PAGES);
		assert_int_equal(r.count.written, USEFUL_PAGES + OTHER_PAGES);
		fd = open(at("dump"), O_RDONLY);
		/* sub header's and bitmaps' blocks */
		assert_int_equal(pread(fd, blocks, 8, 432), 8);
		table = (1 + (uint64_t)blocks[0] + blocks[1]) * 4096;
		zero = (table + (USEFUL_PAGES + OTHER_PAGES) * 24 + 4095) / 4096 * 4096;
		for (unsigned i = 0; i < USEFUL_PAGES + OTHER_PAGES; i++) {
			uint64_t off = offset_of(fd, table, i);

			if (is_useful(0x100 + i) && off != zero)
				last = off > last ? off : last;
		}
		assert_true(last > zero);
		for (unsigned i = 0; i < USEFUL_PAGES + OTHER_PAGES; i++) {
			uint64_t off = offset_of(fd, table, i);

			if (is_useful(0x100 + i) || off == zero)
				continue;
			behind += off > last;
			shared += off <= last; /* a twin of a page of the first pass */
		}
		assert_true(behind > 0 && shared <= r.count.twins);
		close(fd);
	}
	unmake();
}

/* Whatever the error, what is there is a dump of exactly the pages that it says it has. */
static void check_incomplete(void)
{
	enum xk_status st = save_core(&x.core, &x.n, &rq, &r, &d);
	struct found n;

	if (st == XK_IO || st == XK_FAIL) { /* before the first page */
		assert_false(is_there(".incomplete") || is_there(".part") || is_there(""));
		return;
	}
	assert_true(st == XK_PARTIAL || st == XK_OK);
	if (st == XK_OK)
		assert_true(writes < at_write || event == STOP || event == DISK_FULL);
	n = compare_made(st == XK_OK ? "" : ".incomplete");
	assert_int_equal(n.bad, 0);
	assert_int_equal(n.useful + n.other, r.count.written);
	assert_true(!n.other || n.useful == USEFUL_PAGES);
}

static unsigned count_writes(void **state, unsigned parts)
{
	unsigned n;

	fresh(state);
	rq.parts = parts;
	assert_int_equal(save_core(&x.core, &x.n, &rq, &r, &d), XK_OK);
	n = writes;
	assert_true(n > 25);
	return n;
}

static void at_each(void **state, unsigned parts)
{
	unsigned n;

	make(0);
	n = count_writes(state, parts);
	for (unsigned e = FAIL_ONCE; e <= STOP; e++) {
		for (unsigned k = 1; k <= n; k++) {
			fresh(state);
			rq.parts = parts;
			event = e;
			at_write = k;
			check_incomplete();
		}
	}
	unmake();
}

static void at_each_write(void **state)
{
	at_each(state, 0);
}

static void at_each_write_of_parts(void **state)
{
	at_each(state, 3);
}

/* In any number of parts the pages are the same, and no part has another's. */
static void parts(void **state)
{
	static const unsigned numbers[] = {2, 3, 7, 64};

	make(0);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uint64_t next = 0;
		struct found n;

		fresh(state);
		rq.parts = numbers[i];
		assert_int_equal(save_core(&x.core, &x.n, &rq, &r, &d), XK_OK);
		n = compare_made("");
		assert_int_equal(n.useful, USEFUL_PAGES);
		assert_int_equal(n.other, OTHER_PAGES);
		for (unsigned p = 1; p <= numbers[i]; p++) {
			uint64_t range[2], range_64[2];
			char name[32];
			uint32_t split;
			int fd;

			snprintf(name, sizeof(name), "dump.%u", p);
			fd = open(at(name), O_RDONLY);
			assert_int_equal(pread(fd, &split, 4, 4096 + 12), 4);
			assert_int_equal(pread(fd, range, 16, 4096 + 16), 16);
			assert_int_equal(pread(fd, range_64, 16, 4096 + 80), 16);
			close(fd);
			assert_int_equal(split, 1);
			assert_int_equal(range[0], next);
			assert_true(range[1] >= next && range[1] <= MKXEN_BANK + 1024);
			assert_memory_equal(range, range_64, 16);
			next = range[1];
		}
		assert_int_equal(next, MKXEN_BANK + 1024);
	}
	unmake();
}

/* The third part's name is taken: nothing is begun, and what is there stays. */
static void part_is_there(void **state)
{
	make(0);
	fresh(state);
	scratch_text(&s, "/dump.3", "mine");
	rq.parts = 4;
	assert_int_equal(save_core(&x.core, &x.n, &rq, &r, &d), XK_IO);
	assert_says(d.text, "dump.3: is there already");
	assert_false(is_there("") || is_there(".part"));
	assert_int_equal(access(at("dump.3"), F_OK), 0);
	unmake();
}

/* Killed: what has the temporary name is a dump of right pages, and has the useful ones once any
 * other is there. A page that is promised only reads as lost. */
static void killed(void **state)
{
	uint64_t most = 0;
	unsigned n;

	make(0);
	n = count_writes(state, 0);
	for (unsigned k = 8; k <= n; k++) { /* the first writes make the headers */
		struct found f;

		fresh(state);
		event = SNAPSHOT;
		at_write = k;
		assert_int_equal(save_core(&x.core, &x.n, &rq, &r, &d), XK_OK);
		f = compare_one("snapshot");
		assert_true(!f.other || f.useful == USEFUL_PAGES);
		assert_true(f.useful + f.other >= most);
		most = f.useful + f.other;
	}
	assert_int_equal(most, USEFUL_PAGES + OTHER_PAGES);
	unmake();
}

/* The last pages of the bank cannot be read, though the first pass promised them: no trace of
 * them is left, and at no moment of taking them out is the file wrong. */
static void squeezed(void **state)
{
	unsigned n = 0;

	make(10 * 4096);
	for (unsigned k = 0; !k || k <= n; k++) {
		struct found f;

		fresh(state);
		event = k ? SNAPSHOT : NOTHING;
		at_write = k < 8 && k ? 8 : k;
		assert_true(save_core(&x.core, &x.n, &rq, &r, &d) != XK_IO);
		assert_int_equal(r.count.bad, 10);
		f = compare_one("dump");
		assert_int_equal(f.bad, 0);
		assert_int_equal(f.useful, USEFUL_PAGES);
		assert_int_equal(f.other, OTHER_PAGES - 10);
		if (k)
			compare_one("snapshot");
		n = writes;
	}
	unmake();
}

/* One that fails while pages are taken out is never published, and its part is a dump still. */
static void torn(void **state)
{
	unsigned n, torn_ones = 0;

	make(10 * 4096);
	fresh(state);
	save_core(&x.core, &x.n, &rq, &r, &d);
	n = writes;
	for (unsigned k = n - 12; k <= n; k++) {
		enum xk_status st;

		fresh(state);
		event = FAIL_ONCE;
		at_write = k;
		st = save_core(&x.core, &x.n, &rq, &r, &d);
		if (st == XK_IO) {
			assert_int_not_equal(access(at("dump"), F_OK), 0);
			assert_says(d.text, "left under its temporary name");
			compare_one("dump.part");
			torn_ones++;
		} else {
			compare_one(r.whole ? "dump" : "dump.incomplete");
		}
	}
	assert_true(torn_ones > 0);
	unmake();
}

static bool says_incomplete(const char *name)
{
	uint32_t status = 0;
	int fd = open(at(name), O_RDONLY);

	assert_int_equal(pread(fd, &status, 4, 424), 4);
	close(fd);
	return status & 8;
}

/* A device that loses what it was given: nothing gets the name of a whole dump, and what is left
 * does not call itself one. Only the folder's own fsync() comes after the name is given. */
static void lost(void **state)
{
	unsigned n;

	make(0);
	fresh(state);
	assert_int_equal(save_core(&x.core, &x.n, &rq, &r, &d), XK_OK);
	assert_false(says_incomplete("dump"));
	n = syncs;
	assert_true(n > 2);
	for (unsigned k = 1; k <= n; k++) {
		fresh(state);
		event = FAIL_SYNC;
		at_write = k;
		assert_int_equal(save_core(&x.core, &x.n, &rq, &r, &d), XK_IO);
		if (k == n) {
			assert_says(d.text, "its folder cannot be");
			assert_false(says_incomplete("dump"));
			continue;
		}
		assert_says(d.text, "dump.part: cannot be written to the device");
		assert_false(is_there("") || is_there(".incomplete"));
		assert_true(says_incomplete("dump.part"));
		compare_one("dump.part");
	}
	unmake();
}

#define S(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(whole),
		S(at_each_write),
		S(at_each_write_of_parts),
		S(parts),
		S(part_is_there),
		S(killed),
		S(squeezed),
		S(torn),
		S(lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
