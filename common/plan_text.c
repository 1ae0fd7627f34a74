// SPDX-License-Identifier: GPL-2.0-only
/* The words the dump kernel is started with, and the console of purgatory. */
#include <stdio.h>
#include <string.h>

#include "common/cmdline.h"
#include "common/plan_build.h"
#include "common/words.h"

/* True when `word` (all of it, or up to '=') stands in the command line. */
static bool has_word(const char *cmdline, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = strstr(cmdline, word); p; p = strstr(p + 1, word))
		if ((p == cmdline || p[-1] == ' ') &&
			(!p[len] || p[len] == ' ' || word[len - 1] == '=' || p[len] == '='))
			return true;
	return false;
}

static void choose_console(struct builder *b, const char *cmdline)
{
	struct serial s = cmdline_linux_serial(cmdline);

	if (!s.found && b->h->xen.cmdline)
		s = cmdline_xen_serial(b->h->xen.cmdline);
	else if (!s.found && b->h->hypervisor == HV_NONE && b->h->kernel.cmdline)
		s = cmdline_linux_serial(b->h->kernel.cmdline);
	b->p->console.vga = true;
	if (!s.found)
		return;
	b->p->console.serial_port = s.port;
	if (s.baud && s.baud <= 115200 && 115200 / s.baud <= UINT16_MAX)
		b->p->console.serial_divisor = (uint16_t)(115200 / s.baud);
}

static void warn_of_words(struct builder *b, const char *cmdline)
{
	bool xen = b->h->hypervisor == HV_XEN;

	if (xen && has_word(cmdline, "console=hvc0"))
		plan_warn(b->p,
			"console=hvc0 is a console of Xen: the dump kernel has none below it "
			"and will be silent there");
	if (!has_word(cmdline, "nr_cpus=1") && !has_word(cmdline, "maxcpus=1") &&
		!has_word(cmdline, "nosmp"))
		plan_warn(b->p,
			"the dump kernel is not limited to one CPU: after a%s crash the "
			"others do not come up reliably, add nr_cpus=1 to its command line",
			xen ? " Xen" : "");
}

/* True when the kernel would take `name=` from these words. */
static bool kernel_reads(const char *words, const char *name)
{
	struct word w, v;

	while (word_next(&words, true, &w) && !word_is(word_unquote(w), "--"))
		if (word_value(w, name, &v))
			return true;
	return false;
}

/* The consoles of whoever runs now: Xen's, or without it this Linux's. */
static bool add_console(struct builder *b, struct buf *line)
{
	bool xen = b->h->hypervisor == HV_XEN;
	const char *running = xen ? b->h->xen.cmdline : b->h->kernel.cmdline;
	struct buf console = {0};
	bool ok;

	/* With --reuse-cmdline they come along. */
	if (!running || (!xen && b->rq->reuse_cmdline))
		return true;
	if (xen)
		cmdline_from_xen_console(running, &console);
	else
		cmdline_from_linux_console(running, &console);
	buf_append(&console, "", 1);
	if (console.len > 1)
		cmdline_append(line, (const char *)console.data);
	else
		plan_warn(b->p,
			"--console auto: %s command line names no console that a dump kernel could "
			"use",
			xen ? "Xen's" : "the running kernel's");
	ok = !console.failed;
	buf_deinit(&console);
	return ok;
}

/* Without EFI tables the ACPI root pointer may be nowhere else, and kernels before 5.0 do not read
 * boot_params for it; 2.15, of Linux 5.5, is the first protocol that tells them apart. */
static bool needs_rsdp_word(const struct builder *b)
{
	if (!b->h->efi || !b->h->rsdp)
		return false;
	return b->h->hypervisor == HV_XEN || (!b->p->efi_ranges && b->img->protocol < 0x020f);
}

enum xk_status build_cmdline(struct builder *b, maddr_t elfcore)
{
	struct buf line = {0};
	char word[64];

	/* The last one would win, and only the plan knows where the header lies. */
	if (b->rq->cmdline && kernel_reads(b->rq->cmdline, "elfcorehdr"))
		return diag_fail(b->d, XK_USAGE,
			"--command-line holds elfcorehdr=, which the loader sets itself: leave it "
			"out");

	/* First, so that none of them can fall behind a "--" that ends the kernel's own words. */
	snprintf(word, sizeof(word), "elfcorehdr=%" PRIaddr, elfcore);
	cmdline_append(&line, word);
	if (needs_rsdp_word(b)) {
		snprintf(word, sizeof(word), "acpi_rsdp=%" PRIaddr, b->h->rsdp);
		cmdline_append(&line, word);
	}
	if (b->rq->console_auto)
		line.failed |= !add_console(b, &line);
	if (b->rq->reuse_cmdline && b->h->kernel.cmdline)
		cmdline_reuse(b->h->kernel.cmdline, b->h->guest == GUEST_PV, &line);
	if (b->rq->cmdline)
		cmdline_append(&line, b->rq->cmdline);
	buf_append(&line, "", 1);
	if (line.failed) {
		buf_deinit(&line);
		return diag_fail(b->d, XK_NOMEM, "no memory for the command line");
	}
	b->p->cmdline = (char *)line.data;
	if (line.len - 1 > b->img->cmdline_max)
		return diag_fail(b->d, XK_NO_FIT,
			"the dump kernel's command line has %zu characters, %s takes %u "
			"(cmdline_size of its header): shorten it",
			line.len - 1, b->img->name, b->img->cmdline_max);
	choose_console(b, b->p->cmdline);
	warn_of_words(b, b->p->cmdline);
	return XK_OK;
}
