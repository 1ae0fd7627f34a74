// SPDX-License-Identifier: GPL-2.0-only
#include <zlib.h>

#include "vmcore/notes_file.h"

/* Unpacks a record to ret; *why is set when it cannot be used. False: no memory. */
static bool unpack_text(struct bytes data, uint64_t raw, struct buf *ret, const char **why)
{
	uLongf len = (uLongf)raw;
	int rc;

	if (raw > XKN_MAX_TEXT) {
		*why = "is larger than any that a loader writes";
		return true;
	}
	if (ret->len) {
		*why = "is there twice";
		return true;
	}
	buf_zero(ret, (size_t)raw + 1);
	if (ret->failed)
		return false;
	rc = uncompress(ret->data, &len, data.data, (uLong)data.len);
	ret->len = 0;
	if (rc == Z_MEM_ERROR)
		return false;
	if (rc != Z_OK || len != raw)
		*why = "does not unpack";
	else
		ret->len = (size_t)raw;
	ret->data[ret->len] = '\0';
	return true;
}

static bool add_map(struct xkn *x, struct bytes data, const char **why)
{
	size_t nr = data.len / sizeof(struct xkn_map);

	if (data.len % sizeof(struct xkn_map) || x->map) {
		*why = "makes no sense";
		return true;
	}
	x->map = calloc(nr + 1, sizeof(*x->map));
	if (!x->map)
		return false;
	for (size_t i = 0; i < nr; i++) {
		struct xkn_map m;

		memcpy(&m, data.data + i * sizeof(m), sizeof(m));
		if (m.start < m.end)
			x->map[x->nr_map++] = m;
	}
	return true;
}

static bool add_record(
	struct core_notes *n, struct xkn *x, const struct xkn_record *r, struct bytes data)
{
	const char *why = NULL;
	bool ok = true;

	switch (r->tag) {
	case XKN_FACTS: ok = unpack_text(data, r->raw_size, &x->facts, &why); break;
	case XKN_SYMBOLS: ok = unpack_text(data, r->raw_size, &x->symbols, &why); break;
	case XKN_MAP: ok = add_map(x, data, &why); break;
	case XKN_TOOL: x->tool = data; break;
	default: break; /* of a newer loader */
	}
	if (why)
		notes_problem(n, "record %u of the XENKDUMP note %s: left out", r->tag, why);
	return ok;
}

/* The checks of the header; NULL when it is sound. */
static const char *damage(struct bytes desc, struct xkn_header *h)
{
	if (!bytes_read(desc, 0, h, sizeof(*h)))
		return "is shorter than its header";
	if (h->magic != XKN_MAGIC)
		return "has another magic number";
	if (h->header_size < sizeof(*h) || h->header_size > h->total_size)
		return "has a header of no sense";
	if (h->total_size > desc.len)
		return "is cut short";
	if (crc32(0, desc.data + h->header_size, h->total_size - h->header_size) != h->crc)
		return "does not match its checksum";
	return NULL;
}

bool xkn_parse(struct core_notes *n, struct bytes desc)
{
	struct xkn_header h;
	const char *why = damage(desc, &h);
	struct xkn *x;
	uint64_t off;

	if (!why && n->xenkdump)
		why = "is there more than once";
	if (why) {
		notes_problem(n, "the XENKDUMP note %s: left out", why);
		return true;
	}
	x = calloc(1, sizeof(*x));
	if (!x)
		return false;
	x->version = h.version;
	desc.len = h.total_size;
	off = h.header_size;
	for (uint32_t i = 0; i < h.nr_records; i++) {
		struct xkn_record r;

		if (!bytes_read(desc, off, &r, sizeof(r)) ||
			!bytes_has(desc, off + sizeof(r), r.size)) {
			notes_problem(n, "record %u of %u of the XENKDUMP note does not fit it", i,
				h.nr_records);
			break;
		}
		if (!add_record(n, x, &r, bytes_sub(desc, off + sizeof(r), r.size))) {
			xkn_free(x);
			return false;
		}
		off += sizeof(r) + align_up(r.size, 8);
	}
	n->xenkdump = x;
	return true;
}

void xkn_free(struct xkn *x)
{
	if (!x)
		return;
	buf_deinit(&x->facts);
	buf_deinit(&x->symbols);
	free(x->map);
	free(x);
}

struct bytes xkn_symbols(const struct xkn *x)
{
	return buf_bytes(&x->symbols);
}

struct bytes xkn_facts(const struct xkn *x)
{
	return buf_bytes(&x->facts);
}

/* The value of a line "key = value"; empty data: another line. */
static struct bytes fact_value(struct bytes line, const char *key)
{
	const size_t len = strlen(key);

	if (line.len < len + 3 || memcmp(line.data, key, len) || memcmp(line.data + len, " = ", 3))
		return (struct bytes){NULL, 0};
	return bytes_sub(line, len + 3, line.len - len - 3);
}

bool xkn_fact(const struct xkn *x, const char *key, size_t nth, struct bytes *ret)
{
	struct bytes t = x ? buf_bytes(&x->facts) : (struct bytes){NULL, 0}, v;

	while (t.len) {
		const uint8_t *nl = memchr(t.data, '\n', t.len);
		size_t len = nl ? (size_t)(nl - t.data) : t.len;

		v = fact_value(bytes_sub(t, 0, len), key);
		if (v.data && !nth--) {
			if (v.len >= 2 && v.data[0] == '"' && v.data[v.len - 1] == '"')
				v = bytes_sub(v, 1, v.len - 2);
			*ret = v;
			return !v.len || !memchr(v.data, '\\', v.len);
		}
		len += nl != NULL;
		t = bytes_sub(t, len, t.len - len);
	}
	return false;
}
