// SPDX-License-Identifier: GPL-2.0-only
/* Writes the first inputs of the targets that read cores: mkseeds tests/fuzz/corpus. */
#include "tests/unit/xktest.h"

#include <elf.h>
#include <stdio.h>
#include <sys/stat.h>
#include <zlib.h>

#include "common/note.h"
#include "tests/unit/mkcore.h"
#include "tests/unit/mkprb.h"

static const char *corpus;

static void save(const char *target, const char *name, const void *data, size_t len)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", corpus, target);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%s/%s", corpus, target, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void save_buf(const char *target, const char *name, struct buf b)
{
	assert_false(b.failed);
	save(target, name, b.data, b.len);
	buf_deinit(&b);
}

static void xenkdump(struct mkcore *m, uint32_t tag, const char *text)
{
	struct xkn_header h = {XKN_MAGIC, XKN_VERSION, sizeof(h), 0, 0, 2, 0};
	struct xkn_record sym = {tag, 0, strlen(text)}, map = {XKN_MAP, 24, 24};
	struct xkn_map e = {XKN_MAP_REGION, 0, 0x1000000, 0x2000000};
	struct buf b = {0};
	uint8_t z[128];
	uLongf len = sizeof(z);

	assert_int_equal(compress(z, &len, (const uint8_t *)text, strlen(text)), Z_OK);
	sym.size = (uint32_t)len;
	buf_append(&b, &h, sizeof(h));
	buf_append(&b, &sym, sizeof(sym));
	buf_append(&b, z, len);
	buf_zero(&b, -b.len % 8);
	buf_append(&b, &map, sizeof(map));
	buf_append(&b, &e, sizeof(e));
	h.total_size = (uint32_t)b.len;
	h.crc = (uint32_t)crc32(0, b.data + sizeof(h), (uInt)(b.len - sizeof(h)));
	memcpy(b.data, &h, sizeof(h));
	mkcore_note(m, XKN_NAME, XKN_TYPE, b.data, b.len);
	buf_zero(&m->notes, 12);
	buf_deinit(&b);
}

static void notes(struct mkcore *m, size_t prstatus)
{
	uint64_t words[42];

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = i + 1;
	mkcore_note(m, "CORE", 1, words, prstatus);
	mkcore_note(m, "Xen", 0x1000002, words, prstatus == 336 ? 32 : 16);
	mkcore_note(m, "Xen", 0x1000001, words, prstatus == 336 ? 80 : 40);
	mkcore_note(m, "VMCOREINFO_XEN", 0, "SYMBOL(pgd_l4)=ffff82d040000000\n\0\0\0", 36);
	mkcore_note(m, "VMCOREINFO", 0, "OSRELEASE=6.1.0\nPAGESIZE=4096\n", 30);
	xenkdump(m, XKN_SYMBOLS, "ffff82d040200000 T _start\n");
}

static void memory(struct mkcore *m)
{
	mkcore_mem(m, 0x1400, 0x1c00);
	mkcore_mem(m, 0x10000, 0x2000);
	mkcore_mem(m, 0x11000, 0x3000)->filesz = 0x2000;
	mkcore_fill(m, 0x1400, 0x1c00);
	mkcore_fill(m, 0x10000, 0x2000);
}

/* Cores without notes of CPUs, which lie in memory; the other way with the loader's word for it. */
static void lost(void)
{
	static const uint32_t head[] = {5, 336, 1};
	static const char facts[] = "cpu-note = 0 present 0x10100-0x10264\n";
	uint64_t regs[27] = {0};

	regs[16] = UINT64_C(0xffffffff81234567);
	regs[17] = 0x10;
	regs[18] = 0x246;
	regs[19] = UINT64_C(0xffffc90000010000);
	for (unsigned i = 0; i < 2; i++) {
		struct mkcore m;

		mkcore_init(&m, ELFCLASS64, EM_X86_64);
		m.off_align = 512;
		mkcore_mem(&m, 0x10000, 0x1000);
		mkcore_put(&m, 0x10100, head, sizeof(head));
		mkcore_put(&m, 0x1010c, "CORE", 5);
		mkcore_put(&m, 0x10114 + 112, regs, sizeof(regs));
		if (i)
			xenkdump(&m, XKN_FACTS, facts);
		save_buf("fuzz_notes_lost", i ? "by-facts" : "by-search", mkcore_build(&m));
		mkcore_deinit(&m);
	}
}

/* Each mode, with a flag that makes large pages where there are any; see fuzz_pagetable.c. */
static void pagetables(void)
{
	for (unsigned levels = 2; levels <= 5; levels++) {
		for (unsigned large = 0; large < 2; large++) {
			const size_t entry = levels == 2 ? 4 : 8;
			uint8_t b[11 + 128] = {(uint8_t)levels};
			char name[16];

			/* the tables are one page that leads to itself: entry 0; entry 1 is a page */
			for (unsigned i = 0; i < 2; i++) {
				uint64_t v = i ? (large ? 0x83 : 0x03) : 0x03;

				memcpy(b + 11 + i * entry, &v, entry);
			}
			b[1] = 0x23;
			b[2] = 0x11; /* entry 1 of the last level */
			snprintf(name, sizeof(name), "levels-%u%s", levels, large ? "-large" : "");
			save("fuzz_pagetable", name, b, sizeof(b));
		}
	}
}

/* See fuzz_linux_log.c: VMCOREINFO's length, the width, VMCOREINFO, memory. */
static void save_log(const char *name, unsigned bits, const struct buf *info, struct buf memory)
{
	const uint16_t len = (uint16_t)info->len;
	const uint8_t is_32 = bits == 32;
	struct buf b = {0};

	buf_append(&b, &len, sizeof(len));
	buf_append(&b, &is_32, 1);
	buf_append(&b, info->data, info->len);
	buf_append(&b, memory.data, memory.len);
	buf_deinit(&memory);
	save_buf("fuzz_linux_log", name, b);
}

static uint64_t log_base(unsigned bits)
{
	return (bits == 32 ? UINT64_C(0xc0000000) : UINT64_C(0xffffffff80000000)) + 0x200000;
}

static void new_log(unsigned bits)
{
	struct buf info = {0};
	struct mkprb p;

	mkprb_init(&p, bits / 8, 3, 8);
	for (unsigned i = 0; i < 14; i++)
		mkprb_add(&p, i == 12 ? "two\nlines\x1b" : "a line of the log", i * 1000, 6, i);
	save_log(bits == 32 ? "ring-32" : "ring-64", bits, &info,
		mkprb_image(&p, log_base(bits), &info));
	mkprb_deinit(&p);
	buf_deinit(&info);
}

/* Records of one buffer that wraps, or, without a layout of them, characters. Variables at 0: log_buf,
 * log_buf_len, log_first_idx, log_next_idx, log_end, logged_chars. */
static void old_log(bool chars)
{
	static const uint16_t lens[] = {16 + 8, 5, 0};
	const uint64_t base = log_base(64), at = base + 32;
	uint32_t v[5] = {64, 40, 24, 64 + 10, 60};
	struct buf info = {0}, m = {0};

	buf_append(&m, &at, sizeof(at));
	buf_append(&m, v, sizeof(v));
	buf_zero(&m, 32 - m.len);
	for (unsigned i = 0; i < 2; i++) {
		buf_zero(&m, 8);
		buf_append(&m, lens, sizeof(lens));
		buf_append(&m, "\0\xc0<6>hi\n\0\0", 10);
		buf_zero(&m, i ? 0 : 16); /* up to 40 */
	}
	buf_printf(&info,
		"SYMBOL(log_buf)=%llx\nSYMBOL(log_buf_len)=%llx\nSYMBOL(log_end)=%llx\n"
		"SYMBOL(logged_chars)=%llx\n",
		(unsigned long long)base, (unsigned long long)base + 8,
		(unsigned long long)base + 20, (unsigned long long)base + 24);
	if (!chars)
		buf_printf(&info,
			"SYMBOL(log_first_idx)=%llx\nSYMBOL(log_next_idx)=%llx\n"
			"SIZE(printk_log)=16\nOFFSET(printk_log.ts_nsec)=0\n"
			"OFFSET(printk_log.len)=8\nOFFSET(printk_log.text_len)=10\n"
			"OFFSET(printk_log.dict_len)=12\n",
			(unsigned long long)base + 12, (unsigned long long)base + 16);
	save_log(chars ? "characters" : "records", 64, &info, m);
	buf_deinit(&info);
}

static void conring(const char *name, uint32_t produced)
{
	static const char text[] = "(XEN) [1] Panic on CPU 0:\n(XEN) x\n*****\n"
				   "(XEN) Executing kexec image on cpu0\n";
	const uint64_t v[4] = {UINT64_C(0xffff82d040000000) + 32, 256, produced, produced - 256};
	struct buf b = {0};

	buf_append(&b, v, sizeof(v));
	buf_append(&b, text, sizeof(text) - 1);
	buf_zero(&b, 32 + 256 - b.len);
	save_buf("fuzz_conring", name, b);
}

int main(int argc, char **argv)
{
	static const uint32_t flags[] = {0, 1, 0x20};
	static const char info[] = "page\nOSRELEASE=6.1\nSYMBOL(page)=ffffffff81000000\n"
				   "SIZE(page)=64\nOFFSET(page)=8\nLENGTH(page)=11\n"
				   "NUMBER(page)=-129\nKERNELOFFSET=1000000";
	struct mkcore m;

	if (argc != 2)
		return 2;
	corpus = argv[1];
	for (unsigned c = ELFCLASS32; c <= ELFCLASS64; c++) {
		struct buf b;

		mkcore_init(&m, (uint8_t)c, c == ELFCLASS64 ? EM_X86_64 : EM_386);
		m.off_align = c == ELFCLASS64 ? 512 : 1;
		memory(&m);
		notes(&m, c == ELFCLASS64 ? 336 : 144);
		save("fuzz_core_notes", c == ELFCLASS64 ? "notes-64" : "notes-32", m.notes.data,
			m.notes.len);
		b = mkcore_build(&m);
		save("fuzz_core_elf", c == ELFCLASS64 ? "elf-64" : "elf-32", b.data, b.len);
		save_buf("fuzz_core_flat", c == ELFCLASS64 ? "elf-64" : "elf-32",
			mkcore_flatten(&b, 4096));
		buf_deinit(&b);
		mkcore_deinit(&m);
	}
	mkcore_init(&m, ELFCLASS64, EM_X86_64);
	mkcore_mem(&m, 0x10000, 0x3000)->filesz = 0x2000;
	mkcore_mem(&m, 0x20000, 0x1000);
	mkcore_fill(&m, 0x10000, 0x2000);
	notes(&m, 336);
	for (unsigned i = 0; i < 6; i++) {
		struct mkcore_kdump k = {.version = i + 1,
			.is_32 = i & 1,
			.flags = flags[i % 3],
			.split = i == 4,
			.start = 0x11,
			.end = 0x21,
			.machine = "x86_64"};
		struct buf b = mkcore_kdump(&m, &k);
		char name[16];

		snprintf(name, sizeof(name), "version-%u", i + 1);
		save("fuzz_core_kdump", name, b.data, b.len);
		if (i == 5)
			save_buf("fuzz_core_flat", "kdump", mkcore_flatten(&b, 3000));
		buf_deinit(&b);
	}
	mkcore_deinit(&m);
	lost();
	pagetables();
	for (unsigned i = 0; i < 2; i++) {
		new_log(i ? 32 : 64);
		old_log(i);
		conring(i ? "wrapped" : "short", i ? 5000 : 80);
	}
	save("fuzz_vmcoreinfo", "text", info, sizeof(info) - 1);
	return 0;
}
