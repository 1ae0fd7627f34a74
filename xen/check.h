/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What makes arming impossible whatever the image is, each with its remedy; and what Xen's error
 * numbers mean. Pure: facts in, verdict out.
 */
#ifndef XEN_CHECK_H
#define XEN_CHECK_H

#include "common/host.h"
#include "common/plan.h"

/*
 * The host, by its facts: Xen at all, PV, the control domain, Xen 4.4 or later, the kexec
 * operation, a crash region. For load, check, and planning under Xen.
 */
enum xk_status xen_check_host(const struct host *h, struct diag *d) _nonnull_;

/* The part of it that any talk with Xen's kexec operation needs: a PV dom0 of Xen. */
enum xk_status xen_check_dom0(const struct host *h, struct diag *d) _nonnull_;

/* This program on that host: root, and of a width that can make hypercalls there. Only for what
 * really calls Xen. */
struct xen_caller {
	bool root;
	unsigned bits; /* width of this program */
};

struct xen_caller xen_caller_self(void);
enum xk_status xen_check_caller(
	const struct host *h, struct xen_caller who, struct diag *d) _nonnull_;

/*
 * What Xen itself would refuse of this plan, in its order, but before it is asked: its own checks
 * come partly after the old image was overwritten. area is the crash region as Xen has it now.
 */
enum xk_status xen_check_plan(const struct plan *p, struct range area, struct diag *d) _nonnull_;

enum xen_call {
	XEN_CALL_OPEN,
	XEN_CALL_RANGE,
	XEN_CALL_LOAD,
	XEN_CALL_UNLOAD,
	XEN_CALL_STATUS,
	XEN_CALL_EXEC
};

/* One sentence: what this error number of this call can mean, with "or" where it is ambiguous,
 * and what to do. Never NULL. */
const char *xen_explain(enum xen_call call, int error);

/* diag_fail() with the call's name, the error number and xen_explain(). */
enum xk_status xen_call_failed(enum xen_call call, int error, struct diag *d) _nonnull_;

#endif
