// SPDX-License-Identifier: GPL-2.0-only
/* Loading, unloading and status against the fake Linux. */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/xktest.h"

#include "common/io.h"
#include "common/record.h"
#include "tests/unit/native_world.h"

static void check_memory(struct world *w)
{
	const uint8_t *m = w->fake.memory;

	assert_memory_equal(m + 0x200000, w->buf, 0x2000);
	assert_int_equal(m[0x202000], 0);
	assert_memory_equal(m + 0x300000, w->buf + 0x3000, 100);
	assert_memory_equal(m + 0x310000, w->buf + 0x3001, 50);
	assert_int_equal(w->fake.entry, START + 0x300000);
}

/* Every width of program under every width of kernel that runs it. */
static void test_load_writes_the_plan(void **state)
{
	static const struct {
		unsigned kernel, program;
		uint16_t machine;
		bool hotplug;
		uint32_t flags;
	} t[] = {
		{64, 64, 62, false, 62u << 16 | 1},
		{64, 32, 62, false, 62u << 16 | 1},
		{32, 32, 3, false, 3u << 16 | 1},
		{64, 64, 62, true, 62u << 16 | 5},
		{64, 32, 62, true, 62u << 16 | 5},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct world *w = *state;
		struct armed a;

		w->fake.bits = w->host.kernel.bits = t[i].kernel;
		w->fake.caller_bits = w->fake.sys.long_bits = t[i].program;
		w->fake.has_hotplug = true;
		w->plan.machine = t[i].machine;
		w->plan.hotplug = t[i].hotplug;
		memset(w->fake.memory, 0xee, END - START);
		assert_int_equal(world_load(w), XK_OK);
		assert_true(w->fake.loaded);
		assert_int_equal(w->fake.flags, t[i].flags);
		check_memory(w);
		assert_int_equal(w->fake.memory[0x304fff], 0xee); /* in no segment */
		assert_string_equal(w->b.said, "loaded by kexec_load");
		a = world_status(w);
		assert_int_equal(a.state, ARMED_YES);
		assert_string_equal(a.kernel, "vmlinuz-test");
		assert_says(a.why, "with kexec_load");
		assert_int_equal(a.region.start, START);
		assert_int_equal(strlen(a.digest), 64);
		assert_int_equal(world_unload(w), XK_OK);
		assert_false(w->fake.loaded);
		assert_int_equal(world_status(w).state, ARMED_NO);
		assert_int_equal(w->fake.file_calls, 0);
		world_teardown(state);
		world_setup(state);
	}
}

/* A kernel that does not know the flag says EINVAL, and keeps the old image. */
static void test_hotplug_on_an_old_kernel(void **state)
{
	struct world *w = *state;

	assert_int_equal(world_load(w), XK_OK);
	w->plan.hotplug = true;
	assert_int_equal(world_load(w), XK_REFUSED);
	assert_says(w->d.text, "6.6");
	assert_says(w->d.text, "still is");
	assert_int_equal(world_status(w).state, ARMED_YES);
	assert_int_equal(w->fake.image, 1);
}

/*
 * Every history of own loads (L), own loads that fail before (F) and after (G) the old image is
 * given up, own unloads (U), and another tool's loads (l) and unloads (u). Whether something is
 * armed is always right. What it is, too, unless another tool has replaced ours.
 */
static void history(struct world *w, unsigned depth, bool record)
{
	struct fake_linux saved = w->fake;
	struct buf file = {0};
	bool had_record = !access(w->record, F_OK);

	if (!depth)
		return;
	if (had_record)
		assert_int_equal(file_read(w->record, 8192, &file, &w->d), XK_OK);
	for (const char *op = "LFGUlu"; *op; op++) {
		bool ours = record;
		struct armed a;

		switch (*op) {
		case 'L':
			assert_int_equal(world_load(w), XK_OK);
			ours = true;
			assert_true(w->fake.loaded);
			break;
		case 'F':
			w->fake.fail_early = EBUSY;
			assert_int_equal(world_load(w), XK_REFUSED);
			assert_int_equal(w->fake.loaded, saved.loaded);
			assert_int_equal(w->fake.image, saved.image);
			assert_says(w->d.text, saved.loaded ? "what was armed before still is"
							    : "Nothing is armed now");
			ours = record && saved.loaded;
			break;
		case 'G':
			w->fake.fail_late = ENOMEM;
			assert_int_equal(world_load(w), XK_NOMEM);
			assert_false(w->fake.loaded);
			assert_says(w->d.text, "Nothing is armed now");
			ours = false;
			break;
		case 'U':
			assert_int_equal(world_unload(w), XK_OK);
			assert_false(w->fake.loaded);
			ours = false;
			break;
		default:
			w->fake.loaded = *op == 'l';
			w->fake.image = ++w->fake.next_image;
			break;
		}
		w->fake.fail_early = w->fake.fail_late = 0;
		fake_linux_publish(&w->fake);
		a = world_status(w);
		assert_int_equal(a.state, w->fake.loaded ? ARMED_YES : ARMED_NO);
		assert_int_equal(!!a.kernel[0], w->fake.loaded && ours);
		if (w->fake.loaded && !ours)
			assert_says(a.why, "not by xenkdump");
		history(w, depth - 1, ours);
		w->fake = saved;
		fake_linux_publish(&w->fake);
		if (had_record)
			assert_int_equal(
				file_replace(w->record, buf_bytes(&file), 0644, &w->d), XK_OK);
		else
			unlink(w->record);
	}
	buf_deinit(&file);
}

static void test_all_histories(void **state)
{
	assert_int_equal(world_status(*state).state, ARMED_NO);
	history(*state, 4, false);
}

static void test_fallback_to_file(void **state)
{
	static const struct {
		const char *lockdown;
		bool has_load, locked;
		unsigned load_calls;
		const char *said; /* besides how */
	} t[] = {
		{"none", false, false, 1, "not by kexec_load: Function not implemented"},
		/* Known: not even tried. */
		{"integrity", true, true, 0, NULL},
		{"confidentiality", true, true, 0, NULL},
		{NULL, true, true, 1, "not by kexec_load: Operation not permitted"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct world *w = *state;
		struct armed a;

		free(w->host.kernel.lockdown);
		w->host.kernel.lockdown = t[i].lockdown ? strdup(t[i].lockdown) : NULL;
		w->fake.has_load = t[i].has_load;
		w->fake.locked_down = t[i].locked;
		w->fake.signed_kernel = true;
		assert_int_equal(world_load(w), XK_OK);
		assert_int_equal(w->fake.load_calls, t[i].load_calls);
		assert_int_equal(w->fake.file_calls, 1);
		assert_says(
			w->b.said, "loaded by kexec_file_load; the kernel makes the core header");
		if (t[i].said)
			assert_says(w->b.said, t[i].said);
		assert_memory_equal(w->fake.kernel, w->buf, 64);
		assert_int_equal(w->fake.kernel_len, 0x2000);
		assert_memory_equal(w->fake.initrd, w->buf + 0x2000, 64);
		assert_int_equal(w->fake.initrd_len, 0x1000);
		assert_string_equal(w->fake.cmdline, "root=/dev/vda nr_cpus=1");
		a = world_status(w);
		assert_int_equal(a.state, ARMED_YES);
		assert_says(a.why, "with kexec_file_load");
		assert_string_equal(a.kernel, "vmlinuz-test");
		assert_string_equal(a.digest, ""); /* of the plan, which was not loaded */
		assert_int_equal(world_unload(w), XK_OK);
		assert_false(w->fake.loaded);
		world_teardown(state);
		world_setup(state);
	}
}

static void test_fallback_to_load(void **state)
{
	struct world *w = *state;

	/* The fact was wrong, or lockdown allows it: file first, and it takes no such image. */
	free(w->host.kernel.lockdown);
	w->host.kernel.lockdown = strdup("integrity");
	memcpy(w->buf, "\177ELF", 4);
	world_put_files(w);
	assert_int_equal(world_load(w), XK_OK);
	assert_says(w->b.said, "loaded by kexec_load; not by kexec_file_load: Exec format error");
	check_memory(w);
	assert_says(world_status(w).why, "with kexec_load;");
	/* And when both fail, both are said; the old image is gone by the first. */
	w->fake.locked_down = true;
	assert_int_equal(world_load(w), XK_REFUSED);
	assert_says(w->d.text, "kexec_load: Operation not permitted");
	assert_says(w->d.text, "and before that, kexec_file_load: Exec format error");
	assert_says(w->d.text, "Nothing is armed now");
	assert_int_equal(world_status(w).state, ARMED_NO);
}

static void test_choice_is_kept(void **state)
{
	struct world *w = *state;

	w->b.choice = NATIVE_LOAD;
	w->fake.has_load = false;
	assert_int_equal(world_load(w), XK_UNSUPPORTED);
	assert_says(w->d.text, "CONFIG_KEXEC");
	assert_int_equal(w->fake.file_calls, 0);
	w->b.choice = NATIVE_FILE;
	w->fake.has_load = true;
	w->fake.has_file = false;
	assert_int_equal(world_load(w), XK_UNSUPPORTED);
	assert_says(w->d.text, "CONFIG_KEXEC_FILE");
	assert_int_equal(w->fake.load_calls, 1);
	w->fake.has_file = true;
	assert_int_equal(world_load(w), XK_OK);
	assert_int_equal(w->fake.load_calls, 1);
	assert_says(w->b.said, "loaded by kexec_file_load");
	/* A 32-bit program has no such call. */
	w->fake.caller_bits = w->fake.sys.long_bits = 32;
	assert_int_equal(world_load(w), XK_UNSUPPORTED);
	assert_says(w->d.text, "32-bit");
	assert_int_equal(w->fake.file_calls, 2);
	assert_true(w->fake.loaded);
}

/* Nothing of the kernel and nothing of the record was touched. */
static void test_refusals_before_any_change(void **state)
{
	struct world *w = *state;
	struct seg *s = w->plan.segs;
	struct armed a;

	assert_int_equal(world_load(w), XK_OK);
#define REFUSED(st, says)                                \
	do {                                             \
		assert_int_equal(world_load(w), st);     \
		assert_says(w->d.text, says);            \
		assert_int_equal(w->fake.load_calls, 1); \
		assert_true(w->fake.loaded);             \
	} while (0)
	w->b.root = false;
	REFUSED(XK_PRIVILEGE, "root");
	assert_int_equal(world_unload(w), XK_PRIVILEGE);
	w->b.root = true;
	scratch_text(&w->fake.dir, "/proc/sys/kernel/kexec_load_disabled", "1\n");
	REFUSED(XK_REFUSED, "kernel.kexec_load_disabled");
	assert_int_equal(world_unload(w), XK_REFUSED);
	scratch_text(&w->fake.dir, "/proc/sys/kernel/kexec_load_disabled", "0\n");
	scratch_text(&w->fake.dir, "/proc/sys/kernel/kexec_load_limit_panic", "0\n");
	REFUSED(XK_REFUSED, "kernel.kexec_load_limit_panic");
	assert_int_equal(world_unload(w), XK_REFUSED);
	scratch_text(&w->fake.dir, "/proc/sys/kernel/kexec_load_limit_panic", "5\n");
	scratch_text(&w->fake.dir, "/sys/kernel/kexec_crash_size", "0\n");
	REFUSED(XK_NO_REGION, "given back");
	scratch_text(&w->fake.dir, "/sys/kernel/kexec_crash_size", "4194303\n");
	REFUSED(XK_STATE, "4194303");
	scratch_text(
		&w->fake.dir, "/sys/kernel/kexec_crash_size", "8388608\n"); /* with a low one */
	w->host.hypervisor = HV_XEN;
	REFUSED(XK_UNSUPPORTED, "hypervisor");
	w->host.hypervisor = HV_NONE;
	w->host.kernel.bits = 0;
	REFUSED(XK_UNSUPPORTED, "width");
	w->host.kernel.bits = 64;
	range_list_deinit(&w->host.crash);
	REFUSED(XK_NO_REGION, "put crashkernel=256M on the kernel's command line");
	assert_true(range_list_add(&w->host.crash, w->fake.crash, MEM_RAM));
	/* A 32-bit program: what it cannot say. */
	w->fake.sys.long_bits = 32;
	w->plan.entry = 0x100000000;
	REFUSED(XK_UNSUPPORTED, "the entry at 0x100000000");
	w->plan.entry = START + 0x300000;
	s[0].dest = (struct range){0xfffff000, 0x100001000};
	REFUSED(XK_UNSUPPORTED, "the kernel at 0xfffff000");
	s[0].dest = (struct range){0x100000000, 0x100001000};
	REFUSED(XK_UNSUPPORTED, "x86_64 build");
	s[0].dest = (struct range){START + 0x200000, START + 0x204000};
	w->fake.sys.long_bits = 64;
	a = world_status(w);
	assert_int_equal(a.state, ARMED_YES);
	assert_string_equal(a.kernel, "vmlinuz-test");
	assert_int_equal(world_load(w), XK_OK);
	assert_int_equal(world_unload(w), XK_OK);
#undef REFUSED
}

/* The last page below 4 GiB is within a 32-bit program's reach. */
static void test_last_page(void **state)
{
	struct world *w = *state;

	w->plan.region = w->fake.crash = (struct range){0xffc00000, 0x100000000};
	for (size_t i = 0; i < w->plan.nr; i++) {
		w->plan.segs[i].dest.start += 0xffc00000 - START;
		w->plan.segs[i].dest.end += 0xffc00000 - START;
	}
	w->plan.entry += 0xffc00000 - START;
	w->fake.caller_bits = w->fake.sys.long_bits = 32;
	assert_int_equal(w->plan.segs[2].dest.end, 0x100000000);
	assert_int_equal(world_load(w), XK_OK);
	assert_memory_equal(w->fake.memory + 0x310000, w->buf + 0x3001, 50);
}

static void test_unload_failures(void **state)
{
	struct world *w = *state;

	assert_int_equal(world_load(w), XK_OK);
	w->fake.fail_early = EBUSY;
	assert_int_equal(world_unload(w), XK_REFUSED);
	assert_says(w->d.text, "Nothing was changed");
	w->fake.fail_early = 0;
	assert_string_equal(world_status(w).kernel, "vmlinuz-test");
	/* By the other call, when the first is not there or not allowed. */
	w->fake.has_load = false;
	assert_int_equal(world_unload(w), XK_OK);
	assert_int_equal(w->fake.file_calls, 1);
	assert_false(w->fake.loaded);
	w->fake.has_load = true;
	w->fake.locked_down = true;
	assert_int_equal(world_unload(w), XK_OK); /* of nothing */
	w->fake.has_file = false;
	assert_int_equal(world_unload(w), XK_REFUSED);
	assert_says(w->d.text, "Operation not permitted");
	w->fake.has_load = false;
	assert_int_equal(world_unload(w), XK_UNSUPPORTED);
	assert_says(w->d.text, "CONFIG_KEXEC");
	w->fake.sys.long_bits = w->fake.caller_bits = 32;
	w->fake.has_load = true;
	w->fake.locked_down = false;
	assert_int_equal(world_unload(w), XK_OK); /* with the machine named */
}

static void block_record(void *ctx)
{
	struct world *w = ctx;

	unlink(w->record);
	scratch_folder(&w->fake.dir, "/run/state/x");
}

static void block_record_and_unload(void *ctx)
{
	struct world *w = ctx;

	block_record(w);
	w->fake.fail_early = EBUSY;
}

static void test_record_cannot_be_written(void **state)
{
	struct world *w = *state;

	/* Before: nothing is touched. */
	scratch_folder(&w->fake.dir, "/run/state/x");
	assert_int_equal(world_load(w), XK_IO);
	assert_int_equal(w->fake.load_calls, 0);
	world_teardown(state);
	world_setup(state);
	w = *state;
	/* After: not without a record. */
	w->fake.after_load = block_record;
	w->fake.after_ctx = w;
	assert_int_equal(world_load(w), XK_IO);
	assert_says(w->d.text, "could not be recorded");
	assert_says(w->d.text, "Nothing is armed now");
	assert_false(w->fake.loaded);
	world_teardown(state);
	world_setup(state);
	w = *state;
	/* And when that fails too, the truth. */
	w->fake.after_load = block_record_and_unload;
	w->fake.after_ctx = w;
	assert_int_equal(world_load(w), XK_IO);
	assert_says(w->d.text, "The image IS armed, and cannot be taken back: unloading by "
			       "kexec_load: Device or resource busy");
	assert_true(w->fake.loaded);
}

static void foreign_unload(void *ctx)
{
	struct world *w = ctx;

	w->fake.loaded = false;
	fake_linux_publish(&w->fake);
}

static void test_other_tool_meanwhile(void **state)
{
	struct world *w = *state;

	w->fake.after_load = foreign_unload;
	w->fake.after_ctx = w;
	assert_int_equal(world_load(w), XK_STATE);
	assert_says(w->d.text, "another tool");
	assert_says(w->d.text, "Nothing is armed now");
	assert_int_equal(world_status(w).state, ARMED_NO);
}

static void test_kernel_does_not_say(void **state)
{
	struct world *w = *state;
	char path[128];
	struct armed a;

	snprintf(path, sizeof(path), "%s/sys/kernel/kexec_crash_loaded", w->fake.dir.path);
	unlink(path);
	assert_int_equal(native_backend_ops.status(&w->b, &a, &w->d), XK_UNSUPPORTED);
	assert_says(w->d.text, "kexec_crash_loaded");
	w->fake.fail_early = EBUSY;
	assert_int_equal(world_load(w), XK_REFUSED);
	assert_says(w->d.text, "NOT known");
	scratch_text(&w->fake.dir, "/sys/kernel/kexec_crash_loaded", "2\n");
	assert_int_equal(native_backend_ops.status(&w->b, &a, &w->d), XK_UNSUPPORTED);
}

static void test_records(void **state)
{
	struct world *w = *state;
	struct armed a;

	/* Interrupted between the kernel's success and the record. */
	assert_int_equal(world_load(w), XK_OK);
	scratch_text(&w->fake.dir, "/run/state",
		"state = busy\nkernel = other\nboot-id = 11111111-2222\n");
	a = world_status(w);
	assert_int_equal(a.state, ARMED_YES);
	assert_string_equal(a.kernel, "");
	assert_says(a.why, "interrupted");
	/* Damaged. */
	scratch_text(&w->fake.dir, "/run/state", "state\n");
	a = world_status(w);
	assert_int_equal(a.state, ARMED_YES);
	assert_says(a.why, "damaged");
	/* Of another boot. */
	assert_int_equal(world_load(w), XK_OK);
	scratch_text(&w->fake.dir, "/proc/sys/kernel/random/boot_id", "3333\n");
	a = world_status(w);
	assert_int_equal(a.state, ARMED_YES);
	assert_string_equal(a.kernel, "");
	assert_says(a.why, "not by xenkdump since the last boot");
	/* It was unloaded by another tool. */
	assert_int_equal(world_load(w), XK_OK);
	foreign_unload(w);
	a = world_status(w);
	assert_int_equal(a.state, ARMED_NO);
	assert_says(a.why, "another tool");
	/* Status needs no privilege. */
	w->b.root = false;
	assert_int_equal(world_status(w).state, ARMED_NO);
}

static void test_crash(void **state)
{
	struct world *w = *state;
	struct buf b = {0};
	char path[128];

	assert_int_equal(native_backend_ops.crash(&w->b, &w->d), XK_UNSUPPORTED);
	assert_says(w->d.text, "CONFIG_MAGIC_SYSRQ");
	scratch_text(&w->fake.dir, "/proc/sysrq-trigger", "");
	snprintf(path, sizeof(path), "%s/proc/sysrq-trigger", w->fake.dir.path);
	w->b.root = false;
	assert_int_equal(native_backend_ops.crash(&w->b, &w->d), XK_PRIVILEGE);
	assert_int_equal(file_read(path, 10, &b, &w->d), XK_OK);
	assert_int_equal(b.len, 0);
	buf_deinit(&b);
	w->b.root = true;
	assert_int_equal(native_backend_ops.crash(&w->b, &w->d), XK_REFUSED);
	assert_says(w->d.text, "came back");
	assert_int_equal(file_read(path, 10, &b, &w->d), XK_OK);
	assert_int_equal(b.len, 1);
	assert_int_equal(b.data[0], 'c');
	buf_deinit(&b);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_load_writes_the_plan),
		T(test_hotplug_on_an_old_kernel),
		T(test_all_histories),
		T(test_fallback_to_file),
		T(test_fallback_to_load),
		T(test_choice_is_kept),
		T(test_refusals_before_any_change),
		T(test_last_page),
		T(test_unload_failures),
		T(test_record_cannot_be_written),
		T(test_other_tool_meanwhile),
		T(test_kernel_does_not_say),
		T(test_records),
		T(test_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
