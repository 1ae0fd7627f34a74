// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "common/elfnote.h"
#include "common/plan.h"
#include "vmcore/linux_uts.h"
#include "vmcore/log_text.h"
#include "vmcore/small_text.h"

#define STRING_MAX 128u /* of Xen's */

static void put_text(struct buf *to, const char *name, struct bytes text)
{
	if (!text.len)
		return;
	buf_printf(to, "%-16s ", name);
	log_escape(to, text);
	buf_append(to, "\n", 1);
}

static void put_string(struct buf *to, const char *name, const char *text)
{
	put_text(to, name, (struct bytes){(const uint8_t *)text, strlen(text)});
}

/* A fact of the loader's. */
static struct bytes fact(const struct core_notes *n, const char *key)
{
	struct bytes v;

	return xkn_fact(n->xenkdump, key, 0, &v) ? v : (struct bytes){NULL, 0};
}

/* A string of Xen's by its machine address; empty: none. */
static void xen_string(const struct small_facts *f, maddr_t at, char ret[STRING_MAX])
{
	size_t n = 0;

	while (at && n < STRING_MAX - 1 && core_read(f->reader, at + n, ret + n, 1) && ret[n])
		n++;
	ret[n] = '\0';
}

static void report_xen(const struct small_facts *f, struct buf *to)
{
	const struct core_notes *n = f->notes;
	char extra[STRING_MAX], s[STRING_MAX];
	char version[STRING_MAX + 64];

	xen_string(f, n->xen_info.extra, extra);
	snprintf(version, sizeof(version), "%" PRIu64 ".%" PRIu64 "%s", n->xen_info.major,
		n->xen_info.minor, extra);
	put_string(to, "Xen", n->xen_info.major ? version : "of a version that is not known");
	xen_string(f, n->xen_info.changeset, s);
	put_string(to, "changeset", s);
	xen_string(f, n->xen_info.compiler, s);
	put_string(to, "compiler", s);
	xen_string(f, n->xen_info.date, s);
	put_string(to, "compiled", s);
	put_text(to, "build id", fact(n, "xen.build-id"));
	put_text(to, "Xen command line", fact(n, "xen.command-line"));
	if (n->xen_info.tainted)
		buf_printf(to, "%-16s %#" PRIx64 "\n", "tainted", n->xen_info.tainted);
}

static void report_linux(const struct small_facts *f, struct buf *to)
{
	const struct core_notes *n = f->notes;
	struct bytes release = vmcoreinfo_value(n->vmcoreinfo, "OSRELEASE");
	struct linux_uts u;
	bool have = f->kernel && linux_uts_read(n, f->kernel, f->reader, &u);

	if (!release.len)
		release = fact(n, "kernel.release");
	put_text(to, n->xen ? "dom0" : "Linux", release);
	if (have)
		put_string(to, "version", u.version);
	put_text(to, "command line", fact(n, "kernel.command-line"));
}

static void report_panic(const struct small_facts *f, struct buf *to)
{
	const struct panic *p = f->panic;

	put_string(to, "Xen said", p->xen_panic);
	put_string(to, "Xen said", p->xen_kexec);
	put_string(to, "Linux said", p->linux_cause);
	put_string(to, "Linux said", p->linux_panic);
	if (!*p->xen_panic && !*p->xen_kexec && !*p->linux_cause && !*p->linux_panic)
		put_string(to, "reason", "not found in the logs");
}

static void put_cpus(const struct core_notes *n, struct buf *to)
{
	for (size_t i = 0; i < n->nr_cpus; i++) {
		const struct cpu_regs *c = &n->cpus[i];
		const int w = n->bits == 32 ? 8 : 16;

		if (c->empty) {
			buf_printf(to, "CPU %-4zu no registers: it did not answer\n", i);
			continue;
		}
		buf_printf(to,
			"CPU %-4zu rip %0*" PRIx64 " cs %04" PRIx64 " rsp %0*" PRIx64
			" rflags %08" PRIx64,
			i, w, c->rip, c->cs, w, c->rsp, c->rflags);
		if (c->have_cr)
			buf_printf(to, " cr2 %016" PRIx64 " cr3 %016" PRIx64, c->cr2, c->cr3);
		if (c->pid)
			buf_printf(to, " pid %" PRIu32, c->pid);
		buf_append(to, "\n", 1);
	}
	if (!n->nr_cpus)
		buf_printf(to, "no registers of any CPU\n");
}

static void put_time(struct buf *to, int64_t t)
{
	const time_t at = (time_t)t;
	char text[32];
	struct tm tm;

	if (gmtime_r(&at, &tm) && strftime(text, sizeof(text), "%F %T UTC", &tm))
		put_string(to, "saved", text);
}

/* A core of dom0 alone has no note of Xen's, and the loader's. */
static const char *what_crashed(const struct core_notes *n, const struct panic *p)
{
	const struct bytes under = fact(n, "hypervisor");

	if (n->xen)
		return panic_who(p);
	if (under.len == 3 && !memcmp(under.data, "xen", 3))
		return "Xen with its dom0, of which only dom0 is in this core";
	return "Linux, without Xen";
}

void small_report(const struct small_facts *f, struct buf *to)
{
	const struct core_notes *n = f->notes;

	put_string(to, "crashed", what_crashed(n, f->panic));
	put_time(to, f->time);
	report_panic(f, to);
	if (n->xen)
		report_xen(f, to);
	report_linux(f, to);
	if (n->xenkdump)
		put_text(to, "loaded by", n->xenkdump->tool);
	if (f->xen)
		put_string(to, "Xen's addresses", f->xen->why);
	else if (n->xen)
		put_string(to, "Xen's addresses", f->why_no_xen);
	if (f->kernel)
		put_string(to, "Linux' addresses", f->kernel->why);
	else
		put_string(to, "Linux' addresses", f->why_no_linux);
	put_cpus(n, to);
	for (size_t i = 0; i < f->core->nr_problems; i++)
		put_string(to, "core", f->core->problems[i]);
	for (size_t i = 0; i < n->nr_problems; i++)
		put_string(to, "notes", n->problems[i]);
}

static void put_list(struct bytes notes, struct buf *to)
{
	struct elf_note e;
	uint64_t off = 0;

	while (elfnote_next(notes, &off, &e) > 0) {
		buf_printf(to, "note ");
		log_escape(to, e.name);
		buf_printf(to, " type %#" PRIx32 ", %zu bytes\n", e.type, e.desc.len);
	}
	if (off < notes.len)
		buf_printf(to, "%zu bytes behind them\n", (size_t)(notes.len - off));
}

static void put_section(struct buf *to, const char *name, struct bytes text)
{
	if (!text.len)
		return;
	buf_printf(to, "\n--- %s\n", name);
	log_escape(to, text);
	if (text.data[text.len - 1] != '\n')
		buf_append(to, "\n", 1);
}

static void put_map(const struct xkn *x, struct buf *to)
{
	if (x->nr_map)
		buf_printf(to, "\n--- crash region\n");
	for (size_t i = 0; i < x->nr_map; i++) {
		const struct xkn_map *m = &x->map[i];

		buf_printf(to, "%#" PRIx64 "-%#" PRIx64 " %s%s\n", m->start, m->end,
			m->kind == XKN_MAP_REGION ? "region"
			: m->kind < SEG_KINDS	  ? seg_kind_name((enum seg_kind)m->kind)
						  : "?",
			m->flags & 1 ? ", not the dump kernel's" : "");
	}
}

void small_notes(const struct core *c, const struct core_notes *n, struct buf *to)
{
	put_list(buf_bytes(&c->notes), to);
	buf_printf(to, "\n--- registers\n");
	for (size_t i = 0; i < n->nr_cpus; i++) {
		const struct cpu_regs *r = &n->cpus[i];

		buf_printf(to,
			"CPU %zu rax %" PRIx64 " rbx %" PRIx64 " rcx %" PRIx64 " rdx %" PRIx64
			" rsi %" PRIx64 " rdi %" PRIx64 " rbp %" PRIx64 " rsp %" PRIx64
			" r8 %" PRIx64 " r9 %" PRIx64 " r10 %" PRIx64 " r11 %" PRIx64
			" r12 %" PRIx64 " r13 %" PRIx64 " r14 %" PRIx64 " r15 %" PRIx64
			" rip %" PRIx64 " rflags %" PRIx64 " cs %" PRIx64 " ss %" PRIx64
			" ds %" PRIx64 " es %" PRIx64 " fs %" PRIx64 " gs %" PRIx64
			" fs_base %" PRIx64 " gs_base %" PRIx64,
			i, r->rax, r->rbx, r->rcx, r->rdx, r->rsi, r->rdi, r->rbp, r->rsp, r->r8,
			r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rip, r->rflags,
			r->cs, r->ss, r->ds, r->es, r->fs, r->gs, r->fs_base, r->gs_base);
		if (r->have_cr)
			buf_printf(to,
				" cr0 %" PRIx64 " cr2 %" PRIx64 " cr3 %" PRIx64 " cr4 %" PRIx64,
				r->cr0, r->cr2, r->cr3, r->cr4);
		buf_append(to, "\n", 1);
	}
	put_section(to, "VMCOREINFO_XEN", n->vmcoreinfo_xen);
	put_section(to, n->xen ? "VMCOREINFO of dom0" : "VMCOREINFO", n->vmcoreinfo);
	if (!n->xenkdump)
		return;
	put_section(to, "what the loader knew", xkn_facts(n->xenkdump));
	put_map(n->xenkdump, to);
}
