/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Plays the kernel: keeps what it was entered with, before anything changes it, in struct state
 * of kernel.c, which begins 16 bytes from here. The 64-bit one runs anywhere, the 32-bit one at
 * KERNEL_32 and uses the memory below that for its stack.
 */
#define KERNEL_32 0x1000000

	.section .head, "awx", @progbits
	.globl	kernel_start, kernel_state
	.hidden	kernel_start, kernel_state
kernel_start:
	jmp	1f
	.org	16
kernel_state:
	.skip	96
#ifdef __x86_64__
1:	mov	%rsp, kernel_state(%rip)
	mov	%rsi, kernel_state + 8(%rip)
	mov	%rbx, kernel_state + 16(%rip)
	mov	%rbp, kernel_state + 24(%rip)
	mov	%rdi, kernel_state + 32(%rip)
	lea	kernel_stack_top(%rip), %rsp
	pushfq
	pop	%rbx
	mov	%rbx, kernel_state + 40(%rip)
#define NEXT(seg, off) mov seg, %ebx; mov %rbx, kernel_state + off(%rip)
#else
#define STATE (KERNEL_32 + 16)
1:	mov	%esp, STATE
	mov	%esi, STATE + 8
	mov	%ebx, STATE + 16
	mov	%ebp, STATE + 24
	mov	%edi, STATE + 32
	mov	$KERNEL_32, %esp
	pushf
	pop	%ebx
	mov	%ebx, STATE + 40
#define NEXT(seg, off) mov seg, %ebx; mov %ebx, STATE + off
#endif
	NEXT(%cs, 48)
	NEXT(%ds, 56)
	NEXT(%es, 64)
	NEXT(%ss, 72)
	cld
	call	kernel_main

	.bss
	.balign	16
	.skip	4096
kernel_stack_top:

	.section .note.GNU-stack, "", @progbits
