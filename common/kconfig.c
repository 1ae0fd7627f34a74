// SPDX-License-Identifier: GPL-2.0-only
#define ZLIB_CONST /* inflate() only reads its input */
#include <stdio.h>
#include <zlib.h>

#include "common/kconfig.h"

static const char *const names[KCONFIG_OPTIONS] = {
	[KCONFIG_CRASH_DUMP] = "CONFIG_CRASH_DUMP",
	[KCONFIG_PROC_VMCORE] = "CONFIG_PROC_VMCORE",
	[KCONFIG_BLK_DEV_INITRD] = "CONFIG_BLK_DEV_INITRD",
	[KCONFIG_X86_PAE] = "CONFIG_X86_PAE",
};

/* Source: Linux kernel/configs.c. */
#define IKCFG_START "IKCFG_ST"
#define IKCFG_END   "IKCFG_ED"

const char *kconfig_name(enum kconfig_option o)
{
	return names[o];
}

static bool line_is(struct bytes line, const char *name, const char *value)
{
	size_t n = strlen(name), v = strlen(value);

	return line.len == n + v && !memcmp(line.data, name, n) && !memcmp(line.data + n, value, v);
}

static bool starts(struct bytes line, const char *s)
{
	return line.len > strlen(s) && !memcmp(line.data, s, strlen(s));
}

enum xk_status kconfig_parse(
	struct bytes text, const char *source, struct kconfig *ret, struct diag *d)
{
	struct kconfig c = {.known = true};
	size_t lines = 0;

	for (size_t off = 0; off < text.len;) {
		const uint8_t *nl = memchr(text.data + off, '\n', text.len - off);
		size_t len = nl ? (size_t)(nl - text.data) - off : text.len - off;
		struct bytes line = {text.data + off, len};

		lines += starts(line, "CONFIG_") || starts(line, "# CONFIG_");
		for (int o = 0; o < KCONFIG_OPTIONS; o++)
			c.set[o] |= line_is(line, names[o], "=y");
		off += len + 1;
	}
	if (!lines)
		return diag_fail(d, XK_BAD_INPUT,
			"%s is not a kernel configuration: it has no line CONFIG_...", source);
	snprintf(c.source, sizeof(c.source), "%s", source);
	*ret = c;
	return XK_OK;
}

/* gzip data of unknown length at the start of `packed`, at most KCONFIG_MAX bytes of text. */
static bool gunzip(struct bytes packed, struct buf *ret)
{
	z_stream z = {.next_in = (z_const Bytef *)packed.data,
		.avail_in = (uInt)min_u64(packed.len, KCONFIG_MAX)};
	uint8_t chunk[16384];
	size_t before = ret->len;
	int rc;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return false;
	do {
		z.next_out = chunk;
		z.avail_out = sizeof(chunk);
		rc = inflate(&z, Z_NO_FLUSH);
		buf_append(ret, chunk, sizeof(chunk) - z.avail_out);
	} while (rc == Z_OK && z.avail_out == 0 && ret->len - before <= KCONFIG_MAX);
	inflateEnd(&z);
	if (rc == Z_STREAM_END && !ret->failed)
		return true;
	ret->len = before;
	return false;
}

bool kconfig_embedded(struct bytes kernel, struct buf *ret)
{
	const size_t mark = strlen(IKCFG_START);
	struct bytes left = kernel;

	/* The marker's text may stand elsewhere too: what follows it must be gzip data. */
	while (left.len > mark) {
		const uint8_t *p = memmem(left.data, left.len, IKCFG_START, mark);
		size_t off;

		if (!p)
			return false;
		off = (size_t)(p - left.data) + mark;
		left = (struct bytes){left.data + off, left.len - off};
		if (left.len > 2 && left.data[0] == 0x1f && left.data[1] == 0x8b &&
			memmem(left.data, left.len, IKCFG_END, strlen(IKCFG_END)) &&
			gunzip(left, ret))
			return true;
	}
	return false;
}

uint32_t kernel_version_number(const char *version)
{
	uint32_t ret = 0;
	const char *p = version;

	for (int i = 0; i < 3; i++) {
		uint32_t v = 0;

		if (*p < '0' || *p > '9')
			return i < 2 ? 0 : ret << 8; /* "6.1-rc1" has no third */
		for (; *p >= '0' && *p <= '9' && v <= 255; p++)
			v = v * 10 + (uint32_t)(*p - '0');
		ret = ret << 8 | (v < 255 ? v : 255);
		if (*p == '.')
			p++;
		else if (i < 1)
			return 0;
	}
	return ret;
}
