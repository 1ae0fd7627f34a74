// SPDX-License-Identifier: GPL-2.0-only
/* What a dump says of itself: machine, names, program headers. */
#include <elf.h>
#include <stdio.h>

#include "tests/unit/fixture.h"
#include "tests/unit/mklinux.h"
#include "tests/unit/mkxen.h"
#include "tests/unit/xktest.h"
#include "vmcore/head.h"
#include "vmcore/head_loads.h"

/* An opened core with what it says of itself. */
struct said {
	struct mkcore m;
	struct buf file;
	struct core c;
	struct core_notes n;
	struct dump_head h;
	struct head_parts p;
};

static void said_open(struct said *q, struct buf file, enum save_format format)
{
	struct save_request rq = {.format = format};

	q->file = file;
	assert_int_equal(core_open_bytes(buf_bytes(&q->file), &q->c, &d), XK_OK);
	assert_int_equal(core_notes_parse(buf_bytes(&q->c.notes), q->c.machine, &q->n, &d), XK_OK);
	assert_int_equal(head_fill(&q->c, &q->n, &rq, &q->h, &q->p, &d), XK_OK);
}

static void said_close(struct said *q)
{
	head_parts_deinit(&q->p);
	core_notes_deinit(&q->n);
	core_close(&q->c);
	buf_deinit(&q->file);
	mkcore_deinit(&q->m);
	memset(q, 0, sizeof(*q));
}

static void info(struct mkcore *m, const char *text)
{
	mkcore_note(m, "VMCOREINFO", 0, text, strlen(text));
}

/* The names are in memory only, then in the source's header too, which comes first. */
static void test_names(void **state)
{
	static const struct {
		const char *note, *release, *version; /* of VMCOREINFO; of memory */
		uint64_t at;
		const char *want_release, *want_version;
	} rows[] = {
		{MKLINUX_INFO_64, "6.1.0-x", "#1 SMP", MKLINUX_UTS, "6.1.0-x", "#1 SMP"},
		{MKLINUX_INFO_64 "OSRELEASE=6.1.0-x\n", "6.1.0-x", "#1", MKLINUX_UTS, "6.1.0-x",
			"#1"},
		/* before 5.11: after a counter, and nobody says so */
		{"SYMBOL(swapper_pg_dir)=ffffffff81100000\nNUMBER(phys_base)=-12582912\n"
		 "SYMBOL(init_uts_ns)=ffffffff81200000\n",
			"4.19", "#9", MKLINUX_UTS + 4, "4.19", "#9"},
		/* another kernel's: the one that ran before */
		{MKLINUX_INFO_64 "OSRELEASE=6.1.0-x\n", "6.1.0-y", "#1", MKLINUX_UTS, "6.1.0-x",
			""},
		{MKLINUX_INFO_64 "OSRELEASE=6.1.0\n", "6.1.0-y", "#1", MKLINUX_UTS, "6.1.0", ""},
		/* no text that can be shown */
		{MKLINUX_INFO_64, "6.1", "#1 \033[2J", MKLINUX_UTS, "", ""},
		{MKLINUX_INFO_64, "", "#1", MKLINUX_UTS, "", ""},
		/* not where it should be */
		{MKLINUX_INFO_64, "6.1", "#1", MKLINUX_UTS + 8, "", ""},
		{"SYMBOL(swapper_pg_dir)=ffffffff81100000\nNUMBER(phys_base)=-12582912\n", "6.1",
			"#1", MKLINUX_UTS, "", ""},
		{"SYMBOL(init_uts_ns)=ffffffff81200000\n", "6.1", "#1", MKLINUX_UTS, "", ""},
		{"SYMBOL(swapper_pg_dir)=ffffffff81100000\nNUMBER(phys_base)=-12582912\n"
		 "SYMBOL(init_uts_ns)=ffffffff81200000\nOFFSET(uts_namespace.name)=9999999999\n",
			"6.1", "#1", MKLINUX_UTS, "", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mkcore_kdump k = {
			.version = 6, .machine = "x86_64", .release = "4.4-of-the-header"};
		struct said q = {0};
		bool known = *rows[i].want_release;

		again(state);
		mklinux_64(&q.m, 4);
		mklinux_uts(&q.m, rows[i].at, rows[i].release, rows[i].version);
		info(&q.m, rows[i].note);
		said_open(&q, mkcore_build(&q.m), SAVE_KDUMP);
		assert_string_equal(q.h.release, rows[i].want_release);
		assert_string_equal(q.h.version, rows[i].want_version);
		assert_string_equal(q.h.uts_machine, "x86_64");
		assert_string_equal(q.p.notice, "");
		head_parts_deinit(&q.p);
		core_notes_deinit(&q.n);
		core_close(&q.c);
		buf_deinit(&q.file);
		said_open(&q, mkcore_kdump(&q.m, &k), SAVE_KDUMP);
		if (!strstr(rows[i].note, "OSRELEASE"))
			assert_string_equal(q.h.release, k.release);
		else
			assert_true(known && !strcmp(q.h.release, rows[i].want_release));
		said_close(&q);
	}
}

/* A text without end, and one that is no Linux. */
static void test_names_damaged(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct said q = {0};

		again(state);
		mklinux_64(&q.m, 4);
		mklinux_uts(&q.m, MKLINUX_UTS, "6.1", "#1");
		info(&q.m, MKLINUX_INFO_64);
		if (i)
			memset(mkcore_at(&q.m, MKLINUX_UTS + 3 * 65, 65), 'v', 65);
		else
			mkcore_put(&q.m, MKLINUX_UTS, "LinuX", 5);
		said_open(&q, mkcore_build(&q.m), SAVE_KDUMP);
		assert_string_equal(q.h.release, "");
		assert_string_equal(q.h.version, "");
		said_close(&q);
	}
}

#define FACTS "xenkdump-facts 1\nhypervisor = none\n"

/* What the loader wrote down is the last resort. */
static void test_names_by_facts(void **state)
{
	static const struct {
		const char *facts, *release, *version;
	} rows[] = {
		{FACTS "kernel.release = \"6.1.0-z\"\nkernel.version = \"#3 SMP\"\n", "6.1.0-z",
			"#3 SMP"},
		{FACTS "kernel.version = \"#3 SMP\"", "", "#3 SMP"},
		{FACTS "kernel.version = \"a\\x1bb\"\n", "", ""},
		{FACTS "kernel.versions = \"#3\"\n# kernel.version = \"#4\"\n", "", ""},
		{FACTS "kernel.version = \"\"\nkernel.release=6\n", "", ""},
		{"", "", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct save_request rq = {0};
		struct xkn x = {.facts = {.data = (uint8_t *)(uintptr_t)rows[i].facts,
					.len = strlen(rows[i].facts)}};
		struct said q = {0};

		again(state);
		mklinux_64(&q.m, 4);
		q.file = mkcore_build(&q.m);
		assert_int_equal(core_open_bytes(buf_bytes(&q.file), &q.c, &d), XK_OK);
		q.n.xenkdump = &x;
		assert_int_equal(head_fill(&q.c, &q.n, &rq, &q.h, &q.p, &d), XK_OK);
		assert_string_equal(q.h.release, rows[i].release);
		assert_string_equal(q.h.version, rows[i].version);
		q.n.xenkdump = NULL;
		said_close(&q);
	}
}

static void test_machine(void **state)
{
	static const struct {
		uint8_t class;
		uint16_t machine;
		unsigned prstatus; /* bytes; 0 none */
		bool xen;
		const char *facts, *note; /* VMCOREINFO */
		uint16_t want;
		const char *says; /* NULL: nothing */
	} rows[] = {
		{ELFCLASS64, EM_X86_64, 336, false, "", "", EM_X86_64, NULL},
		{ELFCLASS32, EM_386, 144, false, "", "", EM_386, NULL},
		{ELFCLASS64, EM_386, 144, false, "", "", EM_386, NULL},
		/* an i386 kernel's core as a 64-bit dump kernel shows it */
		{ELFCLASS64, EM_X86_64, 144, false, "", "", EM_386, "crashed was i386"},
		{ELFCLASS64, EM_X86_64, 0, false, "kernel.bits = 32\n", "", EM_386,
			"crashed was i386"},
		{ELFCLASS64, EM_X86_64, 0, false, "", "SYMBOL(swapper_pg_dir)=c1a00000\n", EM_386,
			"crashed was i386"},
		{ELFCLASS64, EM_X86_64, 0, false, "kernel.bits = 64\n", "", EM_X86_64, NULL},
		/* an old loader in a 32-bit dom0 */
		{ELFCLASS32, EM_X86_64, 336, true, "", "", EM_X86_64, "64-bit form"},
		{ELFCLASS32, EM_386, 336, true, "", "", EM_X86_64, "crashed was x86_64"},
		/* dom0's width says nothing about Xen's */
		{ELFCLASS64, EM_X86_64, 0, true, "kernel.bits = 32\n",
			"SYMBOL(swapper_pg_dir)=c1a00000\n", EM_X86_64, NULL},
		{ELFCLASS64, EM_386, 0, true, "xen.bits = 64\n", "", EM_X86_64,
			"crashed was x86_64"},
		/* nobody knows better */
		{ELFCLASS64, EM_386, 0, false, "kernel.bits = 33\n", "", EM_386, NULL},
		{ELFCLASS32, EM_386, 0, false, "", "SYMBOL(swapper_pg_dir)=\n", EM_386, NULL},
	};
	static const uint8_t zeros[336];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct xkn x = {.facts = {.data = (uint8_t *)(uintptr_t)rows[i].facts,
					.len = strlen(rows[i].facts)}};
		struct save_request rq = {0};
		struct said q = {0};

		again(state);
		mkcore_init(&q.m, rows[i].class, rows[i].machine);
		mkcore_mem(&q.m, 0x100000, 0x1000);
		if (rows[i].prstatus)
			mkcore_note(&q.m, "CORE", 1, zeros, rows[i].prstatus);
		if (*rows[i].note)
			info(&q.m, rows[i].note);
		q.file = mkcore_build(&q.m);
		assert_int_equal(core_open_bytes(buf_bytes(&q.file), &q.c, &d), XK_OK);
		assert_int_equal(core_notes_parse(buf_bytes(&q.c.notes), q.c.machine, &q.n, &d), 0);
		q.n.xen = rows[i].xen;
		q.n.xenkdump = &x;
		assert_int_equal(head_fill(&q.c, &q.n, &rq, &q.h, &q.p, &d), XK_OK);
		assert_int_equal(q.h.machine, rows[i].want);
		assert_string_equal(q.h.uts_machine, rows[i].want == EM_386 ? "i686" : "x86_64");
		if (rows[i].says)
			assert_says(q.p.notice, rows[i].says);
		else
			assert_string_equal(q.p.notice, "");
		q.n.xenkdump = NULL;
		said_close(&q);
	}
}

static void load_is(const struct dump_load *l, maddr_t start, maddr_t end, vaddr_t virt)
{
	assert_int_equal(l->mem.start, start);
	assert_int_equal(l->mem.end, end);
	assert_true(l->virt == virt);
}

/* From a kdump file, which has no program headers. */
static void test_loads_native(void **state)
{
	struct mkcore_kdump k = {.version = 6, .machine = "x86_64"};
	struct said q = {0};

	(void)state;
	for (unsigned levels = 4; levels <= 5; levels++) {
		mklinux_64(&q.m, levels);
		mkcore_mem(&q.m, 0x2000000, 0x3000);
		info(&q.m, levels == 4 ? MKLINUX_INFO_64
				       : MKLINUX_INFO_64 "NUMBER(pgtable_l5_enabled)=1\n");
		said_open(&q, mkcore_kdump(&q.m, &k), SAVE_ELF);
		assert_int_equal(q.h.nr_loads, 3);
		load_is(&q.h.loads[0], 0x100000, 0x1000000, MKLINUX_OFFSET + 0x100000);
		load_is(&q.h.loads[1], 0x2000000, 0x2003000, MKLINUX_OFFSET + 0x2000000);
		/* the two large pages of the text mapping, and no more */
		load_is(&q.h.loads[2], 0x400000, 0x800000, MKLINUX_TEXT + 0x1000000);
		said_close(&q);
	}
	/* not asked for; and not to be known */
	mklinux_64(&q.m, 4);
	info(&q.m, MKLINUX_INFO_64);
	said_open(&q, mkcore_kdump(&q.m, &k), SAVE_KDUMP);
	assert_int_equal(q.h.nr_loads, 0);
	said_close(&q);
	mklinux_64(&q.m, 4);
	said_open(&q, mkcore_kdump(&q.m, &k), SAVE_ELF);
	assert_int_equal(q.h.nr_loads, 0);
	said_close(&q);
}

/* 3 GiB + 896 MiB is where the direct map ends; the image lies in it. */
static void test_loads_32(void **state)
{
	struct mkcore_kdump k = {.version = 6, .machine = "i686"};
	struct said q = {0};

	(void)state;
	mklinux_32(&q.m, 0xc0000000, true);
	mkcore_mem(&q.m, 0x37fff000, 0x2000);
	mkcore_mem(&q.m, 0x100000000, 0x1000);
	info(&q.m, "SYMBOL(swapper_pg_dir)=c0500000\nCONFIG_X86_PAE=y\n");
	said_open(&q, mkcore_kdump(&q.m, &k), SAVE_ELF);
	assert_int_equal(q.h.machine, EM_386);
	assert_int_equal(q.h.nr_loads, 4);
	load_is(&q.h.loads[0], 0x100000, 0x1000000, 0xc0100000);
	load_is(&q.h.loads[1], 0x37fff000, 0x38000000, 0xf7fff000);
	load_is(&q.h.loads[2], 0x38000000, 0x38001000, 0);
	load_is(&q.h.loads[3], 0x100000000, 0x100001000, 0);
	said_close(&q);
}

/* Xen's memory has no addresses, its image has: where the symbols end it, or its mapping. */
static void test_loads_xen(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct mkxen x = {.minor = 17, .table = 4};
		struct xen_xlat t;
		struct dump_load *v = NULL;
		size_t nr = 0;

		again(state);
		mkxen_init(&x);
		if (i)
			*x.symbols = '\0'; /* no _end */
		mkxen_open(&x);
		assert_int_equal(xen_xlat_init(&x.core, &x.n, x.r, &t, &d), XK_OK);
		assert_int_equal(head_loads_make(&x.core, &t, NULL, x.r, &v, &nr, &d), XK_OK);
		assert_int_equal(nr, 2);
		load_is(&v[0], 0x100000, 0x2000000, 0);
		load_is(&v[1], 0x200000, i ? 0x400000 : 0x202000, MKXEN_BASE);
		free(v);
		mkxen_deinit(&x);
	}
}

/* The source's own addresses stay; those that mean nothing do not, and none are made anew. */
static void test_loads_kept(void **state)
{
	static const struct {
		bool xen;
		vaddr_t virt, want;
	} rows[] = {
		{false, MKLINUX_OFFSET + 1, MKLINUX_OFFSET + 1},
		{false, UINT64_C(0xffff880000100000), UINT64_C(0xffff880000100000)},
		{true, UINT64_C(0xffff82d040200000), UINT64_C(0xffff82d040200000)},
		{true, UINT64_C(0xffff830000100000), UINT64_C(0xffff830000100000)},
		/* old loaders: dom0's direct map and a machine address; of both widths; and -1 */
		{true, UINT64_C(0xffff880000100000), 0},
		{true, 0xc0100000, 0},
		{true, UINT64_MAX, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct save_request rq = {.format = SAVE_ELF};
		struct said q = {0};

		again(state);
		mkcore_init(&q.m, ELFCLASS64, EM_X86_64);
		mkcore_mem(&q.m, 0x100000, 0x1000)->virt = rows[i].virt;
		mkcore_mem(&q.m, 0x200000, 0x1000);
		q.file = mkcore_build(&q.m);
		assert_int_equal(core_open_bytes(buf_bytes(&q.file), &q.c, &d), XK_OK);
		q.n.xen = rows[i].xen;
		assert_int_equal(head_fill(&q.c, &q.n, &rq, &q.h, &q.p, &d), XK_OK);
		assert_int_equal(q.h.nr_loads, 2);
		load_is(&q.h.loads[0], 0x100000, 0x101000, rows[i].want);
		load_is(&q.h.loads[1], 0x200000, 0x201000, 0);
		said_close(&q);
	}
}

/* A native core whose loader did not know where memory is. */
static void test_loads_made_anew(void **state)
{
	struct said q = {0};

	(void)state;
	mklinux_64(&q.m, 4);
	info(&q.m, MKLINUX_INFO_64);
	said_open(&q, mkcore_build(&q.m), SAVE_ELF);
	assert_int_equal(q.h.nr_loads, 2);
	load_is(&q.h.loads[0], 0x100000, 0x1000000, MKLINUX_OFFSET + 0x100000);
	load_is(&q.h.loads[1], 0x400000, 0x800000, MKLINUX_TEXT + 0x1000000);
	said_close(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_names),
		T(test_names_damaged),
		T(test_names_by_facts),
		T(test_machine),
		T(test_loads_native),
		T(test_loads_32),
		T(test_loads_xen),
		T(test_loads_kept),
		T(test_loads_made_anew),
	};

	return cmocka_run_group_tests_name("vm_head", tests, NULL, NULL);
}
