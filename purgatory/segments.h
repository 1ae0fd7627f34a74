/* SPDX-License-Identifier: GPL-2.0-only */
/* Selectors and descriptors, for C and for the entry code. */
#ifndef PURG_SEGMENTS_H
#define PURG_SEGMENTS_H

/* What the kernel is entered with. Source: Linux Documentation/arch/x86/boot.rst, sections
 * "32-bit boot protocol" and "64-bit boot protocol". */
#define BOOT_CS 0x10
#define BOOT_DS 0x18

/* What purgatory itself runs with. On x86_64 not BOOT_CS: that one becomes a 32-bit segment for a
 * 32-bit entry, and an NMI must find its handler's segment at any time. */
#ifdef __x86_64__
#define PURG_CS 0x08
#else
#define PURG_CS BOOT_CS
#endif

/* Flat, ring 0, with the accessed bit set so that the CPU need not write to the table. */
#define DESC_CODE_64 0x00af9b000000ffff
#define DESC_CODE_32 0x00cf9b000000ffff
#define DESC_DATA    0x00cf93000000ffff

#define TRAP_STUB_SIZE 16

#endif
