// SPDX-License-Identifier: GPL-2.0-only
/* How purgatory speaks: a 16550 and VGA text, both write-only, neither able to stop the dump. */
#include <stdarg.h>

#include "purgatory/room.h"

/* 16550 registers. Source: the National Semiconductor PC16550D data sheet. */
#define UART_DATA     0 /* divisor low with DLAB */
#define UART_IER      1 /* divisor high with DLAB */
#define UART_LCR      3
#define UART_LCR_8N1  0x03
#define UART_LCR_DLAB 0x80
#define UART_MCR      4
#define UART_MCR_ON   0x03 /* DTR and RTS */
#define UART_LSR      5
#define UART_LSR_THRE 0x20

/* A port read takes about 1 us, and at 300 baud a full FIFO takes half a second to drain. Waited
 * out once; the port is not tried again. */
#define UART_TRIES 1000000

#define VGA_COLS 80
#define VGA_ROWS 25
#define VGA_LAST (VGA_COLS * (VGA_ROWS - 1))
#define VGA_ATTR 0x0f00 /* bright white on black */

static uint16_t uart; /* 0: none, or given up */
static bool vga;
static unsigned vga_col;

void console_serial(uint16_t port, uint16_t divisor)
{
	uart = port;
	if (!divisor)
		return;
	outb(port + UART_LCR, UART_LCR_8N1 | UART_LCR_DLAB);
	outb(port + UART_DATA, divisor & 0xff);
	outb(port + UART_IER, divisor >> 8);
	outb(port + UART_LCR, UART_LCR_8N1);
	outb(port + UART_IER, 0);
	outb(port + UART_MCR, UART_MCR_ON);
}

void console_vga(void)
{
	vga = true;
}

static void serial_put(char c)
{
	if (!uart)
		return;
	for (unsigned i = 0; i < UART_TRIES; i++) {
		uint8_t lsr = inb(uart + UART_LSR);

		if (lsr == 0xff) /* nothing decodes this port */
			break;
		if (lsr & UART_LSR_THRE) {
			outb(uart + UART_DATA, (uint8_t)c);
			return;
		}
	}
	uart = 0;
}

/* Where the cursor was is not known: write on the last row and scroll what was there. */
static void vga_put(char c)
{
	volatile uint16_t *cell = (volatile uint16_t *)0xb8000;

	if (!vga)
		return;
	if (c == '\n' || vga_col == VGA_COLS) {
		for (unsigned i = 0; i < VGA_LAST; i++)
			cell[i] = cell[i + VGA_COLS];
		for (unsigned i = 0; i < VGA_COLS; i++)
			cell[VGA_LAST + i] = VGA_ATTR | ' ';
		vga_col = 0;
	}
	if (c != '\n')
		cell[VGA_LAST + vga_col++] = VGA_ATTR | (uint8_t)c;
}

static void put(char c)
{
	if (c == '\n')
		serial_put('\r');
	serial_put(c);
	vga_put(c);
}

static void put_number(uint64_t v, bool hex)
{
	char text[20];
	unsigned n = 0;

	/* no 64-bit division: the i386 blob has no library that could do it */
	do {
		text[n++] = "0123456789abcdef"[hex ? v & 15 : (uint32_t)v % 10];
		v = hex ? v >> 4 : (uint32_t)v / 10;
	} while (v);
	while (n)
		put(text[--n]);
}

/* One line, prefixed, with its end added. Knows %s, %u and %llx. */
void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	for (const char *p = "xenkdump purgatory: "; *p; p++)
		put(*p);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(*fmt);
			continue;
		}
		switch (*++fmt) {
		case 's':
			for (const char *p = va_arg(ap, const char *); *p; p++)
				put(*p);
			break;
		case 'u': put_number(va_arg(ap, unsigned), false); break;
		case 'l':
			fmt += 2;
			put_number(va_arg(ap, unsigned long long), true);
			break;
		default: put('?'); break;
		}
	}
	put('\n');
	va_end(ap);
}
