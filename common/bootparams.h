/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The zero page (struct boot_params) and setup_data of the kernel to be started. Offsets are
 * those of Linux Documentation/arch/x86/zero-page.rst and boot.rst (protocol 2.15); only fields
 * that are set here are named.
 */
#ifndef XK_BOOTPARAMS_H
#define XK_BOOTPARAMS_H

#include "common/bytes.h"
#include "common/diag.h"
#include "common/host.h"
#include "common/image.h"
#include "common/request.h"

#define BP_SIZE			 4096
#define BP_SCREEN_INFO		 0x000 /* 64 bytes */
#define BP_ACPI_RSDP		 0x070 /* u64 */
#define BP_EXT_RAMDISK_IMAGE	 0x0c0 /* u32: upper halves */
#define BP_EXT_RAMDISK_SIZE	 0x0c4
#define BP_EXT_CMD_LINE_PTR	 0x0c8
#define BP_E820_ENTRIES		 0x1e8 /* u8 */
#define BP_EDD_ENTRIES		 0x1e9 /* u8 */
#define BP_HDR			 BZ_HDR_OFF
#define BP_VID_MODE		 0x1fa /* u16 */
#define BP_TYPE_OF_LOADER	 0x210 /* u8 */
#define BP_LOADFLAGS		 0x211 /* u8 */
#define BP_CODE32_START		 0x214 /* u32 */
#define BP_RAMDISK_IMAGE	 0x218 /* u32 */
#define BP_RAMDISK_SIZE		 0x21c /* u32 */
#define BP_CMD_LINE_PTR		 0x228 /* u32 */
#define BP_HARDWARE_SUBARCH	 0x23c /* u32: 0 is a PC, 2 a Xen PV guest */
#define BP_HARDWARE_SUBARCH_DATA 0x240 /* u64 */
#define BP_SETUP_DATA		 0x250 /* u64 */
#define BP_E820_TABLE		 0x2d0 /* 20 bytes each */
#define BP_E820_MAX		 128
#define BP_EDD_TABLE		 0xd00 /* 82 bytes each */
#define BP_EDD_ENTRY		 82
#define BP_EDD_MAX		 6

#define SETUP_E820_EXT 1
#define SETUP_RNG_SEED 9

/* One entry of the memory map as the kernel reads it. */
struct _packed_ bp_e820 {
	uint64_t addr, size;
	uint32_t type;
};
_Static_assert(sizeof(struct bp_e820) == 20, "e820 entry");

/* struct setup_data of the kernel; the data follows. */
struct bp_setup_data {
	uint64_t next;
	uint32_t type, len;
};
_Static_assert(sizeof(struct bp_setup_data) == 16, "setup_data");

/* Where things were placed, machine addresses. */
struct bp_places {
	maddr_t self; /* of the zero page itself */
	maddr_t kernel, cmdline, initrd;
	uint64_t initrd_len; /* 0: no initrd */
};

/* Bytes bootparams_build() will make for a map of nr_e820 entries. */
size_t bootparams_size(const struct request *rq, size_t nr_e820) _nonnull_;

/* Appends the zero page and its setup_data to *ret. Fails only for want of memory. */
enum xk_status bootparams_build(const struct request *rq, const struct host *h,
	const struct image *img, const struct range_list *e820, const struct bp_places *at,
	struct buf *ret, struct diag *d) _nonnull_;

#endif
