// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that a hypercall may read. Xen takes an address in this process and must find its page
 * there at once: it cannot wait for one to be swapped in, migrated back or copied after a fork.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xen/ctrl.h"

/* Since Linux 4.18; its pages never fault. Kernel memory, mapped here, zeroed. */
#define HYPERCALL_DEVICE "/dev/xen/hypercall"

static void *map_device(size_t len)
{
	int fd = open(HYPERCALL_DEVICE, O_RDWR | O_CLOEXEC);
	void *p;

	if (fd < 0)
		return MAP_FAILED;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd); /* the mapping holds its own reference */
	return p;
}

/* The second best: locked, not shared with children, and each page there before it is needed. */
static void *map_locked(size_t len)
{
	volatile uint8_t *touch;
	void *p = mmap(
		NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	int e;

	if (p == MAP_FAILED)
		return NULL;
	if (madvise(p, len, MADV_DONTFORK)) {
		e = errno;
		munmap(p, len);
		errno = e;
		return NULL;
	}
	touch = p;
	for (size_t i = 0; i < len; i += PAGE_SIZE_X86)
		touch[i] = 0;
	return p;
}

static bool pages(size_t len, size_t *ret)
{
	if (len > SIZE_MAX - PAGE_SIZE_X86)
		return false;
	*ret = (size_t)align_up(len ? len : 1, PAGE_SIZE_X86);
	return true;
}

static void *payload_alloc(void *ctx _unused_, size_t len)
{
	size_t size;
	void *p;

	if (!pages(len, &size)) {
		errno = ENOMEM;
		return NULL;
	}
	p = map_device(size);
	/* Some kernels limit the device to few pages per mapping. */
	return p != MAP_FAILED ? p : map_locked(size);
}

static void payload_release(void *ctx _unused_, void *p, size_t len)
{
	size_t size;

	if (p && pages(len, &size))
		munmap(p, size);
}

const struct payload_alloc xen_payload_alloc = {payload_alloc, payload_release, NULL};
