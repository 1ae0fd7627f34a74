/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a core to a dump file: counts what there is, writes what is kept, and says what was done.
 * Memory is bounded at any size of the core. A page that cannot be read costs that page only; a
 * disk that is full, or a request to stop, leaves a valid dump marked incomplete.
 */
#ifndef VMCORE_SAVE_H
#define VMCORE_SAVE_H

#include <signal.h>

#include "vmcore/codec.h"
#include "vmcore/core.h"
#include "vmcore/filter.h"
#include "vmcore/notes.h"
#include "vmcore/small.h"

enum save_format { SAVE_KDUMP, SAVE_ELF };
enum save_phase { SAVE_COUNTING, SAVE_WRITING };

struct save_progress {
	enum save_phase phase;
	uint64_t done, total; /* pages: of the core, then of the dump */
	uint64_t written; /* bytes */
};

struct save_request {
	const char *path; /* "-": a stream */
	enum save_format format;
	bool flattened;
	enum codec codec;
	bool plain; /* no libdeflate: to compare */
	struct filter_request filter;
	unsigned parts; /* kdump: so many files PATH.1 ... PATH.N; 0: one file PATH */
	unsigned threads; /* each takes about 11 MiB; 0 is 1 */
	bool small; /* the small files beside the dump, too; not with a stream */
	bool dry_run; /* counts and estimates, and creates nothing */
	int64_t time; /* now, in seconds */
	const volatile sig_atomic_t *stop; /* set by a signal handler; may be NULL */
	void (*progress)(void *ctx, const struct save_progress *p); /* often; may be NULL */
	void (*notice)(void *ctx, const char *text); /* a warning, at once; may be NULL */
	void *ctx;
};

struct save_count {
	uint64_t pages; /* that the core describes */
	uint64_t found[PK_KINDS], kept[PK_KINDS]; /* by kind; kept: planned to be */
	uint64_t written; /* pages in the file; among them: */
	uint64_t zero, twins; /* twins: share the data of another page */
	uint64_t bad; /* kept by their kind, but not to be read */
	uint64_t first_bad; /* the number of the first of these */
	uint64_t missing; /* an earlier filter left them out */
};

/* Of the file, from a sample of its pages. */
struct save_estimate {
	uint64_t bytes;
	uint64_t kind[PK_KINDS]; /* bytes among them that are pages of this kind */
	uint64_t zero; /* pages */
};

struct save_result {
	struct save_count count;
	struct owner_pages *guests; /* by domain; those that have pages */
	size_t nr_guests;
	struct save_estimate estimate;
	uint64_t room; /* free bytes there; UINT64_MAX: not known */
	uint64_t bytes; /* written */
	unsigned threads;
	const char *compressor; /* a constant string */
	struct small_files small; /* which there are */
	bool filtered; /* as it was asked for */
	bool whole; /* it has all that can be read */
	char unfiltered_why[1200];
	char incomplete_why[2048];
};

#define SAVE_MAX_THREADS 64

/*
 * XK_OK: as asked for. XK_PARTIAL: a dump was written, but is incomplete, lacks pages that cannot be
 * read or was not filtered, or (dry_run) would not be. *ret is filled in both cases. Anything else: no dump; XK_IO, XK_NOMEM,
 * XK_UNSUPPORTED, XK_USAGE. *ret is to be deinitialised in any case.
 */
enum xk_status save_core(const struct core *c, const struct core_notes *n,
	const struct save_request *rq, struct save_result *ret, struct diag *d) _nonnull_;
void save_result_deinit(struct save_result *r) _nonnull_;

#endif
