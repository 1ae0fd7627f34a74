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

/* How many entries from the first one on have its owner. */
static inline __attribute__((always_inline)) size_t same_owner(
	const uint8_t *owner_at, size_t nr, size_t size, size_t width, uint64_t owner)
{
	size_t i = 1;

	for (; i < nr; i++) {
		uint64_t o = 0;

		memcpy(&o, owner_at + i * size, width);
		if (o != owner)
			break;
	}
	return i;
}

/* Pages of one owner lie together: it is looked up once for many, and not at all when none of them
 * are a guest's. */
static void count_run(const struct xen_frames *f, const uint8_t *entry, size_t nr,
	const uint8_t *kinds, struct owner_pages *owners)
{
	const size_t size = f->frames.size;

	for (size_t i = 0, n; i < nr; i += n) {
		const uint64_t owner = xen_page_at(f, entry + i * size).owner;
		const uint8_t *owner_at = entry + i * size + f->domain_at;
		const struct xen_domain *d;
		uint64_t guest = 0, kept = 0;

		if (size == 32 && f->domain_size == 4)
			n = same_owner(owner_at, nr - i, 32, 4, owner);
		else
			n = same_owner(owner_at, nr - i, size, f->domain_size, owner);
		for (size_t k = i; k < i + n; k++) {
			guest += kinds[k] == PK_GUEST;
			kept += kinds[k] == PK_GUEST_KEPT;
		}
		d = guest + kept ? xen_domain_find(f, owner) : NULL;
		if (!d)
			continue;
		owners[d - f->domains].pages += guest + kept;
		owners[d - f->domains].kept += kept;
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
