/* SPDX-License-Identifier: GPL-2.0-only */
/* What the administrator asked for: argv and config, parsed by cli/, read by the planner. */
#ifndef XK_REQUEST_H
#define XK_REQUEST_H

#include "common/compiler.h"

enum choice_auto { CHOICE_AUTO, CHOICE_YES, CHOICE_NO };
enum on_corruption { ON_CORRUPTION_REBOOT, ON_CORRUPTION_HALT, ON_CORRUPTION_CONTINUE };

struct request {
	const char *cmdline; /* --command-line, --append; NULL: none */
	bool reuse_cmdline; /* --reuse-cmdline: start from the running kernel's */
	bool console_auto; /* --console auto: speak where Xen, or without it this Linux, does */
	enum choice_auto dom0_vmcoreinfo; /* --dom0-vmcoreinfo */
	bool allow_missing_notes; /* --allow-missing-notes */
	bool hotplug; /* --hotplug: let Linux keep the core header current */
	enum on_corruption on_corruption;
	uint32_t corruption_delay_s; /* before the reboot */
	bool purgatory_verbose;
	/* --test-wrong-digest KIND: plan a digest that cannot match, to rehearse corruption. */
	const char *test_wrong_digest;
	/* 32 random bytes for the dump kernel's RNG; zero length: none. Drawn by cli/, so that a
	 * plan depends on nothing but its inputs. */
	uint8_t rng_seed[32];
	size_t rng_seed_len;
};

#endif
