/* SPDX-License-Identifier: GPL-2.0-only */
/* The one entry point of every fuzz target, for libFuzzer or for replay.c. */
#ifndef XK_FUZZ_H
#define XK_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
