/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that no deflate shrinks: what is encrypted or compressed already. To find that out by trying
 * costs as much as to compress another page.
 */
#ifndef VMCORE_NOISE_H
#define VMCORE_NOISE_H

#include "vmcore/core.h"

/* true: all bytes are about as frequent, and no four of them come again. Wrong only in that it says
 * false too often. */
bool page_is_noise(const uint8_t *page) _nonnull_;

#endif
