// SPDX-License-Identifier: GPL-2.0-only
/*
 * A good plan, broken in one place at a time: plan_check() must see each, and say which. The
 * message tells that it was the right check that saw it, and not another by chance.
 */
#include "tests/unit/xktest.h"

#include "common/bootparams.h"
#include "common/plan_mem.h"
#include "common/purg.h"
#include "tests/unit/mkplan.h"

struct mutation {
	const char *name;
	void (*change)(struct mkplan *m);
	const char *says;
};

static struct seg *seg(struct mkplan *m, enum seg_kind k)
{
	for (size_t i = 0; i < m->plan.nr; i++)
		if (m->plan.segs[i].kind == k)
			return &m->plan.segs[i];
	return NULL;
}

static void put(struct buf *b, size_t off, uint64_t v, size_t width)
{
	assert_true(off + width <= b->len);
	for (size_t i = 0; i < width; i++)
		b->data[off + i] = (uint8_t)(v >> (8 * i));
}

static void bp(struct mkplan *m, size_t off, uint64_t v, size_t width)
{
	put(&m->plan.mem->bootparams, off, v, width);
}

/* Program headers: 0, 1 CPUs, 2 VMCOREINFO_XEN, 3 the kernel's, 4 XENKDUMP; memory: 5 0..0x9f000,
 * 6 1M..0x20000000, 7 0x30000000..8G, 8 the hypervisor's image. */
enum { P_FLAGS = 4, P_OFFSET = 8, P_VADDR = 16, P_PADDR = 24, P_FILESZ = 32, P_MEMSZ = 40 };

static void ph(struct mkplan *m, unsigned i, unsigned field, uint64_t v)
{
	put(&m->plan.mem->elfcore, 64 + 56 * i + field, v, 8);
}

static void ph_size(struct mkplan *m, unsigned i, uint64_t v)
{
	ph(m, i, P_FILESZ, v);
	ph(m, i, P_MEMSZ, v);
}

#define PURG(m, field, v)                                                                     \
	put(&(m)->plan.mem->purgatory, PURG_ABI_OFFSET + offsetof(struct purg_abi, field), v, \
		sizeof(((struct purg_abi *)0)->field))

/* What the memory map in the boot parameters says must stay the plan's: both are changed. */
static void sync_e820(struct mkplan *m)
{
	bp(m, BP_E820_ENTRIES, m->plan.e820.nr, 1);
	for (size_t i = 0; i < m->plan.e820.nr; i++) {
		const struct mem_range *e = &m->plan.e820.v[i];

		bp(m, BP_E820_TABLE + 20 * i, e->r.start, 8);
		bp(m, BP_E820_TABLE + 20 * i + 8, range_size(e->r), 8);
		bp(m, BP_E820_TABLE + 20 * i + 16, e->type, 4);
	}
}

static void grow_e820(struct mkplan *m, maddr_t start, maddr_t end, uint32_t type)
{
	assert_true(range_list_add(&m->plan.e820, (struct range){start, end}, type));
	sync_e820(m);
}

static void set_low_e820(struct mkplan *m, maddr_t end)
{
	assert_int_equal(m->plan.e820.v[0].r.start, 0);
	m->plan.e820.v[0].r.end = end;
	sync_e820(m);
}

static void cut_region_e820(struct mkplan *m)
{
	for (size_t i = 0; i < m->plan.e820.nr; i++)
		if (m->plan.e820.v[i].r.start == 0x20000000)
			m->plan.e820.v[i].r.start = 0x20201000;
	sync_e820(m);
}

/* The list as long as before, one entry there twice and another not at all. */
static void double_region(struct mkplan *m)
{
	uint8_t *r =
		m->plan.mem->purgatory.data + PURG_ABI_OFFSET + offsetof(struct purg_abi, regions);

	memcpy(r + 3 * sizeof(struct purg_region), r + 2 * sizeof(struct purg_region),
		sizeof(struct purg_region));
}

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
	seg(m, SEG_INITRD)->dest.start += 8;
}

static void m_backend_alignment(struct mkplan *m)
{
	m->lim.align = 0x200000;
}

static void m_empty(struct mkplan *m)
{
	seg(m, SEG_NOTE)->dest.end = seg(m, SEG_NOTE)->dest.start;
}

static void m_outside(struct mkplan *m)
{
	seg(m, SEG_BACKUP)->dest.end += 0x1000;
}

static void m_too_high(struct mkplan *m)
{
	m->lim.max_dest = 0x2ffffffe;
}

static void m_too_long(struct mkplan *m)
{
	seg(m, SEG_CMDLINE)->len = 0x1001;
}

static void m_no_content(struct mkplan *m)
{
	seg(m, SEG_INITRD)->buf = NULL;
	seg(m, SEG_INITRD)->len = 0;
}

static void m_backup_content(struct mkplan *m)
{
	seg(m, SEG_BACKUP)->buf = (const uint8_t *)"";
}

static void m_backup_length(struct mkplan *m)
{
	seg(m, SEG_BACKUP)->len = 1;
}

static void m_no_map_only(struct mkplan *m)
{
	m->lim.map_only = false;
}

static void m_unprotected(struct mkplan *m)
{
	seg(m, SEG_NOTE)->protected = false;
}

static void m_protected(struct mkplan *m)
{
	seg(m, SEG_INITRD)->protected = true;
}

static void m_twice(struct mkplan *m)
{
	seg(m, SEG_INITRD)->kind = SEG_KERNEL;
}

static void m_unknown(struct mkplan *m)
{
	seg(m, SEG_INITRD)->kind = SEG_KINDS;
}

static void m_overlap(struct mkplan *m)
{
	seg(m, SEG_KERNEL)->dest.end = seg(m, SEG_INITRD)->dest.end;
}

static void m_unsorted(struct mkplan *m)
{
	struct seg s = m->plan.segs[0];
	m->plan.segs[0] = m->plan.segs[1];
	m->plan.segs[1] = s;
}

static void m_missing(struct mkplan *m)
{
	memmove(seg(m, SEG_NOTE), seg(m, SEG_NOTE) + 1, sizeof(struct seg));
	m->plan.nr--;
}

static void m_no_control(struct mkplan *m)
{
	seg(m, SEG_KERNEL)->dest.start = 0x20000000;
	seg(m, SEG_KERNEL)->dest.end = seg(m, SEG_INITRD)->dest.start;
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
	seg(m, SEG_KERNEL)->buf++;
}

static void m_cut_kernel(struct mkplan *m)
{
	seg(m, SEG_KERNEL)->len--;
}

static void m_other_initrd(struct mkplan *m)
{
	seg(m, SEG_INITRD)->buf++;
}

static void m_cut_initrd(struct mkplan *m)
{
	seg(m, SEG_INITRD)->len--;
}

static void m_no_initrd(struct mkplan *m)
{
	seg(m, SEG_INITRD)->kind = SEG_KINDS;
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

static void m_bp_short(struct mkplan *m)
{
	seg(m, SEG_BOOTPARAMS)->len = 4095;
}

static void m_bp_magic(struct mkplan *m)
{
	bp(m, 0x202, 0, 1);
}

static void m_bp_flag(struct mkplan *m)
{
	bp(m, 0x1fe, 0, 2);
}

static void m_bp_loader(struct mkplan *m)
{
	bp(m, 0x210, 0, 1);
}

static void m_bp_cmdline(struct mkplan *m)
{
	bp(m, 0x228, 0, 4);
}

static void m_bp_cmdline_high(struct mkplan *m)
{
	bp(m, 0x0c8, 1, 4);
}

static void m_bp_initrd(struct mkplan *m)
{
	bp(m, 0x219, 0, 1);
}

static void m_bp_initrd_high(struct mkplan *m)
{
	bp(m, 0x0c0, 1, 4);
}

static void m_bp_initrd_size(struct mkplan *m)
{
	bp(m, 0x21c, 0x2344, 4);
}

static void m_bp_initrd_size_high(struct mkplan *m)
{
	bp(m, 0x0c4, 1, 4);
}

static void m_bp_guest(struct mkplan *m)
{
	bp(m, 0x23c, 2, 4);
}

static void m_bp_rsdp(struct mkplan *m)
{
	bp(m, 0x070, 1, 8);
}

static void m_bp_e820_count(struct mkplan *m)
{
	m->plan.mem->bootparams.data[0x1e8]--;
}

static void m_bp_e820_addr(struct mkplan *m)
{
	bp(m, 0x2d0 + 20, 1, 8);
}

static void m_bp_e820_size(struct mkplan *m)
{
	bp(m, 0x2d0 + 8, 1, 8);
}

static void m_bp_e820_type(struct mkplan *m)
{
	bp(m, 0x2d0 + 16, 2, 4);
}

static void m_setup_data_out(struct mkplan *m)
{
	bp(m, 0x250, 0x20000000, 8);
}

static void m_setup_data_inside(struct mkplan *m)
{
	bp(m, 0x250, seg(m, SEG_BOOTPARAMS)->dest.start, 8);
}

static void m_setup_data_size(struct mkplan *m)
{
	bp(m, 4096 + 12, 33, 4);
}

static void m_setup_data_loop(struct mkplan *m)
{
	bp(m, 4096, seg(m, SEG_BOOTPARAMS)->dest.start + 4096, 8);
}

static void m_e820_ext(struct mkplan *m)
{
	bp(m, 4096 + 8, SETUP_E820_EXT, 4);
}

static void m_cmdline_other(struct mkplan *m)
{
	seg(m, SEG_CMDLINE)->buf++;
}

static void m_cmdline_cut(struct mkplan *m)
{
	m->plan.cmdline[9] = '\0';
}

static void m_cmdline_long(struct mkplan *m)
{
	m->image.cmdline_max = 30;
}

static void m_cmdline_address(struct mkplan *m)
{
	m->plan.cmdline[13]++;
}

static void m_cmdline_longer(struct mkplan *m)
{
	m->plan.cmdline[21] = '0';
}

static void m_cmdline_shorter(struct mkplan *m)
{
	m->plan.cmdline[20] = ' ';
}

static void m_cmdline_dashes(struct mkplan *m)
{
	memcpy(m->plan.cmdline, "-- elfcorehdr=0x2ff5e0", 22);
}

static void m_e820_not_its(struct mkplan *m)
{
	grow_e820(m, 0xa0000000, 0xa0001000, MEM_RAM);
}

static void m_e820_below_1m(struct mkplan *m)
{
	set_low_e820(m, 0xa0001);
}

static void m_e820_protected(struct mkplan *m)
{
	grow_e820(m, 0x2ff5e000, 0x2ff5f000, MEM_RAM);
}

static void m_e820_reserved(struct mkplan *m)
{
	grow_e820(m, 0x20200000, 0x20201000, MEM_RESERVED);
}

static void m_e820_lacks_kernel(struct mkplan *m)
{
	cut_region_e820(m);
}

static void m_core_class(struct mkplan *m)
{
	m->plan.core_class = 1;
}

static void m_core_machine(struct mkplan *m)
{
	m->plan.core_machine = 3;
}

static void m_core_machine_both(struct mkplan *m)
{
	put(&m->plan.mem->elfcore, 18, 3, 2);
	m->plan.core_machine = 3;
}

static void m_core_damaged(struct mkplan *m)
{
	put(&m->plan.mem->elfcore, 0, 0, 1);
}

static void m_core_note_region(struct mkplan *m)
{
	ph(m, 0, P_OFFSET, 0x21000000);
}

static void m_core_note_no_ram(struct mkplan *m)
{
	ph(m, 0, P_OFFSET, 0x9f000);
}

static void m_core_note_large(struct mkplan *m)
{
	ph_size(m, 2, 0x400001);
}

static void m_core_note_cpu(struct mkplan *m)
{
	ph(m, 1, P_OFFSET, 0xbefff004);
}

static void m_core_note_cpu_size(struct mkplan *m)
{
	ph_size(m, 0, 404);
}

static void m_core_note_xen(struct mkplan *m)
{
	ph(m, 2, P_OFFSET, 0xbf331000);
}

static void m_core_note_own(struct mkplan *m)
{
	ph_size(m, 4, 64);
}

static void m_core_load_region(struct mkplan *m)
{
	ph_size(m, 6, 0x20000000);
}

static void m_core_load_low(struct mkplan *m)
{
	ph(m, 5, P_OFFSET, 0);
}

static void m_core_load_low_long(struct mkplan *m)
{
	ph_size(m, 5, 0xa0001);
}

static void m_core_load_offset(struct mkplan *m)
{
	ph(m, 7, P_OFFSET, 0x30001000);
}

static void m_core_load_short(struct mkplan *m)
{
	ph_size(m, 6, 0x1fefffff);
}

static void m_core_load_gap(struct mkplan *m)
{
	ph(m, 6, P_PADDR, 0x101000);
	ph(m, 6, P_OFFSET, 0x101000);
	ph_size(m, 6, 0x1feff000);
}

static void m_core_load_more(struct mkplan *m)
{
	ph_size(m, 8, 0x400001);
}

static void m_core_load_image_virt(struct mkplan *m)
{
	ph(m, 8, P_VADDR, 0xffff82d040000000);
}

static void m_core_load_virt(struct mkplan *m)
{
	ph(m, 6, P_VADDR, 0xffff888000100000);
}

static void m_purg_code(struct mkplan *m)
{
	m->plan.mem->purgatory.data[0] ^= 1;
}

static void m_purg_code_end(struct mkplan *m)
{
	m->plan.mem->purgatory.data[PURG_ABI_OFFSET + PURG_ABI_SIZE] ^= 1;
}

static void m_purg_cut(struct mkplan *m)
{
	seg(m, SEG_PURGATORY)->len--;
}

static void m_purg_memory(struct mkplan *m)
{
	seg(m, SEG_PURGATORY)->dest.end -= 0x1000;
}

static void m_purg_version(struct mkplan *m)
{
	PURG(m, version, 2);
}

static void m_purg_entry(struct mkplan *m)
{
	PURG(m, entry, 0x20200000);
}

static void m_purg_bits(struct mkplan *m)
{
	PURG(m, entry_bits, 32);
}

static void m_purg_bp(struct mkplan *m)
{
	PURG(m, boot_params, 0);
}

static void m_purg_backup_src(struct mkplan *m)
{
	PURG(m, backup_src, 0x1000);
}

static void m_purg_backup_dst(struct mkplan *m)
{
	PURG(m, backup_dst, 0x2ff5f000);
}

static void m_purg_backup_len(struct mkplan *m)
{
	PURG(m, backup_len, 0x9f000);
}

static void m_purg_corruption(struct mkplan *m)
{
	PURG(m, on_corruption, 3);
}

static void m_purg_flags(struct mkplan *m)
{
	PURG(m, flags, 8);
}

static void m_purg_many(struct mkplan *m)
{
	PURG(m, nr_regions, 17);
}

static void m_purg_fewer(struct mkplan *m)
{
	PURG(m, nr_regions, 5);
}

static void m_purg_more(struct mkplan *m)
{
	PURG(m, nr_regions, 7);
}

static void m_purg_doubled(struct mkplan *m)
{
	double_region(m);
}

static void m_purg_digest(struct mkplan *m)
{
	seg(m, SEG_KERNEL)->sha256[31] ^= 1;
}

static void m_purg_region_len(struct mkplan *m)
{
	PURG(m, regions[2].len, 1);
}

static void m_purg_region_name(struct mkplan *m)
{
	PURG(m, regions[2].name[0], 'x');
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
	/* boot parameters and command line */
	{"bp_short", m_bp_short, "boot parameters of"},
	{"bp_magic", m_bp_magic, "setup header"},
	{"bp_flag", m_bp_flag, "setup header"},
	{"bp_loader", m_bp_loader, "setup header"},
	{"bp_cmdline", m_bp_cmdline, "command line is not where"},
	{"bp_cmdline_high", m_bp_cmdline_high, "command line is not where"},
	{"bp_initrd", m_bp_initrd, "initrd is not where"},
	{"bp_initrd_high", m_bp_initrd_high, "initrd is not where"},
	{"bp_initrd_size", m_bp_initrd_size, "initrd is not where"},
	{"bp_initrd_size_high", m_bp_initrd_size_high, "initrd is not where"},
	{"bp_guest", m_bp_guest, "believe to be a guest"},
	{"bp_rsdp", m_bp_rsdp, "ACPI root"},
	{"bp_e820_count", m_bp_e820_count, "memory map in the boot"},
	{"bp_e820_addr", m_bp_e820_addr, "memory map in the boot"},
	{"bp_e820_size", m_bp_e820_size, "memory map in the boot"},
	{"bp_e820_type", m_bp_e820_type, "memory map in the boot"},
	{"setup_data_out", m_setup_data_out, "setup_data"},
	{"setup_data_inside", m_setup_data_inside, "setup_data"},
	{"setup_data_size", m_setup_data_size, "setup_data"},
	{"setup_data_loop", m_setup_data_loop, "setup_data"},
	{"e820_ext", m_e820_ext, "rest of the memory map"},
	{"cmdline_other", m_cmdline_other, "the one shown"},
	{"cmdline_cut", m_cmdline_cut, "the one shown"},
	{"cmdline_long", m_cmdline_long, "longer than"},
	{"cmdline_address", m_cmdline_address, "does not name"},
	{"cmdline_longer", m_cmdline_longer, "does not name"},
	{"cmdline_shorter", m_cmdline_shorter, "does not name"},
	{"cmdline_dashes", m_cmdline_dashes, "does not name"},
	/* the dump kernel's memory */
	{"e820_not_its", m_e820_not_its, "is not the dump kernel's"},
	{"e820_below_1m", m_e820_below_1m, "is not the dump kernel's"},
	{"e820_protected", m_e820_protected, "may be overwritten"},
	{"e820_reserved", m_e820_reserved, "no RAM to the dump kernel"},
	{"e820_lacks_kernel", m_e820_lacks_kernel, "no RAM to the dump kernel"},
	/* the core header */
	{"core_class", m_core_class, "class and machine shown"},
	{"core_machine", m_core_machine, "class and machine shown"},
	{"core_machine_both", m_core_machine_both, "for a 64-bit system"},
	{"core_damaged", m_core_damaged, "core header:"},
	{"core_note_region", m_core_note_region, "lies in the crash region"},
	{"core_note_no_ram", m_core_note_no_ram, "not in the machine's RAM"},
	{"core_note_large", m_core_note_large, "larger than 4 MiB"},
	{"core_note_cpu", m_core_note_cpu, "registers of CPU 1"},
	{"core_note_cpu_size", m_core_note_cpu_size, "registers of CPU 0"},
	{"core_note_xen", m_core_note_xen, "lack VMCOREINFO_XEN"},
	{"core_note_own", m_core_note_own, "loader's own"},
	{"core_load_region", m_core_load_region, "hold the crash region"},
	{"core_load_low", m_core_load_low, "not taken from the backup"},
	{"core_load_low_long", m_core_load_low_long, "not taken from the backup"},
	{"core_load_offset", m_core_load_offset, "is taken from"},
	{"core_load_short", m_core_load_short, "lack memory at 0x1fffffff"},
	{"core_load_gap", m_core_load_gap, "lack memory at 0x100000"},
	{"core_load_more", m_core_load_more, "which is no RAM"},
	{"core_load_image_virt", m_core_load_image_virt, "which is no RAM"},
	{"core_load_virt", m_core_load_virt, "lack memory"},
	/* purgatory */
	{"purg_code", m_purg_code, "not whole"},
	{"purg_code_end", m_purg_code_end, "not whole"},
	{"purg_cut", m_purg_cut, "not whole"},
	{"purg_memory", m_purg_memory, "not whole"},
	{"purg_version", m_purg_version, "not whole"},
	{"purg_entry", m_purg_entry, "enter the kernel wrongly"},
	{"purg_bits", m_purg_bits, "enter the kernel wrongly"},
	{"purg_bp", m_purg_bp, "enter the kernel wrongly"},
	{"purg_backup_src", m_purg_backup_src, "save low memory"},
	{"purg_backup_dst", m_purg_backup_dst, "save low memory"},
	{"purg_backup_len", m_purg_backup_len, "save low memory"},
	{"purg_corruption", m_purg_corruption, "does not know"},
	{"purg_flags", m_purg_flags, "does not know"},
	{"purg_many", m_purg_many, "no room for 17"},
	{"purg_fewer", m_purg_fewer, "does not verify"},
	{"purg_more", m_purg_more, "what was not loaded"},
	{"purg_doubled", m_purg_doubled, "does not verify"},
	{"purg_digest", m_purg_digest, "does not verify the kernel"},
	{"purg_region_len", m_purg_region_len, "does not verify the"},
	{"purg_region_name", m_purg_region_name, "does not verify the"},
};

static enum xk_status check(struct mkplan *m)
{
	diag_init(&m->d);
	return plan_check(&m->plan, &m->host, &m->image, &m->lim, &m->d);
}

static void good_plan(struct mkplan *m, maddr_t start, maddr_t end)
{
	mkplan_init(m, start, end);
	m->rq.rng_seed_len = 32;
	if (mkplan_make(m))
		fail_msg("%s", m->d.text);
	assert_int_equal(check(m), XK_OK);
}

static void seen(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mutations); i++) {
		struct mkplan m;

		good_plan(&m, 0x20000000, 0x30000000);
		mutations[i].change(&m);
		if (check(&m) == XK_OK)
			fail_msg("%s was not seen", mutations[i].name);
		if (!strstr(m.d.text, mutations[i].says))
			fail_msg("%s: \"%s\" does not say \"%s\"", mutations[i].name, m.d.text,
				mutations[i].says);
		assert_says(m.d.text, "please report");
		mkplan_deinit(&m);
	}
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
	assert_int_equal(check(&m), XK_OK);
	m.image.initrd_max--;
	assert_int_equal(check(&m), XK_FAIL);
	assert_says(m.d.text, "initrd_addr_max");
	m.image.initrd_max = 0xffffffff;
	/* the same kernel, were it a 32-bit one */
	m.image.is_64 = false;
	assert_int_equal(check(&m), XK_FAIL);
	assert_says(m.d.text, "896 MiB");
	m.image.is_64 = true;
	/* a piece above 4 GiB */
	seg(&m, SEG_BACKUP)->dest.start += 0x1000;
	seg(&m, SEG_BACKUP)->dest.end += 0x1000;
	assert_int_equal(check(&m), XK_FAIL);
	assert_says(m.d.text, "below 4 GiB");
	seg(&m, SEG_BACKUP)->dest.start -= 0x1000;
	seg(&m, SEG_BACKUP)->dest.end -= 0x1000;
	/* room enough for the hypervisor, but above 4 GiB, where no 32-bit entry starts from */
	seg(&m, SEG_KERNEL)->dest.start = 0xf0000000;
	seg(&m, SEG_KERNEL)->dest.end = seg(&m, SEG_INITRD)->dest.start;
	m.plan.kernel_entry = 0xf0000000;
	assert_int_equal(check(&m), XK_FAIL);
	assert_says(m.d.text, "below 4 GiB to enter");
	mkplan_deinit(&m);
}

/* Above 4 GiB purgatory maps what its parameters say. */
static void seen_high(void **state)
{
	struct mkplan m;

	(void)state;
	good_plan(&m, 0x140000000, 0x150000000);
	PURG(&m, map_end, 0x14ffff000);
	assert_int_equal(check(&m), XK_FAIL);
	assert_says(m.d.text, "not map the backup");
	PURG(&m, map_end, 0x150000000);
	assert_int_equal(check(&m), XK_OK);
	PURG(&m, map_start, 0x140201000);
	assert_int_equal(check(&m), XK_FAIL);
	assert_says(m.d.text, "not map the kernel");
	/* more than its tables hold */
	PURG(&m, map_start, 0x140000000);
	PURG(&m, map_end, 0x140000000 + PURG_MAX_MAP + 1);
	assert_int_equal(check(&m), XK_FAIL);
	mkplan_deinit(&m);
}

/* The same with more entries than the zero page holds. */
static void seen_long_map(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init(&m, 0x20000000, 0x30000000);
	for (uint64_t i = 0; i < 200; i++)
		assert_true(range_list_add(&m.host.memory,
			(struct range){0x300000000 + i * 0x2000, 0x300001000 + i * 0x2000},
			MEM_RESERVED));
	assert_int_equal(mkplan_make(&m), XK_OK);
	bp(&m, 4096 + 16 + 20 * 50 + 16, 1, 4); /* type of entry 128 + 50 */
	assert_int_equal(check(&m), XK_FAIL);
	assert_says(m.d.text, "rest of the memory map");
	bp(&m, 4096 + 16 + 20 * 50 + 16, 2, 4);
	assert_int_equal(check(&m), XK_OK);
	bp(&m, BP_SETUP_DATA, 0, 8);
	assert_int_equal(check(&m), XK_FAIL);
	assert_says(m.d.text, "cut at 128");
	mkplan_deinit(&m);
}

static void no_backup(void **state)
{
	struct mkplan m;

	(void)state;
	mkplan_init(&m, 0x20000000, 0x30000000);
	m.host.memory.v[0].type = MEM_RESERVED;
	assert_int_equal(mkplan_make(&m), XK_OK);
	PURG(&m, backup_len, 0xa0000);
	assert_int_equal(check(&m), XK_FAIL);
	assert_says(m.d.text, "save low memory");
	PURG(&m, backup_len, 0);
	grow_e820(&m, 0x1000, 0x2000, MEM_RAM);
	assert_int_equal(check(&m), XK_FAIL);
	assert_says(m.d.text, "without a backup");
	mkplan_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(seen),
		cmocka_unit_test(seen_32),
		cmocka_unit_test(seen_high),
		cmocka_unit_test(seen_long_map),
		cmocka_unit_test(no_backup),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
