/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kdump-compressed format as it lies in a file, for its reader and its writer: by explicit
 * offsets, little-endian. makedumpfile's structures hold `long`, `off_t` and `timeval`, so that a
 * 32-bit build of it writes another layout; this tool writes the 64-bit one always and reads both.
 * Source: makedumpfile IMPLEMENTATION, diskdump_mod.h; crash diskdump.c.
 *
 * Blocks of block_size: main header; sub header and notes (sub_hdr_size blocks); first bitmap (the
 * page is memory), second bitmap (the page is in this file), bitmap_blocks together; then one
 * descriptor for each bit of the second bitmap from start_pfn on; then page data.
 */
#ifndef VMCORE_KDUMP_H
#define VMCORE_KDUMP_H

#include "common/compiler.h"

#define KDUMP_SIGNATURE "KDUMP   "
#define KDUMP_VERSION	6

/* Main header. All builds: */
#define KD_VERSION 8
#define KD_UTSNAME 12 /* 6 strings of KD_UTS_LEN: system, node, release, version, machine, domain */
#define KD_UTS_LEN 65
/* 64-bit layout; the 32-bit one has all of these KD_32_SHIFT earlier. */
#define KD_TIME	      408
#define KD_STATUS     424
#define KD_BLOCK_SIZE 428
#define KD_SUB_BLOCKS 432
#define KD_MAP_BLOCKS 436
#define KD_MAX_MAPNR  440 /* no more than fits 32 bits */
#define KD_NR_CPUS    460
#define KD_SIZE	      464
#define KD_32_SHIFT   12

/* Sub header, 64-bit layout; since which version. */
#define KS_PHYS_BASE	     0
#define KS_DUMP_LEVEL	     8 /* 1 */
#define KS_SPLIT	     12 /* 2 */
#define KS_START_PFN	     16 /* 2 */
#define KS_END_PFN	     24 /* 2 */
#define KS_OFFSET_VMCOREINFO 32 /* 3 */
#define KS_SIZE_VMCOREINFO   40 /* 3 */
#define KS_OFFSET_NOTE	     48 /* 4 */
#define KS_SIZE_NOTE	     56 /* 4 */
#define KS_OFFSET_ERASEINFO  64 /* 5 */
#define KS_SIZE_ERASEINFO    72 /* 5 */
#define KS_START_PFN_64	     80 /* 6 */
#define KS_END_PFN_64	     88 /* 6 */
#define KS_MAX_MAPNR_64	     96 /* 6 */
#define KS_SIZE		     104

/* Page descriptor, both layouts. */
#define KP_OFFSET 0
#define KP_SIZE	  8
#define KP_FLAGS  12
#define KP_LEN	  24

/* Of a page, and in the file's status for those that occur. 0: as it is. */
#define KDUMP_ZLIB	 0x1u
#define KDUMP_LZO	 0x2u
#define KDUMP_SNAPPY	 0x4u
#define KDUMP_INCOMPLETE 0x8u /* status only */
#define KDUMP_ZSTD	 0x20u

#endif
