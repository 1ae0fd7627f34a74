/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a 32-bit PV guest on a 64-bit Xen needs of Xen's ABI, as such a guest sees it: every pointer
 * and every "unsigned long" is 4 bytes. Own definitions, not those of xen/abi.h: what judges the
 * loader shares nothing with it.
 *
 * Facts: Xen's public headers xen.h, arch-x86/xen-x86_32.h, elfnote.h, version.h, memory.h, kexec.h,
 * platform.h, sched.h (4.17).
 */
#ifndef DOM0_32_ABI_H
#define DOM0_32_ABI_H

#define VIRT_BASE 0xc0000000 /* where pseudo-physical page 0 is mapped; our choice */
#define PAGE_LEN  4096

/* Notes of a PV kernel's ELF file. */
#define XEN_ELFNOTE_ENTRY	       1
#define XEN_ELFNOTE_HYPERCALL_PAGE     2
#define XEN_ELFNOTE_VIRT_BASE	       3
#define XEN_ELFNOTE_PADDR_OFFSET       4
#define XEN_ELFNOTE_XEN_VERSION	       5
#define XEN_ELFNOTE_GUEST_OS	       6
#define XEN_ELFNOTE_GUEST_VERSION      7
#define XEN_ELFNOTE_LOADER	       8
#define XEN_ELFNOTE_PAE_MODE	       9
#define XEN_ELFNOTE_FEATURES	       10
#define XEN_ELFNOTE_SUPPORTED_FEATURES 17

#define XENFEAT_PAE_PGDIR_ABOVE_4GB (1 << 4)
#define XENFEAT_DOM0		    (1 << 11)

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

#define HYPERCALL_PLATFORM_OP	    7
#define HYPERCALL_MEMORY_OP	    12
#define HYPERCALL_UPDATE_VA_MAPPING 14
#define HYPERCALL_XEN_VERSION	    17
#define HYPERCALL_CONSOLE_IO	    18
#define HYPERCALL_SCHED_OP	    29
#define HYPERCALL_KEXEC_OP	    37

#define CONSOLEIO_WRITE 0

#define SCHEDOP_SHUTDOWN 2
#define SHUTDOWN_REBOOT	 1
#define SHUTDOWN_CRASH	 3

#define UVMF_INVLPG 2
#define PTE_RW_DATA 0x63 /* present, writable, accessed, dirty */

#define ERR_ERANGE 34

struct start_info {
	char magic[32];
	uint32_t nr_pages;
	uint32_t shared_info; /* machine address */
	uint32_t flags;
	uint32_t store_mfn, store_evtchn;
	uint32_t console_off, console_size;
	uint32_t pt_base, nr_pt_frames;
	uint32_t mfn_list; /* virtual address of the p2m list */
	uint32_t mod_start, mod_len;
	char cmd_line[1024];
};

/* The shared info page: vCPUs and event channels come first, then the clock. */
struct shared_info {
	uint8_t _pad[2316];
	uint32_t max_pfn;
	uint32_t frame_list_list;
};

#define XENVER_VERSION	    0
#define XENVER_EXTRAVERSION 1
#define XENVER_COMPILE_INFO 2
#define XENVER_CAPABILITIES 3
#define XENVER_CHANGESET    4
#define XENVER_COMMANDLINE  9
#define XENVER_BUILD_ID	    10

struct compile_info {
	char compiler[64];
	char by[16];
	char domain[32];
	char date[32];
};

struct build_id {
	uint32_t len;
	uint8_t buf[64];
};

#define XENMEM_MACHINE_MEMORY_MAP 10

struct memory_map {
	uint32_t nr_entries;
	uint32_t buffer;
};

struct e820_entry {
	uint64_t addr, size;
	uint32_t type;
} __attribute__((packed));

/* How many physical processors there are: Linux's xen_cpu folders in sysfs come from it. */
#define XENPF_INTERFACE_VERSION 0x03000001
#define XENPF_GET_CPUINFO	55

struct pcpuinfo {
	uint32_t cmd, interface_version;
	uint32_t xen_cpuid, max_present, flags, apic_id, acpi_id;
	uint8_t _pad[128 - 20];
};

#define KEXEC_CMD_GET_RANGE 3
#define KEXEC_CMD_LOAD	    4
#define KEXEC_CMD_UNLOAD    5
#define KEXEC_CMD_STATUS    6
#define KEXEC_TYPE_CRASH    1

#define KEXEC_RANGE_CRASH      0
#define KEXEC_RANGE_XEN	       1
#define KEXEC_RANGE_CPU	       2
#define KEXEC_RANGE_VMCOREINFO 6
#define KEXEC_MAX_SEGMENTS     15

struct kexec_range {
	int32_t range, nr;
	uint32_t size, start;
};

struct kexec_segment {
	uint64_t buf; /* a virtual address, all 64 bits of it */
	uint64_t buf_size;
	uint64_t dest, dest_size;
};

struct kexec_load {
	uint8_t type, _pad;
	uint16_t arch;
	uint32_t nr_segments;
	uint64_t segments;
	uint64_t entry;
};

struct kexec_type {
	uint8_t type;
};

_Static_assert(offsetof(struct start_info, mfn_list) == 68, "start_info.mfn_list");
_Static_assert(offsetof(struct start_info, cmd_line) == 80, "start_info.cmd_line");
_Static_assert(sizeof(struct e820_entry) == 20, "e820_entry");
_Static_assert(sizeof(struct pcpuinfo) == 136, "xen_platform_op");
_Static_assert(sizeof(struct kexec_segment) == 32, "kexec_segment");
_Static_assert(sizeof(struct kexec_load) == 24, "kexec_load");
#endif

#endif
