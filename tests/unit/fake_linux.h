/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel for tests: what Linux' two system calls do with crash images, from its source
 * (kernel/kexec.c, kexec_core.c, kexec_file.c), with memory for a crash region that loads really
 * write to. Written independently of native/, so that a rule misunderstood there is refused here.
 */
#ifndef FAKE_LINUX_H
#define FAKE_LINUX_H

#include "common/range.h"
#include "native/sys.h"
#include "tests/unit/scratch.h"

struct fake_linux {
	/* What it is. */
	unsigned bits, caller_bits;
	bool has_load, has_file; /* CONFIG_KEXEC, CONFIG_KEXEC_FILE */
	bool has_hotplug; /* 6.6 or later */
	bool locked_down, signed_kernel;
	struct range crash;
	struct scratch dir; /* /proc and /sys */
	struct native_sys sys;

	/* What it has done. */
	uint8_t *memory; /* the crash region's content */
	bool loaded;
	unsigned image; /* number of the image, to tell one from another */
	unsigned next_image;
	uint64_t entry;
	uint32_t flags; /* of the last load that worked */
	unsigned load_calls, file_calls; /* also those that failed */
	uint64_t kernel_ino, initrd_ino; /* of the files that were given */
	uint8_t kernel[64], initrd[64]; /* how they begin */
	size_t kernel_len, initrd_len;
	char cmdline[256];

	/* A load gives this errno: early as for busy, with the old image kept; late, when it is
	 * gone. */
	int fail_early, fail_late;
	/* Called when a load has worked, before it returns. */
	void (*after_load)(void *ctx);
	void *after_ctx;
};

void fake_linux_init(struct fake_linux *f, struct range crash);
void fake_linux_deinit(struct fake_linux *f);
/* After a change of `loaded` from outside: shows it under /sys. */
void fake_linux_publish(struct fake_linux *f);

#endif
