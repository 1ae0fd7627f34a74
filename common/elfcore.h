/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ELF header of the crash core, which the dump kernel reads at elfcorehdr= and shows as
 * /proc/vmcore. One builder for both classes; class and machine are the caller's decision and
 * follow the crashed hypervisor or kernel. Knows nothing of where the pieces come from.
 *
 * What the dump kernel accepts and does: Linux fs/proc/vmcore.c. It merges all PT_NOTEs into one
 * (each is read whole, up to its p_memsz), widens PT_LOADs to pages, keeps p_paddr and p_vaddr,
 * and does not know PN_XNUM.
 */
#ifndef XK_ELFCORE_H
#define XK_ELFCORE_H

#include <elf.h>

#include "common/bytes.h"
#include "common/diag.h"
#include "common/range.h"

/* e_phnum is 16 bits and 0xffff is PN_XNUM. */
#define CORE_MAX_PHDRS 0xfffe

/* The dump kernel reads each PT_NOTE to memory from kmalloc(), which gives no more. */
#define CORE_MAX_NOTE (4 * MiB)

struct core_note {
	maddr_t addr; /* where the note lies; becomes p_offset and p_paddr */
	uint64_t size;
};

struct core_load {
	struct range mem; /* machine addresses described: p_paddr, p_filesz, p_memsz */
	maddr_t content; /* where that content lies after the crash: p_offset */
	vaddr_t virt; /* p_vaddr; 0: none that means anything */
};

struct core_spec {
	uint16_t machine; /* EM_X86_64 or EM_386 */
	uint8_t class; /* ELFCLASS64 or ELFCLASS32 */
	struct core_note *notes;
	size_t nr_notes, cap_notes;
	struct core_load *loads;
	size_t nr_loads, cap_loads;
};

/* False only for want of memory. */
bool core_add_note(struct core_spec *s, maddr_t addr, uint64_t size) _must_check_ _nonnull_;
bool core_add_load(struct core_spec *s, struct range mem, maddr_t content,
	vaddr_t virt) _must_check_ _nonnull_;
void core_spec_deinit(struct core_spec *s) _nonnull_;

/* Bytes that core_build() will append for this many program headers. */
size_t core_header_size(uint8_t class, size_t nr_phdrs);

/*
 * Appends the header to *ret. XK_UNSUPPORTED when there are more than CORE_MAX_PHDRS headers or,
 * with ELFCLASS32, when some address does not fit 32 bits.
 */
enum xk_status core_build(const struct core_spec *s, struct buf *ret, struct diag *d) _nonnull_;

/* Takes a header apart again, trusting nothing: what the dump kernel will see. */
enum xk_status core_parse(struct bytes header, struct core_spec *ret, struct diag *d) _nonnull_;

#endif
