/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one description of what the loader tells purgatory. Read by C on both sides and by the
 * linker script, which places the struct and asserts its offset and size.
 *
 * A purgatory is a flat blob: a jump at offset 0, struct purg_abi at PURG_ABI_OFFSET, code, data.
 * It may lie at any page-aligned address (i386: below 4 GiB), needs mem_size bytes there (the
 * part after the blob zeroed), and relies on no register, stack, descriptor or page table of
 * whoever jumped to it. Fields are only ever appended, with a new version.
 */
#ifndef PURG_ABI_H
#define PURG_ABI_H

#define PURG_MAGIC	 0x50444b58 /* "XKDP" */
#define PURG_VERSION	 1
#define PURG_ABI_OFFSET	 16
#define PURG_MAX_REGIONS 16
#define PURG_NAME_LEN	 16
#define PURG_ABI_SIZE	 1120 /* sizeof(struct purg_abi), for the linker script */

/* flags */
#define PURG_F_SERIAL  1 /* speak on serial_port */
#define PURG_F_VGA     2 /* speak on VGA text memory at 0xb8000 */
#define PURG_F_VERBOSE 4 /* say each step, not only what went wrong */

/* on_corruption */
#define PURG_ON_REBOOT	 0 /* say it, wait delay_s, reset the machine */
#define PURG_ON_HALT	 1 /* say it and stop */
#define PURG_ON_CONTINUE 2 /* say it and enter the kernel all the same */

/* The identity map that the x86_64 purgatory builds for itself and leaves to the kernel: the
 * first 4 GiB, and this much of [map_start, map_end) above that. */
#define PURG_MAX_MAP (16ULL << 30)

#ifndef __ASSEMBLER__
#include <stdint.h>

/* One piece of loaded memory that must be what was loaded. All 0 sha256: never matches. */
struct purg_region {
	uint64_t addr; /* machine address */
	uint64_t len; /* bytes hashed; the zero tail of a segment is not */
	char name[PURG_NAME_LEN]; /* NUL-terminated, for the message */
	uint8_t sha256[32];
};

struct purg_abi {
	uint32_t magic; /* set in the blob */
	uint16_t version; /* set in the blob */
	uint16_t size; /* set in the blob: sizeof(struct purg_abi) */
	uint32_t mem_size; /* set in the blob: bytes needed in memory, page multiple */
	uint32_t flags; /* PURG_F_* */
	uint32_t on_corruption; /* PURG_ON_* */
	uint32_t delay_s; /* seconds between the message and the reset */
	uint16_t serial_port; /* I/O port of a 16550 */
	uint16_t serial_divisor; /* 115200 / baud; 0: leave the rate as it is */
	uint32_t entry_bits; /* 32 or 64: state in which the kernel is entered */
	uint64_t entry; /* machine address of the kernel's entry for that state */
	uint64_t boot_params; /* machine address, for (R|E)SI */
	uint64_t backup_src; /* copied before the kernel may use this memory... */
	uint64_t backup_dst; /* ...to here... */
	uint64_t backup_len; /* ...this many bytes; 0: nothing to copy */
	uint64_t map_start; /* x86_64 only: also identity-map [map_start, map_end) */
	uint64_t map_end;
	uint32_t nr_regions;
	uint32_t _pad;
	struct purg_region regions[PURG_MAX_REGIONS];
};

_Static_assert(sizeof(struct purg_region) == 64, "purg_region is the same in every build");
_Static_assert(sizeof(struct purg_abi) == 96 + 64 * PURG_MAX_REGIONS, "purg_abi layout");
_Static_assert(sizeof(struct purg_abi) == PURG_ABI_SIZE, "purg_abi size for the linker script");
#endif

#endif
