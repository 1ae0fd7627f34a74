/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into and out of the x86_64 purgatory. We come in long mode at any address, by page tables that
 * may map no more than what was loaded, with no usable stack and with descriptor tables that are
 * not mapped: the first load of a segment register or the first exception would be the end.
 */
#include "purgatory/segments.h"

#define CR0_PG	  0x80000000
#define MSR_EFER  0xc0000080
#define EFER_LME  0x100
#define IDT_32_LEN 24

	.section .head, "ax", @progbits
	.globl	purg_start
	.hidden	purg_start
purg_start:
	jmp	start

	.text
start:
	cli
	cld
	lea	stack_top(%rip), %rsp

	lea	purg_bss(%rip), %rdi
	lea	purg_bss_end(%rip), %rcx
	sub	%rdi, %rcx
	xor	%eax, %eax
	rep stosb

	lea	gdt_64(%rip), %rdi
	call	load_gdt
	pushq	$PURG_CS
	lea	own_cs(%rip), %rax
	push	%rax
	lretq
own_cs:
	mov	$BOOT_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%eax, %fs
	mov	%eax, %gs
	pushq	$2			/* of the flags, only the bit that is always set */
	popfq
	xor	%ebp, %ebp
	call	purg_main

/* %rdi: a table of GDT_LEN bytes */
load_gdt:
	push	%rdi
	pushw	$GDT_LEN - 1
	lgdt	(%rsp)
	add	$10, %rsp
	ret

/* enter_64(entry, boot_params): the 64-bit boot protocol. Paging stays on by our own identity map,
 * BOOT_CS and BOOT_DS are loaded, %rsi is boot_params (as the second argument it already is). */
	.globl	enter_64
	.hidden	enter_64
enter_64:
	pushq	$2			/* clang's <cpuid.h> leaves the ID flag set */
	popfq
	pushq	$BOOT_CS
	push	%rdi
	xor	%eax, %eax
	xor	%ebx, %ebx
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%edi, %edi
	xor	%ebp, %ebp
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d
	lretq

/* enter_32(entry, boot_params): the 32-bit boot protocol. main.c has seen to it that all of us lies
 * below 4 GiB. Until paging is off, NMIs are taken through the 64-bit IDT and PURG_CS. */
	.globl	enter_32
	.hidden	enter_32
enter_32:
	pushq	$2
	popfq
	mov	%edi, %ebx
	lea	idt_32(%rip), %rax
	push	%rax
	pushw	$IDT_32_LEN - 1		/* 2 + 4 bytes of it are what lidt reads in 32-bit mode */
	mov	%rsp, %rbp
	lea	gdt_32(%rip), %rdi
	call	load_gdt
	pushq	$BOOT_CS
	lea	compat(%rip), %rax
	push	%rax
	lretq

	.code32
compat:
	mov	$BOOT_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0
	lidt	(%ebp)
	/* with this left on, a PAE kernel would enter long mode when it turns paging on */
	mov	$MSR_EFER, %ecx
	rdmsr
	and	$~EFER_LME, %eax
	wrmsr
	xor	%eax, %eax
	mov	%eax, %cr4
	mov	%ebx, %eax
	xor	%ebx, %ebx
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%edi, %edi
	xor	%ebp, %ebp
	jmp	*%eax

	.globl	trap_nmi_32
	.hidden	trap_nmi_32
trap_nmi_32:
	iret
	.code64

	.globl	trap_nmi
	.hidden	trap_nmi
trap_nmi:
	iretq

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
	pushq	$0
	.endif
	pushq	$n
	jmp	trap_common
	.balign	TRAP_STUB_SIZE
	n = n + 1
	.endr

trap_common:
	cld
	mov	%rsp, %rdi
	and	$-16, %rsp
	call	trap_report

	.data
	.balign	16
gdt_64:
	.quad	0, DESC_CODE_64, DESC_CODE_64, DESC_DATA
gdt_32:
	.quad	0, DESC_CODE_64, DESC_CODE_32, DESC_DATA
	.set	GDT_LEN, . - gdt_32

	.section .bss.noinit, "aw", @nobits
	.balign	16
	.skip	16384
stack_top:

	.section .note.GNU-stack, "", @progbits
