/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Xen's console ring: what the hypervisor, and what it let guests, said last. Read by four symbols
 * of the XENKDUMP note and nothing else. Everything in it is untrusted; its text is raw.
 *
 * Source: Xen xen/drivers/char/console.c, the same from 4.4 to 4.21: `conring` points to a ring of
 * `conring_size` bytes, a power of two; `conringp` counts the bytes that were ever put there and
 * `conringc` those that dom0 has thrown away (xl dmesg -c), both modulo 2^32. What dom0 threw away is
 * in the ring all the same until something is written over it. Until Xen has memory to allocate,
 * `conring` leads to `_conring`, an array of its image; so it is always a pointer.
 */
#ifndef VMCORE_CONRING_H
#define VMCORE_CONRING_H

#include "vmcore/xlat.h"

#define CONRING_MAX (16u << 20) /* of a larger ring the last so many bytes are read */

struct conring {
	vaddr_t at;
	uint32_t size, produced, consumed;
	uint32_t first; /* of what is read, as `produced` counts */
	uint32_t len;
	bool wrapped; /* something older was there */
};

/* XK_BAD_INPUT: which symbol is missing, or what of them makes no sense. */
enum xk_status conring_find(const struct core_notes *n, const struct xen_xlat *x,
	struct core_reader *r, struct conring *ret, struct diag *d) _nonnull_;

struct conring_sink {
	bool (*text)(void *ctx, struct bytes part); /* false: no more */
	void (*lost)(void *ctx, uint32_t len); /* so many bytes cannot be read here */
	void *ctx;
};

/* All of it, oldest first, in parts of up to a page, without NULs. False: text() said so. */
bool conring_each(const struct conring *c, const struct xen_xlat *x, struct core_reader *r,
	const struct conring_sink *to) _nonnull_;

#endif
