// SPDX-License-Identifier: GPL-2.0-only
/* Xen's console ring, and the lines it is searched for: memory of Xen's image from its base on, whose
 * first 32 bytes are the four variables. */
#include <stdio.h>

#include "tests/fuzz/memory.h"
#include "vmcore/conring.h"
#include "vmcore/panic.h"

#define BASE UINT64_C(0xffff82d040000000)

struct seen {
	uint64_t bytes;
	struct panic panic;
};

static bool text(void *ctx, struct bytes part)
{
	struct seen *s = ctx;

	CHECK(part.len && part.len <= CORE_PAGE && !memchr(part.data, 0, part.len));
	s->bytes += part.len;
	while (part.len) {
		const uint8_t *nl = memchr(part.data, '\n', part.len);
		const size_t n = nl ? (size_t)(nl - part.data) : part.len;

		panic_xen_line(&s->panic, (struct bytes){part.data, n});
		panic_linux_line(&s->panic, (struct bytes){part.data, n});
		part = bytes_sub(part, n + !!nl, part.len - n - !!nl);
	}
	return true;
}

static void lost(void *ctx, uint32_t len)
{
	struct seen *s = ctx;

	CHECK(len);
	s->bytes += len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const names[] = {"conring", "conring_size", "conringp", "conringc"};
	struct xen_xlat x = {.image_base = BASE,
		.image_end = BASE + MEMORY_MAX,
		.phys_start = MEMORY_AT,
		.directmap = UINT64_C(0xffff830000000000),
		.directmap_end = UINT64_C(0xffff880000000000)};
	struct seen seen = {0};
	const struct conring_sink to = {text, lost, &seen};
	char symbols[512] = "";
	struct core_notes n = {0};
	struct conring ring;
	struct xkn xkn = {0};
	struct memory m;
	struct diag d;

	if (len < 32 || len > MEMORY_MAX)
		return 0;
	for (unsigned i = 0; i < 4; i++)
		snprintf(symbols + strlen(symbols), sizeof(symbols) - strlen(symbols),
			"%016llx b %s\n", (unsigned long long)BASE + i * 8, names[i]);
	xkn.symbols = (struct buf){.data = (uint8_t *)symbols, .len = strlen(symbols)};
	n.xenkdump = &xkn;
	memory_open(&m, MEMORY_AT, data, len);
	diag_init(&d);
	if (conring_find(&n, &x, m.r, &ring, &d)) {
		CHECK(*d.text);
	} else {
		CHECK(ring.len <= ring.size && ring.len <= CONRING_MAX);
		CHECK(conring_each(&ring, &x, m.r, &to));
		CHECK(seen.bytes <= ring.len);
	}
	for (size_t i = 0; i < 4; i++) {
		const char *const said[] = {seen.panic.xen_panic, seen.panic.xen_kexec,
			seen.panic.linux_panic, seen.panic.linux_cause};

		CHECK(strlen(said[i]) < PANIC_TEXT);
	}
	memory_close(&m);
	return 0;
}
