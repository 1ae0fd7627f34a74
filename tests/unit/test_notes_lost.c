// SPDX-License-Identifier: GPL-2.0-only
/* Notes of CPUs that lie in memory and not in the core's notes: found, or rightly not. */
#include <elf.h>
#include <stdio.h>
#include <zlib.h>

#include "common/note.h"
#include "tests/unit/fixture.h"
#include "tests/unit/mklinux.h"
#include "tests/unit/mkxen.h"
#include "tests/unit/xktest.h"
#include "vmcore/notes_lost.h"

#define PAGE UINT64_C(4096)
#define HEAP (UINT64_C(1) << 62)

/* Where things lie in a Xen CPU's notes: registers from 132 on, control registers from 372 on. */
#define REG(i) (20 + 112 + 8 * (i))
#define RIP    16
#define CS     17
#define RFLAGS 18
#define RSP    19
#define CR0    372
#define CR2    380
#define CR3    388
#define CR4    396

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, 4);
}

static void put64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, 8);
}

static void head(uint8_t *p, uint32_t name, uint32_t desc, uint32_t type, const char *text)
{
	put32(p, name);
	put32(p + 4, desc);
	put32(p + 8, type);
	memcpy(p + 12, text, strlen(text));
}

/* As Xen leaves them; `id` tells one CPU's from another's. CPU 0 has 500 bytes. */
static size_t xen_cpu(uint8_t *p, unsigned id)
{
	memset(p, 0, 500);
	head(p, 5, 336, 1, "CORE");
	head(p + 356, 4, 32, 0x1000002, "Xen");
	put64(p + REG(0), 0x1000 + id);
	put64(p + REG(RIP), MKXEN_BASE + 0x220000);
	put64(p + REG(CS), 0xe008);
	put64(p + REG(RFLAGS), 0x46);
	put64(p + REG(RSP), UINT64_C(0xffff83002fe07d00) + id);
	put64(p + CR0, 0x8005003b);
	put64(p + CR2, UINT64_C(0x7f0000001000));
	put64(p + CR3, 0x201000);
	put64(p + CR4, 0x426e0);
	if (id)
		return 404;
	head(p + 404, 4, 80, 0x1000001, "Xen");
	put64(p + 420, 4);
	put64(p + 428, 17);
	put64(p + 420 + 64, 0x200000);
	put64(p + 420 + 72, 0x310);
	return 500;
}

/* Linux': 64 bits, or 32. */
static size_t linux_cpu(uint8_t *p, unsigned id, bool narrow)
{
	memset(p, 0, 500);
	head(p, 5, narrow ? 144 : 336, 1, "CORE");
	if (narrow) {
		put32(p + 20 + 24, 1000 + id);
		put32(p + 20 + 72 + 4 * 12, 0xc1234567);
		put32(p + 20 + 72 + 4 * 13, 0x60);
		put32(p + 20 + 72 + 4 * 14, 0x246);
		put32(p + 20 + 72 + 4 * 15, 0xc2000000 + id);
		return 164;
	}
	put32(p + 20 + 32, 1000 + id);
	put64(p + REG(RIP), UINT64_C(0xffffffff81234567));
	put64(p + REG(CS), 0x10);
	put64(p + REG(RFLAGS), 0x246);
	put64(p + REG(RSP), UINT64_C(0xffffc90000010000) + id);
	return 356;
}

/* A core, what its notes say, and what was recovered. */
struct lost_core {
	struct buf file;
	struct core c;
	struct core_notes n;
	struct notes_lost lost;
};

static void recover(struct lost_core *q, struct mkcore *m)
{
	q->file = mkcore_build(m);
	assert_int_equal(core_open_bytes(buf_bytes(&q->file), &q->c, &d), XK_OK);
	assert_int_equal(core_notes_parse(buf_bytes(&q->c.notes), q->c.machine, &q->n, &d), XK_OK);
	assert_int_equal(notes_recover(&q->c, &q->n, &q->lost, &d), XK_OK);
}

static void close_core(struct lost_core *q)
{
	core_notes_deinit(&q->n);
	core_close(&q->c);
	buf_deinit(&q->file);
}

/* A XENKDUMP note with facts. */
static void facts(struct mkcore *m, const char *text)
{
	struct xkn_header k = {XKN_MAGIC, XKN_VERSION, sizeof(k), 0, 0, 1, 0};
	struct xkn_record r = {XKN_FACTS, 0, strlen(text)};
	struct buf b = {0};
	uint8_t z[1024];
	uLongf len = sizeof(z);

	assert_int_equal(compress(z, &len, (const uint8_t *)text, strlen(text)), Z_OK);
	r.size = (uint32_t)len;
	buf_append(&b, &k, sizeof(k));
	buf_append(&b, &r, sizeof(r));
	buf_append(&b, z, len);
	buf_zero(&b, -b.len % 8);
	k.total_size = (uint32_t)b.len;
	k.crc = (uint32_t)crc32(0, b.data + sizeof(k), (uInt)(b.len - sizeof(k)));
	memcpy(b.data, &k, sizeof(k));
	mkcore_note(m, XKN_NAME, XKN_TYPE, b.data, b.len);
	buf_deinit(&b);
}

static void xen_begin(struct mkxen *x)
{
	mkxen_init(x);
	for (unsigned i = 0x305; i < 0x310; i++)
		mkxen_page(x, i, HEAP, 0);
}

static void xen_recover(struct mkxen *x, struct lost_core *q)
{
	mkcore_note(&x->m, "VMCOREINFO_XEN", 0, x->vmcoreinfo, strlen(x->vmcoreinfo));
	recover(q, &x->m);
}

/* All notes are lost, and nobody knows where Xen lies: its page tables tell. */
static void test_xen_all(void **state)
{
	struct mkxen x = {.minor = 17, .table = 4};
	struct lost_core q = {0};
	uint8_t p[500];

	(void)state;
	xen_begin(&x);
	mkcore_put(&x.m, 0x305 * PAGE + 0x100, p, xen_cpu(p, 2));
	mkcore_put(&x.m, 0x307 * PAGE + 0xe9c, p, xen_cpu(p, 1)); /* over the page's end */
	mkcore_put(&x.m, 0x30a * PAGE + 0xe0c, p, xen_cpu(p, 0)); /* up to the very end */
	xen_recover(&x, &q);
	assert_int_equal(q.lost.found, 3);
	assert_int_equal(q.lost.missing, 0);
	assert_string_equal(q.lost.text,
		"notes of 3 CPUs were missing and found again at 0x305100, 0x307e9c, 0x30ae0c");
	assert_int_equal(q.n.nr_cpus, 3);
	assert_true(q.n.crash_info && q.n.vmcoreinfo_xen.len);
	assert_int_equal(q.n.xen_info.minor, 17);
	assert_int_equal(q.n.xen_info.p2m_mfn, 0x310);
	/* CPU 0 first, for it is known; the others by address */
	assert_int_equal(q.n.cpus[0].r15, 0x1000);
	assert_int_equal(q.n.cpus[1].r15, 0x1002);
	assert_int_equal(q.n.cpus[2].r15, 0x1001);
	assert_true(q.n.cpus[2].have_cr && q.n.cpus[2].cr3 == 0x201000);
	close_core(&q);
	mkxen_deinit(&x);
}

/* One byte, or one page's owner, decides. */
static void test_xen_rows(void **state)
{
	static const struct {
		uint64_t page;
		size_t at;
		uint64_t v; /* 8 bytes of the notes there; at 0: none */
		unsigned found;
	} rows[] = {
		{0x306, 0, 0, 1},
		{0x306, REG(RSP), UINT64_C(0xffff82d0405fff00), 1}, /* the boot CPU's stack */
		{0x306, CR3, 0x201fff, 1}, /* with a PCID */
		/* in memory that a guest can write to */
		{0x1410, 0, 0, 0}, /* domain 5's */
		{0x1010, 0, 0, 0}, /* dom0's */
		{0x1910, 0, 0, 0}, /* free */
		{0x610, 0, 0, 0}, /* of Xen's heap, and shared with domains */
		{0x410, 0, 0, 0}, /* Xen's, but no heap */
		/* laid out as nobody does */
		{0x306, 4, UINT64_C(0x100000151), 0},
		{0x306, 12, UINT64_C(0x5845524f43), 0}, /* "COREX" */
		{0x306, 356, UINT64_C(0x2100000004), 0},
		{0x306, 364, UINT64_C(0x6e655801000003), 0},
		/* registers that cannot be */
		{0x306, REG(RSP), UINT64_C(0x7fff00001000), 0},
		{0x306, REG(RIP), 0, 0},
		{0x306, REG(RIP), UINT64_C(0x0001000000000000), 0},
		{0x306, REG(CS), 0x1e008, 0},
		{0x306, REG(RFLAGS), 0x44, 0},
		{0x306, REG(RFLAGS), UINT64_C(0x100000046), 0},
		{0x306, CR0, 0x10, 0},
		{0x306, CR3, 0x2000000, 0}, /* beyond the machine's last page */
		{0x306, CR3, 0x800, 0},
		{0x306, CR4, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mkxen x = {.minor = 17, .table = 4};
		struct lost_core q = {0};
		uint8_t p[500];

		again(state);
		xen_begin(&x);
		xen_cpu(p, 3);
		if (rows[i].at)
			put64(p + rows[i].at, rows[i].v);
		mkcore_put(&x.m, rows[i].page * PAGE + 0x40, p, 404);
		xen_recover(&x, &q);
		if (q.lost.found != rows[i].found)
			fail_msg("row %zu: %u", i, q.lost.found);
		assert_int_equal(q.n.nr_cpus, rows[i].found);
		if (!rows[i].found)
			assert_says(q.lost.text, "no notes of CPUs");
		close_core(&q);
		mkxen_deinit(&x);
	}
}

/* One is there and lies in memory too; one never answered; and Xen's tables are gone. */
static void test_xen_present(void **state)
{
	struct mkxen x = {.minor = 17, .table = 4};
	struct lost_core q = {0};
	uint8_t p[500], all[404] = {0};

	again(state);
	xen_begin(&x);
	xen_cpu(p, 0);
	buf_append(&x.m.notes, p, 500);
	mkcore_put(&x.m, 0x305 * PAGE, p, 500);
	xen_cpu(p, 1);
	memcpy(all, p, 404);
	memset(all + 20, 0, 336);
	memset(all + 372, 0, 32);
	mkcore_put(&x.m, 0x306 * PAGE + 16, all, 404);
	xen_recover(&x, &q);
	assert_int_equal(q.lost.found, 1);
	assert_int_equal(q.n.nr_cpus, 2);
	assert_false(q.n.cpus[0].empty);
	assert_true(q.n.cpus[1].empty && q.n.cpus[1].have_cr);
	assert_int_equal(q.n.nr_problems, 0);
	close_core(&q);
	memset(mkcore_at(&x.m, 0x201 * PAGE, PAGE), 0, PAGE);
	xen_recover(&x, &q);
	assert_int_equal(q.lost.found, 0);
	assert_int_equal(q.n.nr_cpus, 1);
	close_core(&q);
	mkxen_deinit(&x);
}

/* A guest that makes tables which prove themselves hides Xen, and forges nothing. */
static void test_xen_two_places(void **state)
{
	struct mkxen x = {.minor = 17, .table = 4};
	struct lost_core q = {0};
	uint8_t p[500];

	(void)state;
	xen_begin(&x);
	mkcore_put(&x.m, 0x306 * PAGE, p, xen_cpu(p, 0));
	mkcore_put64(&x.m, 0x1601 * PAGE + 261 * 8, 0x1602 * PAGE | 0x63);
	mkcore_put64(&x.m, 0x1602 * PAGE + 321 * 8, 0x1603 * PAGE | 0x63);
	mkcore_put64(&x.m, 0x1603 * PAGE, 0x1600 * PAGE | 0xe3);
	xen_recover(&x, &q);
	assert_int_equal(q.lost.found, 0);
	assert_says(q.lost.text, "page tables are not found");
	assert_true(q.n.xen && !q.n.crash_info);
	close_core(&q);
	mkxen_deinit(&x);
}

/* The loader wrote down where they lie: order by its numbers, no search, and no more than there
 * were. */
static void test_by_facts(void **state)
{
	static const char text[] = "xenkdump-facts 1\nkernel.bits = 64\n"
				   "cpu-note = 0 present 0x300000-0x300164\n"
				   "cpu-note = 1 empty 0x0-0x0\n"
				   "cpu-note = 2 present 0x301000-0x301164\n"
				   "cpu-note = 3 present 0x302000-0x302164\n"
				   "cpu-note = 4 erange 0x0-0x0\n"
				   "cpu-note = 5 present 0xf00000000-0xf00000164\n"
				   "cpu-note = x\ncpu-note = 99999999999999999999 present\n";
	struct lost_core q = {0};
	struct mkcore m;
	uint8_t p[500];

	(void)state;
	mklinux_64(&m, 4);
	for (unsigned i = 0; i < 3; i++)
		mkcore_put(&m, 0x300000 + i * PAGE, p, linux_cpu(p, i, false));
	/* CPU 2's is there, in the middle of others */
	mkcore_note(&m, "VMCOREINFO", 0, "OSRELEASE=6.1\n", 14);
	linux_cpu(p, 1, false);
	buf_append(&m.notes, p, 356);
	/* and one in memory that nobody names */
	mkcore_put(&m, 0x400000, p, linux_cpu(p, 7, false));
	facts(&m, text);
	recover(&q, &m);
	assert_int_equal(q.lost.found, 2);
	assert_int_equal(q.lost.missing, 2);
	assert_says(
		q.lost.text, "notes of 2 CPUs were missing and found again at 0x300000, 0x302000");
	assert_says(q.lost.text, "notes of 2 CPUs are missing");
	assert_int_equal(q.n.nr_cpus, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(q.n.cpus[i].pid, 1000 + i);
	assert_int_equal(q.n.vmcoreinfo.len, 14);
	assert_non_null(q.n.xenkdump);
	assert_int_equal(q.n.nr_problems, 0);
	close_core(&q);
	mkcore_deinit(&m);
}

/* As many as the loader knew, or more: nothing is looked for. */
static void test_complete(void **state)
{
	struct lost_core q = {0};
	struct mkcore m;
	uint8_t p[500];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		mklinux_64(&m, 4);
		linux_cpu(p, 1, false);
		buf_append(&m.notes, p, 356);
		mkcore_put(&m, 0x300000, p, linux_cpu(p, 2, false));
		if (i)
			facts(&m, "cpu-note = 0 present 0x300000-0x300164\n");
		recover(&q, &m);
		assert_int_equal(q.lost.found, 0);
		assert_string_equal(q.lost.text, "");
		assert_int_equal(q.n.nr_cpus, 1);
		close_core(&q);
		mkcore_deinit(&m);
	}
}

/* Natively, without any: both widths; a copy of a core in the page cache is none. */
static void test_native_search(void **state)
{
	for (unsigned narrow = 0; narrow < 2; narrow++) {
		struct lost_core q = {0};
		struct mkcore m;
		uint8_t p[500], file[1000] = {0};
		size_t len;

		again(state);
		if (narrow)
			mklinux_32(&m, 0xc0000000, true);
		else
			mklinux_64(&m, 4);
		mkcore_note(&m, "VMCOREINFO", 0,
			narrow ? "SYMBOL(swapper_pg_dir)=c0500000\n" : MKLINUX_INFO_64,
			narrow ? 32 : strlen(MKLINUX_INFO_64));
		for (unsigned i = 0; i < 2; i++)
			mkcore_put(&m, 0x340000 + i * 2 * MiB, p, linux_cpu(p, i, narrow));
		len = linux_cpu(p, 8, narrow); /* notes in a file follow each other */
		memcpy(file, p, len);
		memcpy(file + len, "\4\0\0\0\1\0\0\0", 8);
		mkcore_put(&m, 0x600000, file, sizeof(file));
		linux_cpu(p, 9, narrow); /* no CPU left that */
		memset(p + 20, 0, 336);
		mkcore_put(&m, 0x700000, p, len);
		recover(&q, &m);
		assert_int_equal(q.lost.found, 2);
		assert_int_equal(q.n.nr_cpus, 2);
		assert_int_equal(q.n.bits, narrow ? 32 : 64);
		assert_int_equal(q.n.cpus[0].pid, 1000);
		assert_int_equal(q.n.cpus[1].pid, 1001);
		close_core(&q);
		mkcore_deinit(&m);
	}
}

/* More than the machine had: one of them is a lie, and nobody knows which. */
static void test_native_too_many(void **state)
{
	struct lost_core q = {0};
	struct mkcore m;
	uint8_t p[500];

	(void)state;
	mklinux_64(&m, 4);
	facts(&m, "kernel.bits = 64\ncpu-note = 0 error 0x0-0x0\n");
	for (unsigned i = 0; i < 2; i++)
		mkcore_put(&m, 0x340000 + i * 2 * MiB, p, linux_cpu(p, i, false));
	recover(&q, &m);
	assert_int_equal(q.lost.found, 0);
	assert_int_equal(q.lost.missing, 1);
	assert_says(q.lost.text, "2 places in memory look like notes of CPUs");
	assert_int_equal(q.n.nr_cpus, 0);
	close_core(&q);
	mkcore_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_xen_all),
		T(test_xen_rows),
		T(test_xen_present),
		T(test_xen_two_places),
		T(test_by_facts),
		T(test_complete),
		T(test_native_search),
		T(test_native_too_many),
	};

	return cmocka_run_group_tests_name("notes_lost", tests, NULL, NULL);
}
