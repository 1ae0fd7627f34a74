// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmcopy FROM TO: copies a core to a disk that reads as zeros, leaving out what is zero.
 *
 * read() of /proc/vmcore maps each page on its own, which an emulated CPU does at 30 MB/s; mapped
 * windows are many times faster. What cannot be mapped is read. Knows nothing of the format.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW ((size_t)8 << 20)
#define BLOCK  ((size_t)64 << 10)

static int all_zero(const uint8_t *p, size_t n)
{
	/* Compared with itself one byte on: no second buffer, and libc's fastest loop. */
	return !n || (!p[0] && !memcmp(p, p + 1, n - 1));
}

static int put(int fd, const uint8_t *p, size_t n, off_t at, uint64_t *written)
{
	for (size_t done = 0; done < n;) {
		size_t len = n - done < BLOCK ? n - done : BLOCK;

		if (!all_zero(p + done, len)) {
			if (pwrite(fd, p + done, len, at + (off_t)done) != (ssize_t)len) {
				perror("vmcopy: write");
				return -1;
			}
			*written += len;
		}
		done += len;
	}
	return 0;
}

static int get(int fd, uint8_t *p, size_t n, off_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(fd, p + done, n - done, at + (off_t)done);

		if (got <= 0) {
			perror("vmcopy: read");
			return -1;
		}
		done += (size_t)got;
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint8_t *buf = malloc(WINDOW);
	uint64_t written = 0, mapped = 0;
	struct stat st;

	if (argc != 3 || !buf)
		return 2;
	int in = open(argv[1], O_RDONLY), out = open(argv[2], O_WRONLY);
	if (in < 0 || out < 0 || fstat(in, &st)) {
		perror("vmcopy: open");
		return 1;
	}
	for (off_t at = 0; at < st.st_size; at += (off_t)WINDOW) {
		size_t n = st.st_size - at < (off_t)WINDOW ? (size_t)(st.st_size - at) : WINDOW;
		uint8_t *map = mmap(NULL, n, PROT_READ, MAP_PRIVATE, in, at);
		int bad;

		if (map != MAP_FAILED) {
			bad = put(out, map, n, at, &written);
			munmap(map, n);
			mapped += n;
		} else {
			bad = get(in, buf, n, at) || put(out, buf, n, at, &written);
		}
		if (bad)
			return 1;
	}
	if (fsync(out)) {
		perror("vmcopy: fsync");
		return 1;
	}
	printf("vmcopy: %llu bytes, %llu mapped, %llu written\n", (unsigned long long)st.st_size,
		(unsigned long long)mapped, (unsigned long long)written);
	return 0;
}
