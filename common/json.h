/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XK_JSON_H
#define XK_JSON_H

#include <json-c/json.h>

#include "common/compiler.h"

/* A string of bytes from outside. JSON is UTF-8 and those need not be: bytes above 0x7e become
 * \xNN, as in text for people. NULL for want of memory. */
struct json_object *json_text(const char *s) _nonnull_;

#endif
