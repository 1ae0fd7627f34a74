// SPDX-License-Identifier: GPL-2.0-only
/* Flattened files, of ELF cores and of kdump-compressed ones. */
#include "tests/fuzz/core.h"
#include "vmcore/flat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	return fuzz_core(data, len, FLAT_SIGNATURE, 16);
}
