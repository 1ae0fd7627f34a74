// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <string.h>
#include <zlib.h>

#include "common/factfile.h"
#include "xen/caps.h"
#include "xen/symbols.h"

#define XENSYMS "/proc/xen/xensyms"

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "address type name", single spaces, no more words. */
static bool parse_line(struct bytes line, vaddr_t *addr, char *type, struct bytes *name)
{
	size_t i = 0;

	*addr = 0;
	for (; i < line.len && i < 16 && hex_digit(line.data[i]) >= 0; i++)
		*addr = *addr << 4 | (unsigned)hex_digit(line.data[i]);
	if (!i || !bytes_has(line, i, 4) || line.data[i] != ' ' || line.data[i + 2] != ' ')
		return false;
	*type = (char)line.data[i + 1];
	*name = bytes_sub(line, i + 3, line.len - i - 3);
	for (size_t j = 0; j < name->len; j++)
		if (name->data[j] <= ' ' || name->data[j] >= 0x7f)
			return false;
	return isalpha((unsigned char)*type) || *type == '?';
}

static bool name_is(struct bytes name, const char *s)
{
	return name.len == strlen(s) && !memcmp(name.data, s, name.len);
}

enum xk_status xen_symbols_scan(struct bytes text, struct xen_symbols *ret, struct diag *d)
{
	struct xen_symbols s = {0};
	size_t off = 0;

	while (off < text.len) {
		const uint8_t *nl = memchr(text.data + off, '\n', text.len - off);
		size_t len = nl ? (size_t)(nl - text.data) - off : text.len - off;
		struct bytes name;
		vaddr_t addr;
		char type;

		if (!nl || !parse_line(bytes_sub(text, off, len), &addr, &type, &name))
			return diag_fail(d, XK_BAD_INPUT,
				"symbol line %zu is not \"address type name\"", s.nr + 1);
		if (name_is(name, "_start") || (!s.start && name_is(name, "_stext")))
			s.start = addr;
		if ((type == 't' || type == 'T') && addr && (!s.text || addr < s.text))
			s.text = addr;
		s.nr++;
		off += len + 1;
	}
	if (!s.nr)
		return diag_fail(d, XK_BAD_INPUT, "no symbols in it");
	*ret = s;
	return XK_OK;
}

enum xk_status xen_symbols_image_virt(
	const struct xen_symbols *s, uint32_t major, uint32_t minor, vaddr_t *ret, struct diag *d)
{
	vaddr_t by_base = 0;

	if (s->text)
		by_base = align_down(s->text, GiB) + xen_image_offset(major, minor);
	if (s->start && by_base && s->start != by_base)
		return diag_fail(d, XK_BAD_INPUT,
			"_start is at %#" PRIx64 ", but Xen %u.%u with text at %#" PRIx64
			" should begin at %#" PRIx64,
			s->start, major, minor, s->text, by_base);
	if (!s->start && !by_base)
		return diag_fail(d, XK_BAD_INPUT, "neither _start nor any text symbol is listed");
	*ret = s->start ? s->start : by_base;
	return XK_OK;
}

/* One call, so that the same text gives the same bytes. The fastest level: the table is read once in
 * a dump's life, and compressed at every load. */
static enum xk_status compress_text(struct bytes text, struct buf *ret, struct diag *d)
{
	uLongf len = compressBound(text.len);
	uint8_t *z = malloc(len);

	if (!z || compress2(z, &len, text.data, text.len, Z_BEST_SPEED) != Z_OK) {
		free(z);
		return diag_fail(d, XK_NOMEM, "no memory to compress the symbols");
	}
	buf_append(ret, z, len);
	free(z);
	return ret->failed ? diag_fail(d, XK_NOMEM, "no memory for the symbols") : XK_OK;
}

void xen_symbols_facts(const char *root, struct host *h)
{
	struct xen_symbols s = {0};
	struct buf text = {0};
	enum xk_status st;
	const char *why;
	struct diag d;

	diag_init(&d);
	if (!factfile_read(h, "xen.symbols-z", root, XENSYMS, XEN_SYMBOLS_MAX, &text)) {
		why = host_gap_reason(h, "xen.symbols-z");
		host_gap(h, "xen.image-virtual", "no hypervisor symbols: %s", why ? why : "?");
		goto out;
	}
	st = xen_symbols_scan(buf_bytes(&text), &s, &d);
	if (!st)
		st = compress_text(buf_bytes(&text), &h->xen.symbols_z, &d);
	if (st) {
		buf_deinit(&h->xen.symbols_z);
		host_gap(h, "xen.symbols-z", XENSYMS ": %s", d.text);
		host_gap(h, "xen.image-virtual", XENSYMS ": %s", d.text);
		goto out;
	}
	h->xen.symbols_len = (uint32_t)text.len;
	if (h->xen.bits != 64)
		host_gap(h, "xen.image-virtual", "only known for a 64-bit hypervisor");
	else if (xen_symbols_image_virt(&s, h->xen.major, h->xen.minor, &h->xen.image_virt, &d))
		host_gap(h, "xen.image-virtual", XENSYMS ": %s", d.text);
out:
	buf_deinit(&text);
}
