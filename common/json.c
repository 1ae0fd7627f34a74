// SPDX-License-Identifier: GPL-2.0-only
#include "common/bytes.h"
#include "common/json.h"

struct json_object *json_text(const char *s)
{
	struct json_object *o = NULL;
	struct buf b = {0};

	for (; *s; s++)
		buf_printf(&b, (unsigned char)*s >= 0x7f ? "\\x%02x" : "%c", (unsigned char)*s);
	buf_append(&b, "", 1);
	if (!b.failed)
		o = json_object_new_string((const char *)b.data);
	buf_deinit(&b);
	return o;
}
