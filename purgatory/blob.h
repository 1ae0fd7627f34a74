/* SPDX-License-Identifier: GPL-2.0-only */
/* The two blobs inside the loader: what blob.S defines and common/purg.c reads. */
#ifndef PURG_BLOB_H
#define PURG_BLOB_H

#ifndef __ASSEMBLER__
#include <stdint.h>

extern const uint8_t purg_blob_i386[], purg_blob_i386_end[];
extern const uint8_t purg_blob_x86_64[], purg_blob_x86_64_end[];
#endif

#endif
