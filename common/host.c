// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/host.h"

/* More than any machine has; keeps a hostile facts file from eating all memory. */
#define MAX_CPU_NOTES (1u << 20)

void host_init(struct host *h)
{
	memset(h, 0, sizeof(*h));
}

void host_deinit(struct host *h)
{
	char *strings[] = {h->xen.extra, h->xen.changeset, h->xen.compiler, h->xen.compile_date,
		h->xen.capabilities, h->xen.cmdline, h->xen.build_id, h->kernel.release,
		h->kernel.version, h->kernel.machine, h->kernel.cmdline, h->kernel.build_id,
		h->kernel.lockdown};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
	buf_deinit(&h->xen.symbols_z);
	buf_deinit(&h->kernel.vmcoreinfo_text);
	buf_deinit(&h->screen_info);
	buf_deinit(&h->edd);
	buf_deinit(&h->efi_runtime_map);
	buf_deinit(&h->efi_info);
	range_list_deinit(&h->memory);
	range_list_deinit(&h->crash);
	free(h->cpu_notes);
	for (size_t i = 0; i < h->nr_gaps; i++) {
		free(h->gaps[i].fact);
		free(h->gaps[i].reason);
	}
	free(h->gaps);
	host_init(h);
}

const char *host_gap_reason(const struct host *h, const char *fact)
{
	for (size_t i = 0; i < h->nr_gaps; i++)
		if (!strcmp(h->gaps[i].fact, fact))
			return h->gaps[i].reason;
	return NULL;
}

bool host_gap(struct host *h, const char *fact, const char *fmt, ...)
{
	struct fact_gap *gaps;
	char *name, *reason;
	va_list ap;
	int n;

	if (host_gap_reason(h, fact))
		return true;
	gaps = reallocarray(h->gaps, h->nr_gaps + 1, sizeof(*gaps));
	if (!gaps)
		return false;
	h->gaps = gaps;
	name = strdup(fact);
	if (!name)
		return false;
	va_start(ap, fmt);
	n = vasprintf(&reason, fmt, ap);
	va_end(ap);
	if (n < 0) {
		free(name);
		return false;
	}
	gaps[h->nr_gaps++] = (struct fact_gap){name, reason};
	return true;
}

bool host_add_cpu_note(struct host *h, uint32_t cpu, enum cpu_note_state state, struct range r)
{
	struct cpu_note *v;

	if (h->nr_cpu_notes >= MAX_CPU_NOTES)
		return false;
	/* Grows by doubling; the capacity is the next power of two of the count. */
	if (!(h->nr_cpu_notes & (h->nr_cpu_notes - 1))) {
		size_t cap = h->nr_cpu_notes ? 2 * h->nr_cpu_notes : 1;

		v = reallocarray(h->cpu_notes, cap, sizeof(*v));
		if (!v)
			return false;
		h->cpu_notes = v;
	}
	h->cpu_notes[h->nr_cpu_notes++] = (struct cpu_note){cpu, state, r};
	return true;
}

bool host_equal(const struct host *a, const struct host *b)
{
	struct buf x = {0}, y = {0};
	struct diag d;
	bool same = false;

	diag_init(&d);
	if (!facts_write(a, &x, &d) && !facts_write(b, &y, &d))
		same = x.len == y.len && !memcmp(x.data, y.data, x.len);
	buf_deinit(&x);
	buf_deinit(&y);
	return same;
}
