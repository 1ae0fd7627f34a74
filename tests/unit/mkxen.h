/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small crashed Xen: image, page tables, frame table, domains and dom0's list, in 31 MiB and, if
 * wanted, in 4 MiB more at 64 GiB. Pages of machine memory:
 *
 *   0x200 variables, 0x201 idle_pg_table   0x210-0x21f page tables   0x300-0x304 domains
 *   0x310-0x317 dom0's list                0x400-0x5ff frame table   0x600-0x7ff M2P
 *   0x800-0x9ff frame table of the second bank
 *   0x1000-0x13ff dom0 (pfn 0-0x3ff)       0x1400-0x17ff domain 5    0x1800-0x187f domain 7
 *   0x1900-0x1fff free, a chunk of 2^8 and then ones as alignment has it
 */
#ifndef XK_TEST_MKXEN_H
#define XK_TEST_MKXEN_H

#include "mkcore.h"
#include "vmcore/filter.h"

#define MKXEN_BASE UINT64_C(0xffff82d040000000)
#define MKXEN_BANK UINT64_C(0x1000000) /* the second bank's first page; 1024 pages */

struct mkxen {
	struct mkcore m;
	uint32_t major, minor;
	unsigned table; /* of pgc_tables: whose bits the frame table has */
	bool bigmem, bank;
	unsigned dom0_bits;
	char symbols[2048], vmcoreinfo[1024];
	struct xkn xkn;
	struct core_notes n;
	struct core core;
	struct buf file;
	struct core_reader *r;
};

/* A table's state bits: 3 is free. */
uint64_t mkxen_state(unsigned table, unsigned state);
uint64_t mkxen_scrub(unsigned table);

/* Fields set before are kept: major, minor, table, bigmem, bank, dom0_bits; the rest is made. */
void mkxen_init(struct mkxen *x);
/* An entry of the frame table by its index; owners are pages of struct domain. */
void mkxen_page(struct mkxen *x, uint64_t pdx, uint64_t info, uint64_t owner);
void mkxen_symbol(struct mkxen *x, const char *name, vaddr_t at);
/* 64 bits in the variables' page, and a symbol for them. */
void mkxen_variable(struct mkxen *x, const char *name, unsigned off, uint64_t v);
void mkxen_extra(struct mkxen *x, const char *extra);
/* After the last change. */
void mkxen_open(struct mkxen *x);
void mkxen_deinit(struct mkxen *x);

#endif
