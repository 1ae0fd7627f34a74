/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loading into a Linux that owns its machine. Decides nothing about the image; knows in which
 * order to call, and what became of the image before when a call failed.
 *
 * Linux gives up a loaded crash image as soon as it begins to take another (kernel/kexec.c,
 * do_kexec_load(); kexec_file.c likewise): the memory is the same. Only what it refuses before, of
 * who calls or of the flags, leaves the old image. Which of both it was, the kernel is asked.
 */
#ifndef NATIVE_BACKEND_H
#define NATIVE_BACKEND_H

#include "common/backend.h"
#include "native/files.h"
#include "native/sys.h"
#include "native/way.h"

/*
 * What a Linux of this width takes. The limits are the running kernel's and not this program's, so
 * that every build makes the same plan; whether a 32-bit program can hand its addresses over is
 * for the load to see. Of a width that is not 32 (an unknown one) it is the 64-bit kernel's:
 * plan_build() refuses that host for its own reason.
 */
const struct backend_limits *native_limits(unsigned kernel_bits);

struct native_backend {
	const struct native_sys *sys;
	const struct host *host; /* facts of this very machine */
	bool root; /* this program runs as root */
	const char *record_path; /* RECORD_PATH */
	enum native_choice choice;
	struct native_source source; /* for kexec_file_load */
	char said[1024]; /* after a load: how, in one sentence; why so, when it was a fallback */
};

/* For this process; the source is the caller's to fill. */
void native_backend_init(struct native_backend *b, const struct host *h) _nonnull_;

/* ctx is a struct native_backend. limits is NULL: they depend on the kernel, native_limits(). */
extern const struct backend_ops native_backend_ops;

#endif
