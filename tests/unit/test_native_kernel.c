// SPDX-License-Identifier: GPL-2.0-only
/* Facts of the running Linux, over fixture trees. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <cmocka.h>

#include "native/probe.h"
#include "tests/unit/fixture.h"

static void test_kernel_bits(void **state)
{
	static const struct {
		unsigned process;
		const char *machine;
		unsigned kcore, want;
	} t[] = {
		{64, "x86_64", 64, 64},
		{64, "i686", 0, 64}, /* a personality; a 64-bit program runs, so it lies */
		{64, NULL, 0, 64},
		{32, "x86_64", 0, 64},
		{32, "i686", 64, 64}, /* a personality again; kcore does not lie */
		{32, "i686", 32, 32},
		{32, "i686", 0, 32},
		{32, "i386", 0, 32},
		{32, NULL, 32, 32},
		{32, NULL, 64, 64},
		{32, NULL, 0, 0},
		{32, "aarch64", 0, 0},
		{32, "i86pc", 0, 0},
		{32, "i", 0, 0},
		{32, "", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(
			native_kernel_bits(t[i].process, t[i].machine, t[i].kcore), t[i].want);
}

static void test_personality(void **state)
{
	unsigned long before = (unsigned long)personality(0xffffffff);
	char plain[65], narrow[65];

	(void)state;
	assert_true(native_probe_real.machine(plain, sizeof(plain)));
	if (personality(PER_LINUX32) == -1)
		skip();
	assert_true(native_probe_real.machine(narrow, sizeof(narrow)));
	/* Put back as it was, and not believed. */
	assert_int_equal(personality(0xffffffff), PER_LINUX32);
	personality(before);
	assert_string_equal(plain, narrow);
}

static size_t put_note(uint8_t *p, const char *name, uint32_t type, const void *desc, uint32_t len)
{
	uint32_t namesz = (uint32_t)strlen(name) + 1;
	uint32_t hdr[3] = {namesz, len, type};

	memcpy(p, hdr, sizeof(hdr));
	memcpy(p + 12, name, namesz);
	memcpy(p + 12 + align_up(namesz, 4), desc, len);
	return 12 + (size_t)align_up(namesz, 4) + (size_t)align_up(len, 4);
}

static void test_build_id(void **state)
{
	uint8_t b[256] = {0};
	size_t len = put_note(b, "Linux", 0x101, "x", 1);
	char *id;

	(void)state;
	assert_null(native_build_id((struct bytes){b, len}));
	len += put_note(b + len, "GNU", 3, "\x48\xdc\x00\xff", 4);
	id = native_build_id((struct bytes){b, len});
	assert_string_equal(id, "48dc00ff");
	free(id);
	for (size_t cut = 0; cut < len; cut++)
		assert_null(native_build_id((struct bytes){b, cut}));
	b[len - 16] = 0xff; /* descriptor size: header 12, name 4, descriptor 4 */
	assert_null(native_build_id((struct bytes){b, len}));
	assert_null(native_build_id((struct bytes){NULL, 0}));
}

/* An ELF core file with one PT_LOAD and one PT_NOTE, of either class. */
static size_t make_kcore(uint8_t *b, unsigned bits, const char *text)
{
	size_t eh = bits == 64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	size_t ph = bits == 64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	size_t notes = eh + 2 * ph, len;

	memset(b, 0, notes);
	len = put_note(b + notes, "CORE", 1, "regs", 4);
	len += put_note(b + notes + len, "VMCOREINFO", 0, text, (uint32_t)strlen(text));
	memcpy(b, ELFMAG, SELFMAG);
	b[EI_DATA] = ELFDATA2LSB;
	if (bits == 64) {
		Elf64_Ehdr *e = (void *)b;
		Elf64_Phdr *p = (void *)(b + eh);

		b[EI_CLASS] = ELFCLASS64;
		e->e_phoff = eh;
		e->e_phnum = 2;
		e->e_phentsize = (uint16_t)ph;
		p[0].p_type = PT_LOAD;
		p[1].p_type = PT_NOTE;
		p[1].p_offset = notes;
		p[1].p_filesz = len;
	} else {
		Elf32_Ehdr *e = (void *)b;
		Elf32_Phdr *p = (void *)(b + eh);

		b[EI_CLASS] = ELFCLASS32;
		e->e_phoff = (uint32_t)eh;
		e->e_phnum = 2;
		e->e_phentsize = (uint16_t)ph;
		p[0].p_type = PT_LOAD;
		p[1].p_type = PT_NOTE;
		p[1].p_offset = (uint32_t)notes;
		p[1].p_filesz = (uint32_t)len;
	}
	return notes + len;
}

static enum xk_status read_kcore(const uint8_t *b, size_t len, unsigned *bits, struct buf *text)
{
	char path[128];

	scratch_file(&s, "/proc/kcore", b, len);
	snprintf(path, sizeof(path), "%s/proc/kcore", s.path);
	text->len = 0;
	return native_kcore(path, bits, text, &d);
}

static void test_kcore(void **state)
{
	static const char say[] = "OSRELEASE=6.1\nPAGESIZE=4096\n";
	_Alignas(8) uint8_t b[1024];
	struct buf text = {0};

	(void)state;
	for (unsigned want = 32; want <= 64; want += 32) {
		size_t len = make_kcore(b, want, say), notes;
		unsigned bits;

		assert_int_equal(read_kcore(b, len, &bits, &text), XK_OK);
		assert_int_equal(bits, want);
		assert_int_equal(text.len, strlen(say));
		assert_memory_equal(text.data, say, text.len);
		for (size_t cut = 0; cut < len; cut++)
			assert_int_not_equal(read_kcore(b, cut, &bits, &text), XK_OK);
		notes = len;
		memcpy(b, "not an ELF", 10);
		assert_int_equal(read_kcore(b, notes, &bits, &text), XK_BAD_INPUT);
		assert_int_equal(bits, 0);
	}
	buf_deinit(&text);
}

static void test_kcore_refusals(void **state)
{
	_Alignas(8) uint8_t b[1024];
	Elf64_Ehdr *e = (void *)b;
	Elf64_Phdr *p = (void *)(b + sizeof(*e));
	struct buf text = {0};
	unsigned bits;
	size_t len;

	(void)state;
#define REFUSED(change)                                                           \
	do {                                                                      \
		len = make_kcore(b, 64, "x=1\n");                                 \
		change;                                                           \
		assert_int_equal(read_kcore(b, len, &bits, &text), XK_BAD_INPUT); \
		assert_non_null(strstr(d.text, "kcore"));                         \
		assert_int_equal(text.len, 0);                                    \
	} while (0)
	REFUSED(b[EI_CLASS] = 3);
	REFUSED(b[EI_DATA] = ELFDATA2MSB);
	REFUSED(e->e_phentsize = 55);
	REFUSED(e->e_phoff = UINT64_MAX - 8);
	REFUSED(e->e_phnum = 1);
	REFUSED(e->e_phnum = 0);
	REFUSED(p[1].p_filesz = UINT64_MAX);
	REFUSED(p[1].p_filesz = 0);
	REFUSED(p[1].p_offset = UINT64_MAX);
	REFUSED(b[p[1].p_offset + 4] = 0xff); /* a descriptor beyond its segment */
	REFUSED(b[p[1].p_offset + 24 + 12] = 'X'); /* another note's name */
#undef REFUSED
	buf_deinit(&text);
}

static void test_rsdp_scan(void **state)
{
	uint8_t area[0x100] = {0};
	uint8_t sum = 0;

	(void)state;
	assert_int_equal(native_scan_rsdp((struct bytes){area, sizeof(area)}, 0xe0000), 0);
	memcpy(area + 0x20, "RSD PTR ", 8);
	for (int i = 0; i < 20; i++)
		sum = (uint8_t)(sum + area[0x20 + i]);
	assert_int_equal(native_scan_rsdp((struct bytes){area, sizeof(area)}, 0xe0000), 0);
	area[0x20 + 8] = (uint8_t)-sum;
	assert_int_equal(native_scan_rsdp((struct bytes){area, sizeof(area)}, 0xe0000), 0xe0020);
	assert_int_equal(native_scan_rsdp((struct bytes){area, 0x20 + 19}, 0xe0000), 0);
	assert_int_equal(native_scan_rsdp((struct bytes){area, 0x20 + 20}, 0xe0000), 0xe0020);
	/* Not on 16 bytes. */
	assert_int_equal(native_scan_rsdp((struct bytes){area + 8, 0xf8}, 0xe0000), 0);
	/* Revision 2: the longer sum must be right too, and its length sane. */
	area[0x20 + 15] = 2;
	area[0x20 + 8] = (uint8_t)(area[0x20 + 8] - 2);
	assert_int_equal(native_scan_rsdp((struct bytes){area, sizeof(area)}, 0xe0000), 0);
	area[0x20 + 20] = 36;
	area[0x20 + 32] = (uint8_t)-36;
	assert_int_equal(native_scan_rsdp((struct bytes){area, sizeof(area)}, 0xe0000), 0xe0020);
	area[0x20 + 33] = 1;
	assert_int_equal(native_scan_rsdp((struct bytes){area, sizeof(area)}, 0xe0000), 0);
	memset(area + 0x20 + 20, 0xff, 4);
	assert_int_equal(native_scan_rsdp((struct bytes){area, sizeof(area)}, 0xe0000), 0);
}

static bool yes(void)
{
	return true;
}

static void test_full_tree(void **state)
{
	uint8_t bp[4096] = {0}, notes[64], core[512];
	uint64_t rsdp = 0x7fb7e014;
	size_t len;

	(void)state;
	memset(bp, 0x11, 0x40);
	memcpy(bp + 0x70, &rsdp, sizeof(rsdp));
	bp[0x1e9] = 2;
	memset(bp + 0xd00, 0x22, 82);
	memset(bp + 0xd00 + 82, 0x33, 82);
	scratch_file(&s, "/sys/kernel/boot_params/data", bp, sizeof(bp));
	len = put_note(notes, "GNU", 3, "\x01\x02", 2);
	scratch_file(&s, "/sys/kernel/notes", notes, len);
	scratch_text(&s, "/sys/kernel/vmcoreinfo", "0x0000000123456000 1024\n");
	scratch_text(&s, "/proc/sys/kernel/arch", "i686\n");
	scratch_text(&s, "/proc/sys/kernel/osrelease", "6.1.0-xen\n");
	scratch_text(&s, "/proc/sys/kernel/version", "#1 SMP\n");
	scratch_text(&s, "/proc/cmdline", "root=/dev/sda1 ro quiet\n");
	len = make_kcore(core, 32, "OSRELEASE=6.1.0-xen\n");
	scratch_file(&s, "/proc/kcore", core, len);
	assert_int_equal(
		native_probe(&(struct native_probe_env){s.path, 32, NULL, yes}, &h, &d), XK_OK);
	assert_int_equal(h.kernel.bits, 32);
	assert_string_equal(h.kernel.machine, "i686");
	assert_string_equal(h.kernel.release, "6.1.0-xen");
	assert_string_equal(h.kernel.version, "#1 SMP");
	assert_string_equal(h.kernel.cmdline, "root=/dev/sda1 ro quiet");
	assert_string_equal(h.kernel.build_id, "0102");
	assert_int_equal(h.kernel.vmcoreinfo.start, 0x123456000);
	assert_int_equal(h.kernel.vmcoreinfo.end, 0x123457024);
	assert_int_equal(h.kernel.vmcoreinfo_text.len, 20);
	assert_true(h.cpu_long_mode);
	assert_false(h.efi);
	assert_int_equal(h.rsdp, rsdp);
	assert_int_equal(h.screen_info.len, 64);
	assert_int_equal(h.screen_info.data[63], 0x11);
	assert_int_equal(h.edd.len, 164);
	assert_int_equal(h.edd.data[82], 0x33);
	assert_int_equal(h.nr_gaps, 0);
}

static void test_lying_uname(void **state)
{
	(void)state;
	scratch_text(&s, "/proc/sys/kernel/arch", "i686\n");
	assert_int_equal(
		native_probe(&(struct native_probe_env){s.path, 64, NULL, yes}, &h, &d), XK_OK);
	assert_int_equal(h.kernel.bits, 64);
	assert_string_equal(h.kernel.machine, "x86_64");
}

static void test_empty_tree(void **state)
{
	static const char *const facts[] = {"kernel.release", "kernel.version",
		"kernel.command-line", "kernel.build-id", "kernel.vmcoreinfo",
		"kernel.vmcoreinfo-text", "kernel.machine", "kernel.bits", "screen-info", "edd",
		"rsdp", "cpu.long-mode"};

	(void)state;
	assert_int_equal(
		native_probe(&(struct native_probe_env){s.path, 32, NULL, NULL}, &h, &d), XK_OK);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		if (!host_gap_reason(&h, facts[i]))
			fail_msg("no gap for %s", facts[i]);
	assert_int_equal(h.kernel.bits, 0);
	assert_int_equal(h.rsdp, 0);
}

static void test_efi(void **state)
{
	static const struct {
		const char *systab;
		maddr_t rsdp;
	} t[] = {
		{"ACPI20=0xbfbfa014\nACPI=0xbfbfa000\nSMBIOS=0xbfbcc000\n", 0xbfbfa014},
		{"ACPI=0xbfbfa000\nACPI20=0xbfbfa014\n", 0xbfbfa014},
		{"ACPI=0xbfbfa000\n", 0xbfbfa000},
		{"XACPI20=0x1\n", 0},
		{"ACPI20=rubbish\n", 0},
		{"", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scratch_text(&s, "/sys/firmware/efi/systab", t[i].systab);
		assert_int_equal(
			native_probe(&(struct native_probe_env){s.path, 64, NULL, yes}, &h, &d),
			XK_OK);
		assert_true(h.efi);
		assert_int_equal(h.rsdp, t[i].rsdp);
		teardown(state);
		setup(state);
	}
}

static void test_bad_files(void **state)
{
	static const char *const vmcoreinfo[] = {"", "0x1000\n", "0x1000 \n", "0 1024\n",
		"0x1000 0\n", "xyz 1024\n", "0x1000 1024 3\n", "ffffffffffffffff 1024\n",
		"0x10000000000000000 1024\n", "0x1000 fffffff\n"};
	uint8_t bp[4097] = {0};

	for (size_t i = 0; i < ARRAY_SIZE(vmcoreinfo); i++) {
		scratch_text(&s, "/sys/kernel/vmcoreinfo", vmcoreinfo[i]);
		bp[0x1e9] = 7; /* more than there is room for */
		scratch_file(&s, "/sys/kernel/boot_params/data", bp, i ? 4096 : 4095);
		assert_int_equal(
			native_probe(&(struct native_probe_env){s.path, 64, NULL, yes}, &h, &d),
			XK_OK);
		assert_true(range_empty(h.kernel.vmcoreinfo));
		assert_non_null(host_gap_reason(&h, "kernel.vmcoreinfo"));
		assert_non_null(host_gap_reason(&h, "edd"));
		assert_int_equal(h.edd.len, 0);
		assert_int_equal(h.screen_info.len, i ? 64 : 0);
		teardown(state);
		setup(state);
	}
}

/* On this very machine, whatever it is: sanity only. */
static void test_real(void **state)
{
	(void)state;
	assert_int_equal(native_probe(&native_probe_real, &h, &d), XK_OK);
	assert_true(h.kernel.bits == 32 || h.kernel.bits == 64);
	if (sizeof(void *) == 8) {
		assert_int_equal(h.kernel.bits, 64);
		assert_true(h.cpu_long_mode);
	}
	assert_non_null(h.kernel.release);
	assert_non_null(h.kernel.machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_kernel_bits),
		T(test_personality),
		T(test_build_id),
		T(test_kcore),
		T(test_kcore_refusals),
		T(test_rsdp_scan),
		T(test_full_tree),
		T(test_lying_uname),
		T(test_empty_tree),
		T(test_efi),
		T(test_bad_files),
		T(test_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
