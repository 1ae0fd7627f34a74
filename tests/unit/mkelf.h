/* SPDX-License-Identifier: GPL-2.0-only */
/* Builds a small vmlinux from a description, as mkbz.h does for bzImages. */
#ifndef XK_TEST_MKELF_H
#define XK_TEST_MKELF_H

#include "common/bytes.h"

#define MKELF_SEGS 4

struct mkelf {
	bool is_64;
	uint16_t type, machine; /* e_type, e_machine */
	uint64_t entry;
	uint16_t phnum; /* as written; 0: the number of segments */
	uint16_t phentsize; /* as written; 0: that of the class */
	struct {
		uint32_t type;
		uint64_t off, vaddr, paddr, filesz, memsz;
	} seg[MKELF_SEGS];
	size_t nr;
	const char *banner; /* at the start of the first segment */
	size_t size; /* of the file; the rest of it is junk that no one should need */
};

/*
 * x86_64, as Linux 6.1 is linked, only small: text at 16 MiB, data behind it, an empty per-CPU
 * segment at virtual 0, bss after the last. i386: one segment at 16 MiB.
 */
struct mkelf mkelf_default(bool is_64);

/* The file, to be freed by buf_deinit(). Byte i of it is mkelf_byte(i) where nothing else is. */
struct buf mkelf_build(const struct mkelf *m) _nonnull_;
uint8_t mkelf_byte(size_t i);

#endif
