// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>

#include "vmcore/linux_log_ring.h"
#include "vmcore/log_text.h"

#define NSEC_PER_SEC UINT64_C(1000000000)

void log_flush(struct log_walk *w)
{
	if (w->why)
		w->to->lost(w->to->ctx, w->lost, w->why);
	w->why = NULL;
	w->lost = 0;
}

void log_lost(struct log_walk *w, uint64_t nr, const char *why)
{
	if (w->why && (strcmp(w->why, why) || !w->lost != !nr))
		log_flush(w);
	w->why = why;
	w->lost += nr;
}

bool log_give(struct log_walk *w, const struct linux_log_record *rec)
{
	log_flush(w);
	w->given += rec->text.len;
	return w->to->record(w->to->ctx, rec);
}

enum xk_status log_variable(
	const struct log_walk *w, const char *name, void *ret, size_t len, struct diag *d)
{
	vaddr_t at;

	if (!vmcoreinfo_symbol(w->n->vmcoreinfo, name, &at))
		return diag_fail(d, XK_BAD_INPUT,
			"VMCOREINFO does not say where the kernel's log is (SYMBOL(%s))", name);
	if (!linux_read(w->l, w->r, at, ret, len))
		return diag_fail(d, XK_BAD_INPUT,
			"the kernel's %s at %#" PRIx64
			", which leads to its log, cannot be read from the core",
			name, at);
	return XK_OK;
}

enum xk_status log_pointer(const struct log_walk *w, const char *name, vaddr_t *ret, struct diag *d)
{
	uint8_t raw[8] = {0};
	enum xk_status st = log_variable(w, name, raw, w->l->bits / 8, d);

	if (!st)
		memcpy(ret, raw, sizeof(raw));
	return st;
}

enum xk_status linux_log_each(const struct core_notes *n, const struct linux_xlat *l,
	struct core_reader *r, const struct linux_log_sink *to, struct diag *d)
{
	struct log_walk w = {.n = n, .l = l, .r = r, .to = to, .text = malloc(LINUX_LOG_TEXT)};
	enum xk_status st;
	vaddr_t at;

	if (!w.text)
		return diag_fail(d, XK_NOMEM, "no memory for a record of the kernel's log");
	if (vmcoreinfo_symbol(n->vmcoreinfo, "prb", &at))
		st = log_walk_prb(&w, d);
	else if (vmcoreinfo_symbol(n->vmcoreinfo, "log_next_idx", &at))
		st = log_walk_records(&w, d);
	else if (vmcoreinfo_symbol(n->vmcoreinfo, "log_end", &at))
		st = log_walk_chars(&w, d);
	else
		st = diag_fail(d, XK_BAD_INPUT,
			"VMCOREINFO does not say where the kernel's log is: it has no SYMBOL(prb), SYMBOL(log_next_idx) or SYMBOL(log_end), as of a kernel without CONFIG_PRINTK");
	if (!st)
		log_flush(&w);
	free(w.text);
	return st;
}

void linux_log_format(const struct linux_log_record *rec, struct buf *to)
{
	struct bytes t = rec->text;
	char time[32] = "";
	bool more;

	if (rec->have_time)
		snprintf(time, sizeof(time), "[%5" PRIu64 ".%06" PRIu64 "] ",
			rec->time / NSEC_PER_SEC, rec->time % NSEC_PER_SEC / 1000);
	do {
		const uint8_t *nl = t.len ? memchr(t.data, '\n', t.len) : NULL;
		size_t len = nl ? (size_t)(nl - t.data) : t.len;

		buf_append(to, time, strlen(time));
		log_escape(to, (struct bytes){t.data, len});
		buf_append(to, "\n", 1);
		more = nl != NULL;
		if (more)
			t = bytes_sub(t, len + 1, t.len - len - 1);
	} while (more);
}
