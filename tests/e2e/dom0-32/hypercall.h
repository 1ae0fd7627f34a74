/* SPDX-License-Identifier: GPL-2.0-only */
/* The hypercalls, by the page that Xen fills: arguments in EBX, ECX, EDX, ESI; result in EAX. */
#ifndef DOM0_32_HYPERCALL_H
#define DOM0_32_HYPERCALL_H

#include "abi.h"

extern const uint8_t hypercall_page[PAGE_LEN];

static inline uint32_t virt(const volatile void *p)
{
	return (uint32_t)p;
}

/* Xen clobbers the argument registers it uses. */
static inline int32_t hypercall(uint32_t nr, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	uint32_t ret = virt(hypercall_page) + nr * 32;

	__asm__ volatile("call *%%eax"
			 : "+a"(ret), "+b"(a), "+c"(b), "+d"(c), "+S"(d)
			 :
			 : "memory", "edi");
	return (int32_t)ret;
}

static inline int32_t kexec_op(uint32_t cmd, void *arg)
{
	return hypercall(HYPERCALL_KEXEC_OP, cmd, virt(arg), 0, 0);
}

static inline _Noreturn void shut_down(uint32_t reason)
{
	for (;;)
		hypercall(HYPERCALL_SCHED_OP, SCHEDOP_SHUTDOWN, virt(&reason), 0, 0);
}

#endif
