/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In place of sha256-ni.c, for emulators without the SHA extensions: says that they are there, and
 * executes an SSE2 instruction, which faults unless purgatory has enabled the vector unit, before
 * the plain code does the work.
 */
	.text
	.globl	sha256_has_ni, sha256_blocks_ni
	.hidden	sha256_has_ni, sha256_blocks_ni
sha256_has_ni:
	mov	$1, %eax
	ret
sha256_blocks_ni:
	pxor	%xmm7, %xmm7
	jmp	sha256_blocks_c

	.section .note.GNU-stack, "", @progbits
