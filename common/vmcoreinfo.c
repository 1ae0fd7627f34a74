// SPDX-License-Identifier: GPL-2.0-only
#include "common/number.h"
#include "common/vmcoreinfo.h"

static struct bytes line_value(struct bytes line, const char *kind, const char *name)
{
	size_t klen = strlen(kind), nlen = name ? strlen(name) : 0;
	size_t len = name ? klen + nlen + 2 : klen;

	if (line.len <= len || line.data[len] != '=' || memcmp(line.data, kind, klen))
		return (struct bytes){NULL, 0};
	if (name && (line.data[klen] != '(' || memcmp(line.data + klen + 1, name, nlen) ||
			    line.data[len - 1] != ')'))
		return (struct bytes){NULL, 0};
	return bytes_sub(line, len + 1, line.len - len - 1);
}

/* The value of kind(name), or of kind alone when name is NULL. */
static struct bytes value(struct bytes text, const char *kind, const char *name)
{
	struct bytes v = {NULL, 0};

	while (text.len && !v.data) {
		const uint8_t *nl = memchr(text.data, '\n', text.len);
		size_t len = nl ? (size_t)(nl - text.data) : text.len;

		v = line_value((struct bytes){text.data, len}, kind, name);
		len += nl != NULL;
		text.data += len;
		text.len -= len;
	}
	return v;
}

bool vmcoreinfo_symbol(struct bytes text, const char *name, vaddr_t *ret)
{
	return number_bytes(value(text, "SYMBOL", name), 16, ret);
}

bool vmcoreinfo_size(struct bytes text, const char *name, uint64_t *ret)
{
	return number_bytes(value(text, "SIZE", name), 10, ret);
}

bool vmcoreinfo_offset(struct bytes text, const char *name, uint64_t *ret)
{
	return number_bytes(value(text, "OFFSET", name), 10, ret);
}

bool vmcoreinfo_length(struct bytes text, const char *name, uint64_t *ret)
{
	return number_bytes(value(text, "LENGTH", name), 10, ret);
}

bool vmcoreinfo_number(struct bytes text, const char *name, int64_t *ret)
{
	struct bytes v = value(text, "NUMBER", name);
	bool minus = v.len && v.data[0] == '-';
	uint64_t n;

	if (minus)
		v = bytes_sub(v, 1, v.len - 1);
	if (!number_bytes(v, 10, &n) || n > (uint64_t)INT64_MAX + minus)
		return false;
	*ret = (int64_t)(minus ? -n : n);
	return true;
}

bool vmcoreinfo_hex(struct bytes text, const char *key, uint64_t *ret)
{
	return number_bytes(value(text, key, NULL), 16, ret);
}

struct bytes vmcoreinfo_value(struct bytes text, const char *key)
{
	return value(text, key, NULL);
}
