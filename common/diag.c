// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/diag.h"

void diag_init(struct diag *d)
{
	d->status = XK_OK;
	d->text[0] = '\0';
}

enum xk_status diag_fail(struct diag *d, enum xk_status status, const char *fmt, ...)
{
	va_list ap;

	d->status = status;
	va_start(ap, fmt);
	vsnprintf(d->text, sizeof(d->text), fmt, ap);
	va_end(ap);
	return status;
}

enum xk_status diag_prepend(struct diag *d, const char *fmt, ...)
{
	char old[sizeof(d->text)];
	va_list ap;
	size_t n;

	memcpy(old, d->text, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(d->text, sizeof(d->text), fmt, ap);
	va_end(ap);
	n = strlen(d->text);
	snprintf(d->text + n, sizeof(d->text) - n, "%s", old);
	return d->status;
}

enum xk_status diag_append(struct diag *d, const char *fmt, ...)
{
	size_t n = strlen(d->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->text + n, sizeof(d->text) - n, fmt, ap);
	va_end(ap);
	return d->status;
}
