// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/decompress.h"
#include "native/files.h"

#define CORE_WORD "elfcorehdr="

static enum xk_status memory_file(const char *name, struct bytes b, int *fd, struct diag *d)
{
	*fd = memfd_create(name, MFD_CLOEXEC);
	if (*fd < 0)
		return diag_fail(d, XK_IO, "no file in memory can be created: %s", strerror(errno));
	while (b.len) {
		ssize_t n = write(*fd, b.data, (size_t)min_u64(b.len, GiB));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return diag_fail(d, XK_NOMEM, "a file in memory cannot be written: %s",
				strerror(n ? errno : ENOSPC));
		b.data += n;
		b.len -= (size_t)n;
	}
	return XK_OK;
}

/* In pieces: the whole file is never in this program's memory twice. */
static enum xk_status compare(int fd, struct bytes want, bool *same, struct diag *d)
{
	_cleanup_(freep) uint8_t *chunk = malloc(65536);
	size_t off = 0;

	if (!chunk)
		return diag_fail(d, XK_NOMEM, "out of memory");
	for (;;) {
		ssize_t n = pread(fd, chunk, 65536, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return diag_fail(d, XK_IO, "cannot read: %s", strerror(errno));
		*same = n ? bytes_has(want, off, (uint64_t)n) &&
					!memcmp(want.data + off, chunk, (size_t)n)
			  : off == want.len;
		if (!n || !*same)
			return XK_OK;
		off += (size_t)n;
	}
}

static bool is_packed(int fd)
{
	uint8_t head[COMPRESSION_HEAD];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	return n > 0 && compression_detect((struct bytes){head, (size_t)n}) != COMP_NONE;
}

/* The file itself when it holds these very bytes. *packed: it does not, being compressed. */
static enum xk_status own_file(
	const char *path, struct bytes want, bool *packed, int *fd, struct diag *d)
{
	enum xk_status st;
	bool same = false;

	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (*fd < 0)
		return diag_fail(d, XK_IO, "%s: cannot open: %s", path, strerror(errno));
	st = compare(*fd, want, &same, d);
	if (st)
		return diag_prepend(d, "%s: ", path);
	*packed = !same && is_packed(*fd);
	if (same || *packed)
		return XK_OK;
	return diag_fail(d, XK_IO,
		"%s: is not any more what was read of it; try again when nobody writes to it",
		path);
}

static enum xk_status open_kernel(const struct native_source *src, int *fd, struct diag *d)
{
	bool packed = false;
	enum xk_status st = own_file(src->kernel, src->kernel_bytes, &packed, fd, d);

	if (st || !packed)
		return st;
	close(*fd);
	return memory_file("kernel", src->kernel_bytes, fd, d);
}

/* An initrd is loaded as it is, compressed or not. */
static enum xk_status open_initrd(const struct native_source *src, int *fd, struct diag *d)
{
	bool packed = false;
	enum xk_status st;

	if (src->nr_initrds != 1)
		return memory_file("initrd", src->initrd_bytes, fd, d);
	st = own_file(src->initrds[0], src->initrd_bytes, &packed, fd, d);
	if (!st && packed)
		st = diag_fail(
			d, XK_IO, "%s: is not any more what was read of it", src->initrds[0]);
	return st;
}

void native_file_cmdline(const char *planned, struct buf *ret)
{
	const char *word = planned;
	bool quoted = false, first = true;

	while (*word) {
		const char *end = word;

		for (; *end && (quoted || *end != ' '); end++)
			quoted ^= *end == '"';
		if (strncmp(word, CORE_WORD, strlen(CORE_WORD))) {
			if (!first)
				buf_append(ret, " ", 1);
			buf_append(ret, word, (size_t)(end - word));
			first = false;
		}
		word = *end ? end + 1 : end;
	}
}

enum xk_status native_files_open(const struct native_source *src, const char *cmdline,
	struct native_files *ret, struct diag *d)
{
	enum xk_status st;

	*ret = (struct native_files){.kernel = -1, .initrd = -1};
	native_file_cmdline(cmdline, &ret->cmdline);
	buf_append(&ret->cmdline, "", 1);
	st = ret->cmdline.failed ? diag_fail(d, XK_NOMEM, "no memory for the command line")
				 : open_kernel(src, &ret->kernel, d);
	if (!st && src->initrd_bytes.len)
		st = open_initrd(src, &ret->initrd, d);
	if (st) {
		native_files_close(ret);
		diag_prepend(d, "for kexec_file_load: ");
	}
	return st;
}

void native_files_close(struct native_files *f)
{
	if (f->kernel >= 0)
		close(f->kernel);
	if (f->initrd >= 0)
		close(f->initrd);
	buf_deinit(&f->cmdline);
	f->kernel = f->initrd = -1;
}
