// SPDX-License-Identifier: GPL-2.0-only
/* What a person and a program are shown; the whole text is in the golden hosts. */
#include "tests/unit/xktest.h"

#include <json-c/json.h>

#include "common/plan_mem.h"
#include "tests/unit/mkplan.h"

static char *text(const struct mkplan *m, bool json)
{
	struct buf b = {0};
	struct diag d;

	diag_init(&d);
	assert_int_equal(
		json ? plan_print_json(&m->plan, &b, &d) : plan_print(&m->plan, &b, &d), XK_OK);
	buf_append(&b, "", 1);
	assert_false(b.failed);
	return (char *)b.data;
}

/* A region of 64 MiB is a column a MiB. Kernel 16 MiB at 2 MiB (its first 59 pages are the
 * hypervisor's, and the rest up to there is left): 2 x, 16 K. The initrd (10 MiB, whole pages), the
 * boot parameters, and all above end in the last column. */
static void picture(void **state)
{
	struct mkplan m;
	char *s;

	(void)state;
	mkplan_init(&m, 0x20000000, 0x24000000);
	m.initrd_len = 10 << 20;
	assert_int_equal(mkplan_make(&m), XK_OK);
	s = text(&m, false);
	assert_says(s, "a column is 1.0 MiB:\n");
	assert_says(s, "[xxKKKKKKKKKKKKKKKK...................................IIIIIIIIII*]\n");
	free(s);

	/* two pieces in one column, whatever their sizes, are not hidden */
	m.initrd_len = 1;
	assert_int_equal(mkplan_make(&m), XK_OK);
	s = text(&m, false);
	assert_says(s, "KKKK.............................................*]\n");
	free(s);
	mkplan_deinit(&m);
}

static void says_it_all(void **state)
{
	struct mkplan m;
	char *s;

	(void)state;
	mkplan_init(&m, 0x20000000, 0x30000000);
	m.host.xen.cmdline = strdup("com2=9600,8n1 console=com2");
	assert_true(range_list_add(&m.host.memory, (struct range){0x300000000, 0x300001000}, 6));
	assert_true(range_list_add(&m.host.memory, (struct range){0x300001000, 0x300002000}, 7));
	assert_true(range_list_add(&m.host.memory, (struct range){0x300002000, 0x300003000}, 99));
	assert_int_equal(mkplan_make(&m), XK_OK);
	s = text(&m, false);
	assert_says(s, "serial port 0x2f8 at 9600 baud");
	assert_says(s, "0x300000000    0x300001000  other\n");
	assert_says(s, "0x300001000    0x300002000  pmem\n");
	assert_says(s, "0x300002000    0x300003000  other\n");
	assert_says(s, "which needs at most    236 KiB"); /* 59 pages */
	assert_null(strstr(s, "warning"));
	free(s);

	m.host.xen.bits = 32;
	m.host.xen.image_virt = 0;
	m.kernel.is_64 = m.kernel.above_4g = false;
	m.host.memory.v[2].r.end = 0xc0000000;
	m.host.memory.nr = 3;
	m.rq.cmdline = NULL;
	m.rq.dom0_vmcoreinfo = CHOICE_NO;
	assert_int_equal(mkplan_make(&m), XK_OK);
	s = text(&m, false);
	assert_says(s, "image: EM_386, entered at");
	assert_says(s, "core header: ELF32 EM_386, ");
	assert_says(s, "kernel's VMCOREINFO no");
	assert_says(s, "\nwarning: the dump kernel is not limited to one CPU");
	assert_null(strstr(s, "the hypervisor's image"));
	free(s);
	mkplan_deinit(&m);
}

static const char *str(struct json_object *o, const char *key)
{
	struct json_object *v;

	assert_true(json_object_object_get_ex(o, key, &v));
	return json_object_get_string(v);
}

static void json(void **state)
{
	struct json_object *o, *segs, *map;
	struct mkplan m;
	char *s;

	(void)state;
	mkplan_init(&m, 0x140000000, 0x150000000);
	m.rq.cmdline = "nr_cpus=1 a=\"\xc3\xa9 \\\" b=\x7f";
	assert_int_equal(mkplan_make(&m), XK_OK);
	s = text(&m, true);
	for (const char *p = s; *p; p++)
		assert_true((unsigned char)*p < 0x7f);
	o = json_tokener_parse(s);
	assert_non_null(o);
	assert_string_equal(str(o, "machine"), "EM_X86_64");
	/* 64-bit numbers are strings: 0x140200000 + 0x200 */
	assert_string_equal(str(o, "kernel_entry"), "0x140200200");
	assert_string_equal(str(o, "command_line"),
		"elfcorehdr=0x14ff5e000 nr_cpus=1 a=\"\\xc3\\xa9 \\\" b=\\x7f");
	assert_true(json_object_object_get_ex(o, "segments", &segs));
	assert_int_equal(json_object_array_length(segs), 8);
	for (size_t i = 0; i < 8; i++) {
		struct json_object *seg = json_object_array_get_idx(segs, i);
		const struct seg *want = &m.plan.segs[i];

		assert_string_equal(str(seg, "kind"), seg_kind_name(want->kind));
		assert_int_equal(strtoull(str(seg, "start"), NULL, 0), want->dest.start);
		assert_int_equal(strtoull(str(seg, "size"), NULL, 0), range_size(want->dest));
		assert_string_equal(str(seg, "map_only"), want->buf ? "false" : "true");
		assert_int_equal(json_object_object_get_ex(seg, "sha256", NULL),
			want->kind != SEG_BACKUP && want->kind != SEG_PURGATORY);
	}
	assert_true(json_object_object_get_ex(o, "memory_map", &map));
	assert_int_equal(json_object_array_length(map), m.plan.e820.nr);
	json_object_put(o);
	free(s);
	mkplan_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(picture),
		cmocka_unit_test(says_it_all),
		cmocka_unit_test(json),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
