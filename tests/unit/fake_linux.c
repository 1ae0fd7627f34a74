// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/fake_linux.h"

#define PAGE	 4096u
#define MAX_SEGS 16

struct fake_seg {
	uint64_t buf, bufsz, mem, memsz;
};

static int refuse(int e)
{
	errno = e;
	return -1;
}

void fake_linux_publish(struct fake_linux *f)
{
	scratch_text(&f->dir, "/sys/kernel/kexec_crash_loaded", f->loaded ? "1\n" : "0\n");
}

static int unload(struct fake_linux *f)
{
	f->loaded = false;
	fake_linux_publish(f);
	return 0;
}

static int finish(struct fake_linux *f, uint64_t entry, uint32_t flags)
{
	f->loaded = true;
	f->image = ++f->next_image;
	f->entry = entry;
	f->flags = flags;
	fake_linux_publish(f);
	if (f->after_load)
		f->after_load(f->after_ctx);
	return 0;
}

/* What comes before the old image is given up: kexec_load_check() and the system call itself. */
static int load_check(const struct fake_linux *f, size_t nr, uint32_t flags)
{
	uint32_t known = 1 | 2 | (f->has_hotplug ? 4 | 8 : 0), arch = flags >> 16;
	uint32_t own = f->bits == 64 ? 62 : 3;

	if (!f->has_load)
		return ENOSYS;
	if (f->locked_down)
		return EPERM;
	if (flags & 0xffff & ~known || nr > MAX_SEGS)
		return EINVAL;
	if (f->caller_bits == f->bits && arch != own && arch)
		return EINVAL;
	if (f->caller_bits != f->bits && !arch)
		return EINVAL;
	return f->fail_early;
}

static void take_segs(const struct fake_linux *f, size_t nr, const void *segs, struct fake_seg *to)
{
	const uint32_t *narrow = segs;
	const uint64_t *wide = segs;

	for (size_t i = 0; i < nr; i++) {
		if (f->caller_bits == 32)
			to[i] = (struct fake_seg){narrow[4 * i], narrow[4 * i + 1],
				narrow[4 * i + 2], narrow[4 * i + 3]};
		else
			to[i] = (struct fake_seg){
				wide[4 * i], wide[4 * i + 1], wide[4 * i + 2], wide[4 * i + 3]};
	}
}

/* sanity_check_segment_list(), for a crash image. */
static int check_segs(
	const struct fake_linux *f, uint64_t entry, size_t nr, const struct fake_seg *s)
{
	if (entry < f->crash.start || entry >= f->crash.end)
		return EADDRNOTAVAIL;
	for (size_t i = 0; i < nr; i++) {
		uint64_t end = s[i].mem + s[i].memsz;

		if (end < s[i].mem || s[i].mem % PAGE || end % PAGE)
			return EADDRNOTAVAIL;
		if (s[i].mem < f->crash.start || end > f->crash.end)
			return EADDRNOTAVAIL;
		for (size_t j = 0; j < i; j++)
			if (s[j].mem < end && s[i].mem < s[j].mem + s[j].memsz)
				return EINVAL;
		if (s[i].bufsz > s[i].memsz)
			return EINVAL;
	}
	return f->fail_late;
}

static int fake_kexec_load(void *ctx, uint64_t entry, size_t nr, const void *segs, uint32_t flags)
{
	struct fake_linux *f = ctx;
	struct fake_seg s[MAX_SEGS];
	int e = load_check(f, nr, flags);

	f->load_calls++;
	if (e)
		return refuse(e);
	if (!(flags & 1))
		abort(); /* that would be a reboot's image */
	if (!nr)
		return unload(f);
	unload(f);
	take_segs(f, nr, segs, s);
	e = check_segs(f, entry, nr, s);
	if (e)
		return refuse(e);
	for (size_t i = 0; i < nr; i++) {
		uint8_t *to = f->memory + (s[i].mem - f->crash.start);

		if (s[i].bufsz)
			memcpy(to, (const void *)(uintptr_t)s[i].buf, (size_t)s[i].bufsz);
		memset(to + s[i].bufsz, 0, (size_t)(s[i].memsz - s[i].bufsz));
	}
	return finish(f, entry, flags);
}

static int read_file(int fd, uint8_t *head, size_t *len, uint64_t *ino)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return EINVAL;
	*ino = st.st_ino;
	*len = (size_t)st.st_size;
	return pread(fd, head, 64, 0) < 0 ? errno : 0;
}

static int fake_kexec_file_load(
	void *ctx, int kernel_fd, int initrd_fd, const char *cmdline, size_t len, uint32_t flags)
{
	struct fake_linux *f = ctx;
	int e = 0;

	f->file_calls++;
	if (!f->has_file || f->caller_bits == 32)
		return refuse(ENOSYS);
	if (flags & ~7u)
		return refuse(EINVAL);
	if (f->fail_early)
		return refuse(f->fail_early);
	if (!(flags & 2))
		abort();
	if (flags & 1)
		return unload(f);
	unload(f);
	f->kernel_len = f->initrd_len = 0;
	e = read_file(kernel_fd, f->kernel, &f->kernel_len, &f->kernel_ino);
	/* arch_kexec_kernel_image_probe() */
	if (!e && memcmp(f->kernel, "kernel", 6))
		e = ENOEXEC;
	if (!e && f->locked_down && !f->signed_kernel)
		e = EPERM;
	if (!e && !(flags & 4))
		e = read_file(initrd_fd, f->initrd, &f->initrd_len, &f->initrd_ino);
	if (!e && (!len || cmdline[len - 1] || len > sizeof(f->cmdline)))
		e = EINVAL;
	if (!e)
		e = f->fail_late;
	if (e)
		return refuse(e);
	memcpy(f->cmdline, cmdline, len);
	return finish(f, 0, flags);
}

void fake_linux_init(struct fake_linux *f, struct range crash)
{
	char size[32];

	memset(f, 0, sizeof(*f));
	f->bits = f->caller_bits = 64;
	f->has_load = f->has_file = true;
	f->crash = crash;
	f->memory = calloc(1, (size_t)range_size(crash));
	scratch_init(&f->dir);
	f->sys = (struct native_sys){
		.root = f->dir.path,
		.long_bits = 64,
		.ctx = f,
		.kexec_load = fake_kexec_load,
		.kexec_file_load = fake_kexec_file_load,
	};
	fake_linux_publish(f);
	snprintf(size, sizeof(size), "%llu\n", (unsigned long long)range_size(crash));
	scratch_text(&f->dir, "/sys/kernel/kexec_crash_size", size);
	scratch_text(&f->dir, "/proc/sys/kernel/kexec_load_disabled", "0\n");
	scratch_text(&f->dir, "/proc/sys/kernel/kexec_load_limit_panic", "-1\n");
	scratch_text(&f->dir, "/proc/sys/kernel/random/boot_id", "11111111-2222\n");
}

void fake_linux_deinit(struct fake_linux *f)
{
	scratch_deinit(&f->dir);
	free(f->memory);
}
