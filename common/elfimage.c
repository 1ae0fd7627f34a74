// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/elfimage.h"
#include "common/image_guess.h"

/* No kernel is near these; what is above is a mistake or an attack. */
#define KERNEL_SPAN_MAX GiB
#define PHYS_MAX	(UINT64_C(1) << 46)
#define PHDRS_MAX	64

#define BANNER "Linux version "

/* startup_64 finds out where it runs and mends its page tables, whose largest pages have 2 MiB: it
 * stops when it was moved by anything else. Source: Linux arch/x86/kernel/head64.c,
 * __startup_64(), since 2.6.22. */
#define MOVE_STEP_64 (2 * MiB)

/* Where the initrd of a 32-bit kernel must end: its lowmem. Source: arch/x86/boot/header.S. */
#define INITRD_MAX_32 0x37ffffff
#define INITRD_MAX_64 0x7fffffff

/* COMMAND_LINE_SIZE of arch/x86/include/asm/setup.h, without the NUL. */
#define CMDLINE_MAX 2047

struct phdr { /* of either class */
	uint64_t off, vaddr, paddr, filesz, memsz;
};

bool elf_is(struct bytes head)
{
	return head.len >= SELFMAG && !memcmp(head.data, ELFMAG, SELFMAG);
}

static enum xk_status truncated(struct diag *d, const char *what)
{
	return diag_fail(d, XK_BAD_INPUT, "truncated ELF file: its %s is not all there", what);
}

/* The file header, in its 64-bit form. */
static enum xk_status read_ehdr(struct bytes head, Elf64_Ehdr *ret, struct diag *d)
{
	Elf32_Ehdr e;

	if (!elf_is(head))
		return diag_fail(d, XK_UNSUPPORTED, "not an ELF file");
	if (!bytes_has(head, 0, EI_NIDENT))
		return truncated(d, "header");
	if (head.data[EI_DATA] != ELFDATA2LSB || head.data[EI_CLASS] < ELFCLASS32 ||
		head.data[EI_CLASS] > ELFCLASS64)
		return diag_fail(d, XK_UNSUPPORTED,
			"an ELF file of class %u and byte order %u, none of x86",
			head.data[EI_CLASS], head.data[EI_DATA]);
	if (head.data[EI_CLASS] == ELFCLASS64)
		return bytes_read(head, 0, ret, sizeof(*ret)) ? XK_OK : truncated(d, "header");
	if (!bytes_read(head, 0, &e, sizeof(e)))
		return truncated(d, "header");
	memset(ret, 0, sizeof(*ret));
	ret->e_type = e.e_type;
	ret->e_machine = e.e_machine;
	ret->e_entry = e.e_entry;
	ret->e_phoff = e.e_phoff;
	ret->e_phentsize = e.e_phentsize;
	ret->e_phnum = e.e_phnum;
	return XK_OK;
}

static enum xk_status check_ehdr(const Elf64_Ehdr *e, bool is_64, struct diag *d)
{
	static const char *const types[] = {[ET_REL] = "an object file or module",
		[ET_EXEC] = NULL,
		[ET_DYN] = NULL,
		[ET_CORE] = "a core file"};
	size_t want = is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	if (e->e_machine != (is_64 ? EM_X86_64 : EM_386))
		return diag_fail(d, XK_UNSUPPORTED,
			"an ELF file of %u bits for machine %u; x86 kernels are EM_386 with 32 or "
			"EM_X86_64 with 64 bits",
			is_64 ? 64 : 32, e->e_machine);
	if (e->e_type != ET_EXEC && e->e_type != ET_DYN)
		return diag_fail(d, XK_UNSUPPORTED, "%s, not a kernel (ELF type %u)",
			e->e_type < ARRAY_SIZE(types) && types[e->e_type]
				? types[e->e_type]
				: "an ELF file of unknown type",
			e->e_type);
	if (e->e_phentsize != want)
		return diag_fail(d, XK_BAD_INPUT,
			"ELF program headers of %u bytes; they have %zu (e_phentsize)",
			e->e_phentsize, want);
	if (e->e_phnum == 0 || e->e_phnum > PHDRS_MAX)
		return diag_fail(d, XK_BAD_INPUT,
			"%u ELF program headers (e_phnum); a kernel has 1 to %u", e->e_phnum,
			PHDRS_MAX);
	return XK_OK;
}

/* Program header i; false when it is no PT_LOAD that takes memory. It lies inside head. */
static bool read_load(
	struct bytes head, const Elf64_Ehdr *e, bool is_64, unsigned i, struct phdr *ret)
{
	uint64_t at = e->e_phoff + (uint64_t)i * e->e_phentsize;
	Elf64_Phdr p;
	Elf32_Phdr q;

	if (is_64) {
		if (!bytes_read(head, at, &p, sizeof(p)) || p.p_type != PT_LOAD)
			return false;
		*ret = (struct phdr){p.p_offset, p.p_vaddr, p.p_paddr, p.p_filesz, p.p_memsz};
	} else {
		if (!bytes_read(head, at, &q, sizeof(q)) || q.p_type != PT_LOAD)
			return false;
		*ret = (struct phdr){q.p_offset, q.p_vaddr, q.p_paddr, q.p_filesz, q.p_memsz};
	}
	return ret->memsz != 0;
}

static int by_paddr(const void *a, const void *b)
{
	const struct phdr *x = a, *y = b;

	return x->paddr < y->paddr ? -1 : x->paddr > y->paddr;
}

static enum xk_status check_load(const struct phdr *p, uint64_t file_size, struct diag *d)
{
	uint64_t end;

	if (p->filesz > p->memsz)
		return diag_fail(d, XK_BAD_INPUT,
			"the ELF segment at %#" PRIx64 " has more bytes in the file (%#" PRIx64
			") than in memory (%#" PRIx64 ")",
			p->paddr, p->filesz, p->memsz);
	if (add_overflow(p->off, p->filesz, &end) || end > file_size)
		return diag_fail(d, XK_BAD_INPUT,
			"truncated ELF file: the segment at %#" PRIx64 " ends at byte %#" PRIx64
			" of %#" PRIx64,
			p->paddr, p->off + p->filesz, file_size);
	if (add_overflow(p->paddr, p->memsz, &end) || end > PHYS_MAX)
		return diag_fail(d, XK_BAD_INPUT,
			"the ELF segment at %#" PRIx64 " with %#" PRIx64
			" bytes reaches beyond 64 TiB, the reach of a kernel's page tables",
			p->paddr, p->memsz);
	return XK_OK;
}

/* The entry is physical in kernels as they are linked; a virtual one is put back. */
static enum xk_status find_entry(
	const struct phdr *v, size_t nr, uint64_t entry, uint64_t *ret, struct diag *d)
{
	for (size_t i = 0; i < nr; i++)
		if (entry - v[i].paddr < v[i].filesz) {
			*ret = entry;
			return XK_OK;
		}
	for (size_t i = 0; i < nr; i++)
		if (entry - v[i].vaddr < v[i].filesz) {
			*ret = entry - v[i].vaddr + v[i].paddr;
			return XK_OK;
		}
	return diag_fail(
		d, XK_BAD_INPUT, "the ELF entry %#" PRIx64 " is in none of its segments", entry);
}

static enum xk_status lay_out(const struct phdr *v, size_t nr, struct elf_layout *l, struct diag *d)
{
	uint64_t last = v[0].paddr;

	l->base = align_down(v[0].paddr, PAGE_SIZE_X86);
	for (size_t i = 0; i < nr; i++) {
		if (v[i].paddr < last)
			return diag_fail(d, XK_BAD_INPUT,
				"the ELF segments overlap at physical address %#" PRIx64,
				v[i].paddr);
		last = v[i].paddr + v[i].memsz;
		l->mem = last - l->base;
		if (l->mem > KERNEL_SPAN_MAX)
			return diag_fail(d, XK_BAD_INPUT,
				"its ELF segments lie %" PRIu64
				" MiB apart; a kernel is not larger than 1 GiB",
				l->mem / MiB);
		if (!v[i].filesz)
			continue;
		l->v[l->nr++] = (struct elf_piece){v[i].off, v[i].filesz, v[i].paddr - l->base};
		l->len = v[i].paddr - l->base + v[i].filesz;
	}
	if (!l->nr)
		return diag_fail(d, XK_BAD_INPUT, "an ELF file whose segments are all empty");
	return XK_OK;
}

enum xk_status elf_layout(
	struct bytes head, uint64_t file_size, struct elf_layout *ret, struct diag *d)
{
	struct phdr v[ELF_MAX_PIECES];
	struct elf_layout l = {0};
	enum xk_status st;
	size_t nr = 0;
	Elf64_Ehdr e = {0};

	st = read_ehdr(head, &e, d);
	if (st)
		return st;
	l.is_64 = head.data[EI_CLASS] == ELFCLASS64;
	st = check_ehdr(&e, l.is_64, d);
	if (st)
		return st;
	if (!bytes_has(head, e.e_phoff, (uint64_t)e.e_phnum * e.e_phentsize))
		return truncated(d, "table of program headers");
	for (unsigned i = 0; i < e.e_phnum; i++) {
		struct phdr p;

		if (!read_load(head, &e, l.is_64, i, &p))
			continue;
		if (nr == ELF_MAX_PIECES)
			return diag_fail(d, XK_BAD_INPUT,
				"more than %u loadable ELF segments; a kernel has a few",
				ELF_MAX_PIECES);
		st = check_load(&p, file_size, d);
		if (st)
			return st;
		v[nr++] = p;
	}
	if (!nr)
		return diag_fail(d, XK_UNSUPPORTED, "an ELF file with nothing to load");
	qsort(v, nr, sizeof(v[0]), by_paddr);
	st = lay_out(v, nr, &l, d);
	if (!st)
		st = find_entry(v, nr, e.e_entry, &l.entry, d);
	if (!st)
		*ret = l;
	return st;
}

/* "6.1.0-50-amd64 (who@where) ..." after the banner; false: this is no Linux. */
static bool read_banner(struct bytes flat, char *ret, size_t size)
{
	const uint8_t *p = memmem(flat.data, flat.len, BANNER, strlen(BANNER));
	size_t n = 0;

	if (!p)
		return false;
	p += strlen(BANNER);
	for (; n < size - 1 && p < flat.data + flat.len && *p >= ' ' && *p <= '~'; p++)
		ret[n++] = (char)*p;
	ret[n] = '\0';
	return true;
}

static void put(struct image *img, size_t off, uint64_t v, size_t width)
{
	for (size_t i = 0; i < width; i++)
		img->hdr[off - BZ_HDR_OFF + i] = (uint8_t)(v >> (8 * i));
}

/*
 * The setup header that a bzImage would have brought: what the kernel proper still reads of it in
 * the zero page. The sentinel at 0x1ef stays 0, as in a page that was cleared first.
 */
static void make_header(struct image *img)
{
	put(img, 0x1fe, 0xaa55, 2); /* boot_flag */
	memcpy(img->hdr + (0x202 - BZ_HDR_OFF), "HdrS", 4);
	put(img, 0x206, img->protocol, 2);
	put(img, 0x211, 1, 1); /* loadflags: LOADED_HIGH */
	put(img, 0x22c, img->initrd_max, 4);
	put(img, 0x230, img->align, 4);
	put(img, 0x234, img->relocatable, 1);
	put(img, 0x236, img->xloadflags, 2);
	put(img, 0x238, img->cmdline_max, 4);
	put(img, 0x258, img->pref_address, 8);
	put(img, 0x260, img->init_size, 4);
	img->hdr_len = 0x264 - BZ_HDR_OFF;
}

enum xk_status image_parse_elf(const struct elf_layout *l, struct bytes flat, const char *name,
	struct image *ret, struct diag *d)
{
	struct image img = {
		.kind = IMAGE_VMLINUX,
		.name = name,
		.kernel = flat,
		.protocol = 0x020f,
		.is_64 = l->is_64,
		.entry_64 = l->is_64,
		.entry_32 = !l->is_64,
		/* i386 kernels run at virtual minus a constant: moving one takes relocations that
		 * only its bzImage carries. */
		.relocatable = l->is_64,
		.align = l->is_64 ? MOVE_STEP_64 : PAGE_SIZE_X86,
		.pref_address = l->base,
		.init_size = align_up(l->mem, PAGE_SIZE_X86),
		.cmdline_max = CMDLINE_MAX,
		.initrd_max = l->is_64 ? INITRD_MAX_64 : INITRD_MAX_32,
		.xloadflags = l->is_64 ? XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G : 0,
	};
	char guess[256];

	if (!read_banner(flat, img.version, sizeof(img.version))) {
		image_guess_elf(flat, guess, sizeof(guess));
		return diag_fail(d, XK_UNSUPPORTED,
			"kernel %s: an ELF file, but no Linux (no \"" BANNER "\" in it); %s", name,
			guess);
	}
	if (l->is_64 && l->base % MOVE_STEP_64)
		return diag_fail(d, XK_UNSUPPORTED,
			"kernel %s: a vmlinux linked for physical address %#" PRIx64
			", which is no multiple of 2 MiB: it cannot be moved into the crash "
			"region; use the bzImage of the same kernel",
			name, l->base);
	img.entry_off_32 = img.entry_off_64 = l->entry - l->base;
	make_header(&img);
	*ret = img;
	return XK_OK;
}
