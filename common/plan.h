/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The plan: everything that will be given to the hypervisor or kernel, and why. Made once from
 * facts, request and image by plan_build(), which is pure; checked by plan_check(), which trusts
 * nothing about where a plan came from; printed; loaded by a backend that adds nothing.
 */
#ifndef XK_PLAN_H
#define XK_PLAN_H

#include "common/bytes.h"
#include "common/diag.h"
#include "common/host.h"
#include "common/image.h"
#include "common/range.h"
#include "common/request.h"

#define PLAN_MAX_SEGS	  16
#define PLAN_MAX_WARNINGS 16
#define PLAN_MAX_NOTES	  8 /* kinds of note, not CPUs */

enum seg_kind {
	SEG_KERNEL,
	SEG_INITRD,
	SEG_BOOTPARAMS,
	SEG_CMDLINE,
	SEG_ELFCORE,
	SEG_NOTE,
	SEG_BACKUP, /* map-only: reserved at load time, filled by purgatory */
	SEG_PURGATORY,
	SEG_KINDS,
};

const char *seg_kind_name(enum seg_kind k);

struct seg {
	enum seg_kind kind;
	struct range dest; /* machine addresses, page-aligned */
	const uint8_t *buf; /* NULL: map-only, nothing is copied or cleared */
	size_t len; /* bytes at buf; the rest of dest is zeroed */
	bool protected; /* the dump kernel may not use this memory */
	uint8_t sha256[32]; /* of buf[0..len), what purgatory expects; map-only: zero */
	const char *reason; /* one phrase for people */
};

#define for_each_seg(s, p) for (const struct seg *s = (p)->segs; s < (p)->segs + (p)->nr; s++)

struct plan {
	enum hypervisor hypervisor; /* what crashes and enters the image: Xen or, HV_NONE, Linux */
	uint16_t machine; /* ELF e_machine of the image: EM_386 or EM_X86_64, how purgatory is
				entered, unpaged or in long mode */
	uint16_t core_machine; /* e_machine of the core header */
	uint8_t core_class; /* ELFCLASS64 or ELFCLASS32 */
	uint32_t entry_bits; /* the kernel's entry that purgatory uses; 64 only from long mode */
	maddr_t entry; /* purgatory's first byte */
	maddr_t kernel_entry;
	struct range region; /* the crash region used */
	struct range control; /* left free for page tables and code page of who enters the image */
	uint64_t control_need; /* the bytes of it that are needed at most */
	bool hotplug; /* Linux keeps the core header current, so purgatory cannot verify it */
	size_t efi_ranges; /* of runtime services handed to the dump kernel; 0: no EFI for it */
	size_t nr;
	struct seg segs[PLAN_MAX_SEGS];
	struct range_list more; /* other crash regions, whole pages: the dump kernel's memory too */
	struct range_list e820; /* the dump kernel's memory map */
	char *cmdline; /* as the dump kernel gets it */
	struct { /* what the core header holds */
		uint32_t cpu_notes, phdrs, ram_loads;
		bool xen_vmcoreinfo, xen_image, kernel_image;
		/* the kernel's VMCOREINFO: none, by machine address, or a copy made at load time */
		enum { OS_NOTE_NONE, OS_NOTE_ADDRESS, OS_NOTE_COPY } os_vmcoreinfo;
		uint64_t xenkdump_note; /* bytes of the XENKDUMP note */
	} core;
	struct { /* how purgatory speaks */
		uint16_t serial_port, serial_divisor;
		bool vga;
	} console;
	size_t nr_warnings;
	char *warnings[PLAN_MAX_WARNINGS];
	struct plan_mem *mem; /* what the plan built and owns; plan_deinit() frees it */
};

/* What the one who loads takes out of the crash region for itself. */
enum control_pages {
	CONTROL_NONE,
	CONTROL_MAP_SEGS, /* code page, and tables of 4 KiB pages for every segment */
	CONTROL_MAP_RAM, /* code page, and tables of 2 MiB pages for all RAM of the machine */
	CONTROL_CODE, /* code page */
};

/* What a way of loading can take. Data of the backends, with its source beside it. */
struct backend_limits {
	const char *name;
	unsigned max_segs;
	uint64_t align; /* of segments */
	maddr_t max_dest; /* last address a segment may touch */
	bool map_only; /* accepts segments without a buffer */
	bool own_mode; /* enters every image in its own mode, whatever the image is */
	bool highest_region; /* of several crash regions, loads into the highest only */
	enum control_pages control;
	maddr_t control_end; /* the end of the control pages of an EM_386 image, at most */
};

/*
 * Builds the plan. On failure *ret is empty and d says what was wanted, found and to be changed.
 * The plan borrows image->kernel and image->initrd; everything else it owns.
 */
enum xk_status plan_build(const struct request *rq, const struct host *h, const struct image *img,
	const struct backend_limits *lim, struct plan *ret, struct diag *d) _nonnull_;
void plan_deinit(struct plan *p) _nonnull_;

/*
 * Re-verifies any plan against the host and a backend's limits: alignment, overlap, bounds, room
 * for control pages, the image's reach, the core header's shape. Also the oracle of the fuzzer.
 */
enum xk_status plan_check(const struct plan *p, const struct host *h, const struct image *img,
	const struct backend_limits *lim, struct diag *d) _nonnull_;

/* For people, with the memory picture; and for programs. Both append to ret. */
enum xk_status plan_print(const struct plan *p, struct buf *ret, struct diag *d) _nonnull_;
enum xk_status plan_print_json(const struct plan *p, struct buf *ret, struct diag *d) _nonnull_;

#endif
