// SPDX-License-Identifier: GPL-2.0-only
/*
 * An IDT of our own. Whoever jumped here left none that could be used: without one, any mistake
 * is a silent reset, and so is an NMI, which nobody can hold back. It stays loaded for the
 * kernel, which enters before it has its own.
 */
#include "purgatory/room.h"
#include "purgatory/segments.h"

#define VECTORS	   32
#define VECTOR_NMI 2
#define GATE_INTR  0x8e00 /* present, ring 0, interrupt gate */

#pragma GCC visibility push(hidden)

/* entry-*.S: 32 entry points, TRAP_STUB_SIZE bytes each; and a lone iret. */
extern const uint8_t trap_stubs[], trap_nmi[];

struct trap_frame {
	uintptr_t vector, error, ip, cs, flags;
};

_Noreturn void trap_report(const struct trap_frame *f);

#ifdef __x86_64__
/* For enter_32, between long mode and the kernel's own IDT: NMIs only. */
extern const uint8_t trap_nmi_32[];
uint64_t idt_32[VECTOR_NMI + 1] __noinit;
#endif

#pragma GCC visibility pop

struct gate {
	uint16_t offset_0, selector, flags, offset_16;
#ifdef __x86_64__
	uint32_t offset_32, _pad;
#endif
};

static struct gate idt[VECTORS] __noinit __attribute__((aligned(16)));

static void gate_set(struct gate *g, uintptr_t handler)
{
	*g = (struct gate){
		.offset_0 = handler & 0xffff,
		.selector = PURG_CS,
		.flags = GATE_INTR,
		.offset_16 = (handler >> 16) & 0xffff,
#ifdef __x86_64__
		.offset_32 = handler >> 32,
#endif
	};
}

void trap_init(void)
{
	for (unsigned i = 0; i < VECTORS; i++)
		gate_set(&idt[i], (uintptr_t)trap_stubs + i * TRAP_STUB_SIZE);
	gate_set(&idt[VECTOR_NMI], (uintptr_t)trap_nmi);
	lidt(idt, sizeof(idt));

#ifdef __x86_64__
	uint64_t nmi = (uintptr_t)trap_nmi_32;

	idt_32[0] = idt_32[1] = 0;
	idt_32[VECTOR_NMI] = (nmi & 0xffff0000) << 32 | (uint64_t)GATE_INTR << 32 | BOOT_CS << 16 |
			     (nmi & 0xffff);
#endif
}

void trap_report(const struct trap_frame *f)
{
	static bool again;

	if (again)
		machine_reset();
	again = true;
	say("exception %u at IP 0x%llx, error code 0x%llx, CR2 0x%llx, purgatory at 0x%llx",
		(unsigned)f->vector, (unsigned long long)f->ip, (unsigned long long)f->error,
		(unsigned long long)READ_REG("cr2"), (unsigned long long)purg_base());
	give_up();
}
