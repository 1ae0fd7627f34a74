// SPDX-License-Identifier: GPL-2.0-only
/* When the x86_64 build runs in the place of this program, and which files may. */
#include <elf.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/xktest.h"

#include "cli/reexec.h"
#include "common/io.h"
#include "tests/unit/fixture.h"

static void test_when(void **state)
{
	static const struct {
		unsigned bits, kernel;
		enum hypervisor hv;
		bool dom0;
		struct range regions[2];
		enum reexec_why ask, load;
	} t[] = {
		/* A 64-bit program never. */
		{64, 64, HV_XEN, true, {{0, 0}}, REEXEC_NO, REEXEC_NO},
		{64, 64, HV_NONE, false, {{5 * GiB, 6 * GiB}}, REEXEC_NO, REEXEC_NO},
		/* Under Xen by the width of dom0's kernel, wherever the region is. */
		{32, 64, HV_XEN, true, {{0, 0}}, REEXEC_XEN, REEXEC_NO},
		{32, 64, HV_XEN, true, {{GiB, 2 * GiB}}, REEXEC_XEN, REEXEC_NO},
		{32, 32, HV_XEN, true, {{0, 0}}, REEXEC_NO, REEXEC_NO},
		/* A guest has nothing to ask. */
		{32, 64, HV_XEN, false, {{0, 0}}, REEXEC_NO, REEXEC_NO},
		/* Not known: told as such. */
		{32, 0, HV_XEN, true, {{0, 0}}, REEXEC_NO, REEXEC_NO},
		/* Natively only to load, by the region that is loaded into, the highest. */
		{32, 64, HV_NONE, false, {{0, 0}}, REEXEC_NO, REEXEC_NO},
		{32, 64, HV_NONE, false, {{GiB, 2 * GiB}}, REEXEC_NO, REEXEC_NO},
		{32, 64, HV_NONE, false, {{3 * GiB, 4 * GiB}}, REEXEC_NO, REEXEC_NO},
		{32, 64, HV_NONE, false, {{3 * GiB, 4 * GiB + 0x1000}}, REEXEC_NO, REEXEC_HIGH},
		{32, 64, HV_NONE, false, {{5 * GiB, 6 * GiB}}, REEXEC_NO, REEXEC_HIGH},
		{32, 64, HV_NONE, false, {{GiB, 2 * GiB}, {5 * GiB, 6 * GiB}}, REEXEC_NO,
			REEXEC_HIGH},
		{32, 32, HV_NONE, false, {{5 * GiB, 6 * GiB}}, REEXEC_NO, REEXEC_NO},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		h.kernel.bits = t[i].kernel;
		h.hypervisor = t[i].hv;
		h.control_domain = t[i].dom0;
		for (size_t j = 0; j < ARRAY_SIZE(t[i].regions); j++)
			if (!range_empty(t[i].regions[j]))
				assert_true(range_list_add(&h.crash, t[i].regions[j], MEM_RAM));
		if (reexec_to_ask(t[i].bits, &h) != t[i].ask ||
			reexec_to_load(t[i].bits, &h) != t[i].load)
			fail_msg("row %zu", i);
		again(state);
	}
}

static void test_candidates(void **state)
{
	char *c[REEXEC_CANDIDATES];

	(void)state;
	reexec_candidates("/opt/x/xenkdump", c);
	assert_string_equal(c[0], "/opt/x/xenkdump-x86_64");
	assert_non_null(strstr(c[1], "/xenkdump/xenkdump-x86_64"));
	assert_string_equal(c[2], "/usr/local/sbin/xenkdump");
	assert_string_equal(c[3], "/usr/sbin/xenkdump");
	assert_string_equal(c[4], "/sbin/xenkdump");
	for (size_t i = 0; i < REEXEC_CANDIDATES; i++)
		free(c[i]);
	/* When /proc is not there to tell: the installed ones only. */
	reexec_candidates("", c);
	assert_null(c[0]);
	assert_string_equal(c[3], "/usr/sbin/xenkdump");
	for (size_t i = 0; i < REEXEC_CANDIDATES; i++)
		free(c[i]);
}

struct program {
	Elf64_Ehdr e;
	Elf64_Phdr p;
};

static struct program good(void)
{
	struct program x = {
		.e = {
			.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			.e_type = ET_DYN,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_entry = 0x1000,
			.e_phoff = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 1,
		}};

	return x;
}

static const char *file_path(const char *rel)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s%s", s.path, rel);
	return path;
}

static void refused(const char *rel, bool root, const char *says)
{
	diag_init(&d);
	assert_int_equal(reexec_open(file_path(rel), root, &d), -1);
	if (says)
		assert_says(d.text, says);
	else
		assert_string_equal(d.text, "");
}

static void taken(const char *rel, bool root)
{
	int fd;

	diag_init(&d);
	fd = reexec_open(file_path(rel), root, &d);
	assert_in_range(fd, 3, 100);
	assert_string_equal(d.text, "");
	close(fd);
}

static void test_elf(void **state)
{
	struct program x = good();

	(void)state;
	scratch_file(&s, "/good", &x, sizeof(x));
	taken("/good", false);
	x.e.e_type = ET_EXEC;
	scratch_file(&s, "/good", &x, sizeof(x));
	taken("/good", false);
#define BAD(field, value, says)                          \
	do {                                             \
		x = good();                              \
		x.e.field = value;                       \
		scratch_file(&s, "/bad", &x, sizeof(x)); \
		refused("/bad", false, says);            \
	} while (0)
	BAD(e_ident[0], 0, "no ELF file");
	BAD(e_ident[EI_CLASS], 3, "no x86_64 ELF file");
	BAD(e_ident[EI_DATA], ELFDATA2MSB, "no x86_64 ELF file");
	BAD(e_machine, EM_386, "no x86_64 ELF file");
	BAD(e_machine, EM_AARCH64, "no x86_64 ELF file");
	BAD(e_type, ET_REL, "no program");
	BAD(e_type, ET_CORE, "no program");
	BAD(e_version, 0, "no program");
	BAD(e_entry, 0, "no program");
	BAD(e_phnum, 0, "cut off");
	BAD(e_phnum, 2, "cut off");
	BAD(e_phentsize, 32, "cut off");
	BAD(e_phoff, sizeof(x), "cut off");
	BAD(e_phoff, UINT64_MAX, "cut off");
#undef BAD
	x = good();
	for (size_t len = 0; len < sizeof(x); len++) {
		scratch_file(&s, "/cut", &x, len);
		refused("/cut", false, len < sizeof(x.e) ? "no ELF file" : "cut off");
	}
	scratch_text(&s, "/script", "#!/bin/sh\nexit 0\n");
	refused("/script", false, "no ELF file");
	/* Another 32-bit build is where it may be, and no answer. */
	x.e.e_ident[EI_CLASS] = ELFCLASS32;
	x.e.e_machine = EM_386;
	scratch_file(&s, "/narrow", &x, sizeof(x));
	refused("/narrow", false, NULL);
}

static void test_kinds_of_file(void **state)
{
	(void)state;
	refused("/absent", true, NULL);
	scratch_folder(&s, "/folder");
	refused("/folder", true, "no regular file");
	assert_int_equal(mkfifo(file_path("/pipe"), 0755), 0);
	refused("/pipe", true, "no regular file"); /* and does not wait for a writer */
	assert_int_equal(symlink("nowhere", file_path("/dangling")), 0);
	refused("/dangling", true, NULL);
	assert_int_equal(symlink("loop", file_path("/loop")), 0);
	refused("/loop", true, "symbolic links");
}

static void test_owner(void **state)
{
	static const mode_t bad[] = {0757, 0775, 0777, 0722, 0720, 0702};
	struct program x = good();
	char link[128];

	(void)state;
	scratch_file(&s, "/p", &x, sizeof(x));
	snprintf(link, sizeof(link), "%s", file_path("/link"));
	assert_int_equal(symlink(file_path("/p"), link), 0);
	if (geteuid()) {
		refused("/p", true, "not owned by root");
		refused("/link", true, "not owned by root");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(chmod(file_path("/p"), bad[i]), 0);
		refused("/p", true, "writable by others than root");
		/* What a link leads to counts, and not the link. */
		refused("/link", true, "writable by others than root");
		taken("/p", false);
	}
	assert_int_equal(chmod(file_path("/p"), 0755), 0);
	taken("/p", true);
	taken("/link", true);
	assert_int_equal(chown(file_path("/p"), 1, 0), 0);
	refused("/p", true, "not owned by root");
	refused("/link", true, "not owned by root");
	taken("/p", false);
}

/* A copy of a program that ends with 1; false where there is none for x86_64. */
static bool put_program(const char *rel)
{
	struct buf program = {0};
	int fd;

	if (file_read("/bin/false", 1 << 20, &program, &d))
		return false;
	scratch_file(&s, rel, program.data, program.len);
	buf_deinit(&program);
	assert_int_equal(chmod(file_path(rel), 0755), 0);
	fd = reexec_open(file_path(rel), !geteuid(), &d);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Exit code of what runs in a child's place; 99: nothing did. */
static int run_one_of(char *const paths[REEXEC_CANDIDATES])
{
	char name[] = "xenkdump", *const argv[] = {name, NULL};
	pid_t child = fork();
	int status = -1;

	if (!child) {
		reexec_one_of(REEXEC_XEN, paths, argv, &d);
		_exit(99);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_run(void **state)
{
	char script[128], absent[128], program[128], second[128];

	(void)state;
	if (!put_program("/p") || !put_program("/q"))
		skip();
	scratch_text(&s, "/script", "#!/bin/sh\nexit 77\n");
	assert_int_equal(chmod(file_path("/script"), 0755), 0);
	snprintf(script, sizeof(script), "%s", file_path("/script"));
	snprintf(absent, sizeof(absent), "%s", file_path("/absent"));
	snprintf(program, sizeof(program), "%s", file_path("/p"));
	snprintf(second, sizeof(second), "%s", file_path("/q"));
	assert_int_equal(run_one_of((char *[]){NULL, script, absent, program, second}), 1);
	assert_int_equal(run_one_of((char *[]){NULL, script, absent, NULL, NULL}), 99);
	/* One that cannot be run is not the last word. */
	assert_int_equal(chmod(program, 0600), 0);
	assert_int_equal(run_one_of((char *[]){program, script, absent, second, NULL}), 1);
	assert_int_equal(run_one_of((char *[]){program, script, absent, NULL, NULL}), 99);
}

/* What is wrong, what to install; and what was there but is not used, when something was. */
static void test_sentence(void **state)
{
	char name[] = "xenkdump", *const argv[] = {name, NULL}, absent[128], script[128];

	(void)state;
	snprintf(absent, sizeof(absent), "%s", file_path("/absent"));
	assert_int_equal(
		reexec_one_of(REEXEC_XEN, (char *[]){NULL, absent, absent, NULL, NULL}, argv, &d),
		XK_UNSUPPORTED);
	assert_says(d.text, "cannot make hypercalls under a 64-bit dom0 kernel");
	assert_says(d.text, "install the x86_64 build of xenkdump, as /usr/sbin/xenkdump");
	assert_null(strstr(d.text, "not used"));
	scratch_text(&s, "/script", "#!/bin/sh\n");
	snprintf(script, sizeof(script), "%s", file_path("/script"));
	assert_int_equal(
		reexec_one_of(REEXEC_HIGH, (char *[]){NULL, script, absent, NULL, NULL}, argv, &d),
		XK_UNSUPPORTED);
	assert_says(d.text, "the crash region ends above 4 GiB");
	assert_says(d.text, "/script is no ELF file");
	diag_init(&d);
	assert_int_equal(reexec_if(REEXEC_NO, argv, &d), XK_OK);
	assert_string_equal(d.text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_when),
		T(test_candidates),
		T(test_elf),
		T(test_kinds_of_file),
		T(test_owner),
		T(test_run),
		T(test_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
