// SPDX-License-Identifier: GPL-2.0-only
/* Kernels and initrds from files to memory, the other half of io.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/decompress.h"
#include "common/io.h"
#include "common/io_file.h"

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

enum xk_status payload_alloc_plain(uint64_t len, struct payload *ret, struct diag *d)
{
	return payload_init(ret, &payload_plain, len, d);
}

void payload_deinit(struct payload *p)
{
	if (p->data)
		p->alloc->release(p->alloc->ctx, p->data, p->size);
	memset(p, 0, sizeof(*p));
}

static enum xk_status io_seek(int fd, uint64_t off, struct diag *d)
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
	enum xk_status st = io_seek(fd, 0, d);

	if (st == XK_OK)
		st = io_read_some(fd, buf, size, &n, d);
	if (st != XK_OK)
		return st;
	if (n < size)
		return diag_fail(d, XK_IO,
			"shrank from %zu to %zu bytes while it was read; try again when nobody writes to it",
			size, n);
	st = io_read_some(fd, &extra, 1, &n, d);
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
	return io_read_some(*(int *)ctx, buf, cap, ret, d);
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
	st = io_seek(fd, size - want, d);
	if (st == XK_OK)
		st = io_read_some(fd, tail, want, &n, d);
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
			st = io_seek(fd, 0, d);
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

static enum xk_status read_whole(
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

/* The loadable parts of an ELF file, to their places; gaps stay zero. */
static enum xk_status read_elf(int fd, const struct elf_layout *l, const struct payload_alloc *a,
	struct payload *ret, struct diag *d)
{
	enum xk_status st = payload_init(ret, a, l->len, d);
	size_t n = 0;

	for (size_t i = 0; st == XK_OK && i < l->nr; i++) {
		const struct elf_piece *p = &l->v[i];

		st = io_seek(fd, p->off, d);
		if (st == XK_OK)
			st = io_read_some(fd, ret->data + p->dest, (size_t)p->len, &n, d);
		if (st == XK_OK && n < p->len)
			st = diag_fail(d, XK_IO,
				"shrank while it was read; try again when nobody writes to it");
	}
	ret->elf = *l;
	if (st != XK_OK)
		payload_deinit(ret);
	return st;
}

static enum xk_status read_plain(int fd, uint64_t size, struct bytes head,
	const struct payload_alloc *a, struct payload *ret, struct diag *d)
{
	struct elf_layout l;
	enum xk_status st;

	if (!elf_is(head))
		return read_whole(fd, size, a, ret, d);
	st = elf_layout(head, size, &l, d);
	return st ? st : read_elf(fd, &l, a, ret, d);
}

/* A compressed one was unpacked as it stands: lay it out in a second piece of memory. */
static enum xk_status lay_out_unpacked(
	struct payload *p, const struct payload_alloc *a, struct diag *d)
{
	struct bytes head = {p->data, (size_t)min_u64(p->len, ELF_HEAD)};
	struct payload flat;
	enum xk_status st;
	struct elf_layout l;

	if (!elf_is(head))
		return XK_OK;
	st = elf_layout(head, p->len, &l, d);
	if (st == XK_OK)
		st = payload_init(&flat, a, l.len, d);
	if (st == XK_OK) {
		for (size_t i = 0; i < l.nr; i++)
			memcpy(flat.data + l.v[i].dest, p->data + l.v[i].off, (size_t)l.v[i].len);
		flat.elf = l;
	}
	payload_deinit(p);
	if (st == XK_OK)
		*p = flat;
	return st;
}

enum xk_status payload_read_kernel(
	const char *path, const struct payload_alloc *a, struct payload *ret, struct diag *d)
{
	_cleanup_(io_closep) int fd = -1;
	_cleanup_(freep) uint8_t *head = malloc(ELF_HEAD);
	struct payload p = {0};
	enum compression c;
	enum xk_status st;
	uint64_t size = 0;
	size_t n = 0;

	if (!head)
		return diag_fail(d, XK_NOMEM, "out of memory");
	st = io_open_regular(path, &fd, &size, d);
	if (st == XK_OK)
		st = io_read_some(fd, head, ELF_HEAD, &n, d);
	if (st == XK_OK && n == 0)
		st = diag_fail(d, XK_BAD_INPUT, "is empty");
	if (st == XK_OK) {
		c = compression_detect((struct bytes){head, n});
		st = c == COMP_NONE ? read_plain(fd, size, (struct bytes){head, n}, a, &p, d)
				    : read_packed(fd, c, (struct bytes){head, n}, size, a, &p, d);
		if (st == XK_OK && c != COMP_NONE)
			st = lay_out_unpacked(&p, a, d);
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
		enum xk_status st = io_open_regular(paths[i], &f[i].fd, &f[i].size, d);

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
		io_closep(&f[i].fd);
	if (st != XK_OK)
		payload_deinit(&p);
	else
		*ret = p;
	return st;
}
