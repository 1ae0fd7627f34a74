/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine this runs on: joins the Linux-side probe, the Xen probe and the backend that fits,
 * which may not know of each other. Where there is Xen, Linux' own way of loading is never used:
 * it would load for a kernel that a crash does not come through.
 */
#ifndef XK_MACHINE_H
#define XK_MACHINE_H

#include "cli/cli.h"
#include "common/backend.h"
#include "native/backend.h"
#include "xen/backend.h"

struct machine {
	bool open;
	struct xen_backend xen;
	struct native_backend native;
	char record_path[256];
	const struct backend_ops *ops;
	void *ctx; /* of ops: one of the backends above */
};

/*
 * All facts that can be had; those that cannot are gaps. XK_NOMEM; and XK_UNSUPPORTED in a 32-bit
 * program under a 64-bit dom0 kernel, where hardly any could be had, unless an x86_64 build was
 * found: that runs in the place of this program then.
 */
enum xk_status machine_probe(const struct settings *s, struct host *ret, struct diag *d);

/* Pure: whether a crash kernel can be armed on such a host at all, by the options given, and what
 * it can take. */
enum xk_status machine_check(const struct settings *s, const struct host *h, struct diag *d);
const struct backend_limits *machine_limits(const struct host *h);

/* m->open says whether machine_close() is owed. */
enum xk_status machine_open(
	struct machine *m, const struct host *h, const char *rundir, struct diag *d);
void machine_close(struct machine *m);
const struct payload_alloc *machine_payload(struct machine *m);

enum xk_status machine_load(struct machine *m, const struct settings *s, const struct inputs *in,
	const struct plan *p, struct diag *d);
/* After a load: how it was done, when there was a choice; one sentence or nothing. */
const char *machine_said(const struct machine *m);
enum xk_status machine_unload(struct machine *m, struct diag *d);
enum xk_status machine_status(struct machine *m, struct armed *ret, struct diag *d);
enum xk_status machine_crash(struct machine *m, struct diag *d);

#endif
