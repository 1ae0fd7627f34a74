/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One page, compressed by itself, as kdump-compressed files want it. Finds the libraries; never
 * decides which codec is used.
 */
#ifndef VMCORE_CODEC_H
#define VMCORE_CODEC_H

#include "common/bytes.h"
#include "common/diag.h"

#define CODEC_PAGE 4096u

enum codec { CODEC_NONE, CODEC_ZLIB, CODEC_ZSTD, CODEC_LZO, CODEC_SNAPPY, CODECS };

const char *codec_name(enum codec c);
bool codec_parse(const char *name, enum codec *ret) _must_check_ _nonnull_;

/* The library behind a codec; shared by threads. */
struct codec_lib;

/* zlib streams are made by libdeflate when it is installed and what it makes is what zlib reads;
 * `plain`: not even then. XK_UNSUPPORTED: the library is not installed. */
enum xk_status codec_open(
	enum codec c, bool plain, struct codec_lib **ret, struct diag *d) _nonnull_;
void codec_close(struct codec_lib *l);
const char *codec_maker(const struct codec_lib *l) _nonnull_; /* "libdeflate", "zlib", ... */

/* What one thread needs. NULL: no memory. */
struct codec_ctx;
struct codec_ctx *codec_ctx_create(const struct codec_lib *l) _nonnull_;
void codec_ctx_destroy(struct codec_ctx *x);

/* Compresses a page. Returns its size, which is below CODEC_PAGE, and *ret (valid until the next
 * call); 0: it does not shrink and should be stored as it is. */
size_t codec_page(struct codec_ctx *x, const uint8_t *page, const uint8_t **ret) _nonnull_;

bool page_is_zero(const uint8_t *page) _nonnull_;

#endif
