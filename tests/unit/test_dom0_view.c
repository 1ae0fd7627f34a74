// SPDX-License-Identifier: GPL-2.0-only
/* dom0 alone, out of the small Xen: its pages, page tables, registers and notes. */
#include <elf.h>
#include <stdio.h>

#include "common/note.h"
#include "mkxen.h"
#include "vmcore/dom0_view.h"
#include "xktest.h"

#define DM     UINT64_C(0xffff830000000000)
#define LINEAR UINT64_C(0xffff888000000000)
#define PAGE   UINT64_C(4096)
#define PTE    UINT64_C(0x067)
#define NX     (UINT64_C(1) << 63)
#define NONE64 UINT64_MAX

/* Where dom0's things are; machine pages of dom0 are 0x1000 more than its own numbers, but for 20
 * and 21, which change places. */
#define START_INFO 0x30
#define POINTER	   (UINT64_C(0x40) * PAGE + 0x18) /* xen_start_info */
#define ARRAY	   (DM + 0x306 * PAGE + 0x150) /* dom0's domain->vcpu */
#define VCPU(i)	   (DM + (0x307 + (i)) * PAGE)
#define IDLE	   (DM + 0x30b * PAGE)
#define STACK(i)   (0x320000 + (i)*UINT64_C(0x8000)) /* machine address */
#define USER_REGS  0x288 /* in struct vcpu: any place */
#define PER_CPU(i) ((i)*UINT64_C(0x40000))

static const char info[] = "OSRELEASE=6.1.0\nSYMBOL(swapper_pg_dir)=ffffffff80008000\n"
			   "SYMBOL(_stext)=ffffffff80001000\nNUMBER(phys_base)=0\nKERNELOFFSET=0\n";

static struct mkxen x;
static struct core_notes n; /* of the view */
static struct core v;
static struct core_reader *r;
static struct diag d;
static unsigned type_shift;

/* Registers by what tells them apart: rip, rsp. */
static void put_regs(maddr_t at, uint64_t ip, uint64_t sp, uint64_t cs)
{
	for (unsigned i = 0; i < 15; i++)
		mkcore_put64(&x.m, at + i * 8, 0x1500 + i);
	mkcore_put64(&x.m, at + 15 * 8, UINT64_C(0x10000000000)); /* system call */
	mkcore_put64(&x.m, at + 16 * 8, ip);
	mkcore_put64(&x.m, at + 17 * 8, cs);
	mkcore_put64(&x.m, at + 18 * 8, 0x246);
	mkcore_put64(&x.m, at + 19 * 8, sp);
	mkcore_put64(&x.m, at + 20 * 8, 0xe028 | (cs & 3)); /* of the same ring */
}

static void put_type(unsigned mfn, unsigned type, uint64_t rest)
{
	mkcore_put64(&x.m, 0x400000 + mfn * 32 + 16, (uint64_t)type << type_shift | rest);
}

static void put_list(unsigned pfn, uint64_t mfn)
{
	unsigned per = x.dom0_bits == 32 ? 1024 : 512, leaf = 0x312 + pfn / per;

	if (x.dom0_bits == 32)
		mkcore_put32(&x.m, leaf * PAGE + pfn % per * 4, (uint32_t)mfn);
	else
		mkcore_put64(&x.m, leaf * PAGE + pfn % per * 8, mfn);
}

/* Tables at dom0's pages 8 to 15: text and direct map by one table, a vmalloc area by another. */
static void make_tables(void)
{
	static const unsigned level[8] = {4, 3, 2, 1, 3, 2, 3, 2};

	for (unsigned i = 0; i < 8; i++)
		put_type(0x1008 + i, level[i], 3);
	mkcore_put64(&x.m, 0x1008000 + 256 * 8, 0x210 * PAGE | PTE); /* Xen's slots */
	mkcore_put64(&x.m, 0x1008000 + 511 * 8, 0x1009 * PAGE | PTE);
	mkcore_put64(&x.m, 0x1008000 + 273 * 8, 0x100c * PAGE | PTE);
	mkcore_put64(&x.m, 0x1009000 + 510 * 8, 0x100a * PAGE | PTE);
	mkcore_put64(&x.m, 0x100a000, 0x100b * PAGE | PTE);
	mkcore_put64(&x.m, 0x100c000, 0x100d * PAGE | PTE);
	mkcore_put64(&x.m, 0x100d000, 0x100b * PAGE | PTE);
	for (uint64_t i = 0; i < 512; i++)
		mkcore_put64(&x.m, 0x100b000 + i * 8,
			(0x1000 + (i == 20	    ? 21
					  : i == 21 ? 20
						    : i)) *
					PAGE |
				PTE | NX);
	mkcore_put64(&x.m, 0x1008000 + 402 * 8, 0x100e * PAGE | PTE);
	mkcore_put64(&x.m, 0x100e000, 0x100f * PAGE | PTE);
	/* of a guest, not present, and of no memory at all */
	mkcore_put64(&x.m, 0x100f000, 0x1401 * PAGE | PTE);
	mkcore_put64(&x.m, 0x100f008, 0x1014 * PAGE | 0x100);
	mkcore_put64(&x.m, 0x100f010, UINT64_C(0xfee00) * PAGE | PTE);
}

static void make_vcpus(void)
{
	mkxen_symbol(&x, "per_cpu__curr_vcpu", MKXEN_BASE + 0x900);
	mkcore_put64(&x.m, 0x200900, VCPU(0));
	mkcore_put64(&x.m, 0x200900 + PER_CPU(1), VCPU(1));
	mkcore_put64(&x.m, 0x300000 + 8, ARRAY);
	for (unsigned i = 0; i < 3; i++) {
		maddr_t at = VCPU(i) - DM;

		mkcore_put64(&x.m, ARRAY - DM + i * 8, VCPU(i));
		mkcore_put32(&x.m, at, i);
		mkcore_put32(&x.m, at + 4, i % 2);
		mkcore_put64(&x.m, at + 16, DM + 0x300000);
	}
	mkcore_put32(&x.m, IDLE - DM + 4, 0);
	mkcore_put64(&x.m, IDLE - DM + 16, DM + 0x305000);
	/* vCPU 2 was descheduled in user mode; 0 and 1 have what they had then, and 1 the entry */
	put_regs(VCPU(0) - DM + USER_REGS, 0xffffffff80002000, LINEAR + 0x9000, 0xe033);
	put_regs(VCPU(2) - DM + USER_REGS, 0x401234, 0x7ffc00001000, 0xe033);
}

/* Processor i, whose registers of a guest lie `gap` bytes before processor_id. */
static void make_stack(unsigned i, vaddr_t current, unsigned gap)
{
	maddr_t top = STACK(i) + 0x8000 - 64;

	mkcore_put32(&x.m, top, i);
	mkcore_put64(&x.m, top + 8, current);
	mkcore_put64(&x.m, top + 16, PER_CPU(i));
	put_regs(top - gap, 0xffffffff80001000 + i * 0x100, LINEAR + 0xa000 + i * 0x100, 0xe033);
}

static void make_bits(unsigned shift, unsigned bits)
{
	static struct cpu_regs cpus[2];

	diag_init(&d);
	x = (struct mkxen){.minor = 17, .table = 4, .dom0_bits = bits};
	type_shift = shift;
	mkxen_init(&x);
	for (unsigned i = 0x1000; i < 0x1400; i++) {
		put_type(i, 7, 1);
		mkcore_fill(&x.m, i * PAGE, PAGE);
	}
	for (unsigned i = 0x1008; i < 0x1010; i++)
		memset(mkcore_at(&x.m, i * PAGE, PAGE), 0, PAGE);
	put_list(20, 0x1015);
	put_list(21, 0x1014);
	mkcore_put64(&x.m, 0x600000 + 0x1015 * 8, 20);
	mkcore_put64(&x.m, 0x600000 + 0x1014 * 8, 21);
	make_tables();
	mkcore_put(&x.m, (0x1000 + START_INFO) * PAGE, "xen-3.0-x86_64", 15);
	mkcore_put64(&x.m, 0x1000000 + POINTER, LINEAR + START_INFO * PAGE);
	make_vcpus();
	make_stack(0, IDLE, 200);
	make_stack(1, VCPU(1), 200);
	for (unsigned i = 0; i < 2; i++)
		cpus[i] = (struct cpu_regs){
			.rsp = DM + STACK(i) + 0x2f10, .gs_base = LINEAR + 0x50000 + i * 0x10000};
	x.n.cpus = cpus;
	x.n.nr_cpus = 2;
	mkcore_note(&x.m, "CORE", NT_PRSTATUS, (uint8_t[336]){1}, 336);
	mkcore_note(&x.m, "Xen", 0x1000002, (uint8_t[32]){1}, 32);
	mkcore_note(&x.m, "VMCOREINFO_XEN", 0, "x", 1);
	if (bits != 32)
		mkcore_note(&x.m, "VMCOREINFO", 0, info, sizeof(info) - 1);
	mkcore_note(&x.m, XKN_NAME, XKN_TYPE, "abcd", 4);
	if (bits != 32)
		x.n.vmcoreinfo = (struct bytes){(const uint8_t *)info, sizeof(info) - 1};
}

static int make(void **state _unused_)
{
	make_bits(61, 64);
	return 0;
}

/* After the last change to x. */
static enum xk_status view(void)
{
	enum xk_status st;

	mkxen_open(&x);
	st = dom0_view_open(&x.core, &x.n, &v, &d);
	if (st)
		return st;
	r = core_reader_create(&v);
	assert_non_null(r);
	assert_int_equal(core_notes_parse(buf_bytes(&v.notes), v.machine, &n, &d), XK_OK);
	return XK_OK;
}

static int unmake(void **state _unused_)
{
	core_reader_destroy(r);
	core_notes_deinit(&n);
	core_close(&v);
	mkxen_deinit(&x);
	r = NULL;
	return 0;
}

static uint64_t at(uint64_t phys)
{
	uint64_t ret;

	assert_true(core_read64(r, phys, &ret));
	return ret;
}

static bool problem(const char *part)
{
	for (size_t i = 0; i < v.nr_problems; i++)
		if (strstr(v.problems[i], part))
			return true;
	return false;
}

static void pages(void **state _unused_)
{
	assert_int_equal(view(), XK_OK);
	assert_int_equal(v.nr_problems, 0);
	assert_int_equal(v.machine, EM_X86_64);
	assert_int_equal(v.ram.nr, 1);
	assert_int_equal(v.ram.v[0].r.start, 0);
	assert_int_equal(v.ram.v[0].r.end, 0x400000);
	assert_int_equal(v.max_pfn, 0x400);
	for (uint64_t pfn = 0; pfn < 0x400; pfn++) {
		uint64_t mfn = 0x1000 + (pfn == 20 ? 21 : pfn == 21 ? 20 : pfn);
		const uint8_t *page;

		assert_int_equal(core_page(r, pfn, &page), PAGE_DATA);
		if (pfn / 8 == 1 || pfn == START_INFO || pfn == POINTER / PAGE)
			continue;
		for (unsigned i = 0; i < PAGE; i += 511)
			assert_int_equal(page[i], mkcore_byte(mfn * PAGE + i));
	}
	/* only the pointer, not what is around it */
	assert_int_equal(at(POINTER), 0);
	assert_int_equal(at(POINTER - 8) & 0xff, mkcore_byte(0x1000000 + POINTER - 8));
	assert_int_equal(at(POINTER + 8) & 0xff, mkcore_byte(0x1000000 + POINTER + 8));
}

static void tables(void **state)
{
	for (type_shift = 60; type_shift <= 61; type_shift++) {
		if (type_shift == 60)
			make_bits(60, 64);
		else
			make(state);
		assert_int_equal(view(), XK_OK);
		assert_true(at(0x8000 + 511 * 8) == (9 * PAGE | PTE));
		assert_true(at(0x8000 + 256 * 8) == 0); /* Xen's own */
		assert_true(at(0xb000 + 20 * 8) == (20 * PAGE | PTE | NX));
		assert_true(at(0xb000 + 21 * 8) == (21 * PAGE | PTE | NX));
		assert_true(at(0xb000 + 511 * 8) == (511 * PAGE | PTE | NX));
		assert_true(at(0xf000) == 0); /* a guest's */
		assert_true(at(0xf008) == (0x1014 * PAGE | 0x100)); /* not present */
		assert_true(at(0xf010) == 0);
		if (type_shift == 60) {
			unmake(state);
			type_shift = 60;
		}
	}
}

/* Only while Xen counts references of the type: what was a table once holds other data. */
static void no_longer_a_table(void **state _unused_)
{
	put_type(0x100f, 1, 0);
	assert_int_equal(view(), XK_OK);
	assert_true(at(0xf000) == (0x1401 * PAGE | PTE));
	assert_true(at(0x8000 + 511 * 8) == (9 * PAGE | PTE));
}

/* As of a native Linux, it translates itself. */
static void linux_reads_it(void **state _unused_)
{
	struct linux_xlat l;
	maddr_t m;

	assert_int_equal(view(), XK_OK);
	assert_false(n.xen);
	assert_int_equal(linux_xlat_init(&v, &n, NULL, r, &l, &d), XK_OK);
	assert_int_equal(l.pgd, 0x8000);
	assert_true(l.page_offset == LINEAR);
	assert_true(linux_to_machine(&l, r, UINT64_C(0xffffffff80014010), &m, NULL));
	assert_int_equal(m, 0x14010);
	assert_int_equal(v.nr_loads, 2);
	assert_true(v.loads[0].virt == UINT64_C(0xffffffff80000000));
	assert_int_equal(v.loads[0].mem.start, 0);
	assert_int_equal(v.loads[0].mem.end, 0x200000); /* as far as it is mapped */
	assert_true(v.loads[1].virt == LINEAR);
	assert_int_equal(v.loads[1].mem.end, 0x400000);
}

static void notes(void **state _unused_)
{
	assert_int_equal(view(), XK_OK);
	assert_int_equal(n.nr_problems, 1); /* "abcd" is no XENKDUMP note, but was kept */
	assert_says(n.problems[0], "XENKDUMP");
	assert_int_equal(n.vmcoreinfo.len, sizeof(info) - 1);
	assert_int_equal(n.vmcoreinfo_xen.len, 0);
	assert_int_equal(n.bits, 64);
	assert_int_equal(n.nr_cpus, 3);
}

/* The idling processor 0 has vCPU 0's registers still, as Xen's curr_vcpu says. */
static void registers(void **state)
{
	static const unsigned gaps[] = {200, 184}; /* up to 4.20; since */

	for (size_t i = 0; i < ARRAY_SIZE(gaps); i++) {
		if (i) {
			unmake(state);
			make(state);
			memset(mkcore_at(&x.m, STACK(0) + 0x8000 - 512, 512), 0, 512);
			memset(mkcore_at(&x.m, STACK(1) + 0x8000 - 512, 512), 0, 512);
			make_stack(0, IDLE, gaps[i]);
			make_stack(1, VCPU(1), gaps[i]);
		}
		assert_int_equal(view(), XK_OK);
		assert_int_equal(v.nr_problems, 0);
		assert_int_equal(n.nr_cpus, 3);
		assert_true(n.cpus[0].rip == UINT64_C(0xffffffff80001000));
		assert_true(n.cpus[0].rsp == LINEAR + 0xa000);
		assert_true(n.cpus[0].gs_base == LINEAR + 0x50000);
		assert_int_equal(n.cpus[0].cs, 0xe030); /* the kernel's */
		assert_int_equal(n.cpus[0].r15, 0x1500);
		assert_int_equal(n.cpus[0].rdi, 0x150e);
		assert_true(n.cpus[1].rip == UINT64_C(0xffffffff80001100));
		assert_true(n.cpus[1].gs_base == LINEAR + 0x60000);
		assert_int_equal(n.cpus[2].rip, 0x401234);
		assert_int_equal(n.cpus[2].cs, 0xe033); /* a process's */
		assert_int_equal(n.cpus[2].rbx, 0x1505);
	}
}

/* Of vCPU 1: its own area at 0x60000, a task at 0x70000 with a stack at 0x78000. */
static void pid_of_the_task(void **state)
{
	static const struct {
		maddr_t at;
		uint64_t v;
		unsigned pid;
	} rows[] = {
		{0x60000, 0, 105}, {0x60100, LINEAR + 0x70008, 0}, /* no task is there */
		{0x60100, LINEAR + 0x800000, 0}, /* beyond dom0's memory */
		{0x60028, UINT64_C(0x1122334455667701), 0}, /* no canary: it ends no string */
		{0x60028, UINT64_C(0x1122334455667800), 0}, /* another one */
		{0x70020, LINEAR + 0x79000, 0}, /* a stack without its mark */
		{0x70020, LINEAR + 0x78008, 0},
		{0x70200, UINT64_C(0x69), 0}, /* pid 105 of process 0 */
		{0x70200, UINT64_C(0x69ffffffff), 0},
		{0x70200, UINT64_C(0x6900000069) + 3, 108}, /* a thread */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (i) {
			unmake(state);
			make(state);
		}
		mkcore_put64(&x.m, 0x1060000 + 40, UINT64_C(0x1122334455667700));
		mkcore_put64(&x.m, 0x1060000 + 0x100, LINEAR + 0x70000);
		mkcore_put64(&x.m, 0x1070000 + 32, LINEAR + 0x78000);
		mkcore_put64(&x.m, 0x1078000, 0x57ac6e9d);
		mkcore_put64(&x.m, 0x1070000 + 0x200, UINT64_C(0x6900000069));
		mkcore_put64(&x.m, 0x1070000 + 0x208, UINT64_C(0x1122334455667700));
		mkcore_put64(&x.m, 0x1000000 + rows[i].at, rows[i].v);
		assert_int_equal(view(), XK_OK);
		assert_int_equal(n.cpus[0].pid, 0);
		assert_int_equal(n.cpus[1].pid, rows[i].pid);
		assert_int_equal(n.cpus[2].pid, 0);
	}
}

/* Without Xen's word for it nobody knows whose registers lie on the stack of an idle processor, nor
 * whether struct vcpu has the newest. */
static void registers_of_the_idle(void **state _unused_)
{
	x.symbols[0] = '\0';
	assert_int_equal(view(), XK_OK);
	assert_int_equal(n.nr_cpus, 3);
	assert_true(n.cpus[0].empty);
	assert_true(n.cpus[1].rip == UINT64_C(0xffffffff80001100));
	assert_true(n.cpus[2].empty);
	assert_true(problem("2 of dom0's 3"));
}

/* Each of these costs registers and nothing else. */
static void registers_missing(void **state)
{
	static const struct {
		maddr_t at;
		uint64_t v;
		unsigned cpus, empty; /* notes; a bit for each that is all zero */
		const char *says;
	} rows[] = {
		/* struct domain leads nowhere */
		{0x300008, 0, 0, 0, "not found in Xen's memory"},
		/* into an array of other things */
		{0x306150, DM + 0x301000, 0, 0, "not found in Xen's memory"},
		/* vCPU 2 is another domain's: two are left */
		{0x309010, DM + 0x301000, 2, 0, NULL},
		/* processor_id of CPU 1 is not the one its vCPU runs on */
		{STACK(1) + 0x8000 - 64, 7, 3, 2, "1 of dom0's 3"},
		/* its current_vcpu is no vCPU */
		{STACK(1) + 0x8000 - 56, DM + 0x301000, 3, 2, "1 of dom0's 3"},
		/* its registers are of ring 0 */
		{STACK(1) + 0x8000 - 64 - 200 + 17 * 8, 0xe008, 3, 2, "1 of dom0's 3"},
		/* not canonical */
		{STACK(1) + 0x8000 - 64 - 200 + 16 * 8, UINT64_C(0x123456789abcdef), 3, 2,
			"1 of dom0's 3"},
		/* what vCPU 2 has saved is none: not at one place in all of them */
		{0x309000 + USER_REGS + 17 * 8, 0xe008, 3, 4, "1 of dom0's 3"},
		/* CPU 0's stack has nothing, so that what its vCPUs saved may be old */
		{STACK(0) + 0x8000 - 56, 0, 3, 5, "2 of dom0's 3"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (i) {
			unmake(state);
			make(state);
		}
		mkcore_put64(&x.m, rows[i].at, rows[i].v);
		assert_int_equal(view(), XK_OK);
		assert_int_equal(n.nr_cpus, rows[i].cpus);
		for (unsigned k = 0; k < rows[i].cpus; k++)
			assert_int_equal(n.cpus[k].empty, rows[i].empty >> k & 1);
		if (rows[i].says)
			assert_true(problem(rows[i].says));
		assert_int_equal(v.max_pfn, 0x400);
	}
}

/* What is not dom0's is not in it, whatever dom0's list says. */
static void not_dom0s(void **state _unused_)
{
	const uint8_t *page;

	put_list(0x100, NONE64); /* ballooned out */
	put_list(0x101, UINT64_C(1) << 63 | 0x1402); /* a guest's by a grant */
	put_list(0x102, UINT64_C(1) << 62 | 0x102); /* a device */
	put_list(0x103, 0x1403); /* a guest's, and the list says nothing of that */
	put_list(0x104, 0x1901); /* free */
	assert_int_equal(view(), XK_OK);
	assert_int_equal(v.ram.nr, 2);
	assert_int_equal(v.ram.v[0].r.end, 0x100000);
	assert_int_equal(v.ram.v[1].r.start, 0x103000);
	for (uint64_t pfn = 0x100; pfn < 0x105; pfn++) {
		assert_int_equal(core_page(r, pfn, &page), PAGE_EXCLUDED);
		assert_int_equal(core_run(r, pfn, 8, &page), 0);
	}
	assert_int_equal(core_run(r, 0xfe, 8, &page), 2);
	assert_int_equal(core_page(r, 0x105, &page), PAGE_DATA);
	assert_int_equal(core_page(r, 0x400, &page), PAGE_HOLE);
	/* and page tables lead to none of it: the entry names 0x1100, now nobody's */
	assert_true(at(0xb000 + 0x100 * 8) == 0);
}

static void in_32_bits(void **state _unused_)
{
	const uint8_t *page;

	make_bits(61, 32);
	put_regs(STACK(1) + 0x8000 - 64 - 200, 0xc0101000, 0xc0300000, 0xe019);
	assert_int_equal(view(), XK_OK);
	assert_int_equal(v.machine, EM_386);
	assert_int_equal(v.max_pfn, 0x400);
	assert_int_equal(n.bits, 32);
	assert_int_equal(n.nr_cpus, 3);
	assert_int_equal(n.cpus[1].rip, 0xc0101000);
	assert_int_equal(n.cpus[1].rsp, 0xc0300000);
	assert_int_equal(n.cpus[1].cs, 0xe018); /* the kernel's: ring 1 */
	assert_true(at(0xb000 + 20 * 8) == (20 * PAGE | PTE | NX));
	assert_int_equal(core_page(r, 0x80, &page), PAGE_DATA);
	assert_int_equal(page[5], mkcore_byte(0x1080005));
	/* no VMCOREINFO of it */
	assert_true(problem("where dom0's kernel lies is not known"));
}

static void without_start_info(void **state _unused_)
{
	mkcore_put(&x.m, (0x1000 + START_INFO) * PAGE, "zen", 3);
	assert_int_equal(view(), XK_OK);
	assert_true(problem("xen_start_info is not found"));
	assert_true(at(POINTER) == LINEAR + START_INFO * PAGE);
}

static void refused(void **state)
{
	enum { NATIVE, PVH, HVM, NO_LIST, LINEAR_LIST, NO_M2P, NO_TYPES, NO_FRAMES, NO_XEN, ROWS };
	static const struct {
		enum xk_status st;
		const char *says;
	} rows[ROWS] = {
		[NATIVE] = {XK_UNSUPPORTED, "not one of Xen"},
		[PVH] = {XK_UNSUPPORTED, "dom0 is PVH"},
		[HVM] = {XK_UNSUPPORTED, "dom0 is HVM"},
		[NO_LIST] = {XK_BAD_INPUT, "names no list"},
		[LINEAR_LIST] = {XK_UNSUPPORTED, "512 GiB"},
		[NO_M2P] = {XK_BAD_INPUT, "machine-to-physical table"},
		[NO_TYPES] = {XK_BAD_INPUT, "none is of a type"},
		[NO_FRAMES] = {XK_BAD_INPUT, "page tables"},
		[NO_XEN] = {XK_BAD_INPUT, "VMCOREINFO_XEN"},
	};
	static char pvh[] = "xenkdump-facts 1\nguest = PVH\n", hvm[] = "x\nguest = HVM\n";

	for (int i = 0; i < ROWS; i++) {
		make(state);
		switch (i) {
		case NATIVE: x.n.xen = false; break;
		case PVH:
		case HVM:
			x.n.xen_info.p2m_mfn = 0;
			x.xkn.facts = (struct buf){.data = (uint8_t *)(i == PVH ? pvh : hvm),
				.len = strlen(i == PVH ? pvh : hvm)};
			break;
		case NO_LIST: x.n.xen_info.p2m_mfn = 0; break;
		case LINEAR_LIST: x.n.xen_info.p2m_mfn = NONE64; break;
		case NO_M2P: memset(mkcore_at(&x.m, 0x608000, 0x2000), 0xff, 0x2000); break;
		case NO_TYPES:
			for (unsigned k = 0x1000; k < 0x1400; k++)
				put_type(k, 0, 0);
			break;
		case NO_FRAMES: mkcore_put64(&x.m, 0x213000, 0); break;
		case NO_XEN:
			x.vmcoreinfo[0] = '\0';
			x.symbols[0] = '\0';
			break;
		}
		assert_int_equal(view(), rows[i].st);
		assert_says(d.text, "dom0 alone cannot be had");
		assert_says(d.text, rows[i].says);
		mkxen_deinit(&x);
	}
}

#define S(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(pages),
		cmocka_unit_test_teardown(tables, unmake),
		S(no_longer_a_table),
		S(linux_reads_it),
		S(notes),
		S(registers),
		S(registers_of_the_idle),
		S(pid_of_the_task),
		S(registers_missing),
		S(not_dom0s),
		cmocka_unit_test_teardown(in_32_bits, unmake),
		S(without_start_info),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests_name("dom0_view", tests, NULL, NULL);
}
