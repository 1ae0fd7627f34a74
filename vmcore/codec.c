// SPDX-License-Identifier: GPL-2.0-only
#include <dlfcn.h>
#include <zlib.h>
#include <zstd.h>

#include "vmcore/codec.h"
#include "vmcore/noise.h"

/* The most that any codec makes of a page: snappy's 32 + n + n / 6 and LZO's n + n / 16 + 67. */
#define OUT_MAX (CODEC_PAGE + CODEC_PAGE / 6 + 128)

/* lzo1x_1_compress() wants 16384 pointers to work with (lzo1x.h, LZO1X_1_MEM_COMPRESS). */
#define LZO_WORK (16384 * sizeof(void *))

/* One page is never larger than the window, and the hash table, which is cleared for each page,
 * need not be either: 6 is the smallest level at which all literals of a page fit one block. */
#define ZLIB_LEVEL	 1
#define ZLIB_WINDOW	 13
#define ZLIB_MEM	 6
#define LIBDEFLATE_LEVEL 1
#define ZSTD_LEVEL	 1

struct codec_lib {
	enum codec codec;
	const char *maker;
	void *handle;
	/* libdeflate.h, API of soname 0 */
	void *(*deflate_alloc)(int level);
	size_t (*deflate_zlib)(void *c, const void *in, size_t len, void *out, size_t cap);
	void (*deflate_free)(void *c);
	/* lzo1x.h; lzo_uint is as wide as size_t on x86 */
	int (*lzo)(const uint8_t *in, size_t len, uint8_t *out, size_t *out_len, void *work);
	/* snappy-c.h */
	int (*snappy)(const char *in, size_t len, char *out, size_t *out_len);
};

struct codec_ctx {
	const struct codec_lib *lib;
	void *deflate;
	z_stream zlib;
	bool zlib_ready;
	ZSTD_CCtx *zstd;
	void *lzo_work;
	uint8_t out[OUT_MAX];
};

static const char *const names[CODECS] = {
	[CODEC_NONE] = "none",
	[CODEC_ZLIB] = "zlib",
	[CODEC_ZSTD] = "zstd",
	[CODEC_LZO] = "lzo",
	[CODEC_SNAPPY] = "snappy",
};

const char *codec_name(enum codec c)
{
	return names[c];
}

bool codec_parse(const char *name, enum codec *ret)
{
	for (unsigned c = 0; c < CODECS; c++) {
		if (strcmp(name, names[c]))
			continue;
		*ret = (enum codec)c;
		return true;
	}
	return false;
}

/* A function's address; the assignment is what POSIX says dlsym() is for. */
static bool find(void *handle, const char *name, void *ret)
{
	void *p = dlsym(handle, name);

	memcpy(ret, &p, sizeof(p));
	return p != NULL;
}

/* That zlib reads what this libdeflate makes. */
static bool libdeflate_is_sound(const struct codec_lib *l)
{
	uint8_t page[CODEC_PAGE], packed[OUT_MAX], back[CODEC_PAGE];
	uLongf len = sizeof(back);
	void *c = l->deflate_alloc(LIBDEFLATE_LEVEL);
	size_t n;

	if (!c)
		return false;
	for (unsigned i = 0; i < sizeof(page); i++)
		page[i] = (uint8_t)(i * i >> 7);
	n = l->deflate_zlib(c, page, sizeof(page), packed, sizeof(packed));
	l->deflate_free(c);
	return n && uncompress(back, &len, packed, n) == Z_OK && len == sizeof(page) &&
	       !memcmp(page, back, sizeof(page));
}

static void find_libdeflate(struct codec_lib *l)
{
	l->handle = dlopen("libdeflate.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!l->handle)
		return;
	if (find(l->handle, "libdeflate_alloc_compressor", &l->deflate_alloc) &&
		find(l->handle, "libdeflate_zlib_compress", &l->deflate_zlib) &&
		find(l->handle, "libdeflate_free_compressor", &l->deflate_free) &&
		libdeflate_is_sound(l)) {
		l->maker = "libdeflate";
		return;
	}
	dlclose(l->handle);
	l->handle = NULL;
	l->deflate_alloc = NULL;
}

static enum xk_status find_library(
	struct codec_lib *l, const char *soname, const char *symbol, void *ret, struct diag *d)
{
	l->handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
	if (!l->handle)
		return diag_fail(d, XK_UNSUPPORTED,
			"%s pages need a library that cannot be loaded: %s; install it (in the dump kernel's initrd too) or choose zlib or zstd",
			names[l->codec], dlerror());
	if (!find(l->handle, symbol, ret))
		return diag_fail(d, XK_UNSUPPORTED,
			"%s pages need %s, which %s lacks; choose zlib or zstd", names[l->codec],
			symbol, soname);
	l->maker = soname;
	return XK_OK;
}

enum xk_status codec_open(enum codec c, bool plain, struct codec_lib **ret, struct diag *d)
{
	struct codec_lib *l = calloc(1, sizeof(*l));
	enum xk_status st = XK_OK;

	if (!l)
		return diag_fail(d, XK_NOMEM, "no memory for a compressor");
	l->codec = c;
	l->maker = names[c];
	if (c == CODEC_ZLIB && !plain)
		find_libdeflate(l);
	if (c == CODEC_LZO)
		st = find_library(l, "liblzo2.so.2", "lzo1x_1_compress", &l->lzo, d);
	if (c == CODEC_SNAPPY)
		st = find_library(l, "libsnappy.so.1", "snappy_compress", &l->snappy, d);
	if (st != XK_OK) {
		codec_close(l);
		return st;
	}
	*ret = l;
	return XK_OK;
}

void codec_close(struct codec_lib *l)
{
	if (!l)
		return;
	if (l->handle)
		dlclose(l->handle);
	free(l);
}

const char *codec_maker(const struct codec_lib *l)
{
	return l->maker;
}

static bool ctx_init(struct codec_ctx *x)
{
	const struct codec_lib *l = x->lib;

	switch (l->codec) {
	case CODEC_ZLIB:
		if (l->deflate_alloc) {
			x->deflate = l->deflate_alloc(LIBDEFLATE_LEVEL);
			return x->deflate != NULL;
		}
		x->zlib_ready = deflateInit2(&x->zlib, ZLIB_LEVEL, Z_DEFLATED, ZLIB_WINDOW,
					ZLIB_MEM, Z_DEFAULT_STRATEGY) == Z_OK;
		return x->zlib_ready;
	case CODEC_ZSTD:
		x->zstd = ZSTD_createCCtx();
		return x->zstd && !ZSTD_isError(ZSTD_CCtx_setParameter(
					  x->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL));
	case CODEC_LZO: x->lzo_work = malloc(LZO_WORK); return x->lzo_work != NULL;
	default: return true;
	}
}

struct codec_ctx *codec_ctx_create(const struct codec_lib *l)
{
	struct codec_ctx *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->lib = l;
	if (ctx_init(x))
		return x;
	codec_ctx_destroy(x);
	return NULL;
}

void codec_ctx_destroy(struct codec_ctx *x)
{
	if (!x)
		return;
	if (x->deflate)
		x->lib->deflate_free(x->deflate);
	if (x->zlib_ready)
		deflateEnd(&x->zlib);
	ZSTD_freeCCtx(x->zstd);
	free(x->lzo_work);
	free(x);
}

/* Room for one byte less than a page: what would not shrink does not fit and comes back at once. */
#define SHRUNK (CODEC_PAGE - 1)

static size_t by_zlib(struct codec_ctx *x, const uint8_t *page)
{
	z_stream *z = &x->zlib;

	if (page_is_noise(page))
		return 0;
	if (x->lib->deflate_alloc)
		return x->lib->deflate_zlib(x->deflate, page, CODEC_PAGE, x->out, SHRUNK);
	if (deflateReset(z) != Z_OK)
		return 0;
	z->next_in = (Bytef *)(uintptr_t)page; /* zlib's type has no const */
	z->avail_in = CODEC_PAGE;
	z->next_out = x->out;
	z->avail_out = SHRUNK;
	return deflate(z, Z_FINISH) == Z_STREAM_END ? SHRUNK - z->avail_out : 0;
}

static size_t by_zstd(struct codec_ctx *x, const uint8_t *page)
{
	size_t n = ZSTD_compress2(x->zstd, x->out, SHRUNK, page, CODEC_PAGE);

	return ZSTD_isError(n) ? 0 : n;
}

static size_t by_lzo(struct codec_ctx *x, const uint8_t *page)
{
	size_t n = sizeof(x->out);

	return x->lib->lzo(page, CODEC_PAGE, x->out, &n, x->lzo_work) ? 0 : n;
}

static size_t by_snappy(struct codec_ctx *x, const uint8_t *page)
{
	size_t n = sizeof(x->out);

	return x->lib->snappy((const char *)page, CODEC_PAGE, (char *)x->out, &n) ? 0 : n;
}

size_t codec_page(struct codec_ctx *x, const uint8_t *page, const uint8_t **ret)
{
	size_t n = 0;

	switch (x->lib->codec) {
	case CODEC_ZLIB: n = by_zlib(x, page); break;
	case CODEC_ZSTD: n = by_zstd(x, page); break;
	case CODEC_LZO: n = by_lzo(x, page); break;
	case CODEC_SNAPPY: n = by_snappy(x, page); break;
	default: break;
	}
	*ret = x->out;
	return n < CODEC_PAGE ? n : 0;
}

/* Zero when it begins with a zero and each byte is the one before it. */
bool page_is_zero(const uint8_t *page)
{
	uint64_t first;

	memcpy(&first, page, sizeof(first));
	return !first && !memcmp(page, page + sizeof(first), CODEC_PAGE - sizeof(first));
}
