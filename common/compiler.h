/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small words shared by every room: attributes, checked sums, alignment. No types of the field
 * live here and nothing here has state.
 */
#ifndef XK_COMPILER_H
#define XK_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define _must_check_   __attribute__((warn_unused_result))
#define _nonnull_      __attribute__((nonnull))
#define _printf_(f, a) __attribute__((format(printf, f, a)))
#define _unused_       __attribute__((unused))
#define _packed_       __attribute__((packed))
#define _cleanup_(f)   __attribute__((cleanup(f)))
#define ARRAY_SIZE(a)  (sizeof(a) / sizeof((a)[0]))
#define KiB	       (UINT64_C(1) << 10)
#define MiB	       (UINT64_C(1) << 20)
#define GiB	       (UINT64_C(1) << 30)
#define PAGE_SIZE_X86  UINT64_C(4096)

/* True when the sum or product does not fit; *ret then holds the wrapped value. */
#define add_overflow(a, b, ret) __builtin_add_overflow(a, b, ret)
#define mul_overflow(a, b, ret) __builtin_mul_overflow(a, b, ret)

/* align must be a power of two. align_up() wraps to 0 at the very top: callers bound v first. */
static inline uint64_t align_down(uint64_t v, uint64_t align)
{
	return v & ~(align - 1);
}

static inline uint64_t align_up(uint64_t v, uint64_t align)
{
	return align_down(v + align - 1, align);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* For _cleanup_(freep). */
static inline void freep(void *p)
{
	free(*(void **)p);
}

#endif
