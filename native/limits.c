// SPDX-License-Identifier: GPL-2.0-only
/*
 * What kexec_load takes: Linux include/uapi/linux/kexec.h and kernel/kexec_core.c,
 * sanity_check_segment_list(). A segment without a buffer is cleared, not refused
 * (kimage_load_crash_segment()). Segments must lie in crashk_res, which is the higher of two
 * regions; the lower one (",low") is for the dump kernel's devices alone.
 */
#include "native/backend.h"

#define KEXEC_SEGMENT_MAX 16

static const struct backend_limits limits_64 = {
	.name = "Linux",
	.max_segs = KEXEC_SEGMENT_MAX,
	.align = PAGE_SIZE_X86,
	/* The widest physical address; a region beyond MAXMEM is no RAM to this kernel. */
	.max_dest = (UINT64_C(1) << 52) - 1,
	.map_only = true,
	.own_mode = true,
	.highest_region = true,
	.control = CONTROL_MAP_RAM, /* arch/x86/kernel/machine_kexec_64.c, init_pgtable() */
	.control_end = UINT64_MAX,
};

static const struct backend_limits limits_32 = {
	.name = "Linux",
	.max_segs = KEXEC_SEGMENT_MAX,
	.align = PAGE_SIZE_X86,
	/* KEXEC_DESTINATION_MEMORY_LIMIT is -1, and a segment's end must be below it. */
	.max_dest = 4 * GiB - PAGE_SIZE_X86 - 1,
	.map_only = true,
	.own_mode = true,
	.highest_region = true,
	.control = CONTROL_CODE, /* machine_kexec_32.c: its tables are ordinary memory */
	/* machine_kexec() writes to the page's address in lowmem, which it does not check for.
	 * Lowmem ends some MiB below 896: fixed maps at the top of the address space come off. */
	.control_end = 864 * MiB,
};

const struct backend_limits *native_limits(unsigned kernel_bits)
{
	return kernel_bits == 32 ? &limits_32 : &limits_64;
}
