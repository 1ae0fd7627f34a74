/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a blob lies in memory, the same for both widths. Linked at 0 and run anywhere: everything
 * is found relative to the instruction pointer, and a relocation is a build failure.
 */
#include "purgatory/abi.h"

ENTRY(purg_start)

/* Two segments only so that ld sees no writable code; the blob has no protection inside. */
PHDRS
{
	code PT_LOAD FLAGS(5);
	data PT_LOAD FLAGS(6);
	stack PT_GNU_STACK FLAGS(6);
}

SECTIONS
{
	. = 0;
	.head : {
		*(.head)
		ASSERT(. <= PURG_ABI_OFFSET, "the jump runs into struct purg_abi");
		. = PURG_ABI_OFFSET;
		purg_params = .;
		LONG(PURG_MAGIC)
		SHORT(PURG_VERSION)
		SHORT(PURG_ABI_SIZE)
		LONG(purg_mem_end - purg_start)
		. = PURG_ABI_OFFSET + PURG_ABI_SIZE;
	} :code =0
	.text : { *(.text .text.*) }
	.rodata : { *(.rodata .rodata.*) }
	.rel.dyn : { *(.rel.*) *(.rela.*) }
	.data : { *(.data .data.*) . = ALIGN(16); } :data
	.got : { *(.got) }
	.got.plt : { *(.got.plt) . = ALIGN(16); }

	/* The blob's file ends here. What follows need not be zero: the entry code clears .bss, and
	 * .bss.noinit is written before it is read. */
	.bss : {
		purg_bss = .;
		*(.bss)
		. = ALIGN(16);
		purg_bss_end = .;
	}
	.noinit : {
		*(.bss.noinit)
		. = ALIGN(4096);
		purg_mem_end = .;
	}

	/DISCARD/ : {
		*(.comment) *(.note .note.*) *(.eh_frame*)
		*(.interp .dynamic .dynsym .dynstr .dynbss .hash .gnu.hash .gnu.version*)
	}
}

ASSERT(purg_start == 0, "the blob starts with the jump")
ASSERT(purg_params == PURG_ABI_OFFSET, "struct purg_abi has its place")
ASSERT(ADDR(.text) >= PURG_ABI_OFFSET + PURG_ABI_SIZE, "struct purg_abi has its size")
ASSERT(SIZEOF(.rel.dyn) == 0, "the blob must not need relocation")
ASSERT(SIZEOF(.got) == 0, "the blob must not need a GOT")
ASSERT(purg_mem_end % 4096 == 0 && purg_mem_end <= 1048576, "mem_size is pages, and few")
