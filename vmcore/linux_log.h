/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The whole log of a Linux kernel, native or dom0's, by its VMCOREINFO alone. Three kinds of ring:
 * descriptors and text apart (5.10 and later), records in one buffer (3.5 to 5.9), characters
 * (before). Everything in them is untrusted: what makes no sense is skipped and said, a walk ends
 * after as many steps as the ring has places, and memory is bounded.
 */
#ifndef VMCORE_LINUX_LOG_H
#define VMCORE_LINUX_LOG_H

#include "vmcore/xlat.h"

#define LINUX_LOG_TEXT (64u << 10) /* of one record at most; lengths have 16 bits */
#define LINUX_LOG_MAX  (16u << 20) /* of a larger ring the last so many bytes of text are read */

struct linux_log_record {
	uint64_t seq; /* from 0 at boot; with have_seq */
	uint64_t time; /* ns since boot; with have_time, else it is part of the text */
	uint32_t caller; /* a pid, or with bit 31 a CPU; with have_caller; 0 also: not recorded */
	uint8_t facility, level; /* of syslog; with have_level */
	bool have_seq, have_time, have_caller, have_level;
	bool cut; /* the record says that its text was longer */
	struct bytes text; /* raw, several lines possibly, no newline at its end; may be empty */
};

struct linux_log_sink {
	/* The text is valid during the call. False: no more. */
	bool (*record)(void *ctx, const struct linux_log_record *rec);
	/* Here nr records (0: it is not known how many) are missing; why is for people. */
	void (*lost)(void *ctx, uint64_t nr, const char *why);
	void *ctx;
};

/*
 * Calls `to` for each record, oldest first. Before 5.10 a line that was said in parts can be several
 * records. XK_OK also when some were lost, and when record() ended
 * it. XK_BAD_INPUT: there is no log to be had, and nothing was called: what VMCOREINFO lacks, or
 * what of the ring cannot be read or makes no sense. XK_NOMEM.
 */
enum xk_status linux_log_each(const struct core_notes *n, const struct linux_xlat *l,
	struct core_reader *r, const struct linux_log_sink *to, struct diag *d) _nonnull_;

/* Appends the record as the kernel prints it: each line of it with the time before it and a newline
 * behind it, bytes that are no text as \xNN (vmcore/log_text.h). */
void linux_log_format(const struct linux_log_record *rec, struct buf *to) _nonnull_;

#endif
