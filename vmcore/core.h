/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A core as bytes by physical address: the machine's under Xen, the kernel's natively. Opens ELF
 * (/proc/vmcore too), kdump-compressed, flattened and split files. Reads untrusted files: whatever
 * is wrong with one is a finding in `problems` or a state of a page, and only a file from which
 * nothing at all can be read is refused. Decides nothing about what a page is for.
 */
#ifndef VMCORE_CORE_H
#define VMCORE_CORE_H

#include "common/bytes.h"
#include "common/diag.h"
#include "common/range.h"

#define CORE_PAGE 4096u /* x86; the kdump formats allow others, which are refused */

enum core_format { CORE_ELF, CORE_KDUMP };

enum page_state {
	PAGE_DATA, /* *page is its content */
	PAGE_HOLE, /* the core does not describe this address as memory */
	PAGE_EXCLUDED, /* memory that an earlier filter left out of this file */
	PAGE_BAD, /* described, but its bytes cannot be had: EIO, truncated, does not decompress */
};

/* How the file describes one stretch of memory (an ELF PT_LOAD; kdump files have none). */
struct core_load {
	struct range mem;
	vaddr_t virt; /* p_vaddr as it stands: may be nonsense under Xen */
};

#define CORE_MAX_PROBLEMS 16

struct core {
	enum core_format format;
	bool flattened, incomplete; /* incomplete: its writer said so */
	uint8_t class; /* ELFCLASS of an ELF core; kdump: ELFCLASS64 */
	uint16_t machine; /* e_machine as it stands; kdump: from its utsname, EM_NONE unknown */
	uint32_t e_flags;
	char uts_release[65], uts_version[65], uts_machine[65]; /* kdump header; may be empty */
	struct range_list ram; /* what it describes, sorted, merged, type MEM_RAM */
	struct core_load *loads; /* in file order */
	size_t nr_loads;
	uint64_t max_pfn; /* one beyond the last page of ram */
	struct buf notes; /* all ELF notes, verbatim, in file order */
	size_t nr_problems;
	char *problems[CORE_MAX_PROBLEMS]; /* what was wrong with the file, for people; owned */
	struct core_file *file; /* private to core*.c */
};

/* `paths`: one file, or the parts of a split dump in any order. "-" is standard input, which must be
 * a file and no pipe. XK_IO, XK_BAD_INPUT (nothing can be read), XK_UNSUPPORTED (not a core of x86). */
enum xk_status core_open(
	const char *const *paths, size_t nr, struct core *ret, struct diag *d) _nonnull_;
/* The same from bytes, for tests and fuzzers: the file's content. */
enum xk_status core_open_bytes(struct bytes file, struct core *ret, struct diag *d) _nonnull_;
void core_close(struct core *c) _nonnull_;

/*
 * Reading. A reader holds its own windows and buffers (at most CORE_READER_MEMORY bytes), so each
 * thread has one; the core itself is not changed by reading. Never fatal: a SIGBUS of a mapped
 * /proc/vmcore page is PAGE_BAD.
 */
#define CORE_READER_MEMORY (6u << 20)
struct core_reader;
struct core_reader *core_reader_create(const struct core *c) _nonnull_; /* NULL: no memory */
void core_reader_destroy(struct core_reader *r);

/* One page; *page is valid until the next call with this reader. */
enum page_state core_page(struct core_reader *r, uint64_t pfn, const uint8_t **page) _nonnull_;

/* Up to max pages that lie together: the number n of pages from pfn on that are PAGE_DATA and of
 * which *data points to n * CORE_PAGE bytes; 0: ask core_page() for the first one's state. */
size_t core_run(struct core_reader *r, uint64_t pfn, size_t max, const uint8_t **data) _nonnull_;

/* Bytes across pages; false when one of them is not PAGE_DATA. */
bool core_read(struct core_reader *r, maddr_t at, void *ret, size_t len) _must_check_ _nonnull_;
bool core_read64(struct core_reader *r, maddr_t at, uint64_t *ret) _must_check_ _nonnull_;

#endif
