// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xen/segments.h"

static bool is_safe(const struct xen_backend *b, const struct seg *s)
{
	uintptr_t at = (uintptr_t)s->buf;

	for (size_t i = 0; i < b->nr_safe; i++) {
		uintptr_t base = (uintptr_t)b->safe[i].data;

		if (at >= base && bytes_has(b->safe[i], at - base, s->len))
			return true;
	}
	return false;
}

enum xk_status xen_segments_make(
	const struct xen_backend *b, const struct plan *p, struct xen_segments *l, struct diag *d)
{
	size_t used = 0;

	memset(l, 0, sizeof(*l)); /* Xen reads the upper halves of pointers too */
	for_each_seg (s, p)
		if (s->buf && !is_safe(b, s) &&
			add_overflow(l->bounce_len, (size_t)align_up(s->len, 16), &l->bounce_len))
			return diag_fail(d, XK_NOMEM, "the plan does not fit this program");
	if (l->bounce_len) {
		l->bounce = b->alloc->alloc(b->alloc->ctx, l->bounce_len);
		if (!l->bounce)
			return diag_fail(d, XK_NOMEM,
				"no memory that a hypercall may read (%zu bytes): %s",
				l->bounce_len, strerror(errno));
	}
	for (size_t i = 0; i < p->nr; i++) {
		const struct seg *s = &p->segs[i];
		const uint8_t *from = s->buf;

		if (from && !is_safe(b, s)) {
			memcpy(l->bounce + used, from, s->len);
			from = l->bounce + used;
			used += (size_t)align_up(s->len, 16);
		}
		l->segs[i] = (struct xen_kexec_segment){
			.buf = (uintptr_t)from,
			.buf_size = from ? s->len : 0,
			.dest_maddr = s->dest.start,
			.dest_size = range_size(s->dest),
		};
	}
	return XK_OK;
}

void xen_segments_release(const struct xen_backend *b, struct xen_segments *l)
{
	if (l->bounce)
		b->alloc->release(b->alloc->ctx, l->bounce, l->bounce_len);
}
