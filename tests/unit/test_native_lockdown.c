// SPDX-License-Identifier: GPL-2.0-only
/* Whether the kernel is locked down, over fixture trees. */
#include "tests/unit/xktest.h"

#include "native/machine.h"
#include "native/way.h"
#include "tests/unit/fixture.h"

static void test_fact(void **state)
{
	static const struct {
		const char *lockdown, *lsm;
		const char *want; /* NULL: a gap */
		enum native_lockdown judged;
	} t[] = {
		{"[none] integrity confidentiality\n", "lockdown\n", "none", LOCKDOWN_OFF},
		{"none [integrity] confidentiality\n", "lockdown\n", "integrity", LOCKDOWN_ON},
		{"none integrity [confidentiality]\n", NULL, "confidentiality", LOCKDOWN_ON},
		/* Built without it, which only a mounted securityfs shows. */
		{NULL, "capability\n", "none", LOCKDOWN_OFF},
		{NULL, NULL, NULL, LOCKDOWN_UNKNOWN},
		{"", "lockdown\n", NULL, LOCKDOWN_UNKNOWN},
		{"none integrity confidentiality\n", "x\n", NULL, LOCKDOWN_UNKNOWN},
		{"none [integrity confidentiality\n", "x\n", NULL, LOCKDOWN_UNKNOWN},
		{"none ]integrity[ confidentiality\n", "x\n", NULL, LOCKDOWN_UNKNOWN},
		{"none [future] integrity\n", "x\n", NULL, LOCKDOWN_UNKNOWN},
		{"[]\n", "x\n", NULL, LOCKDOWN_UNKNOWN},
		{"[nonesuch]\n", "x\n", NULL, LOCKDOWN_UNKNOWN},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		if (t[i].lockdown)
			scratch_text(&s, "/sys/kernel/security/lockdown", t[i].lockdown);
		if (t[i].lsm)
			scratch_text(&s, "/sys/kernel/security/lsm", t[i].lsm);
		native_lockdown_fact(s.path, &h);
		assert_int_equal(!!h.kernel.lockdown, !!t[i].want);
		assert_int_equal(!!host_gap_reason(&h, "kernel.lockdown"), !t[i].want);
		if (t[i].want)
			assert_string_equal(h.kernel.lockdown, t[i].want);
		assert_int_equal(native_lockdown(&h), t[i].judged);
		again(state);
	}
}

/* Facts are a file that anyone may have written. */
static void test_other_words(void **state)
{
	(void)state;
	h.kernel.lockdown = strdup("Integrity");
	assert_int_equal(native_lockdown(&h), LOCKDOWN_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_fact),
		T(test_other_words),
	};

	(void)d;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
