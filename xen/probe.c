// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/factfile.h"
#include "xen/caps.h"
#include "xen/cpunotes.h"
#include "xen/probe.h"
#include "xen/pv_cpuid.h"
#include "xen/symbols.h"
#include "xen/sysfs.h"

const struct xen_probe_env xen_probe_real = {
	.root = "",
	.process_bits = 8 * sizeof(void *),
	.pv_cpuid = xen_pv_cpuid,
	.open = xen_ctrl_open,
};

/* Facts that only the hypervisor itself can tell. */
static const char *const asked_facts[] = {
	"crash-region", "cpu-note", "xen.image", "xen.vmcoreinfo", "memory", "xen.command-line"};

static enum guest_type guest_type(const struct xen_probe_env *env, struct host *h)
{
	_cleanup_(freep) char *type =
		factfile_text(h, NULL, env->root, "/sys/hypervisor/guest_type");
	uint64_t features;

	/* Linux 4.13 and later say it outright. */
	if (type && !strcmp(type, "PV"))
		return GUEST_PV;
	if (type && !strcmp(type, "PVH"))
		return GUEST_PVH;
	if (type && !strcmp(type, "HVM"))
		return GUEST_HVM;
	if (env->pv_cpuid && env->pv_cpuid())
		return GUEST_PV;
	/* A guest whose memory Xen translates is not PV; PVH and HVM look alike here. */
	if (xen_sysfs_features(env->root, &features))
		return features & XEN_FEATURE_AUTO_TRANSLATED ? GUEST_HVM : GUEST_PV;
	host_gap(h, "guest",
		"neither /sys/hypervisor/guest_type nor /sys/hypervisor/properties/features can "
		"be read");
	return GUEST_UNKNOWN;
}

static bool control_domain(const struct xen_probe_env *env, struct host *h)
{
	_cleanup_(freep) char *caps = factfile_text(h, NULL, env->root, "/proc/xen/capabilities");
	uint64_t features;

	if (caps)
		return strstr(caps, "control_d") != NULL;
	if (xen_sysfs_features(env->root, &features))
		return features & XEN_FEATURE_DOM0;
	host_gap(h, "control-domain",
		"/proc/xen/capabilities cannot be read; try: mount -t xenfs xenfs /proc/xen");
	return false;
}

/* A string from Xen, bounded by the buffer it was given. NULL when there is none to be had. */
static char *ask_text(struct xen *x, int what, size_t size)
{
	char b[XEN_COMMANDLINE_LEN + 1] = {0};

	if (x->ops->version(x->ctx, what, b) < 0)
		return NULL;
	b[size] = '\0';
	return strcmp(b, "<denied>") ? strdup(b) : NULL;
}

static char *ask_build_id(struct xen *x)
{
	static const char hex[] = "0123456789abcdef";
	struct xen_build_id id = {.len = sizeof(id.buf)};
	int n = x->ops->version(x->ctx, XENVER_BUILD_ID, &id);
	char *ret;

	if (n <= 0 || (size_t)n > sizeof(id.buf))
		return NULL;
	ret = calloc(1, 2 * (size_t)n + 1);
	for (int i = 0; ret && i < n; i++) {
		ret[2 * i] = hex[id.buf[i] >> 4];
		ret[2 * i + 1] = hex[id.buf[i] & 15];
	}
	return ret;
}

/* What sysfs did not have. */
static void ask_strings(struct xen *x, struct host *h)
{
	struct xen_compile_info ci = {0};
	int v = x->ops->version(x->ctx, XENVER_VERSION, NULL);

	if (v > 0 && !h->xen.major) {
		h->xen.major = (uint32_t)v >> 16;
		h->xen.minor = (uint32_t)v & 0xffff;
	}
	if (!h->xen.extra)
		h->xen.extra = ask_text(x, XENVER_EXTRAVERSION, XEN_EXTRAVERSION_LEN);
	if (!h->xen.changeset)
		h->xen.changeset = ask_text(x, XENVER_CHANGESET, XEN_CHANGESET_LEN);
	if (!h->xen.capabilities)
		h->xen.capabilities = ask_text(x, XENVER_CAPABILITIES, XEN_CAPABILITIES_LEN);
	if (!h->xen.cmdline)
		h->xen.cmdline = ask_text(x, XENVER_COMMANDLINE, XEN_COMMANDLINE_LEN);
	if (!h->xen.build_id)
		h->xen.build_id = ask_build_id(x);
	if ((h->xen.compiler && h->xen.compile_date) ||
		x->ops->version(x->ctx, XENVER_COMPILE_INFO, &ci) < 0)
		return;
	if (!h->xen.compiler && strncmp(ci.compiler, "<denied>", sizeof(ci.compiler)))
		h->xen.compiler = strndup(ci.compiler, sizeof(ci.compiler));
	if (!h->xen.compile_date && strncmp(ci.compile_date, "<denied>", sizeof(ci.compile_date)))
		h->xen.compile_date = strndup(ci.compile_date, sizeof(ci.compile_date));
}

static void string_gaps(struct host *h)
{
	const struct {
		const char *fact, *value;
	} strings[] = {
		{"xen.extra", h->xen.extra},
		{"xen.changeset", h->xen.changeset},
		{"xen.compiler", h->xen.compiler},
		{"xen.compile-date", h->xen.compile_date},
		{"xen.capabilities", h->xen.capabilities},
		{"xen.command-line", h->xen.cmdline},
		{"xen.build-id", h->xen.build_id},
	};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		if (!strings[i].value)
			host_gap(h, strings[i].fact,
				"neither /sys/hypervisor nor the hypervisor tells it (too old, or "
				"denied by its security policy)");
	if (!h->xen.major)
		host_gap(h, "xen.major", "/sys/hypervisor/version cannot be read");
}

/* Why get_range failed, for a gap. */
static void range_gap(struct host *h, const char *fact, int e)
{
	if (e == ENOSYS)
		host_gap(h, "xen.kexec",
			"this Xen has no kexec operation for this domain (ENOSYS): it is built "
			"without CONFIG_KEXEC, or this is not a PV domain");
	if (e == ERANGE)
		host_gap(h, fact,
			"it lies above 4 GiB, which Xen cannot tell a 32-bit dom0 kernel of "
			"(ERANGE)");
	else
		host_gap(h, fact, "asking Xen: %s", strerror(e));
}

static struct range ask_range(struct xen *x, int what, const char *fact, struct host *h)
{
	struct range r = {0, 0};
	uint64_t start, size;

	if (x->ops->get_range(x->ctx, what, 0, &start, &size)) {
		range_gap(h, fact, errno);
		return r;
	}
	if (!size) /* a success that says: there is none */
		host_gap(h, fact, "Xen says that there is none");
	else if (!start || !range_make(start, size, &r))
		host_gap(h, fact, "Xen's answer makes no sense: %#" PRIx64 " + %#" PRIx64, start,
			size);
	return r;
}

static enum xk_status ask_memory(struct xen *x, struct host *h, struct diag *d)
{
	struct xen_e820_entry *map = NULL;
	enum xk_status st = XK_OK;
	int n = -1;

	/* Xen adds entries of its own to the firmware's: offer plenty. */
	for (uint32_t max = 4096; n < 0 && max <= 65536; max *= 16) {
		free(map);
		map = calloc(max, sizeof(*map));
		if (!map)
			return diag_fail(d, XK_NOMEM, "no memory for the memory map");
		n = x->ops->memory_map(x->ctx, map, max);
		if ((n < 0 && errno != EINVAL) || n > (int)max)
			break;
		if (n > 0)
			break;
	}
	if (n <= 0)
		host_gap(h, "memory", "asking Xen: %s", n ? strerror(errno) : "an empty map");
	for (int i = 0; !st && i < n; i++) {
		struct range r;

		if (!map[i].size)
			continue;
		if (!range_make(map[i].addr, map[i].size, &r))
			host_gap(h, "memory", "entry %d wraps: %#" PRIx64 " + %#" PRIx64, i,
				map[i].addr, map[i].size);
		else if (!range_list_add(&h->memory, r, map[i].type))
			st = diag_fail(d, XK_NOMEM, "no memory for the memory map");
	}
	free(map);
	return st;
}

static enum xk_status ask_xen(
	const struct xen_probe_env *env, struct xen *x, struct host *h, struct diag *d)
{
	bool narrow = h->kernel.bits == 32;
	const char *source = "";
	struct range crash;
	enum xk_status st;
	uint32_t known;

	ask_strings(x, h);
	st = ask_memory(x, h, d);
	if (st)
		return st;
	crash = ask_range(x, XEN_KEXEC_RANGE_CRASH, "crash-region", h);
	if (!range_empty(crash) && !range_list_add(&h->crash, crash, MEM_RAM))
		return diag_fail(d, XK_NOMEM, "no memory for the crash region");
	h->xen.image = ask_range(x, XEN_KEXEC_RANGE_XEN, "xen.image", h);
	h->xen.vmcoreinfo = ask_range(x, XEN_KEXEC_RANGE_VMCOREINFO, "xen.vmcoreinfo", h);
	if (host_gap_reason(h, "xen.kexec")) {
		host_gap(h, "cpu-note", "%s", host_gap_reason(h, "xen.kexec"));
		return XK_OK;
	}
	known = narrow ? xen_sysfs_cpus(env->root, &source) : 0;
	return xen_cpu_notes(x, narrow, known, source, h, d);
}

/* Opens Xen if that can work; otherwise the facts it alone has are gaps with one reason. */
static enum xk_status ask_if_possible(
	const struct xen_probe_env *env, struct host *h, struct diag *d)
{
	struct xen x = {NULL, NULL};
	char why[sizeof(d->text)];
	enum xk_status st;

	if (!h->control_domain) {
		snprintf(why, sizeof(why), "only the control domain (dom0) may ask Xen for it");
	} else if (env->process_bits == 32 && h->kernel.bits == 64) {
		/* Linux's privcmd has no compat_ioctl: every call would be ENOTTY. */
		snprintf(why, sizeof(why),
			"a 32-bit program cannot make hypercalls under a 64-bit dom0 kernel; use "
			"the x86_64 build of xenkdump");
	} else {
		st = env->open(env->root, &x, d);
		if (!st) {
			st = ask_xen(env, &x, h, d);
			xen_close(&x);
			return st;
		}
		if (st == XK_NOMEM)
			return st;
		snprintf(why, sizeof(why), "%s", d->text);
		diag_init(d);
	}
	host_gap(h, "xen.interface", "%s", why);
	for (size_t i = 0; i < ARRAY_SIZE(asked_facts); i++)
		host_gap(h, asked_facts[i], "%s", why);
	return XK_OK;
}

/*
 * In a PV domain the two pages of the kernel's note need not be neighbours in machine memory;
 * the first one is what the address dependably names.
 */
static void trim_vmcoreinfo(struct host *h)
{
	struct range *r = &h->kernel.vmcoreinfo;

	if (h->guest == GUEST_PV && !range_empty(*r))
		r->end = min_u64(r->end, align_down(r->start, PAGE_SIZE_X86) + PAGE_SIZE_X86);
}

enum xk_status xen_probe(const struct xen_probe_env *env, struct host *h, struct diag *d)
{
	enum xk_status st;

	if (!xen_sysfs_present(env->root) && !(env->pv_cpuid && env->pv_cpuid())) {
		h->hypervisor = HV_NONE;
		h->guest = GUEST_NONE;
		return XK_OK;
	}
	h->hypervisor = HV_XEN;
	h->guest = guest_type(env, h);
	h->control_domain = control_domain(env, h);
	xen_sysfs_facts(env->root, h);
	st = ask_if_possible(env, h, d);
	if (st)
		return st;
	string_gaps(h);
	h->xen.bits = xen_caps_bits(h->xen.capabilities);
	if (!h->xen.bits)
		host_gap(h, "xen.bits", "Xen's capabilities name no x86 width: \"%s\"",
			h->xen.capabilities ? h->xen.capabilities : "");
	xen_cpu_notes_cross_check(h);
	/* CPUID hides long mode from 32-bit PV domains; a 64-bit hypervisor proves it. */
	if (h->xen.bits)
		h->cpu_long_mode = h->xen.bits == 64;
	trim_vmcoreinfo(h);
	xen_symbols_facts(env->root, h);
	return XK_OK;
}
