// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/factfile.h"
#include "common/number.h"
#include "native/sys.h"

/* i386 has no number for it; there is no call -1, so the kernel says ENOSYS. */
#ifndef SYS_kexec_file_load
#define SYS_kexec_file_load (-1)
#endif

static int real_kexec_load(
	void *ctx _unused_, uint64_t entry, size_t nr, const void *segs, uint32_t flags)
{
	return (int)syscall(SYS_kexec_load, (unsigned long)entry, (unsigned long)nr, segs,
		(unsigned long)flags);
}

static int real_kexec_file_load(void *ctx _unused_, int kernel_fd, int initrd_fd,
	const char *cmdline, size_t len, uint32_t flags)
{
	return (int)syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, (unsigned long)len, cmdline,
		(unsigned long)flags);
}

const struct native_sys native_sys_real = {
	.root = "",
	.long_bits = 8 * sizeof(long),
	.kexec_load = real_kexec_load,
	.kexec_file_load = real_kexec_file_load,
};

bool native_sys_number(const struct native_sys *s, const char *path, uint64_t *ret)
{
	_cleanup_(freep) char *text = NULL;
	struct host none;

	host_init(&none);
	text = factfile_text(&none, NULL, s->root, path);
	host_deinit(&none);
	if (text && text[0] == '-' && number_whole(text + 1, 10, UINT64_MAX, ret)) {
		*ret = UINT64_MAX;
		return true;
	}
	return text && number_whole(text, 10, UINT64_MAX, ret);
}

int native_sys_loaded(const struct native_sys *s)
{
	uint64_t n;

	return native_sys_number(s, "/sys/kernel/kexec_crash_loaded", &n) && n <= 1 ? (int)n : -1;
}

/* What a write asks for is done whatever kernel.sysrq says, which is for the keyboard: Linux
 * drivers/tty/sysrq.c, write_sysrq_trigger(), calls __handle_sysrq() without check_mask. */
int native_sys_panic(const struct native_sys *s)
{
	_cleanup_(freep) char *path = factfile_path(s->root, "/proc/sysrq-trigger");
	int fd = path ? open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY) : -1;
	int e;

	if (!path)
		return ENOMEM;
	if (fd < 0)
		return errno;
	e = write(fd, "c", 1) < 0 ? errno : 0;
	close(fd);
	return e;
}
