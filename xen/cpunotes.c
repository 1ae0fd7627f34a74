// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "xen/caps.h"
#include "xen/cpunotes.h"
#include "xen/notes.h"

#define LOOK_AHEAD 256 /* numbers asked for beyond the last that is known to exist */

#define REMEDY_LOW                                                            \
	"put low_crashinfo=min on the Xen command line (not on Linux's) and " \
	"reboot, so that Xen keeps its notes below 4 GiB"

struct asking {
	struct xen *x;
	struct host *h;
	bool ambiguous;
	uint32_t end; /* CPUs below this exist */
};

/* One number. *more is false when there is nothing beyond it. */
static enum xk_status ask(struct asking *a, uint32_t nr, bool *more, struct diag *d)
{
	enum cpu_note_state state = CPU_NOTE_PRESENT;
	uint64_t start = 0, size = 0;
	struct range r = {0, 0};
	struct host *h = a->h;

	*more = true;
	if (a->x->ops->get_range(a->x->ctx, XEN_KEXEC_RANGE_CPU, (int)nr, &start, &size)) {
		int e = errno;

		if (e == ERANGE && !a->ambiguous) {
			*more = false;
			return XK_OK;
		}
		if (e == ERANGE) {
			state = CPU_NOTE_ERANGE;
		} else if (e == EINVAL && nr &&
			   !xen_allocates_notes_on_demand(h->xen.major, h->xen.minor)) {
			state = CPU_NOTE_EMPTY;
		} else {
			*more = false;
			if (e == EINVAL && !nr) {
				host_gap(h, "cpu-note",
					"Xen keeps no notes, since it reserved no memory for a "
					"crash kernel");
				return XK_OK;
			}
			host_gap(h, "cpu-note", "asking Xen for CPU %u: %s", nr, strerror(e));
			state = CPU_NOTE_ERROR;
		}
	} else if (!size) {
		state = CPU_NOTE_EMPTY;
	} else if (!start || !range_make(start, size, &r)) {
		host_gap(h, "cpu-note",
			"Xen's answer for CPU %u makes no sense: %#" PRIx64 " + %#" PRIx64, nr,
			start, size);
		r = (struct range){0, 0};
		state = CPU_NOTE_ERROR;
	}
	if (state != CPU_NOTE_ERANGE && nr >= a->end)
		a->end = nr + 1;
	if (!host_add_cpu_note(h, nr, state, r))
		return diag_fail(d, XK_NOMEM, "no memory for the CPUs' notes");
	return XK_OK;
}

enum xk_status xen_cpu_notes(struct xen *x, bool erange_ambiguous, uint32_t nr_known,
	const char *source, struct host *h, struct diag *d)
{
	struct asking a = {x, h, erange_ambiguous, erange_ambiguous ? nr_known : 0};
	uint32_t missing = 0, nr = 0;
	enum xk_status st = XK_OK;
	bool more = true;

	for (; !st && more && nr < XEN_MAX_CPUS; nr++) {
		if (erange_ambiguous && nr >= a.end + LOOK_AHEAD)
			break;
		st = ask(&a, nr, &more, d);
	}
	if (st)
		return st;
	if (nr == XEN_MAX_CPUS)
		host_gap(h, "cpu-note", "Xen still answered for CPU number %u; the rest is unknown",
			nr - 1);
	if (!erange_ambiguous)
		return XK_OK;
	/* What is ERANGE beyond the last that is known to exist was "too large". */
	while (h->nr_cpu_notes && h->cpu_notes[h->nr_cpu_notes - 1].state == CPU_NOTE_ERANGE &&
		h->cpu_notes[h->nr_cpu_notes - 1].cpu >= a.end)
		h->nr_cpu_notes--;
	for (size_t i = 0; i < h->nr_cpu_notes; i++)
		missing += h->cpu_notes[i].state == CPU_NOTE_ERANGE;
	if (missing)
		host_gap(h, "cpu-note",
			"%u of %zu CPUs have notes above 4 GiB, which Xen cannot tell a 32-bit "
			"dom0 kernel of (CPUs counted by %s): " REMEDY_LOW,
			missing, h->nr_cpu_notes, source);
	return XK_OK;
}

void xen_cpu_notes_cross_check(struct host *h)
{
	for (size_t i = 0; i < h->nr_cpu_notes; i++) {
		const struct cpu_note *n = &h->cpu_notes[i];
		uint64_t size = range_size(n->r);
		unsigned bits = xen_note_bits(size, !n->cpu);

		if (n->state != CPU_NOTE_PRESENT)
			continue;
		if (!bits) {
			host_gap(h, "cpu-note",
				"CPU %u's note buffer has %" PRIu64
				" bytes, a size that no known Xen uses",
				n->cpu, size);
		} else if (h->xen.bits && bits != h->xen.bits) {
			host_gap(h, "xen.bits",
				"Xen's capabilities say %u bits, but CPU %u's note buffer of "
				"%" PRIu64 " bytes is that of a %u-bit hypervisor",
				h->xen.bits, n->cpu, size, bits);
			h->xen.bits = 0;
			return;
		}
	}
}
