/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel to load, as bytes and what its header says of them. Reads untrusted files: every
 * offset is checked, every refusal names the field. Decides nothing about placement.
 */
#ifndef XK_IMAGE_H
#define XK_IMAGE_H

#include "common/bytes.h"
#include "common/diag.h"
#include "common/kconfig.h"

/*
 * Setup header of a bzImage. Source: Linux Documentation/arch/x86/boot.rst, protocol 2.15.
 * Numbers are file offsets; the header is copied to the same offset of boot_params.
 */
#define BZ_HDR_OFF 0x1f1 /* setup_sects, the first byte that is copied */
#define BZ_HDR_MAX 0x290 /* the header never ends after this */

enum image_kind {
	IMAGE_BZIMAGE,
	IMAGE_VMLINUX, /* ELF; see elfimage.h. Its header is made up to look like a bzImage's */
};

struct image {
	enum image_kind kind;
	const char *name; /* file name for messages; borrowed */
	struct bytes kernel; /* protected-mode part, what goes to the load address; borrowed */
	struct bytes initrd; /* all initrds, concatenated; empty: none; borrowed */
	uint8_t hdr[BZ_HDR_MAX - BZ_HDR_OFF]; /* setup header, from BZ_HDR_OFF on */
	size_t hdr_len; /* used bytes of hdr */
	uint16_t protocol; /* 0x020f is 2.15 */
	uint16_t xloadflags; /* XLF_*; 0 before 2.12 */
	bool is_64; /* an x86_64 kernel */
	bool entry_64; /* has a 64-bit entry and may lie above 4 GiB */
	bool entry_32; /* has a 32-bit entry */
	uint64_t entry_off_64, entry_off_32; /* of these, from the load address */
	bool relocatable; /* false: it runs at pref_address and nowhere else */
	uint64_t align; /* power of two, at least a page */
	uint64_t pref_address; /* 0 before 2.10 */
	uint64_t init_size; /* memory the kernel needs from its load address on */
	uint32_t cmdline_max; /* longest command line, without its NUL */
	uint64_t initrd_max; /* highest address an initrd byte may have */
	char version[128]; /* kernel_version string, printable, may be empty */
	struct bytes
		packed; /* the compressed kernel proper in `kernel`; empty: unknown, or a vmlinux */
	struct kconfig config; /* filled by whoever can find it, after parsing */
};

#define XLF_KERNEL_64		   0x0001
#define XLF_CAN_BE_LOADED_ABOVE_4G 0x0002
#define XLF_EFI_KEXEC		   0x0010
#define XLF_5LEVEL		   0x0020

/*
 * Parses an uncompressed kernel file. `file` must stay valid as long as *ret is used; ret->name
 * is set to name. XK_BAD_INPUT for a truncated or inconsistent one, XK_UNSUPPORTED for a file
 * that is something else (says what it looks like) or a bzImage that cannot be a crash kernel.
 */
enum xk_status image_parse(
	struct bytes file, const char *name, struct image *ret, struct diag *d) _nonnull_;

#endif
