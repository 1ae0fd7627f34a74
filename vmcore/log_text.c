// SPDX-License-Identifier: GPL-2.0-only
#include "vmcore/log_text.h"

static bool stays(uint8_t c)
{
	return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t';
}

void log_escape(struct buf *to, struct bytes text)
{
	size_t from = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (stays(text.data[i]))
			continue;
		if (i > from)
			buf_append(to, text.data + from, i - from);
		buf_printf(to, "\\x%02x", text.data[i]);
		from = i + 1;
	}
	if (text.len > from)
		buf_append(to, text.data + from, text.len - from);
}
