// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/mkbz.h"

struct mkbz mkbz_default(void)
{
	return (struct mkbz){
		.protocol = 0x020f,
		.loadflags = 1,
		.setup_sects = 4,
		.jump = 0x6a, /* to 0x26c, behind kernel_info_offset */
		.relocatable = true,
		.is_64 = true,
		.above_4g = true,
		.align = 0x200000,
		.pref_address = 0x1000000,
		.init_size = 0x100000,
		.cmdline_size = 2047,
		.initrd_addr_max = 0x7fffffff,
		.kernel_size = 0x8000,
		.version = "6.1.0-test (builder@host) #1 SMP",
	};
}

uint8_t mkbz_byte(size_t i)
{
	return (uint8_t)(i * 7 + (i >> 8));
}

static void put(struct buf *b, size_t off, uint64_t v, size_t len)
{
	memcpy(b->data + off, &v, len);
}

struct buf mkbz_build(const struct mkbz *m)
{
	size_t setup = (size_t)((m->setup_sects ? m->setup_sects : 4) + 1) * 512;
	struct buf b = {0};

	buf_zero(&b, setup + m->kernel_size);
	if (b.failed)
		return b;
	put(&b, 0x1f1, m->setup_sects, 1);
	put(&b, 0x1f4, m->syssize ? m->syssize : m->kernel_size / 16, 4);
	put(&b, 0x1fe, 0xaa55, 2);
	put(&b, 0x200, 0xeb, 1);
	put(&b, 0x201, m->jump, 1);
	memcpy(b.data + 0x202, "HdrS", 4);
	put(&b, 0x206, m->protocol, 2);
	put(&b, 0x211, m->loadflags, 1);
	put(&b, 0x22c, m->initrd_addr_max, 4);
	put(&b, 0x230, m->align, 4);
	put(&b, 0x234, m->relocatable, 1);
	put(&b, 0x236, (m->is_64 ? 1 : 0) | (m->above_4g ? 2 : 0) | (m->efi_kexec ? 16 : 0), 2);
	put(&b, 0x238, m->cmdline_size, 4);
	put(&b, 0x248, m->payload_offset, 4);
	put(&b, 0x24c, m->payload_length, 4);
	put(&b, 0x258, m->pref_address, 8);
	put(&b, 0x260, m->init_size, 4);
	if (m->version) {
		put(&b, 0x20e, 0x300 - 0x200, 2);
		memcpy(b.data + 0x300, m->version, strlen(m->version) + 1);
	}
	for (size_t i = 0; i < m->kernel_size; i++)
		b.data[setup + i] = mkbz_byte(i);
	return b;
}
