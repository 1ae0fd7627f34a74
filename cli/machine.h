/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine this runs on: joins the Linux-side probe, the Xen probe and the backend that fits,
 * which may not know of each other.
 */
#ifndef XK_MACHINE_H
#define XK_MACHINE_H

#include "cli/cli.h"
#include "common/backend.h"
#include "xen/backend.h"

struct machine {
	bool open;
	struct xen_backend xen;
	char state_path[256];
	const struct backend_ops *ops;
};

/* All facts that can be had; those that cannot are gaps. Fails for want of memory only. */
enum xk_status machine_probe(struct host *ret, struct diag *d);

/* Pure: whether a crash kernel can be armed on such a host at all, and what it can take. */
enum xk_status machine_check(const struct host *h, struct diag *d);
const struct backend_limits *machine_limits(const struct host *h);

/* m->open says whether machine_close() is owed. */
enum xk_status machine_open(
	struct machine *m, const struct host *h, const char *rundir, struct diag *d);
void machine_close(struct machine *m);
const struct payload_alloc *machine_payload(struct machine *m);

enum xk_status machine_load(struct machine *m, const struct inputs *in, const struct plan *p,
	const char *kernel, struct diag *d);
enum xk_status machine_unload(struct machine *m, struct diag *d);
enum xk_status machine_status(struct machine *m, struct armed *ret, struct diag *d);
enum xk_status machine_crash(struct machine *m, struct diag *d);

#endif
