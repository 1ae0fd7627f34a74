// SPDX-License-Identifier: GPL-2.0-only
/* Packed data: passes with no room, all of it and half of it agree; nothing beyond the room is
 * written (the sanitizer watches); the limit holds. */
#include "common/decompress.h"
#include "tests/fuzz/fuzz.h"

#define CHECK(c) ((c) ? (void)0 : __builtin_trap())
#define MAX	 (4 * MiB)

/* Gives 1 to 61 bytes at a time, so that every state of a decoder sees the end of its input. */
static enum xk_status source(void *ctx, uint8_t *buf, size_t cap, size_t *ret, struct diag *d)
{
	struct bytes *b = ctx;
	size_t n = 1 + b->len % 61;

	(void)d;
	n = n < cap ? n : cap;
	n = n < b->len ? n : b->len;
	if (n)
		memcpy(buf, b->data, n);
	b->data += n;
	b->len -= n;
	*ret = n;
	return XK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = {data, len}, head = {data, min_u64(len, COMPRESSION_HEAD)};
	enum compression c = compression_detect(head);
	uint64_t counted = 0, again = 0;
	enum xk_status st;
	struct diag d;
	uint8_t *out, *half;

	unpack_hint(COMP_GZIP, head, in);
	unpack_hint(COMP_XZ, head, in);
	if (c == COMP_NONE)
		return 0;
	unpack_hint(c, head, in);
	diag_init(&d);
	st = unpack(c, (struct unpack_source){source, &in}, NULL, 0, MAX, &counted, &d);
	if (st != XK_OK) {
		CHECK(d.status == st && d.text[0]);
		return 0;
	}
	CHECK(counted <= MAX);
	out = malloc(counted ? counted : 1);
	in = (struct bytes){data, len};
	st = unpack(c, (struct unpack_source){source, &in}, out, counted, MAX, &again, &d);
	CHECK(st == XK_OK && again == counted);
	half = malloc(counted / 2 + 1);
	in = (struct bytes){data, len};
	st = unpack(c, (struct unpack_source){source, &in}, half, counted / 2, MAX, &again, &d);
	CHECK(st == XK_OK && again == counted && !memcmp(out, half, counted / 2));
	free(half);
	free(out);
	return 0;
}
