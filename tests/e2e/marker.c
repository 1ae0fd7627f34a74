// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plants a marker in the memory of the domain it runs in: one locked page, filled by the 64 bytes
 * given as 128 hex digits, whose pseudo-physical page number it prints. Stays alive, so that the
 * page stays its own. As init, where it has no arguments, it takes marker=DIGITS from the kernel's
 * command line, which the kernel makes an environment variable.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#define MARKER_LEN  64
#define PAGE_LEN    4096
#define PM_PRESENT  (1ULL << 63)
#define PM_PFN_MASK ((1ULL << 55) - 1)

static int hex_parse(const char *s, uint8_t *ret, size_t n)
{
	if (strlen(s) != 2 * n || strspn(s, "0123456789abcdef") != 2 * n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		char pair[3] = {s[2 * i], s[2 * i + 1], 0};
		ret[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint8_t marker[MARKER_LEN];
	uint64_t entry;
	const char *digits = argc == 2 ? argv[1] : getenv("marker");

	if (!digits || hex_parse(digits, marker, sizeof(marker))) {
		fprintf(stderr, "usage: marker %d-lower-case-hex-digits\n", 2 * MARKER_LEN);
		return 2;
	}
	if (getpid() == 1 && mount("proc", "/proc", "proc", 0, NULL)) {
		perror("marker: /proc");
		return 1;
	}
	uint8_t *page =
		mmap(NULL, PAGE_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || mlock(page, PAGE_LEN)) {
		perror("marker: page");
		return 1;
	}
	memcpy(page, marker, sizeof(marker));
	/* The argument is a second copy of the marker in memory, in other digits. */
	int fd = open("/proc/self/pagemap", O_RDONLY);
	off_t at = (off_t)((uintptr_t)page / PAGE_LEN * sizeof(entry));
	if (fd < 0 || pread(fd, &entry, sizeof(entry), at) != sizeof(entry)) {
		perror("marker: pagemap");
		return 1;
	}
	close(fd);
	if (!(entry & PM_PRESENT) || !(entry & PM_PFN_MASK)) {
		fprintf(stderr, "marker: page not present or number hidden: %#llx\n",
			(unsigned long long)entry);
		return 1;
	}
	printf("marker pfn %#llx\n", (unsigned long long)(entry & PM_PFN_MASK));
	fflush(stdout);
	for (;;)
		pause();
}
