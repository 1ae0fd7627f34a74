// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of kdump-compressed files, unpacked. LZO and snappy are libraries that an initramfs may
 * not have; they are opened when the first page asks for them.
 */
#include <dlfcn.h>
#include <zlib.h>
#include <zstd.h>

#include "vmcore/core_kdump.h"

#define LZO_LIB	   "liblzo2.so.2"
#define SNAPPY_LIB "libsnappy.so.1"

/* lzo/lzo1x.h: lzo_uint is as wide as a pointer; 0 is LZO_E_OK. snappy-c.h: 0 is SNAPPY_OK. */
typedef int (*lzo_fn)(const uint8_t *src, size_t len, uint8_t *dst, size_t *dst_len, void *work);
typedef int (*snappy_fn)(const char *src, size_t len, char *dst, size_t *dst_len);

struct decoders {
	z_stream zlib;
	bool zlib_up;
	ZSTD_DCtx *zstd;
	void *lzo_lib, *snappy_lib;
	lzo_fn lzo;
	snappy_fn snappy;
	bool tried_lzo, tried_snappy;
};

struct decoders *decoders_create(void)
{
	struct decoders *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->zlib_up = inflateInit(&d->zlib) == Z_OK;
	d->zstd = ZSTD_createDCtx();
	if (!d->zlib_up || !d->zstd) {
		decoders_destroy(d);
		return NULL;
	}
	return d;
}

void decoders_destroy(struct decoders *d)
{
	if (!d)
		return;
	if (d->zlib_up)
		inflateEnd(&d->zlib);
	ZSTD_freeDCtx(d->zstd);
	if (d->lzo_lib)
		dlclose(d->lzo_lib);
	if (d->snappy_lib)
		dlclose(d->snappy_lib);
	free(d);
}

static bool decode_zlib(struct decoders *d, const uint8_t *data, size_t len, uint8_t *to)
{
	z_stream *z = &d->zlib;

	if (inflateReset(z) != Z_OK)
		return false;
	z->next_in = (Bytef *)(uintptr_t)data; /* zlib's type has no const */
	z->avail_in = (uInt)len;
	z->next_out = to;
	z->avail_out = CORE_PAGE;
	return inflate(z, Z_FINISH) == Z_STREAM_END && !z->avail_out;
}

static bool decode_zstd(struct decoders *d, const uint8_t *data, size_t len, uint8_t *to)
{
	return ZSTD_decompressDCtx(d->zstd, to, CORE_PAGE, data, len) == CORE_PAGE;
}

static void *open_fn(const char *lib, const char *name, void **handle)
{
	*handle = dlopen(lib, RTLD_NOW | RTLD_LOCAL);
	return *handle ? dlsym(*handle, name) : NULL;
}

static bool decode_lzo(struct decoders *d, const uint8_t *data, size_t len, uint8_t *to)
{
	size_t got = CORE_PAGE;

	if (!d->tried_lzo)
		d->lzo = (lzo_fn)open_fn(LZO_LIB, "lzo1x_decompress_safe", &d->lzo_lib);
	d->tried_lzo = true;
	return d->lzo && d->lzo(data, len, to, &got, NULL) == 0 && got == CORE_PAGE;
}

static bool decode_snappy(struct decoders *d, const uint8_t *data, size_t len, uint8_t *to)
{
	size_t got = CORE_PAGE;

	if (!d->tried_snappy)
		d->snappy = (snappy_fn)open_fn(SNAPPY_LIB, "snappy_uncompress", &d->snappy_lib);
	d->tried_snappy = true;
	return d->snappy && d->snappy((const char *)data, len, (char *)to, &got) == 0 &&
	       got == CORE_PAGE;
}

bool decode_page(struct decoders *d, uint32_t flags, const uint8_t *data, size_t len, uint8_t *to)
{
	switch (flags) {
	case 0:
		if (len != CORE_PAGE)
			return false;
		memcpy(to, data, CORE_PAGE);
		return true;
	case KDUMP_ZLIB: return decode_zlib(d, data, len, to);
	case KDUMP_ZSTD: return decode_zstd(d, data, len, to);
	case KDUMP_LZO: return decode_lzo(d, data, len, to);
	case KDUMP_SNAPPY: return decode_snappy(d, data, len, to);
	default: return false;
	}
}

const char *decoder_missing(uint32_t flags)
{
	const char *lib = flags & KDUMP_LZO ? LZO_LIB : flags & KDUMP_SNAPPY ? SNAPPY_LIB : NULL;
	void *h = lib ? dlopen(lib, RTLD_NOW | RTLD_LOCAL) : NULL;

	if (h)
		dlclose(h);
	return h ? NULL : lib;
}
