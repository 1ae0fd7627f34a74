/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The writers: what a dump file says of itself and its pages, in ascending order, go in; a file by
 * way of struct out comes out. They never read the core and never judge a page.
 */
#ifndef VMCORE_DUMP_H
#define VMCORE_DUMP_H

#include "common/bytes.h"
#include "common/diag.h"
#include "common/range.h"
#include "vmcore/codec.h"
#include "vmcore/out.h"

#define DUMP_CHUNK 256u /* pages that travel together */

/* struct dump_chunk.size: the page is not in the file. 0: it is and all its bytes are zero. */
#define DUMP_NONE UINT16_MAX
/* In the first of two passes: the page's data may come with the second. */
#define DUMP_LATER (UINT16_MAX - 1)
/* The same bytes as the page that got this page's slot, which was written earlier. Only for kdump. */
#define DUMP_TWIN (UINT16_MAX - 2)

struct dump_chunk {
	uint64_t pfn; /* of the first page */
	unsigned nr; /* <= DUMP_CHUNK */
	uint16_t size[DUMP_CHUNK]; /* of each page's data; CODEC_PAGE: stored as it is */
	uint32_t slot[DUMP_CHUNK]; /* of pages with data, and of twins: see twins.h */
	uint8_t *data; /* of all pages, without gaps */
	size_t len;
};

/* As in struct core, which it may be borrowed from. */
struct dump_load {
	struct range mem;
	vaddr_t virt;
};

/* One file of a split dump. */
#define DUMP_MAX_PARTS 64
struct dump_part {
	uint64_t start, end; /* pages; no chunk crosses a border */
	uint64_t planned; /* as in dump_head */
};

/* Everything is borrowed until the writer is destroyed. */
struct dump_head {
	enum codec codec;
	uint16_t machine; /* EM_X86_64 or EM_386 */
	uint32_t e_flags;
	struct bytes notes; /* all ELF notes, verbatim */
	struct bytes vmcoreinfo; /* the Linux kernel's, within notes; or empty */
	const char *release, *version, *uts_machine; /* empty: not known */
	unsigned nr_cpus;
	unsigned level;
	uint64_t phys_base;
	int64_t time; /* seconds, when the dump was taken */
	const struct range_list *ram; /* what the core describes, sorted, merged */
	uint64_t max_pfn;
	const struct dump_load *loads; /* ELF: for the virtual addresses */
	size_t nr_loads;
	uint64_t planned; /* at most so many pages will be in the file */
	const struct dump_part *parts; /* kdump: ascending, up to max_pfn without a gap */
	size_t nr_parts; /* 0: not split */
	const struct range *runs; /* ELF: in which runs they lie; page aligned, ascending */
	size_t nr_runs;
};

/* A writer. `chunk` and `finish` return XK_IO when the file cannot be written. After a failure of
 * `chunk`, that chunk is not in the file, and `finish` with false may still make a valid one. */
struct dump_writer {
	enum xk_status (*chunk)(struct dump_writer *w, const struct dump_chunk *c, struct diag *d);
	/* All pages were given that come first; chunks begin anew. Not for flattened files. NULL: the
	 * format has pages in their order only. */
	enum xk_status (*again)(struct dump_writer *w, struct diag *d);
	/* Writes what was kept back and the final header, marked incomplete unless `whole`. */
	enum xk_status (*finish)(struct dump_writer *w, bool whole, struct diag *d);
	void (*destroy)(struct dump_writer *w);
	uint64_t pages; /* that are in the file; among them: */
	uint64_t zero_pages, twin_pages;
};

/* Each writes the tables that come first and reserves room for those that grow. o is borrowed; for
 * kdump it is one for each part. XK_NOMEM, XK_IO, or XK_UNSUPPORTED when the format cannot describe this. */
enum xk_status kdump_create(const struct dump_head *h, struct out *const *o,
	struct dump_writer **ret, struct diag *d) _nonnull_;
enum xk_status elf_create(const struct dump_head *h, struct out *o, struct dump_writer **ret,
	struct diag *d) _nonnull_;

/* Bytes that the file has beside the pages' data; for an estimate. */
uint64_t kdump_overhead(const struct dump_head *h) _nonnull_;
uint64_t elf_overhead(const struct dump_head *h) _nonnull_;

#endif
