/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the kdump writer share; used by nobody else. */
#ifndef VMCORE_KDUMP_OUT_H
#define VMCORE_KDUMP_OUT_H

#include "vmcore/dump.h"
#include "vmcore/kdump.h"

#define KDUMP_BLOCK 4096u
/* Bytes of the second bitmap that are at hand at a time, and the pages of them: 128 MiB. */
#define KDUMP_BITS	 KDUMP_BLOCK
#define KDUMP_BITS_PAGES (UINT64_C(8) * KDUMP_BITS)
#define KDUMP_TABLE	 4096u /* descriptors at hand: 96 KiB */

struct kdump_layout {
	uint64_t sub_blocks, bitmap_blocks; /* the latter of one bitmap */
	uint64_t bitmap1, bitmap2, table; /* file offsets */
};

/* The file, or one of the parts. */
struct kdump_file {
	struct out *o;
	uint64_t start, end; /* pages */
	uint64_t room,
		descs; /* descriptors there is room for; that there are, written or at hand */
	uint64_t zero_page, data; /* file offsets; of the next page's data */
};

struct kdump_out {
	struct dump_writer w;
	const struct dump_head *h;
	struct kdump_layout at; /* the same in all parts */
	struct kdump_file *files;
	size_t nr_files, cur; /* cur: pages go there now */
	uint8_t *table; /* descriptors [table_at, table_at + nr_table) of cur */
	uint64_t table_at;
	size_t nr_table;
	bool table_dirty;
	uint8_t *bits; /* KDUMP_BITS of the second bitmap, from byte bits_at on */
	uint64_t bits_at;
	bool bits_dirty;
	bool second; /* the second pass */
	uint64_t before; /* second pass: descriptors of cur before those of `bits` */
	uint64_t holes; /* descriptors without a page yet */
	uint64_t *places; /* of pages that got a slot (twins.h) */
	bool torn; /* closing them has failed */
};

struct kdump_layout kdump_layout(const struct dump_head *h) _nonnull_;
uint32_t kdump_flag(enum codec c);
enum xk_status kdump_write_header(
	struct kdump_out *k, struct kdump_file *f, bool whole, struct diag *d) _nonnull_;
/* All that is there before the first page. */
enum xk_status kdump_begin(struct kdump_out *k, struct kdump_file *f, struct diag *d) _nonnull_;

/* Writes the descriptors at hand; then the bits at hand, in this order. */
enum xk_status kdump_flush_table(struct kdump_out *k, struct diag *d) _nonnull_;
enum xk_status kdump_flush_bits(struct kdump_out *k, struct diag *d) _nonnull_;
/* Brings descriptors from `first` on to hand, as many as fit. */
enum xk_status kdump_load_table(struct kdump_out *k, uint64_t first, struct diag *d) _nonnull_;
/* Brings the file and the piece of bitmap to hand that have this page. */
enum xk_status kdump_turn_to(struct kdump_out *k, uint64_t pfn, struct diag *d) _nonnull_;
/* One more descriptor, KP_LEN bytes, of a page in the piece at hand; flushes when there is no
 * room. */
enum xk_status kdump_append(
	struct kdump_out *k, uint64_t pfn, const uint8_t *desc, struct diag *d) _nonnull_;

/* Removes the holes: their bits and their descriptors. */
enum xk_status kdump_squeeze(struct kdump_out *k, struct diag *d) _nonnull_;

#endif
