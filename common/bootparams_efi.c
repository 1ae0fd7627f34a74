// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the dump kernel must be told to use EFI's runtime services: they were given their virtual
 * addresses by the kernel that crashed, once and for all. Linux arch/x86/platform/efi/efi.c
 * (kexec_enter_virtual_mode()) and quirks.c (efi_reuse_config()); what a loader fills in is in
 * arch/x86/kernel/kexec-bzimage64.c, setup_efi_state().
 */
#include <stdio.h>
#include <string.h>

#include "common/bootparams.h"
#include "common/efi.h"

/* Takes the reason for a missing fact, or `what`, into the caller's buffer. */
static bool no(const struct host *h, const char *fact, const char *what, char *why, size_t len)
{
	const char *gap = host_gap_reason(h, fact);

	snprintf(why, len, "%s %s", fact, gap ? gap : what);
	return false;
}

/* The descriptors hold together: whole pages, none of them past the end of addresses. */
static bool map_is_sane(const struct buf *map)
{
	struct efi_memory_desc m;
	struct range r;

	if (!map->len || map->len % sizeof(m))
		return false;
	for (size_t off = 0; off < map->len; off += sizeof(m)) {
		memcpy(&m, map->data + off, sizeof(m));
		if (m.phys_addr % EFI_PAGE_SIZE || m.virt_addr % EFI_PAGE_SIZE || !m.virt_addr ||
			!m.num_pages || m.num_pages > UINT64_MAX / EFI_PAGE_SIZE ||
			!range_make(m.phys_addr, m.num_pages * EFI_PAGE_SIZE, &r))
			return false;
	}
	return true;
}

bool bootparams_has_efi(const struct host *h, const struct image *img, char *why, size_t len)
{
	struct bp_efi_info info;

	if (len)
		why[0] = '\0';
	/* Under Xen the services are Xen's. Linux has this hand-over with 64-bit kernels only. */
	if (!h->efi || h->hypervisor != HV_NONE || h->kernel.bits != 64 || !img->is_64 ||
		!(img->xloadflags & XLF_EFI_KEXEC))
		return false;
	if (h->efi_info.len != sizeof(info))
		return no(h, "efi.info", "has not its 32 bytes", why, len);
	memcpy(&info, h->efi_info.data, sizeof(info));
	/* A 64-bit kernel on 32-bit firmware uses no services after kexec (efi_is_mixed()). */
	if (info.loader_signature != EFI_LOADER_64)
		return no(h, "efi.info", "is not that of 64-bit firmware", why, len);
	if (info.memdesc_version != EFI_MEMDESC_VERSION || !(info.systab | info.systab_hi))
		return no(h, "efi.info", "names no system table, or an unknown format", why, len);
	if (!h->efi_fw_vendor)
		return no(h, "efi.fw-vendor", "is not among the facts", why, len);
	if (!h->efi_config_table)
		return no(h, "efi.config-table", "is not among the facts", why, len);
	if (!h->efi_runtime_map.len)
		return no(h, "efi.runtime-map", "is not among the facts", why, len);
	if (!map_is_sane(&h->efi_runtime_map))
		return no(h, "efi.runtime-map", "is no list of mapped memory", why, len);
	return true;
}

struct bp_efi_setup bootparams_efi_setup(const struct host *h)
{
	/* Not every firmware has an SMBIOS table; 0 leaves the table's entry alone. */
	return (struct bp_efi_setup){.fw_vendor = h->efi_fw_vendor,
		.tables = h->efi_config_table,
		.smbios = h->efi_smbios};
}

struct bp_efi_info bootparams_efi_info(const struct host *h, maddr_t map)
{
	struct bp_efi_info info;

	memcpy(&info, h->efi_info.data, sizeof(info));
	info.memdesc_size = sizeof(struct efi_memory_desc);
	info.memmap = (uint32_t)map;
	info.memmap_hi = (uint32_t)(map >> 32);
	info.memmap_size = (uint32_t)h->efi_runtime_map.len;
	return info;
}
