/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a 32-bit program cannot do what a 64-bit one can, the x86_64 build of xenkdump runs in its
 * place, with the same arguments, when it is installed.
 *
 * No loop can come of it: only a 32-bit program looks for another, and it runs nothing but x86_64
 * files.
 */
#ifndef XK_REEXEC_H
#define XK_REEXEC_H

#include "common/diag.h"
#include "common/host.h"

#define REEXEC_BITS ((unsigned)(8 * sizeof(void *))) /* width of this program */

enum reexec_why {
	REEXEC_NO,
	REEXEC_XEN, /* Linux' privcmd has no compat ioctl: no hypercall reaches Xen */
	REEXEC_HIGH, /* kexec_load takes 32-bit addresses from a 32-bit program */
};

/* Pure. To ask or change anything under Xen; every command but one that reads facts from a file. */
enum reexec_why reexec_to_ask(unsigned bits, const struct host *h) _nonnull_;

/* Pure. To load on this host; by the crash region that Linux loads into, its highest. */
enum reexec_why reexec_to_load(unsigned bits, const struct host *h) _nonnull_;

/*
 * Nothing, when why is REEXEC_NO. Otherwise it does not return when there is an x86_64 xenkdump to
 * run; when there is none, XK_UNSUPPORTED and one sentence: what is wrong, what to install.
 */
enum xk_status reexec_if(enum reexec_why why, char *const *argv, struct diag *d) _nonnull_;

/* The parts of it, for tests. */

#define REEXEC_CANDIDATES 5

/* Where to look, in order; self is the path of this program. Each is for the caller to free, and
 * may be NULL. */
void reexec_candidates(const char *self, char *ret[REEXEC_CANDIDATES]) _nonnull_;

/*
 * Opens path if it may be run in the place of this program: a regular file, an x86_64 ELF program,
 * and when this is root, root's and written by nobody else. -1 otherwise, with the reason in d
 * unless there is no such file, or it is another 32-bit program; then d is left alone.
 */
int reexec_open(const char *path, bool root, struct diag *d) _nonnull_;

/* Runs the first that may be; as reexec_if() when there is none. */
enum xk_status reexec_one_of(enum reexec_why why, char *const paths[REEXEC_CANDIDATES],
	char *const *argv, struct diag *d) _nonnull_;

#endif
