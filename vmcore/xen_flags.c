// SPDX-License-Identifier: GPL-2.0-only
#include "vmcore/xen_flags.h"

#define BIT(n)	  (UINT64_C(1) << (n))
#define CACHEATTR (UINT64_C(7) << 58)

/* Source: Xen xen/include/asm-x86/mm.h, from 4.16 on xen/arch/x86/include/asm/mm.h, at the tags of
 * the first and last release named. XSA-402 is what moved broken and state. */
const struct pgc pgc_tables[PGC_TABLES] = {
	{
		.name = "4.4 to 4.9",
		.family = 0,
		.state = 55,
		.count = 55,
		.broken = BIT(57),
		.referenced = CACHEATTR,
		.flags = BIT(61),
	},
	{
		.name = "4.10 to 4.13.4",
		.family = 0,
		.state = 55,
		.count = 55,
		.broken = BIT(57),
		.need_scrub = PGC_ALLOCATED,
		.referenced = CACHEATTR,
		.flags = BIT(61),
	},
	{
		.name = "4.14 to 4.14.5, 4.15.2, 4.16.1",
		.family = 0,
		.state = 55,
		.count = 54,
		.broken = BIT(57),
		.need_scrub = PGC_ALLOCATED,
		.referenced = CACHEATTR,
		.flags = BIT(61) | BIT(54),
	},
	{
		.name = "4.13.5",
		.family = 1,
		.state = 58,
		.count = 58,
		.broken = BIT(60),
		.need_scrub = PGC_ALLOCATED,
		.flags = BIT(61),
	},
	{
		.name = "4.17, 4.14.6, 4.15.3, 4.16.2",
		.family = 1,
		.state = 58,
		.count = 57,
		.broken = BIT(60),
		.need_scrub = PGC_ALLOCATED,
		.flags = BIT(61) | BIT(57),
	},
	{
		.name = "4.18 to 4.21",
		.family = 1,
		.state = 58,
		.count = 57,
		.broken = BIT(60),
		.need_scrub = PGC_ALLOCATED,
		.referenced = BIT(57), /* shadowed page table */
		.flags = BIT(61),
	},
	{
		.name = "4.22 and later",
		.family = 1,
		.state = 58,
		.count = 56,
		.broken = BIT(60),
		.need_scrub = BIT(57),
		.referenced = BIT(56),
		.flags = BIT(61),
	},
};

const struct pgc *pgc_propose(uint32_t major, uint32_t minor, uint32_t stable)
{
	/* The first stable release of each branch with the moved bits. */
	static const uint8_t moved[] = {[13] = 5, [14] = 6, [15] = 3, [16] = 2};

	if (major != 4)
		return &pgc_tables[major < 4 ? 0 : 6];
	if (minor < 10)
		return &pgc_tables[0];
	if (minor < 13)
		return &pgc_tables[1];
	if (minor < 17 && stable < moved[minor])
		return &pgc_tables[minor == 13 ? 1 : 2];
	if (minor < 18)
		return &pgc_tables[minor == 13 ? 3 : 4];
	return &pgc_tables[minor < 22 ? 5 : 6];
}

uint32_t pgc_stable(const char *extra)
{
	uint32_t v = 0;

	if (*extra++ != '.')
		return 0;
	for (; *extra >= '0' && *extra <= '9' && v < 1000; extra++)
		v = v * 10 + (uint32_t)(*extra - '0');
	return v;
}

/* More than any page has: a reference is a mapping or a handle of somebody. */
#define COUNT_MAX (UINT64_C(1) << 32)

bool pgc_sane(const struct pgc *t, uint64_t info)
{
	uint64_t state = UINT64_C(3) << t->state;
	uint64_t count = info & (BIT(t->count) - 1);

	switch (pgc_state(t, info)) {
	case PGC_FREE: return !(info & ~(state | t->need_scrub));
	case PGC_OFFLINED: return !(info & ~(state | t->need_scrub | t->broken));
	default:
		if (info & ~(PGC_ALLOCATED | PGC_XEN_HEAP | state | t->broken | t->referenced |
				   t->flags | (BIT(t->count) - 1)))
			return false;
		if (info & PGC_ALLOCATED || info & t->referenced)
			return count && count < COUNT_MAX;
		return count < COUNT_MAX;
	}
}
