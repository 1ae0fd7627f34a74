/* SPDX-License-Identifier: GPL-2.0-only */
/* The purgatory blobs, both of them in every build, and filling in their parameters. */
#ifndef XK_PURG_H
#define XK_PURG_H

#include "common/bytes.h"
#include "purgatory/abi.h"

/* The blob for a caller that enters images in 32-bit (unpaged) or 64-bit mode. */
struct bytes purg_blob(unsigned bits);

/* Its parameters as built: magic, version, sizes; the rest zero. */
struct purg_abi purg_blob_abi(unsigned bits);

/* Copies params, all but the fields set in the blob, into a copy of the blob at `blob`. Pure. */
void purg_fill(uint8_t *blob, const struct purg_abi *params) _nonnull_;

/* SHA-256 of len bytes: the very code purgatory runs, with SHA-NI where this CPU has it. */
void sha256(const void *data, size_t len, uint8_t ret[32]) _nonnull_;

#endif
