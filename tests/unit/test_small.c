// SPDX-License-Identifier: GPL-2.0-only
/* The small files beside a dump, of a core with a log in it, and of one with next to nothing. */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "tests/unit/fixture.h"
#include "tests/unit/logged.h"
#include "tests/unit/mklinux.h"
#include "tests/unit/mkprb.h"
#include "tests/unit/mkxen.h"
#include "tests/unit/xktest.h"
#include "vmcore/save.h"

#define TEXT_AT \
	0x680000u /* physical; mapped by mklinux_64() at MKLINUX_TEXT + 0x1000000 + 0x280000 */
#define VIRT (MKLINUX_TEXT + 0x1000000 + TEXT_AT - 0x400000)

static struct mkcore m;
static struct buf image;
static struct core c;
static struct core_notes n;
static struct small_files got;
static char told[4096];

static void notice(void *ctx _unused_, const char *text)
{
	const size_t used = strlen(told);

	snprintf(told + used, sizeof(told) - used, "%s\n", text);
}

static void open_core(void)
{
	image = mkcore_build(&m);
	assert_int_equal(core_open_bytes(buf_bytes(&image), &c, &d), XK_OK);
	assert_int_equal(core_notes_parse(buf_bytes(&c.notes), c.machine, &n, &d), XK_OK);
	told[0] = '\0';
}

/* A kernel that says two things and dies. */
static int make(void **state)
{
	uint8_t prstatus[336] = {0};
	const uint64_t rip = UINT64_C(0xffffffff81234567);
	struct buf info = {0}, log;
	struct mkprb p;

	setup(state);
	mklinux_64(&m, 4);
	mklinux_uts(&m, MKLINUX_UTS, "6.1.0-test", "#1 SMP of today");
	mkprb_init(&p, 8, 4, 10);
	mkprb_add(&p, "Linux version 6.1.0-test\x1b", 0, 5, 0);
	mkprb_add(&p, "Kernel panic - not syncing: \x1b[1mtest", 5000000, 0, 1);
	buf_printf(&info, "OSRELEASE=6.1.0-test\n" MKLINUX_INFO_64);
	log = mkprb_image(&p, VIRT, &info);
	mkcore_put(&m, TEXT_AT, log.data, log.len);
	memcpy(prstatus + 112 + 16 * 8, &rip, 8);
	mkcore_note(&m, "CORE", 1, prstatus, sizeof(prstatus));
	mkcore_note(&m, "VMCOREINFO", 0, info.data, info.len);
	mkprb_deinit(&p);
	buf_deinit(&log);
	buf_deinit(&info);
	open_core();
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

static const char *at(const char *name)
{
	return scratch_path(&s, name);
}

static void write_all(void)
{
	const struct small_request rq = {at("dump"), 86400, notice, NULL};

	small_write(&c, &n, &rq, &got);
}

static void reads(const char *name, struct buf *ret)
{
	struct stat st;

	*ret = (struct buf){0};
	assert_int_equal(lstat(at(name), &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(file_read(at(name), 1 << 20, ret, &d), XK_OK);
}

static void says(const char *name, const char *part)
{
	struct buf b;

	reads(name, &b);
	assert_says((char *)b.data, part);
	/* nothing that drives a terminal */
	for (size_t i = 0; i < b.len; i++)
		assert_true(b.data[i] == '\n' || b.data[i] == '\t' ||
			    (b.data[i] >= 0x20 && b.data[i] < 0x7f));
	buf_deinit(&b);
}

static bool there(const char *name)
{
	return !access(at(name), F_OK);
}

static unsigned nr_files(void)
{
	static const char *const names[] = {"dump.report", "dump.dmesg", "dump.xen", "dump.notes",
		"dump.report.part", "dump.dmesg.part", "dump.xen.part", "dump.notes.part"};
	unsigned nr = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		nr += there(names[i]);
	return nr;
}

static void native(void **state _unused_)
{
	static const char log[] = "[    0.000000] Linux version 6.1.0-test\\x1b\n"
				  "[    0.005000] Kernel panic - not syncing: \\x1b[1mtest\n";
	struct buf b;

	write_all();
	assert_string_equal(told, "");
	assert_int_equal(nr_files(), 3);
	assert_false(there("dump.xen") || got.written[SMALL_XEN]);
	reads("dump.dmesg", &b);
	assert_int_equal(b.len, sizeof(log) - 1);
	assert_memory_equal(b.data, log, b.len);
	assert_int_equal(got.bytes[SMALL_DMESG], b.len);
	buf_deinit(&b);
	says("dump.report", "Linux, without Xen");
	says("dump.report", "1970-01-02 00:00:00 UTC");
	says("dump.report", "Kernel panic - not syncing: \\x1b[1mtest");
	says("dump.report", "6.1.0-test\n");
	says("dump.report", "#1 SMP of today\n");
	says("dump.report", "CPU 0    rip ffffffff81234567 cs 0000 rsp 0000000000000000");
	says("dump.notes", "note CORE type 0x1, 336 bytes\nnote VMCOREINFO type 0, ");
	says("dump.notes", "--- VMCOREINFO\nOSRELEASE=6.1.0-test\n");
}

/* No log, no addresses: files that say why. */
static void nothing(void **state)
{
	unmake(state);
	setup(state);
	mkcore_init(&m, ELFCLASS64, EM_X86_64);
	mkcore_mem(&m, 0x100000, 4096);
	open_core();
	write_all();
	assert_int_equal(nr_files(), 3);
	says("dump.dmesg", "[xenkdump: the core has no VMCOREINFO note of a Linux kernel");
	says("dump.report", "not found in the logs");
	says("dump.report", "no registers of any CPU");
}

/* Of Xen: the ring, or why there is none. */
static void of_xen(void **state _unused_)
{
	for (unsigned with = 0; with < 2; with++) {
		static const char text[] =
			"(XEN) first\n(XEN) Hardware Dom0 crashed: Executing kexec image on cpu1";
		struct mkxen x = {.minor = 17, .table = 4};
		struct small_request rq = {at(with ? "dump" : "without"), 1, notice, NULL};

		rq.path = strdup(rq.path); /* at() has few */
		mkxen_init(&x);
		mkxen_extra(&x, ".5-\x1b[2J");
		if (with) {
			mkcore_put(&x.m, 0x320000, text, sizeof(text) - 1);
			mkxen_variable(&x, "conring", 0xa00, UINT64_C(0xffff830000320000));
			mkxen_variable(&x, "conring_size", 0xa08, 4096);
			mkxen_variable(&x, "conringp", 0xa10, sizeof(text) - 1);
			mkxen_variable(&x, "conringc", 0xa18, 0);
		}
		mkxen_open(&x);
		told[0] = '\0';
		small_write(&x.core, &x.n, &rq, &got);
		assert_string_equal(told, "");
		assert_true(got.written[SMALL_XEN]);
		if (with) {
			says("dump.xen", text);
			says("dump.report", "dom0 crashed, and Xen with it\n");
			says("dump.report", "4.17.5-\\x1b[2J\n");
			says("dump.report",
				"Hardware Dom0 crashed: Executing kexec image on cpu1\n");
		} else {
			says("without.xen", "[xenkdump: Xen's console ring is not found: ");
			says("without.xen", "no conring (");
			says("without.report", "the logs do not tell which");
		}
		free((char *)(uintptr_t)rq.path);
		mkxen_deinit(&x);
	}
}

/* What is there already is not touched; the others are written. */
static void in_the_way(void **state _unused_)
{
	static const struct {
		const char *name, *lost;
	} rows[] = {
		{"dump.dmesg", "dump.dmesg"},
		{"dump.report.part", "dump.report"},
		{"dump.notes.incomplete", "dump.notes"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf b = {0};
		char slash[64];

		told[0] = '\0';
		snprintf(slash, sizeof(slash), "/%s", rows[i].name);
		scratch_text(&s, slash, "mine");
		diag_init(&d);
		assert_int_equal(small_check(at("dump"), &d), XK_IO);
		assert_says(d.text, rows[i].name);
		assert_says(d.text, "--no-small");
		write_all();
		assert_says(told, rows[i].name);
		assert_says(told, "the dump goes on without this file");
		assert_int_equal(got.written[SMALL_DMESG], i != 0);
		assert_int_equal(got.written[SMALL_REPORT], i != 1);
		assert_int_equal(got.written[SMALL_NOTES], i != 2);
		assert_int_equal(file_read(at(rows[i].name), 100, &b, &d), XK_OK);
		assert_string_equal((char *)b.data, "mine");
		buf_deinit(&b);
		unlink(at("dump.report"));
		unlink(at("dump.dmesg"));
		unlink(at("dump.notes"));
		unlink(at(rows[i].name));
	}
	assert_int_equal(small_check(at("dump"), &d), XK_OK);
}

/* A symbolic link is neither followed nor replaced. */
static void link_in_the_way(void **state _unused_)
{
	assert_int_equal(symlink(at("elsewhere"), at("dump.dmesg.part")), 0);
	assert_int_equal(small_check(at("dump"), &d), XK_IO);
	write_all();
	assert_false(there("elsewhere") || there("dump.dmesg"));
	assert_false(got.written[SMALL_DMESG]);
	assert_true(got.written[SMALL_REPORT] && got.written[SMALL_NOTES]);
}

/* A disk with no room for more than the smallest: the rest is told, and nothing is left behind. */
static void no_room(void **state _unused_)
{
	const struct rlimit little = {100, 100000};
	struct rlimit old;
	void (*before)(int) = signal(SIGXFSZ, SIG_IGN);

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){little.rlim_cur, old.rlim_max}), 0);
	write_all();
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, before);
	/* the log has 92 bytes */
	assert_int_equal(nr_files(), 1);
	assert_true(got.written[SMALL_DMESG] && !got.written[SMALL_REPORT]);
	assert_says(told, "dump.report.part: cannot write");
	assert_says(told, "dump.notes.part: cannot write");
}

/* save_core() writes them when it is asked to, and not with --dry-run. */
static void with_a_dump(void **state _unused_)
{
	struct save_request rq = {
		.path = at("dump"), .codec = CODEC_NONE, .time = 1, .threads = 1, .small = true};
	struct save_result r;

	rq.dry_run = true;
	assert_int_equal(save_core(&c, &n, &rq, &r, &d), XK_OK);
	assert_int_equal(nr_files(), 0);
	rq.dry_run = false;
	assert_int_equal(save_core(&c, &n, &rq, &r, &d), XK_OK);
	assert_int_equal(nr_files(), 3);
	assert_true(there("dump") && r.small.written[SMALL_DMESG] && r.whole);
	rq.small = false;
	rq.path = at("plain");
	assert_int_equal(save_core(&c, &n, &rq, &r, &d), XK_OK);
	assert_true(there("plain") && !there("plain.report"));
	assert_false(r.small.written[SMALL_REPORT]);
}

#define U(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		U(native),
		U(nothing),
		U(of_xen),
		U(in_the_way),
		U(link_in_the_way),
		U(no_room),
		U(with_a_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
