/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The register notes that Xen leaves for each CPU, and its VMCOREINFO note. The layout is that of
 * the hypervisor's width, never of the tool's, so the width is a parameter everywhere.
 *
 * Xen writes the headers when a CPU comes up and the registers only during the crash. A CPU that
 * did not answer has all-zero registers. CPU 0's buffer has one note more, also when CPU 0 is not
 * the one that crashed. Sources: Xen xen/common/kexec.c, xen/include/public/elfnote.h,
 * xen/include/xen/elfcore.h; x86_32 hypervisors ended with 4.2.
 */
#ifndef XEN_NOTES_H
#define XEN_NOTES_H

#include "common/bytes.h"
#include "common/diag.h"

#define XEN_NT_PRSTATUS	  1u /* name "CORE" */
#define XEN_NT_CRASH_INFO 0x01000001u /* name "Xen" */
#define XEN_NT_CRASH_REGS 0x01000002u /* name "Xen" */

#define XEN_MAX_REGS 27

/* Where one note lies in a buffer that Xen made: header offset, descriptor offset and size. */
struct xen_note_place {
	const char *name;
	uint32_t type, off, desc_off, descsz;
};

struct xen_note_layout {
	uint32_t bits; /* 64 or 32 */
	uint32_t word; /* bytes of an unsigned long */
	uint32_t size, size_cpu0; /* of a whole buffer */
	struct xen_note_place prstatus, crash_regs, crash_info; /* the last: CPU 0 only */
	uint32_t reg_off; /* of pr_reg in PRSTATUS */
	uint32_t nr_regs;
	const char *const *reg_names;
	uint32_t sp, ip, flags; /* indices of the useful ones */
};

/* NULL unless bits is 64 or 32. */
const struct xen_note_layout *xen_note_layout(unsigned bits);

/* The hypervisor width that a buffer of this size belongs to; 0 for a size Xen never used. */
unsigned xen_note_bits(uint64_t size, bool cpu0);

struct xen_crash_info {
	uint64_t major, minor;
	/* Machine addresses of C strings. */
	uint64_t extra_version, changeset, compiler, compile_date, compile_time;
	uint64_t tainted;
	bool has_phys_start, has_frame_list; /* older and other layouts lack them */
	uint64_t phys_start; /* machine address that Xen's virtual base maps to */
	/* MFN of the root of dom0's p2m list; 0 not set up, all ones invalid. */
	uint64_t frame_list;
};

struct xen_cpu_notes {
	bool has_regs, has_crs, has_info;
	bool saved; /* some register is not zero: the CPU answered */
	uint64_t regs[XEN_MAX_REGS]; /* in the order of the layout's reg_names */
	uint64_t cr0, cr2, cr3, cr4;
	struct xen_crash_info info;
};

/*
 * Reads the notes of one CPU. Unknown notes are skipped, known ones must have a known size.
 * XK_BAD_INPUT for a truncated or inconsistent buffer, or bits other than 64 and 32.
 */
enum xk_status xen_notes_parse(
	struct bytes b, unsigned bits, struct xen_cpu_notes *ret, struct diag *d) _nonnull_;

/* One CRASH_INFO descriptor alone: 8, 9 or 10 words. */
enum xk_status xen_crash_info_parse(
	struct bytes desc, unsigned bits, struct xen_crash_info *ret, struct diag *d) _nonnull_;

/* That the buffer is laid out exactly as a hypervisor of this width does it: same notes, same
 * places, same size. XK_BAD_INPUT naming the first difference. */
enum xk_status xen_notes_validate(
	struct bytes b, unsigned bits, bool cpu0, struct diag *d) _nonnull_;

/* The text of a VMCOREINFO_XEN note page, without its zero padding; borrowed from b. */
enum xk_status xen_vmcoreinfo_text(struct bytes b, struct bytes *ret, struct diag *d) _nonnull_;

#endif
