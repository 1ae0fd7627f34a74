// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a dying CPU writes its registers. Linux has a buffer for every possible CPU, but a folder
 * in sysfs only for one that is there; a CPU that is offline has both.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/factfile.h"
#include "native/machine.h"
#include "common/number.h"

#define CPUS	 "/sys/devices/system/cpu/"
#define MAX_CPUS 65536 /* Linux' limit on x86 is 8192 */
/* An ELF note's head, and what no kernel's note of registers comes near. */
#define MIN_NOTE 12
#define MAX_NOTE (64 * KiB)

/* "0-3,8"; false when it is not such a list. */
static bool list_take(const char *s, bool *cpus)
{
	const char *end = s + strlen(s);
	uint64_t first, last;

	while (s < end) {
		if (!number_take(&s, end, 10, &first))
			return false;
		last = first;
		if (*s == '-') {
			s++;
			if (!number_take(&s, end, 10, &last))
				return false;
		}
		if (last < first || last >= MAX_CPUS)
			return false;
		for (uint64_t i = first; i <= last; i++)
			cpus[i] = true;
		if (s < end && (*s++ != ',' || s == end))
			return false;
	}
	return true;
}

static bool read_list(const char *root, const char *path, struct host *h, bool *cpus)
{
	_cleanup_(freep) char *s = factfile_text(h, "cpu-note", root, path);

	if (!s)
		return false;
	memset(cpus, 0, MAX_CPUS);
	if (*s && list_take(s, cpus))
		return true;
	memset(cpus, 0, MAX_CPUS);
	host_gap(
		h, "cpu-note", "%s says \"%.40s\", not a list of CPUs below %d", path, s, MAX_CPUS);
	return false;
}

/* One number of a CPU's file; false with a gap. */
static bool read_one(const char *root, struct host *h, unsigned cpu, const char *name,
	unsigned base, uint64_t min, uint64_t max, uint64_t *ret)
{
	_cleanup_(freep) char *s = NULL;
	char path[96];

	snprintf(path, sizeof(path), CPUS "cpu%u/%s", cpu, name);
	s = factfile_text(h, "cpu-note", root, path);
	if (!s)
		return false;
	if (number_whole(s, base, max, ret) && *ret >= min)
		return true;
	host_gap(h, "cpu-note", "%s says \"%.40s\", wanted %s from %#" PRIx64 " to %#" PRIx64, path,
		s, base == 16 ? "a hexadecimal address" : "a size", min, max);
	return false;
}

static bool has_folder(const char *root, unsigned cpu)
{
	_cleanup_(freep) char *path = NULL;
	char rel[64];

	snprintf(rel, sizeof(rel), CPUS "cpu%u", cpu);
	path = factfile_path(root, rel);
	return path && !access(path, F_OK);
}

static enum xk_status add_cpu(const char *root, struct host *h, unsigned cpu, struct diag *d)
{
	enum cpu_note_state state = CPU_NOTE_ERROR;
	struct range r = {0, 0};
	uint64_t start, size;

	if (read_one(root, h, cpu, "crash_notes", 16, 1, UINT64_MAX, &start) &&
		read_one(root, h, cpu, "crash_notes_size", 10, MIN_NOTE, MAX_NOTE, &size)) {
		/* ELF notes are words; the kernel's buffers are never elsewhere. */
		if (start % 4 || !range_make(start, size, &r))
			host_gap(h, "cpu-note",
				"CPU %u's notes at %#" PRIx64 " + %#" PRIx64
				" are unaligned or wrap",
				cpu, start, size);
		else
			state = CPU_NOTE_PRESENT;
	}
	if (state != CPU_NOTE_PRESENT)
		r = (struct range){0, 0};
	if (!host_add_cpu_note(h, cpu, state, r))
		return diag_fail(d, XK_NOMEM, "no memory for the CPUs' notes");
	return XK_OK;
}

enum xk_status native_crash_notes(const char *root, struct host *h, struct diag *d)
{
	_cleanup_(freep) bool *present = calloc(MAX_CPUS, sizeof(*present));
	_cleanup_(freep) bool *possible = calloc(MAX_CPUS, sizeof(*possible));
	enum xk_status st = XK_OK;

	if (!present || !possible)
		return diag_fail(d, XK_NOMEM, "no memory for the CPUs' notes");
	/* Either list will do, but one that is wrong is a gap. */
	read_list(root, CPUS "present", h, present);
	read_list(root, CPUS "possible", h, possible);
	for (unsigned i = 0; !st && i < MAX_CPUS; i++)
		if (present[i] || (possible[i] && has_folder(root, i)))
			st = add_cpu(root, h, i, d);
	return st;
}
