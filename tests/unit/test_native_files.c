// SPDX-License-Identifier: GPL-2.0-only
/* What kexec_file_load is given: the very files, or what they hold. */
#include "tests/unit/xktest.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/native_world.h"

static uint64_t inode(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void test_files(void **state)
{
	struct world *w = *state;
	uint8_t packed[32] = {0x1f, 0x8b, 8};

	w->b.choice = NATIVE_FILE;
	/* The very files, whose signatures are theirs. */
	assert_int_equal(world_load(w), XK_OK);
	assert_int_equal(w->fake.kernel_ino, inode(w->kernel_path));
	assert_int_equal(w->fake.initrd_ino, inode(w->initrd_path));
	/* No initrd. */
	w->b.source.nr_initrds = 0;
	w->b.source.initrd_bytes = (struct bytes){NULL, 0};
	assert_int_equal(world_load(w), XK_OK);
	assert_int_equal(w->fake.flags, 2 | 4);
	assert_int_equal(w->fake.initrd_len, 0);
	/* Several, joined in memory. */
	w->b.source.nr_initrds = 2;
	w->b.source.initrd_bytes = (struct bytes){w->buf + 0x2000, 0x2000};
	assert_int_equal(world_load(w), XK_OK);
	assert_int_equal(w->fake.flags, 2);
	assert_int_equal(w->fake.initrd_len, 0x2000);
	assert_int_not_equal(w->fake.initrd_ino, inode(w->initrd_path));
	/* Compressed: what it unpacks to. */
	scratch_file(&w->fake.dir, "/boot/vmlinuz", packed, sizeof(packed));
	assert_int_equal(world_load(w), XK_OK);
	assert_int_equal(w->fake.kernel_len, 0x2000);
	assert_memory_equal(w->fake.kernel, w->buf, 64);
	assert_int_not_equal(w->fake.kernel_ino, inode(w->kernel_path));
}

/* Files that are not what was planned are found before anything is changed. */
static void test_files_that_changed(void **state)
{
	struct world *w = *state;

	assert_int_equal(world_load(w), XK_OK);
	w->b.choice = NATIVE_FILE;
	w->buf[0x1fff] ^= 1;
	assert_int_equal(world_load(w), XK_IO);
	assert_says(w->d.text, "/boot/vmlinuz: is not any more");
	assert_says(w->d.text, "still is");
	w->buf[0x1fff] ^= 1;
	w->b.source.kernel_bytes.len--;
	assert_int_equal(world_load(w), XK_IO);
	w->b.source.kernel_bytes.len += 2;
	assert_int_equal(world_load(w), XK_IO);
	w->b.source.kernel_bytes.len--;
	w->b.source.initrd_bytes.len--;
	assert_int_equal(world_load(w), XK_IO);
	assert_says(w->d.text, "/boot/initrd: is not any more");
	w->b.source.initrd_bytes.len++;
	unlink(w->kernel_path);
	assert_int_equal(world_load(w), XK_IO);
	assert_says(w->d.text, "/boot/vmlinuz: cannot open");
	assert_int_equal(w->fake.file_calls, 0);
	assert_int_equal(w->fake.image, 1);
	assert_int_equal(world_status(w).state, ARMED_YES);
	assert_string_equal(world_status(w).kernel, "vmlinuz-test");
}

static void test_file_cmdline(void **state)
{
	static const struct {
		const char *planned, *want;
	} t[] = {
		{"elfcorehdr=1024K nr_cpus=1", "nr_cpus=1"},
		{"nr_cpus=1 elfcorehdr=1024K", "nr_cpus=1"},
		{"a elfcorehdr=1024K b", "a b"},
		{"elfcorehdr=1024K", ""},
		{"", ""},
		{"noelfcorehdr=1 x", "noelfcorehdr=1 x"},
		{"a=\"x elfcorehdr=1 y\" b", "a=\"x elfcorehdr=1 y\" b"},
		{"elfcorehdr=1 a=\"open elfcorehdr=2", "a=\"open elfcorehdr=2"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct buf b = {0};

		native_file_cmdline(t[i].planned, &b);
		buf_append(&b, "", 1);
		assert_string_equal((char *)b.data, t[i].want);
		buf_deinit(&b);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_files),
		T(test_files_that_changed),
		T(test_file_cmdline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
