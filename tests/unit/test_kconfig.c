// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/xktest.h"

#include <stdio.h>
#include <zlib.h>

#include "common/kconfig.h"
#include "tests/unit/mkplan.h"

#define TEXT(s) ((struct bytes){(const uint8_t *)(s), strlen(s)})

static void parses(void **state)
{
	struct kconfig c;
	struct diag d;

	(void)state;
	diag_init(&d);
	assert_int_equal(
		kconfig_parse(TEXT("# a comment\n"
				   "CONFIG_CRASH_DUMP=y\n"
				   "CONFIG_PROC_VMCORE_DEVICE_DUMP=y\n" /* another's name */
				   "# CONFIG_X86_PAE is not set\n"
				   "CONFIG_BLK_DEV_INITRD=y"), /* without a line end */
			"here", &c, &d),
		XK_OK);
	assert_true(c.known && c.set[KCONFIG_CRASH_DUMP] && c.set[KCONFIG_BLK_DEV_INITRD]);
	assert_false(c.set[KCONFIG_PROC_VMCORE] || c.set[KCONFIG_X86_PAE]);
	assert_string_equal(c.source, "here");
	/* =m is not =y */
	assert_int_equal(kconfig_parse(TEXT("CONFIG_CRASH_DUMP=m\n"), "here", &c, &d), XK_OK);
	assert_false(c.set[KCONFIG_CRASH_DUMP]);
}

static void refuses_other_text(void **state)
{
	static const char *const texts[] = {"", "\n", "hello\n", "CONFIG\n", " CONFIG_X=y\n"};
	struct kconfig c = {.source = "kept"};
	struct diag d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		diag_init(&d);
		assert_int_equal(kconfig_parse(TEXT(texts[i]), "x", &c, &d), XK_BAD_INPUT);
		assert_non_null(strstr(d.text, "x is not a kernel configuration"));
		assert_string_equal(c.source, "kept");
	}
}

/* gzip data of text, between the marks. */
static void embed(struct buf *b, const char *text)
{
	z_stream z = {0};
	uint8_t out[512];
	char in[256];

	snprintf(in, sizeof(in), "%s", text);
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)in;
	z.avail_in = (uInt)strlen(in);
	z.next_out = out;
	z.avail_out = sizeof(out);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_append(b, "IKCFG_ST", 8);
	buf_append(b, out, sizeof(out) - z.avail_out);
	buf_append(b, "IKCFG_ED", 8);
	deflateEnd(&z);
}

static void finds_embedded(void **state)
{
	struct buf kernel = {0}, text = {0};

	(void)state;
	buf_append(&kernel, "abcIKCFG_STno gzip data here", 28);
	embed(&kernel, "CONFIG_CRASH_DUMP=y\n");
	buf_append(&kernel, "more", 4);
	assert_true(kconfig_embedded(buf_bytes(&kernel), &text));
	assert_int_equal(text.len, 20);
	assert_memory_equal(text.data, "CONFIG_CRASH_DUMP=y\n", 20);
	/* cut anywhere it is not found, and nothing is left behind */
	for (size_t len = 0; len < kernel.len - 4; len++) {
		uint8_t *copy = test_malloc(len ? len : 1);
		size_t before = text.len;

		memcpy(copy, kernel.data, len);
		assert_false(kconfig_embedded((struct bytes){copy, len}, &text));
		assert_int_equal(text.len, before);
		test_free(copy);
	}
	/* damaged: a byte in the middle of the deflate data */
	kernel.data[3 + 25 + 8 + 14] ^= 0xff;
	text.len = 0;
	if (kconfig_embedded(buf_bytes(&kernel), &text))
		fail_msg("damaged data were taken");
	buf_deinit(&kernel);
	buf_deinit(&text);
}

static void knows_versions(void **state)
{
	static const struct {
		const char *text;
		uint32_t number;
	} v[] = {
		{"6.1.0-50-amd64 (x)", 0x060100}, {"2.6.22", 0x020616}, {"2.6.21.7-xen", 0x020615},
		{"6.1-rc1", 0x060100}, {"4.19.325", 0x0413ff}, /* 325 does not fit */
		{"", 0}, {"6", 0}, {"six.one", 0}, {"6.x", 0}, {"-1.2.3", 0},
		{"99999999999.1.1", 0}, /* the digits that do not fit end the number */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		if (kernel_version_number(v[i].text) != v[i].number)
			fail_msg("%s: %#x instead of %#x", v[i].text,
				kernel_version_number(v[i].text), v[i].number);
}

/* What the planner makes of it. mkplan's machine has 8 GiB, of which a little more than the half
 * above 4 GiB; its crash region is 256 MiB below. */
static const struct {
	const char *what, *config; /* NULL: not known */
	const char *version;
	bool is_64, small; /* small: RAM ends at 5 GiB */
	enum xk_status status;
	const char *says; /* refused: the message; else a warning; NULL: no such warning */
} judged[] = {
	{"all there", "CONFIG_CRASH_DUMP=y\nCONFIG_PROC_VMCORE=y\nCONFIG_BLK_DEV_INITRD=y\n",
		"6.1.0", true, false, XK_OK, NULL},
	{"not known", NULL, "6.1.0", true, false, XK_OK, NULL},
	{"no vmcore", "CONFIG_CRASH_DUMP=y\nCONFIG_BLK_DEV_INITRD=y\n", "6.1.0", true, false,
		XK_UNSUPPORTED, "built without CONFIG_PROC_VMCORE (config-x)"},
	{"no crash dump", "CONFIG_PROC_VMCORE=y\n", "6.1.0", true, false, XK_UNSUPPORTED,
		"built without CONFIG_CRASH_DUMP"},
	{"no initrd", "CONFIG_CRASH_DUMP=y\nCONFIG_PROC_VMCORE=y\n", "6.1.0", true, false,
		XK_UNSUPPORTED, "cannot use the initrd"},
	{"no PAE, most above",
		"CONFIG_CRASH_DUMP=y\nCONFIG_PROC_VMCORE=y\nCONFIG_BLK_DEV_INITRD=y\n", "6.1.0",
		false, false, XK_UNSUPPORTED, "built without CONFIG_X86_PAE"},
	{"no PAE, little above",
		"CONFIG_CRASH_DUMP=y\nCONFIG_PROC_VMCORE=y\nCONFIG_BLK_DEV_INITRD=y\n", "6.1.0",
		false, true, XK_OK, "cannot read the 1024 MiB of memory above 4 GiB"},
	{"PAE",
		"CONFIG_CRASH_DUMP=y\nCONFIG_PROC_VMCORE=y\nCONFIG_BLK_DEV_INITRD=y\n"
		"CONFIG_X86_PAE=y\n",
		"6.1.0", false, false, XK_OK, NULL},
	{"i386, too old", NULL, "2.6.21-6-686", false, false, XK_UNSUPPORTED,
		"since 2.6.22; use a newer dump kernel"},
	{"i386, old enough", NULL, "2.6.22", false, false, XK_OK, NULL},
	{"i386, version unknown", NULL, "custom", false, false, XK_OK, NULL},
	{"x86_64, as old", NULL, "2.6.21", true, false, XK_OK, NULL},
};

static bool warned(const struct plan *p, const char *text)
{
	for (size_t i = 0; i < p->nr_warnings; i++)
		if (strstr(p->warnings[i], text))
			return true;
	return false;
}

static void judges(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(judged); i++) {
		struct mkplan m;
		enum xk_status st;
		bool said;

		mkplan_init(&m, 0x20000000, 0x30000000);
		m.kernel.is_64 = m.kernel.above_4g = judged[i].is_64;
		m.kernel.version = judged[i].version;
		if (judged[i].config)
			assert_int_equal(
				kconfig_parse(TEXT(judged[i].config), "config-x", &m.config, &m.d),
				XK_OK);
		for (size_t k = 0; judged[i].small && k < m.host.memory.nr; k++)
			if (m.host.memory.v[k].r.end > 5 * GiB)
				m.host.memory.v[k].r.end = 5 * GiB;
		st = mkplan_make(&m);
		if (st != judged[i].status)
			fail_msg("%s: status %d, %s", judged[i].what, st, m.d.text);
		said = judged[i].says && (st ? strstr(m.d.text, judged[i].says) != NULL
					     : warned(&m.plan, judged[i].says));
		if (judged[i].says && !said)
			fail_msg("%s: \"%s\" is not said: %s", judged[i].what, judged[i].says,
				m.d.text);
		if (!st && !judged[i].says)
			assert_false(warned(&m.plan, "above 4 GiB and"));
		if (!st)
			assert_non_null(strstr(m.plan.dump_kernel, judged[i].version));
		mkplan_deinit(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses),
		cmocka_unit_test(refuses_other_text),
		cmocka_unit_test(finds_embedded),
		cmocka_unit_test(knows_versions),
		cmocka_unit_test(judges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
