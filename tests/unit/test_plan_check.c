// SPDX-License-Identifier: GPL-2.0-only
/* A good plan, broken in one place at a time: where its segments are, and how it is entered. */
#include "tests/unit/xktest.h"

#include "common/plan_mem.h"
#include "tests/unit/mkplan.h"

static void m_region_not_hosts(struct mkplan *m)
{
	mkplan_region(m, 0x20001000, 0x30000000);
}

static void m_region_low(struct mkplan *m)
{
	m->plan.region.start = 0xff000;
	m->host.crash.v[0].r.start = 0;
}

static void m_region_no_ram(struct mkplan *m)
{
	m->host.memory.v[2].r.start = 0x20000001;
}

static void m_too_many(struct mkplan *m)
{
	m->lim.max_segs = 7;
}

static void m_unaligned(struct mkplan *m)
{
	mkplan_seg(m, SEG_INITRD)->dest.start += 8;
}

static void m_backend_alignment(struct mkplan *m)
{
	m->lim.align = 0x200000;
}

static void m_empty(struct mkplan *m)
{
	mkplan_seg(m, SEG_NOTE)->dest.end = mkplan_seg(m, SEG_NOTE)->dest.start;
}

static void m_outside(struct mkplan *m)
{
	mkplan_seg(m, SEG_BACKUP)->dest.end += 0x1000;
}

static void m_too_high(struct mkplan *m)
{
	m->lim.max_dest = 0x2ffffffe;
}

static void m_too_long(struct mkplan *m)
{
	mkplan_seg(m, SEG_CMDLINE)->len = 0x1001;
}

static void m_no_content(struct mkplan *m)
{
	mkplan_seg(m, SEG_INITRD)->buf = NULL;
	mkplan_seg(m, SEG_INITRD)->len = 0;
}

static void m_backup_content(struct mkplan *m)
{
	mkplan_seg(m, SEG_BACKUP)->buf = (const uint8_t *)"";
}

static void m_backup_length(struct mkplan *m)
{
	mkplan_seg(m, SEG_BACKUP)->len = 1;
}

static void m_no_map_only(struct mkplan *m)
{
	m->lim.map_only = false;
}

static void m_unprotected(struct mkplan *m)
{
	mkplan_seg(m, SEG_NOTE)->protected = false;
}

static void m_protected(struct mkplan *m)
{
	mkplan_seg(m, SEG_INITRD)->protected = true;
}

static void m_twice(struct mkplan *m)
{
	mkplan_seg(m, SEG_INITRD)->kind = SEG_KERNEL;
}

static void m_unknown(struct mkplan *m)
{
	mkplan_seg(m, SEG_INITRD)->kind = SEG_KINDS;
}

static void m_overlap(struct mkplan *m)
{
	mkplan_seg(m, SEG_KERNEL)->dest.end = mkplan_seg(m, SEG_INITRD)->dest.end;
}

static void m_unsorted(struct mkplan *m)
{
	struct seg s = m->plan.segs[0];
	m->plan.segs[0] = m->plan.segs[1];
	m->plan.segs[1] = s;
}

static void m_missing(struct mkplan *m)
{
	memmove(mkplan_seg(m, SEG_NOTE), mkplan_seg(m, SEG_NOTE) + 1, sizeof(struct seg));
	m->plan.nr--;
}

static void m_no_control(struct mkplan *m)
{
	mkplan_seg(m, SEG_KERNEL)->dest.start = 0x20000000;
	mkplan_seg(m, SEG_KERNEL)->dest.end = mkplan_seg(m, SEG_INITRD)->dest.start;
	m->plan.kernel_entry = 0x20000200;
}

static void m_bits(struct mkplan *m)
{
	m->plan.entry_bits = 16;
}

static void m_no_entry_64(struct mkplan *m)
{
	m->image.entry_64 = false;
}

static void m_host_32(struct mkplan *m)
{
	m->host.xen.bits = 32;
}

static void m_no_long_mode(struct mkplan *m)
{
	m->host.cpu_long_mode = false;
}

static void m_machine(struct mkplan *m)
{
	m->plan.machine = 3;
}

static void m_entry(struct mkplan *m)
{
	m->plan.entry++;
}

static void m_kernel_entry(struct mkplan *m)
{
	m->plan.kernel_entry -= 0x200;
}

static void m_other_kernel(struct mkplan *m)
{
	mkplan_seg(m, SEG_KERNEL)->buf++;
}

static void m_cut_kernel(struct mkplan *m)
{
	mkplan_seg(m, SEG_KERNEL)->len--;
}

static void m_other_initrd(struct mkplan *m)
{
	mkplan_seg(m, SEG_INITRD)->buf++;
}

static void m_cut_initrd(struct mkplan *m)
{
	mkplan_seg(m, SEG_INITRD)->len--;
}

static void m_no_initrd(struct mkplan *m)
{
	mkplan_seg(m, SEG_INITRD)->kind = SEG_KINDS;
	memmove(&m->plan.segs[1], &m->plan.segs[2], 6 * sizeof(struct seg));
	m->plan.nr--;
}

static void m_kernel_alignment(struct mkplan *m)
{
	m->image.align = 0x400000;
}

static void m_kernel_memory(struct mkplan *m)
{
	m->image.init_size++;
}

static void m_pref_address(struct mkplan *m)
{
	m->image.pref_address = 0x20200001;
}

static const struct mutation mutations[] = {
	/* the region and the segments */
	{"region_not_hosts", m_region_not_hosts, "not reserved for a crash"},
	{"region_low", m_region_low, "not reserved for a crash"},
	{"region_no_ram", m_region_no_ram, "is not RAM"},
	{"too_many", m_too_many, "8 segments"},
	{"unaligned", m_unaligned, "not aligned"},
	{"backend_alignment", m_backend_alignment, "not aligned to 2097152"},
	{"empty", m_empty, "is empty"},
	{"outside", m_outside, "outside"},
	{"too_high", m_too_high, "above what Xen takes"},
	{"too_long", m_too_long, "more bytes than its place"},
	{"no_content", m_no_content, "content"},
	{"backup_content", m_backup_content, "content"},
	{"backup_length", m_backup_length, "content"},
	{"no_map_only", m_no_map_only, "content"},
	{"unprotected", m_unprotected, "kept from the wrong"},
	{"protected", m_protected, "kept from the wrong"},
	{"twice", m_twice, "twice or unknown"},
	{"unknown", m_unknown, "twice or unknown"},
	{"overlap", m_overlap, "overlaps"},
	{"unsorted", m_unsorted, "overlaps"},
	{"missing", m_missing, "needed segment"},
	{"no_control", m_no_control, "must stay free"},
	/* the entry and the kernel's wishes */
	{"bits", m_bits, "entry of 16 bits"},
	{"no_entry_64", m_no_entry_64, "64-bit entry"},
	{"host_32", m_host_32, "64-bit entry"},
	{"no_long_mode", m_no_long_mode, "cannot run"},
	{"machine", m_machine, "image machine 3"},
	{"entry", m_entry, "not entered at purgatory"},
	{"kernel_entry", m_kernel_entry, "not entered at its entry"},
	{"other_kernel", m_other_kernel, "kernel loaded"},
	{"cut_kernel", m_cut_kernel, "kernel loaded"},
	{"other_initrd", m_other_initrd, "initrd loaded"},
	{"cut_initrd", m_cut_initrd, "initrd loaded"},
	{"no_initrd", m_no_initrd, "initrd loaded"},
	{"kernel_alignment", m_kernel_alignment, "its header asks"},
	{"kernel_memory", m_kernel_memory, "its header asks"},
	{"pref_address", m_pref_address, "its header asks"},
};

static void seen(void **state)
{
	(void)state;
	mkplan_mutate(mutations, ARRAY_SIZE(mutations));
}

/* Limits of a 32-bit entry, which the plan above does not meet. */
static void seen_32(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init(&m, 0xf0000000, 0x108000000);
	m.kernel.above_4g = false;
	m.kernel.initrd_addr_max = 0xffffffff;
	assert_int_equal(mkplan_make(&m), XK_OK);
	/* initrd_addr_max: its last byte may be there, not beyond */
	m.image.initrd_max = plan_seg(&m.plan, SEG_INITRD)->dest.start + 0x2344;
	assert_int_equal(mkplan_check(&m), XK_OK);
	m.image.initrd_max--;
	assert_int_equal(mkplan_check(&m), XK_FAIL);
	assert_says(m.d.text, "initrd_addr_max");
	m.image.initrd_max = 0xffffffff;
	/* the same kernel, were it a 32-bit one */
	m.image.is_64 = false;
	assert_int_equal(mkplan_check(&m), XK_FAIL);
	assert_says(m.d.text, "896 MiB");
	m.image.is_64 = true;
	/* a piece above 4 GiB */
	mkplan_seg(&m, SEG_BACKUP)->dest.start += 0x1000;
	mkplan_seg(&m, SEG_BACKUP)->dest.end += 0x1000;
	assert_int_equal(mkplan_check(&m), XK_FAIL);
	assert_says(m.d.text, "below 4 GiB");
	mkplan_seg(&m, SEG_BACKUP)->dest.start -= 0x1000;
	mkplan_seg(&m, SEG_BACKUP)->dest.end -= 0x1000;
	/* room enough for the hypervisor, but above 4 GiB, where no 32-bit entry starts from */
	mkplan_seg(&m, SEG_KERNEL)->dest.start = 0xf0000000;
	mkplan_seg(&m, SEG_KERNEL)->dest.end = mkplan_seg(&m, SEG_INITRD)->dest.start;
	m.plan.kernel_entry = 0xf0000000;
	assert_int_equal(mkplan_check(&m), XK_FAIL);
	assert_says(m.d.text, "below 4096 MiB to enter");
	mkplan_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(seen),
		cmocka_unit_test(seen_32),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
