// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/factfile.h"
#include "common/io.h"
#include "common/purg.h"
#include "common/record.h"

#define MAX_STATE 8192

static const char *const states[] = {
	[RECORD_NONE] = "none",
	[RECORD_BUSY] = "busy",
	[RECORD_ARMED] = "armed",
	[RECORD_DAMAGED] = "damaged",
};

static bool parse_addr(const char *s, char **end, uint64_t *ret)
{
	errno = 0;
	if (strncmp(s, "0x", 2))
		return false;
	*ret = strtoull(s, end, 16);
	return !errno && *end > s + 2;
}

static bool set_state(struct record *r, const char *v)
{
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (!strcmp(v, states[i])) {
			r->state = (enum record_state)i;
			return true;
		}
	return false;
}

static bool set_text(struct record *r, const char *key, const char *v)
{
	const struct {
		const char *key;
		char *to;
		size_t size;
	} texts[] = {
		{"tool", r->tool, sizeof(r->tool)},
		{"kernel", r->kernel, sizeof(r->kernel)},
		{"loaded-by", r->call, sizeof(r->call)},
		{"since", r->since, sizeof(r->since)},
		{"digest", r->digest, sizeof(r->digest)},
		{"xen-build-id", r->xen_build_id, sizeof(r->xen_build_id)},
		{"boot-id", r->boot_id, sizeof(r->boot_id)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (strcmp(key, texts[i].key))
			continue;
		if (strlen(v) >= texts[i].size)
			return false;
		strcpy(texts[i].to, v);
		return true;
	}
	return true; /* written by a newer tool */
}

static bool set_key(struct record *r, const char *key, const char *v)
{
	char *end;

	if (!strcmp(key, "state"))
		return set_state(r, v);
	if (!strcmp(key, "entry"))
		return parse_addr(v, &end, &r->entry) && !*end;
	if (!strcmp(key, "region"))
		return parse_addr(v, &end, &r->region.start) && *end == '-' &&
		       parse_addr(end + 1, &end, &r->region.end) && !*end;
	return set_text(r, key, v);
}

enum xk_status record_parse(struct bytes text, struct record *ret, struct diag *d)
{
	struct record r = {0};
	unsigned line = 0;
	size_t off = 0;

	while (off < text.len) {
		const uint8_t *nl = memchr(text.data + off, '\n', text.len - off);
		size_t len = nl ? (size_t)(nl - text.data) - off : text.len - off;
		char b[512], *eq;

		line++;
		if (len >= sizeof(b) || memchr(text.data + off, '\0', len))
			return diag_fail(d, XK_BAD_INPUT, "line %u is no text of this file", line);
		memcpy(b, text.data + off, len);
		b[len] = '\0';
		off += len + 1;
		if (!b[0] || b[0] == '#')
			continue;
		eq = strstr(b, " = ");
		if (!eq)
			return diag_fail(d, XK_BAD_INPUT, "line %u is not \"key = value\"", line);
		*eq = '\0';
		if (!set_key(&r, b, eq + 3))
			return diag_fail(d, XK_BAD_INPUT, "line %u: bad value of %.32s", line, b);
	}
	if (r.state == RECORD_NONE)
		return diag_fail(d, XK_BAD_INPUT, "it has no state");
	*ret = r;
	return XK_OK;
}

/* A kernel's file name may hold a line end; this file's lines may not. */
static void print_text(struct buf *b, const char *key, const char *v)
{
	buf_printf(b, "%s = ", key);
	for (; *v; v++)
		buf_append(b, (unsigned char)*v < ' ' ? "?" : v, 1);
	buf_append(b, "\n", 1);
}

void record_print(const struct record *r, struct buf *ret)
{
	buf_printf(ret, "# What xenkdump loaded; read by `xenkdump status`. Do not edit.\n");
	print_text(ret, "state", states[r->state]);
	print_text(ret, "tool", r->tool);
	print_text(ret, "kernel", r->kernel);
	if (r->call[0])
		print_text(ret, "loaded-by", r->call);
	print_text(ret, "since", r->since);
	buf_printf(ret, "region = 0x%" PRIx64 "-0x%" PRIx64 "\n", r->region.start, r->region.end);
	buf_printf(ret, "entry = 0x%" PRIx64 "\n", r->entry);
	print_text(ret, "digest", r->digest);
	print_text(ret, "xen-build-id", r->xen_build_id);
	print_text(ret, "boot-id", r->boot_id);
}

enum xk_status record_read(const char *path, const char *boot_id, const char *build_id,
	struct record *ret, struct diag *d)
{
	struct record r = {0};
	struct buf text = {0};
	enum xk_status st;

	memset(ret, 0, sizeof(*ret));
	if (file_absent(path))
		return XK_OK;
	st = file_read(path, MAX_STATE, &text, d);
	if (!st) {
		st = record_parse(buf_bytes(&text), &r, d);
		if (st)
			diag_prepend(d, "%s: ", path);
	}
	buf_deinit(&text);
	if (st)
		return st;
	/* Of a boot of another kernel or hypervisor: says nothing of this one. */
	if ((boot_id[0] && r.boot_id[0] && strcmp(boot_id, r.boot_id)) ||
		(build_id[0] && r.xen_build_id[0] && strcmp(build_id, r.xen_build_id))) {
		ret->stale = true;
		return XK_OK;
	}
	*ret = r;
	return XK_OK;
}

enum xk_status record_write(const char *path, const struct record *rec, struct diag *d)
{
	enum xk_status st = folder_make_above(path, d);
	struct buf text = {0};

	if (st)
		return st;
	record_print(rec, &text);
	if (text.failed)
		st = diag_fail(d, XK_NOMEM, "no memory for the record");
	else
		st = file_replace(path, buf_bytes(&text), 0644, d);
	buf_deinit(&text);
	return st;
}

enum xk_status record_clear(const char *path, struct diag *d)
{
	return file_remove(path, d);
}

enum xk_status record_lock(const char *path, int *fd, struct diag *d)
{
	_cleanup_(freep) char *name = factfile_path(path, ".lock");
	enum xk_status st = folder_make_above(path, d);

	if (st)
		return st;
	return name ? file_lock(name, fd, d) : diag_fail(d, XK_NOMEM, "no memory for a path");
}

void record_boot_id(const char *root, char ret[40])
{
	_cleanup_(freep) char *s = NULL;
	struct host none;

	host_init(&none);
	s = factfile_text(&none, NULL, root, "/proc/sys/kernel/random/boot_id");
	snprintf(ret, 40, "%s", s ? s : "");
	host_deinit(&none);
}

void record_make(const struct plan *p, const char *kernel_name, const char *root, time_t now,
	struct record *ret)
{
	struct tm tm;

	*ret = (struct record){
		.state = RECORD_BUSY,
		.region = p->region,
		.entry = p->entry,
	};
	if (gmtime_r(&now, &tm))
		strftime(ret->since, sizeof(ret->since), "%Y-%m-%dT%H:%M:%SZ", &tm);
	snprintf(ret->tool, sizeof(ret->tool), "%s", XENKDUMP_VERSION);
	snprintf(ret->kernel, sizeof(ret->kernel), "%s", kernel_name);
	record_boot_id(root, ret->boot_id);
	plan_digest(p, ret->digest);
}

void record_show(const struct record *rec, struct armed *ret)
{
	if (rec->state == RECORD_NONE)
		return;
	ret->region = rec->region;
	snprintf(ret->kernel, sizeof(ret->kernel), "%s", rec->kernel);
	snprintf(ret->since, sizeof(ret->since), "%s", rec->since);
	snprintf(ret->digest, sizeof(ret->digest), "%s", rec->digest);
}

void plan_digest(const struct plan *p, char ret[65])
{
	uint8_t sum[32] = {0};

	for_each_seg (s, p)
		if (s->kind == SEG_PURGATORY)
			sha256(s->buf, s->len, sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(ret + 2 * i, 3, "%02x", sum[i]);
}
