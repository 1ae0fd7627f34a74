/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of plan_check(), one file each; private to common/plan_check*.c. Each is called with a
 * plan whose segments are there, in order and in bounds. */
#ifndef XK_PLAN_CHECK_H
#define XK_PLAN_CHECK_H

#include "common/plan_mem.h"

/* A broken plan is a defect of this tool, not of the input, and says so. */
#define broken(d, ...)                       \
	(diag_fail(d, XK_FAIL, __VA_ARGS__), \
		diag_prepend(d, "the plan is wrong and will not be loaded (please report): "))

enum xk_status check_bootparams(
	const struct plan *p, const struct host *h, const struct image *img, struct diag *d);
enum xk_status check_purgatory(const struct plan *p, struct diag *d);
enum xk_status check_core(
	const struct plan *p, const struct host *h, const struct image *img, struct diag *d);

#endif
