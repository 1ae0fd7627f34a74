// SPDX-License-Identifier: GPL-2.0-only
#include "vmcore/dom0_linux.h"
#include "vmcore/pagetable.h"

/* The text mapping has gaps where initial data was freed, but none as long as this. */
#define TEXT_GAP (16 * MiB)
/* A 32-bit kernel's image lies in the direct map, which does not end with it. */
#define IMAGE_32 (32 * MiB)

/* Xen include/public/xen.h, struct start_info: "xen-<version>-<platform>"; 3.0 since 2005. */
static const char magic[] = "xen-3.0-x86_";

struct range dom0_image(const struct dom0_pages *p, const struct linux_xlat *l,
	const struct core_notes *n, struct core_reader *under)
{
	const struct pagetable t = {pagetable_read_core, under, l->pgd, l->levels, l->not_address};
	const struct range none = {0, 0};
	uint64_t size = l->text_size ? l->text_size : IMAGE_32, off;
	vaddr_t start, end = 0;

	if (!l->pgd || !l->text_base || !vmcoreinfo_symbol(n->vmcoreinfo, "_stext", &start) ||
		start < l->text_base || (l->text_size && start - l->text_base >= l->text_size))
		return none;
	start = align_down(start, 2 * MiB);
	size = l->text_size ? l->text_base + size - start : IMAGE_32;
	for (off = 0; off < size && off - end < TEXT_GAP; off += CORE_PAGE) {
		uint64_t phys = start + off - l->text_base + l->phys_base;
		maddr_t m;

		if (pagetable_walk(&t, start + off, &m, NULL) &&
			p2m_mfn(&p->p2m, under, phys / CORE_PAGE) == m / CORE_PAGE)
			end = off + CORE_PAGE;
	}
	if (!end)
		return none;
	start = start - l->text_base + l->phys_base;
	return (struct range){start, start + end};
}

/* dom0's address of a pointer that could be the one; false: it is none. */
static bool to_phys(
	const struct dom0_pages *p, const struct linux_xlat *l, uint64_t v, uint64_t *ret)
{
	const uint64_t all = p->p2m.nr * CORE_PAGE;

	if (v % CORE_PAGE || !v)
		return false;
	if (l->text_size && v >= l->text_base && v - l->text_base < l->text_size)
		*ret = v - l->text_base + l->phys_base;
	else if (l->page_offset && v >= l->page_offset && v - l->page_offset < all)
		*ret = v - l->page_offset;
	else
		return false;
	return true;
}

size_t dom0_blank_start_info(struct dom0_pages *p, const struct linux_xlat *l, struct range image,
	struct core_reader *under)
{
	uint8_t page[CORE_PAGE], told[CORE_PAGE];
	const unsigned width = p->p2m.bits / 8;
	uint64_t last = 0; /* most page-aligned words of a kernel are the same few */
	bool last_is = false;

	for (uint64_t at = align_down(image.start, CORE_PAGE); at < image.end; at += CORE_PAGE) {
		if (dom0_page(p, under, at / CORE_PAGE, page) != PAGE_DATA)
			continue;
		for (unsigned i = 0; i < CORE_PAGE; i += width) {
			uint64_t v = 0, phys;

			memcpy(&v, page + i, width);
			if (!to_phys(p, l, v, &phys))
				continue;
			if (v != last)
				last_is =
					dom0_page(p, under, phys / CORE_PAGE, told) == PAGE_DATA &&
					!memcmp(told, magic, sizeof(magic) - 1);
			last = v;
			if (last_is && p->nr_blanks < DOM0_BLANKS)
				p->blank[p->nr_blanks++] = at + i;
		}
	}
	return p->nr_blanks;
}

/* Linux arch/x86/include/asm/processor.h (fixed_percpu_data), include/linux/sched.h (task_struct:
 * thread_info, __state, stack; pid, tgid, stack_canary), include/uapi/linux/magic.h. */
#define CANARY_AT    40
#define STACK_MAGIC  0x57ac6e9du /* at a stack's lower end */
#define PER_CPU_MAX  (512 * KiB) /* of one CPU's variables */
#define TASK_MAX     (16 * KiB)
#define PID_MAX	     (4u << 20)
#define KERNEL_BEGIN (UINT64_C(0xffff) << 48)

static bool has_stack(const struct linux_xlat *l, struct core_reader *under, vaddr_t task)
{
	static const unsigned places[] = {24, 32}; /* 64-bit; with saved_state before it */
	uint64_t stack, end;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (linux_read(l, under, task + places[i], &stack, 8) && stack >= KERNEL_BEGIN &&
			stack % CORE_PAGE == 0 && linux_read(l, under, stack, &end, 8) &&
			end == STACK_MAGIC)
			return true;
	return false;
}

/* Looks for the canary in a task, from its stack on. */
static bool task_pid(const struct linux_xlat *l, struct core_reader *under, vaddr_t task,
	uint64_t canary, uint32_t *ret)
{
	for (unsigned at = 40; at < TASK_MAX; at += 8) {
		uint64_t v;
		uint32_t ids[2]; /* pid, tgid */

		if (!linux_read(l, under, task + at, &v, 8))
			return false;
		if (v != canary || !linux_read(l, under, task + at - 8, ids, sizeof(ids)))
			continue;
		if (ids[0] >= PID_MAX || ids[1] >= PID_MAX || !ids[0] != !ids[1])
			return false;
		*ret = ids[0];
		return true;
	}
	return false;
}

uint32_t dom0_current_pid(
	const struct linux_xlat *l, struct core_reader *under, const struct cpu_regs *g)
{
	uint8_t page[CORE_PAGE];
	uint64_t canary;
	uint32_t pid;

	if (g->empty || l->bits != 64 || g->gs_base < KERNEL_BEGIN || g->gs_base % CORE_PAGE ||
		!linux_read(l, under, g->gs_base + CANARY_AT, &canary, 8) || canary >> 32 == 0 ||
		canary & 0xff) /* its first byte ends strings */
		return 0;
	for (vaddr_t off = 0; off < PER_CPU_MAX; off += CORE_PAGE) {
		if (!linux_read(l, under, g->gs_base + off, page, sizeof(page)))
			return 0;
		for (unsigned i = 0; i < CORE_PAGE; i += 8) {
			vaddr_t task;

			memcpy(&task, page + i, 8);
			if (task >= KERNEL_BEGIN && task % 64 == 0 && has_stack(l, under, task) &&
				task_pid(l, under, task, canary, &pid))
				return pid;
		}
	}
	return 0;
}
