/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A dump file as bytes by offset, whatever it is: /proc/vmcore, a regular file or bytes in memory,
 * as they stand or in flattened form. Knows nothing of what the bytes mean.
 *
 * A regular file is read by pread(): the page cache is its window, an error is a return value, and
 * it is as fast as a copy from a mapping. /proc/vmcore maps and unmaps each page for a read(), so
 * there windows are mapped, 4 MiB at once, and copied from under a guard (guard.h); when the
 * kernel refuses to map, read() remains.
 */
#ifndef VMCORE_SOURCE_H
#define VMCORE_SOURCE_H

#include "common/bytes.h"
#include "common/diag.h"

#define SOURCE_WINDOW  (4u << 20)
#define SOURCE_WINDOWS 4

struct flat;

struct source {
	char *name; /* for messages */
	int fd; /* -1: bytes */
	struct bytes mem;
	uint64_t file_size;
	uint64_t size; /* of the content: of a flattened file, of what it unfolds to */
	bool map; /* by mapped windows; the guard is ours */
	struct flat *flat; /* NULL: as it stands */
};

/* A record of a flattened file that was found, to go on from. */
struct flat_cursor {
	const struct flat *flat; /* NULL: unused */
	uint32_t stretch;
	uint64_t off, size; /* in what it unfolds to */
	uint64_t pos; /* of the record in the file */
	unsigned used;
};
#define FLAT_CURSORS 4

/* What one thread needs for reading: mapped windows, the least recently used one goes first. */
struct source_view {
	struct {
		const struct source *src;
		uint8_t *p;
		uint64_t off;
		size_t len;
		unsigned used;
	} w[SOURCE_WINDOWS];
	unsigned clock;
	struct flat_cursor flat[FLAT_CURSORS];
	unsigned flat_clock;
	bool refused; /* the first try to map failed: not tried again */
};

enum source_way { SOURCE_AUTO, SOURCE_READ, SOURCE_MAP };

/* XK_IO, XK_NOMEM; d names the file. "-" is standard input, which must be a file too. */
enum xk_status source_open(
	const char *path, enum source_way way, struct source *ret, struct diag *d) _nonnull_;
enum xk_status source_bytes(struct bytes b, struct source *ret, struct diag *d) _nonnull_;
void source_close(struct source *s) _nonnull_;

/* Copies what can be had of len bytes at off, up to the first that cannot (the end of the file, an
 * error, a bad page): how many that is. */
size_t source_read(const struct source *s, struct source_view *v, uint64_t off, void *ret,
	size_t len) _must_check_ _nonnull_;
/* All of it, or false. */
bool source_get(const struct source *s, struct source_view *v, uint64_t off, void *ret,
	size_t len) _must_check_ _nonnull_;
/* The same of the file as it stands, whether flattened or not. */
size_t source_read_file(const struct source *s, struct source_view *v, uint64_t off, void *ret,
	size_t len) _must_check_ _nonnull_;

void source_view_deinit(struct source_view *v) _nonnull_;

#endif
