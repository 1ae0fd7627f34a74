// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "common/factfile.h"
#include "common/io.h"

#define MAX_TEXT (64 * 1024)

char *factfile_path(const char *root, const char *path)
{
	char *ret;

	return asprintf(&ret, "%s%s", root, path) < 0 ? NULL : ret;
}

bool factfile_read(struct host *h, const char *fact, const char *root, const char *path, size_t max,
	struct buf *ret)
{
	_cleanup_(freep) char *full = factfile_path(root, path);
	enum xk_status st;
	struct diag d;

	diag_init(&d);
	st = full ? file_read(full, max, ret, &d) : diag_fail(&d, XK_NOMEM, "no memory");
	if (!st && ret->failed)
		st = diag_fail(&d, XK_NOMEM, "no memory");
	if (st && fact)
		host_gap(h, fact, "%s", d.text);
	return !st;
}

char *factfile_text(struct host *h, const char *fact, const char *root, const char *path)
{
	struct buf b = {0};
	char *ret = NULL;

	if (!factfile_read(h, fact, root, path, MAX_TEXT, &b))
		goto out;
	while (b.len && (b.data[b.len - 1] == '\n' || b.data[b.len - 1] == '\0'))
		b.len--;
	if (b.len && memchr(b.data, '\0', b.len)) {
		if (fact)
			host_gap(h, fact, "%s: not a text", path);
		goto out;
	}
	ret = b.len ? strndup((const char *)b.data, b.len) : strdup("");
	if (ret && !strcmp(ret, "<denied>")) {
		free(ret);
		ret = NULL;
		if (fact)
			host_gap(h, fact, "%s: denied by Xen's security policy", path);
	}
out:
	buf_deinit(&b);
	return ret;
}
