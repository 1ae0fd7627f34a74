/* SPDX-License-Identifier: GPL-2.0-only */
/* The dump kernel's command line, and what Xen's and dom0's say about consoles. Pure text. */
#ifndef XK_CMDLINE_H
#define XK_CMDLINE_H

#include "common/bytes.h"

/* A serial port as a purgatory or a kernel can be told of it. */
struct serial {
	bool found;
	int index; /* ttyS number, or -1 when only the I/O port is known */
	uint16_t port; /* I/O port of a 16550 */
	uint32_t baud; /* 0: leave the rate as it is */
};

/*
 * Appends the words of `running` that a dump kernel can use to *ret, space-separated. Left out:
 * crashkernel=, BOOT_IMAGE=, and under Xen (`pv`) what only makes sense in a PV guest, such as
 * console=hvc0, console=xenboot, earlyprintk=xen, xen*= parameters. Quotes keep words together.
 */
void cmdline_reuse(const char *running, bool pv, struct buf *ret) _nonnull_;

/* Appends one word or several, with a space between when needed. */
void cmdline_append(struct buf *b, const char *words) _nonnull_;

/*
 * The serial console of a Xen command line: the last com1=/com2= that console= names (default
 * console=com1,vga as in Xen; com1 without parameters is not configured). Baud "auto" or 0 gives baud 0.
 * Source: Xen docs/misc/xen-command-line, "com1" and "console"; drivers/char/ns16550.c.
 */
struct serial cmdline_xen_serial(const char *xen_cmdline) _nonnull_;
bool cmdline_xen_uses_vga(const char *xen_cmdline) _nonnull_;

/* The last console=ttySn[,baud] or console=uart8250,io,PORT[,baud] of a Linux command line. */
struct serial cmdline_linux_serial(const char *cmdline) _nonnull_;

/* The console= words for a dump kernel that speaks where Xen did: "console=tty0
 * console=ttyS0,115200"; empty when Xen had neither. */
void cmdline_from_xen_console(const char *xen_cmdline, struct buf *ret) _nonnull_;

#endif
