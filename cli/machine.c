// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "cli/machine.h"
#include "cli/reexec.h"
#include "native/check.h"
#include "native/probe.h"
#include "xen/check.h"
#include "xen/probe.h"

enum xk_status machine_probe(const struct settings *s, struct host *ret, struct diag *d)
{
	enum xk_status st = native_probe(&native_probe_real, ret, d);

	/* Second: it knows better what some of the kernel's answers mean under Xen. */
	if (!st)
		st = xen_probe(&xen_probe_real, ret, d);
	if (!st)
		st = reexec_if(reexec_to_ask(REEXEC_BITS, ret), s->argv, d);
	/* Last, and only where this kernel's physical addresses are the machine's: it takes the
	 * Xen probe to know that none is there, and the two probes may not know of each other. */
	if (!st && ret->hypervisor == HV_NONE)
		st = native_machine_probe(&native_probe_real, ret, d);
	return st;
}

enum xk_status machine_check(const struct settings *s, const struct host *h, struct diag *d)
{
	if (h->hypervisor != HV_XEN)
		return native_check_host(h, d);
	if (s->syscall != NATIVE_AUTO)
		return diag_fail(d, XK_USAGE,
			"--syscall: under Xen the image is loaded into the hypervisor, by its kexec "
			"operation, and not by a system call of Linux: leave it out");
	return xen_check_host(h, d);
}

const struct backend_limits *machine_limits(const struct host *h)
{
	return h->hypervisor == HV_XEN ? &xen_backend_limits : native_limits(h->kernel.bits);
}

static enum xk_status open_xen(struct machine *m, const struct host *h, struct diag *d)
{
	/* Otherwise the first thing said would be that some device or library is not there. */
	enum xk_status st = xen_check_dom0(h, d);

	if (!st)
		st = xen_backend_init(&m->xen, h, d);
	if (st)
		return st;
	m->xen.state_path = m->record_path;
	m->ops = &xen_backend_ops;
	m->ctx = &m->xen;
	return XK_OK;
}

static void open_native(struct machine *m, const struct host *h)
{
	native_backend_init(&m->native, h);
	m->native.record_path = m->record_path;
	m->ops = &native_backend_ops;
	m->ctx = &m->native;
}

enum xk_status machine_open(
	struct machine *m, const struct host *h, const char *rundir, struct diag *d)
{
	enum xk_status st = XK_OK;
	int n;

	memset(m, 0, sizeof(*m));
	n = snprintf(m->record_path, sizeof(m->record_path), "%s/state", rundir);
	if (n < 0 || (size_t)n >= sizeof(m->record_path))
		return diag_fail(d, XK_USAGE, "--run-dir %s: too long", rundir);
	if (h->hypervisor == HV_XEN)
		st = open_xen(m, h, d);
	else
		open_native(m, h);
	m->open = !st;
	return st;
}

void machine_close(struct machine *m)
{
	if (m->ctx == &m->xen)
		xen_backend_deinit(&m->xen);
	m->open = false;
}

const struct payload_alloc *machine_payload(struct machine *m)
{
	return m->ctx == &m->xen ? m->xen.alloc : &payload_plain;
}

enum xk_status machine_load(struct machine *m, const struct settings *s, const struct inputs *in,
	const struct plan *p, struct diag *d)
{
	const struct payload *payloads[] = {&in->kernel, &in->initrd};
	struct bytes b[ARRAY_SIZE(payloads)];

	for (size_t i = 0; i < ARRAY_SIZE(payloads); i++) {
		b[i] = (struct bytes){payloads[i]->data, payloads[i]->len};
		if (b[i].len && m->ctx == &m->xen)
			xen_backend_add_safe(&m->xen, b[i]);
	}
	m->native.choice = s->syscall;
	m->native.source = (struct native_source){
		.kernel = s->kernel,
		.kernel_bytes = b[0],
		.initrds = s->initrds,
		.nr_initrds = s->nr_initrds,
		.initrd_bytes = b[1],
	};
	return m->ops->load(m->ctx, p, s->kernel, d);
}

const char *machine_said(const struct machine *m)
{
	return m->native.said;
}

enum xk_status machine_unload(struct machine *m, struct diag *d)
{
	return m->ops->unload(m->ctx, d);
}

enum xk_status machine_status(struct machine *m, struct armed *ret, struct diag *d)
{
	return m->ops->status(m->ctx, ret, d);
}

enum xk_status machine_crash(struct machine *m, struct diag *d)
{
	return m->ops->crash(m->ctx, d);
}
