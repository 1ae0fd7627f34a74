// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of Linux before 5.10. Source: Linux kernel/printk.c, kernel/printk/printk.c, with what
 * log_buf_kexec_setup() tells in VMCOREINFO.
 *
 * 3.5 to 5.9: struct printk_log (struct log before 3.11), each followed by its text and then by pairs
 * of names and values; one whose length is 0 says that the next is at the buffer's beginning.
 * Before: characters, `log_end` counting all that were ever put there and `logged_chars` those since
 * the log was last cleared, each line with "<6>" before it and perhaps a time.
 */
#include <inttypes.h>

#include "vmcore/linux_log_ring.h"

#define BUF_MIN	   64u
#define BUF_MAX	   (1u << 31) /* LOG_BUF_LEN_MAX */
#define ALIGN_MIN  4u
#define HEADER_MAX 256u
#define TRIES_MAX  (LINUX_LOG_MAX / ALIGN_MIN)

struct records {
	struct log_walk *w;
	vaddr_t buf;
	uint32_t size, first, next;
	uint64_t header, ts_nsec, len, text_len, dict_len; /* the structure's size, its fields */
	uint32_t tries; /* places that were looked at for a record after a broken one */
};

struct header {
	uint64_t time;
	uint16_t len, text_len, dict_len;
	uint8_t facility, level;
};

static enum xk_status read_size(struct log_walk *w, uint32_t *ret, struct diag *d)
{
	enum xk_status st = log_variable(w, "log_buf_len", ret, sizeof(*ret), d);

	if (!st && (*ret < BUF_MIN || *ret > BUF_MAX))
		return diag_fail(d, XK_BAD_INPUT,
			"the kernel's log would have %" PRIu32
			" bytes (log_buf_len); from %u to %u can be",
			*ret, BUF_MIN, BUF_MAX);
	return st;
}

static bool find_fields(struct records *k, const char *type)
{
	static const char *const names[] = {"ts_nsec", "len", "text_len", "dict_len"};
	uint64_t *const to[] = {&k->ts_nsec, &k->len, &k->text_len, &k->dict_len};
	static const unsigned sizes[] = {8, 2, 2, 4}; /* dict_len with facility, flags and level */
	const struct bytes info = k->w->n->vmcoreinfo;
	char name[64];

	if (!vmcoreinfo_size(info, type, &k->header) || k->header > HEADER_MAX)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		strcpy(name, type);
		strcat(name, ".");
		strcat(name, names[i]);
		if (!vmcoreinfo_offset(info, name, to[i]) || *to[i] + sizes[i] > k->header)
			return false;
	}
	return true;
}

static enum xk_status find_records(struct records *k, struct diag *d)
{
	struct log_walk *w = k->w;
	enum xk_status st;

	if (!find_fields(k, "printk_log") && !find_fields(k, "log"))
		return diag_fail(d, XK_BAD_INPUT,
			"VMCOREINFO does not say how the kernel's log is laid out: SIZE(printk_log) and OFFSET(printk_log.ts_nsec), .len, .text_len and .dict_len, or the same of `log`, are missing or make no sense");
	st = log_pointer(w, "log_buf", &k->buf, d);
	if (!st)
		st = read_size(w, &k->size, d);
	if (!st)
		st = log_variable(w, "log_first_idx", &k->first, sizeof(k->first), d);
	if (!st)
		st = log_variable(w, "log_next_idx", &k->next, sizeof(k->next), d);
	if (st)
		return st;
	if (k->first >= k->size || k->next > k->size)
		return diag_fail(d, XK_BAD_INPUT,
			"the kernel's log would go from %" PRIu32 " to %" PRIu32
			" (log_first_idx, log_next_idx), and has %" PRIu32 " bytes",
			k->first, k->next, k->size);
	if (k->next == k->size)
		k->next = 0;
	return st;
}

enum found { RECORD, WRAP, BROKEN, UNREADABLE };

/* What stands at `at`; a record lies within the buffer, its text and pairs within it. */
static enum found look(const struct records *k, uint32_t at, struct header *ret)
{
	uint8_t raw[HEADER_MAX], kind[2];
	const struct bytes b = {raw, (size_t)k->header};
	struct header h;

	if (k->size - at < k->header)
		return BROKEN;
	if (!linux_read(k->w->l, k->w->r, k->buf + at, raw, b.len))
		return UNREADABLE;
	if (!bytes_read(b, k->ts_nsec, &h.time, 8) || !bytes_read(b, k->len, &h.len, 2) ||
		!bytes_read(b, k->text_len, &h.text_len, 2) ||
		!bytes_read(b, k->dict_len, &h.dict_len, 2) ||
		!bytes_read(b, k->dict_len + 2, kind, 2))
		return BROKEN;
	h.facility = kind[0];
	h.level = kind[1] >> 5;
	*ret = h;
	if (!h.len)
		return WRAP;
	return h.len < k->header || h.len % ALIGN_MIN || h.len > k->size - at ? BROKEN : RECORD;
}

/* That a record at `at` is none by accident: its parts fill it, and something follows. */
static bool plausible(const struct records *k, uint32_t at)
{
	struct header h, next;
	uint32_t end;
	enum found f;

	if (look(k, at, &h) != RECORD)
		return false;
	end = (uint32_t)k->header + h.text_len + h.dict_len;
	if (end > h.len || h.len - end >= 8)
		return false;
	at += h.len;
	if (at == k->next)
		return true;
	f = look(k, at, &next);
	return f == RECORD || f == WRAP;
}

/* After a broken one: the next place where one can be, or `next`. */
static uint32_t resume(struct records *k, uint32_t at, uint32_t end)
{
	for (at += ALIGN_MIN; at < end && k->tries < TRIES_MAX; at += ALIGN_MIN, k->tries++)
		if (plausible(k, at))
			return at;
	return end;
}

static bool give_record(const struct records *k, uint32_t at, const struct header *h)
{
	struct log_walk *w = k->w;
	const uint32_t room = h->len - (uint32_t)k->header;
	struct linux_log_record rec = {
		.time = h->time,
		.have_time = true,
		.facility = h->facility,
		.level = h->level,
		.have_level = true,
		.cut = h->text_len > room,
		.text = {w->text, (size_t)min_u64(h->text_len, room)},
	};

	if (!linux_read(w->l, w->r, k->buf + at + k->header, w->text, rec.text.len)) {
		log_lost(w, 1, "the text cannot be read from the core");
		return true;
	}
	return log_give(w, &rec);
}

/* The records from `at` to `end`, of which only those from `skip` on are given. False: enough. */
static bool walk_part(struct records *k, uint32_t at, uint32_t end, uint32_t skip)
{
	struct header h;

	while (at < end) {
		enum found f = look(k, at, &h);

		if (f == WRAP && end == k->size)
			return true;
		if (f == RECORD && h.len <= end - at) {
			if (at < skip)
				log_lost(k->w, 1, "only the last 16 MiB are read");
			else if (!give_record(k, at, &h))
				return false;
			at += h.len;
			continue;
		}
		log_lost(k->w, 0,
			f == UNREADABLE ? "not to be read from the core"
					: "a record's length makes no sense");
		at = resume(k, at, end);
	}
	return true;
}

enum xk_status log_walk_records(struct log_walk *w, struct diag *d)
{
	struct records k = {.w = w};
	enum xk_status st = find_records(&k, d);
	uint32_t skip = 0;

	if (st)
		return st;
	if (k.first < k.next) {
		if (k.next - k.first > LINUX_LOG_MAX)
			skip = k.next - LINUX_LOG_MAX;
		walk_part(&k, k.first, k.next, skip);
		return XK_OK;
	}
	if (k.first == k.next)
		return XK_OK; /* nothing in it: a full ring has room left for a mark of its end */
	if (k.size - k.first + k.next > LINUX_LOG_MAX)
		skip = k.next > LINUX_LOG_MAX ? k.size : k.size - (LINUX_LOG_MAX - k.next);
	if (!walk_part(&k, k.first, k.size, skip))
		return XK_OK;
	walk_part(&k, 0, k.next, k.next > LINUX_LOG_MAX ? k.next - LINUX_LOG_MAX : 0);
	return XK_OK;
}

/* A line: without the newline, and without the level, which is told apart. */
static bool give_line(struct log_walk *w, size_t len)
{
	struct linux_log_record rec = {.text = {w->text, len}};
	const uint8_t *t = w->text;

	if (len >= 3 && t[0] == '<' && t[1] >= '0' && t[1] <= '7' && t[2] == '>') {
		rec.have_level = true;
		rec.level = (uint8_t)(t[1] - '0');
		rec.text = (struct bytes){t + 3, len - 3};
	}
	return log_give(w, &rec);
}

/* Adds to the line that w->text begins with; false: enough. */
static bool add_chars(struct log_walk *w, struct bytes b, size_t *len)
{
	for (size_t i = 0; i < b.len; i++) {
		if (b.data[i] != '\n' && *len < LINUX_LOG_TEXT) {
			w->text[(*len)++] = b.data[i];
			continue;
		}
		if (!give_line(w, *len))
			return false;
		*len = 0;
		if (b.data[i] != '\n')
			w->text[(*len)++] = b.data[i];
	}
	return true;
}

static void walk_chars(struct log_walk *w, vaddr_t buf, uint32_t size, uint32_t from, uint32_t nr)
{
	uint8_t page[CORE_PAGE];
	size_t len = 0;

	while (nr) {
		const uint32_t off = from & (size - 1);
		const vaddr_t at = buf + off;
		uint32_t n = (uint32_t)min_u64(nr, size - off);

		n = (uint32_t)min_u64(n, CORE_PAGE - at % CORE_PAGE);
		from += n;
		nr -= n;
		if (!linux_read(w->l, w->r, at, page, n)) {
			if (len && !give_line(w, len))
				return;
			len = 0;
			log_lost(w, 0, "a page of the log cannot be read from the core");
		} else if (!add_chars(w, (struct bytes){page, n}, &len)) {
			return;
		}
	}
	if (len)
		give_line(w, len);
}

enum xk_status log_walk_chars(struct log_walk *w, struct diag *d)
{
	uint32_t size, end, logged;
	vaddr_t buf;
	enum xk_status st = log_pointer(w, "log_buf", &buf, d);

	if (!st)
		st = read_size(w, &size, d);
	if (!st)
		st = log_variable(w, "log_end", &end, sizeof(end), d);
	if (!st)
		st = log_variable(w, "logged_chars", &logged, sizeof(logged), d);
	if (st)
		return st;
	if (size & (size - 1))
		return diag_fail(d, XK_BAD_INPUT,
			"the kernel's log would have %" PRIu32
			" bytes (log_buf_len), which is no power of two",
			size);
	logged = (uint32_t)min_u64(logged, size);
	if (logged > LINUX_LOG_MAX) {
		log_lost(w, 0, "only the last 16 MiB are read");
		logged = LINUX_LOG_MAX;
	}
	walk_chars(w, buf, size, end - logged, logged);
	return XK_OK;
}
