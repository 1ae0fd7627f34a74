// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cli.h"
#include "cli/machine.h"

static enum xk_status run(struct settings *s, struct diag *d)
{
	struct buf text = {0};
	struct host h;
	enum xk_status st;

	host_init(&h);
	st = machine_probe(s, &h, d);
	if (!st)
		st = facts_write(&h, &text, d);
	if (!st && s->output)
		/* 0600: command lines may hold secrets. */
		st = file_replace(s->output, buf_bytes(&text), 0600, d);
	else if (!st)
		print_text((const char *)text.data, text.len);
	buf_deinit(&text);
	host_deinit(&h);
	return st;
}

const struct command cmd_facts = {
	.name = "facts",
	.args = "[-o FILE]",
	.summary = "write what is known of this machine as text",
	.text = "Asks the hypervisor and the kernel everything a plan depends on and writes it as\n"
		"text that `xenkdump plan --facts` takes. What could not be had is listed with the\n"
		"reason. Run as root; a bug report wants this file.",
	.options = options_facts,
	.run = run,
};
