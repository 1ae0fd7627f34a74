/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copying from mapped memory that may turn out not to be there: a poisoned page of /proc/vmcore, a
 * file that shrank or whose device failed. The signal of such an access is SIGBUS, which the kernel
 * sends to the very thread that made it, so that each thread has its own place to return to and
 * other threads never notice. Reading the page by read() instead is no way out: on a poisoned page
 * the machine check then strikes inside the kernel.
 */
#ifndef VMCORE_GUARD_H
#define VMCORE_GUARD_H

#include "common/compiler.h"

/*
 * The handler is the process's, so it is counted: the first guard_add() installs it, the last
 * guard_remove() puts back what was there. Not while another thread does the same. A SIGBUS from
 * elsewhere gets the earlier handler.
 */
bool guard_add(void) _must_check_;
void guard_remove(void);

/* memcpy(); false, with some of it done, when part of `from` cannot be read. */
bool guard_copy(void *to, const void *from, size_t len) _must_check_ _nonnull_;

#endif
