// SPDX-License-Identifier: GPL-2.0-only
/* Command lines: whatever they say, reuse drops crashkernel= and an appended word is read by the
 * kernel, that is, it stands outside quotes and before "--". */
#include "common/cmdline.h"
#include "common/words.h"
#include "tests/fuzz/fuzz.h"

#define CHECK(c) ((c) ? (void)0 : __builtin_trap())

static char *to_string(const uint8_t *data, size_t len)
{
	char *s = malloc(len + 1);

	if (len)
		memcpy(s, data, len);
	s[len] = '\0';
	return s;
}

static void check_kernel_reads(const struct buf *b, const char *want)
{
	char *s = to_string(b->data, b->len);
	const char *p = s;
	bool seen = false;
	struct word w, v;

	while (word_next(&p, true, &w) && !word_is(word_unquote(w), "--")) {
		CHECK(!word_value(w, "crashkernel", &v));
		seen = seen || word_is(w, want);
	}
	CHECK(seen);
	free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *s = to_string(data, len);
	struct buf b = {0}, xen = {0};
	struct serial ser;

	cmdline_reuse(s, len & 1, &b);
	CHECK(b.len <= strlen(s));
	cmdline_append(&b, "elfcorehdr=1M");
	check_kernel_reads(&b, "elfcorehdr=1M");
	ser = cmdline_linux_serial(s);
	CHECK(!ser.found || ser.port || ser.index >= 0);

	ser = cmdline_xen_serial(s);
	CHECK(!ser.found ||
		(ser.port && (ser.baud == 0 || ser.baud >= 1200) && ser.baud <= 115200));
	cmdline_from_xen_console(s, &xen);
	CHECK((xen.len == 0) == (!ser.found && !cmdline_xen_uses_vga(s)));
	if (ser.found) {
		char *words = to_string(xen.data, xen.len);
		struct serial back = cmdline_linux_serial(words);

		CHECK(back.found && back.baud == ser.baud && back.port == ser.port);
		free(words);
	}
	buf_deinit(&xen);
	/* appended lines that have a "--" of their own */
	cmdline_append(&xen, s);
	cmdline_append(&xen, s);
	buf_deinit(&xen);
	buf_deinit(&b);
	free(s);
	return 0;
}
