// SPDX-License-Identifier: GPL-2.0-only
/*
 * libxenctrl bound at run time. Its soname is the Xen version, so linking it would tie one
 * binary to one Xen; the calls used here have not changed since they came with 4.4.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "xen/ctrl.h"
#include "xen/sysfs.h"

/*
 * A logger as libxentoollog takes it (tools/include/xentoollog.h, the same since 4.1). Without
 * one the library writes to stderr, which is not its business here.
 */
struct logger {
	void (*message)(struct logger *l, int level, int errnoval, const char *context,
		const char *format, va_list ap);
	void (*progress)(struct logger *l, const char *context, const char *doing, int percent,
		unsigned long done, unsigned long total);
	void (*destroy)(struct logger *l);
};

static void log_nothing(struct logger *l _unused_, int level _unused_, int errnoval _unused_,
	const char *context _unused_, const char *format _unused_, va_list ap _unused_)
{
}

static void destroy_nothing(struct logger *l _unused_)
{
}

static struct logger silent = {log_nothing, NULL, destroy_nothing};

struct ctrl {
	void *lib;
	void *xch;
	void *(*open)(struct logger *log, struct logger *builder_log, unsigned flags);
	int (*close)(void *xch);
	int (*version)(void *xch, int what, void *arg);
	int (*memory_map)(void *xch, struct xen_e820_entry *map, uint32_t max);
	int (*get_range)(void *xch, int range, int nr, uint64_t *size, uint64_t *start);
	int (*load)(void *xch, uint8_t type, uint16_t arch, uint64_t entry, uint32_t nr,
		struct xen_kexec_segment *segs);
	int (*unload)(void *xch, int type);
	int (*exec)(void *xch, int type);
	int (*status)(void *xch, int type); /* NULL before 4.9 */
};

/* The library's calls return -1 and errno, or in places a negative errno directly. */
static int normal(int rc)
{
	if (rc >= 0)
		return rc;
	if (rc < -1)
		errno = -rc;
	else if (!errno)
		errno = EIO;
	return -1;
}

static int ctrl_version(void *ctx, int what, void *arg)
{
	struct ctrl *c = ctx;

	errno = 0;
	return normal(c->version(c->xch, what, arg));
}

static int ctrl_get_range(void *ctx, int range, int nr, uint64_t *start, uint64_t *size)
{
	struct ctrl *c = ctx;
	uint64_t at = 0, len = 0;
	int rc;

	errno = 0;
	/* The library writes both also when the hypercall failed, hence the copies. */
	rc = normal(c->get_range(c->xch, range, nr, &len, &at));
	if (rc < 0)
		return rc;
	*start = at;
	*size = len;
	return 0;
}

static int ctrl_memory_map(void *ctx, struct xen_e820_entry *map, uint32_t max)
{
	struct ctrl *c = ctx;

	errno = 0;
	return normal(c->memory_map(c->xch, map, max));
}

static int ctrl_load(void *ctx, int type, uint16_t arch, uint64_t entry, uint32_t nr,
	struct xen_kexec_segment *segs)
{
	struct ctrl *c = ctx;

	errno = 0;
	return normal(c->load(c->xch, (uint8_t)type, arch, entry, nr, segs));
}

static int ctrl_unload(void *ctx, int type)
{
	struct ctrl *c = ctx;

	errno = 0;
	return normal(c->unload(c->xch, type));
}

static int ctrl_status(void *ctx, int type)
{
	struct ctrl *c = ctx;

	if (!c->status) {
		errno = ENOSYS;
		return -1;
	}
	errno = 0;
	return normal(c->status(c->xch, type));
}

static int ctrl_exec(void *ctx, int type)
{
	struct ctrl *c = ctx;

	errno = 0;
	return normal(c->exec(c->xch, type));
}

static void ctrl_close(void *ctx)
{
	struct ctrl *c = ctx;

	if (c->xch)
		c->close(c->xch);
	if (c->lib)
		dlclose(c->lib);
	free(c);
}

static const struct xen_ops ctrl_ops = {
	.version = ctrl_version,
	.get_range = ctrl_get_range,
	.memory_map = ctrl_memory_map,
	.load = ctrl_load,
	.unload = ctrl_unload,
	.status = ctrl_status,
	.exec = ctrl_exec,
	.close = ctrl_close,
};

size_t xen_lib_names(uint32_t major, uint32_t minor, char ret[XEN_LIB_NAMES][XEN_LIB_NAME_LEN])
{
	size_t n = 0;

	if (major)
		snprintf(ret[n++], XEN_LIB_NAME_LEN, "libxenctrl.so.%u.%u", major, minor);
	for (unsigned m = 30; m >= 4; m--)
		if (major != 4 || minor != m)
			snprintf(ret[n++], XEN_LIB_NAME_LEN, "libxenctrl.so.4.%u", m);
	snprintf(ret[n++], XEN_LIB_NAME_LEN, "libxenctrl.so");
	return n;
}

static bool bind_calls(struct ctrl *c)
{
	const struct {
		const char *name;
		void *slot;
		bool optional;
	} calls[] = {
		{"xc_interface_open", &c->open, false},
		{"xc_interface_close", &c->close, false},
		{"xc_version", &c->version, false},
		{"xc_get_machine_memory_map", &c->memory_map, false},
		{"xc_kexec_get_range", &c->get_range, false},
		{"xc_kexec_load", &c->load, false},
		{"xc_kexec_unload", &c->unload, false},
		{"xc_kexec_exec", &c->exec, false},
		{"xc_kexec_status", &c->status, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		void *sym = dlsym(c->lib, calls[i].name);

		if (!sym && !calls[i].optional)
			return false;
		memcpy(calls[i].slot, &sym, sizeof(sym));
	}
	return true;
}

static enum xk_status find_library(struct ctrl *c, uint32_t major, uint32_t minor, struct diag *d)
{
	char names[XEN_LIB_NAMES][XEN_LIB_NAME_LEN];
	size_t n = xen_lib_names(major, minor, names);

	for (size_t i = 0; i < n; i++) {
		c->lib = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
		if (c->lib && bind_calls(c))
			return XK_OK;
		if (c->lib)
			dlclose(c->lib);
		c->lib = NULL;
	}
	return diag_fail(d, XK_UNSUPPORTED,
		"no usable libxenctrl for a %zu-bit program: tried %s, then every version from "
		"4.30 to 4.4, and libxenctrl.so; install the Xen libraries (Debian: "
		"libxenmisc%u.%u; others: xen-libs)",
		8 * sizeof(void *), names[0], major ? major : 4, major ? minor : 17);
}

static enum xk_status open_interface(struct ctrl *c, struct diag *d)
{
	errno = 0;
	c->xch = c->open(&silent, &silent, 0);
	if (c->xch)
		return XK_OK;
	if (errno == EACCES || errno == EPERM)
		return diag_fail(d, XK_PRIVILEGE,
			"opening the hypervisor interface: %s; only root may do that",
			strerror(errno));
	return diag_fail(d, XK_IO,
		"opening the hypervisor interface (/dev/xen/privcmd or /proc/xen/privcmd): %s; "
		"try: modprobe xen-privcmd",
		strerror(errno ? errno : ENOENT));
}

enum xk_status xen_ctrl_open(const char *root, struct xen *ret, struct diag *d)
{
	struct ctrl *c = calloc(1, sizeof(*c));
	uint32_t major = 0, minor = 0;
	enum xk_status st;

	if (!c)
		return diag_fail(d, XK_NOMEM, "no memory for the hypervisor interface");
	(void)xen_sysfs_version(root, &major, &minor); /* unknown: any library will do */
	st = find_library(c, major, minor, d);
	if (!st)
		st = open_interface(c, d);
	if (st) {
		ctrl_close(c);
		return st;
	}
	*ret = (struct xen){&ctrl_ops, c};
	return XK_OK;
}

void xen_close(struct xen *x)
{
	if (x->ops)
		x->ops->close(x->ctx);
	*x = (struct xen){NULL, NULL};
}
