/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into and out of the i386 purgatory. We come in protected mode without paging, at any address,
 * with flat code and data segments, but with no register, no stack and no descriptor table that
 * could be used.
 */
#include "purgatory/segments.h"

/* Finding out where we are takes one push, and the only memory whose address is known beforehand
 * is that which every PC has. The word is put back: it belongs to the crashed system. */
#define SCRATCH 0x5fc

	.section .head, "ax", @progbits
	.globl	purg_start
	.hidden	purg_start
purg_start:
	jmp	start

	.text
start:
	cli
	cld
	mov	SCRATCH, %edx
	mov	$(SCRATCH + 4), %esp
	call	where
where:
	pop	%ebx
	mov	%edx, SCRATCH
	add	$_GLOBAL_OFFSET_TABLE_ + (. - where), %ebx
	lea	stack_top@GOTOFF(%ebx), %esp

	lea	purg_bss@GOTOFF(%ebx), %edi
	lea	purg_bss_end@GOTOFF(%ebx), %ecx
	sub	%edi, %ecx
	xor	%eax, %eax
	rep stosb

	lea	gdt@GOTOFF(%ebx), %eax
	push	%eax
	pushw	$GDT_LEN - 1
	lgdt	(%esp)
	add	$6, %esp
	push	$BOOT_CS
	lea	own_cs@GOTOFF(%ebx), %eax
	push	%eax
	lret
own_cs:
	mov	$BOOT_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%eax, %fs
	mov	%eax, %gs
	push	$2			/* of the flags, only the bit that is always set */
	popf
	xor	%ebp, %ebp
	call	purg_main

/* enter_32(entry, boot_params): the 32-bit boot protocol. Segments are loaded, paging is off. */
	.globl	enter_32
	.hidden	enter_32
enter_32:
	push	$2			/* clang's <cpuid.h> leaves the ID flag set */
	popf
	mov	4(%esp), %eax
	mov	8(%esp), %esi
	xor	%ebx, %ebx
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%edi, %edi
	xor	%ebp, %ebp
	jmp	*%eax

	.globl	trap_nmi
	.hidden	trap_nmi
trap_nmi:
	iret

/* One entry point for each exception: these vectors come with an error code, the others get a 0. */
#define HAS_ERROR(n) ((n) == 8 || ((n) >= 10 && (n) <= 14) || (n) == 17 || (n) == 21 || \
		      (n) == 29 || (n) == 30)
	.globl	trap_stubs
	.hidden	trap_stubs
	.balign	TRAP_STUB_SIZE
trap_stubs:
	n = 0
	.rept	32
	.if	!HAS_ERROR(n)
	push	$0
	.endif
	push	$n
	jmp	trap_common
	.balign	TRAP_STUB_SIZE
	n = n + 1
	.endr

trap_common:
	cld
	mov	%esp, %eax
	and	$-16, %esp
	sub	$12, %esp
	push	%eax
	call	trap_report

	.data
	.balign	16
gdt:
	.quad	0, 0, DESC_CODE_32, DESC_DATA
	.set	GDT_LEN, . - gdt

	.section .bss.noinit, "aw", @nobits
	.balign	16
	.skip	16384
stack_top:

	.section .note.GNU-stack, "", @progbits
