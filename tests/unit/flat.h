/* SPDX-License-Identifier: GPL-2.0-only */
/* Files as dumps are read back, and the flattened format put together again. */
#ifndef FLAT_H
#define FLAT_H

#include "common/bytes.h"

/* The whole file; fails the test when it is not there. */
void flat_load(const char *path, struct buf *ret);

/* Replaces a flattened file by what it stands for. No byte may be said twice: a stream cannot be
 * taken back, and readers differ in which one they believe. */
void flat_join(struct buf *file);

#endif
