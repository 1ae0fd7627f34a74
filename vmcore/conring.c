// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>

#include "vmcore/conring.h"

#define SIZE_MIN      256u
#define SIZE_MAX_RING (1u << 30) /* conringp - conringc would mean nothing beyond half of 2^32 */

static enum xk_status no_symbol(const struct core_notes *n, const char *name, struct diag *d)
{
	if (!n->xenkdump)
		return diag_fail(d, XK_BAD_INPUT,
			"the core has no XENKDUMP note, so where Xen's console ring lies (%s) is not known: the crash kernel was not loaded by xenkdump",
			name);
	if (!xkn_symbols(n->xenkdump).len)
		return diag_fail(d, XK_BAD_INPUT,
			"the XENKDUMP note has no symbols of Xen, so where its console ring lies (%s) is not known: the loader could not read /proc/xen/xensyms, or they did not fit",
			name);
	return diag_fail(d, XK_BAD_INPUT,
		"Xen's console ring is not found: its symbols, from the XENKDUMP note, have no %s (static data is among them only in a Xen built with CONFIG_LIVEPATCH), or several",
		name);
}

/* Of the console's file where several have the name. */
static enum xk_status read_symbol(const struct core_notes *n, const struct xen_xlat *x,
	struct core_reader *r, const char *name, void *ret, size_t len, struct diag *d)
{
	char with_file[64] = "drivers/char/console.c#";
	vaddr_t at;

	strcat(with_file, name);
	if (!xen_symbol(n, with_file, &at) && !xen_symbol(n, name, &at))
		return no_symbol(n, name, d);
	if (!xen_read(x, r, at, ret, len))
		return diag_fail(d, XK_BAD_INPUT,
			"Xen's %s at %#" PRIx64
			", which leads to its console ring, cannot be read from the core",
			name, at);
	return XK_OK;
}

static enum xk_status read_all(const struct core_notes *n, const struct xen_xlat *x,
	struct core_reader *r, struct conring *c, struct diag *d)
{
	enum xk_status st = read_symbol(n, x, r, "conring", &c->at, sizeof(c->at), d);

	if (!st)
		st = read_symbol(n, x, r, "conring_size", &c->size, sizeof(c->size), d);
	if (!st)
		st = read_symbol(n, x, r, "conringp", &c->produced, sizeof(c->produced), d);
	if (!st)
		st = read_symbol(n, x, r, "conringc", &c->consumed, sizeof(c->consumed), d);
	return st;
}

enum xk_status conring_find(const struct core_notes *n, const struct xen_xlat *x,
	struct core_reader *r, struct conring *ret, struct diag *d)
{
	struct conring c = {0};
	enum xk_status st = read_all(n, x, r, &c, d);
	vaddr_t end;

	if (st)
		return st;
	if (c.size < SIZE_MIN || c.size > SIZE_MAX_RING || c.size & (c.size - 1))
		return diag_fail(d, XK_BAD_INPUT,
			"Xen's console ring would have %" PRIu32
			" bytes (conring_size), which is no power of two from %u to %u",
			c.size, SIZE_MIN, SIZE_MAX_RING);
	if (add_overflow(c.at, c.size, &end) || !c.at)
		return diag_fail(d, XK_BAD_INPUT,
			"Xen's console ring would lie at %#" PRIx64 " (conring): nothing can",
			c.at);
	/* The counts only grow, and dom0 cannot be ahead: when it is, the other began again at 0. */
	c.wrapped = c.produced > c.size || c.consumed > c.produced;
	c.len = c.wrapped ? c.size : c.produced;
	if (c.len > CONRING_MAX) {
		c.len = CONRING_MAX;
		c.wrapped = true;
	}
	c.first = c.produced - c.len;
	*ret = c;
	return XK_OK;
}

/* Parts that have no NUL: Xen puts none there, but memory that was never written has them. */
static bool give(struct bytes b, const struct conring_sink *to)
{
	while (b.len) {
		const uint8_t *nul = memchr(b.data, 0, b.len);
		size_t n = nul ? (size_t)(nul - b.data) : b.len;

		if (n && !to->text(to->ctx, (struct bytes){b.data, n}))
			return false;
		n += nul != NULL;
		b.data += n;
		b.len -= n;
	}
	return true;
}

bool conring_each(const struct conring *c, const struct xen_xlat *x, struct core_reader *r,
	const struct conring_sink *to)
{
	uint32_t done = 0, lost = 0;

	while (done < c->len) {
		const uint32_t off = (c->first + done) & (c->size - 1);
		const vaddr_t at = c->at + off;
		uint32_t n = (uint32_t)min_u64(c->len - done, c->size - off);
		uint8_t page[CORE_PAGE];

		n = (uint32_t)min_u64(n, CORE_PAGE - at % CORE_PAGE);
		done += n;
		if (!xen_read(x, r, at, page, n)) {
			lost += n;
			continue;
		}
		if (lost)
			to->lost(to->ctx, lost);
		lost = 0;
		if (!give((struct bytes){page, n}, to))
			return false;
	}
	if (lost)
		to->lost(to->ctx, lost);
	return true;
}
