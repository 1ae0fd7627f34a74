// SPDX-License-Identifier: GPL-2.0-only
#include "vmcore/linux_page.h"

#define MAPPING_ANON   1u /* low bit of page.mapping */
#define COMPOUND_TAIL  1u /* low bit of page.compound_head */
#define ORDERS_USUALLY 11u
#define ORDER_MOST     30u

static uint64_t get(const uint8_t *p, unsigned at, unsigned len)
{
	uint64_t v = 0;

	memcpy(&v, p + at, len); /* x86 is little-endian */
	return v;
}

static bool bit(uint64_t flags, unsigned nr)
{
	return nr < 64 && flags >> nr & 1;
}

/* A field's position, checked to lie in `size` bytes with `len` bytes of its own. */
static unsigned position(struct bytes info, const char *name, uint64_t size, uint64_t len)
{
	uint64_t at;

	return vmcoreinfo_offset(info, name, &at) && at <= size - len ? (unsigned)at : NOWHERE;
}

static unsigned flag_bit(struct bytes info, const char *name)
{
	int64_t v;

	return vmcoreinfo_number(info, name, &v) && v >= 0 && v < 64 ? (unsigned)v : NOWHERE;
}

static bool type(struct bytes info, const char *name, uint32_t *ret)
{
	int64_t v;

	if (!vmcoreinfo_number(info, name, &v))
		return false;
	*ret = (uint32_t)v; /* they are printed as int, or as what they are */
	return true;
}

/* The order and the destructor of a compound page lie in its second struct page. */
static void compound_layout(struct bytes info, struct linux_page_layout *o)
{
	const unsigned lru = position(info, "page.lru", o->size, 2 * o->word);
	const unsigned both = 2 * o->size;
	int64_t v;

	o->order = position(info, "page.compound_order", o->size, 1);
	o->dtor = position(info, "page.compound_dtor", o->size, 1);
	if (o->order != NOWHERE)
		o->order += o->size;
	else
		o->order = position(info, "folio._folio_order", both, 1);
	if (o->dtor != NOWHERE)
		o->dtor += o->size;
	else
		o->dtor = position(info, "folio._folio_dtor", both, 1);
	if (o->dtor != NOWHERE && vmcoreinfo_number(info, "HUGETLB_PAGE_DTOR", &v)) {
		o->hugetlb_dtor = (uint64_t)v & 0xff;
		o->dtor_len = 1;
	}
	/* Since 6.6 the order is the lowest byte of the second page's flags. */
	if (o->order == NOWHERE && (o->hugetlb != NOWHERE || o->has_hugetlb_type))
		o->order = o->size + o->flags;
	/* Before 4.4: page[1].lru, destructor and order. */
	if (o->order == NOWHERE && lru != NOWHERE &&
		vmcoreinfo_symbol(info, "free_huge_page", &o->hugetlb_dtor)) {
		o->dtor = o->size + lru;
		o->order = o->dtor + o->word;
		o->dtor_len = o->word;
	}
}

enum xk_status linux_page_layout(
	const struct core_notes *n, unsigned bits, struct linux_page_layout *ret, struct diag *d)
{
	struct bytes info = n->vmcoreinfo;
	struct linux_page_layout o = {.word = bits / 8};
	const struct {
		const char *key;
		unsigned value;
	} wanted[] = {
		{"OFFSET(page.flags)", o.flags = position(info, "page.flags", LINUX_PAGE_MAX, 8)},
		{"OFFSET(page.mapping)",
			o.mapping = position(info, "page.mapping", LINUX_PAGE_MAX, 8)},
		{"OFFSET(page._mapcount)",
			o.mapcount = position(info, "page._mapcount", LINUX_PAGE_MAX, 4)},
		{"OFFSET(page.private)",
			o.private = position(info, "page.private", LINUX_PAGE_MAX, 8)},
		{"NUMBER(PG_lru)", o.lru = flag_bit(info, "PG_lru")},
		{"NUMBER(PG_private)", o.private_bit = flag_bit(info, "PG_private")},
		{"NUMBER(PG_swapcache)", o.swapcache = flag_bit(info, "PG_swapcache")},
	};
	uint64_t size, orders;
	int64_t mask;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (wanted[i].value == NOWHERE)
			return diag_fail(
				d, XK_BAD_INPUT, "the kernel's VMCOREINFO lacks %s", wanted[i].key);
	if (!type(info, "PAGE_BUDDY_MAPCOUNT_VALUE", &o.buddy))
		return diag_fail(d, XK_BAD_INPUT,
			"the kernel's VMCOREINFO lacks NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)");
	if (!vmcoreinfo_size(info, "page", &size) || size > LINUX_PAGE_MAX ||
		size < max_u64(max_u64(o.flags, o.mapping), max_u64(o.private, o.mapcount)) +
				o.word)
		return diag_fail(d, XK_BAD_INPUT,
			"the kernel's VMCOREINFO has fields of struct page beyond its end");
	o.size = (unsigned)size;
	o.compound_head = position(info, "page.compound_head", size, o.word);
	o.swapbacked = flag_bit(info, "PG_swapbacked");
	o.slab = flag_bit(info, "PG_slab");
	o.hwpoison = flag_bit(info, "PG_hwpoison");
	o.hugetlb = flag_bit(info, "PG_hugetlb");
	if (vmcoreinfo_number(info, "PG_head_mask", &mask))
		o.head_mask = (uint64_t)mask;
	o.has_offline = type(info, "PAGE_OFFLINE_MAPCOUNT_VALUE", &o.offline);
	o.has_slab_type = type(info, "PAGE_SLAB_MAPCOUNT_VALUE", &o.slab_type);
	o.has_hugetlb_type = type(info, "PAGE_HUGETLB_MAPCOUNT_VALUE", &o.hugetlb_type);
	o.orders = ORDERS_USUALLY;
	if (vmcoreinfo_length(info, "zone.free_area", &orders) && orders && orders <= ORDER_MOST)
		o.orders = (unsigned)orders;
	compound_layout(info, &o);
	*ret = o;
	return XK_OK;
}

static bool is_hugetlb(const struct linux_page_layout *o, const uint8_t *p, uint32_t mapcount)
{
	if (o->has_hugetlb_type)
		return mapcount == o->hugetlb_type;
	if (o->hugetlb != NOWHERE)
		return bit(get(p, o->size + o->flags, o->word), o->hugetlb);
	return o->dtor_len && get(p, o->dtor, o->dtor_len) == o->hugetlb_dtor;
}

/* In the order in which makedumpfile asks, but for what must not be read, which comes first. */
static uint8_t kind_of(
	const struct linux_page_layout *o, const uint8_t *p, bool hugetlb, unsigned *order)
{
	const uint64_t flags = get(p, o->flags, o->word), mapping = get(p, o->mapping, o->word);
	const uint32_t mapcount = (uint32_t)get(p, o->mapcount, 4);
	const bool anon = mapping & MAPPING_ANON;
	const bool cache =
		bit(flags, o->lru) || ((o->swapbacked == NOWHERE || bit(flags, o->swapbacked)) &&
					      bit(flags, o->swapcache));

	if (bit(flags, o->hwpoison))
		return PK_LINUX_OFFLINE;
	if (bit(flags, o->slab) || (o->has_slab_type && mapcount == o->slab_type))
		return PK_LINUX;
	if (mapcount == o->buddy) {
		uint64_t n = get(p, o->private, o->word);

		if (n >= o->orders)
			return PK_LINUX;
		*order = (unsigned)n;
		return PK_LINUX_FREE;
	}
	if (o->has_offline && mapcount == o->offline)
		return PK_LINUX_OFFLINE;
	if (cache && !anon)
		return bit(flags, o->private_bit) ? PK_LINUX_CACHE_PRIVATE : PK_LINUX_CACHE;
	return anon || hugetlb ? PK_LINUX_USER : PK_LINUX;
}

struct linux_page linux_page_read(
	const struct linux_page_layout *o, const uint8_t *p, bool next, vaddr_t at)
{
	const uint64_t flags = get(p, o->flags, o->word);
	const uint64_t ones = o->word == 8 ? UINT64_MAX : UINT32_MAX;
	struct linux_page ret = {.kind = PK_LINUX};
	bool hugetlb = false;
	uint64_t head = 0;

	if (flags == ones) /* a struct page that was never set up */
		return ret;
	if (o->compound_head != NOWHERE)
		head = get(p, o->compound_head, o->word);
	ret.head = o->head_mask && flags & o->head_mask && !(head & COMPOUND_TAIL);
	/* The struct pages of a hugetlb page may all be mapped to those of its first 64 pages; then
	 * what follows a false head says whose tail it is. */
	if (ret.head && next && o->compound_head != NOWHERE) {
		uint64_t after = get(p, o->size + o->compound_head, o->word);

		if (after & COMPOUND_TAIL && after - COMPOUND_TAIL != at) {
			head = after;
			ret.head = false;
		}
	}
	if (head & COMPOUND_TAIL) {
		ret.tail_of = head - COMPOUND_TAIL;
		return ret;
	}
	if (ret.head && next && o->order != NOWHERE) {
		ret.order = (unsigned)get(p, o->order, 1);
		hugetlb = is_hugetlb(o, p, (uint32_t)get(p, o->mapcount, 4));
	}
	if (ret.order > ORDER_MOST)
		ret.order = 0;
	ret.kind = kind_of(o, p, hugetlb, &ret.order);
	return ret;
}
