/* SPDX-License-Identifier: GPL-2.0-only */
/* What Linux' error numbers mean when a crash kernel is loaded. Pure. */
#ifndef NATIVE_EXPLAIN_H
#define NATIVE_EXPLAIN_H

#include "common/diag.h"
#include "native/way.h"

/* One sentence: what this error number of this call can mean, with "or" where it is ambiguous,
 * and what to do. Never NULL. */
const char *native_explain(enum native_call call, int error);

/* diag_fail() with the call's name, the error number and native_explain(); and, where that is a
 * cause, the lockdown that h knows of. */
enum xk_status native_call_failed(
	const struct host *h, enum native_call call, int error, struct diag *d) _nonnull_;

#endif
