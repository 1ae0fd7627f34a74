// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the kernel is locked down: "none [integrity] confidentiality", the one that holds in
 * brackets (Linux security/lockdown/lockdown.c, lockdown_read()).
 */
#include <string.h>
#include <unistd.h>

#include "common/factfile.h"
#include "native/machine.h"

#define LOCKDOWN "/sys/kernel/security/lockdown"

char *native_lockdown_word(const char *text)
{
	static const char *const words[] = {"none", "integrity", "confidentiality"};
	const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;

	for (size_t i = 0; close && i < ARRAY_SIZE(words); i++)
		if ((size_t)(close - open - 1) == strlen(words[i]) &&
			!strncmp(open + 1, words[i], strlen(words[i])))
			return strdup(words[i]);
	return NULL;
}

void native_lockdown_fact(const char *root, struct host *h)
{
	_cleanup_(freep) char *path = factfile_path(root, LOCKDOWN);
	/* Of every kernel with securityfs since 4.10. */
	_cleanup_(freep) char *sign = factfile_path(root, "/sys/kernel/security/lsm");
	_cleanup_(freep) char *text = NULL;

	if (path && access(path, F_OK) && sign && !access(sign, F_OK)) {
		h->kernel.lockdown = strdup("none"); /* the kernel has no such thing */
		return;
	}
	text = factfile_text(h, "kernel.lockdown", root, LOCKDOWN);
	if (!text)
		return;
	h->kernel.lockdown = native_lockdown_word(text);
	if (!h->kernel.lockdown)
		host_gap(h, "kernel.lockdown",
			LOCKDOWN " says \"%.60s\", wanted none, integrity or confidentiality in "
				 "brackets",
			text);
}
