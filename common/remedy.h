/* SPDX-License-Identifier: GPL-2.0-only */
/* Words of advice that depend on what this host understands. */
#ifndef XK_REMEDY_H
#define XK_REMEDY_H

#include "common/host.h"

/*
 * Xen's parameter for a crash region of mib MiB below the address `limit`, in the form that this
 * version of Xen knows: "crashkernel=512M,below=4G". Source: xen/common/kexec.c: "below=" came
 * with 4.10, "<" with 4.8; an older one takes an address only. Text that Xen does not know makes
 * it ignore the parameter. limit is a whole number of MiB.
 */
void remedy_crashkernel(
	const struct host *h, uint64_t mib, uint64_t limit, char *buf, size_t len) _nonnull_;

/*
 * The same for Linux, as Documentation/admin-guide/kdump/kdump.rst has it. A bare size is below
 * 4 GiB on x86_64 (where there is room) and below 512 MiB on i386; a lower place on x86_64 takes an
 * address, which must be RAM that nobody uses: the highest such multiple of 64 MiB outside the
 * kernel's image. False when there is none; buf is then as it was.
 */
bool remedy_linux(const struct host *h, uint64_t mib, uint64_t limit, char *buf,
	size_t len) _must_check_ _nonnull_;

#endif
