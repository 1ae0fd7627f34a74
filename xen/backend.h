/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loading through Xen's kexec operation. Decides nothing about the image; knows in which order to
 * call, and what to undo.
 *
 * A crash load is done in place: whatever was loaded before is overwritten while the new image
 * comes in, and cannot be rolled back. So everything that can be refused is refused before the
 * first call that changes anything; after that a failure ends with nothing loaded, or says that
 * and why this could not be had (Xen before 4.9, or a failing clean-up).
 */
#ifndef XEN_BACKEND_H
#define XEN_BACKEND_H

#include "common/backend.h"
#include "common/io.h"
#include "xen/check.h"
#include "xen/ctrl.h"

struct xen_backend {
	struct xen xen; /* open; stays the caller's */
	const struct host *host; /* facts of this very machine */
	struct xen_caller caller;
	/* Where segments are copied that do not lie in memory that a hypercall may read. */
	const struct payload_alloc *alloc;
	struct bytes safe[4]; /* memory that does: payloads read by way of alloc */
	size_t nr_safe;
	const char *state_path; /* RECORD_PATH */
	const char *root; /* in front of /proc; "" on a real host */
};

/* Everything for this process but the payloads: opens Xen. xen_backend_deinit() closes it. */
enum xk_status xen_backend_init(
	struct xen_backend *b, const struct host *h, struct diag *d) _nonnull_;
void xen_backend_deinit(struct xen_backend *b) _nonnull_;

/* Takes p as memory that a hypercall may read. False when there is no slot left: it will be
 * copied, which costs memory and nothing else. */
bool xen_backend_add_safe(struct xen_backend *b, struct bytes p) _nonnull_;

extern const struct backend_limits xen_backend_limits;

/* ctx is a struct xen_backend. */
extern const struct backend_ops xen_backend_ops;

#endif
