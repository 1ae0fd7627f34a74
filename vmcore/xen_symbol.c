// SPDX-License-Identifier: GPL-2.0-only
#include "common/number.h"
#include "vmcore/xlat.h"

/* "ffff82d040200000 T _start" or "ffff82d0405a0000 b drivers/char/console.c#conring" */
#define NAME_AT 19
#define ADDRESS 16 /* digits */

enum match { NO, YES, STATIC };

static enum match match(const uint8_t *line, size_t len, const char *name, size_t name_len)
{
	const uint8_t *end = line + len;

	if (len < NAME_AT + name_len || memcmp(end - name_len, name, name_len))
		return NO;
	if (len == NAME_AT + name_len)
		return YES;
	return end[-(ptrdiff_t)name_len - 1] == '#' ? STATIC : NO;
}

bool xen_symbol(const struct core_notes *n, const char *name, vaddr_t *ret)
{
	size_t name_len = strlen(name);
	unsigned statics = 0;
	struct bytes t;
	vaddr_t at, found = 0;

	if (!n->xenkdump || !name_len)
		return false;
	t = buf_bytes(&n->xenkdump->symbols);
	while (t.len) {
		const uint8_t *nl = memchr(t.data, '\n', t.len);
		size_t len = nl ? (size_t)(nl - t.data) : t.len;
		enum match m = match(t.data, len, name, name_len);

		if (m != NO && number_bytes((struct bytes){t.data, ADDRESS}, 16, &at)) {
			if (m == YES) {
				*ret = at;
				return true;
			}
			if (!statics++ || at != found)
				found = at;
			else
				statics--; /* the very same twice */
		}
		t.data += len;
		t.len -= len;
		if (t.len) {
			t.data++;
			t.len--;
		}
	}
	if (statics != 1)
		return false;
	*ret = found;
	return true;
}
