// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/cmdline.h"

#define assert_text(b, want)                                  \
	do {                                                  \
		buf_append(b, "", 1);                         \
		assert_string_equal((char *)(b)->data, want); \
		buf_deinit(b);                                \
	} while (0)

static const struct {
	const char *running;
	bool pv;
	const char *want;
} reuse[] = {
	{"BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro crashkernel=256M quiet\n", false,
		"root=/dev/sda1 ro quiet"},
	{"crashkernel=1G crashkernel=64M,low a crashkernel=1G@2G", true, "a"},
	{"\"crashkernel=1G\" b", false, "b"},
	/* not the names, only alike */
	{"xcrashkernel=1 crashkernel crashkernels=2", false,
		"xcrashkernel=1 crashkernel crashkernels=2"},
	{"elfcorehdr=64M c", false, "c"},
	/* quotes */
	{"a=\"one two\" dyndbg=\"file x.c +p crashkernel=1\" b", false,
		"a=\"one two\" dyndbg=\"file x.c +p crashkernel=1\" b"},
	{"\"a b=c\"  d\t e", false, "\"a b=c\" d e"},
	/* PV words are left out under Xen only */
	{"console=hvc0 console=tty0 earlyprintk=xen,keep x", true, "console=tty0 x"},
	{"console=hvc0 console=tty0 earlyprintk=xen,keep x", false,
		"console=hvc0 console=tty0 earlyprintk=xen,keep x"},
	{"console=xenboot console=ttyS0,9600 earlyprintk=serial,ttyS0 earlycon=xenboot", true,
		"console=ttyS0,9600 earlyprintk=serial,ttyS0"},
	{"xen-pciback.hide=(01:00.0)(02:00.0) xencons=tty xen.fifo_events=0 y", true, "y"},
	{"axen=1 root=/dev/xenblk", true, "axen=1 root=/dev/xenblk"},
	/* init's words are init's */
	{"a -- crashkernel=1 console=hvc0", true, "a -- crashkernel=1 console=hvc0"},
	{"", false, ""},
	{" \n ", true, ""},
	{"crashkernel=1", true, ""},
};

static void reuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reuse); i++) {
		struct buf b = {0};

		cmdline_reuse(reuse[i].running, reuse[i].pv, &b);
		assert_text(&b, reuse[i].want);
	}
}

static const struct {
	const char *have, *add, *want;
} appends[] = {
	{"", "a", "a"},
	{"a", "b c", "a b c"},
	{"a ", " b", "a b"},
	{"a", "", "a"},
	{"a", " ", "a"},
	{"", "", ""},
	{"a -- single", "elfcorehdr=1M", "a elfcorehdr=1M -- single"},
	{"a --", "b", "a b --"},
	{"-- x", "b", "b -- x"},
	{"a", "b -- x", "a b -- x"},
	{"a -- x", "b -- y", "a b -- x y"},
	{"a -- x", "-- y", "a -- x y"},
	{"a", "--", "a --"},
	/* no separators */
	{"a=\"x -- y\"", "b", "a=\"x -- y\" b"},
	{"--a a-- -", "b", "--a a-- - b"},
	/* it is one in quotes, too: Linux strips them first */
	{"a \"--\" x", "b", "a b \"--\" x"},
	/* an open quote would swallow elfcorehdr= */
	{"a=\"b", "elfcorehdr=1M", "a=\"b\" elfcorehdr=1M"},
};

static void appends_before_dashes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(appends); i++) {
		struct buf b = {0};

		buf_append(&b, appends[i].have, strlen(appends[i].have));
		cmdline_append(&b, appends[i].add);
		assert_text(&b, appends[i].want);
	}
}

/* index -2: not found */
static const struct {
	const char *xen;
	int index;
	uint16_t port;
	uint32_t baud;
	bool vga;
	const char *words;
} xen[] = {
	{"console=com1 com1=115200", 0, 0x3f8, 115200, false, "console=ttyS0,115200"},
	{"console=com1,vga com1=115200,8n1", 0, 0x3f8, 115200, true,
		"console=tty0 console=ttyS0,115200"},
	{"com2=9600 console=vga,com2", 1, 0x2f8, 9600, true, "console=tty0 console=ttyS1,9600"},
	{"console=com1H com1=57600", 0, 0x3f8, 57600, false, "console=ttyS0,57600"},
	{"console=com2L,com1H com1=57600 com2=9600", 0, 0x3f8, 57600, false, "console=ttyS0,57600"},
	/* no com1=, "auto", rate left out or 0: as the firmware set it */
	{"console=com1", 0, 0x3f8, 0, false, "console=uart8250,io,0x3f8"},
	{"console=com1 com1=auto", 0, 0x3f8, 0, false, "console=uart8250,io,0x3f8"},
	{"console=com1 com1=auto,8n1,0x2f8", 1, 0x2f8, 0, false, "console=uart8250,io,0x2f8"},
	{"console=com1 com1=0", 0, 0x3f8, 0, false, "console=uart8250,io,0x3f8"},
	{"console=com1 com1=,8n1", 0, 0x3f8, 0, false, "console=uart8250,io,0x3f8"},
	/* positional items */
	{"console=com1 com1=115200,8n1,0x3e8,4", 2, 0x3e8, 115200, false, "console=ttyS2,115200"},
	{"console=com1 com1=115200,,0x2e8", 3, 0x2e8, 115200, false, "console=ttyS3,115200"},
	{"console=com2 com2=38400,7e2,0xe010,17,01:00.0", -1, 0xe010, 38400, false,
		"console=uart8250,io,0xe010,38400"},
	{"console=com1 com1=115200/115200", 0, 0x3f8, 115200, false, "console=ttyS0,115200"},
	/* another clock: its divisor says nothing about the rate */
	{"console=com1 com1=115200/4000000,8n1,0xe000", -1, 0xe000, 0, false,
		"console=uart8250,io,0xe000"},
	/* named items, also behind positional ones */
	{"console=com1 com1=baud=9600,io-base=0x2f8", 1, 0x2f8, 9600, false, "console=ttyS1,9600"},
	{"console=com1 com1=115200,8n1,io-base=0x3e8,irq=0", 2, 0x3e8, 115200, false,
		"console=ttyS2,115200"},
	{"console=com1 com1=115200,data-bits=8,parity=n,stop-bits=1,reg-width=1", 0, 0x3f8, 115200,
		false, "console=ttyS0,115200"},
	/* the last parameter wins */
	{"console=vga console=com1 com1=9600 com1=115200", 0, 0x3f8, 115200, false,
		"console=ttyS0,115200"},
	{"console=com1,none com1=9600", 0, 0x3f8, 9600, false, "console=ttyS0,9600"},
	/* nothing to be found */
	{"", -2, 0, 0, true, "console=tty0"},
	{"com1=115200", -2, 0, 0, true, "console=tty0"},
	{"console=vga com1=115200", -2, 0, 0, true, "console=tty0"},
	{"console=none com1=115200", -2, 0, 0, false, ""},
	{"console=", -2, 0, 0, false, ""},
	{"console=,", -2, 0, 0, false, ""},
	{"console=dbgp,xhci", -2, 0, 0, false, ""},
	{"console=com3", -2, 0, 0, false, ""},
	{"noconsole=com1", -2, 0, 0, true, "console=tty0"},
	{"a -- console=com1", -2, 0, 0, true, "console=tty0"},
	/* ports that Xen refuses */
	{"console=com1 com1=300", -2, 0, 0, false, ""},
	{"console=com1 com1=921600", -2, 0, 0, false, ""},
	{"console=com1 com1=99999999999999999999999", -2, 0, 0, false, ""},
	{"console=com1 com1=4294967296", -2, 0, 0, false, ""},
	{"console=com1 com1=115200,", -2, 0, 0, false, ""},
	{"console=com1 com1=115200,4n1", -2, 0, 0, false, ""},
	{"console=com1 com1=115200,8n3", -2, 0, 0, false, ""},
	{"console=com1 com1=115200,8n1,0", -2, 0, 0, false, ""},
	{"console=com1 com1=baud=0", -2, 0, 0, false, ""},
	{"console=com1 com1=115200,speed=9600", -2, 0, 0, false, ""},
	{"console=com1 com1=baud=115200,,io-base=0x3f8", -2, 0, 0, false, ""},
	/* ports whose place is not known, or is in memory */
	{"console=com1 com1=115200,8n1,pci", -2, 0, 0, false, ""},
	{"console=com1 com1=115200,8n1,amt", -2, 0, 0, false, ""},
	{"console=com1 com1=115200,dev=pci", -2, 0, 0, false, ""},
	{"console=com1 com1=115200,8n1,0xfe000000", -2, 0, 0, false, ""},
	{"console=com1 com1=115200,reg-width=4", -2, 0, 0, false, ""},
};

static void takes_xen_console_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(xen); i++) {
		struct serial s = cmdline_xen_serial(xen[i].xen);
		struct buf b = {0};

		if (s.found != (xen[i].index != -2) ||
			(s.found && (s.index != xen[i].index || s.port != xen[i].port ||
					    s.baud != xen[i].baud)))
			fail_msg("\"%s\": found %d index %d port 0x%x baud %u", xen[i].xen, s.found,
				s.index, s.port, s.baud);
		if (cmdline_xen_uses_vga(xen[i].xen) != xen[i].vga)
			fail_msg("\"%s\": vga", xen[i].xen);
		cmdline_from_xen_console(xen[i].xen, &b);
		assert_text(&b, xen[i].words);
	}
}

static const struct {
	const char *cmdline;
	int index; /* -2: not found */
	uint16_t port;
	uint32_t baud;
} linux_consoles[] = {
	{"console=ttyS0", 0, 0x3f8, 0},
	{"console=ttyS1,115200n8", 1, 0x2f8, 115200},
	{"console=ttyS3,9600 console=tty0", 3, 0x2e8, 9600},
	{"console=ttyS0 \"console=ttyS2,38400\"", 2, 0x3e8, 38400},
	{"console=ttyS4,115200", 4, 0, 115200},
	{"console=uart8250,io,0x2f8,57600n8", 1, 0x2f8, 57600},
	{"console=uart,io,0xe000", -1, 0xe000, 0},
	{"console=ttyS0,9600 console=uart8250,mmio32,0xfe000000", 0, 0x3f8, 9600},
	{"", -2, 0, 0},
	{"console=tty0", -2, 0, 0},
	{"console=ttyS", -2, 0, 0},
	{"console=ttySx", -2, 0, 0},
	{"console=ttyS0x", -2, 0, 0},
	{"console=ttyS4294967296", -2, 0, 0},
	{"console=ttyUSB0,115200", -2, 0, 0},
	{"console=uart8250,io,0", -2, 0, 0},
	{"console=uart8250,io,0x10000", -2, 0, 0},
	{"console=uart8250,io,", -2, 0, 0},
	{"a -- console=ttyS0", -2, 0, 0},
	{"x=\"console=ttyS0\"", -2, 0, 0},
};

static void reads_linux_console(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(linux_consoles); i++) {
		struct serial s = cmdline_linux_serial(linux_consoles[i].cmdline);

		if (s.found != (linux_consoles[i].index != -2) ||
			(s.found && (s.index != linux_consoles[i].index ||
					    s.port != linux_consoles[i].port ||
					    s.baud != linux_consoles[i].baud)))
			fail_msg("\"%s\": found %d index %d port 0x%x baud %u",
				linux_consoles[i].cmdline, s.found, s.index, s.port, s.baud);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reuses),
		cmocka_unit_test(appends_before_dashes),
		cmocka_unit_test(takes_xen_console_over),
		cmocka_unit_test(reads_linux_console),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
