// SPDX-License-Identifier: GPL-2.0-only
/* What the notes of a core say: registers, Xen's own, VMCOREINFO, XENKDUMP; and damaged ones. */
#include "tests/unit/xktest.h"

#include <elf.h>
#include <zlib.h>

#include "tests/unit/mkcore.h"
#include "vmcore/notes.h"

struct parsed {
	struct mkcore m; /* only its notes */
	struct core_notes n;
	struct diag d;
};

static void begin(struct parsed *p)
{
	memset(p, 0, sizeof(*p));
	mkcore_init(&p->m, ELFCLASS64, EM_X86_64);
	diag_init(&p->d);
}

static void parse(struct parsed *p)
{
	core_notes_deinit(&p->n);
	assert_int_equal(core_notes_parse(buf_bytes(&p->m.notes), EM_X86_64, &p->n, &p->d), XK_OK);
}

static void end(struct parsed *p)
{
	core_notes_deinit(&p->n);
	mkcore_deinit(&p->m);
}

static void restart(struct parsed *p)
{
	end(p);
	begin(p);
}

static void assert_problem(const struct parsed *p, const char *part)
{
	for (size_t i = 0; i < p->n.nr_problems; i++)
		if (strstr(p->n.problems[i], part))
			return;
	fail_msg("of %zu problems none says \"%s\"; the first: %s", p->n.nr_problems, part,
		p->n.nr_problems ? p->n.problems[0] : "-");
}

/* Register i is base + i: words of width bytes, pr_reg at off, pr_pid at pid_off. */
static void prstatus(struct parsed *p, size_t size, size_t off, size_t width, size_t nr,
	uint64_t base, uint32_t pid)
{
	uint8_t desc[336] = {0};

	for (size_t i = 0; base && i < nr; i++) {
		uint64_t v = base + i;

		memcpy(desc + off + i * width, &v, width);
	}
	memcpy(desc + (width == 8 ? 32 : 24), &pid, 4);
	mkcore_note(&p->m, "CORE", 1, desc, size);
}

static void prstatus_64(struct parsed *p, uint64_t base, uint32_t pid)
{
	prstatus(p, 336, 112, 8, 27, base, pid);
}

static void prstatus_32(struct parsed *p, uint64_t base, uint32_t pid)
{
	prstatus(p, 144, 72, 4, 17, base, pid);
}

static void words(struct parsed *p, uint32_t type, unsigned nr, unsigned width, uint64_t base)
{
	uint8_t desc[200] = {0};

	for (unsigned i = 0; i < nr; i++) {
		uint64_t v = base + i;

		memcpy(desc + i * width, &v, width);
	}
	mkcore_note(&p->m, "Xen", type, desc, nr * width);
}

static void registers_64(void **state)
{
	const uint64_t b = 0xffff820000001000;
	struct cpu_regs *c;
	struct parsed p;

	(void)state;
	begin(&p);
	prstatus_64(&p, b, 0);
	words(&p, 0x1000002, 4, 8, 0x8005003b);
	prstatus_64(&p, 0, 0); /* never answered */
	words(&p, 0x1000002, 4, 8, 0);
	parse(&p);
	assert_int_equal(p.n.nr_problems, 0);
	assert_int_equal(p.n.bits, 64);
	assert_int_equal(p.n.nr_cpus, 2);
	assert_false(p.n.xen);
	c = &p.n.cpus[0];
	/* r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss
	 * fs_base gs_base ds es fs gs */
	assert_int_equal(c->r15, b);
	assert_int_equal(c->r12, b + 3);
	assert_int_equal(c->rbp, b + 4);
	assert_int_equal(c->rbx, b + 5);
	assert_int_equal(c->r8, b + 9);
	assert_int_equal(c->rax, b + 10);
	assert_int_equal(c->rdi, b + 14);
	assert_int_equal(c->rip, b + 16);
	assert_int_equal(c->rflags, b + 18);
	assert_int_equal(c->rsp, b + 19);
	assert_int_equal(c->gs_base, b + 22);
	assert_int_equal(c->gs, b + 26);
	assert_true(c->have_cr);
	assert_int_equal(c->cr0, 0x8005003b);
	assert_int_equal(c->cr2, 0x8005003c);
	assert_int_equal(c->cr3, 0x8005003d);
	assert_int_equal(c->cr4, 0x8005003e);
	assert_false(c->empty);
	assert_true(p.n.cpus[1].empty);
	assert_true(p.n.cpus[1].have_cr);
	end(&p);
}

static void registers_32(void **state)
{
	struct cpu_regs *c;
	struct parsed p;

	(void)state;
	begin(&p);
	prstatus_32(&p, 0xc1000000, 4711);
	prstatus_32(&p, 0xc1000100, 0);
	prstatus_32(&p, 0, 0);
	parse(&p);
	assert_int_equal(p.n.nr_problems, 0);
	assert_int_equal(p.n.bits, 32);
	assert_int_equal(p.n.nr_cpus, 3);
	c = &p.n.cpus[0];
	/* bx cx dx si di bp ax ds es fs gs orig_ax ip cs flags sp ss */
	assert_int_equal(c->rbx, 0xc1000000);
	assert_int_equal(c->rbp, 0xc1000005);
	assert_int_equal(c->rax, 0xc1000006);
	assert_int_equal(c->rip, 0xc100000c);
	assert_int_equal(c->rsp, 0xc100000f);
	assert_int_equal(c->ss, 0xc1000010);
	assert_int_equal(c->r15, 0);
	assert_int_equal(c->pid, 4711);
	assert_false(c->have_cr);
	assert_true(p.n.cpus[2].empty);
	end(&p);
}

/* A great many CPUs, each with the rest of its buffer as zeros, as natively before they are
 * merged. */
static void many_cpus(void **state)
{
	struct parsed p;

	(void)state;
	begin(&p);
	for (unsigned i = 0; i < 1000; i++) {
		prstatus_64(&p, 0x1000 * (i + 1), i);
		buf_zero(&p.m.notes, 4 * (i % 7));
	}
	parse(&p);
	assert_int_equal(p.n.nr_problems, 0);
	assert_int_equal(p.n.nr_cpus, 1000);
	assert_int_equal(p.n.cpus[999].r15, 1000 * 0x1000);
	assert_int_equal(p.n.cpus[999].pid, 999);
	end(&p);
}

static void crash_info(void **state)
{
	static const struct {
		unsigned nr, width;
		bool phys;
		uint64_t p2m, phys_start;
	} row[] = {
		{10, 8, true, 0x1009, 0x1008},
		{9, 8, false, 0x1008, 0},
		{8, 8, false, 0, 0},
		{10, 4, true, 0x1009, 0x1008},
		{9, 4, false, 0x1008, 0},
		{8, 4, false, 0, 0},
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		begin(&p);
		words(&p, 0x1000001, row[i].nr, row[i].width, 0x1000);
		parse(&p);
		assert_int_equal(p.n.nr_problems, 0);
		assert_true(p.n.xen);
		assert_int_equal(p.n.bits, 8 * row[i].width);
		assert_int_equal(p.n.xen_info.major, 0x1000);
		assert_int_equal(p.n.xen_info.minor, 0x1001);
		assert_int_equal(p.n.xen_info.extra, 0x1002);
		assert_int_equal(p.n.xen_info.time, 0x1006);
		assert_int_equal(p.n.xen_info.tainted, 0x1007);
		assert_int_equal(p.n.xen_info.have_phys_start, row[i].phys);
		assert_int_equal(p.n.xen_info.phys_start, row[i].phys_start);
		assert_int_equal(p.n.xen_info.p2m_mfn, row[i].p2m);
		end(&p);
	}
	/* ~0 of a 32-bit word is the same as of a 64-bit one */
	begin(&p);
	words(&p, 0x1000001, 10, 4, UINT32_MAX - 9);
	parse(&p);
	assert_true(p.n.xen_info.p2m_mfn == UINT64_MAX);
	end(&p);
}

/* Sizes and places that no hypervisor uses. */
static void odd_registers(void **state)
{
	uint8_t zeros[500] = {0};
	struct parsed p;

	(void)state;
	begin(&p);
	mkcore_note(&p.m, "CORE", 1, zeros, 335);
	parse(&p);
	assert_int_equal(p.n.nr_cpus, 0);
	assert_int_equal(p.n.bits, 0);
	assert_problem(&p, "PRSTATUS note of 335 bytes");
	restart(&p);
	mkcore_note(&p.m, "CORE", 1, zeros, 0);
	parse(&p);
	assert_problem(&p, "PRSTATUS note of 0 bytes");
	restart(&p);
	words(&p, 0x1000002, 4, 8, 1);
	parse(&p);
	assert_problem(&p, "follows no CPU's registers");
	restart(&p);
	prstatus_64(&p, 1, 0);
	words(&p, 0x1000002, 4, 8, 1);
	words(&p, 0x1000002, 4, 8, 2);
	words(&p, 0x1000002, 3, 8, 1);
	parse(&p);
	assert_problem(&p, "follows no CPU's registers");
	assert_problem(&p, "24 bytes instead of 32 or 16");
	assert_int_equal(p.n.cpus[0].cr0, 1);
	restart(&p);
	words(&p, 0x1000001, 11, 8, 1);
	parse(&p);
	assert_false(p.n.xen);
	assert_problem(&p, "88 bytes");
	restart(&p);
	words(&p, 0x1000001, 10, 8, 1);
	words(&p, 0x1000001, 10, 8, 2);
	parse(&p);
	assert_int_equal(p.n.xen_info.major, 1);
	assert_problem(&p, "more than once");
	restart(&p);
	prstatus_64(&p, 0x1000, 0);
	prstatus_32(&p, 0x1000, 0);
	parse(&p);
	assert_int_equal(p.n.bits, 64);
	assert_int_equal(p.n.nr_cpus, 2);
	assert_problem(&p, "CPU 1 (in the order of the notes) are those of a 32-bit machine");
	core_notes_deinit(&p.n);
	assert_int_equal(core_notes_parse(buf_bytes(&p.m.notes), EM_386, &p.n, &p.d), XK_OK);
	assert_problem(&p, "the loader took the one for the other");
	/* names decide, not numbers alone */
	restart(&p);
	mkcore_note(&p.m, "CORE", 0x1000001, zeros, 80);
	mkcore_note(&p.m, "Xen", 1, zeros, 336);
	mkcore_note(&p.m, "XENKDUMP", 1, zeros, 80);
	parse(&p);
	assert_int_equal(p.n.nr_cpus + p.n.nr_problems + p.n.xen, 0);
	assert_null(p.n.xenkdump);
	end(&p);
}

/* Cut anywhere: what was whole stays, the rest is said to be lost. */
static void cut_notes(void **state)
{
	struct core_notes n;
	struct parsed p;

	(void)state;
	begin(&p);
	prstatus_64(&p, 0x1000, 0); /* 20 + 336 = 356 */
	prstatus_64(&p, 0x2000, 0);
	for (size_t len = 0; len <= 712; len++) {
		struct bytes b = {p.m.notes.data, len};

		assert_int_equal(core_notes_parse(b, EM_X86_64, &n, &p.d), XK_OK);
		assert_int_equal(n.nr_cpus, len / 356);
		/* fewer than 12 bytes are not even a header */
		assert_int_equal(n.nr_problems, len % 356 >= 12);
		core_notes_deinit(&n);
	}
	end(&p);
}

static void problems_are_few(void **state)
{
	struct parsed p;

	(void)state;
	begin(&p);
	for (int i = 0; i < 100; i++)
		mkcore_note(&p.m, "CORE", 1, "x", 1);
	parse(&p);
	assert_int_equal(p.n.nr_problems, ARRAY_SIZE(p.n.problems));
	end(&p);
}

static struct bytes text(const char *s)
{
	return (struct bytes){(const uint8_t *)s, strlen(s)};
}

static void vmcoreinfo_notes(void **state)
{
	static const char xen[64] = "PAGESIZE=4096\nSYMBOL(pgd_l4)=ffff82d04048f000\n";
	struct parsed p;
	vaddr_t v;

	(void)state;
	begin(&p);
	mkcore_note(&p.m, "VMCOREINFO_XEN", 0, xen, sizeof(xen));
	mkcore_note(&p.m, "VMCOREINFO", 0, "OSRELEASE=6.1\n", 14);
	mkcore_note(&p.m, "VMCOREINFO", 0, "OSRELEASE=6.1\n\0\0", 16);
	parse(&p);
	assert_int_equal(p.n.nr_problems, 1);
	assert_problem(&p, "CRASH_INFO note is missing");
	assert_true(p.n.xen && !p.n.crash_info);
	assert_int_equal(p.n.vmcoreinfo_xen.len, strlen(xen));
	assert_true(vmcoreinfo_symbol(p.n.vmcoreinfo_xen, "pgd_l4", &v));
	assert_int_equal(v, 0xffff82d04048f000);
	assert_int_equal(p.n.vmcoreinfo.len, 14);
	mkcore_note(&p.m, "VMCOREINFO", 0, "OSRELEASE=6.2\n", 14);
	mkcore_note(&p.m, "VMCOREINFO_XEN", 0, "\0\0\0\0", 4);
	mkcore_note(&p.m, "VMCOREINFO_XEN", 0, "", 0);
	parse(&p);
	assert_problem(&p, "two different VMCOREINFO notes");
	assert_problem(&p, "VMCOREINFO_XEN note is empty");
	assert_memory_equal(p.n.vmcoreinfo.data, "OSRELEASE=6.1", 13);
	end(&p);
}

static void vmcoreinfo_keys(void **state)
{
	const struct bytes t = text("OSRELEASE=6.1.0-50-amd64\n"
				    "SYMBOL(_stext)=ffffffff81000000\nSYMBOL(up)=FFFF\n"
				    "SYMBOL(wide)=10000000000000000\nSYMBOL(x)=0x10\nSYMBOL()=5\n"
				    "SIZE(page)=64\nSIZE(hex)=40a\nSIZE(sp)= 64\nSIZE(none)=\n"
				    "OFFSET(page.flags)=0\nOFFSET(page.flags)=8\n"
				    "LENGTH(zone.free_area)=11\n"
				    "NUMBER(phys_base)=-16777216\nNUMBER(PG_lru)=4\n"
				    "NUMBER(min)=-9223372036854775808\n"
				    "NUMBER(over)=9223372036854775808\nNUMBER(minus)=-\n"
				    "NUMBER(mm)=--1\nNOVALUE\nKERNELOFFSET=1a000000\nCRASHTIME=17");
	struct bytes b;
	uint64_t u = 77;
	int64_t s = 77;

	(void)state;
	assert_true(vmcoreinfo_symbol(t, "_stext", &u) && u == 0xffffffff81000000);
	assert_true(vmcoreinfo_symbol(t, "up", &u) && u == 0xffff);
	assert_true(vmcoreinfo_symbol(t, "", &u) && u == 5);
	assert_true(vmcoreinfo_size(t, "page", &u) && u == 64);
	assert_true(vmcoreinfo_offset(t, "page.flags", &u) && u == 0);
	assert_true(vmcoreinfo_length(t, "zone.free_area", &u) && u == 11);
	assert_true(vmcoreinfo_number(t, "phys_base", &s) && s == -16777216);
	assert_true(vmcoreinfo_number(t, "PG_lru", &s) && s == 4);
	assert_true(vmcoreinfo_number(t, "min", &s) && s == INT64_MIN);
	b = vmcoreinfo_value(t, "OSRELEASE");
	assert_int_equal(b.len, 14);
	assert_memory_equal(b.data, "6.1.0-50-amd64", 14);
	b = vmcoreinfo_value(t, "CRASHTIME");
	assert_int_equal(b.len, 2); /* no end of line */
	u = 77;
	s = 77;
	assert_false(vmcoreinfo_symbol(t, "wide", &u));
	assert_false(vmcoreinfo_symbol(t, "x", &u));
	assert_false(vmcoreinfo_symbol(t, "stext", &u));
	assert_false(vmcoreinfo_symbol(t, "_stex", &u));
	assert_false(vmcoreinfo_symbol(t, "_stext)", &u));
	assert_false(vmcoreinfo_symbol(t, "page", &u));
	assert_false(vmcoreinfo_size(t, "hex", &u));
	assert_false(vmcoreinfo_size(t, "sp", &u));
	assert_false(vmcoreinfo_size(t, "none", &u));
	assert_false(vmcoreinfo_offset(t, "page", &u));
	assert_false(vmcoreinfo_length(t, "page", &u));
	assert_false(vmcoreinfo_number(t, "over", &s));
	assert_false(vmcoreinfo_number(t, "minus", &s));
	assert_false(vmcoreinfo_number(t, "mm", &s));
	assert_null(vmcoreinfo_value(t, "NOVALUE").data);
	assert_null(vmcoreinfo_value(t, "RELEASE").data);
	assert_null(vmcoreinfo_value(t, "").data);
	assert_null(vmcoreinfo_value((struct bytes){NULL, 0}, "OSRELEASE").data);
	assert_int_equal(u, 77);
	assert_int_equal(s, 77);
}

/* --- XENKDUMP, built by the description of the format ------------------------------------------ */

static void put(struct buf *b, uint64_t v, size_t width)
{
	buf_append(b, &v, width);
}

static void record(struct buf *b, uint32_t tag, const void *data, size_t len, uint64_t raw)
{
	put(b, tag, 4);
	put(b, len, 4);
	put(b, raw, 8);
	buf_append(b, data, len);
	buf_zero(b, -b->len % 8);
}

static void record_z(struct buf *b, uint32_t tag, const char *s)
{
	uint8_t z[256];
	uLongf len = sizeof(z);

	assert_int_equal(compress(z, &len, (const uint8_t *)s, strlen(s)), Z_OK);
	record(b, tag, z, len, strlen(s));
}

static void record_map(struct buf *b)
{
	static const uint64_t e[][3] = {{UINT32_MAX, 0x20000000, 0x30000000},
		{0, 0x20000000, 0x21000000}, {1, 0, 0},
		{UINT64_C(1) << 32 | 4, 0x2fff0000, 0x2fff1000}};

	record(b, 3, e, sizeof(e), sizeof(e));
}

/* The note with these records; header_size beyond 24 adds zeros. */
static void xenkdump(
	struct parsed *p, const struct buf *records, uint32_t nr, unsigned version, size_t header)
{
	struct buf b = {0};

	put(&b, 0x4e444b58, 4);
	put(&b, version, 2);
	put(&b, header, 2);
	put(&b, header + records->len, 4);
	put(&b, crc32(0, records->data, (uInt)records->len), 4);
	put(&b, nr, 4);
	buf_zero(&b, header - 20);
	buf_append(&b, records->data, records->len);
	mkcore_note(&p->m, "XENKDUMP", 0x584b0001, b.data, b.len);
	buf_zero(&p->m.notes, 12);
	buf_deinit(&b);
}

static void xenkdump_whole(void **state)
{
	struct buf r = {0};
	struct parsed p;

	(void)state;
	for (unsigned newer = 0; newer < 2; newer++) {
		begin(&p);
		r.len = 0;
		record_z(&r, 1, "xenkdump-facts 1\nhypervisor = xen\n");
		record(&r, 99, "??", 2, 2);
		record_z(&r, 2, "ffff82d040200000 T _start\n");
		record_map(&r);
		record(&r, 4, "xenkdump 0.1", 12, 12);
		xenkdump(&p, &r, 5, newer ? 7 : 1, newer ? 40 : 24);
		prstatus_64(&p, 1, 0); /* behind the empty header that ends the note */
		parse(&p);
		assert_int_equal(p.n.nr_problems, 0);
		assert_int_equal(p.n.nr_cpus, 1);
		assert_non_null(p.n.xenkdump);
		assert_int_equal(p.n.xenkdump->version, newer ? 7 : 1);
		assert_string_equal((const char *)xkn_facts(p.n.xenkdump).data,
			"xenkdump-facts 1\nhypervisor = xen\n");
		assert_string_equal((const char *)xkn_symbols(p.n.xenkdump).data,
			"ffff82d040200000 T _start\n");
		assert_int_equal(xkn_symbols(p.n.xenkdump).len, 26);
		assert_int_equal(p.n.xenkdump->tool.len, 12);
		assert_int_equal(p.n.xenkdump->nr_map, 3);
		assert_int_equal(p.n.xenkdump->map[0].kind, UINT32_MAX);
		assert_int_equal(p.n.xenkdump->map[2].kind, 4);
		assert_int_equal(p.n.xenkdump->map[2].flags, 1);
		assert_int_equal(p.n.xenkdump->map[2].end, 0x2fff1000);
		end(&p);
	}
	buf_deinit(&r);
}

/* Every byte of the note changed: never accepted as it was, except where nothing depends on it. */
static void xenkdump_damaged(void **state)
{
	struct buf r = {0};
	struct parsed p;
	size_t desc, len;

	(void)state;
	begin(&p);
	record_z(&r, 2, "ffff82d040200000 T _start\n");
	record(&r, 4, "xenkdump 0.1", 12, 12);
	xenkdump(&p, &r, 2, 1, 24);
	desc = 24; /* 12 + "XENKDUMP" and its NUL, padded to 12 */
	len = 24 + r.len;
	for (size_t i = 0; i < len; i++) {
		uint8_t *at = p.m.notes.data + desc + i;

		/* version; number of records is 2: fewer is fine; reserved */
		if (i == 4 || i == 5 || i >= 20)
			if (i < 24)
				continue;
		*at ^= 0xff;
		parse(&p);
		assert_true(p.n.nr_problems > 0);
		if (i < 16 || i >= 24)
			assert_null(p.n.xenkdump);
		*at ^= 0xff;
	}
	parse(&p);
	assert_int_equal(p.n.nr_problems, 0);
	end(&p);
	buf_deinit(&r);
}

static void xenkdump_records(void **state)
{
	uint8_t z[64];
	uLongf zlen = sizeof(z);
	struct buf r = {0};
	struct parsed p;

	(void)state;
	assert_int_equal(compress(z, &zlen, (const uint8_t *)"abc", 3), Z_OK);
	begin(&p);
	record(&r, 2, "not zlib", 8, 100); /* does not unpack */
	record(&r, 1, z, zlen, 4); /* to less than it says */
	record(&r, 3, z, 23, 23); /* no whole entries */
	record(&r, 4, "xenkdump 0.1", 12, 12);
	xenkdump(&p, &r, 4, 1, 24);
	parse(&p);
	assert_non_null(p.n.xenkdump);
	assert_problem(&p, "record 2 of the XENKDUMP note does not unpack");
	assert_problem(&p, "record 1 of the XENKDUMP note does not unpack");
	assert_problem(&p, "record 3 of the XENKDUMP note makes no sense");
	assert_int_equal(xkn_symbols(p.n.xenkdump).len, 0);
	assert_int_equal(xkn_facts(p.n.xenkdump).len, 0);
	assert_int_equal(p.n.xenkdump->tool.len, 12);
	restart(&p);
	r.len = 0;
	record(&r, 2, z, zlen, UINT64_MAX);
	record(&r, 1, z, zlen, 2); /* to more than it says */
	xenkdump(&p, &r, 3, 1, 24); /* one more than there is */
	parse(&p);
	assert_problem(&p, "larger than any");
	assert_problem(&p, "record 1 of the XENKDUMP note does not unpack");
	assert_problem(&p, "record 2 of 3 of the XENKDUMP note does not fit");
	restart(&p);
	r.len = 0;
	record(&r, 4, "a", 1, 1);
	xenkdump(&p, &r, 1, 1, 24);
	xenkdump(&p, &r, 1, 1, 24);
	parse(&p);
	assert_problem(&p, "the XENKDUMP note is there more than once");
	assert_non_null(p.n.xenkdump);
	restart(&p);
	mkcore_note(&p.m, "XENKDUMP", 0x584b0001, z, 20);
	parse(&p);
	assert_problem(&p, "shorter than its header");
	assert_null(p.n.xenkdump);
	end(&p);
	buf_deinit(&r);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(registers_64),
		cmocka_unit_test(registers_32),
		cmocka_unit_test(many_cpus),
		cmocka_unit_test(crash_info),
		cmocka_unit_test(odd_registers),
		cmocka_unit_test(cut_notes),
		cmocka_unit_test(problems_are_few),
		cmocka_unit_test(vmcoreinfo_notes),
		cmocka_unit_test(vmcoreinfo_keys),
		cmocka_unit_test(xenkdump_whole),
		cmocka_unit_test(xenkdump_damaged),
		cmocka_unit_test(xenkdump_records),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
