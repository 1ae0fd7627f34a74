/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is armed in a Linux: the kernel says whether an image is loaded, and never which. That is
 * what the record is for. Pure.
 */
#ifndef NATIVE_ARMED_H
#define NATIVE_ARMED_H

#include "common/record.h"

/* loaded is native_sys_loaded(); -1 is not for this. Fills *ret. */
void native_armed_judge(bool loaded, const struct record *rec, struct armed *ret) _nonnull_;

#endif
