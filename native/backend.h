/* SPDX-License-Identifier: GPL-2.0-only */
/* Loading into a Linux that owns its machine. */
#ifndef NATIVE_BACKEND_H
#define NATIVE_BACKEND_H

#include "common/plan.h"

/*
 * What a Linux of this width takes. The limits are the running kernel's and not this program's, so
 * that every build makes the same plan; whether a 32-bit program can hand its addresses over is
 * for the load to see. Of a width that is not 32 (an unknown one) it is the 64-bit kernel's:
 * plan_build() refuses that host for its own reason.
 */
const struct backend_limits *native_limits(unsigned kernel_bits);

#endif
