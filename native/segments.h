/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NATIVE_SEGMENTS_H
#define NATIVE_SEGMENTS_H

#include "common/plan.h"

/*
 * struct kexec_segment of Linux include/uapi/linux/kexec.h, {buf, bufsz, mem, memsz}, each an
 * unsigned long of the calling program. Its width is a number here, so that one code writes both
 * and a test of either build sees both.
 */
struct native_segments {
	uint8_t bytes[PLAN_MAX_SEGS * 4 * sizeof(uint64_t)];
	size_t nr;
	uint32_t flags; /* of kexec_load */
};

/* XK_UNSUPPORTED for addresses that a program of this width cannot hand over; nothing was asked
 * of the kernel then. */
enum xk_status native_segments_make(const struct plan *p, unsigned long_bits,
	struct native_segments *ret, struct diag *d) _nonnull_;

#endif
