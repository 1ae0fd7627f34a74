// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/decompress.h"
#include "common/io.h"

/* No kernel that can be loaded is near this; what is above is a mistake or an attack. */
#define KERNEL_MAX GiB
/* The boot protocol passes an initrd's size in 32 bits (ext_ramdisk_size aside), and a crash
 * region that holds so much does not exist either. */
#define INITRD_MAX (4 * GiB - PAGE_SIZE_X86)
/* A size that a compressed file claims is not believed beyond this multiple of the file's own:
 * deflate reaches 1032, the others more, but kernels stay below 10. A claim that is cut costs
 * a second pass, not a failure. */
#define HINT_RATIO 64

static void *plain_alloc(void *ctx, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)ctx;
	return p == MAP_FAILED ? NULL : p;
}

static void plain_release(void *ctx, void *p, size_t len)
{
	(void)ctx;
	munmap(p, len);
}

const struct payload_alloc payload_plain = {plain_alloc, plain_release, NULL};

static enum xk_status payload_init(
	struct payload *p, const struct payload_alloc *a, uint64_t len, struct diag *d)
{
	uint64_t size = align_up(max_u64(len, 1), PAGE_SIZE_X86);

	memset(p, 0, sizeof(*p));
	p->alloc = a;
	if (size > SIZE_MAX / 2)
		return diag_fail(d, XK_NOMEM,
			"%" PRIu64 " bytes do not fit into the address space of this program",
			size);
	p->data = a->alloc(a->ctx, (size_t)size);
	if (!p->data)
		return diag_fail(d, XK_NOMEM, "no memory for its %" PRIu64 " bytes: %s", len,
			strerror(errno));
	p->len = (size_t)len;
	p->size = (size_t)size;
	return XK_OK;
}

void payload_deinit(struct payload *p)
{
	if (p->data)
		p->alloc->release(p->alloc->ctx, p->data, p->size);
	memset(p, 0, sizeof(*p));
}

static void closep(const int *fd)
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

/* Regular files only. O_NONBLOCK: a pipe without a writer must be refused, not waited for. */
static enum xk_status open_regular(const char *path, int *fd, uint64_t *size, struct diag *d)
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

/* Reads until cap bytes are there or the file ends. */
static enum xk_status read_some(int fd, uint8_t *buf, size_t cap, size_t *ret, struct diag *d)
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

static enum xk_status seek_to(int fd, uint64_t off, struct diag *d)
{
	if (lseek(fd, (off_t)off, SEEK_SET) < 0)
		return diag_fail(d, XK_IO, "cannot seek: %s", strerror(errno));
	return XK_OK;
}

/* Exactly `size` bytes, from the file's start: what fstat said. A file that someone writes to
 * at this moment must not be loaded half. */
static enum xk_status read_exactly(int fd, uint8_t *buf, size_t size, struct diag *d)
{
	uint8_t extra;
	size_t n;
	enum xk_status st = seek_to(fd, 0, d);

	if (st == XK_OK)
		st = read_some(fd, buf, size, &n, d);
	if (st != XK_OK)
		return st;
	if (n < size)
		return diag_fail(d, XK_IO,
			"shrank from %zu to %zu bytes while it was read; try again when nobody writes to it",
			size, n);
	st = read_some(fd, &extra, 1, &n, d);
	if (st != XK_OK)
		return st;
	if (n)
		return diag_fail(d, XK_IO,
			"grew beyond %zu bytes while it was read; try again when nobody writes to it",
			size);
	return XK_OK;
}

static enum xk_status unpack_read(void *ctx, uint8_t *buf, size_t cap, size_t *ret, struct diag *d)
{
	return read_some(*(int *)ctx, buf, cap, ret, d);
}

/* What the compressed file claims to hold, within reason. */
static enum xk_status read_hint(
	int fd, enum compression c, struct bytes head, uint64_t size, uint64_t *ret, struct diag *d)
{
	_cleanup_(freep) uint8_t *tail = malloc(COMPRESSION_TAIL);
	size_t want = (size_t)min_u64(size, COMPRESSION_TAIL), n;
	enum xk_status st;
	uint64_t hint;

	if (!tail)
		return diag_fail(d, XK_NOMEM, "out of memory");
	st = seek_to(fd, size - want, d);
	if (st == XK_OK)
		st = read_some(fd, tail, want, &n, d);
	if (st != XK_OK)
		return st;
	hint = unpack_hint(c, head, (struct bytes){tail, n});
	*ret = hint <= KERNEL_MAX && hint / HINT_RATIO <= size ? hint : 0;
	return XK_OK;
}

/* First pass with the room that the file asks for; when that was wrong, the first pass has
 * counted, and a second one fills a buffer of the right size. Never two buffers at once: under
 * Xen this is locked memory. */
static enum xk_status read_packed(int fd, enum compression c, struct bytes head, uint64_t size,
	const struct payload_alloc *a, struct payload *ret, struct diag *d)
{
	struct unpack_source src = {unpack_read, &fd};
	uint64_t room = 0, len = 0;
	enum xk_status st = read_hint(fd, c, head, size, &room, d);

	for (unsigned pass = 0; st == XK_OK && pass < 2; pass++) {
		if (room)
			st = payload_init(ret, a, room, d);
		if (st == XK_OK)
			st = seek_to(fd, 0, d);
		if (st == XK_OK)
			st = unpack(c, src, ret->data, (size_t)room, KERNEL_MAX, &len, d);
		if (st == XK_OK && len == 0)
			st = diag_fail(d, XK_BAD_INPUT, "holds nothing when unpacked");
		if (st == XK_OK && len == room)
			return XK_OK;
		payload_deinit(ret);
		room = len;
	}
	return st != XK_OK ? st : diag_fail(d, XK_IO, "changed while it was read");
}

static enum xk_status read_plain(
	int fd, uint64_t size, const struct payload_alloc *a, struct payload *ret, struct diag *d)
{
	enum xk_status st;

	if (size > KERNEL_MAX)
		return diag_fail(d, XK_BAD_INPUT,
			"is %" PRIu64
			" MiB large; a kernel is not, the limit of this tool is %" PRIu64 " MiB",
			size / MiB, KERNEL_MAX / MiB);
	st = payload_init(ret, a, size, d);
	if (st == XK_OK)
		st = read_exactly(fd, ret->data, ret->len, d);
	if (st != XK_OK)
		payload_deinit(ret);
	return st;
}

enum xk_status payload_read_kernel(
	const char *path, const struct payload_alloc *a, struct payload *ret, struct diag *d)
{
	_cleanup_(closep) int fd = -1;
	uint8_t head[COMPRESSION_HEAD];
	struct payload p = {0};
	enum compression c;
	enum xk_status st;
	uint64_t size = 0;
	size_t n = 0;

	st = open_regular(path, &fd, &size, d);
	if (st == XK_OK)
		st = read_some(fd, head, sizeof(head), &n, d);
	if (st == XK_OK && n == 0)
		st = diag_fail(d, XK_BAD_INPUT, "is empty");
	if (st == XK_OK) {
		c = compression_detect((struct bytes){head, n});
		st = c == COMP_NONE ? read_plain(fd, size, a, &p, d)
				    : read_packed(fd, c, (struct bytes){head, n}, size, a, &p, d);
	}
	if (st != XK_OK)
		return diag_prepend(d, "kernel %s: ", path);
	*ret = p;
	return XK_OK;
}

struct initrd_file {
	int fd;
	uint64_t size;
	uint64_t off; /* in the payload */
};

static enum xk_status initrds_open(
	const char *const *paths, size_t nr, struct initrd_file *f, uint64_t *total, struct diag *d)
{
	*total = 0;
	for (size_t i = 0; i < nr; i++) {
		enum xk_status st = open_regular(paths[i], &f[i].fd, &f[i].size, d);

		if (st == XK_OK && f[i].size == 0)
			st = diag_fail(d, XK_BAD_INPUT, "is empty");
		f[i].off = align_up(*total, 4);
		if (st == XK_OK &&
			(add_overflow(f[i].off, f[i].size, total) || *total > INITRD_MAX))
			st = diag_fail(d, XK_BAD_INPUT,
				"is %" PRIu64
				" MiB large; all initrds together must stay below %" PRIu64
				" MiB, the limit of the boot protocol",
				f[i].size / MiB, (uint64_t)INITRD_MAX / MiB);
		if (st != XK_OK)
			return diag_prepend(d, "initrd %s: ", paths[i]);
	}
	return XK_OK;
}

enum xk_status payload_read_initrds(const char *const *paths, size_t nr,
	const struct payload_alloc *a, struct payload *ret, struct diag *d)
{
	_cleanup_(freep) struct initrd_file *f = NULL;
	struct payload p = {0};
	enum xk_status st;
	uint64_t total;

	if (nr == 0) {
		memset(ret, 0, sizeof(*ret));
		return XK_OK;
	}
	f = calloc(nr, sizeof(*f));
	if (!f)
		return diag_fail(d, XK_NOMEM, "out of memory for %zu initrds", nr);
	for (size_t i = 0; i < nr; i++)
		f[i].fd = -1;
	st = initrds_open(paths, nr, f, &total, d);
	if (st == XK_OK) {
		st = payload_init(&p, a, total, d);
		if (st != XK_OK)
			diag_prepend(d, "initrd %s%s: ", paths[0], nr > 1 ? " and others" : "");
	}
	for (size_t i = 0; st == XK_OK && i < nr; i++) {
		st = read_exactly(f[i].fd, p.data + f[i].off, (size_t)f[i].size, d);
		if (st != XK_OK)
			diag_prepend(d, "initrd %s: ", paths[i]);
	}
	for (size_t i = 0; i < nr; i++)
		closep(&f[i].fd);
	if (st != XK_OK)
		payload_deinit(&p);
	else
		*ret = p;
	return st;
}

enum xk_status file_read(const char *path, size_t max, struct buf *ret, struct diag *d)
{
	_cleanup_(closep) int fd = -1;
	_cleanup_(freep) uint8_t *chunk = malloc(65536);
	struct buf b = {0};
	uint64_t size; /* not used: /proc and /sys say 0 or a page */
	enum xk_status st = open_regular(path, &fd, &size, d);
	size_t n = 0;

	if (st == XK_OK && !chunk)
		st = diag_fail(d, XK_NOMEM, "out of memory");
	while (st == XK_OK) {
		st = read_some(fd, chunk, 65536, &n, d);
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

static enum xk_status write_all(int fd, struct bytes content, struct diag *d)
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
	_cleanup_(closep) int fd = -1;
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
	_cleanup_(closep) int fd = mkostemp(tmp, O_CLOEXEC);
	enum xk_status st;

	if (fd < 0)
		return diag_fail(d, XK_IO, "cannot create a file beside it: %s", strerror(errno));
	st = write_all(fd, content, d);
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
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	enum xk_status st = XK_OK;

	if (fd < 0)
		return diag_fail(d, XK_IO, "%s: cannot create it: %s", path, strerror(errno));
	if (fchmod(fd, mode) < 0)
		st = diag_fail(d, XK_IO, "cannot set its mode: %s", strerror(errno));
	if (st == XK_OK)
		st = write_all(fd, content, d);
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
