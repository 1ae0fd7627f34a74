// SPDX-License-Identifier: GPL-2.0-only
/* VMCOREINFO text: no key is found that the text does not hold as it is asked for. */
#include "tests/fuzz/fuzz.h"
#include "vmcore/notes.h"

#define CHECK(c) ((c) ? (void)0 : __builtin_trap())

/* The first line is the name that is asked for; the rest is the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes text = {data, len}, v;
	uint64_t u = 1;
	int64_t s = 1;
	char name[64] = "";
	size_t n = 0;

	while (n < len && n < sizeof(name) - 1 && data[n] != '\n' && data[n])
		n++;
	memcpy(name, data, n);
	if (n < len)
		text = bytes_sub(text, n + 1, len - n - 1);
	v = vmcoreinfo_value(text, name);
	CHECK(!v.data || (v.data >= text.data + strlen(name) + 1 && v.data[-1] == '='));
	CHECK(!v.len || !memchr(v.data, '\n', v.len));
	CHECK(!vmcoreinfo_symbol(text, name, &u) || memmem(text.data, text.len, "SYMBOL(", 7));
	CHECK(!vmcoreinfo_size(text, name, &u) || memmem(text.data, text.len, "SIZE(", 5));
	CHECK(!vmcoreinfo_offset(text, name, &u) || memmem(text.data, text.len, "OFFSET(", 7));
	CHECK(!vmcoreinfo_length(text, name, &u) || memmem(text.data, text.len, "LENGTH(", 7));
	CHECK(!vmcoreinfo_number(text, name, &s) || memmem(text.data, text.len, "NUMBER(", 7));
	return 0;
}
