// SPDX-License-Identifier: GPL-2.0-only
/* ELF cores. */
#include <elf.h>

#include "tests/fuzz/core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	return fuzz_core(data, len, ELFMAG, SELFMAG);
}
