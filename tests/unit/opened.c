// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/xktest.h"

#include "tests/unit/opened.h"

enum xk_status opened_try(struct opened *o, const struct buf *file)
{
	memset(o, 0, sizeof(*o));
	diag_init(&o->d);
	return core_open_bytes(buf_bytes(file), &o->c, &o->d);
}

void opened_init(struct opened *o, const struct buf *file)
{
	if (opened_try(o, file))
		fail_msg("%s", o->d.text);
	o->r = core_reader_create(&o->c);
	assert_non_null(o->r);
}

void opened_close(struct opened *o)
{
	core_reader_destroy(o->r);
	core_close(&o->c);
	buf_deinit(&o->file);
}

void assert_pattern(const uint8_t *p, uint64_t paddr, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != mkcore_byte(paddr + i))
			fail_msg("byte %zu of %llx is %02x, not %02x", i, (unsigned long long)paddr,
				p[i], mkcore_byte(paddr + i));
}

void assert_page(struct opened *o, uint64_t pfn)
{
	const uint8_t *page;

	assert_int_equal(core_page(o->r, pfn, &page), PAGE_DATA);
	assert_pattern(page, pfn * 4096, 4096);
}

void assert_state(struct opened *o, uint64_t pfn, enum page_state s)
{
	const uint8_t *page;

	assert_int_equal(core_page(o->r, pfn, &page), s);
	assert_int_equal(core_run(o->r, pfn, 1, &page), s == PAGE_DATA);
}

void assert_problem(const struct opened *o, const char *part)
{
	for (size_t i = 0; i < o->c.nr_problems; i++)
		if (strstr(o->c.problems[i], part))
			return;
	fail_msg("of %zu problems none says \"%s\"; the first: %s", o->c.nr_problems, part,
		o->c.nr_problems ? o->c.problems[0] : "-");
}
