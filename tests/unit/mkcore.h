/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Builds small cores from a description: memory with content, notes, class and machine. Memory
 * starts as zeros; write to it with mkcore_at() and friends by machine address.
 */
#ifndef XK_TEST_MKCORE_H
#define XK_TEST_MKCORE_H

#include "common/bytes.h"

#define MKCORE_LOADS 64

struct mkcore_load {
	uint64_t paddr, virt;
	uint64_t memsz, filesz; /* as written; the content has mkcore_mem()'s len */
	uint64_t off; /* as written; set by mkcore_build() unless fixed_off */
	bool fixed_off;
	uint8_t *data;
	size_t len;
};

struct mkcore {
	uint8_t class; /* ELFCLASS */
	uint16_t machine, type;
	uint32_t e_flags;
	uint16_t phnum; /* as written; 0: what there is */
	size_t off_align; /* of a load's content in the file; 1 to test odd offsets */
	struct mkcore_load loads[MKCORE_LOADS];
	size_t nr;
	struct buf notes; /* one PT_NOTE, the first header; none when empty */
};

void mkcore_init(struct mkcore *m, uint8_t class, uint16_t machine);
void mkcore_deinit(struct mkcore *m);

/* Adds zeroed memory; asserts that there is room. */
struct mkcore_load *mkcore_mem(struct mkcore *m, uint64_t paddr, size_t len);

/* The content at paddr, of which len bytes lie in one load (the first that has them). */
uint8_t *mkcore_at(struct mkcore *m, uint64_t paddr, size_t len);
void mkcore_put(struct mkcore *m, uint64_t paddr, const void *data, size_t len);
void mkcore_put64(struct mkcore *m, uint64_t paddr, uint64_t v);
void mkcore_put32(struct mkcore *m, uint64_t paddr, uint32_t v);

/* Fills with bytes that tell their address: byte i of paddr on is mkcore_byte(paddr + i). */
void mkcore_fill(struct mkcore *m, uint64_t paddr, size_t len);
uint8_t mkcore_byte(uint64_t paddr);

void mkcore_note(struct mkcore *m, const char *name, uint32_t type, const void *desc, size_t len);

/* The file, to be freed by buf_deinit(). */
struct buf mkcore_build(struct mkcore *m);

/* The same memory and notes as a kdump-compressed file. Pages that a load describes beyond its
 * filesz are marked as memory and left out. */
struct mkcore_kdump {
	uint32_t version; /* 1 to 6 */
	bool is_32; /* the layout of a 32-bit build */
	uint32_t flags; /* of its pages: 0, 1 zlib, 0x20 zstd, 2 lzo, 4 snappy */
	uint32_t status; /* more bits for the status than flags */
	bool split;
	uint64_t start, end; /* of a split part */
	const char *machine, *release; /* of its utsname; NULL: empty */
	const char *vmcoreinfo; /* versions 3 on: a text outside the notes */
	uint64_t lost_pfn; /* its descriptor has offset 0; 0: none */
};
/* False: the library for it is not installed for this width of program. */
bool mkcore_can_pack(uint32_t flags);
struct buf mkcore_kdump(const struct mkcore *m, const struct mkcore_kdump *k);

/* Any file in flattened form: records of `size` bytes, the first of them written again at the end,
 * after rubbish at first. */
struct buf mkcore_flatten(const struct buf *file, size_t size);

#endif
