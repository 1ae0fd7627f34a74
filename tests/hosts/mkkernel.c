// SPDX-License-Identifier: GPL-2.0-only
/* Writes a small bzImage: mkkernel FILE [FIELD=NUMBER]... with the fields of struct mkbz that the
 * golden hosts vary. Its content depends on nothing else. */
#include <stdio.h>

#include "tests/unit/mkbz.h"

static bool set(struct mkbz *m, const char *word)
{
	const char *eq = strchr(word, '=');
	uint64_t v = eq ? strtoull(eq + 1, NULL, 0) : 0;
	size_t n = eq ? (size_t)(eq - word) : 0;

#define FIELD(f)                                        \
	if (n == strlen(#f) && !strncmp(word, #f, n)) { \
		m->f = (__typeof__(m->f))v;             \
		return true;                            \
	}
	FIELD(protocol)
	FIELD(is_64)
	FIELD(above_4g)
	FIELD(efi_kexec)
	FIELD(align)
	FIELD(pref_address)
	FIELD(init_size)
	FIELD(cmdline_size)
	FIELD(initrd_addr_max)
	FIELD(kernel_size)
	return false;
}

int main(int argc, char **argv)
{
	struct mkbz m = mkbz_default();
	struct buf b;
	FILE *f;

	for (int i = 2; i < argc; i++)
		if (!set(&m, argv[i])) {
			fprintf(stderr, "mkkernel: %s?\n", argv[i]);
			return 2;
		}
	f = argc > 1 ? fopen(argv[1], "wb") : NULL;
	b = mkbz_build(&m);
	if (!f || b.failed || fwrite(b.data, 1, b.len, f) != b.len || fclose(f)) {
		perror("mkkernel");
		return 1;
	}
	buf_deinit(&b);
	return 0;
}
