/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NATIVE_FIRMWARE_H
#define NATIVE_FIRMWARE_H

#include "common/host.h"

/* Fills efi, rsdp, screen_info and edd of *h: what the boot loader and the firmware left. */
void native_firmware(const char *root, struct host *h) _nonnull_;

#endif
