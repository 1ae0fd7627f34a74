// SPDX-License-Identifier: GPL-2.0-only
/* How many pages each domain has: for the estimate, which names guests one by one. */
#include "vmcore/xen_frames.h"

size_t xen_owners(const struct xen_filter *xf, struct owner_pages **ret)
{
	const struct xen_frames *f = xf->frames;

	*ret = NULL;
	if (!xf->usable || !f->nr_domains)
		return 0;
	*ret = calloc(f->nr_domains, sizeof(**ret));
	if (!*ret)
		return 0;
	for (size_t i = 0; i < f->nr_domains; i++)
		(*ret)[i].id = f->domains[i].id;
	return f->nr_domains;
}

/* Pages of one owner lie together, so it is looked up once for many. */
static void count_run(const struct xen_frames *f, const uint8_t *entry, size_t nr,
	const uint8_t *kinds, struct owner_pages *owners)
{
	const struct xen_domain *d = NULL;
	uint64_t last = 0; /* the owner of d; nobody's is 0 */

	for (size_t i = 0; i < nr; i++) {
		uint64_t owner;

		if (kinds[i] != PK_GUEST && kinds[i] != PK_GUEST_KEPT)
			continue;
		owner = xen_page_at(f, entry + i * f->frames.size).owner;
		if (owner != last) {
			d = xen_domain_find(f, owner);
			last = owner;
		}
		if (!d)
			continue;
		owners[d - f->domains].pages++;
		owners[d - f->domains].kept += kinds[i] == PK_GUEST_KEPT;
	}
}

void xen_owners_window(const struct xen_filter *xf, struct core_reader *r, uint64_t pfn, size_t nr,
	const uint8_t *kinds, struct owner_pages *owners)
{
	const struct xen_frames *f = xf->frames;
	uint8_t scratch[XEN_ENTRY_MAX];
	const uint8_t *data;

	if (!memchr(kinds, PK_GUEST, nr) && !memchr(kinds, PK_GUEST_KEPT, nr))
		return;
	for (size_t done = 0, n; done < nr; done += n ? n : 1) {
		n = xen_page_run(f, r, pfn + done, nr - done, scratch, &data);
		if (n)
			count_run(f, data, n, kinds + done, owners);
	}
}
