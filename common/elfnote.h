/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walking a run of ELF notes in untrusted memory. Both classes have one format in practice:
 * 12-byte header, name and descriptor each padded to 4 bytes.
 */
#ifndef XK_ELFNOTE_H
#define XK_ELFNOTE_H

#include "common/bytes.h"

struct elf_note {
	uint32_t type;
	struct bytes name; /* without its NUL */
	struct bytes desc;
};

/*
 * Takes the note at *off and moves *off past it. 1: *ret is that note; 0: no more of them (the
 * end, or an all-zero header, which is what unused room looks like); -1: one that does not fit.
 */
static inline int elfnote_next(struct bytes b, uint64_t *off, struct elf_note *ret)
{
	uint32_t hdr[3];
	uint64_t name, desc, end;

	if (*off >= b.len || b.len - *off < sizeof(hdr))
		return 0;
	memcpy(hdr, b.data + *off, sizeof(hdr));
	if (!hdr[0] && !hdr[1] && !hdr[2])
		return 0;
	name = *off + sizeof(hdr);
	desc = align_up(name + hdr[0], 4);
	if (!bytes_has(b, name, hdr[0]) || !bytes_has(b, desc, hdr[1]))
		return -1;
	end = desc + hdr[1];
	ret->type = hdr[2];
	ret->name = bytes_sub(b, name, hdr[0]);
	while (ret->name.len && !ret->name.data[ret->name.len - 1])
		ret->name.len--;
	ret->desc = bytes_sub(b, desc, hdr[1]);
	*off = min_u64(align_up(end, 4), b.len); /* the last one may lack its padding */
	return 1;
}

static inline bool elfnote_is(const struct elf_note *n, const char *name, uint32_t type)
{
	return n->type == type && n->name.len == strlen(name) &&
	       !memcmp(n->name.data, name, n->name.len);
}

#endif
