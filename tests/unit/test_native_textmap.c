// SPDX-License-Identifier: GPL-2.0-only
/* Where the running kernel is in its own address space: /proc/kcore against /proc/iomem and
 * VMCOREINFO. */
#include <elf.h>
#include <stdio.h>

#include "tests/unit/xktest.h"

#include "native/machine.h"
#include "tests/unit/fixture.h"

/*
 * A kernel linked at ffffffff81000000, which KASLR moved by 0x1a200000 in virtual memory, to
 * physical 0x2be00000, and its direct map to ffff9f1280000000. Its image has 44 MiB.
 *   phys_base = 0x2be00000 - (0xffffffff9b200000 - 0xffffffff80000000) = 0x10c00000 = 281018368
 */
#define PHYS   UINT64_C(0x2be00000)
#define SIZE   UINT64_C(0x2c00000)
#define VIRT   UINT64_C(0xffffffff9b200000)
#define DIRECT UINT64_C(0xffff9f1280000000)
#define VMALLOC                                                                       \
	{                                                                             \
		UINT64_C(0xffffb7a240000000), KCORE_NO_PHYS, UINT64_C(0x1fffffffffff) \
	}
#define VMEMMAP                                                                  \
	{                                                                        \
		UINT64_C(0xffffe85980000000), KCORE_NO_PHYS, UINT64_C(0x2000000) \
	}
#define MODULES                                                                   \
	{                                                                         \
		UINT64_C(0xffffffffc0000000), KCORE_NO_PHYS, UINT64_C(0x3f000000) \
	}

static const struct kcore_load kaslr[] = {
	{VIRT, PHYS, SIZE + 0x200000},
	VMALLOC,
	MODULES,
	{DIRECT + 0x1000, 0x1000, 0x9e000},
	VMEMMAP,
	{DIRECT + 0x100000, 0x100000, 0x7fe00000},
	{DIRECT + 4 * GiB, 4 * GiB, 4 * GiB},
};
#define NR ARRAY_SIZE(kaslr)

static void say(const char *text)
{
	h.kernel.vmcoreinfo_text.len = 0;
	buf_append(&h.kernel.vmcoreinfo_text, text, strlen(text));
}

static void map(const struct kcore_load *v, size_t nr, unsigned bits)
{
	if (range_empty(h.kernel.image))
		h.kernel.image = (struct range){PHYS, PHYS + SIZE};
	native_text_map_loads(v, nr, bits, &h);
}

static void test_kaslr(void **state)
{
	static const char *const texts[] = {
		"",
		("OSRELEASE=6.12\nNUMBER(phys_base)=281018368\nSYMBOL(_stext)=ffffffff9b200000\n"
		 "NUMBER(pgtable_l5_enabled)=0\nKERNELOFFSET=1a200000\n"),
		"KERNELOFFSET=1a200000",
		/* what only looks like a key, or is not a number, is not one */
		"XKERNELOFFSET=fff\nKERNELOFFSETS=fff\nKERNELOFFSET=\nNUMBER(phys_base)=x\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		say(texts[i]);
		map(kaslr, NR, 64);
		assert_int_equal(h.nr_gaps, 0);
		assert_int_equal(h.kernel.image_virt, VIRT);
		assert_int_equal(h.kernel.page_offset, DIRECT);
		again(state);
	}
}

/* The physical address may be below the one linked at: phys_base is then negative.
 * 0x1000000 - 0x1b200000 = -0x1a200000 = -438304768 */
static void test_negative_phys_base(void **state)
{
	struct kcore_load v[NR];

	(void)state;
	memcpy(v, kaslr, sizeof(v));
	v[0].phys = 0x1000000;
	h.kernel.image = (struct range){0x1000000, 0x1000000 + SIZE};
	say("NUMBER(phys_base)=-438304768\n");
	map(v, NR, 64);
	assert_int_equal(h.nr_gaps, 0);
	assert_int_equal(h.kernel.image_virt, VIRT);
}

/* Five levels; and before Linux 4.11, when kcore gave no physical addresses. */
static void test_other_layouts(void **state)
{
	const struct kcore_load five[] = {
		{UINT64_C(0xff11000000001000), 0x1000, 0x9e000},
		{UINT64_C(0xffa0000000000000), KCORE_NO_PHYS, UINT64_C(0x1fffffffffffff)},
		{UINT64_C(0xffffffff81000000), 0x1000000, SIZE},
	};
	const struct kcore_load old[] = {
		{UINT64_C(0xffffffff81000000), 0, SIZE},
		{UINT64_C(0xffffc90000000000), 0, UINT64_C(0x1fffffffffff)},
		{UINT64_C(0xffffffffa0000000), 0, UINT64_C(0x5f000000)},
		{UINT64_C(0xffff880000001000), 0, 0x9e000},
	};

	h.kernel.image = (struct range){0x1000000, 0x1000000 + SIZE};
	say("NUMBER(pgtable_l5_enabled)=1\nNUMBER(phys_base)=0\nKERNELOFFSET=0\n");
	map(five, ARRAY_SIZE(five), 64);
	assert_int_equal(h.nr_gaps, 0);
	assert_int_equal(h.kernel.page_offset, UINT64_C(0xff11000000000000));
	assert_int_equal(h.kernel.image_virt, UINT64_C(0xffffffff81000000));
	again(state);

	h.kernel.image = (struct range){0x1000000, 0x1000000 + SIZE};
	map(old, ARRAY_SIZE(old), 64);
	assert_int_equal(h.nr_gaps, 0);
	assert_int_equal(h.kernel.page_offset, UINT64_C(0xffff880000000000));
	assert_int_equal(h.kernel.image_virt, UINT64_C(0xffffffff81000000));
}

static void test_32(void **state)
{
	static const struct {
		uint64_t virt, phys, size, page_offset, image_virt;
	} t[] = {
		{0xc0001000, 0x1000, 0x37ffd000, 0xc0000000, 0xc1000000},
		{0xc0000000, 0, 0x37ffe000, 0xc0000000, 0xc1000000},
		{0xc0001000, 0, 0x37ffd000, 0xc0000000, 0xc1000000}, /* before 4.11 */
		{0x78001000, 0x1000, 0x60000000, 0x78000000, 0x79000000},
		{0x40000000, 0, 0x60000000, 0x40000000, 0x41000000},
		/* the lowest entry does not hold the image: then nothing maps it */
		{0xc0001000, 0x1000, 0x9e000, 0xc0000000, 0},
		{0xc0001000, 0x1000, 0x1000000, 0xc0000000, 0},
		{0x38000000, 0, 0x60000000, 0, 0},
		{0xc0001000, 0x2000, 0x37ffd000, 0, 0},
		{0xc0001000, KCORE_NO_PHYS, 0x37ffd000, 0, 0},
		{UINT64_C(0xffff888000001000), 0x1000, 0x37ffd000, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct kcore_load v[] = {
			{0xf8000000, KCORE_NO_PHYS, 0x7000000}, {t[i].virt, t[i].phys, t[i].size}};

		/* above everything else, so that the wrong lowest one would be vmalloc */
		h.kernel.image = (struct range){0x1000000, 0x2000000};
		map(v, ARRAY_SIZE(v), 32);
		assert_int_equal(h.kernel.page_offset, t[i].page_offset);
		assert_int_equal(h.kernel.image_virt, t[i].image_virt);
		assert_int_equal(!host_gap_reason(&h, "kernel.page-offset"), !!t[i].page_offset);
		assert_int_equal(!host_gap_reason(&h, "kernel.image-virtual"), !!t[i].image_virt);
		again(state);
	}
}

/* VMCOREINFO contradicts: no fact, and a reason. */
static void test_disagreements(void **state)
{
	static const struct {
		const char *text, *fact, *says;
	} t[] = {
		{"NUMBER(phys_base)=281018367\n", "kernel.image-virtual", "phys_base"},
		{"NUMBER(phys_base)=0\n", "kernel.image-virtual", "0x2be00000"},
		{"NUMBER(phys_base)=-281018368\n", "kernel.image-virtual", "phys_base"},
		{"KERNELOFFSET=1a200001\n", "kernel.image-virtual", "KERNELOFFSET"},
		{"KERNELOFFSET=1b400000\n", "kernel.image-virtual", "KERNELOFFSET"},
		{"KERNELOFFSET=ffffffffffe00000\n", "kernel.image-virtual", "KERNELOFFSET"},
		{"SYMBOL(_stext)=ffffffff9b1fffff\n", "kernel.image-virtual", "_stext"},
		{"SYMBOL(_stext)=ffffffff9de00000\n", "kernel.image-virtual", "_stext"},
		{"SYMBOL(_stext)=0\n", "kernel.image-virtual", "_stext"},
		{"NUMBER(pgtable_l5_enabled)=1\n", "kernel.page-offset", "5 levels"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		bool direct = !strcmp(t[i].fact, "kernel.page-offset");

		say(t[i].text);
		map(kaslr, NR, 64);
		if (!host_gap_reason(&h, t[i].fact))
			fail_msg("taken: %s", t[i].text);
		assert_says(host_gap_reason(&h, t[i].fact), t[i].says);
		assert_int_equal(h.kernel.image_virt, direct ? VIRT : 0);
		assert_int_equal(h.kernel.page_offset, direct ? 0 : DIRECT);
		assert_int_equal(h.nr_gaps, 1);
		again(state);
	}
	/* the other way round */
	say("NUMBER(pgtable_l5_enabled)=0\n");
	map(&(struct kcore_load){UINT64_C(0xff11000000001000), 0x1000, 0x9e000}, 1, 64);
	assert_says(host_gap_reason(&h, "kernel.page-offset"), "4 levels");
}

/* What kcore has for the image; the rest is as it should be. */
static void test_bad_image_loads(void **state)
{
	static const struct kcore_load t[] = {
		{VIRT, KCORE_NO_PHYS, SIZE},
		{VIRT, PHYS, SIZE - 1},
		{VIRT, PHYS, GiB + 1},
		{VIRT, PHYS, UINT64_MAX},
		{VIRT, PHYS + 0x1000, SIZE},
		{VIRT, PHYS - 0x1000, SIZE},
		{VIRT + 0x1000, PHYS, SIZE},
		{VIRT, PHYS - 0x200000, SIZE + 0x1fffff},
		{VIRT + 0x1000, 0, SIZE},
		{UINT64_C(0xffffffff7fe00000), PHYS, SIZE},
		{UINT64_C(0xffffffffc0000000), PHYS, SIZE},
		{UINT64_C(0xffffffffffe00000), PHYS - 0x400000, SIZE + 0x400000},
		{DIRECT + PHYS, PHYS, SIZE},
		/* ends before the image; and sums that wrap to something likely */
		{VIRT - 0x4000000, PHYS - 0x4000000, 0x200000},
		{UINT64_C(0xffffffff801fffff), KCORE_NO_PHYS, PHYS + SIZE + 1},
	};
	struct kcore_load v[NR];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		memcpy(v, kaslr, sizeof(v));
		v[0] = t[i];
		map(v, NR, 64);
		if (h.kernel.image_virt)
			fail_msg("row %zu taken: %#" PRIx64, i, h.kernel.image_virt);
		assert_says(host_gap_reason(&h, "kernel.image-virtual"), "no PT_LOAD");
		assert_int_equal(h.kernel.page_offset, DIRECT);
		again(state);
	}
	/* _text need not be the first byte of the segment */
	memcpy(v, kaslr, sizeof(v));
	v[0] = (struct kcore_load){VIRT - 0x200000, PHYS - 0x200000, SIZE + 0x200000};
	map(v, NR, 64);
	assert_int_equal(h.kernel.image_virt, VIRT);
}

static void test_bad_direct_map(void **state)
{
	static const struct kcore_load t[] = {
		{DIRECT, 0x1000, 0x1000}, /* not a multiple of 1 GiB */
		{DIRECT, KCORE_NO_PHYS, 0x1000}, {DIRECT, -4 * GiB, 0x1000},
		{0x1000, 0x2000, 0x1000}, /* its offset would be negative */
		{0x1000, 0, 0x1000}, /* user space */
		{UINT64_C(0x7fffc0000000), 0, 0x1000},
		{UINT64_C(0xfeffffffc0000000), 0, 0x1000}, /* below any kernel's half */
	};
	struct kcore_load v[NR];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		memcpy(v, kaslr, sizeof(v));
		v[3] = t[i];
		map(v, NR, 64);
		assert_int_equal(h.kernel.page_offset, 0);
		assert_says(host_gap_reason(&h, "kernel.page-offset"), "lowest PT_LOAD");
		assert_int_equal(h.kernel.image_virt, VIRT);
		again(state);
	}
	/* the image alone is not a direct map, and nothing is nothing */
	map(kaslr, 1, 64);
	assert_int_equal(h.kernel.page_offset, 0);
	again(state);
	map(kaslr, 0, 64);
	assert_int_equal(h.kernel.page_offset, 0);
	assert_int_equal(h.kernel.image_virt, 0);
	assert_says(host_gap_reason(&h, "kernel.page-offset"), "no PT_LOAD");
	again(state);
	native_text_map_loads(kaslr, NR, 64, &h);
	assert_says(host_gap_reason(&h, "kernel.image-virtual"), "kernel.image");
	assert_int_equal(h.kernel.page_offset, DIRECT);
}

static size_t make_kcore(uint8_t *b, size_t size, unsigned bits)
{
	size_t eh = bits == 64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	size_t ph = bits == 64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	memset(b, 0, size);
	memcpy(b, ELFMAG, SELFMAG);
	b[EI_DATA] = ELFDATA2LSB;
	if (bits == 64) {
		Elf64_Ehdr *e = (void *)b;
		Elf64_Phdr *p = (void *)(b + eh);

		b[EI_CLASS] = ELFCLASS64;
		e->e_phoff = eh;
		e->e_phnum = 3;
		e->e_phentsize = (uint16_t)ph;
		p[0].p_type = PT_NOTE;
		p[1] = (Elf64_Phdr){
			.p_type = PT_LOAD, .p_vaddr = VIRT, .p_paddr = PHYS, .p_memsz = SIZE};
		p[2] = (Elf64_Phdr){.p_type = PT_LOAD, .p_vaddr = DIRECT, .p_memsz = GiB};
	} else {
		Elf32_Ehdr *e = (void *)b;
		Elf32_Phdr *p = (void *)(b + eh);

		b[EI_CLASS] = ELFCLASS32;
		e->e_phoff = (uint32_t)eh;
		e->e_phnum = 3;
		e->e_phentsize = (uint16_t)ph;
		p[0].p_type = PT_NOTE;
		p[1] = (Elf32_Phdr){.p_type = PT_LOAD,
			.p_vaddr = 0xf8000000,
			.p_paddr = UINT32_MAX,
			.p_memsz = 0x7000000};
		p[2] = (Elf32_Phdr){.p_type = PT_LOAD,
			.p_vaddr = 0xc0001000,
			.p_paddr = 0x1000,
			.p_memsz = 0x37ffd000};
	}
	return eh + 3 * ph;
}

static void test_file(void **state)
{
	static const char *const facts[] = {"kernel.image-virtual", "kernel.page-offset"};
	_Alignas(8) uint8_t b[512];

	for (unsigned bits = 32; bits <= 64; bits += 32) {
		size_t len = make_kcore(b, sizeof(b), bits);

		h.kernel.image = (struct range){PHYS, PHYS + SIZE};
		scratch_file(&s, "/proc/kcore", b, len > 128 ? len : 128);
		native_text_map(s.path, &h);
		assert_int_equal(h.nr_gaps, 0);
		assert_int_equal(h.kernel.page_offset, bits == 64 ? DIRECT : 0xc0000000);
		assert_int_equal(h.kernel.image_virt, bits == 64 ? VIRT : 0xc0000000 + PHYS);
		again(state);
		for (size_t cut = 0; cut < len; cut += 7) {
			scratch_file(&s, "/proc/kcore", b, cut);
			native_text_map(s.path, &h);
			for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
				assert_says(host_gap_reason(&h, facts[i]), "/proc/kcore: ");
			assert_int_equal(h.kernel.page_offset, 0);
			again(state);
		}
	}
	native_text_map(s.path, &h);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		assert_says(host_gap_reason(&h, facts[i]), "/proc/kcore: No such file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_kaslr),
		T(test_negative_phys_base),
		T(test_other_layouts),
		T(test_32),
		T(test_disagreements),
		T(test_bad_image_loads),
		T(test_bad_direct_map),
		T(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
