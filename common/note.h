/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ELF notes that the loader itself adds to a core: a copy of dom0's VMCOREINFO and the XENKDUMP
 * note. The latter's format is described in doc/xenkdump-note.md; readers that do not know it
 * skip it by its name.
 */
#ifndef XK_NOTE_H
#define XK_NOTE_H

#include "common/bytes.h"
#include "common/diag.h"
#include "common/host.h"

#define XKN_NAME "XENKDUMP"
/* n_type; another number would be another format. Far from NT_PRSTATUS and its like, since some
 * readers go by the number alone. */
#define XKN_TYPE    0x584b0001u
#define XKN_MAGIC   0x4e444b58u /* "XKDN" */
#define XKN_VERSION 1

/* The whole note, header included. Linux copies notes with kmalloc and takes up to 4 MiB; a
 * symbol table larger than fits is left out. */
#define XKN_MAX_SIZE (1u << 20)

/* The descriptor: one of these, then nr_records records. */
struct xkn_header {
	uint32_t magic;
	uint16_t version; /* readers accept higher ones: records are only added */
	uint16_t header_size;
	uint32_t total_size; /* of the descriptor */
	uint32_t crc; /* CRC-32 (zlib's) of everything after this header */
	uint32_t nr_records;
	uint32_t _reserved;
};

enum xkn_tag {
	XKN_FACTS = 1, /* facts text (doc/facts.md) without the symbols, zlib */
	XKN_SYMBOLS = 2, /* hypervisor symbols, nm text, zlib */
	XKN_MAP = 3, /* struct xkn_map[]: what lies where in the crash region */
	XKN_TOOL = 4, /* name and version of the loader, text */
};

/* Followed by `size` bytes, padded with zeros to a multiple of 8. */
struct xkn_record {
	uint32_t tag;
	uint32_t size;
	uint64_t raw_size; /* of zlib data: the size when unpacked; else the same as size */
};

struct xkn_map {
	uint32_t kind; /* enum seg_kind of common/plan.h; UINT32_MAX: the region itself */
	uint32_t flags; /* 1: the dump kernel was told not to use it */
	uint64_t start, end; /* machine addresses, half-open */
};

#define XKN_MAP_REGION UINT32_MAX

_Static_assert(sizeof(struct xkn_header) == 24, "the note's header is a file format");
_Static_assert(sizeof(struct xkn_record) == 16, "the note's record is a file format");
_Static_assert(sizeof(struct xkn_map) == 24, "the note's map is a file format");

/* Appends one ELF note: header, name, descriptor, padded as both classes have it (4 bytes). */
void note_append(struct buf *b, const char *name, uint32_t type, struct bytes desc) _nonnull_;

/*
 * Appends the XENKDUMP note with room for nr_map map entries, all zero, and 12 zero bytes after
 * it, where a reader that looks for a further note finds an empty header. *map_off is the offset
 * of the entries from b's first byte; xkn_set_map() fills them once the plan knows them. *dropped
 * has bit 1 << tag for each record that did not fit XKN_MAX_SIZE.
 */
enum xk_status xkn_append(const struct host *h, size_t nr_map, struct buf *b, size_t *map_off,
	unsigned *dropped, struct diag *d) _nonnull_;
void xkn_set_map(uint8_t *map, const struct xkn_map *entries, size_t nr) _nonnull_;

/* Finishes the note at `note` (its ELF header): computes the descriptor's CRC. */
void xkn_seal(uint8_t *note) _nonnull_;

#endif
