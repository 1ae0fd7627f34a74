// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>

#include "common/elfnote.h"
#include "xen/notes.h"

#define NAME_XEN	"Xen"
#define NAME_CORE	"CORE"
#define NAME_VMCOREINFO "VMCOREINFO_XEN"

/* Order of struct user_regs_struct of each width, as Linux and the debuggers have it. */
static const char *const regs_64[] = {"r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9",
	"r8", "rax", "rcx", "rdx", "rsi", "rdi", "orig_rax", "rip", "cs", "rflags", "rsp", "ss",
	"fs_base", "gs_base", "ds", "es", "fs", "gs"};
static const char *const regs_32[] = {"ebx", "ecx", "edx", "esi", "edi", "ebp", "eax", "ds", "es",
	"fs", "gs", "orig_eax", "eip", "cs", "eflags", "esp", "ss"};

static const struct xen_note_layout layouts[] = {
	{
		.bits = 64,
		.word = 8,
		.size = 404,
		.size_cpu0 = 500,
		.prstatus = {NAME_CORE, XEN_NT_PRSTATUS, 0, 20, 336},
		.crash_regs = {NAME_XEN, XEN_NT_CRASH_REGS, 356, 372, 32},
		.crash_info = {NAME_XEN, XEN_NT_CRASH_INFO, 404, 420, 80},
		.reg_off = 112,
		.nr_regs = ARRAY_SIZE(regs_64),
		.reg_names = regs_64,
		.sp = 19,
		.ip = 16,
		.flags = 18,
	},
	{
		.bits = 32,
		.word = 4,
		.size = 196,
		.size_cpu0 = 252,
		.prstatus = {NAME_CORE, XEN_NT_PRSTATUS, 0, 20, 144},
		.crash_regs = {NAME_XEN, XEN_NT_CRASH_REGS, 164, 180, 16},
		.crash_info = {NAME_XEN, XEN_NT_CRASH_INFO, 196, 212, 40},
		.reg_off = 72,
		.nr_regs = ARRAY_SIZE(regs_32),
		.reg_names = regs_32,
		.sp = 15,
		.ip = 12,
		.flags = 14,
	},
};

_Static_assert(ARRAY_SIZE(regs_64) == XEN_MAX_REGS, "registers of a 64-bit PRSTATUS");
_Static_assert(ARRAY_SIZE(regs_32) == 17, "registers of a 32-bit PRSTATUS");

const struct xen_note_layout *xen_note_layout(unsigned bits)
{
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		if (layouts[i].bits == bits)
			return &layouts[i];
	return NULL;
}

unsigned xen_note_bits(uint64_t size, bool cpu0)
{
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		if (size == (cpu0 ? layouts[i].size_cpu0 : layouts[i].size))
			return layouts[i].bits;
	return 0;
}

/* The n-th word of an array that starts at off. The caller has checked the bounds. */
static uint64_t word_at(struct bytes b, uint64_t off, unsigned n, unsigned word)
{
	uint64_t v = 0;

	/* Descriptors are only 4-byte aligned: copy, never cast. */
	memcpy(&v, b.data + off + (uint64_t)n * word, word);
	return v;
}

enum xk_status xen_crash_info_parse(
	struct bytes desc, unsigned bits, struct xen_crash_info *ret, struct diag *d)
{
	const struct xen_note_layout *l = xen_note_layout(bits);
	uint64_t *const common[] = {&ret->major, &ret->minor, &ret->extra_version, &ret->changeset,
		&ret->compiler, &ret->compile_date, &ret->compile_time, &ret->tainted};
	size_t words;

	if (!l)
		return diag_fail(d, XK_BAD_INPUT, "no note layout for a %u-bit hypervisor", bits);
	words = desc.len / l->word;
	/* 8: without x86's own part; 9: before Xen 3.3, no xen_phys_start; 10: since. */
	if (desc.len % l->word || words < 8 || words > 10)
		return diag_fail(d, XK_BAD_INPUT,
			"Xen CRASH_INFO note: descriptor of %zu bytes, wanted 8, 9 or 10 words of "
			"%u bytes",
			desc.len, l->word);
	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < ARRAY_SIZE(common); i++)
		*common[i] = word_at(desc, 0, i, l->word);
	ret->has_phys_start = words == 10;
	ret->has_frame_list = words >= 9;
	if (ret->has_phys_start)
		ret->phys_start = word_at(desc, 0, 8, l->word);
	if (ret->has_frame_list)
		ret->frame_list = word_at(desc, 0, (unsigned)words - 1, l->word);
	return XK_OK;
}

static enum xk_status bad_size(
	const struct elf_note *n, const char *what, uint32_t want, unsigned bits, struct diag *d)
{
	return diag_fail(d, XK_BAD_INPUT,
		"Xen %s note: descriptor of %zu bytes, wanted %u for a %u-bit hypervisor", what,
		n->desc.len, want, bits);
}

static enum xk_status parse_one(const struct elf_note *n, const struct xen_note_layout *l,
	struct xen_cpu_notes *ret, struct diag *d)
{
	if (elfnote_is(n, NAME_CORE, XEN_NT_PRSTATUS)) {
		if (n->desc.len != l->prstatus.descsz)
			return bad_size(n, "PRSTATUS", l->prstatus.descsz, l->bits, d);
		for (unsigned i = 0; i < l->nr_regs; i++) {
			ret->regs[i] = word_at(n->desc, l->reg_off, i, l->word);
			ret->saved = ret->saved || ret->regs[i];
		}
		ret->has_regs = true;
	} else if (elfnote_is(n, NAME_XEN, XEN_NT_CRASH_REGS)) {
		if (n->desc.len != l->crash_regs.descsz)
			return bad_size(n, "CRASH_REGS", l->crash_regs.descsz, l->bits, d);
		ret->cr0 = word_at(n->desc, 0, 0, l->word);
		ret->cr2 = word_at(n->desc, 0, 1, l->word);
		ret->cr3 = word_at(n->desc, 0, 2, l->word);
		ret->cr4 = word_at(n->desc, 0, 3, l->word);
		ret->has_crs = true;
	} else if (elfnote_is(n, NAME_XEN, XEN_NT_CRASH_INFO)) {
		ret->has_info = true;
		return xen_crash_info_parse(n->desc, l->bits, &ret->info, d);
	}
	return XK_OK;
}

enum xk_status xen_notes_parse(
	struct bytes b, unsigned bits, struct xen_cpu_notes *ret, struct diag *d)
{
	const struct xen_note_layout *l = xen_note_layout(bits);
	struct xen_cpu_notes got = {0};
	struct elf_note n;
	uint64_t off = 0;
	int more;

	if (!l)
		return diag_fail(d, XK_BAD_INPUT, "no note layout for a %u-bit hypervisor", bits);
	for (;;) {
		uint64_t at = off;
		enum xk_status st;

		more = elfnote_next(b, &off, &n);
		if (more < 0)
			return diag_fail(d, XK_BAD_INPUT,
				"the note at byte %" PRIu64 " of %zu does not fit its buffer", at,
				b.len);
		if (!more)
			break;
		st = parse_one(&n, l, &got, d);
		if (st)
			return st;
	}
	*ret = got;
	return XK_OK;
}

static enum xk_status validate_one(
	struct bytes b, const struct xen_note_place *p, uint64_t *off, struct diag *d)
{
	uint64_t at = *off;
	struct elf_note n;

	if (at != p->off)
		return diag_fail(d, XK_BAD_INPUT, "note %s/%#x at byte %" PRIu64 ", wanted %u",
			p->name, p->type, at, p->off);
	if (elfnote_next(b, off, &n) != 1)
		return diag_fail(d, XK_BAD_INPUT,
			"no note, or a truncated one, at byte %" PRIu64 " of %zu; wanted %s/%#x",
			at, b.len, p->name, p->type);
	if (!elfnote_is(&n, p->name, p->type))
		return diag_fail(d, XK_BAD_INPUT,
			"the note at byte %" PRIu64 " is %.*s/%#x, wanted %s/%#x", at,
			(int)min_u64(n.name.len, 16), (const char *)n.name.data, n.type, p->name,
			p->type);
	if (n.desc.len != p->descsz || n.desc.data != b.data + p->desc_off)
		return diag_fail(d, XK_BAD_INPUT,
			"note %s/%#x has %zu bytes at %td, wanted %u at %u", p->name, p->type,
			n.desc.len, n.desc.data - b.data, p->descsz, p->desc_off);
	return XK_OK;
}

enum xk_status xen_notes_validate(struct bytes b, unsigned bits, bool cpu0, struct diag *d)
{
	const struct xen_note_layout *l = xen_note_layout(bits);
	enum xk_status st;
	uint64_t off = 0;
	uint32_t want;

	if (!l)
		return diag_fail(d, XK_BAD_INPUT, "no note layout for a %u-bit hypervisor", bits);
	want = cpu0 ? l->size_cpu0 : l->size;
	if (b.len != want)
		return diag_fail(d, XK_BAD_INPUT,
			"note buffer of %zu bytes, wanted %u for %s of a %u-bit hypervisor", b.len,
			want, cpu0 ? "CPU 0" : "a CPU other than 0", bits);
	st = validate_one(b, &l->prstatus, &off, d);
	if (!st)
		st = validate_one(b, &l->crash_regs, &off, d);
	if (!st && cpu0)
		st = validate_one(b, &l->crash_info, &off, d);
	return st;
}

enum xk_status xen_vmcoreinfo_text(struct bytes b, struct bytes *ret, struct diag *d)
{
	struct elf_note n;
	uint64_t off = 0;
	int got = elfnote_next(b, &off, &n);

	if (got < 0)
		return diag_fail(d, XK_BAD_INPUT,
			"the VMCOREINFO_XEN note does not fit its %zu bytes", b.len);
	/* Xen fills the page when an image is loaded for the first time since boot. */
	if (!got)
		return diag_fail(d, XK_BAD_INPUT,
			"the VMCOREINFO_XEN page is empty: no image was loaded since Xen started");
	if (!elfnote_is(&n, NAME_VMCOREINFO, 0))
		return diag_fail(d, XK_BAD_INPUT, "note %.*s/%#x where VMCOREINFO_XEN should be",
			(int)min_u64(n.name.len, 16), (const char *)n.name.data, n.type);
	ret->data = n.desc.data;
	ret->len = n.desc.len ? strnlen((const char *)n.desc.data, n.desc.len) : 0;
	return XK_OK;
}
