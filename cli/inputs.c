// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "cli/cli.h"
#include "cli/machine.h"

/* A facts file with a large symbol table is below 2 MiB; this bounds a mistake. */
#define MAX_FACTS (64u << 20)

void inputs_init(struct inputs *in)
{
	memset(in, 0, sizeof(*in));
	host_init(&in->host);
}

void inputs_deinit(struct inputs *in)
{
	host_deinit(&in->host);
	payload_deinit(&in->kernel);
	payload_deinit(&in->initrd);
}

enum xk_status inputs_host(const struct settings *s, struct inputs *in, struct diag *d)
{
	struct buf text = {0};
	enum xk_status st;

	if (!s->facts)
		return machine_probe(s, &in->host, d);
	st = file_read(s->facts, MAX_FACTS, &text, d);
	if (!st)
		st = facts_read(buf_bytes(&text), s->facts, &in->host, d);
	buf_deinit(&text);
	return st;
}

enum xk_status inputs_image(
	const struct settings *s, const struct payload_alloc *a, struct inputs *in, struct diag *d)
{
	enum xk_status st = payload_read_kernel(s->kernel, a, &in->kernel, d);
	struct bytes kernel = {in->kernel.data, in->kernel.len};

	if (!st)
		st = in->kernel.elf.nr
			     ? image_parse_elf(&in->kernel.elf, kernel, s->kernel, &in->image, d)
			     : image_parse(kernel, s->kernel, &in->image, d);
	if (!st)
		find_kconfig(s, &in->image, &in->image.config);
	if (!st)
		st = payload_read_initrds(s->initrds, s->nr_initrds, a, &in->initrd, d);
	in->image.initrd = (struct bytes){in->initrd.data, in->initrd.len};
	return st;
}
