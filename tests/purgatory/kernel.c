// SPDX-License-Identifier: GPL-2.0-only
/* Says on COM1 in what state it was entered, as lines "KERNEL name=hex", does what run.py wrote
 * in place of boot_params, and leaves QEMU through isa-debug-exit. */
#include <stddef.h>
#include <stdint.h>

#define COM1	   0x3f8
#define DEBUG_EXIT 0xf4

struct state {
	uint64_t sp, si, bx, bp, di, flags, cs, ds, es, ss;
};

enum action { ACT_NONE, ACT_UD2, ACT_PAGE_FAULT, ACT_NMI, ACT_BAD_SELECTOR };

struct params {
	uint64_t magic;
	uint32_t action, nr_sums;
	struct {
		uint64_t addr, len;
	} sums[8];
};

#pragma GCC visibility push(hidden)
extern const struct state kernel_state;
_Noreturn void kernel_main(void);
#pragma GCC visibility pop

static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static void put(const char *s)
{
	for (; *s; s++) {
		while (!(inb(COM1 + 5) & 0x20))
			;
		outb(COM1, (uint8_t)*s);
	}
}

static void report(const char *name, uint64_t v)
{
	char hex[17];

	for (int i = 15; i >= 0; i--, v >>= 4)
		hex[i] = "0123456789abcdef"[v & 15];
	hex[16] = '\0';
	put("KERNEL ");
	put(name);
	put("=");
	put(hex);
	put("\n");
}

/* Depends on the order of the bytes; run.py computes the same. */
static uint64_t sum(uint64_t addr, uint64_t len)
{
	const uint8_t *p = (const uint8_t *)(uintptr_t)addr;
	uint32_t a = 1, b = 0;

	for (uint64_t i = 0; i < len; i++) {
		a += p[i];
		b += a;
	}
	return (uint64_t)b << 32 | a;
}

static void report_registers(void)
{
	const struct state *s = &kernel_state;
	uintptr_t cr0, cr3, cr4;
	uint32_t lo, hi;
	struct {
		uint16_t limit;
		uintptr_t base;
	} __attribute__((packed)) gdtr;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(0xc0000080));
	__asm__ volatile("sgdt %0" : "=m"(gdtr));
	report("bits", 8 * sizeof(void *));
	report("sp", s->sp);
	report("si", s->si);
	report("bx", s->bx);
	report("bp", s->bp);
	report("di", s->di);
	report("flags", s->flags);
	report("cs", s->cs);
	report("ds", s->ds);
	report("es", s->es);
	report("ss", s->ss);
	report("cr0", cr0);
	report("cr3", cr3);
	report("cr4", cr4);
	report("efer", (uint64_t)hi << 32 | lo);
	report("gdt10", ((const uint64_t *)gdtr.base)[2]);
	report("gdt18", ((const uint64_t *)gdtr.base)[3]);
	outb(COM1 + 3, 0x83);
	lo = inb(COM1) | inb(COM1 + 1) << 8;
	outb(COM1 + 3, 0x03);
	report("divisor", lo);
}

static void nmi_to_self(void)
{
	volatile uint32_t *apic = (volatile uint32_t *)(uintptr_t)0xfee00000;

	apic[0x310 / 4] = apic[0x20 / 4]; /* to the APIC id that is ours */
	apic[0x300 / 4] = 0x4400; /* assert, NMI */
	for (volatile int i = 0; i < 100000; i++)
		;
	report("nmi", 1);
}

void kernel_main(void)
{
	const struct params *p = (const struct params *)(uintptr_t)kernel_state.si;

	report_registers();
	report("magic", p->magic);
	for (uint32_t i = 0; i < p->nr_sums; i++)
		report("sum", sum(p->sums[i].addr, p->sums[i].len));
	switch (p->action) {
	case ACT_UD2: __asm__ volatile(".globl kernel_ud2\nkernel_ud2: ud2"); break;
	case ACT_PAGE_FAULT: *(volatile char *)(uintptr_t)0x123456789000; break;
	case ACT_NMI: nmi_to_self(); break;
	case ACT_BAD_SELECTOR: __asm__ volatile("mov %0, %%fs" : : "r"(0x58)); break;
	}
	report("done", 1);
	outb(DEBUG_EXIT, 0x10);
	for (;;)
		__asm__ volatile("hlt");
}
