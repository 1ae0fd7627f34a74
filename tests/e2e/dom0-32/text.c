// SPDX-License-Identifier: GPL-2.0-only
#include "hypercall.h"
#include "text.h"

static const char digits[] = "0123456789abcdef";

static void add_char(struct text *t, char c)
{
	if (t->len == sizeof(t->data))
		t->full = true;
	else
		t->data[t->len++] = c;
}

void text_add(struct text *t, const char *s)
{
	while (*s)
		add_char(t, *s++);
}

void text_dec(struct text *t, uint32_t v)
{
	char rev[10];
	int n = 0;

	do
		rev[n++] = digits[v % 10];
	while (v /= 10);
	while (n)
		add_char(t, rev[--n]);
}

void text_hex(struct text *t, uint64_t v)
{
	int shift = 60;

	while (shift && !(v >> shift & 15))
		shift -= 4;
	text_add(t, "0x");
	for (; shift >= 0; shift -= 4)
		add_char(t, digits[v >> shift & 15]);
}

void text_hex_byte(struct text *t, uint8_t v)
{
	add_char(t, digits[v >> 4]);
	add_char(t, digits[v & 15]);
}

void text_quoted(struct text *t, const char *s, uint32_t max)
{
	add_char(t, '"');
	for (uint32_t i = 0; i < max && s[i]; i++) {
		uint8_t c = (uint8_t)s[i];

		if (c == '"' || c == '\\') {
			add_char(t, '\\');
			add_char(t, (char)c);
		} else if (c < 0x20 || c >= 0x7f) {
			text_add(t, "\\x");
			text_hex_byte(t, c);
		} else {
			add_char(t, (char)c);
		}
	}
	add_char(t, '"');
}

/* As zlib's, which is what the harness has. */
uint32_t text_crc32(const struct text *t)
{
	uint32_t crc = ~0U;

	for (uint32_t i = 0; i < t->len; i++) {
		crc ^= (uint8_t)t->data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
	}
	return ~crc;
}

static void console(const char *s, uint32_t len)
{
	hypercall(HYPERCALL_CONSOLE_IO, CONSOLEIO_WRITE, len, virt(s), 0);
}

void text_print(const struct text *t)
{
	uint32_t start = 0;

	for (uint32_t i = 0; i < t->len; i++)
		if (t->data[i] == '\n' || i + 1 == t->len) {
			console(t->data + start, i + 1 - start);
			start = i + 1;
		}
}

static struct text line;

void say(const char *words)
{
	line.len = 0;
	text_add(&line, "@@");
	text_add(&line, words);
	text_add(&line, "@@\n");
	console(line.data, line.len);
}

void say_value(const char *words, int32_t value)
{
	line.len = 0;
	text_add(&line, "@@");
	text_add(&line, words);
	text_add(&line, value < 0 ? " -" : " ");
	text_dec(&line, value < 0 ? 0U - (uint32_t)value : (uint32_t)value);
	text_add(&line, "@@\n");
	console(line.data, line.len);
}

/* The compiler may ask for these by itself. */
void *memset(void *to, int c, size_t n);
void *memset(void *to, int c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile uint8_t *)to)[i] = (uint8_t)c;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
	return to;
}
