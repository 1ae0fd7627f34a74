// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/xktest.h"

#include "common/diag.h"

static void prepend_and_append(void **state)
{
	struct diag d;

	(void)state;
	diag_init(&d);
	assert_int_equal(d.status, XK_OK);
	assert_string_equal(d.text, "");
	assert_int_equal(diag_fail(&d, XK_IO, "%s: %d", "open", 2), XK_IO);
	assert_int_equal(diag_prepend(&d, "reading %s: ", "/boot/x"), XK_IO);
	assert_int_equal(diag_append(&d, "; try %c", 'y'), XK_IO);
	assert_string_equal(d.text, "reading /boot/x: open: 2; try y");
	/* a new failure replaces all of it */
	assert_int_equal(diag_fail(&d, XK_NOMEM, "no memory"), XK_NOMEM);
	assert_string_equal(d.text, "no memory");
	assert_int_equal(d.status, XK_NOMEM);
}

/* The message may be an argument of its own successor's context, and percent signs are text. */
static void percent(void **state)
{
	struct diag d;

	(void)state;
	diag_init(&d);
	diag_fail(&d, XK_FAIL, "%s", "100%n %s");
	diag_prepend(&d, "%s: ", "50%");
	assert_string_equal(d.text, "50%: 100%n %s");
}

/* Text is cut, never overrun, and what was put in front stays. */
static void cut(void **state)
{
	char longer[3000];
	struct diag d;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	diag_init(&d);
	diag_fail(&d, XK_FAIL, "%s", longer);
	assert_int_equal(strlen(d.text), sizeof(d.text) - 1);
	diag_append(&d, "more");
	assert_int_equal(strlen(d.text), sizeof(d.text) - 1);
	assert_null(strchr(d.text, 'm'));
	diag_prepend(&d, "front: ");
	assert_memory_equal(d.text, "front: xxx", 10);
	assert_int_equal(strlen(d.text), sizeof(d.text) - 1);
	diag_prepend(&d, "%s", longer);
	assert_null(strchr(d.text, 'f'));
	assert_int_equal(strlen(d.text), sizeof(d.text) - 1);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(prepend_and_append),
		cmocka_unit_test(percent),
		cmocka_unit_test(cut),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
