// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "common/facts.h"

#define MAX_LIST (1u << 16) /* memory map entries, notes and gaps each */
#define MAX_BLOB (64u << 20) /* bytes of one blob */

/* Where the reader is: a file that is taken line by line. */
struct reader {
	const char *p, *end; /* what is left */
	const char *name;
	unsigned line;
	struct diag *d;
};

/* A value being taken apart, NUL-terminated, inside a line copy. */
struct value {
	char *p;
};

static enum xk_status bad(const struct reader *rd, const char *key, const char *what)
{
	return diag_fail(rd->d, XK_BAD_INPUT, "%s:%u: %s: %s", rd->name, rd->line, key, what);
}

static enum xk_status no_memory(const struct reader *rd)
{
	return diag_fail(rd->d, XK_NOMEM, "%s:%u: no memory", rd->name, rd->line);
}

/* The next line without its newline; false at the end. */
static bool next_line(struct reader *rd, const char **line, size_t *len)
{
	const char *nl;

	if (rd->p == rd->end)
		return false;
	nl = memchr(rd->p, '\n', (size_t)(rd->end - rd->p));
	*line = rd->p;
	*len = (size_t)((nl ? nl : rd->end) - rd->p);
	rd->p = nl ? nl + 1 : rd->end;
	rd->line++;
	return true;
}

static bool take_number(struct value *v, uint64_t max, uint64_t *ret)
{
	unsigned base = 10;
	uint64_t n = 0;
	char *start;

	if (v->p[0] == '0' && v->p[1] == 'x') {
		base = 16;
		v->p += 2;
	}
	for (start = v->p;; v->p++) {
		unsigned digit;

		if (*v->p >= '0' && *v->p <= '9')
			digit = (unsigned)(*v->p - '0');
		else if (base == 16 && *v->p >= 'a' && *v->p <= 'f')
			digit = (unsigned)(*v->p - 'a' + 10);
		else
			break;
		if (mul_overflow(n, (uint64_t)base, &n) || add_overflow(n, (uint64_t)digit, &n))
			return false;
	}
	if (v->p == start || n > max)
		return false;
	*ret = n;
	return true;
}

static bool take_char(struct value *v, char c)
{
	if (*v->p != c)
		return false;
	v->p++;
	return true;
}

static bool take_range(struct value *v, struct range *ret)
{
	struct range r;

	if (!take_number(v, UINT64_MAX, &r.start) || !take_char(v, '-') ||
		!take_number(v, UINT64_MAX, &r.end) || r.end < r.start)
		return false;
	*ret = r;
	return true;
}

static bool take_word(struct value *v, const char *const *names, uint32_t *ret)
{
	size_t len = strcspn(v->p, " ");

	for (uint32_t i = 0; names[i]; i++) {
		if (strlen(names[i]) == len && !memcmp(names[i], v->p, len) && names[i][0] != '?') {
			v->p += len;
			*ret = i;
			return true;
		}
	}
	return false;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Unescapes in place and returns the start, or NULL when it is not a whole quoted string. */
static char *take_string(struct value *v)
{
	char *start = v->p + 1, *out = start;

	if (!take_char(v, '"'))
		return NULL;
	while (*v->p && *v->p != '"') {
		int hi, lo;

		if (!take_char(v, '\\')) {
			*out++ = *v->p++;
			continue;
		}
		if (*v->p == '"' || *v->p == '\\') {
			*out++ = *v->p++;
			continue;
		}
		if (!take_char(v, 'x'))
			return NULL;
		hi = hex_digit(v->p[0]);
		lo = hi < 0 ? -1 : hex_digit(v->p[1]);
		if (lo < 0 || (hi | lo) == 0)
			return NULL; /* a NUL cannot be part of a string */
		*out++ = (char)(hi << 4 | lo);
		v->p += 2;
	}
	if (!take_char(v, '"'))
		return NULL;
	*out = '\0';
	return start;
}

/* Lines of hex, each after a tab, until `want` bytes are there. */
static enum xk_status read_blob(struct reader *rd, const char *key, uint64_t want, struct buf *ret)
{
	const char *line;
	size_t len;

	while (ret->len < want) {
		if (!next_line(rd, &line, &len))
			return bad(rd, key, "the file ends inside this value");
		if (len < 3 || line[0] != '\t' || len % 2 == 0)
			return bad(rd, key, "expected a tab and pairs of hex digits");
		for (size_t i = 1; i < len; i += 2) {
			int hi = hex_digit(line[i]), lo = hex_digit(line[i + 1]);
			uint8_t byte;

			if (hi < 0 || lo < 0)
				return bad(rd, key, "expected hex digits");
			byte = (uint8_t)(hi << 4 | lo);
			buf_append(ret, &byte, 1);
		}
		if (ret->failed)
			return no_memory(rd);
	}
	if (ret->len != want)
		return bad(rd, key, "more bytes than the count says");
	return XK_OK;
}

static enum xk_status read_field(
	struct reader *rd, const struct fact_field *f, struct value v, struct host *h)
{
	void *p = (char *)h + f->off;
	uint64_t n;
	uint32_t word;
	char *s;

	switch (f->kind) {
	case FACT_U32:
		if (!take_number(&v, UINT32_MAX, &n) || *v.p)
			return bad(rd, f->key, "expected a number below 2^32");
		*(uint32_t *)p = (uint32_t)n;
		break;
	case FACT_ADDR:
		if (!take_number(&v, UINT64_MAX, (uint64_t *)p) || *v.p)
			return bad(rd, f->key, "expected an address, 0x...");
		break;
	case FACT_BOOL:
		if (strcmp(v.p, "yes") && strcmp(v.p, "no"))
			return bad(rd, f->key, "expected yes or no");
		*(bool *)p = v.p[0] == 'y';
		break;
	case FACT_ENUM:
		if (!take_word(&v, f->names, &word) || *v.p)
			return bad(rd, f->key, "unknown word");
		*(int *)p = (int)word;
		break;
	case FACT_STR:
		s = take_string(&v);
		if (!s || *v.p)
			return bad(rd, f->key, "expected a quoted string");
		*(char **)p = strdup(s);
		if (!*(char **)p)
			return no_memory(rd);
		break;
	case FACT_RANGE:
		if (!take_range(&v, p) || *v.p)
			return bad(rd, f->key, "expected 0xSTART-0xEND, START not above END");
		break;
	case FACT_BLOB:
		if (!take_number(&v, MAX_BLOB, &n) || *v.p)
			return bad(rd, f->key, "expected a byte count of at most 64 MiB");
		return read_blob(rd, f->key, n, p);
	}
	return XK_OK;
}

static enum xk_status read_mem(
	struct reader *rd, const char *key, struct value v, struct range_list *l)
{
	struct range r;
	uint64_t type;
	uint32_t word;

	if (!take_range(&v, &r) || !take_char(&v, ' '))
		return bad(rd, key, "expected 0xSTART-0xEND TYPE");
	if (take_word(&v, fact_mem_types, &word))
		type = word;
	else if (!take_number(&v, UINT32_MAX, &type))
		return bad(rd, key, "unknown memory type");
	if (*v.p)
		return bad(rd, key, "text after the memory type");
	if (l->nr >= MAX_LIST)
		return bad(rd, key, "too many entries");
	return range_list_add(l, r, (uint32_t)type) ? XK_OK : no_memory(rd);
}

static enum xk_status read_cpu_note(struct reader *rd, struct value v, struct host *h)
{
	uint32_t state;
	struct range r;
	uint64_t cpu;

	if (!take_number(&v, UINT32_MAX, &cpu) || !take_char(&v, ' ') ||
		!take_word(&v, fact_note_states, &state) || !take_char(&v, ' ') ||
		!take_range(&v, &r) || *v.p)
		return bad(rd, "cpu-note", "expected CPU STATE 0xSTART-0xEND");
	if (h->nr_cpu_notes >= MAX_LIST)
		return bad(rd, "cpu-note", "too many entries");
	return host_add_cpu_note(h, (uint32_t)cpu, (enum cpu_note_state)state, r) ? XK_OK
										  : no_memory(rd);
}

static enum xk_status read_gap(struct reader *rd, struct value v, struct host *h)
{
	char *fact = take_string(&v);
	char *reason = fact && take_char(&v, ' ') ? take_string(&v) : NULL;

	if (!reason || *v.p)
		return bad(rd, "missing", "expected \"FACT\" \"REASON\"");
	if (host_gap_reason(h, fact))
		return bad(rd, "missing", "a second reason for one fact");
	if (h->nr_gaps >= 1024)
		return bad(rd, "missing", "too many entries");
	return host_gap(h, fact, "%s", reason) ? XK_OK : no_memory(rd);
}

static enum xk_status read_line(struct reader *rd, char *line, bool *seen, struct host *h)
{
	char *eq = strstr(line, " = ");
	struct value v;

	if (!eq)
		return bad(rd, "line", "expected KEY = VALUE");
	*eq = '\0';
	v.p = eq + 3;
	if (!strcmp(line, "memory"))
		return read_mem(rd, line, v, &h->memory);
	if (!strcmp(line, "crash-region"))
		return read_mem(rd, line, v, &h->crash);
	if (!strcmp(line, "cpu-note"))
		return read_cpu_note(rd, v, h);
	if (!strcmp(line, "missing"))
		return read_gap(rd, v, h);
	for (size_t i = 0; i < fact_nr_fields; i++) {
		if (strcmp(line, fact_fields[i].key))
			continue;
		if (seen[i])
			return bad(rd, line, "given twice");
		seen[i] = true;
		return read_field(rd, &fact_fields[i], v, h);
	}
	return diag_fail(
		rd->d, XK_BAD_INPUT, "%s:%u: unknown key \"%.40s\"", rd->name, rd->line, line);
}

static enum xk_status read_all(struct reader *rd, struct host *h)
{
	bool *seen _cleanup_(freep) = calloc(fact_nr_fields, sizeof(*seen));
	const char *line;
	size_t len;

	if (!seen)
		return no_memory(rd);
	if (!next_line(rd, &line, &len) || len != strlen(FACTS_HEADER) ||
		memcmp(line, FACTS_HEADER, len))
		return bad(rd, "header", "the first line must be \"" FACTS_HEADER "\"");
	while (next_line(rd, &line, &len)) {
		char *copy _cleanup_(freep) = NULL;
		enum xk_status st;

		if (!len || line[0] == '#')
			continue;
		for (size_t i = 0; i < len; i++)
			if ((unsigned char)line[i] < 0x20 || (unsigned char)line[i] >= 0x7f)
				return bad(rd, "line", "a control or non-ASCII character");
		copy = strndup(line, len);
		if (!copy)
			return no_memory(rd);
		st = read_line(rd, copy, seen, h);
		if (st)
			return st;
	}
	return XK_OK;
}

enum xk_status facts_read(struct bytes text, const char *name, struct host *ret, struct diag *d)
{
	const char *p = text.len ? (const char *)text.data : "";
	struct reader rd = {p, p + text.len, name, 0, d};
	enum xk_status st;
	struct host h;

	host_init(&h);
	st = read_all(&rd, &h);
	if (st) {
		host_deinit(&h);
		return st;
	}
	*ret = h;
	return XK_OK;
}
