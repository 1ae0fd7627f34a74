/* SPDX-License-Identifier: GPL-2.0-only */
/* What io.c and payload.c share. */
#ifndef XK_IO_FILE_H
#define XK_IO_FILE_H

#include "common/bytes.h"
#include "common/diag.h"

/* For _cleanup_(). */
void io_closep(const int *fd);

/* Regular files only, for reading. */
enum xk_status io_open_regular(const char *path, int *fd, uint64_t *size, struct diag *d);

/* Reads until cap bytes are there or the file ends. */
enum xk_status io_read_some(int fd, uint8_t *buf, size_t cap, size_t *ret, struct diag *d);

#endif
