// SPDX-License-Identifier: GPL-2.0-only
/* Kdump-compressed files. */
#include "tests/fuzz/core.h"
#include "vmcore/kdump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	return fuzz_core(data, len, KDUMP_SIGNATURE, 8);
}
