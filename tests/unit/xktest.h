/* SPDX-License-Identifier: GPL-2.0-only */
/* cmocka with the headers it wants, and a word for text comparisons. */
#ifndef XKTEST_H
#define XKTEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/compiler.h"

/* The message must name what the administrator needs. */
#define assert_says(text, part)                                             \
	do {                                                                \
		if (!strstr(text, part))                                    \
			fail_msg("\"%s\" does not say \"%s\"", text, part); \
	} while (0)

#endif
