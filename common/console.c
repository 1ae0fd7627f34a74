// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <stdio.h>

#include "common/cmdline.h"
#include "common/words.h"

/* The standard ports of PCs: Linux arch/x86/include/asm/serial.h. */
static const uint16_t legacy_ports[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};

static int port_index(uint16_t port)
{
	for (size_t i = 0; i < ARRAY_SIZE(legacy_ports); i++)
		if (legacy_ports[i] == port)
			return (int)i;
	return -1;
}

/* What Xen makes of com1= or com2=. */
struct uart {
	uint64_t baud; /* 0: auto */
	uint64_t base_baud; /* 0: the usual 115200 */
	uint64_t data_bits, stop_bits, io_base;
	bool pci;
	bool bad; /* Xen gives up on it */
};

/* One list item up to the next comma: at a comma the item is left as it is, and as in Xen a comma
 * at the very end starts an item, which is then 0. */
static bool positional_item(const char **p, const char *end)
{
	if (*p >= end || **p != ',')
		return false;
	(*p)++;
	return *p >= end || **p != ',';
}

static void uart_positional(struct uart *u, const char *p, const char *end)
{
	uint64_t v;

	if (end - p >= 4 && !memcmp(p, "auto", 4)) {
		p += 4;
	} else {
		v = word_number(&p, end, 10);
		u->baud = v ? v : u->baud;
	}
	if (p < end && *p == '/') {
		p++;
		u->base_baud = word_number(&p, end, 0);
	}
	if (positional_item(&p, end)) {
		u->data_bits = word_number(&p, end, 10);
		if (p < end)
			p++; /* parity: any letter; unknown ones mean none */
		u->stop_bits = word_number(&p, end, 10);
	}
	if (positional_item(&p, end)) {
		if (end - p >= 3 && (!memcmp(p, "pci", 3) || !memcmp(p, "amt", 3)))
			u->pci = true;
		else
			u->io_base = word_number(&p, end, 0);
	}
}

static void uart_named(struct uart *u, struct word item)
{
	const char *eq = memchr(item.s, '=', item.len);
	const char *p = eq ? eq + 1 : item.s + item.len, *end = item.s + item.len;
	struct word name = {item.s, eq ? (size_t)(eq - item.s) : item.len};
	static const char *const ignored[] = {"irq", "parity", "reg-shift", "bridge", "port"};
	if (word_is(name, "baud"))
		u->baud = word_number(&p, end, 0);
	else if (word_is(name, "clock-hz"))
		u->base_baud = word_number(&p, end, 0);
	else if (word_is(name, "data-bits"))
		u->data_bits = word_number(&p, end, 0);
	else if (word_is(name, "stop-bits"))
		u->stop_bits = word_number(&p, end, 0);
	else if (word_is(name, "io-base"))
		u->io_base = word_number(&p, end, 0);
	else if (word_is(name, "reg-width"))
		u->bad = u->bad || word_number(&p, end, 0) != 1; /* 4 is for memory */
	else if (word_is(name, "dev"))
		u->pci = true;
	else {
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
			known = known || word_is(name, ignored[i]);
		u->bad = u->bad || !known;
	}
}

/* Positional items first; from the first one with a '=' on, named ones. */
static struct serial uart_parse(struct word conf, unsigned com)
{
	struct uart u = {.data_bits = 8, .stop_bits = 1, .io_base = legacy_ports[com - 1]};
	const char *end = conf.s + conf.len,
		   *named = conf.len ? memchr(conf.s, '=', conf.len) : NULL;
	bool auto_baud;

	if (!named)
		named = end;
	while (named > conf.s && named < end && named[-1] != ',')
		named--;
	if (named > conf.s)
		uart_positional(&u, conf.s, named < end ? named - 1 : end);
	auto_baud = u.baud == 0;
	while (named < end) {
		const char *comma = memchr(named, ',', (size_t)(end - named));
		const char *stop = comma ? comma : end;

		uart_named(&u, (struct word){named, (size_t)(stop - named)});
		/* baud=0 by name is not "auto" but a rate that Xen refuses */
		if ((size_t)(stop - named) >= 5 && !memcmp(named, "baud=", 5))
			auto_baud = false;
		named = stop + 1;
	}
	if (u.bad || u.pci || (!auto_baud && (u.baud < 1200 || u.baud > 115200)) ||
		u.data_bits < 5 || u.data_bits > 8 || u.stop_bits < 1 || u.stop_bits > 2 ||
		u.io_base == 0 || u.io_base > UINT16_MAX)
		return (struct serial){.index = -1};
	if (u.base_baud != 0 && u.base_baud != 115200)
		u.baud = 0;
	return (struct serial){
		.found = true,
		.index = port_index((uint16_t)u.io_base),
		.port = (uint16_t)u.io_base,
		.baud = (uint32_t)u.baud,
	};
}

/* The last name= of Xen's own part of its command line; what follows "--" is dom0's. */
static bool xen_param(const char *cmdline, const char *name, struct word *ret)
{
	bool found = false;
	struct word w, v;

	while (word_next(&cmdline, false, &w) && !word_is(w, "--")) {
		size_t n = strlen(name);

		if (w.len > n && word_starts(w, name) && w.s[n] == '=') {
			v = (struct word){w.s + n + 1, w.len - n - 1};
			*ret = v;
			found = true;
		}
	}
	return found;
}

/* Calls of next_item() walk the comma-separated list. */
static bool next_item(struct word *list, struct word *ret)
{
	const char *comma;

	if (!list->s)
		return false;
	comma = list->len ? memchr(list->s, ',', list->len) : NULL;
	*ret = (struct word){list->s, comma ? (size_t)(comma - list->s) : list->len};
	if (comma)
		*list = (struct word){comma + 1, list->len - ret->len - 1};
	else
		list->s = NULL;
	return true;
}

static struct word xen_console(const char *cmdline)
{
	struct word list = {"vga", 3};

	xen_param(cmdline, "console", &list);
	return list;
}

struct serial cmdline_xen_serial(const char *xen_cmdline)
{
	struct word list = xen_console(xen_cmdline), item;
	struct serial ret = {.index = -1};

	while (next_item(&list, &item)) {
		unsigned com = word_starts(item, "com1") ? 1 : word_starts(item, "com2") ? 2 : 0;
		struct word conf = {"", 0};
		struct serial s;

		if (!com) /* H and L suffixes share a port with a debugger; it is the same port */
			continue;
		xen_param(xen_cmdline, com == 1 ? "com1" : "com2", &conf);
		s = uart_parse(conf, com);
		if (s.found)
			ret = s;
	}
	return ret;
}

bool cmdline_xen_uses_vga(const char *xen_cmdline)
{
	struct word list = xen_console(xen_cmdline), item;

	while (next_item(&list, &item))
		if (word_starts(item, "vga"))
			return true;
	return false;
}

/* ttySn[,baud...] */
static bool linux_ttys(struct word v, struct serial *ret)
{
	const char *p = v.s + 4, *end = v.s + v.len;
	uint64_t n, baud = 0;

	if (!word_starts(v, "ttyS") || p >= end || !isdigit((unsigned char)*p))
		return false;
	n = word_number(&p, end, 10);
	if (n > 255 || (p < end && *p != ','))
		return false;
	if (p < end) {
		p++;
		baud = word_number(&p, end, 10);
	}
	*ret = (struct serial){
		.found = true,
		.index = (int)n,
		.port = n < ARRAY_SIZE(legacy_ports) ? legacy_ports[n] : 0,
		.baud = baud <= UINT32_MAX ? (uint32_t)baud : 0,
	};
	return true;
}

/* uart8250,io,PORT[,baud...], or uart,io,... */
static bool linux_uart(struct word v, struct serial *ret)
{
	const char *p, *end = v.s + v.len;
	uint64_t port, baud = 0;

	if (word_starts(v, "uart8250,io,"))
		p = v.s + strlen("uart8250,io,");
	else if (word_starts(v, "uart,io,"))
		p = v.s + strlen("uart,io,");
	else
		return false;
	port = word_number(&p, end, 0);
	if (port == 0 || port > UINT16_MAX || (p < end && *p != ','))
		return false;
	if (p < end) {
		p++;
		baud = word_number(&p, end, 10);
	}
	*ret = (struct serial){
		.found = true,
		.index = port_index((uint16_t)port),
		.port = (uint16_t)port,
		.baud = baud <= UINT32_MAX ? (uint32_t)baud : 0,
	};
	return true;
}

struct serial cmdline_linux_serial(const char *cmdline)
{
	struct serial ret = {.index = -1}, s;
	struct word w, v;

	while (word_next(&cmdline, true, &w) && !word_is(word_unquote(w), "--"))
		if (word_value(w, "console", &v) && (linux_ttys(v, &s) || linux_uart(v, &s)))
			ret = s;
	return ret;
}

void cmdline_from_xen_console(const char *xen_cmdline, struct buf *ret)
{
	struct serial s = cmdline_xen_serial(xen_cmdline);
	char words[128] = "";

	if (cmdline_xen_uses_vga(xen_cmdline))
		cmdline_append(ret, "console=tty0");
	if (!s.found)
		return;
	/* The last console= is /dev/console: the serial line, where someone reads along. */
	if (s.baud == 0)
		snprintf(words, sizeof(words), "console=uart8250,io,0x%x", s.port);
	else if (s.index >= 0)
		snprintf(words, sizeof(words), "console=ttyS%d,%u", s.index, s.baud);
	else
		snprintf(words, sizeof(words), "console=uart8250,io,0x%x,%u", s.port, s.baud);
	cmdline_append(ret, words);
}

void cmdline_from_linux_console(const char *cmdline, struct buf *ret)
{
	struct word w, v;

	while (word_next(&cmdline, true, &w) && !word_is(word_unquote(w), "--"))
		if (word_value(w, "console", &v)) {
			if (ret->len)
				buf_append(ret, " ", 1);
			buf_append(ret, w.s, w.len);
		}
}
