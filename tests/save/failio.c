// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded into save: a device that fails. What is done to files under FAILIO_OUT is counted from 1;
 * FAILIO_LOG gets a line for each. FAILIO_AT=K makes the K-th fail with FAILIO_ERRNO, and with
 * FAILIO_ON all after it that could have the same cause. FAILIO_DISK=N is a disk of N bytes in all:
 * a write ends where it is full, room that was reserved is there. FAILIO_US is how long each takes.
 * FAILIO_JOURNAL gets all that was written, for what a power loss may leave. FAILIO_IN with
 * FAILIO_BAD=START-END is an input whose bytes in that range of the file cannot be read; with
 * FAILIO_CUT=N one that looks like /proc/vmcore, so that it is mapped, and that ends at N once it is.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PROC_FS 0x9fa0 /* Linux include/uapi/linux/magic.h */

#define BLOCK  4096u
#define BLOCKS (1u << 20)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long count;
static uint8_t taken[BLOCKS / 8]; /* of the one file that a run writes */
static uint64_t used;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (!p)
		abort();
	return p;
}

static long number(const char *name)
{
	const char *v = getenv(name);

	return v ? atol(v) : 0;
}

static int is_under(int fd, const char *env)
{
	const char *want = getenv(env);
	char link[64], path[PATH_MAX];
	ssize_t n;

	if (!want)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return 0;
	path[n] = 0;
	return !strncmp(path, want, strlen(want));
}

static void append(const char *env, const void *data, size_t len)
{
	const char *path = getenv(env);
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	if (REAL(write)(fd, data, len) != (ssize_t)len)
		abort();
	close(fd);
}

/* One more of what is done to the output; the errno it fails with, or 0. `full`: by a full disk. */
static int step(const char *name, int full)
{
	long at = number("FAILIO_AT"), err = number("FAILIO_ERRNO"), us = number("FAILIO_US");
	char line[64];
	long n;

	pthread_mutex_lock(&lock);
	n = ++count;
	snprintf(line, sizeof(line), "%ld %s\n", n, name);
	append("FAILIO_LOG", line, strlen(line));
	pthread_mutex_unlock(&lock);
	if (us)
		usleep((useconds_t)us);
	if (!at || n < at)
		return 0;
	if (n == at || (number("FAILIO_ON") && (full || err != ENOSPC)))
		return (int)err;
	return 0;
}

/* How many of len bytes at off there is room for, which is then taken. */
static uint64_t take(uint64_t off, uint64_t len)
{
	uint64_t disk = (uint64_t)number("FAILIO_DISK"), done = 0;

	if (!disk)
		return len;
	while (done < len) {
		uint64_t b = (off + done) / BLOCK, n = BLOCK - (off + done) % BLOCK;

		if (b >= BLOCKS)
			abort();
		if (!(taken[b / 8] >> b % 8 & 1)) {
			if (used + BLOCK > disk)
				break;
			used += BLOCK;
			taken[b / 8] |= (uint8_t)(1u << b % 8);
		}
		done += n < len - done ? n : len - done;
	}
	return done;
}

static void journal(char kind, uint64_t off, const void *data, uint64_t len)
{
	uint64_t head[3] = {(uint64_t)kind, off, len};

	if (!getenv("FAILIO_JOURNAL"))
		return;
	append("FAILIO_JOURNAL", head, sizeof(head));
	if (data)
		append("FAILIO_JOURNAL", data, (size_t)len);
}

static int fails(int err)
{
	errno = err;
	return err;
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t off)
{
	uint64_t room;
	ssize_t n;

	if (!is_under(fd, "FAILIO_OUT"))
		return REAL(pwrite64)(fd, data, len, off);
	if (fails(step("pwrite", 1)))
		return -1;
	room = take((uint64_t)off, len);
	if (!room && len && fails(ENOSPC))
		return -1;
	n = REAL(pwrite64)(fd, data, (size_t)room, off);
	if (n > 0)
		journal('w', (uint64_t)off, data, (uint64_t)n);
	return n;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t off)
{
	return pwrite64(fd, data, len, off);
}

ssize_t write(int fd, const void *data, size_t len)
{
	uint64_t off, room;
	ssize_t n;

	if (!is_under(fd, "FAILIO_OUT"))
		return REAL(write)(fd, data, len);
	if (fails(step("write", 1)))
		return -1;
	off = (uint64_t)lseek(fd, 0, SEEK_CUR);
	room = take(off, len);
	if (!room && len && fails(ENOSPC))
		return -1;
	n = REAL(write)(fd, data, (size_t)room);
	if (n > 0)
		journal('w', off, data, (uint64_t)n);
	return n;
}

int fallocate64(int fd, int mode, off64_t off, off64_t len)
{
	if (!is_under(fd, "FAILIO_OUT"))
		return REAL(fallocate64)(fd, mode, off, len);
	if (fails(step("fallocate", 1)))
		return -1;
	if (take((uint64_t)off, (uint64_t)len) < (uint64_t)len && fails(ENOSPC))
		return -1;
	journal('a', (uint64_t)off, NULL, (uint64_t)len);
	return REAL(fallocate64)(fd, mode, off, len);
}

int fallocate(int fd, int mode, off_t off, off_t len)
{
	return fallocate64(fd, mode, off, len);
}

int ftruncate64(int fd, off64_t len)
{
	if (!is_under(fd, "FAILIO_OUT"))
		return REAL(ftruncate64)(fd, len);
	if (fails(step("ftruncate", 0)))
		return -1;
	journal('t', (uint64_t)len, NULL, 0);
	return REAL(ftruncate64)(fd, len);
}

int ftruncate(int fd, off_t len)
{
	return ftruncate64(fd, len);
}

int fsync(int fd)
{
	if (!is_under(fd, "FAILIO_OUT"))
		return REAL(fsync)(fd);
	if (fails(step("fsync", 0)))
		return -1;
	journal('s', 0, NULL, 0);
	return REAL(fsync)(fd);
}

int fdatasync(int fd)
{
	if (!is_under(fd, "FAILIO_OUT"))
		return REAL(fdatasync)(fd);
	if (fails(step("fdatasync", 0)))
		return -1;
	journal('s', 0, NULL, 0);
	return REAL(fdatasync)(fd);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	if (!is_under(from_fd, "FAILIO_OUT"))
		return REAL(renameat2)(from_fd, from, to_fd, to, flags);
	if (fails(step("rename", 0)))
		return -1;
	journal('r', 0, to, strlen(to));
	return REAL(renameat2)(from_fd, from, to_fd, to, flags);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	if (!is_under(from_fd, "FAILIO_OUT"))
		return REAL(renameat)(from_fd, from, to_fd, to);
	if (fails(step("rename", 0)))
		return -1;
	journal('r', 0, to, strlen(to));
	return REAL(renameat)(from_fd, from, to_fd, to);
}

int openat64(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (flags & O_CREAT && is_under(dir, "FAILIO_OUT") && fails(step("create", 1)))
		return -1;
	return REAL(openat64)(dir, path, flags, mode);
}

ssize_t pread64(int fd, void *data, size_t len, off64_t off)
{
	const char *bad = getenv("FAILIO_BAD");
	unsigned long long start, end;

	if (bad && is_under(fd, "FAILIO_IN") && sscanf(bad, "%llu-%llu", &start, &end) == 2 &&
		(unsigned long long)off < end && (unsigned long long)off + len > start) {
		if ((unsigned long long)off >= start && fails(EIO))
			return -1;
		len = (size_t)(start - (unsigned long long)off); /* as devices do: up to it */
	}
	return REAL(pread64)(fd, data, len, off);
}

ssize_t pread(int fd, void *data, size_t len, off_t off)
{
	return pread64(fd, data, len, off);
}

int fstatfs64(int fd, struct statfs64 *ret)
{
	int err = REAL(fstatfs64)(fd, ret);

	if (!err && getenv("FAILIO_CUT") && is_under(fd, "FAILIO_IN"))
		ret->f_type = PROC_FS;
	return err;
}

void *mmap64(void *at, size_t len, int prot, int flags, int fd, off64_t off)
{
	void *p = REAL(mmap64)(at, len, prot, flags, fd, off);

	if (fd >= 0 && getenv("FAILIO_CUT") && is_under(fd, "FAILIO_IN") &&
		truncate64(getenv("FAILIO_IN"), number("FAILIO_CUT")))
		abort();
	return p;
}
