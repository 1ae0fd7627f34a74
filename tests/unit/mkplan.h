/* SPDX-License-Identifier: GPL-2.0-only */
/* A host, a kernel and a request for tests of the planner: right by default, and wrong in whatever
 * way a test asks for before plan_make(). */
#ifndef XK_TEST_MKPLAN_H
#define XK_TEST_MKPLAN_H

#include "common/plan.h"
#include "tests/unit/mkbz.h"

struct mkplan {
	struct host host;
	struct mkbz kernel;
	struct kconfig config;
	size_t initrd_len;
	struct request rq;
	struct backend_limits lim;
	/* made by plan_make() */
	struct buf file, initrd;
	struct image image;
	struct plan plan;
	struct diag d;
};

/*
 * Xen 4.17, 64-bit PV dom0, two CPUs. RAM 0..0x9f000 and 1 MiB..8 GiB, the page between reserved.
 * Crash region [start, end). Hypervisor's image at 0xbf000000, notes in the pages before it. The
 * kernel is mkbz_default() with 16 MiB of init_size, the initrd has 0x2345 bytes, the command line
 * is "nr_cpus=1".
 */
void mkplan_init(struct mkplan *m, maddr_t start, maddr_t end);
/*
 * The same machine under Linux alone, of 64 or 32 bits, with native_limits(). 64: page offset
 * 0xffff888000000000, image 0x1000000-0x4000000 at 0xffffffff81000000. 32: page offset 0xc0000000,
 * image 0x1000000-0x2000000 at 0xc1000000.
 */
void mkplan_init_native(struct mkplan *m, unsigned bits, maddr_t start, maddr_t end);
/* Gives it EFI firmware with two ranges of runtime services, and a kernel that takes them. */
void mkplan_efi(struct mkplan *m);
/* Replaces the crash region. */
void mkplan_region(struct mkplan *m, maddr_t start, maddr_t end);
/* plan_build(), then plan_check() when that went well. */
enum xk_status mkplan_make(struct mkplan *m);
void mkplan_deinit(struct mkplan *m);

/* plan_check() once more, for a plan that was changed. */
enum xk_status mkplan_check(struct mkplan *m);
struct seg *mkplan_seg(struct mkplan *m, enum seg_kind k);

/* One thing that is wrong with a plan, and what plan_check() must say of it. The message tells
 * that it was the right check that saw it, and not another by chance. */
struct mutation {
	const char *name;
	void (*change)(struct mkplan *m);
	const char *says;
};

/* The same where what is wrong is one number in the boot parameters. */
struct bp_mutation {
	const char *name, *says;
	size_t off;
	uint64_t value;
	size_t width;
};

/* Writes a little-endian number into bytes that a plan made; there must be room. */
void mkplan_put(struct buf *b, size_t off, uint64_t v, size_t width);
void mkplan_bp(struct mkplan *m, size_t off, uint64_t v, size_t width); /* boot parameters */

/* The plan that mkplan_mutate() begins with. */
void mkplan_init_xen(struct mkplan *m);

/* Makes each to a good plan of its own (region 0x20000000-0x30000000, with a random seed). */
void mkplan_mutate(const struct mutation *mutations, size_t nr);
/* The same to plans that `init` prepares. */
void mkplan_mutate_those(
	void (*init)(struct mkplan *m), const struct mutation *mutations, size_t nr);
void mkplan_mutate_bp(
	void (*init)(struct mkplan *m), const struct bp_mutation *mutations, size_t nr);

#endif
