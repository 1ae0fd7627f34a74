// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/vmcore as it can be: mapped, not to be mapped, with pages that nobody can read. The system
 * calls that tell are this file's own, in front of the C library's.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tests/unit/fixture.h"
#include "tests/unit/opened.h"
#include "tests/unit/xktest.h"

#define PAGES	       40u
#define BAD	       20u
#define FIRST	       0x100u /* page number of the first */
#define PROC_FS	       0x9fa0
#define FILE_OFF(page) (page_at + (uint64_t)(page)*CORE_PAGE)

static struct {
	bool proc; /* the file is said to be in /proc */
	bool no_map; /* ENODEV */
	bool bad; /* page BAD of the core: SIGBUS when mapped, EIO when read */
	unsigned maps, preads;
} world;

static uint64_t page_at; /* where the first page lies in the file */

static void *next(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	assert_non_null(p);
	return p;
}

int fstatfs(int fd, struct statfs *ret)
{
	if (!world.proc)
		return ((int (*)(int, struct statfs *))next("fstatfs64"))(fd, ret);
	memset(ret, 0, sizeof(*ret));
	ret->f_type = PROC_FS;
	return 0;
}

/* A page that is mapped and not there: beyond the end of an empty file. */
static void break_page(uint8_t *at)
{
	static int empty = -1;

	if (empty < 0)
		empty = memfd_create("empty", 0);
	assert_ptr_equal(mmap(at, CORE_PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, empty, 0), at);
}

void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	void *(*real)(void *, size_t, int, int, int, off_t) =
		(void *(*)(void *, size_t, int, int, int, off_t))next("mmap64");
	const bool ours = world.proc && fd >= 0 && !(flags & MAP_FIXED);
	const uint64_t bad = FILE_OFF(BAD);
	uint8_t *p;

	if (ours && world.no_map) {
		world.maps++;
		errno = ENODEV;
		return MAP_FAILED;
	}
	p = real(at, len, prot, flags, fd, off);
	world.maps += ours;
	if (ours && world.bad && p != MAP_FAILED && (uint64_t)off <= bad &&
		bad - (uint64_t)off < len)
		break_page(p + (bad - (uint64_t)off));
	return p;
}

ssize_t pread(int fd, void *to, size_t len, off_t off)
{
	ssize_t (*real)(int, void *, size_t, off_t) =
		(ssize_t(*)(int, void *, size_t, off_t))next("pread64");
	const uint64_t bad = FILE_OFF(BAD), start = (uint64_t)off;

	world.preads++;
	if (world.bad && page_at) {
		if (start >= bad && start < bad + CORE_PAGE) {
			errno = EIO;
			return -1;
		}
		if (start < bad && start + len > bad)
			len = (size_t)(bad - start);
	}
	return real(fd, to, len, off);
}

static const char *make_core(void)
{
	struct mkcore m;
	struct buf b;

	memset(&world, 0, sizeof(world));
	page_at = 0;
	mkcore_init(&m, ELFCLASS64, EM_X86_64);
	m.off_align = CORE_PAGE;
	mkcore_mem(&m, FIRST * CORE_PAGE, PAGES * CORE_PAGE);
	mkcore_fill(&m, FIRST * CORE_PAGE, PAGES * CORE_PAGE);
	b = mkcore_build(&m);
	page_at = m.loads[0].off;
	assert_true(page_at && page_at % CORE_PAGE == 0);
	scratch_file(&s, "/vmcore", b.data, b.len);
	buf_deinit(&b);
	mkcore_deinit(&m);
	return scratch_path(&s, "vmcore");
}

static void open_core(struct opened *o, const char *path)
{
	const char *paths[] = {path};

	memset(o, 0, sizeof(*o));
	diag_init(&o->d);
	assert_int_equal(core_open(paths, 1, &o->c, &o->d), XK_OK);
	o->r = core_reader_create(&o->c);
	assert_non_null(o->r);
}

/* Each page by itself, in both directions, and in runs: all but those from `from` to `to` are
 * there, whole. */
static void check_pages(struct opened *o, unsigned from, unsigned to)
{
	const uint8_t *data = NULL;

	for (unsigned i = 0; i < 2 * PAGES; i++) {
		unsigned k = i < PAGES ? i : 2 * PAGES - 1 - i;

		if (k >= from && k < to)
			assert_state(o, FIRST + k, PAGE_BAD);
		else
			assert_page(o, FIRST + k);
	}
	for (unsigned i = 0; i < PAGES;) {
		size_t n = core_run(o->r, FIRST + i, PAGES - i, &data);

		assert_true(n || (i >= from && i < to));
		assert_true(!n || i + n <= from || i >= to);
		assert_pattern(data, (FIRST + i) * CORE_PAGE, n * CORE_PAGE);
		i += n ? (unsigned)n : 1;
	}
}

static void test_ways(void **state)
{
	static const struct {
		bool proc, no_map, bad;
	} rows[] = {
		{false, false, false},
		{true, false, false},
		{true, true, false},
		/* one page in the middle */
		{false, false, true},
		{true, false, true},
		{true, true, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct opened o;
		const char *path;

		again(state);
		path = make_core();
		world.proc = rows[i].proc;
		world.no_map = rows[i].no_map;
		world.bad = rows[i].bad;
		open_core(&o, path);
		world.preads = world.maps = 0;
		check_pages(&o, rows[i].bad ? BAD : PAGES, rows[i].bad ? BAD + 1 : PAGES);
		if (!rows[i].proc)
			assert_int_equal(world.maps, 0);
		else /* refused once by a reader, it is not tried again */
			assert_int_equal(world.maps, 1);
		assert_true(rows[i].proc && !rows[i].no_map ? !world.preads : world.preads > 0);
		opened_close(&o);
	}
}

/* The file loses its end after it was opened, and in the mapped case after it was mapped: a page
 * that begins beyond the new end is bad, all before it is there. */
static void test_shrinks(void **state)
{
	for (unsigned i = 0; i < 3; i++) {
		const uint8_t *page;
		struct opened o;
		const char *path;

		again(state);
		path = make_core();
		world.proc = i > 0;
		world.no_map = i > 1;
		open_core(&o, path);
		assert_int_equal(core_page(o.r, FIRST, &page), PAGE_DATA);
		assert_int_equal(truncate(path, (off_t)FILE_OFF(BAD)), 0);
		core_reader_destroy(o.r); /* what was read ahead goes with it */
		o.r = core_reader_create(&o.c);
		assert_non_null(o.r);
		check_pages(&o, BAD, PAGES);
		opened_close(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_ways),
		T(test_shrinks),
	};

	return cmocka_run_group_tests_name("vm_source", tests, NULL, NULL);
}
