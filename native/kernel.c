// SPDX-License-Identifier: GPL-2.0-only
#include <cpuid.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/elfnote.h"
#include "common/factfile.h"
#include "native/firmware.h"
#include "native/probe.h"

#define GNU_BUILD_ID 3 /* note type, name "GNU" */

/*
 * A 32-bit personality makes uname say i686 on any kernel, and UNAME26 changes the release too.
 * Both are per thread and can be put back.
 */
static bool real_machine(char *ret, size_t len)
{
	int old = personality(0xffffffff);
	struct utsname u;
	bool ok;

	if (old != -1)
		personality(PER_LINUX);
	ok = !uname(&u);
	if (old != -1)
		personality((unsigned long)old);
	if (ok)
		snprintf(ret, len, "%s", u.machine);
	return ok;
}

/* Not from /proc/cpuinfo: that is what the kernel made of it. */
static bool real_long_mode(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(0x80000001, &a, &b, &c, &d) && (d & bit_LM);
}

const struct native_probe_env native_probe_real = {
	.root = "",
	.process_bits = 8 * sizeof(void *),
	.machine = real_machine,
	.cpu_long_mode = real_long_mode,
};

unsigned native_kernel_bits(unsigned process_bits, const char *machine, unsigned kcore_bits)
{
	bool x86_32 = machine && machine[0] == 'i' && machine[1] >= '3' && machine[1] <= '6' &&
		      !strcmp(machine + 2, "86");

	if (process_bits == 64 || kcore_bits == 64)
		return 64;
	if (machine && !strcmp(machine, "x86_64"))
		return 64;
	if (x86_32)
		return 32;
	return kcore_bits;
}

char *native_build_id(struct bytes notes)
{
	static const char hex[] = "0123456789abcdef";
	struct elf_note n;
	uint64_t off = 0;
	char *ret;

	while (elfnote_next(notes, &off, &n) == 1) {
		if (!elfnote_is(&n, "GNU", GNU_BUILD_ID) || !n.desc.len || n.desc.len > 64)
			continue;
		ret = calloc(1, 2 * n.desc.len + 1);
		for (size_t i = 0; ret && i < n.desc.len; i++) {
			ret[2 * i] = hex[n.desc.data[i] >> 4];
			ret[2 * i + 1] = hex[n.desc.data[i] & 15];
		}
		return ret;
	}
	return NULL;
}

static void probe_machine(const struct native_probe_env *env, struct host *h, unsigned kcore_bits)
{
	char machine[65];

	/* Since Linux 6.1, and no personality touches it. */
	h->kernel.machine = factfile_text(h, NULL, env->root, "/proc/sys/kernel/arch");
	if (!h->kernel.machine && env->machine && env->machine(machine, sizeof(machine)))
		h->kernel.machine = strdup(machine);
	h->kernel.bits = native_kernel_bits(env->process_bits, h->kernel.machine, kcore_bits);
	/* uname lied although the personality was put back: kcore knows better. */
	if (h->kernel.bits == 64 && h->kernel.machine && h->kernel.machine[0] == 'i') {
		free(h->kernel.machine);
		h->kernel.machine = strdup("x86_64");
	}
	if (!h->kernel.machine)
		host_gap(h, "kernel.machine",
			"neither /proc/sys/kernel/arch nor uname tells the machine");
	if (!h->kernel.bits)
		host_gap(h, "kernel.bits",
			"neither this program, the kernel's machine name (%s) nor /proc/kcore "
			"tells the kernel's width",
			h->kernel.machine ? h->kernel.machine : "unknown");
}

static void probe_build_id(const struct native_probe_env *env, struct host *h)
{
	struct buf notes = {0};

	if (factfile_read(h, "kernel.build-id", env->root, "/sys/kernel/notes", 1u << 20, &notes)) {
		h->kernel.build_id = native_build_id(buf_bytes(&notes));
		if (!h->kernel.build_id)
			host_gap(h, "kernel.build-id", "no GNU build-id in /sys/kernel/notes");
	}
	buf_deinit(&notes);
}

/* "address size", both hexadecimal, the first with 0x on newer kernels. */
static void probe_vmcoreinfo(const struct native_probe_env *env, struct host *h)
{
	_cleanup_(freep) char *s =
		factfile_text(h, "kernel.vmcoreinfo", env->root, "/sys/kernel/vmcoreinfo");
	unsigned long long start, size;
	struct range r;
	char *end;

	if (!s)
		return;
	errno = 0;
	start = strtoull(s, &end, 16);
	size = *end == ' ' ? strtoull(end + 1, &end, 16) : 0;
	if (errno || *end || !start || !size || size > MiB || !range_make(start, size, &r))
		host_gap(h, "kernel.vmcoreinfo",
			"/sys/kernel/vmcoreinfo says \"%.40s\", not an address and a size", s);
	else
		h->kernel.vmcoreinfo = r;
}

enum xk_status native_probe(const struct native_probe_env *env, struct host *h, struct diag *d)
{
	_cleanup_(freep) char *kcore = factfile_path(env->root, "/proc/kcore");
	unsigned kcore_bits = 0;
	struct diag why;

	if (!kcore)
		return diag_fail(d, XK_NOMEM, "no memory for the facts");
	diag_init(&why);
	if (native_kcore(kcore, &kcore_bits, &h->kernel.vmcoreinfo_text, &why))
		host_gap(h, "kernel.vmcoreinfo-text", "%s", why.text);
	probe_machine(env, h, kcore_bits);
	h->kernel.release =
		factfile_text(h, "kernel.release", env->root, "/proc/sys/kernel/osrelease");
	h->kernel.version =
		factfile_text(h, "kernel.version", env->root, "/proc/sys/kernel/version");
	h->kernel.cmdline = factfile_text(h, "kernel.command-line", env->root, "/proc/cmdline");
	probe_build_id(env, h);
	probe_vmcoreinfo(env, h);
	native_firmware(env->root, h);
	if (env->cpu_long_mode)
		h->cpu_long_mode = env->cpu_long_mode();
	else
		host_gap(h, "cpu.long-mode", "the processor was not asked");
	return XK_OK;
}
