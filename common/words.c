// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>

#include "common/words.h"

bool word_next(const char **p, bool quotes, struct word *ret)
{
	bool quoted = false;
	const char *s = *p;

	while (isspace((unsigned char)*s))
		s++;
	ret->s = s;
	while (*s && (quoted || !isspace((unsigned char)*s))) {
		if (quotes && *s == '"')
			quoted = !quoted;
		s++;
	}
	ret->len = (size_t)(s - ret->s);
	*p = s;
	return ret->len > 0;
}

struct word word_unquote(struct word w)
{
	if (w.len && w.s[0] == '"') {
		w.s++;
		w.len--;
		if (w.len && w.s[w.len - 1] == '"')
			w.len--;
	}
	return w;
}

bool word_starts(struct word w, const char *prefix)
{
	size_t n = strlen(prefix);

	return w.len >= n && !memcmp(w.s, prefix, n);
}

bool word_is(struct word w, const char *text)
{
	return w.len == strlen(text) && word_starts(w, text);
}

bool word_value(struct word w, const char *name, struct word *ret)
{
	size_t n = strlen(name);

	w = word_unquote(w);
	if (!word_starts(w, name) || w.len <= n || w.s[n] != '=')
		return false;
	*ret = word_unquote((struct word){w.s + n + 1, w.len - n - 1});
	return true;
}

uint64_t word_number(const char **p, const char *end, unsigned base)
{
	const char *s = *p;
	uint64_t v = 0;

	if (base == 0) {
		base = 10;
		if (s < end && *s == '0') {
			base = 8;
			if (end - s > 2 && (s[1] | 0x20) == 'x' && isxdigit((unsigned char)s[2])) {
				base = 16;
				s += 2;
			}
		}
	}
	for (; s < end && isxdigit((unsigned char)*s); s++) {
		unsigned digit = isdigit((unsigned char)*s) ? (unsigned)(*s - '0')
							    : (unsigned)((*s | 0x20) - 'a' + 10);

		if (digit >= base)
			break;
		if (mul_overflow(v, (uint64_t)base, &v) || add_overflow(v, (uint64_t)digit, &v))
			v = UINT64_MAX / 64; /* out of every range that is asked for */
	}
	*p = s;
	return v;
}
