// SPDX-License-Identifier: GPL-2.0-only
#include "common/purg.h"
#include "purgatory/blob.h"
#include "purgatory/sha256.h"

struct bytes purg_blob(unsigned bits)
{
	switch (bits) {
	case 32:
		return (struct bytes){
			purg_blob_i386, (size_t)(purg_blob_i386_end - purg_blob_i386)};
	case 64:
		return (struct bytes){
			purg_blob_x86_64, (size_t)(purg_blob_x86_64_end - purg_blob_x86_64)};
	default: return (struct bytes){NULL, 0};
	}
}

struct purg_abi purg_blob_abi(unsigned bits)
{
	struct purg_abi ret = {0};

	/* no such blob: all zero, which has no magic */
	if (!bytes_read(purg_blob(bits), PURG_ABI_OFFSET, &ret, sizeof(ret)))
		memset(&ret, 0, sizeof(ret));
	return ret;
}

void purg_fill(uint8_t *blob, const struct purg_abi *params)
{
	struct purg_abi built, filled = *params;

	memcpy(&built, blob + PURG_ABI_OFFSET, sizeof(built));
	filled.magic = built.magic;
	filled.version = built.version;
	filled.size = built.size;
	filled.mem_size = built.mem_size;
	memcpy(blob + PURG_ABI_OFFSET, &filled, sizeof(filled));
}

void sha256(const void *data, size_t len, uint8_t ret[32])
{
	sha256_digest(sha256_has_ni() ? sha256_blocks_ni : sha256_blocks_c, data, len, ret);
}
