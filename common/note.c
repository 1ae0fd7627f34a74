// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <string.h>
#include <zlib.h>

#include "common/note.h"

static void pad(struct buf *b, size_t start, size_t align)
{
	buf_zero(b, (size_t)(align_up(b->len - start, align) - (b->len - start)));
}

void note_append(struct buf *b, const char *name, uint32_t type, struct bytes desc)
{
	Elf64_Nhdr n = {(Elf64_Word)strlen(name) + 1, (Elf64_Word)desc.len, type};
	size_t start = b->len;

	buf_append(b, &n, sizeof(n));
	buf_append(b, name, n.n_namesz);
	pad(b, start, 4);
	if (desc.len)
		buf_append(b, desc.data, desc.len);
	pad(b, start, 4);
}

static void record_append(struct buf *b, enum xkn_tag tag, struct bytes data, size_t raw)
{
	struct xkn_record r = {tag, (uint32_t)data.len, raw};
	size_t start = b->len;

	buf_append(b, &r, sizeof(r));
	if (data.len)
		buf_append(b, data.data, data.len);
	pad(b, start, 8);
}

/* The facts as text without the symbol table, which has a record of its own. */
static enum xk_status facts_deflated(
	const struct host *h, struct buf *ret, size_t *raw, struct diag *d)
{
	struct host view = *h;
	struct buf text = {0};
	enum xk_status st;
	uLongf len;

	memset(&view.xen.symbols_z, 0, sizeof(view.xen.symbols_z));
	view.xen.symbols_len = 0;
	st = facts_write(&view, &text, d);
	if (st)
		goto out;
	*raw = text.len;
	len = compressBound(text.len);
	buf_zero(ret, len);
	if (ret->failed ||
		compress2(ret->data, &len, text.data, text.len, Z_DEFAULT_COMPRESSION) != Z_OK)
		st = diag_fail(d, XK_NOMEM, "no memory to compress the facts");
	else
		ret->len = len;
out:
	buf_deinit(&text);
	return st;
}

enum xk_status xkn_append(const struct host *h, size_t nr_map, struct buf *b, size_t *map_off,
	unsigned *dropped, struct diag *d)
{
	static const char tool[] = "xenkdump " XENKDUMP_VERSION;
	struct xkn_header hd = {
		.magic = XKN_MAGIC, .version = XKN_VERSION, .header_size = sizeof(hd)};
	struct buf desc = {0}, facts = {0};
	size_t note = b->len, raw = 0, map_in_desc, map_len = nr_map * sizeof(struct xkn_map);
	size_t fixed = 256; /* headers, paddings, the tool's name */
	struct buf zeros = {0};
	enum xk_status st;

	st = facts_deflated(h, &facts, &raw, d);
	if (st)
		goto out;
	buf_zero(&zeros, map_len ? map_len : 1);
	buf_append(&desc, &hd, sizeof(hd));
	record_append(&desc, XKN_TOOL, (struct bytes){(const uint8_t *)tool, sizeof(tool) - 1},
		sizeof(tool) - 1);
	hd.nr_records++;
	map_in_desc = desc.len + sizeof(struct xkn_record);
	record_append(&desc, XKN_MAP, (struct bytes){zeros.data, map_len}, map_len);
	hd.nr_records++;
	*dropped = 0;
	if (facts.len + map_len + fixed <= XKN_MAX_SIZE) {
		record_append(&desc, XKN_FACTS, buf_bytes(&facts), raw);
		hd.nr_records++;
	} else {
		*dropped |= 1u << XKN_FACTS;
	}
	if (desc.len + h->xen.symbols_z.len + fixed > XKN_MAX_SIZE) {
		*dropped |= 1u << XKN_SYMBOLS;
	} else if (h->xen.symbols_z.len) {
		record_append(&desc, XKN_SYMBOLS, buf_bytes(&h->xen.symbols_z), h->xen.symbols_len);
		hd.nr_records++;
	}
	if (!desc.failed && !zeros.failed) {
		hd.total_size = (uint32_t)desc.len;
		memcpy(desc.data, &hd, sizeof(hd));
		note_append(b, XKN_NAME, XKN_TYPE, buf_bytes(&desc));
		*map_off = note + sizeof(Elf64_Nhdr) + align_up(sizeof(XKN_NAME), 4) + map_in_desc;
		buf_zero(b, sizeof(Elf64_Nhdr));
	}
	if (desc.failed || zeros.failed || b->failed)
		st = diag_fail(d, XK_NOMEM, "no memory for the XENKDUMP note");
out:
	buf_deinit(&zeros);
	buf_deinit(&facts);
	buf_deinit(&desc);
	return st;
}

void xkn_set_map(uint8_t *map, const struct xkn_map *entries, size_t nr)
{
	memcpy(map, entries, nr * sizeof(*entries));
}

void xkn_seal(uint8_t *note)
{
	uint8_t *desc = note + sizeof(Elf64_Nhdr) + align_up(sizeof(XKN_NAME), 4);
	struct xkn_header hd;

	memcpy(&hd, desc, sizeof(hd));
	hd.crc = (uint32_t)crc32(0, desc + sizeof(hd), hd.total_size - (uInt)sizeof(hd));
	memcpy(desc, &hd, sizeof(hd));
}
