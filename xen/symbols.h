/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The running hypervisor's symbols, from /proc/xen/xensyms (Linux CONFIG_XEN_SYMS), whose lines
 * are nm's: "ffff82d040200000 T _start". Static symbols carry their file: "console.c#conring".
 */
#ifndef XEN_SYMBOLS_H
#define XEN_SYMBOLS_H

#include "common/host.h"

#define XEN_SYMBOLS_MAX (16u << 20) /* bytes of text; Xen 4.17 has about 0.3 MiB */

struct xen_symbols {
	size_t nr;
	vaddr_t start; /* of _start, or _stext which is the same place; 0: not listed */
	vaddr_t text; /* lowest text symbol; 0: none */
};

/* Checks every line. XK_BAD_INPUT naming the first bad one. */
enum xk_status xen_symbols_scan(
	struct bytes text, struct xen_symbols *ret, struct diag *d) _nonnull_;

/*
 * Virtual address of the first byte of a 64-bit hypervisor's image, whose machine address is
 * MA_XEN's start. Two ways that must agree where both can be gone: the symbol _start; and the
 * virtual base (text symbols lie in the first GiB above it) plus the version's image offset.
 */
enum xk_status xen_symbols_image_virt(const struct xen_symbols *s, uint32_t major, uint32_t minor,
	vaddr_t *ret, struct diag *d) _nonnull_;

/* Fills h->xen.symbols_z, symbols_len and image_virt, or their gaps. */
void xen_symbols_facts(const char *root, struct host *h) _nonnull_;

#endif
