// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/logged.h"
#include "tests/unit/opened.h"
#include "tests/unit/xktest.h"

#define TEXT_64 UINT64_C(0xffffffff80000000)
#define BASE_32 UINT64_C(0xc0000000)

uint64_t logged_base(unsigned bits)
{
	return (bits == 32 ? BASE_32 : TEXT_64) + LOGGED_AT;
}

static bool take(void *ctx, const struct linux_log_record *rec)
{
	struct logged *g = ctx;
	struct linux_log_record *to = &g->rec[g->nr];
	uint8_t *copy = malloc(rec->text.len + 1);

	assert_true(g->nr < LOGGED_MAX);
	assert_non_null(copy);
	memcpy(copy, rec->text.data, rec->text.len);
	copy[rec->text.len] = '\0';
	*to = *rec;
	to->text.data = copy;
	linux_log_format(rec, &g->text);
	g->nr++;
	return !g->stop_at || g->nr < g->stop_at;
}

static void take_lost(void *ctx, uint64_t nr, const char *why)
{
	struct logged *g = ctx;
	const size_t used = strlen(g->lost);

	snprintf(g->lost + used, sizeof(g->lost) - used, "before %zu: %" PRIu64 " %s; ", g->nr, nr,
		why);
}

static void clear(struct logged *g)
{
	for (size_t i = 0; i < g->nr; i++)
		free((void *)(uintptr_t)g->rec[i].text.data);
	g->nr = 0;
	buf_deinit(&g->text);
	g->text = (struct buf){0};
	g->lost[0] = '\0';
}

void logged_read(struct logged *g, const struct buf *image)
{
	const struct linux_log_sink to = {take, take_lost, g};
	struct linux_xlat l = {
		.bits = g->bits, .p2m = {.identity = true, .bits = 64, .nr = 1 << 20}};
	const struct core_notes n = {.vmcoreinfo = buf_bytes(&g->info)};
	struct opened o;
	struct mkcore m;
	struct buf file;

	clear(g);
	if (g->bits == 32) {
		l.page_offset = l.text_base = BASE_32;
	} else {
		l.text_base = TEXT_64;
		l.text_size = GiB;
	}
	mkcore_init(&m, ELFCLASS64, EM_X86_64);
	mkcore_mem(&m, LOGGED_AT, (image->len + 4095) / 4096 * 4096);
	mkcore_put(&m, LOGGED_AT, image->data, image->len);
	file = mkcore_build(&m);
	opened_init(&o, &file);
	diag_init(&g->d);
	g->st = linux_log_each(&n, &l, o.r, &to, &g->d);
	opened_close(&o);
	buf_deinit(&file);
	mkcore_deinit(&m);
}

void logged_deinit(struct logged *g)
{
	clear(g);
	buf_deinit(&g->info);
}

void assert_record(const struct logged *g, size_t i, const char *text)
{
	assert_true(i < g->nr);
	assert_string_equal((const char *)g->rec[i].text.data, text);
	assert_int_equal(g->rec[i].text.len, strlen(text));
}
