// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "common/number.h"

static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A' + 10);
	return 99;
}

bool number_take(const char **p, const char *end, unsigned base, uint64_t *ret)
{
	const char *s = *p;
	uint64_t n = 0;

	for (; s < end && digit(*s) < base; s++)
		if (mul_overflow(n, (uint64_t)base, &n) || add_overflow(n, (uint64_t)digit(*s), &n))
			return false;
	if (s == *p)
		return false;
	*p = s;
	*ret = n;
	return true;
}

bool number_bytes(struct bytes b, unsigned base, uint64_t *ret)
{
	const char *s = (const char *)b.data;
	uint64_t n;

	/* an absent value has no address to count from */
	if (!b.len || !number_take(&s, s + b.len, base, &n) || s != (const char *)b.data + b.len)
		return false;
	*ret = n;
	return true;
}

bool number_whole(const char *s, unsigned base, uint64_t max, uint64_t *ret)
{
	const char *end = s + strlen(s);
	uint64_t n;

	if (base == 16 && s[0] == '0' && s[1] == 'x')
		s += 2;
	if (!number_take(&s, end, base, &n) || s != end || n > max)
		return false;
	*ret = n;
	return true;
}
