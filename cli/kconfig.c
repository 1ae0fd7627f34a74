// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds the configuration of the kernel that is to be loaded: the file that every distribution
 * installs beside it, which costs nothing, else the copy in the kernel itself, which costs
 * unpacking it. None of this can fail a load: what could not be found is said in the plan.
 */
#include <string.h>

#include "cli/cli.h"
#include "common/decompress.h"

/* An unpacked kernel; one that is larger is not looked into. */
#define UNPACKED_MAX (256u << 20)

static void not_known(struct kconfig *ret, const char *why)
{
	*ret = (struct kconfig){0};
	snprintf(ret->source, sizeof(ret->source), "%s", why);
}

/* "config-6.1.0-50-amd64" beside the kernel. The version is text out of the kernel file. */
static bool beside(const struct settings *s, const struct image *img, struct kconfig *ret)
{
	const char *slash = strrchr(s->kernel, '/');
	size_t len = strcspn(img->version, " ");
	char path[4096], name[160];
	struct buf text = {0};
	struct diag d;
	bool ok;
	int n;

	if (!len || memchr(img->version, '/', len))
		return false;
	snprintf(name, sizeof(name), "config-%.*s", (int)len, img->version);
	n = snprintf(path, sizeof(path), "%.*s%s", slash ? (int)(slash + 1 - s->kernel) : 0,
		s->kernel, name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return false;
	diag_init(&d);
	ok = !file_read(path, KCONFIG_MAX, &text, &d) &&
	     !kconfig_parse(buf_bytes(&text), name, ret, &d);
	buf_deinit(&text);
	return ok;
}

struct packed {
	struct bytes left;
};

static enum xk_status read_packed(
	void *ctx, uint8_t *buf, size_t cap, size_t *ret, struct diag *d _unused_)
{
	struct packed *p = ctx;
	size_t n = p->left.len < cap ? p->left.len : cap;

	memcpy(buf, p->left.data, n);
	p->left.data += n;
	p->left.len -= n;
	*ret = n;
	return XK_OK;
}

/* The kernel's makefiles append the unpacked size, 32 bits, to all but gzip data, which ends with
 * it. Source: Linux scripts/Makefile.lib, size_append. */
static bool unpack_kernel(struct bytes packed, struct payload *ret, struct diag *d)
{
	enum compression c = compression_detect(packed);
	struct packed ctx = {packed};
	struct unpack_source src = {read_packed, &ctx};
	uint32_t size;
	uint64_t got;

	if (c == COMP_NONE || packed.len < 4)
		return false;
	memcpy(&size, packed.data + packed.len - 4, 4);
	if (c != COMP_GZIP)
		ctx.left.len -= 4;
	if (size > UNPACKED_MAX || payload_alloc_plain(size, ret, d))
		return false;
	if (!unpack(c, src, ret->data, ret->len, UNPACKED_MAX, &got, d) && got == size)
		return true;
	payload_deinit(ret);
	return false;
}

static bool embedded(const struct image *img, struct kconfig *ret)
{
	struct payload kernel = {0};
	struct buf text = {0};
	bool unpacked, ok = false;
	struct diag d;

	diag_init(&d);
	unpacked = img->packed.len && unpack_kernel(img->packed, &kernel, &d);
	if (unpacked || img->kind == IMAGE_VMLINUX) {
		struct bytes in = unpacked ? (struct bytes){kernel.data, kernel.len} : img->kernel;

		ok = kconfig_embedded(in, &text) &&
		     !kconfig_parse(buf_bytes(&text), "embedded in it", ret, &d);
	}
	if (unpacked)
		payload_deinit(&kernel);
	buf_deinit(&text);
	return ok;
}

void find_kconfig(const struct settings *s, const struct image *img, struct kconfig *ret)
{
	if (!beside(s, img, ret) && !embedded(img, ret))
		not_known(ret, "no config-VERSION beside it, and none in it");
}
