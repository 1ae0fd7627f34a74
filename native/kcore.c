// SPDX-License-Identifier: GPL-2.0-only
/* The head of /proc/kcore: an ELF core file whose notes hold VMCOREINFO since Linux 4.19. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/elfnote.h"
#include "native/probe.h"

#define MAX_NOTES (1u << 20) /* bytes; real ones have some tens of KiB */

struct phdrs {
	uint64_t off;
	uint32_t nr, size;
	unsigned bits;
};

/* All of len bytes at off. */
static bool read_at(int fd, uint64_t off, void *ret, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)ret + done, len - done, (off_t)(off + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (!n)
				errno = ENODATA;
			return false;
		}
		done += (size_t)n;
	}
	return true;
}

static enum xk_status parse_header(struct bytes b, struct phdrs *ret, struct diag *d)
{
	Elf64_Ehdr e64;
	Elf32_Ehdr e32;

	if (!bytes_has(b, 0, EI_NIDENT) || memcmp(b.data, ELFMAG, SELFMAG) ||
		b.data[EI_DATA] != ELFDATA2LSB)
		return diag_fail(d, XK_BAD_INPUT, "not a little-endian ELF file");
	if (b.data[EI_CLASS] == ELFCLASS64 && bytes_read(b, 0, &e64, sizeof(e64)))
		*ret = (struct phdrs){e64.e_phoff, e64.e_phnum, e64.e_phentsize, 64};
	else if (b.data[EI_CLASS] == ELFCLASS32 && bytes_read(b, 0, &e32, sizeof(e32)))
		*ret = (struct phdrs){e32.e_phoff, e32.e_phnum, e32.e_phentsize, 32};
	else
		return diag_fail(d, XK_BAD_INPUT, "unknown ELF class, or truncated");
	if (ret->size != (ret->bits == 64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) ||
		ret->off > INT32_MAX)
		return diag_fail(d, XK_BAD_INPUT, "absurd program headers");
	return XK_OK;
}

/* Program header i, of either class as a 64-bit one. */
static bool read_phdr(int fd, const struct phdrs *p, uint32_t i, Elf64_Phdr *ret)
{
	uint64_t at = p->off + (uint64_t)i * p->size;
	Elf32_Phdr p32;

	if (p->bits == 64)
		return read_at(fd, at, ret, sizeof(*ret));
	if (!read_at(fd, at, &p32, sizeof(p32)))
		return false;
	*ret = (Elf64_Phdr){.p_type = p32.p_type,
		.p_offset = p32.p_offset,
		.p_vaddr = p32.p_vaddr,
		.p_paddr = p32.p_paddr == UINT32_MAX ? KCORE_NO_PHYS : p32.p_paddr,
		.p_filesz = p32.p_filesz,
		.p_memsz = p32.p_memsz};
	return true;
}

/* Where the notes are; false when there are none. */
static bool find_notes(int fd, const struct phdrs *p, uint64_t *off, uint64_t *len)
{
	for (uint32_t i = 0; i < p->nr; i++) {
		Elf64_Phdr ph;

		if (read_phdr(fd, p, i, &ph) && ph.p_type == PT_NOTE) {
			*off = ph.p_offset;
			*len = ph.p_filesz;
			return true;
		}
	}
	return false;
}

static enum xk_status take_vmcoreinfo(struct bytes notes, struct buf *text, struct diag *d)
{
	struct elf_note n;
	uint64_t off = 0;
	int got;

	while ((got = elfnote_next(notes, &off, &n)) == 1) {
		if (!elfnote_is(&n, "VMCOREINFO", 0))
			continue;
		buf_append(text, n.desc.data, strnlen((const char *)n.desc.data, n.desc.len));
		return text->failed ? diag_fail(d, XK_NOMEM, "no memory for VMCOREINFO") : XK_OK;
	}
	return diag_fail(d, XK_BAD_INPUT,
		got < 0 ? "a note does not fit its segment"
			: "no VMCOREINFO note (Linux has it there since 4.19)");
}

static enum xk_status read_notes(int fd, const struct phdrs *p, struct buf *text, struct diag *d)
{
	_cleanup_(freep) uint8_t *data = NULL;
	uint64_t off, len;

	if (!find_notes(fd, p, &off, &len))
		return diag_fail(d, XK_BAD_INPUT, "no note segment");
	if (!len || len > MAX_NOTES || off > INT32_MAX)
		return diag_fail(d, XK_BAD_INPUT,
			"a note segment of %" PRIu64 " bytes at %#" PRIx64 " is absurd", len, off);
	data = malloc(len);
	if (!data)
		return diag_fail(d, XK_NOMEM, "no memory for the notes");
	if (!read_at(fd, off, data, len))
		return diag_fail(d, XK_IO, "reading the notes: %s", strerror(errno));
	return take_vmcoreinfo((struct bytes){data, len}, text, d);
}

/* The file with its headers found; *fd is -1 when it could not be opened. */
static enum xk_status open_kcore(
	const char *path, int *fd, unsigned *bits, struct phdrs *p, struct diag *d)
{
	uint8_t head[sizeof(Elf64_Ehdr)] = {0};
	enum xk_status st;

	*bits = 0;
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		return diag_fail(d, XK_IO, "%s", strerror(errno));
	if (!read_at(*fd, 0, head, sizeof(head)))
		return diag_fail(d, XK_IO, "reading the ELF header: %s", strerror(errno));
	st = parse_header((struct bytes){head, sizeof(head)}, p, d);
	if (!st)
		*bits = p->bits;
	return st;
}

static enum xk_status close_kcore(const char *path, int fd, enum xk_status st, struct diag *d)
{
	if (fd >= 0)
		close(fd);
	return st ? diag_prepend(d, "%s: ", path) : XK_OK;
}

enum xk_status native_kcore(const char *path, unsigned *bits, struct buf *text, struct diag *d)
{
	struct phdrs p = {0};
	int fd;
	enum xk_status st = open_kcore(path, &fd, bits, &p, d);

	if (!st)
		st = read_notes(fd, &p, text, d);
	return close_kcore(path, fd, st, d);
}

static enum xk_status read_loads(
	int fd, const struct phdrs *p, struct kcore_load **ret, size_t *ret_nr, struct diag *d)
{
	struct kcore_load *v = calloc(p->nr ? p->nr : 1, sizeof(*v));
	size_t nr = 0;

	if (!v)
		return diag_fail(d, XK_NOMEM, "no memory for the program headers");
	for (uint32_t i = 0; i < p->nr; i++) {
		Elf64_Phdr ph;

		if (!read_phdr(fd, p, i, &ph)) {
			free(v);
			return diag_fail(d, XK_BAD_INPUT,
				"only %" PRIu32 " of %" PRIu32 " program headers can be read", i,
				p->nr);
		}
		if (ph.p_type == PT_LOAD && ph.p_memsz)
			v[nr++] = (struct kcore_load){ph.p_vaddr, ph.p_paddr, ph.p_memsz};
	}
	*ret = v;
	*ret_nr = nr;
	return XK_OK;
}

enum xk_status native_kcore_loads(
	const char *path, unsigned *bits, struct kcore_load **ret, size_t *nr, struct diag *d)
{
	struct phdrs p = {0};
	int fd;
	enum xk_status st = open_kcore(path, &fd, bits, &p, d);

	if (!st)
		st = read_loads(fd, &p, ret, nr, d);
	return close_kcore(path, fd, st, d);
}
