// SPDX-License-Identifier: GPL-2.0-only
/* Pages go through a codec and back through the library that crash and makedumpfile read with. */
#include <dlfcn.h>
#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

#include "common/diag.h"
#include "tests/unit/xktest.h"
#include "vmcore/codec.h"

static struct diag d;

typedef int (*lzo_fn)(const uint8_t *in, size_t len, uint8_t *out, size_t *out_len, void *work);
typedef int (*snappy_fn)(const char *in, size_t len, char *out, size_t *out_len);

static void *library(const char *soname, const char *symbol)
{
	void *h = dlopen(soname, RTLD_NOW);

	return h ? dlsym(h, symbol) : NULL;
}

static size_t unpack(enum codec c, const uint8_t *in, size_t len, uint8_t *out, size_t cap)
{
	uLongf n = cap;
	size_t m = cap;
	void *fn;

	switch (c) {
	case CODEC_ZLIB: assert_int_equal(uncompress(out, &n, in, len), Z_OK); return n;
	case CODEC_ZSTD: return ZSTD_decompress(out, cap, in, len);
	case CODEC_LZO:
		fn = library("liblzo2.so.2", "lzo1x_decompress_safe");
		assert_int_equal(((lzo_fn)(uintptr_t)fn)(in, len, out, &m, NULL), 0);
		return m;
	case CODEC_SNAPPY:
		fn = library("libsnappy.so.1", "snappy_uncompress");
		assert_int_equal(
			((snappy_fn)(uintptr_t)fn)((const char *)in, len, (char *)out, &m), 0);
		return m;
	default: fail(); return 0;
	}
}

/* 0: text; 1: pointers; 2: noise; 3: one byte repeated; 4: noise but for a few bytes */
static void make_page(unsigned kind, uint8_t *page)
{
	uint32_t r = 12345;

	for (unsigned i = 0; i < CODEC_PAGE; i++) {
		r = r * 1664525 + 1013904223;
		switch (kind) {
		case 0: page[i] = (uint8_t) "the lazy dog and so on\n"[(i + (r >> 31)) % 23]; break;
		case 1: page[i] = i % 8 > 4 ? 0xff : i % 8 > 1 ? 0x88 : (uint8_t)(r >> 24); break;
		case 3: page[i] = 0xcc; break;
		default: page[i] = (uint8_t)(r >> 24); break;
		}
	}
	if (kind == 4)
		memset(page + 100, 0, 40);
}

static void roundtrip(enum codec c, bool plain)
{
	uint8_t page[CODEC_PAGE], back[2 * CODEC_PAGE];
	struct codec_lib *l = NULL;
	struct codec_ctx *x;
	const uint8_t *out;

	if (codec_open(c, plain, &l, &d) != XK_OK) {
		/* The 32-bit build has no such libraries on a 64-bit machine. */
		assert_true(c == CODEC_LZO || c == CODEC_SNAPPY);
		assert_int_equal(d.status, XK_UNSUPPORTED);
		assert_says(d.text, "choose zlib or zstd");
		assert_null(l);
		assert_null(library(c == CODEC_LZO ? "liblzo2.so.2" : "libsnappy.so.1", "x"));
		return;
	}
	x = codec_ctx_create(l);
	assert_non_null(x);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned kind = 0; kind < 5; kind++) {
			size_t n;

			make_page(kind, page);
			n = codec_page(x, page, &out);
			if (kind == 2) {
				assert_int_equal(n, 0);
				continue;
			}
			if (n == 0) {
				/* only the noise with a gap may be found not worth it */
				assert_int_equal(kind, 4);
				continue;
			}
			assert_true(n < CODEC_PAGE);
			if (kind == 3)
				assert_true(n < 256);
			assert_int_equal(unpack(c, out, n, back, sizeof(back)), CODEC_PAGE);
			assert_memory_equal(back, page, CODEC_PAGE);
		}
	}
	codec_ctx_destroy(x);
	codec_close(l);
}

static void zlib_by_whatever(void **state _unused_)
{
	roundtrip(CODEC_ZLIB, false);
}

static void zlib_by_zlib(void **state _unused_)
{
	struct codec_lib *l = NULL;

	assert_int_equal(codec_open(CODEC_ZLIB, true, &l, &d), XK_OK);
	assert_string_equal(codec_maker(l), "zlib");
	codec_close(l);
	roundtrip(CODEC_ZLIB, true);
}

static void zstd(void **state _unused_)
{
	roundtrip(CODEC_ZSTD, false);
}

static void lzo(void **state _unused_)
{
	roundtrip(CODEC_LZO, false);
}

static void snappy(void **state _unused_)
{
	roundtrip(CODEC_SNAPPY, false);
}

static void none_never_shrinks(void **state _unused_)
{
	uint8_t page[CODEC_PAGE];
	struct codec_lib *l = NULL;
	struct codec_ctx *x;
	const uint8_t *out;

	make_page(3, page);
	assert_int_equal(codec_open(CODEC_NONE, false, &l, &d), XK_OK);
	x = codec_ctx_create(l);
	assert_int_equal(codec_page(x, page, &out), 0);
	codec_ctx_destroy(x);
	codec_close(l);
}

static void names(void **state _unused_)
{
	enum codec c = CODEC_ZSTD;

	for (unsigned i = 0; i < CODECS; i++) {
		assert_true(codec_parse(codec_name((enum codec)i), &c));
		assert_int_equal(c, i);
	}
	assert_false(codec_parse("", &c));
	assert_false(codec_parse("lz4", &c));
	assert_false(codec_parse("zlib ", &c));
	assert_false(codec_parse("ZLIB", &c));
	assert_int_equal(c, CODEC_SNAPPY);
}

static void zero_pages(void **state _unused_)
{
	static uint8_t two[2 * CODEC_PAGE];

	assert_true(page_is_zero(two));
	/* a bit beyond the page does not count, one anywhere in it does, wherever the page lies */
	two[CODEC_PAGE] = 1;
	assert_true(page_is_zero(two));
	two[CODEC_PAGE] = 0;
	for (unsigned i = 0; i < CODEC_PAGE; i++) {
		two[3 + i] = 0x80;
		assert_false(page_is_zero(two + 3));
		two[3 + i] = 0;
	}
	/* the same byte everywhere is not zero */
	memset(two, 0xff, CODEC_PAGE);
	assert_false(page_is_zero(two));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zlib_by_whatever),
		cmocka_unit_test(zlib_by_zlib),
		cmocka_unit_test(zstd),
		cmocka_unit_test(lzo),
		cmocka_unit_test(snappy),
		cmocka_unit_test(none_never_shrinks),
		cmocka_unit_test(names),
		cmocka_unit_test(zero_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
