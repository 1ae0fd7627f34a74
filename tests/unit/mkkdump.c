// SPDX-License-Identifier: GPL-2.0-only
/* Kdump-compressed and flattened files, by the description of the formats. */
#include "tests/unit/xktest.h"

#include <dlfcn.h>
#include <endian.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/unit/mkcore.h"

static void put(struct buf *b, size_t off, uint64_t v, size_t len)
{
	assert_true(off + len <= b->len);
	memcpy(b->data + off, &v, len);
}

static void put_text(struct buf *b, size_t off, const char *s)
{
	if (s)
		memcpy(b->data + off, s, strlen(s));
}

/* 'm': memory; 'd': with its content in *page. */
static char page_kind(const struct mkcore *m, uint64_t pfn, const uint8_t **page)
{
	uint64_t at = pfn * 4096;

	for (size_t i = 0; i < m->nr; i++) {
		const struct mkcore_load *l = &m->loads[i];

		if (at < l->paddr || at - l->paddr >= l->memsz)
			continue;
		*page = l->data + (at - l->paddr);
		return at - l->paddr < l->filesz ? 'd' : 'm';
	}
	return 0;
}

/* By the library itself where the program under test uses it by dlopen() too. */
static size_t by_library(const char *lib, const char *name, uint8_t *to, const uint8_t *page)
{
	void *h = dlopen(lib, RTLD_NOW);
	int (*fn)(const void *, size_t, void *, size_t *, void *) = NULL;
	static uint8_t work[1 << 17];
	size_t len = 8192;

	assert_non_null(h);
	*(void **)&fn = dlsym(h, name);
	assert_non_null(fn);
	assert_int_equal(fn(page, 4096, to, &len, work), 0);
	return len;
}

bool mkcore_can_pack(uint32_t flags)
{
	const char *lib = flags == 2 ? "liblzo2.so.2" : flags == 4 ? "libsnappy.so.1" : NULL;
	void *h = lib ? dlopen(lib, RTLD_NOW) : NULL;

	if (h)
		dlclose(h);
	return !lib || h;
}

static size_t pack(uint32_t *flags, uint8_t *to, const uint8_t *page)
{
	uLongf len = 8192;
	size_t n;

	switch (*flags) {
	case 1:
		assert_int_equal(compress2(to, &len, page, 4096, 1), Z_OK);
		n = len;
		break;
	case 0x20: n = ZSTD_compress(to, 8192, page, 4096, 1); break;
	case 2: n = by_library("liblzo2.so.2", "lzo1x_1_compress", to, page); break;
	case 4: n = by_library("libsnappy.so.1", "snappy_compress", to, page); break;
	default: n = 4096;
	}
	if (n < 4096)
		return n;
	*flags = 0;
	memcpy(to, page, 4096);
	return 4096;
}

static void main_header(
	struct buf *b, const struct mkcore_kdump *k, size_t sub, size_t map, uint64_t max)
{
	size_t s = k->is_32 ? 12 : 0;

	buf_zero(b, 4096);
	put_text(b, 0, "KDUMP   ");
	put(b, 8, k->version, 4);
	put_text(b, 12 + 2 * 65, k->release);
	put_text(b, 12 + 3 * 65, "#1 SMP");
	put_text(b, 12 + 4 * 65, k->machine);
	put(b, 424 - s, k->flags | k->status, 4);
	put(b, 428 - s, 4096, 4);
	put(b, 432 - s, sub, 4);
	put(b, 436 - s, map, 4);
	put(b, 440 - s, max < UINT32_MAX ? max : UINT32_MAX, 4);
	put(b, 460 - s, 1, 4);
}

/* Fields after the version's last are filled with rubbish: no reader may look at them. */
static void sub_header(struct buf *b, const struct mkcore *m, const struct mkcore_kdump *k,
	size_t sub, uint64_t max)
{
	size_t s = b->len, info = k->vmcoreinfo ? strlen(k->vmcoreinfo) : 0;
	size_t notes = s + 104, text = notes + m->notes.len;
	unsigned w = k->is_32 ? 4 : 8;

	buf_zero(b, sub * 4096);
	memset(b->data + s, 0xee, k->is_32 ? 80 : 104);
	put(b, s, 0, w);
	put(b, s + (k->is_32 ? 4 : 8), 31, 4);
	if (k->version >= 2) {
		put(b, s + (k->is_32 ? 8 : 12), k->split, 4);
		put(b, s + (k->is_32 ? 12 : 16), k->start, w);
		put(b, s + (k->is_32 ? 16 : 24), k->end, w);
	}
	if (k->version >= 3) {
		put(b, s + (k->is_32 ? 20 : 32), info ? text : 0, 8);
		put(b, s + (k->is_32 ? 28 : 40), info, w);
		put_text(b, text, k->vmcoreinfo);
	}
	if (k->version >= 4) {
		put(b, s + (k->is_32 ? 32 : 48), notes, 8);
		put(b, s + (k->is_32 ? 40 : 56), m->notes.len, w);
		if (m->notes.len)
			memcpy(b->data + notes, m->notes.data, m->notes.len);
	}
	if (k->version >= 5) {
		put(b, s + (k->is_32 ? 44 : 64), 0, 8);
		put(b, s + (k->is_32 ? 52 : 72), 0, w);
	}
	if (k->version >= 6) {
		put(b, s + (k->is_32 ? 56 : 80), k->start, 8);
		put(b, s + (k->is_32 ? 64 : 88), k->end, 8);
		put(b, s + (k->is_32 ? 72 : 96), max, 8);
	}
}

struct buf mkcore_kdump(const struct mkcore *m, const struct mkcore_kdump *k)
{
	size_t info = k->vmcoreinfo ? strlen(k->vmcoreinfo) : 0, half, maps, descs, nr = 0, data;
	size_t sub = (104 + m->notes.len + info + 4095) / 4096;
	const uint8_t *page;
	struct buf b = {0};
	uint64_t max = 0;

	for (size_t i = 0; i < m->nr; i++) {
		uint64_t end = (m->loads[i].paddr + m->loads[i].memsz + 4095) / 4096;

		max = end > max ? end : max;
	}
	half = (max / 8 + 4096) / 4096;
	main_header(&b, k, sub, 2 * half, max);
	sub_header(&b, m, k, sub, max);
	maps = b.len;
	buf_zero(&b, 2 * half * 4096);
	for (uint64_t pfn = 0; pfn < max; pfn++) {
		char kind = page_kind(m, pfn, &page);

		if (kind)
			b.data[maps + pfn / 8] |= (uint8_t)(1u << pfn % 8);
		if (kind == 'd')
			b.data[maps + half * 4096 + pfn / 8] |= (uint8_t)(1u << pfn % 8);
		if (kind == 'd' && (!k->split || (pfn >= k->start && pfn < k->end)))
			nr++;
	}
	descs = b.len;
	buf_zero(&b, nr * 24);
	data = 0;
	for (uint64_t pfn = 0; pfn < max; pfn++) {
		uint8_t packed[8192];
		uint32_t flags = k->flags;
		size_t n;

		if (page_kind(m, pfn, &page) != 'd' ||
			(k->split && (pfn < k->start || pfn >= k->end)))
			continue;
		n = pack(&flags, packed, page);
		put(&b, descs + data * 24, pfn == k->lost_pfn && pfn ? 0 : b.len, 8);
		put(&b, descs + data * 24 + 8, n, 4);
		put(&b, descs + data * 24 + 12, flags, 4);
		buf_append(&b, packed, n);
		data++;
	}
	assert_false(b.failed);
	return b;
}

static void record(struct buf *b, uint64_t off, const uint8_t *data, size_t len)
{
	uint64_t h[2] = {htobe64(off), htobe64(len)};

	buf_append(b, h, sizeof(h));
	buf_append(b, data, len);
}

struct buf mkcore_flatten(const struct buf *file, size_t size)
{
	uint64_t one = htobe64(1), end[2] = {UINT64_MAX, UINT64_MAX};
	uint8_t *junk = malloc(size);
	struct buf b = {0};

	assert_non_null(junk);
	memset(junk, 0xdd, size);
	buf_append(&b, "makedumpfile\0\0\0\0", 16);
	buf_append(&b, &one, 8);
	buf_append(&b, &one, 8);
	buf_zero(&b, 4096 - b.len);
	for (size_t off = 0; off < file->len; off += size) {
		size_t n = file->len - off < size ? file->len - off : size;

		record(&b, off, off ? file->data + off : junk, n);
	}
	record(&b, 0, file->data, file->len < size ? file->len : size);
	buf_append(&b, end, sizeof(end));
	free(junk);
	assert_false(b.failed);
	return b;
}
