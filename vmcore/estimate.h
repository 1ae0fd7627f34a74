/* SPDX-License-Identifier: GPL-2.0-only */
/* How large a dump will be, and what would make it smaller. Used by save.c only. */
#ifndef VMCORE_ESTIMATE_H
#define VMCORE_ESTIMATE_H

#include "vmcore/pack.h"
#include "vmcore/save.h"

struct estimate_from {
	const struct save_request *rq;
	struct packer *packer; /* its statistics are as they were afterwards */
	const struct save_count *count;
	uint64_t windows; /* of the core */
	uint64_t planned; /* pages of the file */
	uint64_t overhead; /* bytes of the file that are no pages */
};

/* Compresses a sample of pages that lie evenly in the core. XK_NOMEM. */
enum xk_status estimate_size(
	const struct estimate_from *f, struct save_estimate *ret, struct diag *d) _nonnull_;

/* For when there is too little room: says how much is needed and what would make it less. */
void estimate_advice(const struct save_request *rq, const struct save_result *r, char *text,
	size_t size) _nonnull_;

#endif
