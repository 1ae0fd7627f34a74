/* SPDX-License-Identifier: GPL-2.0-only */
/* What a file that is no bzImage looks like, so that a refusal can say what went wrong. */
#ifndef XK_IMAGE_GUESS_H
#define XK_IMAGE_GUESS_H

#include "common/bytes.h"

/* Writes one phrase, such as "it looks like an initramfs archive ...", to ret. */
void image_guess(struct bytes file, char *ret, size_t size) _nonnull_;

/* The same for an ELF file; `start` is the beginning of its loadable part. */
void image_guess_elf(struct bytes start, char *ret, size_t size) _nonnull_;

#endif
