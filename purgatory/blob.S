/* SPDX-License-Identifier: GPL-2.0-only */
#include "purgatory/blob.h"

	.macro blob name, file
	.globl	\name, \name\()_end
	.type	\name, @object
	.balign	16
\name:
	.incbin	"\file"
	.size	\name, . - \name
\name\()_end:
	.byte	0
	.endm

	.section .rodata, "a", @progbits
	blob	purg_blob_i386, BLOB_I386
	blob	purg_blob_x86_64, BLOB_X86_64

	.section .note.GNU-stack, "", @progbits
