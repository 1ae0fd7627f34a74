// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/factfile.h"
#include "common/io.h"
#include "xen/state.h"

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

static bool set_state(struct xen_record *r, const char *v)
{
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (!strcmp(v, states[i])) {
			r->state = (enum record_state)i;
			return true;
		}
	return false;
}

static bool set_text(struct xen_record *r, const char *key, const char *v)
{
	const struct {
		const char *key;
		char *to;
		size_t size;
	} texts[] = {
		{"tool", r->tool, sizeof(r->tool)},
		{"kernel", r->kernel, sizeof(r->kernel)},
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

static bool set_key(struct xen_record *r, const char *key, const char *v)
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

enum xk_status xen_state_parse(struct bytes text, struct xen_record *ret, struct diag *d)
{
	struct xen_record r = {0};
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

void xen_state_print(const struct xen_record *r, struct buf *ret)
{
	buf_printf(ret, "# What xenkdump loaded; read by `xenkdump status`. Do not edit.\n");
	print_text(ret, "state", states[r->state]);
	print_text(ret, "tool", r->tool);
	print_text(ret, "kernel", r->kernel);
	print_text(ret, "since", r->since);
	buf_printf(ret, "region = 0x%" PRIx64 "-0x%" PRIx64 "\n", r->region.start, r->region.end);
	buf_printf(ret, "entry = 0x%" PRIx64 "\n", r->entry);
	print_text(ret, "digest", r->digest);
	print_text(ret, "xen-build-id", r->xen_build_id);
	print_text(ret, "boot-id", r->boot_id);
}

enum xk_status xen_state_read(const char *path, const char *boot_id, const char *build_id,
	struct xen_record *ret, struct diag *d)
{
	struct xen_record r = {0};
	struct buf text = {0};
	enum xk_status st;

	memset(ret, 0, sizeof(*ret));
	if (access(path, F_OK) && (errno == ENOENT || errno == ENOTDIR))
		return XK_OK;
	st = file_read(path, MAX_STATE, &text, d);
	if (!st) {
		st = xen_state_parse(buf_bytes(&text), &r, d);
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

/* The folder of path: one level, as /run/xenkdump. */
static enum xk_status make_folder(const char *path, struct diag *d)
{
	_cleanup_(freep) char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!dir)
		return diag_fail(d, XK_NOMEM, "no memory for a path");
	if (!slash || slash == dir)
		return XK_OK;
	*slash = '\0';
	if (mkdir(dir, 0755) && errno != EEXIST)
		return diag_fail(d, XK_IO, "%s: cannot be created: %s", dir, strerror(errno));
	return XK_OK;
}

enum xk_status xen_state_write(const char *path, const struct xen_record *rec, struct diag *d)
{
	enum xk_status st = make_folder(path, d);
	struct buf text = {0};

	if (st)
		return st;
	xen_state_print(rec, &text);
	if (text.failed)
		st = diag_fail(d, XK_NOMEM, "no memory for the record");
	else
		st = file_replace(path, buf_bytes(&text), 0644, d);
	buf_deinit(&text);
	return st;
}

enum xk_status xen_state_clear(const char *path, struct diag *d)
{
	if (!unlink(path) || errno == ENOENT || errno == ENOTDIR)
		return XK_OK;
	return diag_fail(d, XK_IO, "%s: cannot be removed: %s", path, strerror(errno));
}

enum xk_status xen_state_lock(const char *path, int *fd, struct diag *d)
{
	_cleanup_(freep) char *name = factfile_path(path, ".lock");
	enum xk_status st = make_folder(path, d);

	if (st)
		return st;
	if (!name)
		return diag_fail(d, XK_NOMEM, "no memory for a path");
	*fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return diag_fail(d, XK_IO, "%s: %s", name, strerror(errno));
	while (flock(*fd, LOCK_EX)) {
		if (errno == EINTR)
			continue;
		st = diag_fail(d, XK_IO, "%s: cannot be locked: %s", name, strerror(errno));
		close(*fd);
		return st;
	}
	return XK_OK;
}

void xen_state_boot_id(const char *root, char ret[40])
{
	_cleanup_(freep) char *s = NULL;
	struct host none;

	host_init(&none);
	s = factfile_text(&none, NULL, root, "/proc/sys/kernel/random/boot_id");
	snprintf(ret, 40, "%s", s ? s : "");
	host_deinit(&none);
}
