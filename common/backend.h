/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a plan reaches the machine. A backend decides nothing: it moves a checked plan across one
 * system interface and reports what came back.
 */
#ifndef XK_BACKEND_H
#define XK_BACKEND_H

#include "common/plan.h"

/* The answer of status(), for `xenkdump status` and its exit code. */
enum armed_state {
	ARMED_NO,
	ARMED_YES,
	ARMED_UNKNOWN, /* someone else used the interface; `why` says how that is known */
};

struct armed {
	enum armed_state state;
	char why[512]; /* one sentence, always set */
	struct range region; /* of the record, when there is one */
	char kernel[256]; /* file name of the record */
	char since[32]; /* UTC time of the record, RFC 3339 */
	char digest[65]; /* of the record */
};

struct backend_ops {
	const struct backend_limits *limits;
	/* Any failure leaves nothing armed, or says in d that this could not be ensured. */
	enum xk_status (*load)(
		void *ctx, const struct plan *p, const char *kernel_name, struct diag *d);
	enum xk_status (*unload)(void *ctx, struct diag *d);
	enum xk_status (*status)(void *ctx, struct armed *ret, struct diag *d);
	/* Runs the loaded crash image now. Returns only on failure. */
	enum xk_status (*crash)(void *ctx, struct diag *d);
};

#endif
