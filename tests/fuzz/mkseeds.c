// SPDX-License-Identifier: GPL-2.0-only
/* Writes the first inputs of the targets that read cores: mkseeds tests/fuzz/corpus. */
#include "tests/unit/xktest.h"

#include <elf.h>
#include <stdio.h>
#include <sys/stat.h>
#include <zlib.h>

#include "common/note.h"
#include "tests/fuzz/xen_world.h"
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

static void piece(struct buf *b, size_t at, const void *data, size_t len)
{
	uint16_t head[2] = {(uint16_t)(at / 8), (uint16_t)len};

	buf_append(b, head, sizeof(head));
	buf_append(b, data, len);
}

static void word(struct buf *b, unsigned page, unsigned index, uint64_t v)
{
	piece(b, page * CORE_PAGE + index * 8, &v, sizeof(v));
}

/* Pages of Xen's memory, from XW_PHYS on: 0 variables, 1 root table, 2 and 3 image, 4 frame table's, 5
 * to 7 M2P's, 8 frame table, 9 M2P, 10 direct map, 11 to 14 domains, 15 to 17 dom0's list, 18 shared
 * with dom0, 19 to 22 dom0's own tables, 24 to 27 domain 5's, 28 to 31 free, 32 to 127
 * dom0's. */
static void xen_tables(struct buf *b)
{
	const uint64_t page = CORE_PAGE, large = 0xe3, pte = 0x63;
	static const struct {
		uint16_t table, index, to;
	} e[] = {{1, 261, 2}, {2, 321, 3}, {2, 384, 4}, {1, 256, 5}, {5, 0, 6}, {6, 0, 7},
		{7, 1, 9}, {1, 262, 10}, {19, 402, 20}, {20, 0, 21}, {21, 0, 22}, {22, 0, 17}};

	for (size_t i = 0; i < ARRAY_SIZE(e); i++)
		word(b, e[i].table, e[i].index, XW_PHYS + e[i].to * page + pte);
	word(b, 3, 0, XW_PHYS + large);
	word(b, 4, 0, XW_PHYS + large);
	word(b, 10, 0, large);
}

static void xen_domains(struct buf *b)
{
	const uint64_t direct = UINT64_C(0xffff830000000000) + XW_PHYS;
	static const uint16_t ids[] = {0, 5, 0x7ff2, 0x7ff1};

	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
		piece(b, (11 + i) * CORE_PAGE, &ids[i], sizeof(ids[i]));
	word(b, 11, 136 / 8, direct + 12 * CORE_PAGE);
	word(b, 11, 40, direct + 18 * CORE_PAGE);
	word(b, 0, 0, direct + 11 * CORE_PAGE);
	/* the entry of the first page, 0x200, is at page 8 */
	word(b, 0, 1, UINT64_C(0xffff82e000000000) + 8 * CORE_PAGE - 0x200 * 32);
	word(b, 0, 2, 0x280);
	word(b, 0, 3, direct + 13 * CORE_PAGE);
	word(b, 0, 4, direct + 14 * CORE_PAGE);
	/* arch_shared_info: max_pfn, list, nmi_reason, p2m_cr3, p2m_vaddr */
	word(b, 18, 386, 128);
	word(b, 18, 389, XW_PHYS + 19 * CORE_PAGE);
	word(b, 18, 390, UINT64_C(0xffffc90000000000));
}

static void xen_frames(struct buf *b)
{
	const uint64_t got = UINT64_C(1) << 63, heap = UINT64_C(1) << 62, free = UINT64_C(3) << 58;

	uint64_t e[128][4] = {{0}};

	for (unsigned i = 0; i < 128; i++) {
		const bool guest = i >= 24 && i < 28, none = i >= 28 && i < 32;

		if (none) {
			e[i][1] = free;
			e[i][3] = i == 28 ? 2 : 0;
		} else if (i >= 15) {
			e[i][1] = got | 1;
			e[i][2] = UINT64_C(7) << 61 | 1; /* writable */
			e[i][3] = 0x200 + (guest ? 12 : 11);
		} else if (i) {
			e[i][1] = got | heap | 1;
		}
	}
	e[40][2] = UINT64_C(1) << 61 | 1; /* a page table */
	piece(b, 8 * CORE_PAGE, e, sizeof(e));
}

static void xen_list(struct buf *b, unsigned bits)
{
	uint8_t leaf[CORE_PAGE];
	uint64_t back[128];

	memset(leaf, 0xff, sizeof(leaf));
	memset(back, 0xff, sizeof(back));
	for (uint64_t i = 0; i < 96; i++) {
		uint64_t mfn = 0x220 + i;

		memcpy(leaf + i * (bits / 8), &mfn, bits / 8);
		back[32 + i] = i;
	}
	piece(b, 17 * CORE_PAGE, leaf, sizeof(leaf));
	piece(b, 9 * CORE_PAGE, back, sizeof(back));
	word(b, 15, 0, 0x210 | (bits == 32 ? UINT64_C(0x21f) << 32 : 0));
	word(b, 16, 0, 0x211 | (bits == 32 ? UINT64_C(0x21f) << 32 : 0));
	word(b, 17, 200, UINT64_C(1) << (bits - 1) | 0x218); /* mapped through a grant */
	word(b, 40, 0, 0x221067); /* of the page table: dom0's, then Xen's */
	word(b, 40, 1, 0x201067);
}

static void xen_worlds(void)
{
	static const struct {
		const char *name;
		struct fuzz_xen_head head;
		unsigned bits;
	} worlds[] = {
		{"xen-4.17", {0, XW_SYMBOLS, 15, 0, 0, 0, 0, 0}, 64},
		{"xen-4.10", {(uint8_t)-7, XW_SYMBOLS | XW_PDX, 15, 0, 0, 0, 0, 0}, 64},
		{"xen-4.22-keep", {5, XW_SYMBOLS | XW_KEEP_5, 15, 0, 0, 0, 0, 0}, 64},
		{"no-symbols-list-32", {2, 0, 15, 0, 0, 0, 0, 0}, 32},
		{"linear-list", {0, XW_SYMBOLS | XW_NO_LIST, 15, 0, 0, 0, 0, 0}, 64},
	};

	for (size_t i = 0; i < ARRAY_SIZE(worlds); i++) {
		struct buf b = {0};

		buf_append(&b, &worlds[i].head, sizeof(worlds[i].head));
		xen_tables(&b);
		xen_domains(&b);
		xen_frames(&b);
		xen_list(&b, worlds[i].bits);
		save("fuzz_xen_filter", worlds[i].name, b.data, b.len);
		save("fuzz_dom0_view", worlds[i].name, b.data, b.len);
		save_buf("fuzz_p2m", worlds[i].name, b);
	}
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
	xen_worlds();
	save("fuzz_vmcoreinfo", "text", info, sizeof(info) - 1);
	return 0;
}
