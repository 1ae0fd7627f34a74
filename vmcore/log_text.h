/* SPDX-License-Identifier: GPL-2.0-only */
/* Text of a crashed system's logs, made fit for a file that people open. */
#ifndef VMCORE_LOG_TEXT_H
#define VMCORE_LOG_TEXT_H

#include "common/bytes.h"

/* Appends text with control bytes, DEL and what is not ASCII as \xNN, as the kernel shows them in
 * /dev/kmsg; newline and tab stay, and so does the backslash, which logs are full of. */
void log_escape(struct buf *to, struct bytes text) _nonnull_;

#endif
