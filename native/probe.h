/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Facts of the running Linux, which is dom0's kernel under Xen and the machine's own otherwise.
 * Knows nothing of hypervisors: addresses are what this kernel calls physical.
 */
#ifndef NATIVE_PROBE_H
#define NATIVE_PROBE_H

#include "common/host.h"

/* Where to ask. Tests give a tree of fixtures and no functions. */
struct native_probe_env {
	const char *root; /* in front of every path; "" on a real host */
	unsigned process_bits; /* width of this program */
	/* uname's machine, asked so that no personality hides the kernel's own; NULL: do not. */
	bool (*machine)(char *ret, size_t len);
	bool (*cpu_long_mode)(void); /* asks the processor; NULL: do not */
};

extern const struct native_probe_env native_probe_real;

/* What is true under a hypervisor too: fills kernel.*, cpu_long_mode, efi, rsdp, screen_info and
 * edd, with gaps for what could not be had. Fails only for want of memory. */
enum xk_status native_probe(
	const struct native_probe_env *env, struct host *h, struct diag *d) _nonnull_;

/*
 * Width of the kernel. A 64-bit program proves 64. Otherwise the kernel's own word for its
 * machine decides, unless /proc/kcore's class (0: unknown) contradicts: uname's machine is what a
 * 32-bit personality makes it. 0 when nothing says it. machine may be NULL.
 */
unsigned native_kernel_bits(unsigned process_bits, const char *machine, unsigned kcore_bits);

/* Checks a GNU build-id among ELF notes (/sys/kernel/notes); its lower-case hex, for the caller
 * to free, or NULL. */
char *native_build_id(struct bytes notes);

/* Finds an ACPI root pointer with a right checksum in the BIOS area that starts at base. 0: none. */
maddr_t native_scan_rsdp(struct bytes area, maddr_t base);

/* Width by the class of an ELF core file (/proc/kcore), and its VMCOREINFO note's text appended to
 * *text. *bits stays 0 when the file cannot even be read. XK_IO, XK_BAD_INPUT. */
enum xk_status native_kcore(
	const char *path, unsigned *bits, struct buf *text, struct diag *d) _nonnull_;

/* A PT_LOAD of /proc/kcore. Before Linux 4.11 phys is 0; since then it is KCORE_NO_PHYS for what is
 * neither RAM nor the kernel's image. */
struct kcore_load {
	vaddr_t virt;
	maddr_t phys;
	uint64_t size;
};
#define KCORE_NO_PHYS UINT64_MAX

/* Its PT_LOADs, for the caller to free, and its class. XK_IO, XK_BAD_INPUT, XK_NOMEM. */
enum xk_status native_kcore_loads(const char *path, unsigned *bits, struct kcore_load **ret,
	size_t *nr, struct diag *d) _nonnull_;

/* The rest, where no hypervisor is below: memory, crash, cpu_notes, efi_* and those of kernel.*
 * that hold for the machine's own kernel. After native_probe(). Fails only for want of memory. */
enum xk_status native_machine_probe(
	const struct native_probe_env *env, struct host *h, struct diag *d) _nonnull_;

#endif
