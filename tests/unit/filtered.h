/* SPDX-License-Identifier: GPL-2.0-only */
/* The Xen filter over a host that mkxen.h made. */
#ifndef XK_TEST_FILTERED_H
#define XK_TEST_FILTERED_H

#include "mkxen.h"
#include "vmcore/filter.h"
#include "xktest.h"

extern const struct filter_request filtered_nothing; /* nothing is asked for */

/* Makes the filter, which may come out unusable. */
void filtered_open(struct mkxen *x, const struct filter_request *rq, struct xen_filter *f);
/* Ends the host too. */
void filtered_done(struct mkxen *x, struct xen_filter *f);
enum page_kind filtered_kind(struct mkxen *x, struct xen_filter *f, uint64_t pfn);
/* Fails the test unless each page is what mkxen.h says. */
void filtered_map(struct mkxen *x, struct xen_filter *f);

#endif
