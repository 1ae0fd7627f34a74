// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/reexec.h"

#define NAME "xenkdump-x86_64"

enum reexec_why reexec_to_ask(unsigned bits, const struct host *h)
{
	/* A guest that is not dom0 makes no hypercall either way, and is told so. */
	return bits == 32 && h->kernel.bits == 64 && h->hypervisor == HV_XEN && h->control_domain
		       ? REEXEC_XEN
		       : REEXEC_NO;
}

enum reexec_why reexec_to_load(unsigned bits, const struct host *h)
{
	maddr_t end = 0;

	if (bits != 32 || h->kernel.bits != 64 || h->hypervisor != HV_NONE)
		return REEXEC_NO;
	for (size_t i = 0; i < h->crash.nr; i++)
		if (!range_empty(h->crash.v[i].r))
			end = max_u64(end, h->crash.v[i].r.end);
	return end > 4 * GiB ? REEXEC_HIGH : REEXEC_NO;
}

void reexec_candidates(const char *self, char *ret[REEXEC_CANDIDATES])
{
	const char *slash = strrchr(self, '/');

	memset(ret, 0, REEXEC_CANDIDATES * sizeof(*ret));
	if (slash && asprintf(&ret[0], "%.*s/" NAME, (int)(slash - self), self) < 0)
		ret[0] = NULL;
	ret[1] = strdup(XENKDUMP_LIBEXEC "/" NAME);
	ret[2] = strdup("/usr/local/sbin/xenkdump");
	ret[3] = strdup("/usr/sbin/xenkdump");
	ret[4] = strdup("/sbin/xenkdump");
}

/* NULL when it is a program of this width; else what is wrong. */
static const char *check_elf(int fd, uint64_t size, bool *narrow)
{
	Elf64_Ehdr e;
	ssize_t n = pread(fd, &e, sizeof(e), 0);

	*narrow = n >= EI_NIDENT && !memcmp(e.e_ident, ELFMAG, SELFMAG) &&
		  e.e_ident[EI_CLASS] == ELFCLASS32;
	if (n != (ssize_t)sizeof(e) || memcmp(e.e_ident, ELFMAG, SELFMAG))
		return "no ELF file";
	if (e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_ident[EI_DATA] != ELFDATA2LSB ||
		e.e_machine != EM_X86_64)
		return "no x86_64 ELF file";
	if ((e.e_type != ET_EXEC && e.e_type != ET_DYN) || e.e_version != EV_CURRENT || !e.e_entry)
		return "no program";
	if (e.e_phentsize != sizeof(Elf64_Phdr) || !e.e_phnum || e.e_phoff > size ||
		(uint64_t)e.e_phnum * sizeof(Elf64_Phdr) > size - e.e_phoff)
		return "cut off";
	return NULL;
}

static const char *check_owner(const struct stat *st)
{
	if (st->st_uid)
		return "not owned by root";
	return st->st_mode & (S_IWGRP | S_IWOTH) ? "writable by others than root" : NULL;
}

int reexec_open(const char *path, bool root, struct diag *d)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *wrong = NULL;
	bool narrow = false;
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return -1;
	if (fd < 0 || fstat(fd, &st))
		wrong = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		wrong = "no regular file";
	else if (root)
		wrong = check_owner(&st);
	if (!wrong)
		wrong = check_elf(fd, (uint64_t)st.st_size, &narrow);
	if (!wrong)
		return fd;
	if (!narrow)
		diag_fail(d, XK_UNSUPPORTED, "%s is %s", path, wrong);
	if (fd >= 0)
		close(fd);
	return -1;
}

static void explain(enum reexec_why why, const char *passed_over, struct diag *d)
{
	diag_fail(d, XK_UNSUPPORTED, "%s: install the x86_64 build of xenkdump, as %s or %s%s%s",
		why == REEXEC_XEN
			? "this is a 32-bit program, and cannot make hypercalls under a 64-bit dom0 "
			  "kernel (its privcmd device answers ENOTTY)"
			: "this is a 32-bit program, and the crash region ends above 4 GiB, where "
			  "Linux takes no addresses from one",
		"/usr/sbin/xenkdump", XENKDUMP_LIBEXEC "/" NAME,
		passed_over[0] ? "; not used: " : "", passed_over);
}

/* The reason why a file was not used, of the first such file: the one that was meant. */
static void pass_over(const struct diag *one, char *ret, size_t len)
{
	if (one->text[0] && !ret[0])
		snprintf(ret, len, "%.500s", one->text);
}

enum xk_status reexec_one_of(enum reexec_why why, char *const paths[REEXEC_CANDIDATES],
	char *const *argv, struct diag *d)
{
	char passed_over[512] = "";

	for (size_t i = 0; i < REEXEC_CANDIDATES; i++) {
		struct diag one;
		int fd;

		diag_init(&one);
		fd = paths[i] ? reexec_open(paths[i], !geteuid(), &one) : -1;
		if (fd >= 0) {
			/* The file that was checked, whatever has its name by now. */
			fexecve(fd, argv, environ);
			diag_fail(&one, XK_IO, "%s cannot be run: %s", paths[i], strerror(errno));
			close(fd);
		}
		pass_over(&one, passed_over, sizeof(passed_over));
	}
	explain(why, passed_over, d);
	return XK_UNSUPPORTED;
}

enum xk_status reexec_if(enum reexec_why why, char *const *argv, struct diag *d)
{
	char self[512], *paths[REEXEC_CANDIDATES];
	enum xk_status st;
	ssize_t n;

	if (why == REEXEC_NO)
		return XK_OK;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	reexec_candidates(self, paths);
	st = reexec_one_of(why, paths, argv, d);
	for (size_t i = 0; i < REEXEC_CANDIDATES; i++)
		free(paths[i]);
	return st;
}
