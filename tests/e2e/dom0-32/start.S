/* SPDX-License-Identifier: GPL-2.0-only */
/* The notes that make Xen's domain builder take this file for a 32-bit PV kernel, and its entry. */
#include "abi.h"

#define NOTE(kind, desc...)			\
	.pushsection .note.Xen, "a", @note;	\
	.balign 4;				\
	.long 4, 9f - 8f, kind;			\
	.asciz "Xen";				\
8:	desc;					\
9:	.balign 4;				\
	.popsection

	NOTE(XEN_ELFNOTE_GUEST_OS, .asciz "xenkdump-test")
	NOTE(XEN_ELFNOTE_GUEST_VERSION, .asciz "1")
	NOTE(XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0")
	NOTE(XEN_ELFNOTE_LOADER, .asciz "generic")
	NOTE(XEN_ELFNOTE_VIRT_BASE, .long VIRT_BASE)
	NOTE(XEN_ELFNOTE_PADDR_OFFSET, .long 0)
	NOTE(XEN_ELFNOTE_ENTRY, .long _start)
	NOTE(XEN_ELFNOTE_HYPERCALL_PAGE, .long hypercall_page)
	NOTE(XEN_ELFNOTE_PAE_MODE, .asciz "yes")
	NOTE(XEN_ELFNOTE_FEATURES, .asciz "pae_pgdir_above_4gb")
	NOTE(XEN_ELFNOTE_SUPPORTED_FEATURES, .long XENFEAT_PAE_PGDIR_ABOVE_4GB | XENFEAT_DOM0)

	.text
	.globl _start
_start:
	/* Ring 1, flat segments, paging on, ESI the start info. */
	cld
	mov $stack_end, %esp
	push %esi
	call dom0_main
	ud2

	/* Xen writes the calls here, 32 bytes each. */
	.balign PAGE_LEN
	.globl hypercall_page
hypercall_page:
	.skip PAGE_LEN

	.bss
	.balign 16
	.skip 4 * PAGE_LEN
stack_end:

	.section .note.GNU-stack, "", @progbits
