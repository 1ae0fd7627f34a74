/* SPDX-License-Identifier: GPL-2.0-only */
/* What makes arming a Linux impossible whatever the image is, each with its remedy. */
#ifndef NATIVE_CHECK_H
#define NATIVE_CHECK_H

#include "common/plan.h"
#include "native/sys.h"

/* The host, by its facts: no Xen, a kernel of known width, a crash region. Pure; for load and for
 * planning. */
enum xk_status native_check_host(const struct host *h, struct diag *d) _nonnull_;

/* This program, and what the running kernel allows: root, and that loading is not disabled. Only
 * for what really changes something. */
enum xk_status native_check_caller(const struct native_sys *s, bool root, struct diag *d) _nonnull_;

/* That the region of the plan is still there: it may have been shrunk, and the kernel would notice
 * only after it gave up the image that was loaded before. */
enum xk_status native_check_region(
	const struct native_sys *s, const struct plan *p, struct diag *d) _nonnull_;

#endif
