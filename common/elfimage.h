/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel as an ELF file (vmlinux). Its loadable parts lie at physical addresses with gaps
 * between them; elf_layout() says where each goes in one flat piece of memory, whoever reads the
 * file puts them there, and image_parse_elf() makes an image of the result. Nothing else of the
 * file is needed, so one with gigabytes of debug data costs no more than its kernel.
 */
#ifndef XK_ELFIMAGE_H
#define XK_ELFIMAGE_H

#include "common/image.h"

#define ELF_HEAD       (64u << 10) /* enough of a file's beginning: kernels have the headers there */
#define ELF_MAX_PIECES 16

struct elf_piece {
	uint64_t off, len; /* in the file */
	uint64_t dest; /* in the flat kernel */
};

struct elf_layout {
	size_t nr; /* 0: the file is not an ELF executable */
	struct elf_piece v[ELF_MAX_PIECES]; /* ascending by dest, not overlapping */
	bool is_64;
	uint64_t base; /* physical address of the flat kernel's first byte, as linked */
	uint64_t entry; /* physical, as linked */
	uint64_t len; /* of the flat kernel: to the end of the last piece, gaps included */
	uint64_t mem; /* it takes, from base on; more than len by its bss */
};

bool elf_is(struct bytes head);

/*
 * From the first bytes of the file, at most ELF_HEAD, and its whole size. XK_UNSUPPORTED for an
 * ELF file that cannot be an x86 kernel, XK_BAD_INPUT for a truncated or inconsistent one. The
 * message does not name the file.
 */
enum xk_status elf_layout(
	struct bytes head, uint64_t file_size, struct elf_layout *ret, struct diag *d) _nonnull_;

/* `flat` has l->len bytes and stays valid as long as *ret is used. XK_UNSUPPORTED when it is no
 * Linux. As image_parse() otherwise. */
enum xk_status image_parse_elf(const struct elf_layout *l, struct bytes flat, const char *name,
	struct image *ret, struct diag *d) _nonnull_;

#endif
