// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>

#include "common/note.h"
#include "vmcore/dom0_vcpus.h"
#include "vmcore/why.h"
#include "vmcore/xen_xlat.h"

#define STACK_SIZE   (32 * KiB) /* aligned to its size; struct cpu_info is at its very end */
#define CPU_INFO_MAX 512
#define VCPU_SIZE    CORE_PAGE /* struct vcpu fits a page, and has it for itself */
#define DOMAIN_MAX   (64 * KiB)
#define MAX_CPUS     16384

/* struct cpu_user_regs: the order of the first 15 words, then what an exception pushes. */
enum {
	UR_R15,
	UR_R14,
	UR_R13,
	UR_R12,
	UR_RBP,
	UR_RBX,
	UR_R11,
	UR_R10,
	UR_R9,
	UR_R8,
	UR_RAX,
	UR_RCX,
	UR_RDX,
	UR_RSI,
	UR_RDI,
	UR_VECTOR, /* error_code, entry_vector */
	UR_RIP,
	UR_CS,
	UR_RFLAGS,
	UR_RSP,
	UR_SS,
	UR_WORDS, /* up to 4.20 es, ds, fs and gs follow */
};

/* From the registers in struct cpu_info to processor_id: four segments follow, or since 4.21 what
 * FRED adds. */
static const unsigned info_after[] = {UR_WORDS * 8 + 32, UR_WORDS * 8 + 16};

struct search {
	const struct core_notes *n;
	const struct xen_xlat *x;
	struct core_reader *r;
	vaddr_t domain; /* dom0's */
	unsigned domain_at; /* in struct vcpu */
	vaddr_t *vcpus; /* by vcpu_id */
	size_t nr;
	uint8_t seen[MAX_CPUS / 8]; /* processors of which is known whose registers they hold */
};

static uint64_t word(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t half(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bool is_heap_page(const struct search *s, vaddr_t at)
{
	return at >= s->x->directmap && at < s->x->directmap_end && at % CORE_PAGE == 0;
}

/* struct vcpu begins with vcpu_id and processor; its domain is a few words on. */
static bool is_vcpu(const struct search *s, vaddr_t at, uint32_t id)
{
	uint8_t head[64];

	return is_heap_page(s, at) && xen_read(s->x, s->r, at, head, sizeof(head)) &&
	       half(head) == id && half(head + 4) < MAX_CPUS &&
	       word(head + s->domain_at) == s->domain;
}

static bool find_domain_at(struct search *s, vaddr_t vcpu0)
{
	for (s->domain_at = 16; s->domain_at <= 48; s->domain_at += 8)
		if (is_vcpu(s, vcpu0, 0))
			return true;
	return false;
}

/* domain->vcpu, an array of pointers: the one place of struct domain that leads to dom0's vCPUs by
 * way of an array. */
static vaddr_t find_array(struct search *s, const uint8_t *domain, size_t size)
{
	for (size_t i = 0; i + 8 <= size; i += 8) {
		vaddr_t array = word(domain + i), vcpu0;

		if (array >= s->x->directmap && array < s->x->directmap_end && array % 8 == 0 &&
			xen_read(s->x, s->r, array, &vcpu0, 8) && find_domain_at(s, vcpu0))
			return array;
	}
	return 0;
}

static enum xk_status find_vcpus(struct search *s, struct diag *d)
{
	uint64_t size;
	uint8_t *domain;
	vaddr_t array = 0, at;

	if (!vmcoreinfo_size(s->n->vmcoreinfo_xen, "domain", &size) || size > DOMAIN_MAX)
		size = CORE_PAGE;
	domain = malloc((size_t)size + 1);
	s->vcpus = calloc(DOM0_MAX_VCPUS, sizeof(*s->vcpus));
	if (domain && xen_read(s->x, s->r, s->domain, domain, (size_t)size))
		array = find_array(s, domain, (size_t)size);
	free(domain);
	if (!domain || !s->vcpus)
		return diag_fail(d, XK_NOMEM, "no memory for dom0's vCPUs");
	while (array && s->nr < DOM0_MAX_VCPUS && xen_read(s->x, s->r, array + s->nr * 8, &at, 8) &&
		is_vcpu(s, at, (uint32_t)s->nr))
		s->vcpus[s->nr++] = at;
	return XK_OK;
}

#define FLAGS_ALWAYS 0x202u /* bit 1; and a PV guest never really disables interrupts */
#define FLAGS_NEVER  UINT64_C(0xffffffffffc08028)

static bool canonical(uint64_t v)
{
	return v >> 47 == 0 || v >> 47 == 0x1ffff;
}

/* Registers of a PV guest: never of ring 0, its stack of the same ring as its code, and by an entry
 * that Xen knows. */
static bool plausible(const uint8_t *p)
{
	uint64_t cs = word(p + UR_CS * 8), flags = word(p + UR_RFLAGS * 8);
	uint64_t ip = word(p + UR_RIP * 8), ss = word(p + UR_SS * 8);
	uint32_t vector = half(p + UR_VECTOR * 8 + 4) & 0xfffcffff; /* two flags of older ones */

	/* above cs come 16 bits of nothing and the byte saved_upcall_mask */
	return cs & 3 && cs & 0xfff8 && !(cs >> 40) && (ss & 3) == (cs & 3) && ss & 0xfff8 &&
	       (flags & FLAGS_ALWAYS) == FLAGS_ALWAYS && !(flags & FLAGS_NEVER) && canonical(ip) &&
	       ip >= CORE_PAGE && canonical(word(p + UR_RSP * 8)) && vector <= 0x1ff;
}

static struct cpu_regs convert(const uint8_t *p)
{
	uint64_t w[UR_WORDS];
	struct cpu_regs g;

	memcpy(w, p, sizeof(w));
	g = (struct cpu_regs){.r15 = w[UR_R15],
		.r14 = w[UR_R14],
		.r13 = w[UR_R13],
		.r12 = w[UR_R12],
		.rbp = w[UR_RBP],
		.rbx = w[UR_RBX],
		.r11 = w[UR_R11],
		.r10 = w[UR_R10],
		.r9 = w[UR_R9],
		.r8 = w[UR_R8],
		.rax = w[UR_RAX],
		.rcx = w[UR_RCX],
		.rdx = w[UR_RDX],
		.rsi = w[UR_RSI],
		.rdi = w[UR_RDI],
		.rip = w[UR_RIP],
		.cs = w[UR_CS] & 0xffff,
		.rflags = w[UR_RFLAGS],
		.rsp = w[UR_RSP],
		.ss = w[UR_SS] & 0xffff};
	/* A PV kernel runs in ring 3 (64-bit) or 1 (32-bit). It is shown its selector as of ring 0,
	 * and so tells its own code from that of its processes: xen/arch/x86/x86_64/entry.S. */
	if (g.rip >> 63 || (g.cs & 3) == 1)
		g.cs &= ~UINT64_C(3);
	return g;
}

/* Which vCPU's registers are on a stack: that of the last guest, which stays while the processor
 * idles; struct vcpu then has older ones. False: not known. */
static bool owner_of(const struct search *s, vaddr_t current, uint64_t per_cpu, vaddr_t *ret)
{
	vaddr_t symbol, domain;

	if (xen_symbol(s->n, "per_cpu__curr_vcpu", &symbol) &&
		xen_read(s->x, s->r, symbol + per_cpu, ret, sizeof(*ret)))
		return true;
	*ret = current;
	return xen_read(s->x, s->r, current + s->domain_at, &domain, 8) && domain == s->domain;
}

static int find_vcpu(const struct search *s, vaddr_t at)
{
	for (size_t i = 0; i < s->nr; i++)
		if (s->vcpus[i] == at)
			return (int)i;
	return -1;
}

/* struct cpu_info at the end of a stack: processor_id, current_vcpu, per_cpu_offset. Returns where
 * processor_id is; 0: nowhere. */
static unsigned find_info(const struct search *s, const uint8_t *top)
{
	vaddr_t offsets;

	for (unsigned at = CPU_INFO_MAX - 24; at >= info_after[1]; at -= 8) {
		uint32_t cpu = half(top + at), processor;
		vaddr_t vcpu = word(top + at + 8);
		uint64_t per_cpu = word(top + at + 16), told;

		if (cpu >= MAX_CPUS || !is_heap_page(s, vcpu) ||
			!xen_read(s->x, s->r, vcpu + 4, &processor, 4) || processor != cpu)
			continue;
		if (!xen_symbol(s->n, "__per_cpu_offset", &offsets) ||
			!xen_read(s->x, s->r, offsets + 8 * (uint64_t)cpu, &told, 8) ||
			told == per_cpu)
			return at;
	}
	return 0;
}

/* One processor, by the stack pointer that its crash note has. */
static void read_stack(struct search *s, const struct cpu_regs *cpu, struct dom0_vcpus *ret)
{
	vaddr_t end = align_down(cpu->rsp, STACK_SIZE) + STACK_SIZE;
	uint8_t top[CPU_INFO_MAX];
	unsigned at, cpu_id;
	vaddr_t owner;
	int id;

	if (cpu->empty || !xen_read(s->x, s->r, end - CPU_INFO_MAX, top, sizeof(top)))
		return;
	at = find_info(s, top);
	if (!at)
		return;
	if (!owner_of(s, word(top + at + 8), word(top + at + 16), &owner))
		return;
	cpu_id = half(top + at);
	s->seen[cpu_id / 8] |= (uint8_t)(1u << cpu_id % 8);
	id = find_vcpu(s, owner);
	if (id < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(info_after); i++) {
		struct cpu_regs *g = &ret->v[id];

		if (at < info_after[i] || !plausible(top + at - info_after[i]))
			continue;
		*g = convert(top + at - info_after[i]);
		/* Xen leaves the guest's in place; what the note says is that. */
		g->fs_base = cpu->fs_base;
		g->gs_base = cpu->gs_base;
		return;
	}
}

/* Where user_regs is in struct vcpu: the one place at which all of dom0's vCPUs have registers or,
 * those that never ran, nothing. 0: none, or several. */
static unsigned find_saved(const struct search *s)
{
	uint8_t page[VCPU_SIZE];
	uint8_t hits[VCPU_SIZE / 8] = {
		0}; /* at each word: 0 no vCPU yet, 1 all so far, 2 not all */
	unsigned found = 0;

	for (size_t i = 0; i < s->nr; i++) {
		if (!xen_read(s->x, s->r, s->vcpus[i], page, sizeof(page)))
			return 0;
		for (unsigned at = 0; at + UR_WORDS * 8 <= VCPU_SIZE; at += 8) {
			bool empty = !word(page + at + UR_RIP * 8) && !word(page + at + UR_CS * 8);

			if (plausible(page + at))
				hits[at / 8] |= 1;
			else if (!empty)
				hits[at / 8] |= 2;
		}
	}
	for (unsigned i = 0; i < ARRAY_SIZE(hits); i++) {
		if (hits[i] != 1)
			continue;
		if (found)
			return 0;
		found = i * 8;
	}
	return found;
}

/* That a vCPU's own processor, where its newest registers may be, does not hold them. */
static bool is_saved(const struct search *s, size_t i)
{
	uint32_t cpu;

	return xen_read(s->x, s->r, s->vcpus[i] + 4, &cpu, sizeof(cpu)) && cpu < MAX_CPUS &&
	       s->seen[cpu / 8] >> cpu % 8 & 1;
}

static void read_saved(const struct search *s, struct dom0_vcpus *ret)
{
	unsigned at = find_saved(s);

	for (size_t i = 0; at && i < s->nr; i++) {
		uint8_t regs[UR_WORDS * 8];

		if (ret->v[i].empty && is_saved(s, i) &&
			xen_read(s->x, s->r, s->vcpus[i] + at, regs, sizeof(regs)) &&
			plausible(regs))
			ret->v[i] = convert(regs);
	}
}

enum xk_status dom0_vcpus_read(const struct core_notes *n, const struct xen_xlat *x,
	struct core_reader *r, vaddr_t domain, struct dom0_vcpus *ret, struct diag *d)
{
	struct search s = {.n = n, .x = x, .r = r, .domain = domain};
	enum xk_status st = find_vcpus(&s, d);
	size_t known = 0;

	memset(ret, 0, sizeof(*ret));
	if (!st && s.nr) {
		ret->v = calloc(s.nr, sizeof(*ret->v));
		if (!ret->v)
			st = diag_fail(d, XK_NOMEM, "no memory for dom0's registers");
	}
	if (st || !s.nr) {
		free(s.vcpus);
		why_add(ret->why, sizeof(ret->why),
			"dom0's vCPUs are not found in Xen's memory: the core has no registers");
		return st;
	}
	ret->nr = s.nr;
	for (size_t i = 0; i < s.nr; i++)
		ret->v[i].empty = true;
	for (size_t i = 0; i < n->nr_cpus; i++)
		read_stack(&s, &n->cpus[i], ret);
	read_saved(&s, ret);
	free(s.vcpus);
	for (size_t i = 0; i < ret->nr; i++)
		known += !ret->v[i].empty;
	if (known < ret->nr)
		why_add(ret->why, sizeof(ret->why),
			"the registers of %zu of dom0's %zu vCPUs are not found: their notes are all zero",
			ret->nr - known, ret->nr);
	return XK_OK;
}

void dom0_vcpus_deinit(struct dom0_vcpus *v)
{
	free(v->v);
	memset(v, 0, sizeof(*v));
}

/* struct elf_prstatus: Linux include/uapi/linux/elfcore.h, arch/x86/include/asm/user_{64,32}.h. */
static void put(uint8_t *to, const uint64_t *regs, size_t nr, size_t width)
{
	for (size_t i = 0; i < nr; i++)
		memcpy(to + i * width, &regs[i], width); /* x86 is little-endian */
}

void dom0_prstatus(struct buf *notes, const struct cpu_regs *g, unsigned bits)
{
	const uint64_t none = g->empty ? 0 : UINT64_MAX; /* orig_ax: in no system call */
	uint8_t desc[336] = {0};

	if (bits == 32) {
		const uint64_t r[] = {g->rbx, g->rcx, g->rdx, g->rsi, g->rdi, g->rbp, g->rax, g->ds,
			g->es, g->fs, g->gs, none, g->rip, g->cs, g->rflags, g->rsp, g->ss};

		memcpy(desc + 24, &g->pid, sizeof(g->pid));
		put(desc + 72, r, ARRAY_SIZE(r), 4);
		note_append(notes, "CORE", NT_PRSTATUS, (struct bytes){desc, 144});
	} else {
		const uint64_t r[] = {g->r15, g->r14, g->r13, g->r12, g->rbp, g->rbx, g->r11,
			g->r10, g->r9, g->r8, g->rax, g->rcx, g->rdx, g->rsi, g->rdi, none, g->rip,
			g->cs, g->rflags, g->rsp, g->ss, g->fs_base, g->gs_base, g->ds, g->es,
			g->fs, g->gs};

		memcpy(desc + 32, &g->pid, sizeof(g->pid));
		put(desc + 112, r, ARRAY_SIZE(r), 8);
		note_append(notes, "CORE", NT_PRSTATUS, (struct bytes){desc, 336});
	}
}
