// SPDX-License-Identifier: GPL-2.0-only
/* Text from outside (facts, file names, dumps) on its way to a terminal, a log, a JSON reader. */
#include <string.h>

#include "cli/cli.h"

static void print_byte(FILE *f, unsigned char c)
{
	if ((c < 0x20 && c != '\t') || c >= 0x7f)
		fprintf(f, "\\x%02x", c);
	else
		fputc(c, f);
}

void print_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			putchar('\n');
		else
			print_byte(stdout, (unsigned char)text[i]);
	}
}

void print_line(FILE *f, const char *before, const char *text)
{
	fputs(before, f);
	for (; *text; text++)
		print_byte(f, (unsigned char)*text);
	fputc('\n', f);
}

/* The code point that starts at s, and its length in bytes; the length is 0 when it is no UTF-8. */
static uint32_t utf8_next(const unsigned char *s, size_t *len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = *s < 0xc0 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf8 ? 4 : 0;
	uint32_t c = n ? *s & (0x7fu >> n) : 0;

	*len = 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80) /* also at the NUL */
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (!n || c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*len = n;
	return c;
}

void print_json(const char *json)
{
	const unsigned char *s = (const unsigned char *)json;

	while (*s) {
		uint32_t c = *s;
		size_t len = 1;

		if (c >= 0x80)
			c = utf8_next(s, &len);
		if (!len) {
			printf("\\ufffd"); /* the replacement character */
			len = 1;
		} else if (c >= 0x10000) {
			c -= 0x10000;
			printf("\\u%04x\\u%04x", 0xd800 + (c >> 10), 0xdc00 + (c & 0x3ff));
		} else if (c >= 0x7f) {
			printf("\\u%04x", c);
		} else {
			putchar((int)c);
		}
		s += len;
	}
}
