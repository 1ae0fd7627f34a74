/* SPDX-License-Identifier: GPL-2.0-only */
/* A folder of fixtures for one test, removed with everything in it. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include "common/compiler.h"

struct scratch {
	char path[64];
};

void scratch_init(struct scratch *s);
void scratch_deinit(struct scratch *s);

/* Makes the file and the folders above it; rel begins with '/'. */
void scratch_file(const struct scratch *s, const char *rel, const void *data, size_t len);
void scratch_text(const struct scratch *s, const char *rel, const char *text);
void scratch_folder(const struct scratch *s, const char *rel);

/* The path of a name in the folder; one of a few static ones, overwritten in turn. */
const char *scratch_path(const struct scratch *s, const char *name);

#endif
