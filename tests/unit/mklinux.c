// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <stdio.h>

#include "tests/unit/mklinux.h"
#include "tests/unit/xktest.h"

#define PTE   0x063u
#define LARGE 0x0e3u

void mklinux_64(struct mkcore *m, unsigned levels)
{
	uint64_t root = MKLINUX_TABLES;

	mkcore_init(m, ELFCLASS64, EM_X86_64);
	mkcore_mem(m, 0x100000, 0xf00000);
	if (levels == 5) { /* 0xffff...: index 511, and the same below it */
		mkcore_put64(m, root + 511 * 8, 0x506000 | PTE);
		root = 0x506000;
	}
	mkcore_put64(m, root + 511 * 8, 0x501000 | PTE);
	mkcore_put64(m, 0x501000 + 510 * 8, 0x502000 | PTE);
	mkcore_put64(m, 0x502000 + 8 * 8, 0x400000 | LARGE);
	mkcore_put64(m, 0x502000 + 9 * 8, 0x600000 | LARGE);
	mkcore_put64(m, root + 280 * 8, 0x507000 | PTE); /* something below the direct map */
	mkcore_put64(m, 0x507000 + 3 * 8, 0x508000 | PTE);
	mkcore_put64(m, 0x508000 + 3 * 8, 0x200000 | LARGE);
	mkcore_put64(m, root + 309 * 8, 0x503000 | PTE);
	mkcore_put64(m, 0x503000 + 269 * 8, 0x504000 | PTE);
	for (unsigned i = 0; i < 8; i++)
		mkcore_put64(m, 0x504000 + i * 8, i * 0x200000 | LARGE);
}

void mklinux_32(struct mkcore *m, vaddr_t offset, bool pae)
{
	mkcore_init(m, ELFCLASS64, EM_386);
	mkcore_mem(m, 0x100000, 0xf00000);
	if (pae) {
		mkcore_put64(m, MKLINUX_TABLES + (offset >> 30) * 8, 0x501000 | 1);
		mkcore_put64(m, 0x501000 + 2 * 8, 0x400000 | LARGE);
		mkcore_put64(m, 0x501000 + 8 * 8, 0x600000 | LARGE); /* not linear */
	} else {
		mkcore_put32(m, MKLINUX_TABLES + (offset >> 22) * 4 + 4, 0x400000 | LARGE);
		mkcore_put32(m, MKLINUX_TABLES + (offset >> 22) * 4 + 16, 0x800000 | LARGE);
	}
}

void mklinux_uts(struct mkcore *m, uint64_t paddr, const char *release, const char *version)
{
	char u[6][65] = {"Linux", "host", "", "", "x86_64", "(none)"};

	assert_true(strlen(release) < 65 && strlen(version) < 65);
	memcpy(u[2], release, strlen(release));
	memcpy(u[3], version, strlen(version));
	mkcore_put(m, paddr, u, sizeof(u));
}
