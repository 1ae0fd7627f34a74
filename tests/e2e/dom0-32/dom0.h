/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the test kernel. */
#ifndef DOM0_32_DOM0_H
#define DOM0_32_DOM0_H

#include "text.h"

/* facts.c: asks Xen for what a plan depends on; the text of doc/facts.md. */
void facts_collect(struct text *t);

/*
 * load.c: the boot module. The harness makes it from the plan of the i386 build: this head, nr
 * segments, then their bytes at offsets from the head, all little endian.
 */
struct plan_head {
	char magic[8]; /* "XKD32PLN" */
	uint32_t version, nr;
	uint32_t arch, _pad;
	uint64_t entry;
};

struct plan_segment {
	uint64_t dest, size;
	uint32_t offset, len; /* len 0: only to be mapped */
};

_Static_assert(sizeof(struct plan_head) == 32, "plan_head");
_Static_assert(sizeof(struct plan_segment) == 24, "plan_segment");

/* False: the module holds no plan. A plan that makes no sense, or that Xen refuses, ends in
 * plan_load() with a line that says so. */
bool plan_present(const void *module, uint32_t len);
void plan_load(const void *module, uint32_t len);

/* main.c: says why and restarts the machine, which QEMU takes for its end. */
_Noreturn void give_up(const char *why, int32_t value);

#endif
