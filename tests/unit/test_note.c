// SPDX-License-Identifier: GPL-2.0-only
/* The XENKDUMP note, read by what doc/xenkdump-note.md says and by nothing of common/note.c. */
#include "tests/unit/xktest.h"

#include <zlib.h>

#include "common/note.h"
#include "common/plan_mem.h"
#include "tests/unit/mkplan.h"

static uint64_t get(const uint8_t *p, size_t width)
{
	uint64_t v = 0;

	for (size_t i = 0; i < width; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

/* CRC-32 of ISO 3309, bit by bit. */
static uint32_t crc(const uint8_t *p, size_t len)
{
	uint32_t c = 0xffffffff;

	for (size_t i = 0; i < len; i++) {
		c ^= p[i];
		for (int k = 0; k < 8; k++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320 : 0);
	}
	return ~c;
}

struct note {
	const uint8_t *desc;
	size_t len, whole; /* whole: with header and name, padded */
};

static struct note read_header(const uint8_t *p, size_t room)
{
	struct note n;

	assert_true(room >= 24);
	assert_int_equal(get(p, 4), 9); /* "XENKDUMP" and its NUL */
	assert_int_equal(get(p + 8, 4), 0x584b0001);
	assert_memory_equal(p + 12, "XENKDUMP\0\0\0\0", 12);
	n.len = get(p + 4, 4);
	n.desc = p + 24;
	n.whole = 24 + (n.len + 3) / 4 * 4;
	assert_true(n.whole <= room);
	assert_true(n.len >= 24);
	assert_int_equal(get(n.desc, 4), 0x4e444b58);
	assert_int_equal(get(n.desc + 4, 2), 1);
	assert_int_equal(get(n.desc + 6, 2), 24);
	assert_int_equal(get(n.desc + 8, 4), n.len);
	assert_int_equal(get(n.desc + 20, 4), 0);
	return n;
}

/* The record with this tag; NULL when there is none. Walks all of them to the very end. */
static const uint8_t *record(const struct note *n, uint32_t tag, size_t *size, size_t *raw)
{
	size_t off = 24, nr = get(n->desc + 16, 4);
	const uint8_t *found = NULL;

	for (size_t i = 0; i < nr; i++) {
		const uint8_t *r = n->desc + off;
		size_t len;

		assert_true(n->len - off >= 16);
		len = get(r + 4, 4);
		assert_true(n->len - off - 16 >= (len + 7) / 8 * 8);
		for (size_t k = len; k % 8; k++)
			assert_int_equal(r[16 + k], 0);
		if (get(r, 4) == tag) {
			assert_null(found);
			found = r + 16;
			*size = len;
			*raw = get(r + 8, 8);
		}
		off += 16 + (len + 7) / 8 * 8;
	}
	assert_int_equal(off, n->len);
	return found;
}

static char *inflated(const uint8_t *p, size_t size, size_t raw)
{
	uLongf len = raw;
	char *text = malloc(raw + 1);

	assert_non_null(text);
	assert_int_equal(uncompress((uint8_t *)text, &len, p, size), Z_OK);
	assert_int_equal(len, raw);
	text[raw] = '\0';
	return text;
}

static void whole_note(void **state)
{
	static const char symbols[] = "ffff82d040200000 T _start\nffff82d040201000 t x.c#y\n";
	const struct seg *seg;
	struct mkplan m;
	struct note n;
	size_t size, raw;
	const uint8_t *r;
	uLongf zlen = 200;
	char *text;

	(void)state;
	mkplan_init(&m, 0x20000000, 0x30000000);
	buf_zero(&m.host.xen.symbols_z, zlen);
	assert_int_equal(compress(m.host.xen.symbols_z.data, &zlen, (const uint8_t *)symbols,
				 sizeof(symbols) - 1),
		Z_OK);
	m.host.xen.symbols_z.len = zlen;
	m.host.xen.symbols_len = sizeof(symbols) - 1;
	assert_int_equal(mkplan_make(&m), XK_OK);
	seg = plan_seg(&m.plan, SEG_NOTE);
	n = read_header(seg->buf, seg->len);
	assert_int_equal(get(n.desc + 12, 4), crc(n.desc + 24, n.len - 24));
	/* an empty header ends the list */
	assert_int_equal(n.whole + 12, seg->len);
	for (size_t i = 0; i < 12; i++)
		assert_int_equal(seg->buf[n.whole + i], 0);
	assert_int_equal(m.plan.core.xenkdump_note, seg->len);

	r = record(&n, 1, &size, &raw);
	text = inflated(r, size, raw);
	assert_says(text, "xenkdump-facts 1\nhypervisor = xen\n");
	assert_says(text, "\nxen.minor = 17\n");
	assert_says(text, "\ncrash-region = 0x20000000-0x30000000 ram\n");
	assert_null(strstr(text, "xen.symbols"));
	free(text);
	r = record(&n, 2, &size, &raw);
	text = inflated(r, size, raw);
	assert_string_equal(text, symbols);
	free(text);
	r = record(&n, 4, &size, &raw);
	assert_int_equal(size, raw);
	assert_memory_equal(r, "xenkdump ", 9);
	assert_null(record(&n, 5, &size, &raw));
	mkplan_deinit(&m);
}

/* Each segment once, by the numbers of the format, and the region. */
static void map(void **state)
{
	static const struct {
		enum seg_kind kind;
		uint32_t number, flags;
	} kinds[] = {{SEG_KERNEL, 0, 0}, {SEG_INITRD, 1, 0}, {SEG_BOOTPARAMS, 2, 0},
		{SEG_CMDLINE, 3, 0}, {SEG_ELFCORE, 4, 1}, {SEG_NOTE, 5, 1}, {SEG_BACKUP, 6, 1},
		{SEG_PURGATORY, 7, 0}};
	const struct seg *seg;
	size_t size, raw, used = 0;
	struct mkplan m;
	const uint8_t *r;
	struct note n;

	(void)state;
	mkplan_init(&m, 0x20000000, 0x30000000);
	assert_int_equal(mkplan_make(&m), XK_OK);
	seg = plan_seg(&m.plan, SEG_NOTE);
	n = read_header(seg->buf, seg->len);
	r = record(&n, 3, &size, &raw);
	assert_int_equal(size % 24, 0);
	for (size_t i = 0; i < size; i += 24)
		used += get(r + i + 8, 8) != get(r + i + 16, 8);
	assert_int_equal(used, 9);
	assert_int_equal(get(r, 4), 0xffffffff);
	assert_int_equal(get(r + 8, 8), 0x20000000);
	assert_int_equal(get(r + 16, 8), 0x30000000);
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		const struct seg *s = plan_seg(&m.plan, kinds[k].kind);
		unsigned found = 0;

		for (size_t i = 0; i < size; i += 24)
			found += get(r + i, 4) == kinds[k].number &&
				 get(r + i + 4, 4) == kinds[k].flags &&
				 get(r + i + 8, 8) == s->dest.start &&
				 get(r + i + 16, 8) == s->dest.end;
		assert_int_equal(found, 1);
	}
	mkplan_deinit(&m);
}

/* What does not fit 1 MiB is left out, and that is said. */
static void too_large(void **state)
{
	struct note n;
	const struct seg *seg;
	size_t size, raw;
	struct mkplan m;
	uint32_t x = 1;

	(void)state;
	mkplan_init(&m, 0x20000000, 0x30000000);
	buf_zero(&m.host.xen.symbols_z, XKN_MAX_SIZE - 4096);
	assert_int_equal(mkplan_make(&m), XK_OK);
	seg = plan_seg(&m.plan, SEG_NOTE);
	assert_true(seg->len <= 1 << 20);
	assert_int_equal(m.plan.nr_warnings, 0);
	buf_zero(&m.host.xen.symbols_z, 4096);
	assert_int_equal(mkplan_make(&m), XK_OK);
	seg = plan_seg(&m.plan, SEG_NOTE);
	n = read_header(seg->buf, seg->len);
	assert_null(record(&n, 2, &size, &raw));
	assert_non_null(record(&n, 1, &size, &raw));
	assert_int_equal(m.plan.nr_warnings, 1);
	assert_says(m.plan.warnings[0], "symbols (1048576 bytes compressed)");

	/* facts that do not compress: 2 MiB of noise is twice that in hex digits */
	for (size_t i = 0; i < 2 << 20; i++) {
		x = x * 1664525 + 1013904223;
		buf_append(&m.host.edd, &(uint8_t){(uint8_t)(x >> 24)}, 1);
	}
	m.host.xen.symbols_z.len = 100;
	assert_int_equal(mkplan_make(&m), XK_OK);
	seg = plan_seg(&m.plan, SEG_NOTE);
	n = read_header(seg->buf, seg->len);
	assert_null(record(&n, 1, &size, &raw));
	assert_non_null(record(&n, 2, &size, &raw));
	assert_int_equal(m.plan.nr_warnings, 1);
	assert_says(m.plan.warnings[0], "facts do not fit");
	mkplan_deinit(&m);
}

/* dom0's text as a note of its own, before the other, each with its program header. */
static void kernel_copy(void **state)
{
	static const char text[] = "OSRELEASE=6.1.0\nPAGESIZE=4096\n"; /* 30 bytes */
	const struct seg *seg, *core;
	struct mkplan m;

	(void)state;
	mkplan_init(&m, 0x20000000, 0x30000000);
	buf_append(&m.host.kernel.vmcoreinfo_text, text, sizeof(text) - 1);
	assert_int_equal(mkplan_make(&m), XK_OK);
	assert_int_equal(m.plan.core.os_vmcoreinfo, OS_NOTE_COPY);
	seg = plan_seg(&m.plan, SEG_NOTE);
	assert_int_equal(get(seg->buf, 4), 11);
	assert_int_equal(get(seg->buf + 4, 4), 30);
	assert_int_equal(get(seg->buf + 8, 4), 0);
	assert_memory_equal(seg->buf + 12, "VMCOREINFO\0\0", 12);
	assert_memory_equal(seg->buf + 24, text, 30);
	/* 24 + 30, padded to 56; the next one starts at a multiple of 16 */
	read_header(seg->buf + 64, seg->len - 64);
	core = plan_seg(&m.plan, SEG_ELFCORE);
	assert_int_equal(get(core->buf + 64 + 3 * 56 + 8, 8), seg->dest.start);
	assert_int_equal(get(core->buf + 64 + 3 * 56 + 40, 8), 56);
	assert_int_equal(get(core->buf + 64 + 4 * 56 + 8, 8), seg->dest.start + 64);
	assert_int_equal(get(core->buf + 64 + 4 * 56 + 40, 8), seg->len - 64);
	mkplan_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(whole_note),
		cmocka_unit_test(map),
		cmocka_unit_test(too_large),
		cmocka_unit_test(kernel_copy),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
