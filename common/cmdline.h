/* SPDX-License-Identifier: GPL-2.0-only */
/* The dump kernel's command line, and what Xen's and dom0's say about consoles. Pure text. */
#ifndef XK_CMDLINE_H
#define XK_CMDLINE_H

#include "common/bytes.h"

/* A serial port as a purgatory or a kernel can be told of it. */
struct serial {
	bool found;
	int index; /* ttyS number, or -1 when only the I/O port is known */
	uint16_t port; /* I/O port of a 16550; 0 when only the ttyS number is known */
	uint32_t baud; /* 0: leave the rate as it is */
};

/*
 * Appends the words of `running` that a dump kernel can use to *ret, space-separated. Left out:
 * crashkernel=, BOOT_IMAGE=, elfcorehdr=, and under Xen (`pv`) what only makes sense in a PV
 * guest, such as console=hvc0, console=xenboot, earlyprintk=xen, xen*= parameters. Quotes keep
 * words together, as in Linux lib/cmdline.c next_arg(). What follows a word "--" is for init and
 * is kept as it is.
 */
void cmdline_reuse(const char *running, bool pv, struct buf *ret) _nonnull_;

/*
 * Appends one word or several, with a space between when needed. The kernel reads no parameter
 * behind a word "--" (Linux kernel/params.c parse_args()), so when b has one, kernel words are
 * put before it, and init's words (behind a "--" of `words`) to the end.
 */
void cmdline_append(struct buf *b, const char *words) _nonnull_;

/*
 * The serial console of a Xen command line: the last com1/com2 that console= names. Without
 * console=, Xen on x86 uses VGA only (OPT_CONSOLE_STR; its documentation says com1,vga). A port
 * that console= names works without com1=, at the rate the firmware left. Not found: a port that
 * Xen itself refuses (bad rate, bits, ...), one on PCI, which Xen finds by a search, and one in
 * memory. Baud is 0 for "auto" and for a port with a clock of its own, where the rate says nothing
 * about the divisor.
 * Source: Xen drivers/char/ns16550.c (ns16550_init, parse_positional, parse_namevalue_pairs),
 * drivers/char/console.c (console_init_preirq), drivers/char/serial.c (serial_parse_handle).
 */
struct serial cmdline_xen_serial(const char *xen_cmdline) _nonnull_;
bool cmdline_xen_uses_vga(const char *xen_cmdline) _nonnull_;

/* The last console=ttySn[,baud] or console=uart8250,io,PORT[,baud] of a Linux command line. */
struct serial cmdline_linux_serial(const char *cmdline) _nonnull_;

/*
 * Appends the console= words for a dump kernel that speaks where Xen did: "console=tty0
 * console=ttyS0,115200"; nothing when Xen had neither. A rate of 0 gives console=uart8250,io,PORT,
 * the form that reads the rate from the port (console=ttyS0 would set 9600).
 */
void cmdline_from_xen_console(const char *xen_cmdline, struct buf *ret) _nonnull_;

/* Appends the console= words of a Linux command line, as they are. */
void cmdline_from_linux_console(const char *cmdline, struct buf *ret) _nonnull_;

#endif
