// SPDX-License-Identifier: GPL-2.0-only
#include "vmcore/pagetable.h"

#define PTE_PRESENT 0x001u
#define PTE_LARGE   0x080u
/* Bits 51:12. What lies above is the system's own or a key; below are flags. */
#define PTE_ADDRESS UINT64_C(0x000ffffffffff000)

/* Intel SDM volume 3, chapter 4: the paging modes. */
static const struct mode {
	unsigned top_bit; /* of an address, the sign bit of canonical ones */
	uint8_t entry; /* bytes */
	uint8_t index; /* bits per level */
	uint8_t first; /* bits that the root's index has */
} modes[] = {
	[2] = {31, 4, 10, 10},
	[3] = {31, 8, 9, 2},
	[4] = {47, 8, 9, 9},
	[5] = {56, 8, 9, 9},
};

static bool canonical(const struct mode *m, vaddr_t at)
{
	if (m->top_bit == 31)
		return at <= UINT32_MAX;
	return at >> m->top_bit == 0 || at >> m->top_bit == UINT64_MAX >> m->top_bit;
}

/* Large pages: 1 GiB and 2 MiB entries of 8 bytes, 4 MiB ones of 4 bytes. PAE's top level has
 * none, and neither have the two top levels of the rest. */
static bool may_be_large(const struct mode *m, unsigned level)
{
	if (m->entry == 4)
		return level == 2;
	return level == 2 || (level == 3 && m->top_bit > 31);
}

/* Where a large entry leads. A 4 MiB one carries bits 39:32 in 20:13 (PSE-36); in the others bit
 * 12 is a flag (PAT). */
static maddr_t large_base(const struct mode *m, uint64_t entry, uint64_t size)
{
	if (m->entry == 4)
		return (entry & 0xffc00000) | (entry >> 13 & 0xff) << 32;
	return align_down(entry & PTE_ADDRESS, size);
}

/* *absent: the size of the entry, 2^*absent bytes, at which a walk ended. */
static bool walk(
	const struct pagetable *t, vaddr_t at, maddr_t *ret, uint64_t *left, unsigned *absent)
{
	const struct mode *m;
	maddr_t table = t->root;
	unsigned level, shift;
	uint64_t entry, size, index;

	*absent = 63;
	if (t->levels < 2 || t->levels >= ARRAY_SIZE(modes))
		return false;
	m = &modes[t->levels];
	if (!canonical(m, at))
		return false;
	for (level = t->levels; level; level--) {
		shift = 12 + (level - 1) * m->index;
		*absent = shift;
		index = at >> shift & ((1u << (level == t->levels ? m->first : m->index)) - 1);
		if (!t->read(t->ctx, table + index * m->entry, m->entry, &entry))
			return false;
		if (!(entry & PTE_PRESENT))
			return false;
		entry &= ~t->not_address;
		size = UINT64_C(1) << shift;
		table = m->entry == 4 ? entry & 0xfffff000 : entry & PTE_ADDRESS;
		if (level > 1 && entry & PTE_LARGE) {
			/* Where there are no large pages the bit is reserved: a CPU would fault. */
			if (!may_be_large(m, level))
				return false;
			table = large_base(m, entry, size);
			level = 1;
		}
		if (level == 1) {
			*ret = table + (at & (size - 1));
			if (left)
				*left = size - (at & (size - 1));
			return true;
		}
	}
	return false;
}

bool pagetable_walk(const struct pagetable *t, vaddr_t at, maddr_t *ret, uint64_t *left)
{
	unsigned absent;

	return walk(t, at, ret, left, &absent);
}

#define NEXT_MAX 100000

bool pagetable_next(const struct pagetable *t, vaddr_t *at, vaddr_t end)
{
	vaddr_t v = *at;
	unsigned absent;
	maddr_t m;

	for (unsigned i = 0; i < NEXT_MAX && v < end; i++) {
		if (walk(t, v, &m, NULL, &absent)) {
			*at = v;
			return true;
		}
		v = align_down(v, UINT64_C(1) << absent);
		if (add_overflow(v, UINT64_C(1) << absent, &v))
			break;
	}
	return false;
}

bool pagetable_read_core(void *ctx, maddr_t at, size_t size, uint64_t *ret)
{
	uint64_t v = 0;

	if (!core_read(ctx, at, &v, size))
		return false;
	*ret = v;
	return true;
}
