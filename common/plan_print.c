// SPDX-License-Identifier: GPL-2.0-only
/* The plan for people: what, where, why, and a picture of the crash region in proportion. */
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "common/facts.h"
#include "common/plan_mem.h"

#define COLUMNS 64

static const char letters[SEG_KINDS] = {
	[SEG_KERNEL] = 'K',
	[SEG_INITRD] = 'I',
	[SEG_BOOTPARAMS] = 'b',
	[SEG_CMDLINE] = 'c',
	[SEG_ELFCORE] = 'E',
	[SEG_NOTE] = 'N',
	[SEG_BACKUP] = 'B',
	[SEG_PURGATORY] = 'P',
};

/* Text from outside on a line of its own: a line end in it must not look like one of the plan's. */
static void print_quoted(struct buf *b, const char *before, const char *text)
{
	buf_printf(b, "%s", before);
	for (; *text; text++)
		if (*text == '\n')
			buf_printf(b, "\\x0a");
		else
			buf_append(b, text, 1);
	buf_append(b, "\n", 1);
}

static void print_size(struct buf *b, uint64_t size)
{
	if (size >= 10 * MiB)
		buf_printf(b, "%6" PRIu64 " MiB", size / MiB);
	else if (size >= 10 * KiB)
		buf_printf(b, "%6" PRIu64 " KiB", size / KiB);
	else
		buf_printf(b, "%6" PRIu64 " B  ", size);
}

static uint64_t overlap(struct range a, struct range b)
{
	struct range both = {max_u64(a.start, b.start), min_u64(a.end, b.end)};

	return range_size(both);
}

/* Several pieces in one column show as '*', so that nothing is hidden behind a larger one. */
static char column(const struct plan *p, struct range part)
{
	unsigned pieces = 0;
	char c = '.';

	for_each_seg (s, p) {
		uint64_t n = overlap(s->dest, part);

		if (!n)
			continue;
		pieces++;
		c = letters[s->kind];
	}
	if (overlap(p->control, part) * 2 > range_size(part) && !pieces)
		return 'x';
	return pieces > 1 ? '*' : c;
}

static const char *who(const struct plan *p)
{
	return p->hypervisor == HV_XEN ? "the hypervisor" : "Linux";
}

static void print_picture(struct buf *b, const struct plan *p)
{
	uint64_t size = range_size(p->region);

	buf_printf(b, "\nThe crash region in proportion, a column is ");
	buf_printf(b, size / COLUMNS >= MiB ? "%.1f MiB:\n" : "%.3f MiB:\n",
		(double)size / COLUMNS / (double)MiB);
	buf_printf(b, "  [");
	for (uint64_t i = 0; i < COLUMNS; i++) {
		struct range part = {p->region.start + size / COLUMNS * i,
			i == COLUMNS - 1 ? p->region.end
					 : p->region.start + size / COLUMNS * (i + 1)};
		char c = column(p, part);

		buf_append(b, &c, 1);
	}
	buf_printf(b, "]\n  x left to %s, . free for the dump kernel, * several", who(p));
	for_each_seg (s, p)
		buf_printf(b, ", %c %s", letters[s->kind], seg_kind_name(s->kind));
	buf_printf(b, "\n");
}

static void print_row(struct buf *b, struct range r, const char *kind, const char *text)
{
	buf_printf(b, "  %#14" PRIx64 " %#14" PRIx64 " ", r.start, r.end);
	print_size(b, range_size(r));
	buf_printf(b, "  %-10s %s", kind, text);
}

static void print_segs(struct buf *b, const struct plan *p)
{
	maddr_t at = p->region.start;

	buf_printf(b, "\n%zu segments:\n", p->nr);
	buf_printf(b, "  %14s %14s %10s  %-10s\n", "start", "end", "size", "kind");
	for_each_seg (s, p) {
		struct range gap = {at, s->dest.start};

		if (!range_empty(gap) && gap.start == p->control.start && p->control_need) {
			print_row(b, gap, "-", "");
			buf_printf(b, "left to %s, which needs at most ", who(p));
			print_size(b, p->control_need);
			buf_printf(b, "\n");
		} else if (!range_empty(gap)) {
			print_row(b, gap, "-", "free\n");
		}
		print_row(b, s->dest, seg_kind_name(s->kind), s->reason);
		buf_printf(b, "%s\n", s->protected ? " [kept from the dump kernel]" : "");
		at = s->dest.end;
	}
	if (at < p->region.end)
		print_row(b, (struct range){at, p->region.end}, "-", "free\n");
	buf_printf(b, "\nSHA-256, verified before the dump kernel is entered:\n");
	for_each_seg (s, p) {
		if (!plan_verifies(p, s))
			continue;
		buf_printf(b, "  %-10s ", seg_kind_name(s->kind));
		for (unsigned i = 0; i < sizeof(s->sha256); i++)
			buf_printf(b, "%02x", s->sha256[i]);
		buf_printf(b, " %zu bytes\n", s->len);
	}
}

static void print_core(struct buf *b, const struct plan *p)
{
	static const char *const os[] = {"no", "by address", "copied at load"};

	buf_printf(b,
		"core header: %s %s, %u program headers: registers of %u CPUs, "
		"%skernel's VMCOREINFO %s, XENKDUMP note %" PRIu64 " bytes, %u ranges of RAM%s\n",
		p->core_class == ELFCLASS64 ? "ELF64" : "ELF32",
		p->core_machine == EM_X86_64 ? "EM_X86_64" : "EM_386", p->core.phdrs,
		p->core.cpu_notes,
		p->core.xen_vmcoreinfo	  ? "VMCOREINFO_XEN yes, "
		: p->hypervisor == HV_XEN ? "VMCOREINFO_XEN no, "
					  : "",
		os[p->core.os_vmcoreinfo], p->core.xenkdump_note, p->core.ram_loads,
		p->core.xen_image      ? ", the hypervisor's image"
		: p->core.kernel_image ? ", the kernel's image"
				       : "");
	if (p->hotplug)
		buf_printf(b, "core header: kept current by Linux, and so not verified\n");
	if (p->efi_ranges)
		buf_printf(
			b, "EFI: handed over with %zu ranges of runtime services\n", p->efi_ranges);
}

static const char *mem_type_name(uint32_t type)
{
	return type >= MEM_RAM && type <= MEM_PMEM && fact_mem_types[type][0] != '?'
		       ? fact_mem_types[type]
		       : "other";
}

enum xk_status plan_print(const struct plan *p, struct buf *ret, struct diag *d)
{
	buf_printf(ret, "image: %s, entered at %" PRIaddr "; kernel's %u-bit entry %" PRIaddr "\n",
		p->machine == EM_X86_64 ? "EM_X86_64" : "EM_386", p->entry, p->entry_bits,
		p->kernel_entry);
	print_core(ret, p);
	print_quoted(ret, "command line: ", p->cmdline);
	buf_printf(ret, "purgatory speaks on: %s", p->console.vga ? "VGA text" : "nothing");
	if (p->console.serial_port)
		buf_printf(ret, ", serial port %#x", p->console.serial_port);
	if (p->console.serial_divisor)
		buf_printf(ret, " at %u baud", 115200u / p->console.serial_divisor);
	buf_printf(ret, "\ncrash region: %" PRIaddr "-%" PRIaddr ", %" PRIu64 " MiB\n",
		p->region.start, p->region.end, range_size(p->region) / MiB);
	for (size_t i = 0; i < p->more.nr; i++)
		buf_printf(ret,
			"and for the dump kernel's use: %" PRIaddr "-%" PRIaddr ", %" PRIu64
			" MiB\n",
			p->more.v[i].r.start, p->more.v[i].r.end, range_size(p->more.v[i].r) / MiB);
	print_picture(ret, p);
	print_segs(ret, p);
	buf_printf(ret, "\nmemory map of the dump kernel:\n");
	for (size_t i = 0; i < p->e820.nr; i++) {
		const struct mem_range *m = &p->e820.v[i];

		buf_printf(ret, "  %#14" PRIx64 " %#14" PRIx64 "  %s\n", m->r.start, m->r.end,
			mem_type_name(m->type));
	}
	for (size_t i = 0; i < p->nr_warnings; i++)
		print_quoted(ret, "\nwarning: ", p->warnings[i]);
	if (ret->failed)
		return diag_fail(d, XK_NOMEM, "no memory to print the plan");
	return XK_OK;
}
