// SPDX-License-Identifier: GPL-2.0-only
/*
 * Since 4.0 Linux has the list in one piece of virtual memory too, and says where in the page that
 * it shares with Xen, which is the only way when the three levels do not suffice. That page is found
 * among what Xen's struct domain points to, by what it must hold. Source: Xen
 * xen/include/public/xen.h (shared_info), arch-x86/xen.h (arch_shared_info); Linux
 * arch/x86/xen/p2m.c. 64-bit dom0s: a 32-bit one has no more than three levels hold.
 */
#include "vmcore/p2m_linear.h"
#include "vmcore/pagetable.h"
#include "vmcore/xen_xlat.h"

/* struct shared_info of 64 bits: arch follows 32 vcpu_info of 64 bytes, twice 512 bytes of event
 * channels and 16 of wall clock. */
#define ARCH_INFO 3088u

struct arch_shared_info {
	uint64_t max_pfn, frame_list_list, nmi_reason, p2m_cr3, p2m_vaddr, p2m_generation;
};

/* Page numbers of 52-bit addresses. */
#define PFN_MAX (UINT64_C(1) << 40)

#define DOMAIN_MAX   CORE_PAGE /* struct domain is one page */
#define GUEST_KERNEL UINT64_C(0xffff880000000000) /* below is Xen's */

/* As many of the first entries are memory: dom0's low memory, but for firmware's holes. */
#define LOOK_AT	 128u
#define AT_LEAST 96u

bool p2m_linear_entry(const struct p2m *p, struct core_reader *r, uint64_t pfn, maddr_t *ret)
{
	const struct pagetable t = {pagetable_read_core, r, p->tables, 4, 0};
	vaddr_t at;

	return pfn < PFN_MAX && !add_overflow(p->linear, pfn * 8, &at) &&
	       pagetable_walk(&t, at, ret, NULL);
}

static bool makes_sense(const struct core *c, struct core_reader *r, const struct p2m *p)
{
	uint64_t entry[LOOK_AT];
	unsigned pages = 0;
	maddr_t m;

	if (!p2m_linear_entry(p, r, 0, &m) || !core_read(r, m, entry, sizeof(entry)))
		return false;
	for (unsigned i = 0; i < LOOK_AT; i++)
		pages += entry[i] && entry[i] < c->max_pfn;
	return pages >= AT_LEAST;
}

static bool is_shared_page(const struct core *c, const struct xen_xlat *x, struct core_reader *r,
	vaddr_t at, struct p2m *p)
{
	struct p2m try = *p;
	struct arch_shared_info a;

	if (!xen_read(x, r, at + ARCH_INFO, &a, sizeof(a)) || !a.max_pfn || a.max_pfn >= PFN_MAX ||
		a.p2m_vaddr < GUEST_KERNEL || a.p2m_vaddr % CORE_PAGE || a.p2m_cr3 % CORE_PAGE ||
		!a.p2m_cr3 || a.p2m_cr3 / CORE_PAGE >= c->max_pfn)
		return false;
	try.tables = a.p2m_cr3;
	try.linear = a.p2m_vaddr;
	try.nr = a.max_pfn;
	if (!makes_sense(c, r, &try))
		return false;
	*p = try;
	return true;
}

bool p2m_linear_find(const struct core *c, const struct core_notes *n, const struct xen_xlat *x,
	struct core_reader *r, struct p2m *p, const char **why)
{
	uint64_t word[DOMAIN_MAX / 8], size, id_at, domain;
	uint16_t id;

	if (!vmcoreinfo_size(n->vmcoreinfo_xen, "domain", &size) || size > DOMAIN_MAX ||
		!vmcoreinfo_offset(n->vmcoreinfo_xen, "domain.domain_id", &id_at) ||
		id_at > DOMAIN_MAX || !xen_variable(x, n, r, "domain_list", &domain) ||
		!xen_read(x, r, domain + id_at, &id, sizeof(id)) || id ||
		!xen_read(x, r, domain, word, (size_t)size)) {
		*why = "Xen's description of dom0 cannot be read";
		return false;
	}
	for (size_t i = 0; i < size / 8; i++)
		if (word[i] >= x->directmap && word[i] < x->directmap_end &&
			word[i] % CORE_PAGE == 0 && is_shared_page(c, x, r, word[i], p))
			return true;
	*why = "no page that dom0 shares with Xen names a list in dom0's virtual memory";
	return false;
}
