// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/io_file.h"

void io_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static const char *file_kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR: return "a folder";
	case S_IFIFO: return "a pipe";
	case S_IFSOCK: return "a socket";
	case S_IFLNK: return "a symbolic link";
	case S_IFCHR:
	case S_IFBLK: return "a device";
	default: return "no regular file";
	}
}

/* O_NONBLOCK: a pipe without a writer must be refused, not waited for. */
enum xk_status io_open_regular(const char *path, int *fd, uint64_t *size, struct diag *d)
{
	struct stat st;

	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (*fd < 0)
		return diag_fail(d, XK_IO, "cannot open: %s", strerror(errno));
	if (fstat(*fd, &st) < 0)
		return diag_fail(d, XK_IO, "cannot stat: %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return diag_fail(
			d, XK_IO, "is %s; a regular file is wanted", file_kind(st.st_mode));
	*size = st.st_size < 0 ? 0 : (uint64_t)st.st_size;
	return XK_OK;
}

enum xk_status io_read_some(int fd, uint8_t *buf, size_t cap, size_t *ret, struct diag *d)
{
	size_t len = 0;

	while (len < cap) {
		/* read() takes at most 0x7ffff000 bytes at once anyway. */
		ssize_t n = read(fd, buf + len, (size_t)min_u64(cap - len, GiB));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return diag_fail(d, XK_IO, "cannot read: %s", strerror(errno));
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret = len;
	return XK_OK;
}

enum xk_status file_read(const char *path, size_t max, struct buf *ret, struct diag *d)
{
	_cleanup_(io_closep) int fd = -1;
	_cleanup_(freep) uint8_t *chunk = malloc(65536);
	struct buf b = {0};
	uint64_t size; /* not used: /proc and /sys say 0 or a page */
	enum xk_status st = io_open_regular(path, &fd, &size, d);
	size_t n = 0;

	if (st == XK_OK && !chunk)
		st = diag_fail(d, XK_NOMEM, "out of memory");
	while (st == XK_OK) {
		st = io_read_some(fd, chunk, 65536, &n, d);
		if (st != XK_OK || n == 0)
			break;
		if (n > max - b.len)
			st = diag_fail(d, XK_BAD_INPUT,
				"is larger than %zu bytes, the limit for such a file", max);
		else
			buf_append(&b, chunk, n);
	}
	if (st == XK_OK) {
		buf_append(&b, "", 1);
		if (b.failed)
			st = diag_fail(d, XK_NOMEM, "out of memory after %zu bytes", b.len);
	}
	if (st != XK_OK) {
		buf_deinit(&b);
		return diag_prepend(d, "%s: ", path);
	}
	b.len--;
	*ret = b;
	return XK_OK;
}

enum xk_status fd_write(int fd, struct bytes content, struct diag *d)
{
	while (content.len) {
		ssize_t n = write(fd, content.data, (size_t)min_u64(content.len, GiB));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return diag_fail(d, XK_IO, "cannot write: %s",
				n < 0 ? strerror(errno) : "nothing is taken");
		content.data += n;
		content.len -= (size_t)n;
	}
	return XK_OK;
}

/* A rename is on disk only when the folder is. */
static enum xk_status sync_folder(const char *path, struct diag *d)
{
	_cleanup_(freep) char *dir = strdup(path);
	_cleanup_(io_closep) int fd = -1;
	char *slash;

	if (!dir)
		return diag_fail(d, XK_NOMEM, "out of memory");
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* EINVAL: a file system that does not sync folders */
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		return diag_fail(d, XK_IO, "is written, but its folder cannot be synced: %s",
			strerror(errno));
	return XK_OK;
}

/* mkostemp() creates with O_EXCL under a random name, so nothing that lies there, symlinks
 * included, is ever opened. */
static enum xk_status replace(
	const char *path, char *tmp, struct bytes content, mode_t mode, struct diag *d)
{
	_cleanup_(io_closep) int fd = mkostemp(tmp, O_CLOEXEC);
	enum xk_status st;

	if (fd < 0)
		return diag_fail(d, XK_IO, "cannot create a file beside it: %s", strerror(errno));
	st = fd_write(fd, content, d);
	if (st == XK_OK && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		st = diag_fail(d, XK_IO, "cannot write: %s", strerror(errno));
	if (st == XK_OK && rename(tmp, path) < 0)
		st = diag_fail(d, XK_IO, "cannot replace: %s", strerror(errno));
	if (st != XK_OK) {
		unlink(tmp);
		return st;
	}
	return sync_folder(path, d);
}

/* A rename would put a plain file in the place of /dev/null or /dev/stdout. */
static enum xk_status check_replaceable(const char *path, struct diag *d)
{
	struct stat st;

	if (lstat(path, &st) || S_ISREG(st.st_mode))
		return XK_OK;
	return diag_fail(d, XK_IO, "is %s; only a regular file is replaced", file_kind(st.st_mode));
}

enum xk_status file_replace(const char *path, struct bytes content, mode_t mode, struct diag *d)
{
	_cleanup_(freep) char *tmp = NULL;
	enum xk_status st = check_replaceable(path, d);

	if (st != XK_OK)
		return diag_prepend(d, "%s: ", path);
	if (asprintf(&tmp, "%s.XXXXXX", path) < 0) {
		tmp = NULL;
		st = diag_fail(d, XK_NOMEM, "out of memory");
	} else {
		st = replace(path, tmp, content, mode, d);
	}
	return st == XK_OK ? st : diag_prepend(d, "%s: ", path);
}

enum xk_status file_create(const char *path, struct bytes content, mode_t mode, struct diag *d)
{
	_cleanup_(io_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	enum xk_status st = XK_OK;

	if (fd < 0)
		return diag_fail(d, XK_IO, "%s: cannot create it: %s", path, strerror(errno));
	if (fchmod(fd, mode) < 0)
		st = diag_fail(d, XK_IO, "cannot set its mode: %s", strerror(errno));
	if (st == XK_OK)
		st = fd_write(fd, content, d);
	if (st == XK_OK)
		return st;
	unlink(path);
	return diag_prepend(d, "%s: ", path);
}

enum xk_status folder_make_above(const char *path, struct diag *d)
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

enum xk_status file_remove(const char *path, struct diag *d)
{
	if (!unlink(path) || errno == ENOENT || errno == ENOTDIR)
		return XK_OK;
	return diag_fail(d, XK_IO, "%s: cannot be removed: %s", path, strerror(errno));
}

enum xk_status file_lock(const char *path, int *fd, struct diag *d)
{
	enum xk_status st;

	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return diag_fail(d, XK_IO, "%s: %s", path, strerror(errno));
	while (flock(*fd, LOCK_EX)) {
		if (errno == EINTR)
			continue;
		st = diag_fail(d, XK_IO, "%s: cannot be locked: %s", path, strerror(errno));
		close(*fd);
		return st;
	}
	return XK_OK;
}

bool file_absent(const char *path)
{
	return access(path, F_OK) && (errno == ENOENT || errno == ENOTDIR);
}
