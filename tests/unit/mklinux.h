/* SPDX-License-Identifier: GPL-2.0-only */
/* Small native kernels: 15 MiB of memory from 1 MiB on, with page tables and names. */
#ifndef XK_TEST_MKLINUX_H
#define XK_TEST_MKLINUX_H

#include "common/range.h"
#include "tests/unit/mkcore.h"

#define MKLINUX_TEXT UINT64_C(0xffffffff80000000)

/* KASLR: text at 0x81000000 runs at 4 MiB, and has 4 MiB; memory at a random place: L4 index 309, L3
 * index 269. Page tables at 5 MiB, names at 6 MiB. */
#define MKLINUX_OFFSET UINT64_C(0xffff9ac340000000)
#define MKLINUX_TABLES 0x500000u
#define MKLINUX_UTS    0x600000u
#define MKLINUX_INFO_64                                                          \
	"SYMBOL(swapper_pg_dir)=ffffffff81100000\nNUMBER(phys_base)=-12582912\n" \
	"SYMBOL(init_uts_ns)=ffffffff81200000\nOFFSET(uts_namespace.name)=0\n"

void mklinux_64(struct mkcore *m, unsigned levels);

/* Memory at `offset`; the 2 MiB (or 4 MiB) from 4 MiB on are mapped, where the tables and names are,
 * and 16 MiB above the offset something else. */
void mklinux_32(struct mkcore *m, vaddr_t offset, bool pae);

/* struct new_utsname. */
void mklinux_uts(struct mkcore *m, uint64_t paddr, const char *release, const char *version);

#endif
