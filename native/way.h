/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of Linux' two system calls loads an image. Pure: what was asked for, what is known and
 * what the last call said, in; the next call, out.
 *
 * kexec_load takes our segments: our core header, with the XENKDUMP note, and our purgatory, which
 * speaks. kexec_file_load takes files, checks signatures, and makes the rest in the kernel. So the
 * first is the better dump, and the second is what a locked-down kernel allows.
 */
#ifndef NATIVE_WAY_H
#define NATIVE_WAY_H

#include "common/host.h"

enum native_choice { NATIVE_AUTO, NATIVE_LOAD, NATIVE_FILE }; /* --syscall */

enum native_call {
	CALL_NONE, /* give up */
	CALL_LOAD,
	CALL_FILE,
	CALL_UNLOAD, /* not for native_first_call(): the other things that can fail */
	CALL_PANIC,
};

enum native_lockdown { LOCKDOWN_UNKNOWN, LOCKDOWN_OFF, LOCKDOWN_ON };

struct native_way {
	enum native_choice choice;
	enum native_lockdown lockdown;
	bool has_file; /* a program of this width has kexec_file_load */
};

/* From the fact kernel.lockdown. */
enum native_lockdown native_lockdown(const struct host *h) _nonnull_;

enum native_call native_first_call(const struct native_way *w) _nonnull_;

/* After `failed` failed with this errno. `second`: it was a fallback itself. */
enum native_call native_next_call(
	const struct native_way *w, enum native_call failed, bool second, int error) _nonnull_;

/* An unload may as well be asked for by the other call. */
bool native_unload_by_file(const struct native_way *w, int error) _nonnull_;

const char *native_call_name(enum native_call c);

#endif
