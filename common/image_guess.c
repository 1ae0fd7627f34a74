// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "common/image_guess.h"

static bool has_at(struct bytes b, uint64_t off, const void *magic, size_t len)
{
	return bytes_has(b, off, len) && !memcmp(b.data + off, magic, len);
}

static uint32_t u32_at(struct bytes b, uint64_t off)
{
	uint32_t v = 0;

	return bytes_read(b, off, &v, sizeof(v)) ? v : 0;
}

static uint16_t u16_at(struct bytes b, uint64_t off)
{
	uint16_t v = 0;

	return bytes_read(b, off, &v, sizeof(v)) ? v : 0;
}

/* Multiboot 1: magic, flags, checksum in the first 8 KiB, on 4 bytes. Multiboot 2: magic,
 * architecture, length, checksum in the first 32 KiB, on 8 bytes. */
static bool is_multiboot(struct bytes b)
{
	for (uint64_t off = 0; off < 32768 && bytes_has(b, off, 16); off += 4) {
		uint32_t magic = u32_at(b, off);

		if (magic == 0x1badb002 && off < 8192 &&
			magic + u32_at(b, off + 4) + u32_at(b, off + 8) == 0)
			return true;
		if (magic == 0xe85250d6 &&
			magic + u32_at(b, off + 4) + u32_at(b, off + 8) + u32_at(b, off + 12) == 0)
			return true;
	}
	return false;
}

/* A unified kernel image is a PE file with a section named .linux. */
static bool is_uki(struct bytes b)
{
	uint64_t pe = u32_at(b, 0x3c);
	uint64_t table = pe + 24 + u16_at(b, pe + 20); /* after the optional header */
	unsigned nr = u16_at(b, pe + 6);

	for (unsigned i = 0; i < nr && i < 96; i++)
		if (has_at(b, table + i * 40, ".linux\0", 8))
			return true;
	return false;
}

static bool is_text(struct bytes b)
{
	size_t n = b.len < 512 ? b.len : 512;

	for (size_t i = 0; i < n; i++)
		if ((b.data[i] < ' ' || b.data[i] > '~') && !strchr("\t\n\r\f", b.data[i]))
			return false;
	return n > 0 && !memchr(b.data, 0, n);
}

static bool is_zero(struct bytes b)
{
	size_t n = b.len < 4096 ? b.len : 4096;

	for (size_t i = 0; i < n; i++)
		if (b.data[i])
			return false;
	return true;
}

void image_guess_elf(struct bytes start, char *ret, size_t size)
{
	snprintf(ret, size, "%s",
		is_multiboot(start)
			? "it looks like a multiboot image, such as the Xen hypervisor itself; a Linux kernel is wanted (/boot/vmlinuz-...)"
			: "a program, perhaps, or another system's kernel");
}

/* In the order of the table: a more special magic goes first. */
static const struct {
	uint32_t off;
	uint32_t len;
	const char *magic;
	const char *what;
} magics[] = {
	{0, 6, "070701", "an initramfs archive (cpio): are kernel and initrd swapped?"},
	{0, 6, "070702", "an initramfs archive (cpio): are kernel and initrd swapped?"},
	{0, 6, "070707", "a cpio archive: are kernel and initrd swapped?"},
	{0, 2, "\xc7\x71", "a cpio archive: are kernel and initrd swapped?"},
	{0, 2, "\x1f\x8b", "gzip data, compressed more than once?"},
	{0, 4, "\x28\xb5\x2f\xfd", "zstd data, compressed more than once?"},
	{0, 6,
		"\xfd"
		"7zXZ\0",
		"xz data, compressed more than once?"},
	{0, 3, "BZh", "bzip2 data; unpack it, or use gzip, zstd or xz"},
	{0, 4, "\x02\x21\x4c\x18", "lz4 data; unpack it, or use gzip, zstd or xz"},
	{0, 4, "\x04\x22\x4d\x18", "lz4 data; unpack it, or use gzip, zstd or xz"},
	{0, 3, "\x5d\0\0", "lzma data; unpack it, or use gzip, zstd or xz"},
	{0, 4,
		"\x89"
		"LZO",
		"lzo data; unpack it, or use gzip, zstd or xz"},
	{0, 4, "\x27\x05\x19\x56", "a U-Boot image"},
	{0, 2, "#!", "a script"},
	{0x38, 4, "ARM\x64", "an ARM64 kernel image"},
	{0x38, 4, "RSC\x05", "a RISC-V kernel image"},
};

void image_guess(struct bytes file, char *ret, size_t size)
{
	if (file.len == 0) {
		snprintf(ret, size, "the file is empty");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (has_at(file, magics[i].off, magics[i].magic, magics[i].len)) {
			snprintf(ret, size, "it looks like %s", magics[i].what);
			return;
		}
	if (has_at(file, 0, "MZ", 2) && has_at(file, u32_at(file, 0x3c), "PE\0\0", 4))
		snprintf(ret, size, "it looks like %s",
			is_uki(file)
				? "a unified kernel image (UKI); take the bzImage out of its .linux section"
				: "an EFI program (PE) without a Linux setup header, such as xen.efi or a boot loader");
	else if (is_multiboot(file))
		snprintf(ret, size, "it looks like a multiboot image; a Linux bzImage is wanted");
	else if (file.len >= 512 && u16_at(file, 510) == 0xaa55)
		snprintf(ret, size, "it looks like a boot sector");
	else if (is_text(file))
		snprintf(ret, size, "it looks like a text file");
	else if (is_zero(file))
		snprintf(ret, size, "it is full of zeros");
	else
		snprintf(ret, size, "the file's %zu bytes look like nothing that is known here",
			file.len);
}
