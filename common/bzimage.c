// SPDX-License-Identifier: GPL-2.0-only
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/image.h"
#include "common/image_guess.h"

/*
 * File offsets of the setup header's fields that are read here.
 * Source: Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".
 */
enum {
	OFF_SETUP_SECTS = 0x1f1,
	OFF_SYSSIZE = 0x1f4,
	OFF_BOOT_FLAG = 0x1fe,
	OFF_JUMP = 0x200, /* 0xeb, then the distance from 0x202 to the header's end */
	OFF_MAGIC = 0x202,
	OFF_PROTOCOL = 0x206,
	OFF_KERNEL_VERSION = 0x20e,
	OFF_LOADFLAGS = 0x211,
	OFF_INITRD_ADDR_MAX = 0x22c,
	OFF_KERNEL_ALIGNMENT = 0x230,
	OFF_RELOCATABLE = 0x234,
	OFF_XLOADFLAGS = 0x236,
	OFF_CMDLINE_SIZE = 0x238,
	OFF_PAYLOAD_OFFSET = 0x248,
	OFF_PAYLOAD_LENGTH = 0x24c,
	OFF_PREF_ADDRESS = 0x258,
	OFF_INIT_SIZE = 0x260,
};

#define SECTOR		  512
#define MAGIC_HDRS	  0x53726448
#define LOADED_HIGH	  0x01
#define ENTRY_64_OFF	  0x200 /* from the load address, boot.rst "64-bit Boot Protocol" */
#define ALIGN_MAX	  GiB /* Linux's own Kconfig stops at 16 MiB */
#define PREF_MAX	  (UINT64_C(1) << 46) /* x86_64 with four levels */
#define OLD_CMDLINE_MAX	  255 /* before 2.06 */
#define OLD_UNPACK_FACTOR 8 /* before 2.10 init_size is unknown; gzip kernels grow 3 to 5 times */

/* Where the header must at least end for a protocol version: the end of its last field used. */
static const struct {
	uint16_t protocol;
	uint16_t end;
} header_ends[] = {
	{0x0205, OFF_RELOCATABLE + 1},
	{0x0206, OFF_CMDLINE_SIZE + 4},
	{0x0208, OFF_PAYLOAD_LENGTH + 4},
	{0x020a, OFF_INIT_SIZE + 4},
};

/* The file being parsed. Every field is read after header_check() said that it is there. */
struct bz {
	struct bytes file;
	const char *name;
	struct diag *d;
};

static uint64_t field(const struct bz *bz, uint64_t off, size_t len)
{
	uint64_t v = 0;

	if (!bytes_read(bz->file, off, &v, len))
		return 0;
	return v;
}

static enum xk_status refuse(const struct bz *bz, enum xk_status status, const char *fmt, ...)
	_printf_(3, 4);

static enum xk_status refuse(const struct bz *bz, enum xk_status status, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return diag_fail(bz->d, status, "kernel %s: %s", bz->name, text);
}

/* Is it a bzImage at all, and is its header there to its end? */
static enum xk_status header_check(const struct bz *bz, struct image *img)
{
	uint64_t end, need = 0;
	uint8_t jump;

	if (!bytes_has(bz->file, OFF_MAGIC, 4) || field(bz, OFF_MAGIC, 4) != MAGIC_HDRS) {
		char guess[256];

		image_guess(bz->file, guess, sizeof(guess));
		return refuse(bz, XK_UNSUPPORTED,
			"neither a bzImage (no \"HdrS\" at 0x202) nor a vmlinux; %s", guess);
	}
	if (!bytes_has(bz->file, OFF_PROTOCOL, 2))
		return refuse(bz, XK_BAD_INPUT, "truncated: %zu bytes end inside the setup header",
			bz->file.len);
	if (field(bz, OFF_BOOT_FLAG, 2) != 0xaa55)
		return refuse(bz, XK_BAD_INPUT, "boot_flag is 0x%04x instead of 0xaa55",
			(unsigned)field(bz, OFF_BOOT_FLAG, 2));
	img->protocol = (uint16_t)field(bz, OFF_PROTOCOL, 2);
	if (img->protocol < 0x0205)
		return refuse(bz, XK_UNSUPPORTED,
			"boot protocol %u.%02u; a crash kernel needs at least 2.05, which knows relocatable kernels (Linux 2.6.20)",
			img->protocol >> 8, img->protocol & 0xff);
	jump = (uint8_t)field(bz, OFF_JUMP + 1, 1);
	if (field(bz, OFF_JUMP, 1) != 0xeb || jump > 0x7f)
		return refuse(bz, XK_BAD_INPUT,
			"jump at 0x200 is %02x %02x instead of eb 00..7f, so the header's length is unknown",
			(unsigned)field(bz, OFF_JUMP, 1), jump);
	end = OFF_MAGIC + jump;
	for (size_t i = 0; i < ARRAY_SIZE(header_ends); i++)
		if (img->protocol >= header_ends[i].protocol)
			need = header_ends[i].end;
	if (end < need)
		return refuse(bz, XK_BAD_INPUT,
			"setup header ends at 0x%03x; protocol %u.%02u needs it up to 0x%03x",
			(unsigned)end, img->protocol >> 8, img->protocol & 0xff, (unsigned)need);
	if (!bytes_has(bz->file, 0, end))
		return refuse(bz, XK_BAD_INPUT,
			"truncated: %zu bytes, but the setup header ends at 0x%03x", bz->file.len,
			(unsigned)end);
	static_assert(OFF_MAGIC + 0x7f <= BZ_HDR_MAX, "the longest header fits");
	img->hdr_len = (size_t)end - BZ_HDR_OFF;
	memcpy(img->hdr, bz->file.data + BZ_HDR_OFF, img->hdr_len);
	return XK_OK;
}

/* Can it be a crash kernel? */
static enum xk_status flags_check(const struct bz *bz, struct image *img)
{
	if (!(field(bz, OFF_LOADFLAGS, 1) & LOADED_HIGH))
		return refuse(bz, XK_UNSUPPORTED,
			"a zImage (LOADED_HIGH is clear in loadflags): it runs below 640 KiB only and cannot be a crash kernel");
	img->relocatable = field(bz, OFF_RELOCATABLE, 1) != 0;
	if (!img->relocatable)
		return refuse(bz, XK_UNSUPPORTED,
			"not relocatable (relocatable_kernel is 0), so it cannot run in the crash region; use a kernel built with CONFIG_RELOCATABLE");
	/* The bits were padding before 2.12. */
	if (img->protocol >= 0x020c)
		img->xloadflags = (uint16_t)field(bz, OFF_XLOADFLAGS, 2);
	img->is_64 = img->xloadflags & XLF_KERNEL_64;
	img->entry_64 = img->is_64 && (img->xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G);
	img->entry_off_64 = ENTRY_64_OFF;
	img->entry_32 = true;
	return XK_OK;
}

static enum xk_status limits_read(const struct bz *bz, struct image *img)
{
	img->align = field(bz, OFF_KERNEL_ALIGNMENT, 4);
	if (img->align == 0 || (img->align & (img->align - 1)) || img->align > ALIGN_MAX)
		return refuse(bz, XK_BAD_INPUT,
			"kernel_alignment is 0x%llx; it must be a power of two, at most 1 GiB",
			(unsigned long long)img->align);
	img->align = max_u64(img->align, PAGE_SIZE_X86); /* segments are whole pages */
	img->cmdline_max = OLD_CMDLINE_MAX;
	if (img->protocol >= 0x0206)
		img->cmdline_max = (uint32_t)field(bz, OFF_CMDLINE_SIZE, 4);
	if (img->cmdline_max == 0)
		return refuse(bz, XK_BAD_INPUT,
			"cmdline_size is 0: no command line could tell it where the core is");
	img->initrd_max = field(bz, OFF_INITRD_ADDR_MAX, 4);
	if (img->initrd_max == 0)
		return refuse(bz, XK_BAD_INPUT, "initrd_addr_max is 0: no initrd could be loaded");
	if (img->protocol >= 0x020a)
		img->pref_address = field(bz, OFF_PREF_ADDRESS, 8);
	if (img->pref_address > PREF_MAX)
		return refuse(bz, XK_BAD_INPUT,
			"pref_address is 0x%llx; no kernel runs above 64 TiB, the reach of its page tables",
			(unsigned long long)img->pref_address);
	return XK_OK;
}

/*
 * The protected-mode part: from the end of the setup sectors to the end of the file. syssize
 * counts what belongs to the kernel; a signature may follow it.
 */
static enum xk_status kernel_check(const struct bz *bz, struct image *img)
{
	uint64_t sects = field(bz, OFF_SETUP_SECTS, 1);
	uint64_t setup = ((sects ? sects : 4) + 1) * SECTOR; /* 0 means 4, boot.rst */
	uint64_t want = field(bz, OFF_SYSSIZE, 4) * 16;
	uint64_t have = bz->file.len > setup ? bz->file.len - setup : 0;
	uint64_t off = 0, len = 0;

	if (want == 0)
		return refuse(bz, XK_BAD_INPUT, "syssize is 0: it has no protected-mode part");
	if (have < want)
		return refuse(bz, XK_BAD_INPUT,
			"truncated: %llu bytes of protected-mode code at offset %llu are announced (syssize), the file has %llu of them",
			(unsigned long long)want, (unsigned long long)setup,
			(unsigned long long)have);
	if (img->is_64 && want <= ENTRY_64_OFF)
		return refuse(bz, XK_BAD_INPUT,
			"its protected-mode part of %llu bytes ends before the 64-bit entry at 0x200",
			(unsigned long long)want);
	if (img->protocol >= 0x0208) {
		off = field(bz, OFF_PAYLOAD_OFFSET, 4);
		len = field(bz, OFF_PAYLOAD_LENGTH, 4);
		if (off + len > want)
			return refuse(bz, XK_BAD_INPUT,
				"payload_offset 0x%llx and payload_length 0x%llx reach beyond its %llu bytes of protected-mode code",
				(unsigned long long)off, (unsigned long long)len,
				(unsigned long long)want);
	}
	img->init_size = want * OLD_UNPACK_FACTOR;
	if (img->protocol >= 0x020a)
		img->init_size = field(bz, OFF_INIT_SIZE, 4);
	if (img->init_size < want)
		return refuse(bz, XK_BAD_INPUT,
			"init_size is 0x%llx, less than its 0x%llx bytes of protected-mode code",
			(unsigned long long)img->init_size, (unsigned long long)want);
	if (img->protocol >= 0x0208)
		img->packed = bytes_sub(bz->file, setup + off, len);
	/* What lies beyond init_size is no part of the kernel: want, which is, ends before. */
	img->kernel = bytes_sub(bz->file, setup, min_u64(have, img->init_size));
	return XK_OK;
}

/* For people only: a wrong offset leaves it empty and is no reason to refuse. */
static void version_read(const struct bz *bz, struct image *img)
{
	uint64_t off = field(bz, OFF_KERNEL_VERSION, 2);
	uint64_t sects = field(bz, OFF_SETUP_SECTS, 1);
	size_t n = 0;
	char c;

	if (off == 0 || off >= (sects ? sects : 4) * SECTOR)
		return;
	while (n < sizeof(img->version) - 1 && bytes_read(bz->file, off + OFF_JUMP + n, &c, 1) &&
		c != '\0')
		img->version[n++] = c >= ' ' && c <= '~' ? c : '?';
	img->version[n] = '\0';
}

enum xk_status image_parse(struct bytes file, const char *name, struct image *ret, struct diag *d)
{
	const struct bz bz = {file, name, d};
	struct image img = {.name = name};
	enum xk_status st = header_check(&bz, &img);

	if (st == XK_OK)
		st = flags_check(&bz, &img);
	if (st == XK_OK)
		st = limits_read(&bz, &img);
	if (st == XK_OK)
		st = kernel_check(&bz, &img);
	if (st != XK_OK)
		return st;
	version_read(&bz, &img);
	*ret = img;
	return XK_OK;
}
