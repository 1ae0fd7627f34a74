// SPDX-License-Identifier: GPL-2.0-only
/* Text from outside (facts, file names, dumps) on its way to a terminal or into a log. */
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
