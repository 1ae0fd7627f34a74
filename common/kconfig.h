/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a kernel was configured, as far as that decides whether it can be a dump kernel; and the
 * judgement. The text is the kernel's .config, which distributions install as config-VERSION
 * beside it and which CONFIG_IKCONFIG embeds into it.
 */
#ifndef XK_KCONFIG_H
#define XK_KCONFIG_H

#include "common/bytes.h"
#include "common/diag.h"

/* The options that matter here. */
enum kconfig_option {
	KCONFIG_CRASH_DUMP,
	KCONFIG_PROC_VMCORE,
	KCONFIG_BLK_DEV_INITRD,
	KCONFIG_X86_PAE,
	KCONFIG_OPTIONS,
};

/* "CONFIG_CRASH_DUMP" and so on. */
const char *kconfig_name(enum kconfig_option o);

struct kconfig {
	bool known; /* false: nothing is known of any option */
	bool set[KCONFIG_OPTIONS]; /* =y */
	char source[160]; /* known: where the text came from; else why there is none. For people */
};

/* A text without a single CONFIG_ line is no configuration: XK_BAD_INPUT, and *ret untouched. An
 * option that it does not mention is off, as the kernel's own tools see it. */
enum xk_status kconfig_parse(
	struct bytes text, const char *source, struct kconfig *ret, struct diag *d) _nonnull_;

/* The largest configuration text that is believed; Linux 6.x has 300 KiB with all modules. */
#define KCONFIG_MAX (4u << 20)

/*
 * Finds the text that CONFIG_IKCONFIG put into an unpacked kernel (gzip data between IKCFG_ST and
 * IKCFG_ED) and appends it to *ret. False when there is none, or it is damaged or absurdly large.
 */
bool kconfig_embedded(struct bytes kernel, struct buf *ret) _must_check_ _nonnull_;

/* major << 16 | minor << 8 | patch of "6.1.0-50-amd64 ...", each at most 255; 0: not a version. */
uint32_t kernel_version_number(const char *version) _nonnull_;

#endif
