/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The probed facts of one machine, as a plain value. Probes (xen/, native/) fill it, facts.c
 * writes it as text and reads it back, the planner reads it. Nothing in here decides anything,
 * and nothing is asked of the system after it was filled.
 *
 * A fact that could not be had is left at its empty value (NULL, 0, an empty range) and, where
 * the probe tried, has an entry in `gaps` with the reason.
 */
#ifndef XK_HOST_H
#define XK_HOST_H

#include "common/bytes.h"
#include "common/diag.h"
#include "common/range.h"

enum hypervisor { HV_NONE, HV_XEN };

/* What this kernel is to the hypervisor. */
enum guest_type { GUEST_NONE, GUEST_PV, GUEST_PVH, GUEST_HVM, GUEST_UNKNOWN };

enum cpu_note_state {
	CPU_NOTE_PRESENT, /* r is the buffer */
	CPU_NOTE_EMPTY, /* the hypervisor has no buffer for this CPU number */
	CPU_NOTE_ERANGE, /* it has one above 4 GiB that a 32-bit caller cannot be told of */
	CPU_NOTE_ERROR, /* asking failed; a gap entry says how */
};

struct cpu_note {
	uint32_t cpu;
	enum cpu_note_state state;
	struct range r; /* machine address of the note buffer */
};

struct fact_gap {
	char *fact;
	char *reason;
};

struct host {
	enum hypervisor hypervisor;
	enum guest_type guest;
	bool control_domain; /* dom0, or whoever may load a crash kernel */

	struct {
		uint32_t major, minor; /* 4.17 is 4, 17 */
		uint32_t bits; /* 64 or 32, from the capabilities; 0 unknown */
		char *extra; /* ".7 (Debian ...)" */
		char *changeset;
		char *compiler;
		char *compile_date;
		char *capabilities;
		char *cmdline;
		char *build_id; /* lower-case hex */
		struct range image; /* machine addresses of the running hypervisor */
		vaddr_t image_virt; /* virtual address of image.start; 0 unknown */
		struct range vmcoreinfo; /* VMCOREINFO_XEN, header included */
		/* Symbols in nm format ("ffff82d040200000 T _start\n"), zlib-compressed by the
		 * probe so that every plan made of these facts is the same to the byte. */
		struct buf symbols_z;
		uint32_t symbols_len; /* before compression */
	} xen;

	struct { /* the kernel that runs the tool: dom0's, or the native one */
		uint32_t bits; /* width of the kernel, not of this tool; 0 unknown */
		char *release; /* uname -r */
		char *version; /* uname -v */
		char *machine; /* as the kernel has it, whatever personality the tool runs in */
		char *cmdline;
		char *build_id; /* lower-case hex */
		struct range vmcoreinfo; /* machine addresses of the note, header included */
		struct buf vmcoreinfo_text; /* its text, where /proc/kcore gave it */
		/* The rest without a hypervisor only. */
		struct range image; /* physical addresses, from its code to the end of its bss */
		vaddr_t image_virt; /* that maps image.start; KASLR included. 0 unknown */
		vaddr_t page_offset; /* of the direct map: maps physical address 0; 0 unknown */
		bool crash_hotplug; /* can keep a loaded elfcorehdr current */
		uint32_t elfcorehdr_size; /* bytes of room it wants for that; 0 unknown */
	} kernel;

	struct range_list memory; /* machine memory map, as the firmware gave it */
	struct range_list crash; /* memory reserved for crash kernels (type MEM_RAM) */
	struct cpu_note *cpu_notes;
	size_t nr_cpu_notes;

	bool cpu_long_mode; /* the processor can run 64-bit kernels */
	bool efi;
	/* What a kernel that was not started by the firmware needs to use it: without a hypervisor
	 * only. struct efi_memory_desc is in common/efi.h. */
	struct buf efi_runtime_map; /* struct efi_memory_desc entries, as the kernel mapped them */
	struct buf efi_info; /* 32 bytes, as in boot_params */
	maddr_t efi_fw_vendor, efi_config_table, efi_smbios; /* physical; 0 unknown */
	maddr_t rsdp; /* ACPI root pointer; 0 unknown */
	struct buf screen_info; /* 64 bytes, as in boot_params */
	struct buf edd; /* struct edd_info entries, as in boot_params */

	struct fact_gap *gaps;
	size_t nr_gaps;
};

void host_init(struct host *h) _nonnull_;
void host_deinit(struct host *h) _nonnull_;

/* Records why `fact` is missing. A second reason for one fact is ignored: the first is closest
 * to the cause. False only for want of memory. */
bool host_gap(struct host *h, const char *fact, const char *fmt, ...) _printf_(3, 4) _nonnull_;

/* The recorded reason, or NULL. Borrowed from h. */
const char *host_gap_reason(const struct host *h, const char *fact) _nonnull_;

/* Width of what crashes and enters the dump kernel: the hypervisor, or without one the kernel. */
static inline uint32_t host_crash_bits(const struct host *h)
{
	return h->hypervisor == HV_XEN ? h->xen.bits : h->kernel.bits;
}

/* True when the processor is known to run no 64-bit kernel. Not known is not the same. */
static inline bool host_lacks_long_mode(const struct host *h)
{
	return !h->cpu_long_mode && !host_gap_reason(h, "cpu.long-mode");
}

/* False only for want of memory. */
bool host_add_cpu_note(struct host *h, uint32_t cpu, enum cpu_note_state state,
	struct range r) _must_check_ _nonnull_;

/*
 * The facts as text: one "key = value" a line, '#' comments; format in doc/facts.md.
 * facts_read() accepts what facts_write() wrote and gives an equal value; unknown keys are
 * errors, so that a typing mistake in a hand-made file is found. The file is untrusted: bad
 * input gives XK_BAD_INPUT naming `name`, the line and the key.
 */
enum xk_status facts_write(const struct host *h, struct buf *ret, struct diag *d) _nonnull_;
enum xk_status facts_read(
	struct bytes text, const char *name, struct host *ret, struct diag *d) _nonnull_;

/* True when every fact and every gap is the same. */
bool host_equal(const struct host *a, const struct host *b) _nonnull_;

#endif
