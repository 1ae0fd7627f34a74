/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few things that loading asks of Linux, behind a table so that tests run a kernel of their
 * own. What can be read of its state comes from files under a root folder, as the probe's facts.
 */
#ifndef NATIVE_SYS_H
#define NATIVE_SYS_H

#include "common/compiler.h"

/* Flags of Linux include/uapi/linux/kexec.h. */
#define KEXEC_ON_CRASH		0x1u
#define KEXEC_UPDATE_ELFCOREHDR 0x4u
#define KEXEC_ARCH_SHIFT	16 /* then comes an ELF e_machine */
#define KEXEC_FILE_UNLOAD	0x1u
#define KEXEC_FILE_ON_CRASH	0x2u
#define KEXEC_FILE_NO_INITRAMFS 0x4u

struct native_sys {
	const char *root; /* in front of /proc and /sys; "" on a real host */
	/* Of an unsigned long of whoever makes the calls: a property of the process, and not of the
	 * kernel, which takes a 32-bit program's structures by an entry of their own. */
	unsigned long_bits;
	void *ctx;
	/* Both: 0, or -1 and errno. segs has nr entries as native_segments_make() wrote them. */
	int (*kexec_load)(void *ctx, uint64_t entry, size_t nr, const void *segs, uint32_t flags);
	/* len counts cmdline's NUL. */
	int (*kexec_file_load)(void *ctx, int kernel_fd, int initrd_fd, const char *cmdline,
		size_t len, uint32_t flags);
};

extern const struct native_sys native_sys_real;

/* A whole number that the kernel shows in a file of one line; false when there is no such file or
 * it holds something else. Negative numbers (no limit) are given as UINT64_MAX. */
bool native_sys_number(const struct native_sys *s, const char *path, uint64_t *ret) _nonnull_;

/* Whether a crash image is loaded, which is the kernel's own word: 1, 0, or -1 when it cannot be
 * read. */
int native_sys_loaded(const struct native_sys *s) _nonnull_;

/* Has the kernel panic at once. Returns only on failure, an errno. */
int native_sys_panic(const struct native_sys *s) _nonnull_;

#endif
