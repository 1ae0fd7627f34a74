// SPDX-License-Identifier: GPL-2.0-only
/*
 * Can this kernel export this core? What is found out here would otherwise be found out on the
 * day of the crash, by nobody.
 */
#include <elf.h>
#include <stdio.h>

#include "common/plan_build.h"

/* i386 kernels take x86_64 cores since Linux 2.6.22 (vmcore_elf_check_arch_cross() in its
 * asm/kexec.h). x86_64 kernels take no others than their own. */
#define CROSS_ARCH_SINCE 0x020616

static enum xk_status check_version(struct builder *b)
{
	uint32_t v = kernel_version_number(b->img->version);

	if (b->img->is_64 || b->p->core_machine != EM_X86_64 || !v || v >= CROSS_ARCH_SINCE)
		return XK_OK;
	return diag_fail(b->d, XK_UNSUPPORTED,
		"%s is Linux %u.%u.%u for i386, and the core is one of x86_64: i386 kernels export "
		"those since 2.6.22; use a newer dump kernel",
		b->img->name, v >> 16, v >> 8 & 255, v & 255);
}

/* RAM beyond what a 32-bit kernel without PAE can map, in MiB, and all RAM. */
static void count_ram(const struct builder *b, uint64_t *above, uint64_t *all)
{
	*above = *all = 0;
	for (size_t i = 0; i < b->core.nr_loads; i++) {
		struct range r = b->core.loads[i].mem;
		struct range high = {max_u64(r.start, REACH_4G), r.end};

		*all += range_size(r);
		*above += range_size(high);
	}
	*above /= MiB;
	*all /= MiB;
}

static enum xk_status check_config(struct builder *b)
{
	static const enum kconfig_option needed[] = {KCONFIG_CRASH_DUMP, KCONFIG_PROC_VMCORE};
	const struct kconfig *c = &b->img->config;
	uint64_t above, all;

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!c->set[needed[i]])
			return diag_fail(b->d, XK_UNSUPPORTED,
				"%s cannot export a core: it is built without %s (%s)",
				b->img->name, kconfig_name(needed[i]), c->source);
	if (b->img->initrd.len && !c->set[KCONFIG_BLK_DEV_INITRD])
		return diag_fail(b->d, XK_UNSUPPORTED,
			"%s cannot use the initrd: it is built without %s (%s)", b->img->name,
			kconfig_name(KCONFIG_BLK_DEV_INITRD), c->source);
	count_ram(b, &above, &all);
	if (b->img->is_64 || c->set[KCONFIG_X86_PAE] || !above)
		return XK_OK;
	/* The half that can be read is still worth having when it is the larger one. */
	if (2 * above > all)
		return diag_fail(b->d, XK_UNSUPPORTED,
			"%s cannot read %" PRIu64 " of the machine's %" PRIu64
			" MiB: they lie above 4 GiB, and it is built without %s (%s); use a kernel "
			"with PAE, or a 64-bit one",
			b->img->name, above, all, kconfig_name(KCONFIG_X86_PAE), c->source);
	plan_warn(b->p,
		"the dump kernel is built without %s (%s) and cannot read the %" PRIu64
		" MiB of memory above 4 GiB",
		kconfig_name(KCONFIG_X86_PAE), c->source, above);
	return XK_OK;
}

static enum xk_status describe(struct builder *b)
{
	const struct kconfig *c = &b->img->config;

	if (asprintf(&b->p->dump_kernel, "%s%s; its configuration %s%s",
		    b->img->kind == IMAGE_VMLINUX ? "vmlinux " : "",
		    b->img->version[0] ? b->img->version : "of unknown version",
		    c->known ? "was checked: " : "could not be checked: ",
		    c->source[0] ? c->source : "it was not looked for") >= 0)
		return XK_OK;
	b->p->dump_kernel = NULL;
	return diag_fail(b->d, XK_NOMEM, "no memory for a plan");
}

enum xk_status build_check_kernel(struct builder *b)
{
	enum xk_status st = check_version(b);

	if (!st && b->img->config.known)
		st = check_config(b);
	return st ? st : describe(b);
}
