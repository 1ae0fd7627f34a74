// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <stdio.h>

#include "mkxen.h"
#include "xktest.h"

#define PAGE   UINT64_C(4096)
#define VARS   UINT64_C(0x200000)
#define PTE    0x063u
#define LARGE  0x0e3u
#define NONE64 UINT64_MAX

/* Where the two bits are, from Xen's headers: not from the table under test. */
uint64_t mkxen_state(unsigned table, unsigned state)
{
	return (uint64_t)state << (table < 3 ? 55 : 58);
}

uint64_t mkxen_scrub(unsigned table)
{
	if (!table)
		return 0;
	return UINT64_C(1) << (table == 6 ? 57 : 63);
}

void mkxen_page(struct mkxen *x, uint64_t pdx, uint64_t info, uint64_t owner)
{
	unsigned size = x->bigmem ? 48 : 32;
	/* The second bank's part of the frame table begins at index 0x100000. */
	uint64_t at = pdx < 0x100000 ? 0x400000 + pdx * size : 0x800000 + (pdx - 0x100000) * size;

	mkcore_put64(&x->m, at + (x->bigmem ? 16 : 8), info);
	if (x->bigmem)
		mkcore_put64(&x->m, at + 32, owner);
	else
		mkcore_put32(&x->m, at + 24, (uint32_t)owner);
}

void mkxen_symbol(struct mkxen *x, const char *name, vaddr_t at)
{
	size_t used = strlen(x->symbols);

	snprintf(x->symbols + used, sizeof(x->symbols) - used, "%016llx D %s\n",
		(unsigned long long)at, name);
	assert_true(strlen(x->symbols) < sizeof(x->symbols) - 1);
}

void mkxen_variable(struct mkxen *x, const char *name, unsigned off, uint64_t v)
{
	mkcore_put64(&x->m, VARS + off, v);
	mkxen_symbol(x, name, MKXEN_BASE + off);
}

void mkxen_extra(struct mkxen *x, const char *extra)
{
	mkcore_put(&x->m, VARS + 0x800, extra, strlen(extra) + 1);
	x->n.xen_info.extra = VARS + 0x800;
}

static void table(struct mkxen *x, unsigned page, unsigned index, uint64_t entry)
{
	mkcore_put64(&x->m, page * PAGE + index * 8, entry);
}

/* 261: image at L3 index 321, frame table at 384; big: the frame table is slot 262, and the direct
 * map 265. 256: M2P. */
static void make_tables(struct mkxen *x)
{
	unsigned frames_l2 = 0x213;

	table(x, 0x201, 256, 0x210 * PAGE | PTE);
	table(x, 0x201, 261, 0x211 * PAGE | PTE);
	table(x, 0x211, 321, 0x212 * PAGE | PTE);
	table(x, 0x212, 0, VARS | LARGE);
	if (x->bigmem) {
		table(x, 0x201, 262, 0x216 * PAGE | PTE);
		table(x, 0x216, 0, frames_l2 * PAGE | PTE);
	} else {
		table(x, 0x211, 384, frames_l2 * PAGE | PTE);
	}
	table(x, frames_l2, 0, 0x400000 | LARGE);
	table(x, 0x210, 0, 0x214 * PAGE | PTE);
	table(x, 0x214, 0, 0x600000 | LARGE);
	table(x, 0x201, x->bigmem ? 265 : 262, 0x215 * PAGE | PTE);
	table(x, 0x215, 0, 0 | LARGE); /* the first GiB */
	if (x->bank) {
		table(x, frames_l2, 16, 0x800000 | LARGE); /* 0x100000 entries on: 32 MiB */
		table(x, 0x215, 4, MKXEN_BANK * PAGE | LARGE); /* 4 GiB on */
	}
}

static void make_domains(struct mkxen *x)
{
	vaddr_t dm = x->bigmem ? UINT64_C(0xffff848000000000) : UINT64_C(0xffff830000000000);
	static const uint16_t ids[] = {0, 5, 7, 0x7ff2, 0x7ff1};

	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
		mkcore_put(&x->m, (0x300 + i) * PAGE, &ids[i], 2);
		if (i < 2)
			mkcore_put64(&x->m, (0x300 + i) * PAGE + 136, dm + (0x301 + i) * PAGE);
	}
	mkxen_variable(x, "domain_list", 0, dm + 0x300 * PAGE);
	mkxen_variable(x, "frame_table", 8,
		x->bigmem ? UINT64_C(0xffff830000000000) : UINT64_C(0xffff82e000000000));
	mkxen_variable(x, "max_page", 16, x->bank ? MKXEN_BANK + 1024 : 0x2000);
	mkxen_variable(x, "dom_xen", 24, dm + 0x303 * PAGE);
	mkxen_variable(x, "dom_io", 32, dm + 0x304 * PAGE);
	mkxen_symbol(x, "_end", MKXEN_BASE + 0x2000);
}

static void put_entry(struct mkxen *x, unsigned page, unsigned i, uint64_t v)
{
	if (x->dom0_bits == 32)
		mkcore_put32(&x->m, page * PAGE + i * 4, (uint32_t)v);
	else
		mkcore_put64(&x->m, page * PAGE + i * 8, v);
}

/* Root, one level below, leaves; 0x316 and 0x317 are what stands for nothing. */
static void make_list(struct mkxen *x)
{
	unsigned n = x->dom0_bits == 32 ? 1024 : 512;

	for (unsigned i = 0; i < n; i++) {
		put_entry(x, 0x310, i, i ? 0x316 : 0x311);
		put_entry(x, 0x311, i, i < 1024 / n ? 0x312 + i : 0x317);
		put_entry(x, 0x316, i, 0x317);
		put_entry(x, 0x317, i, NONE64);
	}
	for (unsigned i = 0; i < 1024; i++) {
		put_entry(x, 0x312 + i / n, i % n, 0x1000 + i);
		mkcore_put64(&x->m, 0x600000 + (0x1000 + i) * 8, i);
	}
}

static void make_frames(struct mkxen *x)
{
	const uint64_t got = UINT64_C(1) << 63, heap = UINT64_C(1) << 62;
	uint64_t free = mkxen_state(x->table, 3);

	for (unsigned i = 0x300; i < 0x305; i++)
		mkxen_page(x, i, heap, 0);
	for (unsigned i = 0x600; i < 0x800; i++)
		mkxen_page(x, i, heap | got | 1, 0x303);
	for (unsigned i = 0x1000; i < 0x1400; i++)
		mkxen_page(x, i, got | 2, 0x300);
	for (unsigned i = 0x1400; i < 0x1800; i++)
		mkxen_page(x, i, got | (1 + i % 3), 0x301);
	for (unsigned i = 0x1800; i < 0x1880; i++)
		mkxen_page(x, i, got | 1, 0x302);
	for (unsigned i = 0x1900; i < 0x2000; i++)
		mkxen_page(x, i, free | (i & 64 ? mkxen_scrub(x->table) : 0), i == 0x1900 ? 8 : 0);
	if (x->bank)
		for (unsigned i = 0; i < 1024; i++)
			mkxen_page(x, 0x100000 + i, got | 2, i < 512 ? 0x301 : 0x302);
}

static void make_vmcoreinfo(struct mkxen *x)
{
	snprintf(x->vmcoreinfo, sizeof(x->vmcoreinfo),
		"PAGESIZE=4096\nSYMBOL(domain_list)=%llx\nSYMBOL(frame_table)=%llx\n"
		"SYMBOL(max_page)=%llx\nSIZE(page_info)=%u\nSIZE(domain)=2432\n"
		"OFFSET(page_info.count_info)=%u\nOFFSET(page_info._domain)=%u\n"
		"OFFSET(domain.domain_id)=0\nOFFSET(domain.next_in_list)=136\n"
		"SYMBOL(dom_xen)=%llx\nSYMBOL(dom_io)=%llx\nSYMBOL(pgd_l4)=%llx\n",
		(unsigned long long)MKXEN_BASE, (unsigned long long)MKXEN_BASE + 8,
		(unsigned long long)MKXEN_BASE + 16, x->bigmem ? 48 : 32, x->bigmem ? 16 : 8,
		x->bigmem ? 32 : 24, (unsigned long long)MKXEN_BASE + 24,
		(unsigned long long)MKXEN_BASE + 32, (unsigned long long)MKXEN_BASE + 0x1000);
}

void mkxen_init(struct mkxen *x)
{
	mkcore_init(&x->m, ELFCLASS64, EM_X86_64);
	mkcore_mem(&x->m, 0x100000, 0x1f00000);
	if (x->bank)
		mkcore_mem(&x->m, MKXEN_BANK * PAGE, 1024 * PAGE);
	if (!x->major)
		x->major = 4;
	make_tables(x);
	make_domains(x);
	make_list(x);
	make_frames(x);
	make_vmcoreinfo(x);
	x->n.xen = true;
	x->n.bits = 64;
	x->n.xen_info.major = x->major;
	x->n.xen_info.minor = x->minor;
	x->n.xen_info.phys_start = VARS;
	x->n.xen_info.have_phys_start = true;
	x->n.xen_info.p2m_mfn = 0x310;
	x->n.xenkdump = &x->xkn;
}

void mkxen_open(struct mkxen *x)
{
	struct diag d;

	diag_init(&d);
	x->n.vmcoreinfo_xen = (struct bytes){(uint8_t *)x->vmcoreinfo, strlen(x->vmcoreinfo)};
	x->xkn.symbols = (struct buf){.data = (uint8_t *)x->symbols, .len = strlen(x->symbols)};
	x->file = mkcore_build(&x->m);
	assert_int_equal(core_open_bytes(buf_bytes(&x->file), &x->core, &d), XK_OK);
	x->r = core_reader_create(&x->core);
	assert_non_null(x->r);
}

void mkxen_deinit(struct mkxen *x)
{
	core_reader_destroy(x->r);
	core_close(&x->core);
	buf_deinit(&x->file);
	mkcore_deinit(&x->m);
}
