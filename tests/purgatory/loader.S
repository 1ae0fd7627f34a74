/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Plays the hypervisor: puts things where run.py says and jumps to purgatory in the worst state
 * that Xen or Linux may leave. Started by QEMU's multiboot 1 loader at 1 MiB; run.py appends the
 * descriptor (at DESC), page tables, and what is to be copied.
 */
#define BASE	0x100000
#define DESC	0x101000	/* all 64-bit words: */
#define MODE	(DESC + 0)	/* 32: jump unpaged; 64: jump in long mode */
#define NR	(DESC + 8)	/* copies */
#define ENTRY	(DESC + 16)
#define CR3_ALL	(DESC + 24)	/* page tables for the copying */
#define CR3_JMP	(DESC + 32)	/* those to jump with: only segments and this code's page */
#define CR4	(DESC + 40)	/* PAE, perhaps LA57 */
#define CR0_SET	(DESC + 48)	/* bits to set in CR0 */
#define COPIES	(DESC + 64)	/* destination, source, length; 32 bytes each */

#define MB_MAGIC 0x1badb002
#define MB_FLAGS 0x00010000	/* addresses below are valid */

	.code32
	.text
	.globl	start
header:
	.long	MB_MAGIC, MB_FLAGS, -(MB_MAGIC + MB_FLAGS)
	.long	header, BASE, 0, 0, start

start:
	cli
	cld
	mov	$(DESC + 0x1000), %esp
	lgdt	gdtr
	ljmp	$0x10, $1f
1:	mov	$0x08, %eax		/* Xen's order: data is 8, code is 16 */
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%eax, %ss
	mov	ENTRY, %eax
	mov	%eax, entry_slot
	mov	ENTRY + 4, %eax
	mov	%eax, entry_slot + 4
	mov	%cr0, %eax
	or	CR0_SET, %eax
	mov	%eax, %cr0
	cmpl	$64, MODE
	je	to_long

	mov	NR, %ebp
	mov	$COPIES, %ebx
1:	mov	(%ebx), %edi
	mov	8(%ebx), %esi
	mov	16(%ebx), %ecx
	rep movsb
	add	$32, %ebx
	dec	%ebp
	jnz	1b
	lgdt	nowhere_32
	lidt	nowhere_32
	mov	$0xdead0001, %eax
	mov	$0xdead0002, %ebx
	mov	$0xdead0003, %ecx
	mov	$0xdead0004, %edx
	mov	$0xdead0005, %esi
	mov	$0xdead0006, %edi
	mov	$0xdead0007, %ebp
	mov	$0xdead0009, %esp
	std
	jmp	*entry_slot

to_long:
	mov	CR4, %eax
	mov	%eax, %cr4
	mov	CR3_ALL, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x901, %eax		/* LME; NXE and SCE as a hypervisor has them */
	wrmsr
	mov	%cr0, %eax
	or	$0x80000000, %eax
	mov	%eax, %cr0
	ljmp	$0x18, $1f

	.code64
1:	mov	NR, %ebp
	mov	$COPIES, %ebx
1:	mov	(%rbx), %rdi
	mov	8(%rbx), %rsi
	mov	16(%rbx), %rcx
	rep movsb
	add	$32, %rbx
	dec	%ebp
	jnz	1b
	lgdt	nowhere_64(%rip)
	lidt	nowhere_64(%rip)
	mov	CR3_JMP, %rax
	mov	$0xdead000000000009, %rsp	/* not even canonical */
	mov	%rax, %cr3
	mov	$0xdead000000000001, %rax
	mov	%rax, %rbx
	mov	%rax, %rcx
	mov	%rax, %rdx
	mov	%rax, %rsi
	mov	%rax, %rdi
	mov	%rax, %rbp
	mov	%rax, %r8
	mov	%rax, %r9
	mov	%rax, %r10
	mov	%rax, %r11
	mov	%rax, %r12
	mov	%rax, %r13
	mov	%rax, %r14
	mov	%rax, %r15
	std
	jmp	*entry_slot(%rip)

	.balign	8
gdt:
	.quad	0, 0x00cf93000000ffff, 0x00cf9b000000ffff, 0x00af9b000000ffff
gdtr:
	.word	. - gdt - 1
	.long	gdt
nowhere_32:
	.word	0xffff
	.long	0xf0000000		/* no memory there: reads as ones */
nowhere_64:
	.word	0xffff
	.quad	0x00007ffff0000000	/* mapped by neither table */
entry_slot:
	.quad	0

	.section .note.GNU-stack, "", @progbits
