// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "vmcore/flat.h"
#include "vmcore/guard.h"

#define PROC_FS 0x9fa0 /* Linux include/uapi/linux/magic.h: PROC_SUPER_MAGIC */

static enum xk_status source_stat(
	const char *path, enum source_way way, struct source *s, struct diag *d)
{
	struct statfs fs;
	struct stat st;
	off_t size;

	if (fstat(s->fd, &st) < 0)
		return diag_fail(d, XK_IO, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return diag_fail(d, XK_IO, "%s is a folder, not a dump file", path);
	size = lseek(s->fd, 0, SEEK_END); /* a block device has no st_size */
	if (size < 0)
		return diag_fail(d, XK_IO,
			"%s cannot be read at any place (%s): a dump is read from a file, not from a pipe",
			path, strerror(errno));
	s->size = s->file_size = (uint64_t)size;
	s->map = way == SOURCE_MAP ||
		 (way == SOURCE_AUTO && fstatfs(s->fd, &fs) == 0 && fs.f_type == PROC_FS);
	if (s->map && !guard_add())
		s->map = false;
	return XK_OK;
}

enum xk_status source_open(
	const char *path, enum source_way way, struct source *ret, struct diag *d)
{
	const bool standard = !strcmp(path, "-");
	struct source s = {.fd = -1};
	enum xk_status st;

	s.name = strdup(standard ? "standard input" : path);
	if (!s.name)
		return diag_fail(d, XK_NOMEM, "no memory to open %s", path);
	path = s.name;
	if (standard)
		s.fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		s.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (s.fd < 0) {
		st = diag_fail(d, XK_IO, "opening %s: %s", path, strerror(errno));
	} else {
		st = source_stat(path, way, &s, d);
	}
	if (st) {
		source_close(&s);
		return st;
	}
	*ret = s;
	return XK_OK;
}

enum xk_status source_bytes(struct bytes b, struct source *ret, struct diag *d)
{
	struct source s = {
		.fd = -1, .mem = b, .size = b.len, .file_size = b.len, .name = strdup("the core")};

	if (!s.name)
		return diag_fail(d, XK_NOMEM, "no memory to open a core");
	*ret = s;
	return XK_OK;
}

void source_close(struct source *s)
{
	flat_close(s);
	if (s->map)
		guard_remove();
	if (s->fd >= 0)
		close(s->fd);
	free(s->name);
	memset(s, 0, sizeof(*s));
	s->fd = -1;
}

/* The window that holds off, mapped now if it is not; -1 when the kernel does not map it. */
static int window(const struct source *s, struct source_view *v, uint64_t off)
{
	uint64_t start = align_down(off, SOURCE_WINDOW);
	/* /proc/vmcore maps nothing beyond its end, not even the rest of a page */
	uint64_t end = min_u64(start + SOURCE_WINDOW, align_down(s->file_size, PAGE_SIZE_X86));
	int old = 0;
	void *p;

	for (int i = 0; i < SOURCE_WINDOWS; i++) {
		if (v->w[i].src == s && v->w[i].off == start && off - start < v->w[i].len) {
			v->w[i].used = ++v->clock;
			return i;
		}
		if (v->w[i].used < v->w[old].used)
			old = i;
	}
	if (v->refused || off >= end || start > (uint64_t)INT64_MAX - SOURCE_WINDOW)
		return -1;
	p = mmap(NULL, (size_t)(end - start), PROT_READ, MAP_PRIVATE, s->fd, (off_t)start);
	if (p == MAP_FAILED) {
		v->refused = !v->clock;
		return -1;
	}
	if (v->w[old].p)
		munmap(v->w[old].p, v->w[old].len);
	v->w[old].src = s;
	v->w[old].p = p;
	v->w[old].off = start;
	v->w[old].len = (size_t)(end - start);
	v->w[old].used = ++v->clock;
	return old;
}

/* From a mapping whose copy failed: page by page, up to the bad one. */
static size_t copy_up_to_bad(uint8_t *to, const uint8_t *from, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t n = PAGE_SIZE_X86 - ((uintptr_t)(from + done) & (PAGE_SIZE_X86 - 1));

		if (n > len - done)
			n = len - done;
		if (!guard_copy(to + done, from + done, n))
			break;
		done += n;
	}
	return done;
}

static size_t read_fd(int fd, uint64_t off, uint8_t *to, size_t len)
{
	size_t done = 0;

	while (done < len && off + done <= INT64_MAX) {
		ssize_t n = pread(fd, to + done, len - done, (off_t)(off + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

size_t source_read_file(
	const struct source *s, struct source_view *v, uint64_t off, void *ret, size_t len)
{
	uint8_t *to = ret;
	size_t done = 0;

	if (s->fd < 0) {
		if (off >= s->mem.len)
			return 0;
		len = (size_t)min_u64(len, s->mem.len - off);
		memcpy(to, s->mem.data + off, len);
		return len;
	}
	while (done < len) {
		int i = s->map ? window(s, v, off + done) : -1;
		size_t n, got, at;

		if (i < 0)
			return done + read_fd(s->fd, off + done, to + done, len - done);
		at = (size_t)(off + done - v->w[i].off);
		n = (size_t)min_u64(len - done, v->w[i].len - at);
		got = n;
		if (!guard_copy(to + done, v->w[i].p + at, n))
			got = copy_up_to_bad(to + done, v->w[i].p + at, n);
		done += got;
		if (got < n)
			break;
	}
	return done;
}

size_t source_read(
	const struct source *s, struct source_view *v, uint64_t off, void *ret, size_t len)
{
	return s->flat ? flat_read(s, v, off, ret, len) : source_read_file(s, v, off, ret, len);
}

bool source_get(const struct source *s, struct source_view *v, uint64_t off, void *ret, size_t len)
{
	return source_read(s, v, off, ret, len) == len;
}

void source_view_deinit(struct source_view *v)
{
	for (int i = 0; i < SOURCE_WINDOWS; i++)
		if (v->w[i].p)
			munmap(v->w[i].p, v->w[i].len);
	memset(v, 0, sizeof(*v));
}
