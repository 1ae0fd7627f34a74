// SPDX-License-Identifier: GPL-2.0-only
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "common/decompress.h"

/* A decoder's own memory (its window), which the file chooses: what `xz -9` and `zstd --long`
 * need, and no more. */
#define DECODER_MEM (128 * MiB)
#define CHUNK	    65536

enum step { STEP_MORE, STEP_END, STEP_DAMAGED, STEP_NOMEM, STEP_WINDOW };

/* Input and output of one step; the decoder moves both forward. */
struct io {
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len;
	bool eof; /* no input will follow */
};

struct decoder {
	bool between; /* at the start, or after a whole member, frame or stream */
	bool started; /* some member was unpacked */
	bool padding; /* zeros after the last gzip member */
	z_stream gzip;
	ZSTD_DStream *zstd;
	lzma_stream xz;
};

struct codec {
	const char *name;
	uint8_t magic[6];
	size_t magic_len;
	bool (*init)(struct decoder *dec);
	enum step (*step)(struct decoder *dec, struct io *io);
	void (*deinit)(struct decoder *dec);
};

static bool gzip_init(struct decoder *dec)
{
	return inflateInit2(&dec->gzip, 16 + MAX_WBITS) == Z_OK; /* 16: gzip framing only */
}

/* gzip(1) joins members and ignores zeros after the last one (tape and sector padding). */
static enum step gzip_between(struct decoder *dec, struct io *io)
{
	while (dec->started && io->in_len && *io->in == 0) {
		dec->padding = true;
		io->in++;
		io->in_len--;
	}
	if (!io->in_len)
		return io->eof && dec->started ? STEP_END : STEP_MORE;
	if (dec->padding || inflateReset(&dec->gzip) != Z_OK)
		return STEP_DAMAGED;
	dec->between = false;
	return STEP_MORE;
}

static enum step gzip_step(struct decoder *dec, struct io *io)
{
	z_stream *z = &dec->gzip;
	int rc;

	if (dec->between) {
		enum step s = gzip_between(dec, io);

		if (dec->between || s != STEP_MORE)
			return s;
	}
	z->next_in = (Bytef *)(uintptr_t)io->in; /* zlib's type has no const */
	z->avail_in = (uInt)io->in_len;
	z->next_out = io->out;
	z->avail_out = (uInt)min_u64(io->out_len, UINT32_MAX);
	rc = inflate(z, Z_NO_FLUSH);
	io->in = z->next_in;
	io->in_len = z->avail_in;
	io->out_len -= (size_t)(z->next_out - io->out);
	io->out = z->next_out;
	if (rc == Z_STREAM_END) {
		dec->between = dec->started = true;
		return io->eof && !io->in_len ? STEP_END : STEP_MORE;
	}
	if (rc == Z_MEM_ERROR)
		return STEP_NOMEM;
	/* Z_BUF_ERROR: nothing could be done with what there was; the caller sees no progress. */
	return rc == Z_OK || rc == Z_BUF_ERROR ? STEP_MORE : STEP_DAMAGED;
}

static void gzip_deinit(struct decoder *dec)
{
	inflateEnd(&dec->gzip);
}

static bool zstd_init(struct decoder *dec)
{
	dec->zstd = ZSTD_createDStream();
	/* 27: 128 MiB, DECODER_MEM as a power of two */
	return dec->zstd &&
	       !ZSTD_isError(ZSTD_DCtx_setParameter(dec->zstd, ZSTD_d_windowLogMax, 27));
}

static enum step zstd_step(struct decoder *dec, struct io *io)
{
	ZSTD_inBuffer in = {io->in, io->in_len, 0};
	ZSTD_outBuffer out = {io->out, io->out_len, 0};
	size_t rc;

	if (dec->between && !io->in_len)
		return io->eof && dec->started ? STEP_END : STEP_MORE;
	rc = ZSTD_decompressStream(dec->zstd, &out, &in);
	io->in += in.pos;
	io->in_len -= in.pos;
	io->out += out.pos;
	io->out_len -= out.pos;
	if (ZSTD_isError(rc)) {
		/* Codes below 100 are part of the stable interface. */
		switch (ZSTD_getErrorCode(rc)) {
		case ZSTD_error_frameParameter_windowTooLarge: return STEP_WINDOW;
		case ZSTD_error_memory_allocation: return STEP_NOMEM;
		default: return STEP_DAMAGED;
		}
	}
	dec->between = rc == 0;
	dec->started = dec->started || dec->between;
	return dec->between && io->eof && !io->in_len ? STEP_END : STEP_MORE;
}

static void zstd_deinit(struct decoder *dec)
{
	ZSTD_freeDStream(dec->zstd);
}

static bool xz_init(struct decoder *dec)
{
	dec->xz = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_stream_decoder(&dec->xz, DECODER_MEM, LZMA_CONCATENATED) == LZMA_OK;
}

static enum step xz_step(struct decoder *dec, struct io *io)
{
	lzma_stream *s = &dec->xz;
	lzma_ret rc;

	s->next_in = io->in;
	s->avail_in = io->in_len;
	s->next_out = io->out;
	s->avail_out = io->out_len;
	rc = lzma_code(s, io->eof ? LZMA_FINISH : LZMA_RUN);
	io->in = s->next_in;
	io->in_len = s->avail_in;
	io->out = s->next_out;
	io->out_len = s->avail_out;
	switch (rc) {
	case LZMA_OK:
	case LZMA_BUF_ERROR: return STEP_MORE;
	case LZMA_STREAM_END: return STEP_END;
	case LZMA_MEM_ERROR: return STEP_NOMEM;
	case LZMA_MEMLIMIT_ERROR: return STEP_WINDOW;
	default: return STEP_DAMAGED;
	}
}

static void xz_deinit(struct decoder *dec)
{
	lzma_end(&dec->xz);
}

static const struct codec codecs[] = {
	[COMP_GZIP] = {"gzip", {0x1f, 0x8b}, 2, gzip_init, gzip_step, gzip_deinit},
	[COMP_ZSTD] = {"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, zstd_init, zstd_step, zstd_deinit},
	[COMP_XZ] = {"xz", {0xfd, '7', 'z', 'X', 'Z', 0}, 6, xz_init, xz_step, xz_deinit},
};

enum compression compression_detect(struct bytes head)
{
	for (unsigned c = COMP_GZIP; c < ARRAY_SIZE(codecs); c++)
		if (bytes_has(head, 0, codecs[c].magic_len) &&
			!memcmp(head.data, codecs[c].magic, codecs[c].magic_len))
			return (enum compression)c;
	return COMP_NONE;
}

const char *compression_name(enum compression c)
{
	return c == COMP_NONE ? "uncompressed" : codecs[c].name;
}

static uint64_t gzip_hint(struct bytes tail)
{
	uint32_t isize;

	if (tail.len < 4 || !bytes_read(tail, tail.len - 4, &isize, sizeof(isize)))
		return 0;
	return isize;
}

static uint64_t zstd_hint(struct bytes head)
{
	unsigned long long n = ZSTD_getFrameContentSize(head.data, head.len);

	return n == ZSTD_CONTENTSIZE_UNKNOWN || n == ZSTD_CONTENTSIZE_ERROR ? 0 : n;
}

static uint64_t xz_hint(struct bytes tail)
{
	uint64_t memlimit = MiB, ret;
	lzma_stream_flags flags;
	lzma_index *index = NULL;
	size_t pos, end;

	if (tail.len < LZMA_STREAM_HEADER_SIZE)
		return 0;
	end = tail.len - LZMA_STREAM_HEADER_SIZE;
	if (lzma_stream_footer_decode(&flags, tail.data + end) != LZMA_OK ||
		flags.backward_size > end)
		return 0;
	pos = end - (size_t)flags.backward_size;
	if (lzma_index_buffer_decode(&index, &memlimit, NULL, tail.data, &pos, end) != LZMA_OK)
		return 0;
	ret = lzma_index_uncompressed_size(index);
	lzma_index_end(index, NULL);
	return ret;
}

uint64_t unpack_hint(enum compression c, struct bytes head, struct bytes tail)
{
	switch (c) {
	case COMP_GZIP: return gzip_hint(tail);
	case COMP_ZSTD: return zstd_hint(head);
	case COMP_XZ: return xz_hint(tail);
	default: return 0;
	}
}

/* Runs the decoder over all input. buf is CHUNK bytes for input, and CHUNK for what is only
 * counted. */
static enum xk_status unpack_all(const struct codec *codec, struct decoder *dec,
	struct unpack_source src, uint8_t *buf, uint8_t *dst, size_t cap, uint64_t max,
	uint64_t *ret, struct diag *d)
{
	struct io io = {.in = buf};
	uint64_t len = 0;

	for (;;) {
		size_t in_before, out_before;
		enum step s;

		if (!io.in_len && !io.eof) {
			size_t n;
			enum xk_status st = src.read(src.ctx, buf, CHUNK, &n, d);

			if (st != XK_OK)
				return st;
			io.in = buf;
			io.in_len = n;
			io.eof = n == 0;
		}
		if (len < cap) {
			io.out = dst + len;
			io.out_len = cap - (size_t)len;
		} else {
			io.out = buf + CHUNK;
			io.out_len = CHUNK;
		}
		in_before = io.in_len;
		out_before = io.out_len;
		s = codec->step(dec, &io);
		len += out_before - io.out_len;
		if (len > max)
			return diag_fail(d, XK_BAD_INPUT,
				"its %s content is larger than %llu MiB, the most this tool unpacks",
				codec->name, (unsigned long long)(max / MiB));
		switch (s) {
		case STEP_MORE: break;
		case STEP_END: *ret = len; return XK_OK;
		case STEP_NOMEM:
			return diag_fail(
				d, XK_NOMEM, "out of memory in the %s decoder", codec->name);
		case STEP_WINDOW:
			return diag_fail(d, XK_BAD_INPUT,
				"its %s data needs a window of more than %llu MiB to unpack, the limit of this tool; compress it with a lower level",
				codec->name, (unsigned long long)(DECODER_MEM / MiB));
		case STEP_DAMAGED:
			return diag_fail(d, XK_BAD_INPUT,
				"its %s data is damaged, or followed by something else, near byte %llu of the unpacked content",
				codec->name, (unsigned long long)len);
		}
		if (io.eof && in_before == io.in_len && out_before == io.out_len)
			return diag_fail(d, XK_BAD_INPUT,
				"its %s data ends too early, after %llu bytes of unpacked content: the file is truncated",
				codec->name, (unsigned long long)len);
	}
}

enum xk_status unpack(enum compression c, struct unpack_source src, uint8_t *dst, size_t cap,
	uint64_t max, uint64_t *ret, struct diag *d)
{
	const struct codec *codec = &codecs[c];
	struct decoder dec = {.between = true};
	uint8_t *buf = malloc(2 * CHUNK);
	enum xk_status st;

	if (c == COMP_NONE) {
		free(buf);
		return diag_fail(d, XK_BAD_INPUT, "not a gzip, zstd or xz file");
	}
	if (!buf || !codec->init(&dec)) {
		st = diag_fail(d, XK_NOMEM, "out of memory for the %s decoder", codec->name);
	} else {
		st = unpack_all(codec, &dec, src, buf, dst, cap, max, ret, d);
	}
	if (buf)
		codec->deinit(&dec);
	free(buf);
	return st;
}
