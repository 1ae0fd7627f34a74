/* SPDX-License-Identifier: GPL-2.0-only */
/* What must hold of any core that opens, whatever its format. */
#ifndef XK_FUZZ_CORE_H
#define XK_FUZZ_CORE_H

#include "tests/fuzz/fuzz.h"
#include "vmcore/core.h"

#define CHECK(c) ((c) ? (void)0 : __builtin_trap())

/* One page by three ways, which must agree. */
static inline void check_page(struct core_reader *r, uint64_t pfn)
{
	uint8_t a[CORE_PAGE], b[CORE_PAGE];
	const uint8_t *page;
	enum page_state s = core_page(r, pfn, &page);

	CHECK(s == PAGE_DATA || s == PAGE_HOLE || s == PAGE_EXCLUDED || s == PAGE_BAD);
	if (s == PAGE_DATA)
		memcpy(a, page, CORE_PAGE);
	CHECK(core_read(r, pfn * CORE_PAGE, b, CORE_PAGE) == (s == PAGE_DATA));
	CHECK(s != PAGE_DATA || !memcmp(a, b, CORE_PAGE));
	if (core_run(r, pfn, 3, &page)) {
		CHECK(s == PAGE_DATA);
		CHECK(!memcmp(a, page, CORE_PAGE));
	}
}

static inline void check_core(const struct core *c)
{
	struct core_reader *r = core_reader_create(c);
	const uint8_t *page;
	unsigned budget = 64;

	CHECK(r);
	CHECK(c->nr_problems <= CORE_MAX_PROBLEMS);
	CHECK(c->ram.nr || c->notes.len);
	CHECK(c->max_pfn <= UINT64_C(1) << 40);
	for (size_t i = 0; i < c->ram.nr; i++) {
		struct range m = c->ram.v[i].r;

		CHECK(m.start < m.end && m.end <= c->max_pfn * CORE_PAGE);
		CHECK(!i || m.start > c->ram.v[i - 1].r.end);
		for (uint64_t k = 0; k < 6 && budget; k++, budget--) {
			check_page(r, m.start / CORE_PAGE + k);
			check_page(r, (m.end - 1) / CORE_PAGE - k);
		}
	}
	check_page(r, c->max_pfn);
	CHECK(core_page(r, c->max_pfn, &page) == PAGE_HOLE);
	core_reader_destroy(r);
}

static inline int fuzz_core(const uint8_t *data, size_t len, const char *magic, size_t magic_len)
{
	struct core c;
	struct diag d;
	enum xk_status st;

	if (len < magic_len || memcmp(data, magic, magic_len))
		return 0;
	diag_init(&d);
	st = core_open_bytes((struct bytes){data, len}, &c, &d);
	if (st) {
		CHECK(st == XK_BAD_INPUT || st == XK_UNSUPPORTED);
		CHECK(d.status == st && d.text[0]);
		return 0;
	}
	check_core(&c);
	core_close(&c);
	return 0;
}

#endif
