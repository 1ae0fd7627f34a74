/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unpacking of gzip, zstd and xz files as a stream, straight into where the content is wanted.
 * Opens no file: input comes from a callback. Trusts nothing in the input; sizes that a file
 * claims are hints only.
 */
#ifndef XK_DECOMPRESS_H
#define XK_DECOMPRESS_H

#include "common/bytes.h"
#include "common/diag.h"

enum compression { COMP_NONE, COMP_GZIP, COMP_ZSTD, COMP_XZ };

#define COMPRESSION_HEAD 18 /* first bytes that detection and hint look at, when there */
#define COMPRESSION_TAIL 65536 /* likewise last bytes */

/* By magic number; COMP_NONE for anything else. */
enum compression compression_detect(struct bytes head);
const char *compression_name(enum compression c);

/*
 * What the file claims its content's size to be, 0 when it does not say. Wrong for a hostile
 * file and for gzip files of several members. Sources: RFC 1952 (ISIZE), RFC 8878 (frame
 * content size), the .xz file format (index).
 */
uint64_t unpack_hint(enum compression c, struct bytes head, struct bytes tail);

/* Where packed bytes come from. *ret == 0 is the end. A failure of read() is unpack()'s. */
struct unpack_source {
	enum xk_status (*read)(void *ctx, uint8_t *buf, size_t cap, size_t *ret, struct diag *d);
	void *ctx;
};

/*
 * Unpacks everything. The first `cap` bytes go to dst (NULL when cap is 0), the rest is only
 * counted; *ret is the size of the whole content. So a caller whose guess was wrong knows the
 * right size for a second try, and never holds two copies. XK_BAD_INPUT for damaged input and
 * for more than max bytes; XK_NOMEM; what read() returned.
 */
enum xk_status unpack(enum compression c, struct unpack_source src, uint8_t *dst, size_t cap,
	uint64_t max, uint64_t *ret, struct diag *d) __attribute__((nonnull(6, 7)));

#endif
