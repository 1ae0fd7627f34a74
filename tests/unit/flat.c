// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "tests/unit/flat.h"
#include "tests/unit/xktest.h"

void flat_load(const char *path, struct buf *ret)
{
	FILE *f = fopen(path, "rb");
	uint8_t piece[65536];
	size_t n;

	assert_non_null(f);
	*ret = (struct buf){0};
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_append(ret, piece, n);
	fclose(f);
	assert_false(ret->failed);
}

static uint64_t be64(const uint8_t *p)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

void flat_join(struct buf *file)
{
	struct buf ret = {0}, said = {0};
	size_t pos = 4096;

	for (;;) {
		uint64_t off, size, end;

		assert_true(bytes_has(buf_bytes(file), pos, 16));
		off = be64(file->data + pos);
		size = be64(file->data + pos + 8);
		pos += 16;
		if (off == UINT64_MAX)
			break;
		assert_true(bytes_has(buf_bytes(file), pos, size));
		end = off + size;
		assert_true(end < 64 * MiB);
		if (end > ret.len) {
			buf_zero(&said, end - ret.len);
			buf_zero(&ret, end - ret.len);
		}
		assert_false(ret.failed || said.failed);
		assert_null(memchr(said.data + off, 1, size));
		memset(said.data + off, 1, size);
		memcpy(ret.data + off, file->data + pos, size);
		pos += size;
	}
	assert_int_equal(pos, file->len);
	buf_deinit(&said);
	buf_deinit(file);
	*file = ret;
}
