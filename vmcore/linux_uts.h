/* SPDX-License-Identifier: GPL-2.0-only */
/* The names that a Linux kernel gives itself, from its memory. */
#ifndef VMCORE_LINUX_UTS_H
#define VMCORE_LINUX_UTS_H

#include "vmcore/xlat.h"

#define LINUX_UTS_LEN 65

struct linux_uts {
	char release[LINUX_UTS_LEN], version[LINUX_UTS_LEN], machine[LINUX_UTS_LEN];
};

/* False: VMCOREINFO does not say where, or what is there are not names of this kernel. */
bool linux_uts_read(const struct core_notes *n, const struct linux_xlat *l, struct core_reader *r,
	struct linux_uts *ret) _must_check_ _nonnull_;

#endif
