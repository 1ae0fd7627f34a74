// SPDX-License-Identifier: GPL-2.0-only
/* Xen's console ring in the small Xen, filled as conring_puts() does; and the words that end logs. */
#include <stdio.h>

#include "mkxen.h"
#include "vmcore/conring.h"
#include "vmcore/panic.h"
#include "xktest.h"

#define RING UINT64_C(0x320000)
#define DM   UINT64_C(0xffff830000000000)

static struct mkxen x;
static struct conring ring;
static struct diag d;
static char said[3 * 8192];
static size_t len;
static unsigned parts, stop_at;
static uint32_t lost;

static bool take(void *ctx _unused_, struct bytes part)
{
	assert_true(part.len && part.len <= 4096 && len + part.len < sizeof(said));
	memcpy(said + len, part.data, part.len);
	len += part.len;
	said[len] = '\0';
	return ++parts != stop_at;
}

static void take_lost(void *ctx _unused_, uint32_t nr)
{
	lost += nr;
}

static const struct conring_sink to = {take, take_lost, NULL};

static void begin(void)
{
	x = (struct mkxen){.minor = 17, .table = 4};
	mkxen_init(&x);
}

/* The four variables; 0xa00 and on of Xen's page of them. */
static void variables(uint64_t at, uint32_t size, uint32_t p, uint32_t c)
{
	mkxen_variable(&x, "drivers/char/console.c#conring", 0xa00, at);
	mkxen_variable(&x, "drivers/char/console.c#conring_size", 0xa08, size);
	mkxen_variable(&x, "drivers/char/console.c#conringp", 0xa10, p);
	mkxen_variable(&x, "drivers/char/console.c#conringc", 0xa18, c);
}

static enum xk_status find(void)
{
	struct xen_xlat xl;
	enum xk_status st;

	mkxen_open(&x);
	diag_init(&d);
	assert_int_equal(xen_xlat_init(&x.core, &x.n, x.r, &xl, &d), XK_OK);
	st = conring_find(&x.n, &xl, x.r, &ring, &d);
	len = parts = lost = 0;
	said[0] = '\0';
	if (!st) {
		bool all = conring_each(&ring, &xl, x.r, &to);

		assert_int_equal(all, !stop_at || parts < stop_at);
	}
	mkxen_deinit(&x);
	return st;
}

/* conring[conringp++ & (size - 1)] = c, from a count on. */
static void put(uint32_t *p, uint32_t size, const char *text)
{
	for (; *text; text++)
		*mkcore_at(&x.m, RING + (*p)++ % size, 1) = (uint8_t)*text;
}

static void short_ring(void **state)
{
	uint32_t p = 0;

	(void)state;
	begin();
	put(&p, 16384, "(XEN) one\n(XEN) two\n");
	variables(DM + RING, 16384, p, 0);
	assert_int_equal(find(), XK_OK);
	assert_string_equal(said, "(XEN) one\n(XEN) two\n");
	assert_false(ring.wrapped);
	assert_int_equal(ring.size, 16384);
}

/* What dom0 has thrown away is read all the same. */
static void consumed(void **state)
{
	uint32_t p = 0;

	(void)state;
	begin();
	put(&p, 4096, "thrown away ");
	variables(DM + RING, 4096, 15, 12);
	put(&p, 4096, "new");
	assert_int_equal(find(), XK_OK);
	assert_string_equal(said, "thrown away new");
}

static void nothing(void **state)
{
	(void)state;
	begin();
	variables(DM + RING, 4096, 0, 0);
	assert_int_equal(find(), XK_OK);
	assert_int_equal(len, 0);
	assert_int_equal(ring.len, 0);
}

/* Text by its number, so that every byte's place is told: "000000 000007 ..." */
static void fill(uint32_t *p, uint32_t size, unsigned nr)
{
	char text[8];

	for (unsigned i = 0; i < nr; i++) {
		snprintf(text, sizeof(text), "%06u ", i * 7);
		put(p, size, text);
	}
}

static void check_tail(unsigned all, unsigned want)
{
	char text[16];

	assert_int_equal(len, want);
	for (unsigned i = 0; i < want; i++) {
		const unsigned at = all - want + i;

		snprintf(text, sizeof(text), "%06u ", at / 7 * 7);
		assert_int_equal(said[i], text[at % 7]);
	}
}

/* Wrapped once, many times, exactly full; and where the count itself has wrapped, which only dom0's
 * count tells. */
static void wrapped(void **state)
{
	static const struct {
		uint32_t start, size;
		unsigned nr; /* of seven bytes */
	} rows[] = {
		{0, 4096, 600}, /* 4200 bytes */
		{0, 8192, 3001}, /* 21007 */
		{0, 256, 37}, /* 259 */
		{UINT32_MAX - 5000, 4096, 1000}, /* 7000, over 2^32 */
		{UINT32_MAX, 4096, 1170}, /* 8190: the count is beyond the size again */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t p = rows[i].start;

		begin();
		fill(&p, rows[i].size, rows[i].nr);
		variables(DM + RING, rows[i].size, p, p - rows[i].size);
		assert_int_equal(find(), XK_OK);
		assert_true(ring.wrapped);
		check_tail(rows[i].nr * 7, rows[i].size);
	}
}

static void full(void **state)
{
	uint32_t p = 0;

	(void)state;
	begin();
	fill(&p, 4096, 585); /* 4095 */
	put(&p, 4096, "!");
	variables(DM + RING, 4096, p, 0);
	assert_int_equal(find(), XK_OK);
	assert_false(ring.wrapped);
	assert_int_equal(len, 4096);
	assert_int_equal(said[4095], '!');
}

/* Memory that was never written, between what the early ring had and the later one. */
static void zeros(void **state)
{
	uint32_t p = 100;

	(void)state;
	begin();
	put(&p, 4096, "a");
	p++;
	put(&p, 4096, "bc");
	variables(DM + RING, 4096, p, 100);
	assert_int_equal(find(), XK_OK);
	assert_string_equal(said, "abc");
}

/* A ring half of which is not in the core; and the whole. */
static void holes(void **state)
{
	uint32_t p = 0;

	(void)state;
	begin();
	variables(DM + 0x1fff000, 8192, 8192, 0); /* the last page of memory, and one more */
	for (unsigned i = 0; i < 4096; i++)
		*mkcore_at(&x.m, 0x1fff000 + i, 1) = 'x';
	assert_int_equal(find(), XK_OK);
	assert_int_equal(len, 4096);
	assert_int_equal(lost, 4096);
	begin();
	put(&p, 4096, "a");
	variables(DM + 0x2000000, 8192, 8192, 0);
	assert_int_equal(find(), XK_OK);
	assert_int_equal(len, 0);
	assert_int_equal(lost, 8192);
}

static void stops(void **state)
{
	uint32_t p = 0;

	(void)state;
	begin();
	fill(&p, 16384, 2000);
	variables(DM + RING, 16384, p, 0);
	stop_at = 2;
	assert_int_equal(find(), XK_OK);
	assert_int_equal(len, 8192);
	stop_at = 0;
}

static void refused(void **state)
{
	static const struct {
		uint64_t at;
		uint32_t size;
		const char *says;
	} rows[] = {
		{DM + RING, 0, "would have 0 bytes (conring_size)"},
		{DM + RING, 128, "no power of two from 256"},
		{DM + RING, 4095, "4095 bytes"},
		{DM + RING, 0x80000000, "2147483648 bytes"},
		{0, 4096, "would lie at 0 (conring)"},
		{UINT64_MAX - 100, 4096, "would lie at 0xffffffffffffff9b"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin();
		variables(rows[i].at, rows[i].size, 10, 0);
		assert_int_equal(find(), XK_BAD_INPUT);
		assert_says(d.text, rows[i].says);
	}
	begin();
	variables(DM + RING, 4096, 10, 0);
	memcpy(strstr(x.symbols, "conringp"), "conringq", 8);
	assert_int_equal(find(), XK_BAD_INPUT);
	assert_says(d.text, "have no conringp");
	begin();
	mkxen_symbol(&x, "conring", MKXEN_BASE + 0x3fffff00); /* nothing is mapped there */
	assert_int_equal(find(), XK_BAD_INPUT);
	assert_says(d.text, "Xen's conring at 0xffff82d07fffff00");
	begin();
	x.symbols[0] = '\0';
	assert_int_equal(find(), XK_BAD_INPUT);
	assert_says(d.text, "has no symbols of Xen");
	begin();
	x.n.xenkdump = NULL;
	assert_int_equal(find(), XK_BAD_INPUT);
	assert_says(d.text, "has no XENKDUMP note");
}

static void xen_line(struct panic *p, const char *line)
{
	panic_xen_line(p, (struct bytes){(const uint8_t *)line, strlen(line)});
}

static void linux_line(struct panic *p, const char *line)
{
	panic_linux_line(p, (struct bytes){(const uint8_t *)line, strlen(line)});
}

static void words_of_xen(void **state)
{
	struct panic p = {0};

	(void)state;
	xen_line(&p, "(XEN) Panic");
	xen_line(&p, "(XEN) [2026-11-23 02:44:00.123] ****************************************");
	xen_line(&p, "(XEN) [2026-11-23 02:44:00.123] Panic on CPU 3:");
	xen_line(&p, "(XEN) [2026-11-23 02:44:00.123] FATAL TRAP: vector = 2 (nmi)");
	xen_line(&p, "(XEN) [error_code=0000] ");
	xen_line(&p, "");
	xen_line(&p, "(XEN) ****************************************");
	xen_line(&p, "(XEN) Reboot in five seconds...");
	xen_line(&p, "(XEN) Executing kexec image on cpu3");
	assert_string_equal(p.xen_panic, "Panic on CPU 3: FATAL TRAP: vector = 2 (nmi)");
	assert_string_equal(p.xen_kexec, "Executing kexec image on cpu3");
	assert_string_equal(p.linux_panic, "");
	assert_string_equal(panic_who(&p), "Xen crashed");
	xen_line(&p, "(XEN) Domain 0 crashed: Executing crash image");
	assert_string_equal(p.xen_kexec, "Domain 0 crashed: Executing crash image");
	assert_string_equal(panic_who(&p), "dom0 crashed, and Xen with it");
	xen_line(&p, "(XEN) Hardware Dom0 crashed: Executing kexec image on cpu1");
	assert_string_equal(p.xen_kexec, "Hardware Dom0 crashed: Executing kexec image on cpu1");
	xen_line(&p, "(XEN) [");
	xen_line(&p, "(XEN) ");
	xen_line(&p, ":");
}

/* The last of each; and a text without end is cut, and its control bytes are not passed on. */
static void words_of_linux(void **state)
{
	struct panic p = {0};
	char line[2 * PANIC_TEXT];

	(void)state;
	assert_says(panic_who(&p), "do not tell which");
	linux_line(&p, "systemd: BUG: not the kernel's");
	assert_string_equal(p.linux_cause, "");
	linux_line(&p, "BUG: kernel NULL pointer dereference, address: 0000000000000000");
	linux_line(&p, "Oops: 0002 [#1] PREEMPT SMP");
	linux_line(&p, "Kernel panic - not syncing: Fatal \x1b[2J exception");
	linux_line(&p, "Rebooting in 5 seconds..");
	assert_string_equal(p.linux_cause, "Oops: 0002 [#1] PREEMPT SMP");
	assert_string_equal(p.linux_panic, "Kernel panic - not syncing: Fatal \\x1b[2J exception");
	assert_string_equal(panic_who(&p), "dom0 crashed, and Xen with it");
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	memcpy(line, "BUG: ", 5);
	linux_line(&p, line);
	assert_int_equal(strlen(p.linux_cause), PANIC_TEXT - 1);
	xen_line(&p, "Panic on CPU 0:");
	for (unsigned i = 0; i < 3; i++)
		xen_line(&p, line);
	assert_int_equal(strlen(p.xen_panic), PANIC_TEXT - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_ring),
		cmocka_unit_test(consumed),
		cmocka_unit_test(nothing),
		cmocka_unit_test(wrapped),
		cmocka_unit_test(full),
		cmocka_unit_test(zeros),
		cmocka_unit_test(holes),
		cmocka_unit_test(stops),
		cmocka_unit_test(refused),
		cmocka_unit_test(words_of_xen),
		cmocka_unit_test(words_of_linux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
