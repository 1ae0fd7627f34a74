// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/record.h"
#include "tests/unit/scratch.h"

static const struct record example = {
	.state = RECORD_ARMED,
	.tool = "0.1",
	.kernel = "vmlinuz-6.1 = odd",
	.since = "2026-01-02T03:04:05Z",
	.region = {0x1a6651000, 0x1ba651000},
	.entry = 0x1a7000000,
	.digest = "00ff",
	.xen_build_id = "abcdef",
	.boot_id = "1111-2222",
};

static void same(const struct record *a, const struct record *b)
{
	assert_int_equal(a->state, b->state);
	assert_string_equal(a->tool, b->tool);
	assert_string_equal(a->kernel, b->kernel);
	assert_string_equal(a->since, b->since);
	assert_int_equal(a->region.start, b->region.start);
	assert_int_equal(a->region.end, b->region.end);
	assert_int_equal(a->entry, b->entry);
	assert_string_equal(a->digest, b->digest);
	assert_string_equal(a->xen_build_id, b->xen_build_id);
	assert_string_equal(a->boot_id, b->boot_id);
}

static void test_round_trip(void **state)
{
	struct record r = example, back;
	struct buf b = {0};
	struct diag d;

	(void)state;
	for (int s = RECORD_BUSY; s <= RECORD_DAMAGED; s++) {
		r.state = (enum record_state)s;
		b.len = 0;
		record_print(&r, &b);
		buf_append(&b, "", 1); /* for strstr() */
		b.len--;
		assert_int_equal(record_parse(buf_bytes(&b), &back, &d), XK_OK);
		same(&r, &back);
		assert_null(strstr((char *)b.data, "loaded-by")); /* Xen has one way only */
	}
	b.len = 0;
	strcpy(r.call, "kexec_file_load");
	record_print(&r, &b);
	assert_int_equal(record_parse(buf_bytes(&b), &back, &d), XK_OK);
	assert_string_equal(back.call, "kexec_file_load");
	buf_deinit(&b);
}

static void test_line_end_in_name(void **state)
{
	struct record r = example, back;
	struct buf b = {0};
	struct diag d;

	(void)state;
	strcpy(r.kernel, "a\nstate = busy");
	record_print(&r, &b);
	assert_int_equal(record_parse(buf_bytes(&b), &back, &d), XK_OK);
	assert_int_equal(back.state, RECORD_ARMED);
	assert_string_equal(back.kernel, "a?state = busy");
	buf_deinit(&b);
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		enum xk_status st;
	} t[] = {
		{"state = armed\n", XK_OK},
		{"state = armed", XK_OK},
		{"# comment\n\nstate = busy\nfuture-key = 1\n", XK_OK},
		{"", XK_BAD_INPUT},
		{"\n\n", XK_BAD_INPUT},
		{"kernel = k\n", XK_BAD_INPUT}, /* no state */
		{"state = none\n", XK_BAD_INPUT},
		{"state = Armed\n", XK_BAD_INPUT},
		{"state=armed\n", XK_BAD_INPUT},
		{"state = armed\nregion = 1-2\n", XK_BAD_INPUT},
		{"state = armed\nregion = 0x1-\n", XK_BAD_INPUT},
		{"state = armed\nregion = 0x1-0x2x\n", XK_BAD_INPUT},
		{"state = armed\nregion = 0x1-0x2\n", XK_OK},
		{"state = armed\nentry = 0x10000000000000000\n", XK_BAD_INPUT},
		{"state = armed\nentry = 0xffffffffffffffff\n", XK_OK},
		{"state = armed\nloaded-by = 123456789012345678901234\n", XK_BAD_INPUT},
		{"state = armed\nboot-id = 1234567890123456789012345678901234567890\n",
			XK_BAD_INPUT},
	};
	struct record r;
	char big[2000];
	struct diag d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct bytes b = {(const uint8_t *)t[i].text, strlen(t[i].text)};

		assert_int_equal(record_parse(b, &r, &d), t[i].st);
	}
	memset(big, 'x', sizeof(big));
	assert_int_equal(
		record_parse((struct bytes){(uint8_t *)big, sizeof(big)}, &r, &d), XK_BAD_INPUT);
	assert_int_equal(
		record_parse((struct bytes){(const uint8_t *)"state = armed\0\n", 15}, &r, &d),
		XK_BAD_INPUT);
}

static void test_files(void **state)
{
	struct scratch s;
	struct record r;
	char path[128];
	struct diag d;
	int fd;

	(void)state;
	scratch_init(&s);
	snprintf(path, sizeof(path), "%s/xenkdump/state", s.path);
	assert_int_equal(record_read(path, "1111-2222", "abcdef", &r, &d), XK_OK);
	assert_int_equal(r.state, RECORD_NONE);
	assert_false(r.stale);
	assert_int_equal(record_clear(path, &d), XK_OK);
	assert_int_equal(record_write(path, &example, &d), XK_OK);
	assert_int_equal(record_read(path, "1111-2222", "abcdef", &r, &d), XK_OK);
	same(&r, &example);
	assert_int_equal(record_read(path, "", "", &r, &d), XK_OK);
	assert_int_equal(r.state, RECORD_ARMED);
	assert_int_equal(record_read(path, "3333", "abcdef", &r, &d), XK_OK);
	assert_int_equal(r.state, RECORD_NONE);
	assert_true(r.stale);
	assert_int_equal(record_read(path, "1111-2222", "other", &r, &d), XK_OK);
	assert_int_equal(r.state, RECORD_NONE);
	assert_true(r.stale);
	assert_int_equal(record_lock(path, &fd, &d), XK_OK);
	close(fd);
	assert_int_equal(record_clear(path, &d), XK_OK);
	assert_int_equal(access(path, F_OK), -1);
	/* A folder in the file's place. */
	scratch_folder(&s, "/xenkdump/state/x");
	assert_int_equal(record_clear(path, &d), XK_IO);
	assert_int_equal(record_write(path, &example, &d), XK_IO);
	assert_int_not_equal(record_read(path, "", "", &r, &d), XK_OK);
	snprintf(path, sizeof(path), "%s/no/such/folder/state", s.path);
	assert_int_equal(record_lock(path, &fd, &d), XK_IO);
	assert_int_equal(record_write(path, &example, &d), XK_IO);
	scratch_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_line_end_in_name),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
