// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include "vmcore/guard.h"

static unsigned users;
static struct sigaction before;
static _Thread_local sigjmp_buf place;
static _Thread_local volatile sig_atomic_t armed;

static void on_sigbus(int sig)
{
	if (armed) {
		armed = 0;
		siglongjmp(place, 1);
	}
	sigaction(sig, &before, NULL); /* not ours: returning repeats the access */
}

bool guard_add(void)
{
	/* SA_NODEFER: SIGBUS is never blocked, so that leaving by siglongjmp() need not restore
	 * the mask, which would be a system call for each copy. */
	struct sigaction sa = {.sa_handler = on_sigbus, .sa_flags = SA_NODEFER};

	sigemptyset(&sa.sa_mask);
	if (!users && sigaction(SIGBUS, &sa, &before) < 0)
		return false;
	users++;
	return true;
}

void guard_remove(void)
{
	if (!--users)
		sigaction(SIGBUS, &before, NULL);
}

bool guard_copy(void *to, const void *from, size_t len)
{
	if (sigsetjmp(place, 0))
		return false;
	armed = 1;
	memcpy(to, from, len);
	armed = 0;
	return true;
}
