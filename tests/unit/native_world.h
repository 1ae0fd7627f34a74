/* SPDX-License-Identifier: GPL-2.0-only */
/* A fake Linux, a plan for it, its files and its record, for the tests of the native backend. */
#ifndef XK_TEST_NATIVE_WORLD_H
#define XK_TEST_NATIVE_WORLD_H

#include "native/backend.h"
#include "tests/unit/fake_linux.h"

#define START 0x20000000u
#define END   0x20400000u /* 4 MiB */

struct world {
	struct fake_linux fake;
	char record[128], kernel_path[128], initrd_path[128];
	const char *initrds[2];
	struct host host;
	struct native_backend b;
	uint8_t *buf; /* below 4 GiB, as all of a 32-bit program's memory is */
	struct plan plan;
	struct diag d;
};

/* The files of the plan, as they were when it was made; also after a test has changed them. */
void world_put_files(struct world *w);

/* For cmocka: *state is a struct world. */
int world_setup(void **state);
int world_teardown(void **state);

/* With a fresh message in w->d. */
enum xk_status world_load(struct world *w);
enum xk_status world_unload(struct world *w);
struct armed world_status(struct world *w); /* must succeed, and say why */

#endif
