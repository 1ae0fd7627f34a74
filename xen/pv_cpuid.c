// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is this a Xen PV guest? An illegal instruction followed by "xen" makes Xen emulate the CPUID
 * after it for PV guests, user space included (Xen public/arch-x86/xen.h, "XEN_CPUID"); anywhere
 * else it is just an illegal instruction.
 */
#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include "xen/pv_cpuid.h"

#define LEAF_BASE 0x40000000u
#define LEAF_STEP 0x100u
#define LEAF_LAST 0x40010000u

static sigjmp_buf escape;

static void on_sigill(int sig _unused_)
{
	siglongjmp(escape, 1);
}

static void emulated_cpuid(uint32_t leaf, uint32_t r[4])
{
	__asm__ volatile("ud2a; .ascii \"xen\"; cpuid"
			 : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
			 : "0"(leaf), "2"(0));
}

static bool find_signature(void)
{
	uint32_t r[4];

	/* Other hypervisor interfaces may come first, each with its own block of leaves. */
	for (uint32_t leaf = LEAF_BASE; leaf < LEAF_LAST; leaf += LEAF_STEP) {
		emulated_cpuid(leaf, r);
		if (!memcmp(&r[1], "XenVMMXenVMM", 12) && r[0] >= leaf + 2)
			return true;
	}
	return false;
}

bool xen_pv_cpuid(void)
{
	struct sigaction act = {.sa_handler = on_sigill}, old;
	volatile bool found = false;

	sigemptyset(&act.sa_mask);
	if (sigaction(SIGILL, &act, &old))
		return false;
	if (!sigsetjmp(escape, 1))
		found = find_signature();
	sigaction(SIGILL, &old, NULL);
	return found;
}
