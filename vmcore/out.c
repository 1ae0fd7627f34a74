// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "vmcore/out.h"

/* Flattened format: a header of one page, then records of offset, size and data, big-endian. */
#define FLAT_HEADER	4096
#define FLAT_SIGNATURE	"makedumpfile"
#define FLAT_TYPE	1
#define FLAT_VERSION	1
#define FLAT_RECORD_MAX (64 * MiB)

#define PART	   ".part"
#define INCOMPLETE ".incomplete"

/* The kernel copies what is written into pages of the file, and where the two lie differently within
 * a page that takes several times as long on many CPUs. Such data go by way of a buffer. */
#define ALIGNED_PART (512u * 1024)
#define ALIGNED_MIN  4096u /* less is not worth it */

/* Writeback is started after so much, or a dump kernel's few free pages all end up dirty. */
#define WRITEBACK (8 * MiB)

struct out {
	int fd, dir; /* dir: -1 for a stream */
	bool flattened;
	char *path; /* as given, for people */
	char *name, *part, *incomplete; /* within dir */
	uint8_t *aligned; /* ALIGNED_PART bytes, at a page's start */
	uint64_t written, size, synced;
	bool dirty; /* something changed since the last fsync() */
	int lost; /* errno of the first fsync() that failed: the system tells an error of the device
		   * once, and what it was about is gone from memory and not on the disk */
	int torn; /* errno of a write that left part of a record in a stream: no more can follow */
};

static void out_free(struct out *o)
{
	if (o->fd >= 0)
		close(o->fd);
	if (o->dir >= 0)
		close(o->dir);
	free(o->path);
	free(o->name);
	free(o->part);
	free(o->incomplete);
	free(o->aligned);
	free(o);
}

static bool is_stream(const struct out *o)
{
	return o->dir < 0;
}

/* The file's name now, for messages. */
static const char *suffix(const struct out *o)
{
	return is_stream(o) ? "" : PART;
}

/* Where and why; `what` is a verb with its object. */
static enum xk_status io_fail(struct out *o, const char *what, int err, struct diag *d)
{
	const char *why = strerror(err);

	if (err == ENOSPC || err == EDQUOT)
		return diag_fail(d, XK_IO,
			"%s%s: %s: %s, after %" PRIu64
			" MiB: free some, or dump to another file system or to a stream (-o -)",
			o->path, suffix(o), what, why, o->written / MiB);
	if (err == EFBIG)
		return diag_fail(d, XK_IO,
			"%s%s: %s: %s, after %" PRIu64
			" MiB: the file system or a resource limit (ulimit -f) allows no larger file",
			o->path, suffix(o), what, why, o->written / MiB);
	return diag_fail(d, XK_IO, "%s%s: %s: %s, after %" PRIu64 " MiB", o->path, suffix(o), what,
		why, o->written / MiB);
}

/* Writes at most len bytes. A stream is written to where it stands. */
static ssize_t write_some(struct out *o, uint64_t off, const uint8_t *p, size_t len)
{
	const size_t in_page = (size_t)((o->flattened ? o->written : off) % ALIGNED_MIN);

	if (len >= ALIGNED_MIN && (uintptr_t)p % ALIGNED_MIN != in_page) {
		if (len > ALIGNED_PART - in_page)
			len = ALIGNED_PART - in_page;
		p = memcpy(o->aligned + in_page, p, len);
	}
	return o->flattened ? write(o->fd, p, len) : pwrite(o->fd, p, len, (off_t)off);
}

static int write_fully(struct out *o, uint64_t off, const void *data, size_t len)
{
	const uint8_t *p = data;

	o->dirty = true;
	while (len) {
		ssize_t n = write_some(o, off, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			return EIO;
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
		o->written += (uint64_t)n;
	}
	return 0;
}

static void put_be64(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* What follows a part of a record would be read as its data: the part goes away again. */
static void untear(struct out *o, uint64_t start, int err)
{
	if (o->written == start)
		return;
	if (is_stream(o) || ftruncate(o->fd, (off_t)start) ||
		lseek(o->fd, (off_t)start, SEEK_SET) < 0)
		o->torn = err;
	else
		o->written = start;
}

/* A record and its data; the one that ends the file has none. */
static int flat_record(struct out *o, uint64_t off, uint64_t size, const void *data, size_t len)
{
	const uint64_t start = o->written;
	uint8_t record[16];
	int err = o->torn;

	if (err)
		return err;
	put_be64(record, off);
	put_be64(record + 8, size);
	err = write_fully(o, 0, record, sizeof(record));
	if (!err && len)
		err = write_fully(o, 0, data, len);
	if (err)
		untear(o, start, err);
	return err;
}

static int flat_header(struct out *o)
{
	uint8_t header[FLAT_HEADER] = FLAT_SIGNATURE;

	put_be64(header + 16, FLAT_TYPE);
	put_be64(header + 24, FLAT_VERSION);
	return write_fully(o, 0, header, sizeof(header));
}

/* Writing begins now, not when memory is short. An error comes again from fsync(). */
static void start_writeback(struct out *o)
{
	if (is_stream(o) || o->written - o->synced < WRITEBACK)
		return;
	(void)sync_file_range(o->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	o->synced = o->written;
}

enum xk_status out_write(struct out *o, uint64_t off, const void *data, size_t len, struct diag *d)
{
	const uint8_t *p = data;
	uint64_t end;
	int err = 0;

	if (add_overflow(off, len, &end) || end > INT64_MAX)
		return io_fail(o, "cannot write", EFBIG, d);
	if (!o->flattened) {
		err = write_fully(o, off, p, len);
	} else {
		while (len && !err) {
			size_t n = len < FLAT_RECORD_MAX ? len : (size_t)FLAT_RECORD_MAX;

			err = flat_record(o, off, n, p, n);
			off += n;
			p += n;
			len -= n;
		}
	}
	if (err)
		return io_fail(o, "cannot write", err, d);
	o->size = max_u64(o->size, end);
	start_writeback(o);
	return XK_OK;
}

enum xk_status out_read(struct out *o, uint64_t off, void *data, size_t len, struct diag *d)
{
	uint8_t *p = data;

	while (len) {
		ssize_t n = pread(o->fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return io_fail(o, "cannot read back", n ? errno : EIO, d);
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return XK_OK;
}

/* For a file system without fallocate(): zeros, but never over what is there. */
static int reserve_by_zeros(struct out *o, uint64_t off, uint64_t end)
{
	static const uint8_t zeros[65536];

	off = max_u64(off, o->size);
	while (off < end) {
		size_t n = (size_t)min_u64(end - off, sizeof(zeros));
		int err = write_fully(o, off, zeros, n);

		if (err)
			return err;
		off += n;
	}
	return 0;
}

enum xk_status out_reserve(struct out *o, uint64_t off, uint64_t len, struct diag *d)
{
	uint64_t end;
	int err = 0;

	if (o->flattened || !len)
		return XK_OK;
	o->dirty = true;
	if (add_overflow(off, len, &end) || end > INT64_MAX)
		return io_fail(o, "cannot reserve room", EFBIG, d);
	do
		err = fallocate(o->fd, 0, (off_t)off, (off_t)len) ? errno : 0;
	while (err == EINTR);
	if (err == EOPNOTSUPP || err == ENOSYS)
		err = reserve_by_zeros(o, off, end);
	if (err)
		return io_fail(o, "cannot reserve room", err, d);
	o->size = max_u64(o->size, end);
	return XK_OK;
}

enum xk_status out_extend(struct out *o, uint64_t len, struct diag *d)
{
	if (o->flattened || len <= o->size)
		return XK_OK;
	if (len > INT64_MAX)
		return io_fail(o, "cannot extend it", EFBIG, d);
	o->dirty = true;
	if (ftruncate(o->fd, (off_t)len))
		return io_fail(o, "cannot extend it", errno, d);
	o->size = len;
	return XK_OK;
}

static enum xk_status sync_file(struct out *o, struct diag *d)
{
	if (!o->lost && o->dirty && fsync(o->fd))
		o->lost = errno;
	o->dirty = false;
	return o->lost ? io_fail(o, "cannot be written to the device", o->lost, d) : XK_OK;
}

enum xk_status out_flush(struct out *o, struct diag *d)
{
	return is_stream(o) ? XK_OK : sync_file(o, d);
}

/* Root may use the blocks that a file system keeps back. */
static uint64_t free_bytes(const struct statvfs *v)
{
	uint64_t ret;

	if (mul_overflow(
		    (uint64_t)(geteuid() ? v->f_bavail : v->f_bfree), (uint64_t)v->f_frsize, &ret))
		return UINT64_MAX;
	return ret;
}

uint64_t out_room(const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_(freep) char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : NULL;
	struct statvfs v;

	if (!strcmp(path, "-") || (slash && !folder) || statvfs(folder ? folder : ".", &v))
		return UINT64_MAX;
	return free_bytes(&v);
}

uint64_t out_written(const struct out *o)
{
	return o->written;
}

bool out_flattened(const struct out *o)
{
	return o->flattened;
}

static bool exists(int dir, const char *name)
{
	struct stat st;

	return !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW);
}

/* Splits the path, opens its folder, and finds that nothing stands in the way. */
static enum xk_status find_place(struct out *o, struct diag *d)
{
	const char *slash = strrchr(o->path, '/');
	const char *base = slash ? slash + 1 : o->path;
	char *folder = slash ? strndup(o->path, slash == o->path ? 1 : (size_t)(slash - o->path))
			     : strdup(".");
	enum xk_status st = XK_OK;

	if (!*base || !strcmp(base, ".") || !strcmp(base, "..")) {
		free(folder);
		return diag_fail(
			d, XK_USAGE, "%s: names a folder; name the dump's file in it", o->path);
	}
	if (strlen(base) > NAME_MAX - strlen(INCOMPLETE)) {
		free(folder);
		return diag_fail(d, XK_USAGE,
			"%s: the name is %zu characters long; %zu is the most, for file names end at %d and \"%s\" may have to be added",
			o->path, strlen(base), NAME_MAX - strlen(INCOMPLETE), NAME_MAX, INCOMPLETE);
	}
	o->name = strdup(base);
	if (!folder || !o->name || asprintf(&o->part, "%s%s", base, PART) < 0 ||
		asprintf(&o->incomplete, "%s%s", base, INCOMPLETE) < 0)
		st = diag_fail(d, XK_NOMEM, "no memory for a path");
	if (st == XK_OK)
		o->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (st == XK_OK && o->dir < 0)
		st = diag_fail(
			d, XK_IO, "%s: cannot open its folder: %s", o->path, strerror(errno));
	free(folder);
	if (st != XK_OK)
		return st;
	if (exists(o->dir, o->name))
		return diag_fail(d, XK_IO,
			"%s: is there already, and a dump replaces nothing: move it away or choose another name",
			o->path);
	if (exists(o->dir, o->incomplete))
		return diag_fail(d, XK_IO,
			"%s%s: an incomplete dump of an earlier try is there: move it away or choose another name",
			o->path, INCOMPLETE);
	return st;
}

static enum xk_status open_part(struct out *o, struct diag *d)
{
	o->fd = openat(o->dir, o->part,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
	if (o->fd < 0 && errno == EEXIST)
		return diag_fail(d, XK_IO,
			"%s%s: is there already: left by an earlier try, or another one is writing it; remove it if not, or choose another name",
			o->path, PART);
	if (o->fd < 0)
		return diag_fail(
			d, XK_IO, "%s%s: cannot create it: %s", o->path, PART, strerror(errno));
	if (fchmod(o->fd, 0600)) { /* an inherited ACL, or an odd umask */
		enum xk_status st = io_fail(o, "cannot set its mode", errno, d);

		unlinkat(o->dir, o->part, 0);
		return st;
	}
	return XK_OK;
}

enum xk_status out_create(const char *path, bool flattened, struct out **ret, struct diag *d)
{
	bool stream = !strcmp(path, "-");
	struct out *o = calloc(1, sizeof(*o));
	enum xk_status st = XK_OK;
	int err;

	if (!o)
		return diag_fail(d, XK_NOMEM, "no memory for an output file");
	o->fd = o->dir = -1;
	o->flattened = flattened || stream;
	o->path = strdup(stream ? "standard output" : path);
	o->aligned = aligned_alloc(ALIGNED_MIN, ALIGNED_PART);
	if (!o->path || !o->aligned) {
		st = diag_fail(d, XK_NOMEM, "no memory for an output file");
	} else if (stream) {
		o->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		if (o->fd < 0)
			st = diag_fail(d, XK_IO, "standard output: %s", strerror(errno));
	} else {
		st = find_place(o, d);
		if (st == XK_OK)
			st = open_part(o, d);
	}
	if (st != XK_OK) {
		out_free(o);
		return st;
	}
	err = o->flattened ? flat_header(o) : 0;
	if (err) {
		st = io_fail(o, "cannot write", err, d);
		out_abandon(o, false);
		return st;
	}
	*ret = o;
	return XK_OK;
}

/* That PATH.part is still the file that was written: someone may have removed or replaced it. */
static bool part_is_ours(const struct out *o)
{
	struct stat named, ours;

	return !fstat(o->fd, &ours) && !fstatat(o->dir, o->part, &named, AT_SYMLINK_NOFOLLOW) &&
	       named.st_dev == ours.st_dev && named.st_ino == ours.st_ino;
}

/* Never over an existing file: one that appeared meanwhile is someone's. Some file systems cannot
 * promise that; there it is looked at first. */
static int rename_new(int dir, const char *from, const char *to)
{
	if (!renameat2(dir, from, dir, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return errno;
	if (exists(dir, to))
		return EEXIST;
	return renameat(dir, from, dir, to) ? errno : 0;
}

static enum xk_status publish(struct out *o, bool whole, struct diag *d)
{
	const char *to = whole ? o->name : o->incomplete;
	enum xk_status st = sync_file(o, d);
	int err;

	if (st)
		return st;
	if (!part_is_ours(o))
		return diag_fail(d, XK_IO,
			"%s%s: was removed or replaced while it was written; the dump is lost",
			o->path, PART);
	err = rename_new(o->dir, o->part, to);
	if (err)
		return diag_fail(d, XK_IO,
			"%s%s: the dump is there, but cannot be renamed to %s: %s", o->path, PART,
			to, strerror(err));
	if (fsync(o->dir))
		return diag_fail(d, XK_IO,
			"%s%s: is written, but its folder cannot be: %s; it may be lost when power is",
			o->path, whole ? "" : INCOMPLETE, strerror(errno));
	return XK_OK;
}

enum xk_status out_publish(struct out *o, bool whole, struct diag *d)
{
	enum xk_status st = XK_OK;
	int err;

	/* Where even this finds no room, its header says that the dump is incomplete, or nothing. */
	if (o->flattened) {
		err = flat_record(o, UINT64_MAX, UINT64_MAX, "", 0);
		if (err && whole)
			st = io_fail(o, "cannot write", err, d);
	}
	if (st == XK_OK && !is_stream(o))
		st = publish(o, whole, d);
	if (st == XK_OK && is_stream(o) && close(o->fd))
		st = io_fail(o, "cannot be closed", errno, d);
	if (is_stream(o))
		o->fd = -1;
	out_free(o);
	return st;
}

void out_abandon(struct out *o, bool keep)
{
	if (!o)
		return;
	if (!keep && !is_stream(o) && part_is_ours(o))
		unlinkat(o->dir, o->part, 0);
	out_free(o);
}
