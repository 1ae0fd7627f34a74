/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMCORE_WHY_H
#define VMCORE_WHY_H

#include "common/compiler.h"

/* Adds to a text for people, after "; " when something stands there. What does not fit is cut. */
void why_add(char *why, size_t size, const char *fmt, ...) _printf_(3, 4) _nonnull_;

#endif
