/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes from outside: the one bounds-checked reader, and a growing buffer to write into. All
 * numbers are little-endian (x86 on both sides); unaligned offsets are fine.
 */
#ifndef XK_BYTES_H
#define XK_BYTES_H

#include <string.h>

#include "common/compiler.h"

/* Borrowed memory; whoever made it owns it. */
struct bytes {
	const uint8_t *data;
	size_t len;
};

static inline bool bytes_has(struct bytes b, uint64_t off, uint64_t len)
{
	return off <= b.len && len <= b.len - off;
}

/* Copies len bytes at off to ret; false, and ret untouched, when they are not all there. */
static inline bool _must_check_ bytes_read(struct bytes b, uint64_t off, void *ret, size_t len)
{
	if (!bytes_has(b, off, len))
		return false;
	memcpy(ret, b.data + off, len);
	return true;
}

/* A part of b; empty when it is not all there. */
static inline struct bytes bytes_sub(struct bytes b, uint64_t off, uint64_t len)
{
	if (!bytes_has(b, off, len))
		return (struct bytes){NULL, 0};
	return (struct bytes){b.data + off, (size_t)len};
}

/* Owned and growing. After a failed allocation `failed` stays set and appends do nothing, so a
 * writer checks once, at its end. */
struct buf {
	uint8_t *data;
	size_t len, cap;
	bool failed;
};

void buf_append(struct buf *b, const void *data, size_t len) _nonnull_;
void buf_zero(struct buf *b, size_t len) _nonnull_;
void buf_printf(struct buf *b, const char *fmt, ...) _printf_(2, 3) _nonnull_;
void buf_deinit(struct buf *b) _nonnull_;

static inline struct bytes buf_bytes(const struct buf *b)
{
	return (struct bytes){b->data, b->len};
}

#endif
