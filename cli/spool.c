// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/spool.h"
#include "common/io.h"
#include "common/range.h"

#define CHUNK (1u << 20)

/* The folder as text; *ret is to be freed. False: no memory. */
static bool folder_of(const char *output, char **ret)
{
	const char *slash, *tmp = getenv("TMPDIR");

	if (!output || !strcmp(output, "-")) {
		*ret = strdup(tmp && *tmp ? tmp : "/var/tmp");
		return *ret;
	}
	slash = strrchr(output, '/');
	if (!slash)
		*ret = strdup(".");
	else
		*ret = strndup(output, slash == output ? 1 : (size_t)(slash - output));
	return *ret;
}

/* A file without a name; where the file system has no such thing, one whose name goes at once. */
static int open_unnamed(const char *folder)
{
	char *path;
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	if (asprintf(&path, "%s/xenkdump-XXXXXX", folder) < 0) {
		errno = ENOMEM;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	free(path);
	return fd;
}

static enum xk_status copy_input(int fd, const char *folder, struct diag *d)
{
	uint8_t *chunk = malloc(CHUNK);
	enum xk_status st = XK_OK;
	uint64_t total = 0;

	if (!chunk)
		return diag_fail(d, XK_NOMEM, "no memory to copy standard input");
	while (st == XK_OK) {
		ssize_t n = read(STDIN_FILENO, chunk, CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			st = diag_fail(d, XK_IO, "reading standard input: %s, after %llu MiB",
				strerror(errno), (unsigned long long)(total / MiB));
		if (n <= 0)
			break;
		st = fd_write(fd, (struct bytes){chunk, (size_t)n}, d);
		if (st) {
			diag_prepend(d,
				"%s: keeping standard input, which is a pipe, in an unnamed file there: ",
				folder);
			diag_append(d,
				", after %llu MiB: write the stream to a file elsewhere and give that",
				(unsigned long long)(total / MiB));
		}
		total += (uint64_t)n;
	}
	free(chunk);
	if (st == XK_OK && !total)
		st = diag_fail(d, XK_IO,
			"standard input is empty: the program before this one wrote nothing");
	return st;
}

enum xk_status spool_input(const char *output, struct diag *d)
{
	enum xk_status st;
	struct stat sb;
	char *folder;
	int fd;

	if (fstat(STDIN_FILENO, &sb) < 0)
		return diag_fail(d, XK_IO, "standard input: %s", strerror(errno));
	if (isatty(STDIN_FILENO))
		return diag_fail(d, XK_USAGE,
			"-: standard input is a terminal; a dump comes from a pipe or a file");
	if (S_ISREG(sb.st_mode) || S_ISBLK(sb.st_mode))
		return XK_OK;
	if (!folder_of(output, &folder))
		return diag_fail(d, XK_NOMEM, "no memory for the name of a folder");
	fd = open_unnamed(folder);
	if (fd < 0) {
		st = diag_fail(d, XK_IO, "%s: making a file there for standard input: %s", folder,
			strerror(errno));
	} else {
		st = copy_input(fd, folder, d);
		if (st == XK_OK && dup2(fd, STDIN_FILENO) < 0)
			st = diag_fail(d, XK_IO, "standard input: %s", strerror(errno));
		close(fd);
	}
	free(folder);
	return st;
}
