// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints size and offsets of each struct that crosses a boundary: to the hypervisor, to purgatory,
 * into a file or to the next kernel. Every build must print sizes.txt, which was written by hand
 * from the sources that the headers name. "hole" marks bytes that no listed field covers: padding
 * of the compiler, or a field that is missing here.
 */
#include <stdio.h>

#include "common/bootparams.h"
#include "common/efi.h"
#include "common/note.h"
#include "purgatory/abi.h"
#include "xen/abi.h"

static size_t at;

static void field(const char *name, size_t off, size_t size)
{
	if (off != at)
		printf("  hole %zu %zu\n", at, off - at);
	printf("  %s %zu %zu\n", name, off, size);
	at = off + size;
}

static void end(size_t size)
{
	if (at != size)
		printf("  hole %zu %zu\n", at, size - at);
	at = 0;
}

#define STRUCT(s) printf("%s %zu\n", #s, sizeof(struct s))
#define F(s, f)	  field(#f, offsetof(struct s, f), sizeof(((struct s *)0)->f))
#define END(s)	  end(sizeof(struct s))

static void xen_abi(void)
{
	STRUCT(xen_compile_info);
	F(xen_compile_info, compiler);
	F(xen_compile_info, compile_by);
	F(xen_compile_info, compile_domain);
	F(xen_compile_info, compile_date);
	END(xen_compile_info);
	STRUCT(xen_build_id);
	F(xen_build_id, len);
	F(xen_build_id, buf);
	END(xen_build_id);
	STRUCT(xen_e820_entry);
	F(xen_e820_entry, addr);
	F(xen_e820_entry, size);
	F(xen_e820_entry, type);
	END(xen_e820_entry);
	STRUCT(xen_kexec_exec);
	F(xen_kexec_exec, type);
	END(xen_kexec_exec);
	STRUCT(xen_kexec_unload);
	F(xen_kexec_unload, type);
	END(xen_kexec_unload);
	STRUCT(xen_kexec_status);
	F(xen_kexec_status, type);
	END(xen_kexec_status);
	STRUCT(xen_kexec_range_64);
	F(xen_kexec_range_64, range);
	F(xen_kexec_range_64, nr);
	F(xen_kexec_range_64, size);
	F(xen_kexec_range_64, start);
	END(xen_kexec_range_64);
	STRUCT(xen_kexec_range_32);
	F(xen_kexec_range_32, range);
	F(xen_kexec_range_32, nr);
	F(xen_kexec_range_32, size);
	F(xen_kexec_range_32, start);
	END(xen_kexec_range_32);
	STRUCT(xen_kexec_segment);
	F(xen_kexec_segment, buf);
	F(xen_kexec_segment, buf_size);
	F(xen_kexec_segment, dest_maddr);
	F(xen_kexec_segment, dest_size);
	END(xen_kexec_segment);
	STRUCT(xen_kexec_load);
	F(xen_kexec_load, type);
	F(xen_kexec_load, _pad);
	F(xen_kexec_load, arch);
	F(xen_kexec_load, nr_segments);
	F(xen_kexec_load, segments);
	F(xen_kexec_load, entry_maddr);
	END(xen_kexec_load);
}

static void purgatory_abi(void)
{
	STRUCT(purg_region);
	F(purg_region, addr);
	F(purg_region, len);
	F(purg_region, name);
	F(purg_region, sha256);
	END(purg_region);
	STRUCT(purg_abi);
	F(purg_abi, magic);
	F(purg_abi, version);
	F(purg_abi, size);
	F(purg_abi, mem_size);
	F(purg_abi, flags);
	F(purg_abi, on_corruption);
	F(purg_abi, delay_s);
	F(purg_abi, serial_port);
	F(purg_abi, serial_divisor);
	F(purg_abi, entry_bits);
	F(purg_abi, entry);
	F(purg_abi, boot_params);
	F(purg_abi, backup_src);
	F(purg_abi, backup_dst);
	F(purg_abi, backup_len);
	F(purg_abi, map_start);
	F(purg_abi, map_end);
	F(purg_abi, nr_regions);
	F(purg_abi, _pad);
	F(purg_abi, regions);
	END(purg_abi);
}

static void note(void)
{
	STRUCT(xkn_header);
	F(xkn_header, magic);
	F(xkn_header, version);
	F(xkn_header, header_size);
	F(xkn_header, total_size);
	F(xkn_header, crc);
	F(xkn_header, nr_records);
	F(xkn_header, _reserved);
	END(xkn_header);
	STRUCT(xkn_record);
	F(xkn_record, tag);
	F(xkn_record, size);
	F(xkn_record, raw_size);
	END(xkn_record);
	STRUCT(xkn_map);
	F(xkn_map, kind);
	F(xkn_map, flags);
	F(xkn_map, start);
	F(xkn_map, end);
	END(xkn_map);
}

static void bootparams(void)
{
	STRUCT(bp_e820);
	F(bp_e820, addr);
	F(bp_e820, size);
	F(bp_e820, type);
	END(bp_e820);
	STRUCT(bp_setup_data);
	F(bp_setup_data, next);
	F(bp_setup_data, type);
	F(bp_setup_data, len);
	END(bp_setup_data);
	STRUCT(bp_efi_info);
	F(bp_efi_info, loader_signature);
	F(bp_efi_info, systab);
	F(bp_efi_info, memdesc_size);
	F(bp_efi_info, memdesc_version);
	F(bp_efi_info, memmap);
	F(bp_efi_info, memmap_size);
	F(bp_efi_info, systab_hi);
	F(bp_efi_info, memmap_hi);
	END(bp_efi_info);
	STRUCT(bp_efi_setup);
	F(bp_efi_setup, fw_vendor);
	F(bp_efi_setup, _pad);
	F(bp_efi_setup, tables);
	F(bp_efi_setup, smbios);
	F(bp_efi_setup, _reserved);
	END(bp_efi_setup);
	STRUCT(efi_memory_desc);
	F(efi_memory_desc, type);
	F(efi_memory_desc, _pad);
	F(efi_memory_desc, phys_addr);
	F(efi_memory_desc, virt_addr);
	F(efi_memory_desc, num_pages);
	F(efi_memory_desc, attribute);
	END(efi_memory_desc);
}

int main(void)
{
	xen_abi();
	purgatory_abi();
	note();
	bootparams();
	return 0;
}
