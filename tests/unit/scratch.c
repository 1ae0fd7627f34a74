// SPDX-License-Identifier: GPL-2.0-only
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/scratch.h"

/* A test that cannot have its fixtures must not look like one that passed. */
static void need(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

void scratch_init(struct scratch *s)
{
	/* In memory where that is possible: some tests write a file tens of thousands of times. */
	bool shm = !access("/dev/shm", W_OK);

	snprintf(s->path, sizeof(s->path), "%s/xenkdump-test-XXXXXX", shm ? "/dev/shm" : "/tmp");
	need(mkdtemp(s->path), s->path);
}

static int remove_one(const char *path, const struct stat *st _unused_, int flag _unused_,
	struct FTW *ftw _unused_)
{
	return remove(path);
}

void scratch_deinit(struct scratch *s)
{
	need(!nftw(s->path, remove_one, 8, FTW_DEPTH | FTW_PHYS), s->path);
}

void scratch_folder(const struct scratch *s, const char *rel)
{
	char path[512];

	snprintf(path, sizeof(path), "%s%s", s->path, rel);
	for (char *p = path + strlen(s->path) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
	mkdir(path, 0755);
	need(!access(path, F_OK), path);
}

void scratch_file(const struct scratch *s, const char *rel, const void *data, size_t len)
{
	char path[512], *slash;
	FILE *f;

	snprintf(path, sizeof(path), "%s", rel);
	slash = strrchr(path, '/');
	*slash = '\0';
	if (path[0])
		scratch_folder(s, path);
	snprintf(path, sizeof(path), "%s%s", s->path, rel);
	f = fopen(path, "wb");
	need(f && fwrite(data, 1, len, f) == len && !fclose(f), path);
}

void scratch_text(const struct scratch *s, const char *rel, const char *text)
{
	scratch_file(s, rel, text, strlen(text));
}

const char *scratch_path(const struct scratch *s, const char *name)
{
	static char path[32][512];
	static unsigned i;

	i = (i + 1) % ARRAY_SIZE(path);
	snprintf(path[i], sizeof(path[i]), "%s/%s", s->path, name);
	return path[i];
}
