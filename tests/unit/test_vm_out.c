// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/fixture.h"
#include "tests/unit/xktest.h"
#include "vmcore/out.h"

/* fsync() fails with this when it is set: a device that is gone. */
static int fsync_error;

int fsync(int fd)
{
	if (fsync_error) {
		errno = fsync_error;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static const char *at(const char *name)
{
	return scratch_path(&s, name);
}

static bool there(const char *name)
{
	struct stat st;

	return !lstat(at(name), &st);
}

static size_t slurp(const char *name, uint8_t *ret, size_t cap)
{
	FILE *f = fopen(at(name), "rb");
	size_t n;

	assert_non_null(f);
	n = fread(ret, 1, cap, f);
	fclose(f);
	return n;
}

static struct out *create(const char *name, bool flattened)
{
	struct out *o = NULL;

	assert_int_equal(out_create(at(name), flattened, &o, &d), XK_OK);
	return o;
}

static void refused(const char *name, enum xk_status want, const char *says)
{
	struct out *o = NULL;

	assert_int_equal(out_create(at(name), false, &o, &d), want);
	assert_null(o);
	assert_says(d.text, says);
}

static void appears_when_whole(void **state _unused_)
{
	struct out *o = create("dump", false);
	uint8_t got[32];
	struct stat st;

	assert_true(there("dump.part"));
	assert_false(there("dump"));
	assert_int_equal(stat(at("dump.part"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* 10 bytes at 0 and 4 bytes at 16: 6 between them are a hole, the file is 20 long */
	assert_int_equal(out_write(o, 16, "wxyz", 4, &d), XK_OK);
	assert_int_equal(out_write(o, 0, "0123456789", 10, &d), XK_OK);
	assert_int_equal(out_write(o, 2, "AB", 2, &d), XK_OK);
	assert_int_equal(out_written(o), 16);
	assert_int_equal(out_publish(o, true, &d), XK_OK);
	assert_false(there("dump.part"));
	assert_int_equal(slurp("dump", got, sizeof(got)), 20);
	assert_memory_equal(got, "01AB456789\0\0\0\0\0\0wxyz", 20);
}

static void mode_ignores_umask(void **state _unused_)
{
	mode_t old = umask(0277);
	struct out *o = create("dump", false);
	struct stat st;

	umask(old);
	assert_int_equal(out_publish(o, true, &d), XK_OK);
	assert_int_equal(stat(at("dump"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void incomplete_has_its_name(void **state _unused_)
{
	struct out *o = create("dump", false);

	assert_int_equal(out_write(o, 0, "x", 1, &d), XK_OK);
	assert_int_equal(out_publish(o, false, &d), XK_OK);
	assert_true(there("dump.incomplete"));
	assert_false(there("dump"));
	assert_false(there("dump.part"));
}

static void abandoned(void **state _unused_)
{
	out_abandon(create("kept", false), true);
	out_abandon(create("gone", false), false);
	out_abandon(NULL, false);
	assert_true(there("kept.part"));
	assert_false(there("gone.part"));
}

static void nothing_is_replaced(void **state _unused_)
{
	static const char *const names[] = {"dump", "dump.part", "dump.incomplete"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char got[8] = "";

		again(state);
		scratch_text(&s, at(names[i]) + strlen(s.path), "mine");
		refused("dump", XK_IO, names[i]);
		assert_int_equal(slurp(names[i], (uint8_t *)got, sizeof(got)), 4);
		assert_string_equal(got, "mine");
		/* and nothing else was left */
		for (size_t k = 0; k < ARRAY_SIZE(names); k++)
			assert_int_equal(there(names[k]), i == k);
	}
}

static void symlinks_are_not_followed(void **state _unused_)
{
	static const char *const names[] = {"dump", "dump.part", "dump.incomplete"};

	/* one that leads nowhere, which a plain O_CREAT would make */
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		again(state);
		assert_int_equal(symlink(at("target"), at(names[i])), 0);
		refused("dump", XK_IO, names[i]);
		assert_false(there("target"));
	}
}

static void bad_paths(void **state _unused_)
{
	char name[300];

	refused("", XK_USAGE, "names a folder");
	refused(".", XK_USAGE, "names a folder");
	refused("..", XK_USAGE, "names a folder");
	refused("none/dump", XK_IO, "No such file");
	scratch_text(&s, "/file", "x");
	refused("file/dump", XK_IO, "Not a directory");
	/* 255 - strlen(".incomplete") = 244 characters fit, 245 do not */
	memset(name, 'n', 245);
	name[245] = '\0';
	refused(name, XK_USAGE, "244 is the most");
	name[244] = '\0';
	out_abandon(create(name, false), false);
}

/* What is there when the dump is done stays, and so does the dump. */
static void name_taken_meanwhile(void **state _unused_)
{
	struct out *o = create("dump", false);

	scratch_text(&s, "/dump", "other");
	assert_int_equal(out_publish(o, true, &d), XK_IO);
	assert_says(d.text, "cannot be renamed to dump: File exists");
	assert_true(there("dump.part"));
}

static void part_vanished(void **state _unused_)
{
	struct out *o = create("dump", false);

	assert_int_equal(unlink(at("dump.part")), 0);
	assert_int_equal(out_publish(o, true, &d), XK_IO);
	assert_says(d.text, "was removed or replaced");
	o = create("dump", false);
	assert_int_equal(unlink(at("dump.part")), 0);
	scratch_text(&s, "/dump.part", "other");
	assert_int_equal(out_publish(o, true, &d), XK_IO);
	assert_says(d.text, "was removed or replaced");
	assert_false(there("dump"));
}

static void device_fails_in_the_end(void **state _unused_)
{
	struct out *o = create("dump", false);

	assert_int_equal(out_write(o, 0, "x", 1, &d), XK_OK);
	fsync_error = EIO;
	assert_int_equal(out_publish(o, true, &d), XK_IO);
	fsync_error = 0;
	assert_says(d.text, "dump.part: cannot be written to the device: Input/output error");
	assert_true(there("dump.part"));
	assert_false(there("dump"));
}

/* Linux tells a lost write to one fsync() only. What was lost then is still lost. */
static void device_fails_once(void **state _unused_)
{
	struct out *o = create("dump", false);

	assert_int_equal(out_write(o, 0, "x", 1, &d), XK_OK);
	fsync_error = EIO;
	assert_int_equal(out_flush(o, &d), XK_IO);
	fsync_error = 0;
	assert_int_equal(out_flush(o, &d), XK_IO);
	assert_int_equal(out_publish(o, false, &d), XK_IO);
	assert_says(d.text, "dump.part: cannot be written to the device: Input/output error");
	assert_true(there("dump.part"));
	assert_false(there("dump.incomplete"));
}

static void no_room(void **state _unused_)
{
	struct rlimit old, small = {65536, 65536};
	static uint8_t page[4096];
	struct out *o = create("dump", false);

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	/* 16 pages fit; of the last write only a part does */
	assert_int_equal(out_write(o, 65536 - 4096, page, 4096, &d), XK_OK);
	assert_int_equal(out_write(o, 65536 - 100, page, 4096, &d), XK_IO);
	assert_says(d.text, "dump.part: cannot write: File too large");
	assert_int_equal(out_reserve(o, 0, 65537, &d), XK_IO);
	assert_int_equal(out_extend(o, 65537, &d), XK_IO);
	/* and yet what is there can be marked and kept */
	assert_int_equal(out_write(o, 0, "x", 1, &d), XK_OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(out_publish(o, false, &d), XK_OK);
	assert_true(there("dump.incomplete"));
}

static void absurd_offsets(void **state _unused_)
{
	struct out *o = create("dump", false);

	assert_int_equal(out_write(o, UINT64_MAX, "xy", 2, &d), XK_IO);
	assert_int_equal(out_write(o, INT64_MAX, "xy", 2, &d), XK_IO);
	assert_int_equal(out_reserve(o, UINT64_MAX, 2, &d), XK_IO);
	assert_int_equal(out_extend(o, UINT64_MAX, &d), XK_IO);
	out_abandon(o, false);
}

static void reserved_reads_as_zeros(void **state _unused_)
{
	struct out *o = create("dump", false);
	uint8_t got[300], zeros[300] = {0};
	struct stat st;

	assert_int_equal(out_write(o, 0, "abc", 3, &d), XK_OK);
	assert_int_equal(out_reserve(o, 0, 200, &d), XK_OK);
	assert_int_equal(out_extend(o, 300, &d), XK_OK);
	assert_int_equal(out_extend(o, 100, &d), XK_OK); /* never shorter */
	assert_int_equal(fstat(open(at("dump.part"), O_RDONLY), &st), 0);
	assert_true(st.st_blocks > 0);
	assert_int_equal(out_publish(o, true, &d), XK_OK);
	assert_int_equal(slurp("dump", got, sizeof(got)), 300);
	assert_memory_equal(got, "abc", 3);
	assert_memory_equal(got + 3, zeros, 297);
}

/* 4096 bytes of header, then offset and size, big-endian, before each piece, -1 and -1 last. */
static const uint8_t record_1[16] = {0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 5};
static const uint8_t record_2[16] = {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};

static void check_flattened(const uint8_t *got, size_t len)
{
	/* 4096 + (16 + 5) + (16 + 2) + 16 */
	assert_int_equal(len, 4151);
	assert_memory_equal(got, "makedumpfile\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\0", 33);
	assert_memory_equal(got + 4096, record_1, 16);
	assert_memory_equal(got + 4112, "hello", 5);
	assert_memory_equal(got + 4117, record_2, 16);
	assert_memory_equal(got + 4133, "yo", 2);
	for (size_t i = 4135; i < 4151; i++)
		assert_int_equal(got[i], 0xff);
}

static void write_two(struct out *o)
{
	assert_true(out_flattened(o));
	assert_int_equal(out_reserve(o, 0, 100, &d), XK_OK);
	assert_int_equal(out_extend(o, 100, &d), XK_OK);
	assert_int_equal(out_write(o, 0x1000, "hello", 5, &d), XK_OK);
	assert_int_equal(out_write(o, UINT64_C(1) << 32, "yo", 2, &d), XK_OK);
	assert_int_equal(out_written(o), 4096 + 21 + 18);
}

static void flattened_file(void **state _unused_)
{
	struct out *o = create("dump", true);
	uint8_t got[8192];

	write_two(o);
	assert_int_equal(out_publish(o, true, &d), XK_OK);
	check_flattened(got, slurp("dump", got, sizeof(got)));
}

/* A record of which only a part could be written must not be there: what came after it would be
 * taken for its data. */
static void flattened_record_fails(void **state _unused_)
{
	/* the header, 16 + 5, 16 + 2, and 8 of the 16 bytes of a third record */
	struct rlimit old, small = {4096 + 21 + 18 + 8, 0};
	struct out *o = create("dump", true);
	uint8_t got[8192];

	write_two(o);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	for (unsigned more = 0; more < 11; more += 10) { /* the record fails, its data fail */
		small.rlim_cur += more;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		assert_int_equal(out_write(o, 0, "lost", 4, &d), XK_IO);
		assert_int_equal(out_written(o), 4096 + 21 + 18);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(out_publish(o, false, &d), XK_OK);
	check_flattened(got, slurp("dump.incomplete", got, sizeof(got)));
}

/* Runs with standard output somewhere else. */
static struct out *on_stdout(int fd)
{
	struct out *o = NULL;
	int old = dup(STDOUT_FILENO);
	enum xk_status st;

	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	st = out_create("-", false, &o, &d);
	dup2(old, STDOUT_FILENO);
	close(old);
	close(fd);
	assert_int_equal(o == NULL, st != XK_OK);
	return o;
}

static void stream(void **state _unused_)
{
	uint8_t got[8192];
	int p[2];
	struct out *o;

	assert_int_equal(pipe(p), 0);
	o = on_stdout(p[1]);
	assert_non_null(o);
	write_two(o);
	assert_int_equal(out_publish(o, true, &d), XK_OK);
	/* a pipe holds 64 KiB, so all of it is there; its last writer is gone, so it ends */
	check_flattened(got, (size_t)read(p[0], got, sizeof(got)));
	assert_int_equal(read(p[0], got, sizeof(got)), 0);
	close(p[0]);
}

static void room(void **state _unused_)
{
	struct statvfs v;

	assert_int_equal(out_room("-"), UINT64_MAX);
	assert_int_equal(out_room(at("none/dump")), UINT64_MAX);
	/* others write there meanwhile: within 1 GiB */
	assert_int_equal(statvfs(s.path, &v), 0);
	assert_true(llabs((long long)(out_room(at("dump")) - v.f_bfree * (uint64_t)v.f_frsize)) <
		    (long long)GiB);
	assert_int_not_equal(out_room("dump"), UINT64_MAX);
	assert_int_not_equal(out_room("/dump"), UINT64_MAX);
}

static void full_stream(void **state _unused_)
{
	int fd = open("/dev/full", O_WRONLY), p[2];
	struct out *o;

	assert_true(fd >= 0);
	assert_null(on_stdout(fd));
	assert_int_equal(d.status, XK_IO);
	assert_says(d.text, "standard output: cannot write: No space left on device");
	assert_int_equal(pipe(p), 0);
	signal(SIGPIPE, SIG_IGN);
	o = on_stdout(p[1]);
	close(p[0]);
	assert_int_equal(out_write(o, 0, "x", 1, &d), XK_IO);
	assert_says(d.text, "Broken pipe");
	assert_int_equal(out_publish(o, true, &d), XK_IO);
}

/* Of a stream nothing can be taken back: after part of a record nothing follows. */
static void torn_stream(void **state _unused_)
{
	static uint8_t much[1 << 20], got[1 << 17];
	int p[2], left;
	struct out *o;

	assert_int_equal(pipe2(p, O_NONBLOCK), 0);
	left = dup(p[1]);
	o = on_stdout(p[1]);
	assert_int_equal(out_write(o, 0, much, sizeof(much), &d), XK_IO);
	assert_says(d.text, "Resource temporarily unavailable");
	assert_true(read(p[0], got, sizeof(got)) > 4096 + 16);
	/* now there is room, and still no record is begun */
	assert_int_equal(out_write(o, 0, "x", 1, &d), XK_IO);
	assert_int_equal(out_publish(o, true, &d), XK_IO);
	assert_int_equal(read(p[0], got, sizeof(got)), -1);
	close(left);
	close(p[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(appears_when_whole),
		T(mode_ignores_umask),
		T(incomplete_has_its_name),
		T(abandoned),
		T(nothing_is_replaced),
		T(symlinks_are_not_followed),
		T(bad_paths),
		T(name_taken_meanwhile),
		T(part_vanished),
		T(device_fails_in_the_end),
		T(device_fails_once),
		T(no_room),
		T(absurd_offsets),
		T(reserved_reads_as_zeros),
		T(flattened_file),
		T(flattened_record_fails),
		T(stream),
		T(full_stream),
		T(torn_stream),
		T(room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
