/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frozen ABI of Xen's kexec operation, and the few numbers of other stable operations that
 * are used here. Own definitions, so that a build needs no Xen headers and a change of their
 * interface-version switch (which renames the load operation to its obsolete form) cannot reach
 * us. Layouts: Xen xen/include/public/kexec.h, version.h and memory.h, the same in 4.4 ... 4.22.
 *
 * unsigned long fields have the width of the calling domain's kernel, hence the _64 and _32
 * twins; everything else serves both, provided that the upper half of a pointer is zero.
 */
#ifndef XEN_ABI_H
#define XEN_ABI_H

#include "common/compiler.h"

/* Sub-operations of __HYPERVISOR_kexec_op. */
#define XEN_KEXEC_CMD_EXEC	0
#define XEN_KEXEC_CMD_GET_RANGE 3
#define XEN_KEXEC_CMD_LOAD	4 /* version 2 of it, since 4.4 */
#define XEN_KEXEC_CMD_UNLOAD	5 /* since 4.4 */
#define XEN_KEXEC_CMD_STATUS	6 /* since 4.9 */

#define XEN_KEXEC_TYPE_DEFAULT 0
#define XEN_KEXEC_TYPE_CRASH   1

#define XEN_KEXEC_RANGE_CRASH	   0
#define XEN_KEXEC_RANGE_XEN	   1
#define XEN_KEXEC_RANGE_CPU	   2
#define XEN_KEXEC_RANGE_VMCOREINFO 6

/* Xen refuses nr_segments >= 16 (KEXEC_SEGMENT_MAX), so 15 is the most. */
#define XEN_KEXEC_MAX_SEGMENTS 15

/* Sub-operations of __HYPERVISOR_xen_version and the sizes of what they write. */
#define XENVER_VERSION	    0 /* no buffer; returns major << 16 | minor */
#define XENVER_EXTRAVERSION 1
#define XENVER_COMPILE_INFO 2
#define XENVER_CAPABILITIES 3
#define XENVER_CHANGESET    4
#define XENVER_COMMANDLINE  9
#define XENVER_BUILD_ID	    10 /* since 4.7; returns the length */

#define XEN_EXTRAVERSION_LEN 16
#define XEN_CAPABILITIES_LEN 1024
#define XEN_CHANGESET_LEN    64
#define XEN_COMMANDLINE_LEN  1024

struct xen_compile_info {
	char compiler[64];
	char compile_by[16];
	char compile_domain[32];
	char compile_date[32];
};

struct xen_build_id {
	uint32_t len; /* room in buf */
	uint8_t buf[64];
};

/* One entry of XENMEM_machine_memory_map. */
struct xen_e820_entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type; /* enum mem_type */
} _packed_;

struct xen_kexec_exec {
	int32_t type;
};

struct xen_kexec_unload {
	uint8_t type;
};

struct xen_kexec_status {
	uint8_t type;
};

struct xen_kexec_range_64 {
	int32_t range;
	int32_t nr;
	uint64_t size;
	uint64_t start;
} _packed_;

struct xen_kexec_range_32 {
	int32_t range;
	int32_t nr;
	uint32_t size;
	uint32_t start;
} _packed_;

struct xen_kexec_segment {
	uint64_t buf; /* virtual address in the caller, all 64 bits; 0: only map it */
	uint64_t buf_size;
	uint64_t dest_maddr;
	uint64_t dest_size;
} _packed_;

struct xen_kexec_load {
	uint8_t type;
	uint8_t _pad;
	uint16_t arch; /* EM_386 or EM_X86_64 */
	uint32_t nr_segments;
	uint64_t segments; /* virtual address in the caller, all 64 bits */
	uint64_t entry_maddr;
} _packed_;

#define XEN_ABI_ASSERT(type, member, off) \
	_Static_assert(offsetof(struct type, member) == (off), #type "." #member)

_Static_assert(sizeof(struct xen_compile_info) == 144, "xen_compile_info");
_Static_assert(sizeof(struct xen_e820_entry) == 20, "xen_e820_entry");
_Static_assert(sizeof(struct xen_kexec_exec) == 4, "xen_kexec_exec");
_Static_assert(sizeof(struct xen_kexec_unload) == 1, "xen_kexec_unload");
_Static_assert(sizeof(struct xen_kexec_status) == 1, "xen_kexec_status");
_Static_assert(sizeof(struct xen_kexec_range_64) == 24, "xen_kexec_range, 64-bit kernel");
XEN_ABI_ASSERT(xen_kexec_range_64, size, 8);
XEN_ABI_ASSERT(xen_kexec_range_64, start, 16);
_Static_assert(sizeof(struct xen_kexec_range_32) == 16, "xen_kexec_range, 32-bit kernel");
XEN_ABI_ASSERT(xen_kexec_range_32, size, 8);
XEN_ABI_ASSERT(xen_kexec_range_32, start, 12);
_Static_assert(sizeof(struct xen_kexec_segment) == 32, "xen_kexec_segment");
XEN_ABI_ASSERT(xen_kexec_segment, buf_size, 8);
XEN_ABI_ASSERT(xen_kexec_segment, dest_maddr, 16);
XEN_ABI_ASSERT(xen_kexec_segment, dest_size, 24);
_Static_assert(sizeof(struct xen_kexec_load) == 24, "xen_kexec_load");
XEN_ABI_ASSERT(xen_kexec_load, arch, 2);
XEN_ABI_ASSERT(xen_kexec_load, nr_segments, 4);
XEN_ABI_ASSERT(xen_kexec_load, segments, 8);
XEN_ABI_ASSERT(xen_kexec_load, entry_maddr, 16);

#endif
