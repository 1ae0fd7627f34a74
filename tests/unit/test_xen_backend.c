// SPDX-License-Identifier: GPL-2.0-only
/* Loading, unloading and status against the fake hypervisor. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/record.h"
#include "tests/unit/fake_xen.h"
#include "tests/unit/scratch.h"
#include "xen/backend.h"

#define START 0x20000000u
#define END   0x20400000u /* 4 MiB */

struct world {
	struct fake_xen fake;
	struct scratch dir;
	char state_path[128];
	struct host host;
	struct xen_backend b;
	uint8_t *kernel; /* where a hypercall may read */
	uint8_t small[100]; /* where it may not */
	struct plan plan;
	struct diag d;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	fake_xen_init(&w->fake, (struct range){START, END});
	scratch_init(&w->dir);
	snprintf(w->state_path, sizeof(w->state_path), "%s/run/state", w->dir.path);
	scratch_text(&w->dir, "/proc/sys/kernel/random/boot_id", "11111111-2222\n");
	host_init(&w->host);
	w->host.hypervisor = HV_XEN;
	w->host.guest = GUEST_PV;
	w->host.control_domain = true;
	w->host.xen.major = 4;
	w->host.xen.minor = 17;
	w->host.xen.bits = 64;
	w->host.xen.build_id = strdup("abcdef");
	w->host.kernel.bits = 64;
	assert_true(range_list_add(&w->host.crash, w->fake.crash, MEM_RAM));
	w->kernel = w->fake.alloc.alloc(w->fake.alloc.ctx, 0x3000);
	memset(w->kernel, 0x77, 0x3000);
	memset(w->small, 0x33, sizeof(w->small));
	w->b = (struct xen_backend){
		.xen = fake_xen_handle(&w->fake),
		.host = &w->host,
		.caller = {true, 64},
		.alloc = &w->fake.alloc,
		.state_path = w->state_path,
		.root = w->dir.path,
	};
	assert_true(xen_backend_add_safe(&w->b, (struct bytes){w->kernel, 0x3000}));
	w->plan = (struct plan){
		.machine = 62,
		.entry = START + 0x300000,
		.region = {START, END},
		.nr = 4,
		.segs =
			{
				{.kind = SEG_KERNEL,
					.dest = {START + 0x200000, START + 0x204000},
					.buf = w->kernel + 16,
					.len = 0x2000},
				{.kind = SEG_PURGATORY,
					.dest = {START + 0x300000, START + 0x302000},
					.buf = w->small,
					.len = 100},
				{.kind = SEG_CMDLINE,
					.dest = {START + 0x310000, START + 0x311000},
					.buf = w->small + 1,
					.len = 50},
				{.kind = SEG_BACKUP, .dest = {START + 0x320000, START + 0x330000}},
			},
	};
	diag_init(&w->d);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	xen_close(&w->b.xen);
	host_deinit(&w->host);
	scratch_deinit(&w->dir);
	fake_xen_deinit(&w->fake);
	free(w);
	return 0;
}

static enum xk_status load(struct world *w)
{
	diag_init(&w->d);
	return xen_backend_ops.load(&w->b, &w->plan, "vmlinuz-test", &w->d);
}

static enum xk_status unload(struct world *w)
{
	diag_init(&w->d);
	return xen_backend_ops.unload(&w->b, &w->d);
}

static struct armed status(struct world *w)
{
	struct armed a;

	diag_init(&w->d);
	assert_int_equal(xen_backend_ops.status(&w->b, &a, &w->d), XK_OK);
	assert_true(a.why[0]);
	return a;
}

static void test_load_writes_the_plan(void **state)
{
	struct world *w = *state;
	struct armed a;

	memset(w->fake.memory, 0xee, 0x400000);
	assert_int_equal(load(w), XK_OK);
	assert_true(fake_xen_loaded(&w->fake));
	assert_int_equal(w->fake.images[w->fake.bit].arch, 62);
	assert_int_equal(w->fake.images[w->fake.bit].entry, START + 0x300000);
	assert_memory_equal(w->fake.memory + 0x200000, w->kernel + 16, 0x2000);
	assert_memory_equal(w->fake.memory + 0x300000, w->small, 100);
	assert_memory_equal(w->fake.memory + 0x310000, w->small + 1, 50);
	assert_int_equal(w->fake.memory[0x300000 + 100], 0);
	assert_int_equal(w->fake.memory[0x320000], 0xee); /* map-only: not touched */
	/* The bounce buffer is gone, only the payload is left. */
	assert_int_equal(w->fake.nr_safe, 1);
	a = status(w);
	assert_int_equal(a.state, ARMED_YES);
	assert_string_equal(a.kernel, "vmlinuz-test");
	assert_int_equal(a.region.start, START);
	assert_int_equal(strlen(a.digest), 64);
	assert_int_equal(strlen(a.since), 20);
	assert_int_equal(a.since[19], 'Z');
}

static void test_digest_follows_content(void **state)
{
	struct world *w = *state;
	struct armed a, b, c;

	assert_int_equal(load(w), XK_OK);
	a = status(w);
	assert_int_equal(load(w), XK_OK);
	b = status(w);
	assert_string_equal(a.digest, b.digest);
	w->small[99] ^= 1;
	assert_int_equal(load(w), XK_OK);
	c = status(w);
	assert_string_not_equal(a.digest, c.digest);
}

/*
 * Every history of own loads (L), own failing loads (F), own unloads (U), and another tool's
 * loads (l) and unloads (u). After an own operation status is exact. After an odd number of
 * foreign ones it must say that it does not know. An even number cannot be seen: then it says
 * what was true before them, which is the documented limit.
 *
 * An own operation must leave one and the same state whatever came before it (same_state()), so
 * what follows it need be tried only once for each number of operations that are left.
 */
static bool tried[128][9];

static void same_state(const struct world *w, char op)
{
	const struct fake_image *now = &w->fake.images[w->fake.bit];
	const struct fake_image *other = &w->fake.images[!w->fake.bit];

	assert_int_equal(w->fake.bit, op == 'L');
	assert_int_equal(now->present, op == 'L');
	assert_false(now->freed && now->present);
	assert_false(other->present);
	assert_int_equal(!access(w->state_path, F_OK), op == 'L');
}

static void history(
	struct world *w, const char *ops, unsigned depth, unsigned foreign, enum armed_state last)
{
	struct fake_xen saved = w->fake;
	struct buf record = {0};
	bool had_record;

	if (!depth)
		return;
	had_record = !access(w->state_path, F_OK);
	if (had_record)
		assert_int_equal(file_read(w->state_path, 8192, &record, &w->d), XK_OK);
	for (const char *op = ops; *op; op++) {
		unsigned now = 0;
		struct armed a;

		switch (*op) {
		case 'L':
			assert_int_equal(load(w), XK_OK);
			assert_true(fake_xen_loaded(&w->fake));
			assert_int_equal(w->fake.bit, 1);
			break;
		case 'F':
			w->fake.fail_on = 1u << FAKE_LOAD;
			w->fake.fail_errno = ENOMEM;
			assert_int_equal(load(w), XK_NO_FIT);
			assert_non_null(strstr(w->d.text, "Nothing is armed now"));
			w->fake.fail_on = 0;
			assert_false(fake_xen_loaded(&w->fake));
			break;
		case 'U':
			assert_int_equal(unload(w), XK_OK);
			assert_false(fake_xen_loaded(&w->fake));
			assert_int_equal(w->fake.bit, 0);
			break;
		case 'l':
			fake_xen_foreign_load(&w->fake);
			now = foreign + 1;
			break;
		default:
			fake_xen_foreign_unload(&w->fake);
			now = foreign + 1;
			break;
		}
		a = status(w);
		if (!now) {
			assert_int_equal(a.state, fake_xen_loaded(&w->fake) ? ARMED_YES : ARMED_NO);
			assert_int_equal(a.state, *op == 'L' ? ARMED_YES : ARMED_NO);
		} else if (now % 2) {
			assert_int_equal(a.state, ARMED_UNKNOWN);
		} else {
			assert_int_equal(a.state, last);
		}
		assert_false(w->fake.panicked);
		if (!now)
			same_state(w, *op);
		if (now || !tried[(int)*op][depth])
			history(w, ops, depth - 1, now, now ? last : a.state);
		if (!now)
			tried[(int)*op][depth] = true;
		w->fake = saved;
		if (had_record)
			assert_int_equal(
				file_replace(w->state_path, buf_bytes(&record), 0644, &w->d),
				XK_OK);
		else
			unlink(w->state_path);
	}
	buf_deinit(&record);
}

static void test_all_histories_own(void **state)
{
	assert_int_equal(status(*state).state, ARMED_NO);
	memset(tried, 0, sizeof(tried));
	history(*state, "LFU", 8, 0, ARMED_NO);
}

static void test_all_histories_foreign(void **state)
{
	memset(tried, 0, sizeof(tried));
	history(*state, "LUFlu", 8, 0, ARMED_NO);
}

/* The table of status values, made by this tool's own operations. */
static void test_status_table(void **state)
{
	static const char *const table[] = {"L", "LL", "LU", "U", "UL", "LLU", "LUL"};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct world *w = *state;
		char last = 0;

		for (const char *p = table[i]; *p; p++) {
			last = *p;
			assert_int_equal(*p == 'L' ? load(w) : unload(w), XK_OK);
		}
		assert_int_equal(status(w).state, last == 'L' ? ARMED_YES : ARMED_NO);
		teardown(state);
		setup(state);
	}
}

/* What may be said after a failure, against what is true. */
static void check_truth(struct world *w, bool before, enum xk_status st)
{
	bool loaded = fake_xen_loaded(&w->fake);
	struct armed a;
	char text[sizeof(w->d.text)];

	snprintf(text, sizeof(text), "%s", w->d.text);
	w->fake.fail_at = w->fake.fail_on = 0;
	a = status(w);
	if (a.state == ARMED_YES)
		assert_true(loaded);
	if (a.state == ARMED_NO)
		assert_false(loaded);
	if (!st)
		return;
	assert_true(text[0]);
	if (strstr(text, "Nothing is armed now")) {
		assert_false(loaded);
		assert_int_equal(a.state, ARMED_NO);
	} else if (strstr(text, "NOT known")) {
		assert_int_equal(a.state, ARMED_UNKNOWN);
	} else {
		assert_int_equal(loaded, before);
		assert_int_equal(a.state, before ? ARMED_YES : ARMED_NO);
	}
}

static void test_failure_at_every_call(void **state)
{
	for (int armed = 0; armed < 2; armed++) {
		unsigned n = 0;
		enum xk_status st;

		do {
			struct world *w = *state;

			if (armed)
				assert_int_equal(load(w), XK_OK);
			w->fake.fail_at = ++n;
			w->fake.fail_errno = EIO;
			st = load(w);
			check_truth(w, armed, st);
			/* And the way out works from wherever that left it. */
			assert_int_equal(load(w), XK_OK);
			assert_int_equal(status(w).state, ARMED_YES);
			teardown(state);
			setup(state);
			assert_in_range(n, 1, 40);
		} while (st);
		/* range, version, status, unload, status, load, status: at the least. */
		assert_in_range(n, 8, 40);
	}
}

static void test_failure_of_kinds(void **state)
{
	static const unsigned kinds[] = {FAKE_LOAD, FAKE_UNLOAD, FAKE_STATUS};

	for (unsigned mask = 1; mask < 8; mask++)
		for (int armed = 0; armed < 2; armed++) {
			struct world *w = *state;
			enum xk_status st;

			if (armed)
				assert_int_equal(load(w), XK_OK);
			for (unsigned k = 0; k < 3; k++)
				if (mask & 1u << k)
					w->fake.fail_on |= 1u << kinds[k];
			w->fake.fail_errno = EBUSY;
			st = load(w);
			assert_int_not_equal(st, XK_OK);
			check_truth(w, armed, st);
			teardown(state);
			setup(state);
		}
}

static void test_unload_failures(void **state)
{
	/* From each parity, each call failing once. */
	for (int foreign = 0; foreign < 2; foreign++)
		for (unsigned n = 1; n <= 6; n++) {
			struct world *w = *state;
			enum xk_status st;
			struct armed a;

			assert_int_equal(load(w), XK_OK);
			if (foreign)
				fake_xen_foreign_load(&w->fake);
			w->fake.fail_at = n;
			w->fake.fail_errno = EIO;
			st = unload(w);
			w->fake.fail_at = 0;
			a = status(w);
			if (a.state == ARMED_YES)
				assert_true(fake_xen_loaded(&w->fake));
			if (a.state == ARMED_NO)
				assert_false(fake_xen_loaded(&w->fake));
			if (!st)
				assert_int_equal(a.state, ARMED_NO);
			assert_int_equal(unload(w), XK_OK);
			assert_int_equal(status(w).state, ARMED_NO);
			teardown(state);
			setup(state);
		}
}

static void test_record_cannot_be_written(void **state)
{
	struct world *w = *state;

	/* A file where the folder should be: seen before Xen is asked to change anything. */
	scratch_text(&w->dir, "/run", "");
	assert_int_equal(load(w), XK_IO);
	assert_int_equal(w->fake.ops_changing, 0);
	assert_int_equal(unload(w), XK_IO);
	assert_int_equal(w->fake.ops_changing, 0);
}

static void test_interrupted_and_damaged_record(void **state)
{
	struct world *w = *state;

	scratch_text(&w->dir, "/run/state", "state = busy\nkernel = k\n");
	assert_int_equal(status(w).state, ARMED_UNKNOWN);
	scratch_text(&w->dir, "/run/state", "rubbish\n");
	assert_int_equal(status(w).state, ARMED_UNKNOWN);
	assert_int_equal(load(w), XK_OK);
	assert_int_equal(status(w).state, ARMED_YES);
	scratch_text(&w->dir, "/run/state", "rubbish\n");
	assert_int_equal(unload(w), XK_OK);
	assert_int_equal(status(w).state, ARMED_NO);
}

static void test_record_of_another_boot(void **state)
{
	struct world *w = *state;
	struct armed a;

	assert_int_equal(load(w), XK_OK);
	/* Reboot: Xen starts afresh, the record survived. */
	fake_xen_foreign_unload(&w->fake);
	assert_int_equal(w->fake.bit, 0);
	scratch_text(&w->dir, "/proc/sys/kernel/random/boot_id", "99999999-8888\n");
	a = status(w);
	assert_int_equal(a.state, ARMED_NO);
	assert_non_null(strstr(a.why, "since the last boot"));
	assert_int_equal(a.kernel[0], '\0');
}

static void test_old_xen_only_loads(void **state)
{
	/* Own loads and (refused) unloads, with failing loads: never a double free. */
	for (unsigned h = 0; h < 6561; h++) { /* 3^8 */
		struct world *w = *state;
		unsigned digits = h;
		bool any = false, damaged = false;

		w->fake.minor = w->host.xen.minor = h % 2 ? 4 : 8;
		for (unsigned i = 0; i < 8; i++, digits /= 3) {
			unsigned before = w->fake.calls[FAKE_UNLOAD];

			switch (digits % 3) {
			case 0:
				assert_int_equal(load(w), XK_OK);
				any = true;
				damaged = false;
				break;
			case 1: assert_int_equal(unload(w), XK_UNSUPPORTED); break;
			default:
				w->fake.fail_on = 1u << FAKE_LOAD;
				w->fake.fail_errno = ENOMEM;
				assert_int_equal(load(w), XK_NO_FIT);
				w->fake.fail_on = 0;
				damaged = any;
				assert_true(!any || strstr(w->d.text, "may be damaged"));
				break;
			}
			assert_int_equal(w->fake.calls[FAKE_UNLOAD], before);
			assert_int_equal(w->fake.calls[FAKE_STATUS], 0);
			assert_int_equal(
				status(w).state, any && !damaged ? ARMED_YES : ARMED_UNKNOWN);
		}
		assert_false(w->fake.panicked);
		/* A new host without the price of a new world. */
		memset(w->fake.images, 0, sizeof(w->fake.images));
		w->fake.bit = 0;
		unlink(w->state_path);
	}
}

static void test_refusals_before_any_change(void **state)
{
	struct world *w = *state;
	struct seg *s = w->plan.segs;
	struct plan good = w->plan;

#define REFUSED(st)                                                \
	do {                                                       \
		assert_int_equal(load(w), st);                     \
		assert_int_equal(w->fake.ops_changing, 0);         \
		assert_int_equal(access(w->state_path, F_OK), -1); \
		w->plan = good;                                    \
	} while (0)
	w->b.caller.root = false;
	REFUSED(XK_PRIVILEGE);
	w->b.caller.root = true;
	w->b.caller.bits = 32;
	REFUSED(XK_UNSUPPORTED);
	assert_non_null(strstr(w->d.text, "ENOTTY"));
	w->b.caller.bits = 64;
	w->host.control_domain = false;
	REFUSED(XK_PRIVILEGE);
	w->host.control_domain = true;
	s[0].dest.end += 0x800;
	REFUSED(XK_BAD_INPUT);
	s[0].dest.start -= 0x800;
	REFUSED(XK_BAD_INPUT);
	s[1].dest = s[0].dest;
	REFUSED(XK_BAD_INPUT);
	s[0].dest = (struct range){START - 0x1000, START + 0x3000};
	REFUSED(XK_NO_FIT);
	s[0].dest = (struct range){END - 0x1000, END + 0x3000};
	REFUSED(XK_NO_FIT);
	s[0].len = 0x4001;
	REFUSED(XK_BAD_INPUT);
	s[3].dest.end = s[3].dest.start;
	REFUSED(XK_BAD_INPUT);
	w->plan.machine = 40;
	REFUSED(XK_BAD_INPUT);
	w->plan.entry = END; /* Xen would take it */
	REFUSED(XK_NO_FIT);
	w->plan.entry = START - 1;
	REFUSED(XK_NO_FIT);
	w->plan.nr = 16;
	REFUSED(XK_BAD_INPUT);
	w->plan.region = (struct range){START, END + 0x1000};
	REFUSED(XK_STATE);
	w->plan.region = (struct range){0, 0};
	REFUSED(XK_STATE);
	w->fake.crash = (struct range){0, 0};
	REFUSED(XK_STATE);
	w->fake.crash = (struct range){START, END};
	w->fake.alloc_fails = true;
	REFUSED(XK_NOMEM);
	w->fake.alloc_fails = false;
	w->fake.has_kexec = false;
	REFUSED(XK_UNSUPPORTED);
	w->fake.has_kexec = true;
	/* A library too old to know status: noticed before the unload that precedes a load. */
	w->fake.fail_on = 1u << FAKE_STATUS;
	w->fake.fail_errno = ENOSYS;
	REFUSED(XK_UNSUPPORTED);
	w->fake.fail_on = 0;
	assert_int_equal(load(w), XK_OK);
#undef REFUSED
}

static void test_safe_memory_bounds(void **state)
{
	struct world *w = *state;

	/* One byte beyond the payload: copied, which reads memory of this test, not Xen's. */
	w->b.safe[0].len = 0x2000 + 15;
	assert_int_equal(load(w), XK_OK);
	assert_memory_equal(w->fake.memory + 0x200000, w->kernel + 16, 0x2000);
	while (w->b.nr_safe < ARRAY_SIZE(w->b.safe))
		assert_true(xen_backend_add_safe(&w->b, (struct bytes){w->kernel, 1}));
	assert_false(xen_backend_add_safe(&w->b, (struct bytes){w->kernel, 1}));
}

static void test_crash(void **state)
{
	struct world *w = *state;

	assert_int_equal(xen_backend_ops.crash(&w->b, &w->d), XK_STATE);
	assert_non_null(strstr(w->d.text, "no crash image"));
	assert_int_equal(load(w), XK_OK);
	assert_int_equal(xen_backend_ops.crash(&w->b, &w->d), XK_REFUSED);
	assert_true(w->fake.executed);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_load_writes_the_plan),
		T(test_digest_follows_content),
		T(test_status_table),
		T(test_all_histories_own),
		T(test_all_histories_foreign),
		T(test_failure_at_every_call),
		T(test_failure_of_kinds),
		T(test_unload_failures),
		T(test_record_cannot_be_written),
		T(test_interrupted_and_damaged_record),
		T(test_record_of_another_boot),
		T(test_old_xen_only_loads),
		T(test_refusals_before_any_change),
		T(test_safe_memory_bounds),
		T(test_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
