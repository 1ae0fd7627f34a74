// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/elfnote.h"
#include "common/number.h"
#include "vmcore/notes_file.h"
#include "xen/notes.h"

/* Where the fields of elf_prstatus lie; pr_reg in the order of struct user_regs_struct. Linux
 * include/linux/elfcore.h, arch/x86/include/asm/user_{32,64}.h. */
#define PRSTATUS_64	336
#define PRSTATUS_64_PID 32
#define PRSTATUS_64_REG 112
#define PRSTATUS_32	144
#define PRSTATUS_32_PID 24
#define PRSTATUS_32_REG 72

void notes_problem(struct core_notes *n, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int len;

	if (n->nr_problems == ARRAY_SIZE(n->problems))
		return;
	va_start(ap, fmt);
	len = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (len >= 0)
		n->problems[n->nr_problems++] = s;
}

static struct cpu_regs regs_64(const uint8_t *p)
{
	uint64_t r[27];

	memcpy(r, p, sizeof(r));
	return (struct cpu_regs){.r15 = r[0],
		.r14 = r[1],
		.r13 = r[2],
		.r12 = r[3],
		.rbp = r[4],
		.rbx = r[5],
		.r11 = r[6],
		.r10 = r[7],
		.r9 = r[8],
		.r8 = r[9],
		.rax = r[10],
		.rcx = r[11],
		.rdx = r[12],
		.rsi = r[13],
		.rdi = r[14], /* 15: orig_rax */
		.rip = r[16],
		.cs = r[17],
		.rflags = r[18],
		.rsp = r[19],
		.ss = r[20],
		.fs_base = r[21],
		.gs_base = r[22],
		.ds = r[23],
		.es = r[24],
		.fs = r[25],
		.gs = r[26]};
}

static struct cpu_regs regs_32(const uint8_t *p)
{
	uint32_t r[17];

	memcpy(r, p, sizeof(r));
	return (struct cpu_regs){.rbx = r[0],
		.rcx = r[1],
		.rdx = r[2],
		.rsi = r[3],
		.rdi = r[4],
		.rbp = r[5],
		.rax = r[6],
		.ds = r[7],
		.es = r[8],
		.fs = r[9],
		.gs = r[10], /* 11: orig_eax */
		.rip = r[12],
		.cs = r[13],
		.rflags = r[14],
		.rsp = r[15],
		.ss = r[16]};
}

static bool all_zero(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (b.data[i])
			return false;
	return true;
}

/* Room for one more at the end of a list that doubles. */
static struct cpu_regs *cpu_add(struct core_notes *n)
{
	if ((n->nr_cpus & (n->nr_cpus - 1)) == 0) {
		size_t cap = n->nr_cpus ? 2 * n->nr_cpus : 1;
		struct cpu_regs *v = reallocarray(n->cpus, cap, sizeof(*v));

		if (!v)
			return NULL;
		n->cpus = v;
	}
	return &n->cpus[n->nr_cpus++];
}

static bool add_prstatus(struct core_notes *n, struct bytes desc)
{
	bool is_64 = desc.len == PRSTATUS_64;
	unsigned bits = is_64 ? 64 : 32;
	struct bytes regs = is_64 ? bytes_sub(desc, PRSTATUS_64_REG, 27 * 8)
				  : bytes_sub(desc, PRSTATUS_32_REG, 17 * 4);
	struct cpu_regs *c;

	if (!is_64 && desc.len != PRSTATUS_32) {
		notes_problem(n,
			"a PRSTATUS note of %zu bytes is left out: on x86 they have %d or %d",
			desc.len, PRSTATUS_64, PRSTATUS_32);
		return true;
	}
	c = cpu_add(n);
	if (!c)
		return false;
	*c = is_64 ? regs_64(regs.data) : regs_32(regs.data);
	memcpy(&c->pid, desc.data + (is_64 ? PRSTATUS_64_PID : PRSTATUS_32_PID), sizeof(c->pid));
	c->empty = all_zero(regs);
	if (n->bits && n->bits != bits)
		notes_problem(n,
			"the registers of CPU %zu (in the order of the notes) are those of a %u-bit machine, those before of a %u-bit one",
			n->nr_cpus - 1, bits, n->bits);
	else
		n->bits = bits;
	return true;
}

static uint64_t word_at(struct bytes desc, unsigned i, unsigned width)
{
	uint64_t v = 0;

	memcpy(&v, desc.data + i * width, width);
	return v;
}

static void add_crash_regs(struct core_notes *n, struct bytes desc)
{
	unsigned width = desc.len == 32 ? 8 : 4;
	struct cpu_regs *c = n->nr_cpus ? &n->cpus[n->nr_cpus - 1] : NULL;

	if (desc.len != 32 && desc.len != 16) {
		notes_problem(n,
			"a note of Xen's control registers has %zu bytes instead of 32 or 16: left out",
			desc.len);
	} else if (!c || c->have_cr) {
		notes_problem(n,
			"a note of Xen's control registers follows no CPU's registers: left out");
	} else {
		c->cr0 = word_at(desc, 0, width);
		c->cr2 = word_at(desc, 1, width);
		c->cr3 = word_at(desc, 2, width);
		c->cr4 = word_at(desc, 3, width);
		c->have_cr = true;
	}
}

static void add_crash_info(struct core_notes *n, struct bytes desc)
{
	/* 8, 9 or 10 words of 4 bytes make at most 40 bytes, of 8 at least 64 */
	unsigned bits = desc.len >= 64 ? 64 : 32;
	struct xen_crash_info i;
	struct diag d;

	diag_init(&d);
	if (xen_crash_info_parse(desc, bits, &i, &d)) {
		notes_problem(n, "%s", d.text);
		return;
	}
	if (n->crash_info) {
		notes_problem(
			n, "Xen's CRASH_INFO note is there more than once; the first is used");
		return;
	}
	n->xen = n->crash_info = true;
	n->xen_info.major = i.major;
	n->xen_info.minor = i.minor;
	n->xen_info.extra = i.extra_version;
	n->xen_info.changeset = i.changeset;
	n->xen_info.compiler = i.compiler;
	n->xen_info.date = i.compile_date;
	n->xen_info.time = i.compile_time;
	n->xen_info.tainted = i.tainted;
	n->xen_info.phys_start = i.phys_start;
	n->xen_info.have_phys_start = i.has_phys_start;
	n->xen_info.p2m_mfn = i.has_frame_list ? i.frame_list : 0;
	if (bits == 32 && n->xen_info.p2m_mfn == UINT32_MAX)
		n->xen_info.p2m_mfn = UINT64_MAX;
	if (!n->bits)
		n->bits = bits;
}

/* Notes are padded with zeros to a page, or to the buffer that the kernel had for them. */
static void add_text(struct core_notes *n, struct bytes *ret, struct bytes desc, const char *name)
{
	const uint8_t *nul = desc.len ? memchr(desc.data, 0, desc.len) : NULL;

	if (nul)
		desc.len = (size_t)(nul - desc.data);
	if (!desc.len)
		notes_problem(n, "the %s note is empty", name);
	else if (!ret->len)
		*ret = desc;
	else if (ret->len != desc.len || memcmp(ret->data, desc.data, desc.len))
		notes_problem(n, "there are two different %s notes; the first is used", name);
}

static enum xk_status add_note(struct core_notes *n, const struct elf_note *e, struct diag *d)
{
	bool ok = true;

	if (elfnote_is(e, "CORE", XEN_NT_PRSTATUS))
		ok = add_prstatus(n, e->desc);
	else if (elfnote_is(e, "Xen", XEN_NT_CRASH_REGS))
		add_crash_regs(n, e->desc);
	else if (elfnote_is(e, "Xen", XEN_NT_CRASH_INFO))
		add_crash_info(n, e->desc);
	else if (elfnote_is(e, "VMCOREINFO", 0))
		add_text(n, &n->vmcoreinfo, e->desc, "VMCOREINFO");
	else if (elfnote_is(e, "VMCOREINFO_XEN", 0))
		add_text(n, &n->vmcoreinfo_xen, e->desc, "VMCOREINFO_XEN");
	else if (elfnote_is(e, XKN_NAME, XKN_TYPE))
		ok = xkn_parse(n, e->desc);
	return ok ? XK_OK : diag_fail(d, XK_NOMEM, "no memory for what the notes of a core say");
}

static void fact_number(const struct core_notes *n, const char *key, uint64_t *ret)
{
	struct bytes v;

	if (!xkn_fact(n->xenkdump, key, 0, &v) || !number_bytes(v, 10, ret))
		*ret = 0;
}

/* A Xen whose CPU 0 left no notes, or whose loader lost them. */
static void xen_without_info(struct core_notes *n)
{
	n->xen = true;
	fact_number(n, "xen.major", &n->xen_info.major);
	fact_number(n, "xen.minor", &n->xen_info.minor);
	notes_problem(n,
		"Xen's CRASH_INFO note is missing: its version, where it lay in memory and dom0's list of pages must be found otherwise");
}

enum xk_status core_notes_parse(
	struct bytes notes, uint16_t machine, struct core_notes *ret, struct diag *d)
{
	struct core_notes n = {0};
	struct elf_note e;
	uint64_t off = 0;

	for (;;) {
		uint64_t at;
		enum xk_status st;
		int more;

		/* Unused room at the end of one buffer; those of other CPUs follow. A note of no
		 * name, which Linux takes for the end of a buffer too, starts with zeros. */
		while (bytes_has(notes, off, 4) && all_zero(bytes_sub(notes, off, 4)))
			off += 4;
		at = off;
		more = elfnote_next(notes, &off, &e);
		if (more < 0)
			notes_problem(&n,
				"the note at byte %" PRIu64
				" of %zu does not fit: what follows is lost",
				at, notes.len);
		if (more <= 0)
			break;
		st = add_note(&n, &e, d);
		if (st) {
			core_notes_deinit(&n);
			return st;
		}
	}
	if (!n.xen && n.vmcoreinfo_xen.len)
		xen_without_info(&n);
	if (machine == EM_386 && n.bits == 64)
		notes_problem(&n,
			"the core says that it is of a 32-bit machine, its register notes are of a 64-bit one: the loader took the one for the other");
	*ret = n;
	return XK_OK;
}

void core_notes_deinit(struct core_notes *n)
{
	xkn_free(n->xenkdump);
	free(n->cpus);
	for (size_t i = 0; i < n->nr_problems; i++)
		free(n->problems[i]);
	memset(n, 0, sizeof(*n));
}
