/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Structures of EFI firmware and of Linux' hand-over of it that facts and boot parameters hold.
 */
#ifndef XK_EFI_H
#define XK_EFI_H

#include <assert.h>

#include "common/compiler.h"

#define EFI_PAGE_SIZE UINT64_C(4096)

/* UEFI specification 2.10, section 7.2, EFI_MEMORY_DESCRIPTOR version 1; Linux efi_memory_desc_t. */
struct efi_memory_desc {
	uint32_t type;
	uint32_t _pad;
	uint64_t phys_addr;
	uint64_t virt_addr;
	uint64_t num_pages; /* of 4 KiB */
	uint64_t attribute;
} _packed_;
static_assert(sizeof(struct efi_memory_desc) == 40, "EFI_MEMORY_DESCRIPTOR");

#endif
