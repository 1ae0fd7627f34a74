/* SPDX-License-Identifier: GPL-2.0-only */
/* What core_kdump.c (opening) and kdump_page.c (reading) share. */
#ifndef VMCORE_CORE_KDUMP_H
#define VMCORE_CORE_KDUMP_H

#include "vmcore/core_file.h"
#include "vmcore/kdump.h"

/* One file of a set; its pages are [start, end). */
struct kdump_part {
	const struct source *src;
	uint32_t version, status;
	bool split;
	uint64_t start, end, max_pfn;
	uint64_t map_ram, map_here, descs; /* offsets in the file */
	uint64_t note_off, note_size, info_off, info_size; /* VMCOREINFO may lie in the notes */
	/* How many descriptors precede each stretch of 1 << stretch_shift pages. */
	uint64_t *ranks;
	size_t nr_ranks;
	unsigned stretch_shift;
};

struct kdump {
	struct kdump_part *part; /* by start; each page belongs to the first that has it */
	size_t nr;
};

#define KDUMP_MAP_BYTES 4096 /* what is read of a bitmap at once: 32768 pages, 128 MiB */
#define KDUMP_MAP_PAGES (KDUMP_MAP_BYTES * 8u)

/* The bytes of a bitmap for the KDUMP_MAP_PAGES pages from pfn on; what cannot be read is zero. */
bool kdump_map_read(const struct kdump_part *p, struct source_view *v, uint64_t map, uint64_t pfn,
	uint8_t *ret) _nonnull_;
/* Clears the bits of pages before start in such bytes. */
void kdump_map_from(uint8_t *map, uint64_t pfn, uint64_t start) _nonnull_;
unsigned kdump_popcount(const uint8_t *map, size_t bytes) _nonnull_;

extern const struct core_ops kdump_ops;

/* What a reader keeps; false: no memory. */
bool kdump_reader_init(struct core_reader *r) _must_check_ _nonnull_;
void kdump_reader_deinit(struct core_reader *r) _nonnull_;

/* Decoders of one reader. */
struct decoders;
struct decoders *decoders_create(void);
void decoders_destroy(struct decoders *d);
/* One page of exactly CORE_PAGE bytes; false: damaged, or no library for it. */
bool decode_page(struct decoders *d, uint32_t flags, const uint8_t *data, size_t len,
	uint8_t *to) _must_check_ _nonnull_;
/* The library that pages of this flag need and that is not there; NULL: all is there. */
const char *decoder_missing(uint32_t flags);

#endif
