// SPDX-License-Identifier: GPL-2.0-only

#include "vmcore/why.h"
#include "vmcore/xen_frames.h"

#define DOMID_FIRST_RESERVED 0x7ff0u /* Xen xen/include/public/xen.h */

/* page_info has a domain's place in the direct map, so it must be there and on a page's border. */
static bool pickle(const struct xen_xlat *x, vaddr_t at, uint64_t *ret)
{
	if (at < x->directmap || at >= x->directmap_end || at % CORE_PAGE)
		return false;
	*ret = (at - x->directmap) / CORE_PAGE;
	return *ret != 0;
}

static uint8_t kind_of(const struct filter_request *rq, uint32_t id)
{
	if (!id)
		return PK_LINUX;
	for (size_t i = 0; i < rq->nr_keep_domains; i++)
		if (rq->keep_domains[i] == id)
			return PK_GUEST_KEPT;
	return PK_GUEST;
}

static bool add(struct xen_frames *f, vaddr_t at, uint32_t id, uint8_t kind)
{
	uint64_t pickled;

	if (!pickle(&f->x, at, &pickled) || f->nr_domains == FILTER_MAX_DOMAINS + 4)
		return false;
	f->domains[f->nr_domains++] = (struct xen_domain){pickled, id, kind, at};
	return true;
}

/* The list is in order of ids, so that one which does not ascend is damaged, a loop too. */
static void walk_list(struct xen_frames *f, const struct core_notes *n, struct core_reader *r,
	const struct filter_request *rq, uint64_t id_at, uint64_t next_at, char *why,
	size_t why_size)
{
	uint64_t at;
	uint16_t id;
	uint32_t least = 0;

	if (!xen_variable(&f->x, n, r, "domain_list", &at)) {
		why_add(why, why_size, "domain_list cannot be read");
		return;
	}
	while (at) {
		uint64_t pickled;

		if (!pickle(&f->x, at, &pickled) ||
			!xen_read(&f->x, r, at + id_at, &id, sizeof(id))) {
			why_add(why, why_size,
				"the list of domains ends in nowhere (%#" PRIx64 ") after %zu", at,
				f->nr_domains);
			return;
		}
		if (id < least || id >= DOMID_FIRST_RESERVED) {
			why_add(why, why_size,
				"the list of domains is damaged: after %zu of them comes id %u",
				f->nr_domains, id);
			return;
		}
		if (f->nr_domains == FILTER_MAX_DOMAINS) {
			why_add(why, why_size, "there are more than %u domains",
				FILTER_MAX_DOMAINS);
			return;
		}
		if (!add(f, at, id, kind_of(rq, id)))
			return;
		least = id + 1u;
		if (!xen_read(&f->x, r, at + next_at, &at, sizeof(at))) {
			why_add(why, why_size, "what comes after domain %u cannot be read", id);
			return;
		}
	}
	f->all_domains = true;
}

static int by_pickled(const void *a, const void *b)
{
	const struct xen_domain *l = a, *r = b;

	return l->pickled < r->pickled ? -1 : l->pickled > r->pickled;
}

/* Xen's own domains are on no list. dom_cow is there where memory sharing is built in. */
static void add_special(struct xen_frames *f, const struct core_notes *n, struct core_reader *r)
{
	static const struct {
		const char *name;
		uint32_t id;
	} special[] = {{"dom_xen", 0x7ff2}, {"dom_io", 0x7ff1}, {"dom_cow", 0x7ff3}};
	uint64_t at;

	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (xen_variable(&f->x, n, r, special[i].name, &at) &&
			!add(f, at, special[i].id, PK_XEN))
			continue;
}

enum xk_status xen_domains_read(struct xen_frames *f, const struct core_notes *n,
	struct core_reader *r, const struct filter_request *rq, char *why, size_t why_size,
	struct diag *d)
{
	uint64_t id_at, next_at, size, hardware;

	if (!vmcoreinfo_offset(n->vmcoreinfo_xen, "domain.domain_id", &id_at) ||
		!vmcoreinfo_offset(n->vmcoreinfo_xen, "domain.next_in_list", &next_at))
		return diag_fail(d, XK_BAD_INPUT,
			"VMCOREINFO_XEN does not say where a domain's id and successor are");
	if (!vmcoreinfo_size(n->vmcoreinfo_xen, "domain", &size) || size > 64 * KiB ||
		id_at + 2 > size || next_at > size || next_at + 8 > size)
		return diag_fail(d, XK_BAD_INPUT,
			"VMCOREINFO_XEN puts a domain's id (%" PRIu64 ") or successor (%" PRIu64
			") outside of it",
			id_at, next_at);
	f->domains = calloc(FILTER_MAX_DOMAINS + 4, sizeof(*f->domains));
	if (!f->domains)
		return diag_fail(d, XK_NOMEM, "no memory for the list of domains");
	walk_list(f, n, r, rq, id_at, next_at, why, why_size);
	if (!f->nr_domains)
		return diag_fail(d, XK_BAD_INPUT, "Xen's list of domains cannot be read: %s", why);
	if (!f->domains[0].id)
		f->dom0 = f->domains[0].pickled;
	if (xen_variable(&f->x, n, r, "hardware_domain", &hardware))
		for (size_t i = 1; i < f->nr_domains; i++)
			if (f->domains[i].at == hardware)
				f->domains[i].kind = PK_GUEST_KEPT;
	add_special(f, n, r);
	qsort(f->domains, f->nr_domains, sizeof(*f->domains), by_pickled);
	return XK_OK;
}

const struct xen_domain *xen_domain_find(const struct xen_frames *f, uint64_t pickled)
{
	size_t low = 0, high = f->nr_domains;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (f->domains[mid].pickled < pickled)
			low = mid + 1;
		else
			high = mid;
	}
	return low < f->nr_domains && f->domains[low].pickled == pickled ? &f->domains[low] : NULL;
}
