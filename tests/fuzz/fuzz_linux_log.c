// SPDX-License-Identifier: GPL-2.0-only
/* A kernel's log: 2 bytes for the length of VMCOREINFO, a byte for the width, VMCOREINFO, then memory
 * from LOG_AT on. */
#include "tests/fuzz/memory.h"
#include "vmcore/linux_log.h"

struct seen {
	uint64_t records, bytes, calls;
	struct buf line;
};

static bool record(void *ctx, const struct linux_log_record *rec)
{
	struct seen *s = ctx;

	CHECK(rec->text.len <= LINUX_LOG_TEXT);
	s->records++;
	s->bytes += rec->text.len;
	linux_log_format(rec, &s->line);
	CHECK(!s->line.failed && s->line.len && s->line.data[s->line.len - 1] == '\n');
	for (size_t i = 0; i < s->line.len; i++)
		CHECK((s->line.data[i] >= 0x20 && s->line.data[i] < 0x7f) ||
			s->line.data[i] == '\n' || s->line.data[i] == '\t');
	s->line.len = 0;
	return true;
}

static void lost(void *ctx, uint64_t nr, const char *why)
{
	struct seen *s = ctx;

	(void)nr;
	CHECK(*why);
	s->calls++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct linux_xlat l = {.p2m = {.identity = true, .bits = 64, .nr = 1 << 20}};
	struct seen seen = {0};
	const struct linux_log_sink to = {record, lost, &seen};
	struct core_notes n = {0};
	struct memory m;
	struct diag d;
	uint16_t info;
	enum xk_status st;

	if (len < 3)
		return 0;
	memcpy(&info, data, sizeof(info));
	l.bits = data[2] & 1 ? 32 : 64;
	data += 3;
	len -= 3;
	if (info > len || len - info > MEMORY_MAX)
		return 0;
	n.vmcoreinfo = (struct bytes){data, info};
	l.text_base = l.bits == 32 ? UINT64_C(0xc0000000) : UINT64_C(0xffffffff80000000);
	l.text_size = l.bits == 32 ? 0 : GiB;
	l.page_offset = l.bits == 32 ? l.text_base : 0;
	memory_open(&m, MEMORY_AT, data + info, len - info);
	diag_init(&d);
	st = linux_log_each(&n, &l, m.r, &to, &d);
	CHECK(st == XK_OK || (st == XK_BAD_INPUT && *d.text && !seen.records && !seen.calls));
	/* the ring is no larger than the memory, but for a text that is read twice at most */
	CHECK(seen.bytes <= (uint64_t)LINUX_LOG_MAX + LINUX_LOG_TEXT);
	buf_deinit(&seen.line);
	memory_close(&m);
	return 0;
}
