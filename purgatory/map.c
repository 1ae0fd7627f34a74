// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables of our own. Those we were entered with map, under Xen, nothing but the loaded
 * segments, and are in memory that nobody keeps for the kernel. These are an identity map by
 * 2 MiB pages (every x86_64 CPU has them): the first 4 GiB, PURG_MAX_MAP of [map_start, map_end)
 * above that, and purgatory itself wherever it is. They stay for the kernel's 64-bit entry.
 *
 * The i386 purgatory runs without paging and reaches the first 4 GiB.
 */
#include "purgatory/room.h"

#ifdef __x86_64__

#define PAGE_2M	   (UINT64_C(2) << 20)
#define PTE_TABLE  0x63 /* dirty, accessed, writable, present */
#define PTE_2M	   0xe3 /* the same, and a page of 2 MiB */
#define PTE_ADDR   UINT64_C(0x000ffffffffff000)
#define CR4_LA57   (1u << 12)
#define LEVEL_2M   2 /* page directory; 5 is the root of five-level paging */
#define MAX_LEVEL4 (UINT64_C(1) << 47) /* identity-mapped addresses are canonical below this */
#define MAX_LEVEL5 (UINT64_C(1) << 52)

/* Root, then for [low 4 GiB, map, self] level 4: 1+2+2, level 3: 1+2+2 and directories: 4+17+2. A
 * range that is not aligned touches one table more than its size says. */
#define POOL_PAGES (1 + (1 + 2 + 2) + (1 + 2 + 2) + (4 + 17 + 2))

static uint64_t pool[POOL_PAGES][512] __noinit __attribute__((aligned(4096)));
static unsigned pool_used;
static uint64_t map_low, map_high; /* what is mapped above 4 GiB, besides purgatory */

static uint64_t *new_table(void)
{
	uint64_t *t = pool[pool_used++];

	for (unsigned i = 0; i < 512; i++)
		t[i] = 0;
	return t;
}

/* start and end are multiples of 2 MiB. */
static void map_range(uint64_t *root, unsigned levels, uint64_t start, uint64_t end)
{
	for (uint64_t a = start; a < end; a += PAGE_2M) {
		uint64_t *t = root;

		for (unsigned l = levels; l > LEVEL_2M; l--) {
			uint64_t *e = &t[(a >> (9 * l + 3)) & 511];

			if (!*e)
				*e = (uintptr_t)new_table() | PTE_TABLE;
			t = (uint64_t *)(uintptr_t)(*e & PTE_ADDR);
		}
		t[(a >> 21) & 511] = a | PTE_2M;
	}
}

void map_init(void)
{
	const unsigned levels = READ_REG("cr4") & CR4_LA57 ? 5 : 4;
	const uint64_t max = levels == 5 ? MAX_LEVEL5 : MAX_LEVEL4;
	uint64_t *root = new_table();
	uint64_t start = purg_params.map_start, end = purg_params.map_end;

	if (start < GIB4)
		start = GIB4;
	if (end > max)
		end = max;
	start &= ~(PAGE_2M - 1);
	if (end > start && end - start > PURG_MAX_MAP)
		end = start + PURG_MAX_MAP;
	if (end > start) {
		map_low = start;
		map_high = (end + PAGE_2M - 1) & ~(PAGE_2M - 1);
		map_range(root, levels, map_low, map_high);
	}
	map_range(root, levels, 0, GIB4);
	map_range(root, levels, purg_base() & ~(PAGE_2M - 1),
		(purg_end() + PAGE_2M - 1) & ~(PAGE_2M - 1));
	WRITE_REG("cr3", root);
}

bool map_reaches(uint64_t addr, uint64_t len)
{
	uint64_t end = addr + len;

	if (end < addr)
		return false;
	return end <= (map_low == GIB4 ? map_high : GIB4) || (addr >= map_low && end <= map_high);
}

#else

void map_init(void)
{
}

bool map_reaches(uint64_t addr, uint64_t len)
{
	return addr <= GIB4 && len <= GIB4 - addr;
}

#endif
