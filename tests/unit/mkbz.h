/* SPDX-License-Identifier: GPL-2.0-only */
/* Builds a small bzImage from a description: a valid one by default, and wrong in whatever way a
 * test asks for. */
#ifndef XK_TEST_MKBZ_H
#define XK_TEST_MKBZ_H

#include "common/bytes.h"

struct mkbz {
	uint16_t protocol;
	uint8_t loadflags;
	uint8_t setup_sects; /* as written; the file has 4 when it is 0 */
	uint8_t jump; /* header length byte at 0x201 */
	bool relocatable;
	bool is_64, above_4g, efi_kexec; /* in xloadflags */
	uint32_t align;
	uint64_t pref_address;
	uint32_t init_size;
	uint32_t cmdline_size;
	uint32_t initrd_addr_max;
	uint32_t kernel_size; /* protected-mode bytes in the file; byte i is mkbz_byte(i) */
	uint32_t syssize; /* in 16 bytes; 0: what fits kernel_size */
	uint32_t payload_offset, payload_length;
	const char *version; /* NULL: kernel_version is 0 */
};

/* A 64-bit kernel of protocol 2.15 as Linux 6.1 builds it, only small. */
struct mkbz mkbz_default(void);

/* The file, to be freed by buf_deinit(). Fields that a protocol lacks are written anyway. */
struct buf mkbz_build(const struct mkbz *m) _nonnull_;

/* Content of the protected-mode part. */
uint8_t mkbz_byte(size_t i);

#endif
