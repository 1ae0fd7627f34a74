/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SHA-256 (FIPS 180-4) of memory. The same two sources are built freestanding into both purgatory
 * blobs and hosted into the loader, which computes what purgatory will compare with. No state,
 * no library call, any alignment.
 */
#ifndef PURG_SHA256_H
#define PURG_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* Takes nr blocks of 64 bytes at data into the state. */
typedef void sha256_blocks_fn(uint32_t state[8], const uint8_t *data, size_t nr);

sha256_blocks_fn sha256_blocks_c; /* general registers only */
sha256_blocks_fn sha256_blocks_ni; /* only where sha256_has_ni(), and SSE enabled by the caller */

/* CPUID: this CPU has what sha256_blocks_ni executes. Says nothing of CR0 and CR4. */
bool sha256_has_ni(void);

/* The digest of len bytes at data, by either of the above. */
void sha256_digest(sha256_blocks_fn *blocks, const void *data, size_t len, uint8_t ret[32]);

#pragma GCC visibility pop

#endif
