// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies /proc/vmcore to a disk whose content is zeros, in windows by mmap and without the zeros.
 * read() maps and unmaps each page for itself in the kernel, which takes minutes for a few GiB
 * under emulation; this takes seconds.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW (64u << 20)
#define BLOCK  (64u << 10)

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int all_zero(const unsigned char *p, size_t len)
{
	const uint64_t *w = (const void *)p;

	for (; len >= 32; len -= 32, w += 4)
		if (w[0] | w[1] | w[2] | w[3])
			return 0;
	for (p = (const void *)w; len; len--)
		if (*p++)
			return 0;
	return 1;
}

static void write_all(int fd, const unsigned char *p, size_t len, off_t at)
{
	while (len) {
		ssize_t n = pwrite(fd, p, len, at);

		if (n <= 0)
			die("write");
		p += n;
		len -= (size_t)n;
		at += n;
	}
}

int main(int argc, char **argv)
{
	unsigned long long written = 0;
	struct stat st;
	int in, out;

	if (argc != 3)
		return 2;
	in = open(argv[1], O_RDONLY);
	out = open(argv[2], O_WRONLY);
	if (in < 0 || out < 0 || fstat(in, &st))
		die("open");
	for (off_t at = 0; at < st.st_size; at += WINDOW) {
		size_t len = st.st_size - at < WINDOW ? (size_t)(st.st_size - at) : WINDOW;
		unsigned char *map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, in, at);

		if (map == MAP_FAILED)
			die("mmap");
		for (size_t off = 0; off < len; off += BLOCK) {
			size_t n = len - off < BLOCK ? len - off : BLOCK;

			if (all_zero(map + off, n))
				continue;
			write_all(out, map + off, n, at + (off_t)off);
			written += n;
		}
		munmap(map, len);
	}
	if (fsync(out))
		die("fsync");
	printf("copied %llu bytes, %llu of them not zero\n", (unsigned long long)st.st_size, written);
	return 0;
}
