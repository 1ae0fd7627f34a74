/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few operations that are asked of Xen, as a table: libxenctrl bound at run time in
 * production, a fake hypervisor in tests. Decides nothing.
 *
 * Every operation gives 0 or more on success, or -1 with errno, whose value is Xen's own unless
 * the request never got there (ENOTTY, ENOENT and the like come from Linux's privcmd).
 */
#ifndef XEN_CTRL_H
#define XEN_CTRL_H

#include "common/diag.h"
#include "common/io.h"
#include "xen/abi.h"

struct xen_ops {
	/* XENVER_*: arg points to what that number wants. */
	int (*version)(void *ctx, int what, void *arg);
	/* *start and *size are defined only on success. 0/0 is a success: there is none. */
	int (*get_range)(void *ctx, int range, int nr, uint64_t *start, uint64_t *size);
	/* Number of entries; EINVAL when max is too small. */
	int (*memory_map)(void *ctx, struct xen_e820_entry *map, uint32_t max);
	/* All of segs and what it points to must be memory that a hypercall may read. */
	int (*load)(void *ctx, int type, uint16_t arch, uint64_t entry, uint32_t nr,
		struct xen_kexec_segment *segs);
	int (*unload)(void *ctx, int type);
	/* 0 or 1: the parity of successful loads and unloads, NOT "is loaded"; ENOSYS where the
	 * library has no such call. */
	int (*status)(void *ctx, int type);
	int (*exec)(void *ctx, int type);
	void (*close)(void *ctx);
};

struct xen {
	const struct xen_ops *ops;
	void *ctx;
};

/*
 * Opens the hypervisor through libxenctrl. XK_UNSUPPORTED when no such library is installed,
 * XK_PRIVILEGE or XK_IO when it cannot reach Xen. xen_close() releases it.
 */
enum xk_status xen_ctrl_open(const char *root, struct xen *ret, struct diag *d) _nonnull_;
void xen_close(struct xen *x) _nonnull_;

#define XEN_LIB_NAME_LEN 32
#define XEN_LIB_NAMES	 29

/*
 * The library names to try, in order: the running Xen's version, then all others from the newest
 * to the oldest that has the calls, then the unversioned name that only a development package
 * installs. The kexec, version and memory-map operations are the same for all of them. Returns
 * how many.
 */
size_t xen_lib_names(
	uint32_t major, uint32_t minor, char ret[XEN_LIB_NAMES][XEN_LIB_NAME_LEN]) _nonnull_;

/* Memory that a hypercall may read: never swapped, moved or copied on fork. */
extern const struct payload_alloc xen_payload_alloc;

#endif
