/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A crashed Xen for targets: struct fuzz_xen_head, then pieces of its 512 KiB of machine memory from
 * 2 MiB on, where Xen's image begins. A piece: where it lies in that, in units of 8 bytes, how many
 * bytes it has, each of 16 bits, then they. The notes are made here, so that an input need not get
 * them right.
 */
#ifndef XK_FUZZ_XEN_WORLD_H
#define XK_FUZZ_XEN_WORLD_H

#include <elf.h>
#include <stdio.h>

#include "tests/fuzz/core.h"
#include "vmcore/filter.h"

#define XW_BASE	  UINT64_C(0xffff82d040000000)
#define XW_PHYS	  UINT64_C(0x200000)
#define XW_MEMORY (512 * 1024)

/* Numbers are what is added to those of a real one. */
struct fuzz_xen_head {
	uint8_t minor, what; /* bits: see below */
	uint8_t list; /* page of dom0's list, from XW_PHYS on */
	uint8_t page_info, count_at, domain_at, id_at, next_at;
};
#define XW_FILE (sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + XW_MEMORY)

enum { XW_SYMBOLS = 1, XW_GUESTS = 2, XW_KEEP_5 = 4, XW_NO_LIST = 8, XW_PDX = 16 };

struct xen_world {
	struct fuzz_xen_head head;
	struct core core;
	struct core_reader *r;
	struct core_notes n;
	struct xkn xkn;
	struct xen_xlat x;
	char vmcoreinfo[640], symbols[640];
	uint8_t *file;
	enum xk_status xlat;
};

static inline void xw_elf(struct xen_world *w)
{
	Elf64_Ehdr e = {.e_ident = ELFMAG,
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_phoff = sizeof(e),
		.e_phnum = 1,
		.e_phentsize = sizeof(Elf64_Phdr)};
	Elf64_Phdr p = {PT_LOAD, PF_R, sizeof(e) + sizeof(p), 0, XW_PHYS, XW_MEMORY, XW_MEMORY, 0};

	e.e_ident[EI_CLASS] = ELFCLASS64;
	e.e_ident[EI_DATA] = ELFDATA2LSB;
	w->file = calloc(1, XW_FILE);
	CHECK(w->file);
	memcpy(w->file, &e, sizeof(e));
	memcpy(w->file + sizeof(e), &p, sizeof(p));
}

static inline void xw_pieces(uint8_t *memory, const uint8_t *data, size_t len)
{
	uint16_t head[2]; /* where, bytes */

	while (len >= sizeof(head)) {
		size_t at, n;

		memcpy(head, data, sizeof(head));
		data += sizeof(head);
		len -= sizeof(head);
		at = head[0] * (size_t)8 % XW_MEMORY;
		n = (size_t)min_u64(min_u64(head[1], len), XW_MEMORY - at);
		memcpy(memory + at, data, n);
		data += n;
		len -= n;
	}
}

static inline void xw_notes(struct xen_world *w)
{
	const struct fuzz_xen_head *h = &w->head;
	int n;

	snprintf(w->vmcoreinfo, sizeof(w->vmcoreinfo),
		"SYMBOL(domain_list)=%llx\nSYMBOL(frame_table)=%llx\nSYMBOL(max_page)=%llx\n"
		"SYMBOL(dom_xen)=%llx\nSYMBOL(dom_io)=%llx\nSYMBOL(pgd_l4)=%llx\n"
		"SIZE(page_info)=%u\nOFFSET(page_info.count_info)=%u\n"
		"OFFSET(page_info._domain)=%u\nSIZE(domain)=2432\nOFFSET(domain.domain_id)=%u\n"
		"OFFSET(domain.next_in_list)=%u\n",
		(unsigned long long)XW_BASE, XW_BASE + 8ULL, XW_BASE + 16ULL, XW_BASE + 24ULL,
		XW_BASE + 32ULL, XW_BASE + 0x1000ULL, 32u + h->page_info, (8u + h->count_at) & 255,
		(24u + h->domain_at) & 255, h->id_at, (136u + h->next_at) & 255);
	n = snprintf(w->symbols, sizeof(w->symbols), "%016llx D _end\n", XW_BASE + 0x200000ULL);
	if (h->what & XW_PDX)
		snprintf(w->symbols + n, sizeof(w->symbols) - (size_t)n,
			"%016llx D pfn_pdx_bottom_mask\n%016llx D pfn_top_mask\n"
			"%016llx D pfn_pdx_hole_shift\n%016llx D ma_va_bottom_mask\n"
			"%016llx D ma_top_mask\n%016llx D va_top_mask\n",
			XW_BASE + 64ULL, XW_BASE + 72ULL, XW_BASE + 80ULL, XW_BASE + 88ULL,
			XW_BASE + 96ULL, XW_BASE + 104ULL);
	w->xkn.symbols = (struct buf){.data = (uint8_t *)w->symbols, .len = strlen(w->symbols)};
	w->n = (struct core_notes){.xen = true, .bits = 64};
	w->n.vmcoreinfo_xen = (struct bytes){(uint8_t *)w->vmcoreinfo, strlen(w->vmcoreinfo)};
	w->n.xen_info.major = 4;
	w->n.xen_info.minor = 17u + (int8_t)h->minor;
	w->n.xen_info.phys_start = XW_PHYS;
	w->n.xen_info.have_phys_start = true;
	w->n.xen_info.p2m_mfn = h->what & XW_NO_LIST ? UINT64_MAX : XW_PHYS / CORE_PAGE + h->list;
	if (h->what & XW_SYMBOLS)
		w->n.xenkdump = &w->xkn;
}

/* False: too small. */
static inline bool xw_open(const uint8_t *data, size_t len, struct xen_world *w)
{
	struct diag d;

	diag_init(&d);
	if (len < sizeof(w->head))
		return false;
	memset(w, 0, sizeof(*w));
	memcpy(&w->head, data, sizeof(w->head));
	xw_elf(w);
	xw_pieces(w->file + XW_FILE - XW_MEMORY, data + sizeof(w->head), len - sizeof(w->head));
	xw_notes(w);
	CHECK(!core_open_bytes((struct bytes){w->file, XW_FILE}, &w->core, &d));
	w->r = core_reader_create(&w->core);
	CHECK(w->r);
	w->xlat = xen_xlat_init(&w->core, &w->n, w->r, &w->x, &d);
	CHECK(!w->xlat || (d.status == w->xlat && d.text[0]));
	return true;
}

static inline void xw_close(struct xen_world *w)
{
	core_reader_destroy(w->r);
	core_close(&w->core);
	free(w->file);
}

#endif
