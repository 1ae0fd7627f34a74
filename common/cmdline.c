// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>

#include "common/cmdline.h"
#include "common/words.h"

static bool is_dashes(struct word w)
{
	return word_is(word_unquote(w), "--");
}

static bool never_reused(struct word w)
{
	static const char *const names[] = {"crashkernel", "BOOT_IMAGE", "elfcorehdr"};
	struct word v;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (word_value(w, names[i], &v))
			return true;
	return false;
}

/* The dump kernel runs on the bare machine. */
static bool for_pv_guest(struct word w)
{
	struct word v;

	if (word_starts(word_unquote(w), "xen"))
		return true;
	if (word_value(w, "console", &v))
		return word_starts(v, "hvc") || word_starts(v, "xen");
	if (word_value(w, "earlyprintk", &v) || word_value(w, "earlycon", &v))
		return word_starts(v, "xen");
	return false;
}

static void append_word(struct buf *b, struct word w)
{
	if (b->len && !isspace(b->data[b->len - 1]))
		buf_append(b, " ", 1);
	buf_append(b, w.s, w.len);
}

void cmdline_reuse(const char *running, bool pv, struct buf *ret)
{
	bool init = false;
	struct word w;

	while (word_next(&running, true, &w)) {
		init = init || is_dashes(w);
		if (init || !(never_reused(w) || (pv && for_pv_guest(w))))
			append_word(ret, w);
	}
}

/* Where the word "--" starts in s, or s's end. */
static size_t find_dashes(const char *s)
{
	const char *p = s;
	struct word w;

	while (word_next(&p, true, &w))
		if (is_dashes(w))
			return (size_t)(w.s - s);
	return strlen(s);
}

/* Left open, a quote would swallow what is appended, and with it where the core lies. */
static bool quote_is_open(const char *s, size_t len)
{
	bool open = false;

	for (size_t i = 0; i < len; i++)
		open ^= s[i] == '"';
	return open;
}

void cmdline_append(struct buf *b, const char *words)
{
	const char *p = words, *init = words + find_dashes(words);
	struct buf old, all = {0};
	struct word w;
	char *text;
	size_t cut;

	buf_append(b, "", 1); /* a NUL for the search */
	if (b->failed)
		return;
	b->len--;
	old = *b;
	text = (char *)old.data;
	cut = find_dashes(text);
	buf_append(&all, text, cut);
	if (quote_is_open(text, cut))
		buf_append(&all, "\"", 1);
	while (p < init && word_next(&p, true, &w) && w.s < init)
		append_word(&all, w);
	if (cut < old.len)
		append_word(&all, (struct word){text + cut, old.len - cut});
	p = init;
	if (word_next(&p, true, &w) && cut == old.len)
		append_word(&all, w); /* the first "--" of the line */
	while (word_next(&p, true, &w))
		append_word(&all, w);
	free(old.data);
	*b = all;
}
