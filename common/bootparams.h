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
#define BP_EFI_INFO		 0x1c0 /* struct bp_efi_info */
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
#define SETUP_EFI      4
#define SETUP_RNG_SEED 9

/* struct efi_info of boot_params. */
struct _packed_ bp_efi_info {
	uint32_t loader_signature;
	uint32_t systab; /* physical addresses in halves */
	uint32_t memdesc_size, memdesc_version;
	uint32_t memmap, memmap_size;
	uint32_t systab_hi, memmap_hi;
};
_Static_assert(sizeof(struct bp_efi_info) == 32, "efi_info");
#define EFI_LOADER_64	    UINT32_C(0x34364c45) /* "EL64" */
#define EFI_MEMDESC_VERSION 1

/* struct efi_setup_data of Linux arch/x86/include/asm/efi.h: physical addresses of what
 * SetVirtualAddressMap() made virtual in the firmware's own tables. */
struct _packed_ bp_efi_setup {
	uint64_t fw_vendor;
	uint64_t _pad;
	uint64_t tables, smbios;
	uint64_t _reserved[8];
};
_Static_assert(sizeof(struct bp_efi_setup) == 96, "efi_setup_data");

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

/*
 * Whether the dump kernel is told of EFI's runtime services. When it is not for want of a fact, or
 * because two contradict each other, `why` says so; it is empty when this host or image has no such
 * thing. `why` may be NULL when len is 0.
 */
bool bootparams_has_efi(const struct host *h, const struct image *img, char *why, size_t len);

/* Its parts, where bootparams_has_efi(). The map is the facts' own, at the address given. */
struct bp_efi_setup bootparams_efi_setup(const struct host *h) _nonnull_;
struct bp_efi_info bootparams_efi_info(const struct host *h, maddr_t map) _nonnull_;

/* Bytes bootparams_build() will make for a map of nr_e820 entries. */
size_t bootparams_size(const struct request *rq, const struct host *h, const struct image *img,
	size_t nr_e820) _nonnull_;

/* Appends the zero page and its setup_data to *ret. Fails only for want of memory. */
enum xk_status bootparams_build(const struct request *rq, const struct host *h,
	const struct image *img, const struct range_list *e820, const struct bp_places *at,
	struct buf *ret, struct diag *d) _nonnull_;

#endif
