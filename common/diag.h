/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a failure travels: a status for the program, one message for the person. Nothing here
 * allocates, prints or exits; only cli/ does the last two.
 */
#ifndef XK_DIAG_H
#define XK_DIAG_H

#include "common/compiler.h"

/* Each value is also the exit code of xenkdump; the table for people is doc/exit-codes.md. */
enum xk_status {
	XK_OK = 0,
	XK_FAIL = 1, /* a failure with no better name, or a negative answer of `status` */
	XK_USAGE = 2, /* the command line or a config value is wrong */
	XK_NOMEM = 3, /* this process ran out of memory */
	XK_IO = 4, /* a file or device could not be opened, read or written */
	XK_BAD_INPUT = 5, /* a kernel, initrd, facts file or note is malformed or truncated */
	XK_UNSUPPORTED = 6, /* this host, hypervisor or image cannot do what was asked, ever */
	XK_NO_REGION = 7, /* no memory is reserved for a crash kernel */
	XK_NO_FIT = 8, /* the crash region is too small, or lies where the image cannot go */
	XK_NO_NOTES = 9, /* the register notes of some CPU could not be had */
	XK_REFUSED = 10, /* the kernel or hypervisor refused the operation */
	XK_PRIVILEGE = 11, /* not root, or not the control domain */
	XK_STATE = 12, /* what is armed is not what the record says */
	XK_PARTIAL = 13, /* a dump was written, but not as asked: incomplete or unfiltered */
};

struct diag {
	enum xk_status status;
	char text[2048];
};

void diag_init(struct diag *d) _nonnull_;

/*
 * Sets the message, replacing an earlier one, and returns `status`, so that a refusal is one
 * statement: return diag_fail(d, XK_NO_FIT, "...", ...). Text that does not fit is cut.
 */
enum xk_status diag_fail(struct diag *d, enum xk_status status, const char *fmt, ...)
	_printf_(3, 4) _nonnull_;

/* Puts context in front: "reading /boot/vmlinuz: " + what was there. Returns d->status. */
enum xk_status diag_prepend(struct diag *d, const char *fmt, ...) _printf_(2, 3) _nonnull_;

/* Adds to the end, for a remedy or a second fact. Returns d->status. */
enum xk_status diag_append(struct diag *d, const char *fmt, ...) _printf_(2, 3) _nonnull_;

#endif
