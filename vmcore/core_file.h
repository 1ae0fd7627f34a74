/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What core*.c share: the private side of a core and of a reader. core.c offers pages and runs to
 * everyone and keeps what was read; core_elf.c and core_kdump.c know one format each.
 */
#ifndef VMCORE_CORE_FILE_H
#define VMCORE_CORE_FILE_H

#include "vmcore/core.h"
#include "vmcore/source.h"
#include "vmcore/spans.h"

/* Physical addresses of x86 have at most 52 bits (Intel SDM, MAXPHYADDR). */
#define CORE_MAX_ADDR (UINT64_C(1) << 52)

/* More notes than any machine makes: 404 bytes for each of 16384 CPUs, and what loaders add. */
#define CORE_MAX_NOTES (8 * MiB)

#define CORE_RUN_PAGES 256 /* the most that one core_run() gives */
#define CORE_SLOTS     128 /* single pages kept: page tables, list heads */

struct core_ops {
	/* Whole pages from pfn on that can be read at once, to `to`: how many, at most max. 0: try
	 * page(). */
	size_t (*run)(struct core_reader *r, uint64_t pfn, size_t max, uint8_t *to);
	enum page_state (*page)(struct core_reader *r, uint64_t pfn, uint8_t *to);
};

/* Of a core that is a view of another one, which its readers read by readers of their own. */
struct core_view {
	bool (*reader_init)(struct core_reader *r); /* sets r->under */
	void (*close)(struct core_view *v);
};

struct core_file {
	const struct core_ops *ops;
	struct source *src;
	size_t nr_src;
	struct spans *elf; /* by machine address; rank: enum span_kind, id: header */
	struct kdump *kdump;
	struct core_view *view; /* NULL: the file is the core */
};

struct core_reader {
	const struct core *core;
	struct source_view view;
	uint8_t *run; /* CORE_RUN_PAGES pages: run_nr of them are pages from run_pfn on */
	uint64_t run_pfn;
	size_t run_nr;
	uint64_t last; /* what core_page() was asked for last */
	uint8_t *slots; /* CORE_SLOTS pages */
	struct {
		uint64_t pfn; /* UINT64_MAX: unused */
		enum page_state state;
	} slot[CORE_SLOTS];
	struct kdump_reader *kdump;
	struct core_reader *under; /* of a view: reads what it is a view of */
};

/* Adds a finding; what is too much is counted out by the last one. Never fails. */
void core_problem(struct core *c, const char *fmt, ...) _printf_(2, 3) _nonnull_;

/* Take c->file->src apart: fill c and its file. On failure what they did is freed by core_close().
 * XK_BAD_INPUT, XK_UNSUPPORTED, XK_NOMEM. */
enum xk_status core_elf_open(struct core *c, struct diag *d) _nonnull_;
void core_elf_close(struct core_file *f) _nonnull_;
bool core_elf_is(struct bytes head);
enum xk_status core_kdump_open(struct core *c, struct diag *d) _nonnull_;
void core_kdump_close(struct core_file *f) _nonnull_;
bool core_kdump_is(struct bytes head);

#endif
