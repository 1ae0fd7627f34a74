// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "cli/machine.h"
#include "native/backend.h"
#include "native/probe.h"
#include "xen/check.h"
#include "xen/probe.h"

enum xk_status machine_probe(struct host *ret, struct diag *d)
{
	enum xk_status st = native_probe(&native_probe_real, ret, d);

	/* Second: it knows better what some of the kernel's answers mean under Xen. */
	if (!st)
		st = xen_probe(&xen_probe_real, ret, d);
	/* Last, and only where this kernel's physical addresses are the machine's: it takes the
	 * Xen probe to know that none is there, and the two probes may not know of each other. */
	if (!st && ret->hypervisor == HV_NONE)
		st = native_machine_probe(&native_probe_real, ret, d);
	return st;
}

enum xk_status machine_check(const struct host *h, struct diag *d)
{
	return h->hypervisor == HV_XEN ? xen_check_host(h, d) : XK_OK;
}

const struct backend_limits *machine_limits(const struct host *h)
{
	return h->hypervisor == HV_XEN ? &xen_backend_limits : native_limits(h->kernel.bits);
}

enum xk_status machine_open(
	struct machine *m, const struct host *h, const char *rundir, struct diag *d)
{
	enum xk_status st;
	int n;

	memset(m, 0, sizeof(*m));
	n = snprintf(m->state_path, sizeof(m->state_path), "%s/state", rundir);
	if (n < 0 || (size_t)n >= sizeof(m->state_path))
		return diag_fail(d, XK_USAGE, "--run-dir %s: too long", rundir);
	/* Otherwise the first thing said would be that some device or library is not there. */
	st = xen_check_dom0(h, d);
	if (!st)
		st = xen_backend_init(&m->xen, h, d);
	if (st)
		return st;
	m->xen.state_path = m->state_path;
	m->ops = &xen_backend_ops;
	m->open = true;
	return XK_OK;
}

void machine_close(struct machine *m)
{
	xen_backend_deinit(&m->xen);
	m->open = false;
}

const struct payload_alloc *machine_payload(struct machine *m)
{
	return m->xen.alloc;
}

enum xk_status machine_load(struct machine *m, const struct inputs *in, const struct plan *p,
	const char *kernel, struct diag *d)
{
	const struct payload *payloads[] = {&in->kernel, &in->initrd};

	for (size_t i = 0; i < ARRAY_SIZE(payloads); i++)
		if (payloads[i]->len)
			xen_backend_add_safe(
				&m->xen, (struct bytes){payloads[i]->data, payloads[i]->len});
	return m->ops->load(&m->xen, p, kernel, d);
}

enum xk_status machine_unload(struct machine *m, struct diag *d)
{
	return m->ops->unload(&m->xen, d);
}

enum xk_status machine_status(struct machine *m, struct armed *ret, struct diag *d)
{
	return m->ops->status(&m->xen, ret, d);
}

enum xk_status machine_crash(struct machine *m, struct diag *d)
{
	return m->ops->crash(&m->xen, d);
}
