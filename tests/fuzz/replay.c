// SPDX-License-Identifier: GPL-2.0-only
/* Runs every file, and every file of every folder, given as argument through a fuzz target. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

static unsigned runs;

static void fail(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	exit(1);
}

/* An exact copy on the heap, so that the sanitizer sees a read of one byte too many. */
static void run_file(const char *path, size_t len)
{
	uint8_t *data = malloc(len ? len : 1);
	FILE *f = fopen(path, "rb");

	if (!f || !data || fread(data, 1, len, f) != len)
		fail(path);
	fclose(f);
	LLVMFuzzerTestOneInput(data, len);
	free(data);
	runs++;
}

static void run(const char *path)
{
	struct dirent *e;
	struct stat st;
	DIR *d;

	if (stat(path, &st) < 0)
		fail(path);
	if (!S_ISDIR(st.st_mode)) {
		run_file(path, (size_t)st.st_size);
		return;
	}
	d = opendir(path);
	if (!d)
		fail(path);
	while ((e = readdir(d))) {
		char sub[4096];

		if (e->d_name[0] == '.')
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		run(sub);
	}
	closedir(d);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		run(argv[i]);
	printf("%s: %u inputs\n", argv[0], runs);
	return runs == 0; /* an empty corpus checks nothing */
}
