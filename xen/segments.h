/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A plan's segments as Xen takes them. The kernel and initrd already lie in memory that a
 * hypercall may read; the small rest lies in ordinary memory and is copied into one buffer that
 * it may read, too.
 */
#ifndef XEN_SEGMENTS_H
#define XEN_SEGMENTS_H

#include "xen/backend.h"

struct xen_segments {
	struct xen_kexec_segment segs[XEN_KEXEC_MAX_SEGMENTS];
	uint8_t *bounce;
	size_t bounce_len;
};

/* p has at most XEN_KEXEC_MAX_SEGMENTS. XK_NOMEM. */
enum xk_status xen_segments_make(const struct xen_backend *b, const struct plan *p,
	struct xen_segments *ret, struct diag *d) _nonnull_;
void xen_segments_release(const struct xen_backend *b, struct xen_segments *s) _nonnull_;

#endif
