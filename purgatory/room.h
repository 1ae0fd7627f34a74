/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of purgatory share. Freestanding; everything is hidden, so that no access goes
 * through a table of addresses that somebody would have to relocate. */
#ifndef PURG_ROOM_H
#define PURG_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "purgatory/abi.h"

#pragma GCC visibility push(hidden)

#ifdef __x86_64__
#define PURG_BITS 64
#else
#define PURG_BITS 32
#endif

#define GIB4 (UINT64_C(4) << 30)

/* In memory that is only valid once written: see link.lds.S. */
#define __noinit __attribute__((section(".bss.noinit")))

/* link.lds.S */
extern const struct purg_abi purg_params;
extern const uint8_t purg_start[], purg_mem_end[];

static inline uint64_t purg_base(void)
{
	return (uintptr_t)purg_start;
}

static inline uint64_t purg_end(void)
{
	return (uintptr_t)purg_mem_end;
}

/* entry-*.S: into the kernel, by the 64- or 32-bit boot protocol. */
_Noreturn void enter_64(uint64_t entry, uint64_t boot_params);
_Noreturn void enter_32(uint32_t entry, uint32_t boot_params);

/* traps.c: from here on an exception is reported instead of a triple fault. */
void trap_init(void);

/* map.c: own page tables, x86_64 only. */
void map_init(void);
bool map_reaches(uint64_t addr, uint64_t len);

/* console.c: VGA memory may only be touched once it is mapped, so it is switched on by itself. */
void console_serial(uint16_t port, uint16_t divisor);
void console_vga(void);
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* machine.c */
void wait_seconds(uint32_t s);
_Noreturn void machine_reset(void);
_Noreturn void machine_halt(void);

/* main.c: what to do when purgatory itself cannot go on. */
_Noreturn void give_up(void);
_Noreturn void purg_main(void);

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

static inline void lidt(const void *base, size_t len)
{
	struct {
		uint16_t limit;
		uintptr_t base;
	} __attribute__((packed)) idtr;

	/* hides where base comes from: clang would make a constant of the struct, with a relocation */
	__asm__("" : "+r"(base));
	idtr.limit = len ? len - 1 : 0;
	idtr.base = (uintptr_t)base;
	__asm__ volatile("lidt %0" : : "m"(idtr));
}

#define READ_REG(reg)                                             \
	({                                                        \
		uintptr_t v_;                                     \
		__asm__ volatile("mov %%" reg ", %0" : "=r"(v_)); \
		v_;                                               \
	})
#define WRITE_REG(reg, v) __asm__ volatile("mov %0, %%" reg : : "r"((uintptr_t)(v)) : "memory")

#pragma GCC visibility pop

#endif
