/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What most tests of a probe need: a tree of fixture files, the facts that are made of it, and a
 * message. Each test file has its own, fresh for each test, so they stand here and not in a .c file.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "common/host.h"
#include "tests/unit/scratch.h"

static struct scratch s;
static struct host h;
static struct diag d;

static int setup(void **state _unused_)
{
	scratch_init(&s);
	host_init(&h);
	diag_init(&d);
	return 0;
}

static int teardown(void **state _unused_)
{
	host_deinit(&h);
	scratch_deinit(&s);
	return 0;
}

/* Between the rows of a table. */
static _unused_ void again(void **state)
{
	teardown(state);
	setup(state);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
