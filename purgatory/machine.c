// SPDX-License-Identifier: GPL-2.0-only
/* Time and reset from the parts that every PC has had since 1984, each with an end to waiting. */
#include "purgatory/room.h"

#define PORT_B	    0x61 /* bit 0: gate of timer 2, bit 1: speaker, bit 5: output of timer 2 */
#define PIT_COUNT_2 0x42
#define PIT_COMMAND 0x43
#define PIT_50_MS   59659 /* 1193182 Hz / 20 */
#define PIT_TRIES   2000000

#define PORT_DELAY 0x80 /* POST codes: a write takes about 1 us and does nothing */

#define KBD_STATUS 0x64
#define RESET_CF9  0xcf9

static bool pit_missing;

static void io_delay(uint32_t us)
{
	while (us--)
		outb(PORT_DELAY, 0);
}

/* One countdown of timer 2. False when the timer does not tick, or is not there: its output must
 * be seen low after the start, and high in the end. */
static bool pit_wait_50_ms(void)
{
	outb(PORT_B, (inb(PORT_B) & 0x0c) | 1);
	outb(PIT_COMMAND, 0xb0); /* counter 2, low then high byte, mode 0: output rises at 0 */
	outb(PIT_COUNT_2, PIT_50_MS & 0xff);
	outb(PIT_COUNT_2, PIT_50_MS >> 8);
	if (inb(PORT_B) & 0x20)
		return false;
	for (uint32_t i = 0; i < PIT_TRIES; i++)
		if (inb(PORT_B) & 0x20)
			return true;
	return false;
}

void wait_seconds(uint32_t s)
{
	/* an hour is long enough for anybody to read the screen, also if the number is damaged */
	if (s > 3600)
		s = 3600;
	for (uint32_t i = 0; i < s * 20; i++) {
		if (!pit_missing && !pit_wait_50_ms())
			pit_missing = true;
		if (pit_missing)
			io_delay(50000);
	}
}

void machine_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt"); /* an NMI ends a hlt */
}

void machine_reset(void)
{
	outb(RESET_CF9, 0x02); /* a hard reset, on the edge of bit 2 */
	io_delay(50);
	outb(RESET_CF9, 0x06);
	io_delay(100000);

	for (uint32_t i = 0; i < 100000 && (inb(KBD_STATUS) & 2); i++)
		io_delay(1);
	outb(KBD_STATUS, 0xfe);
	io_delay(100000);

	lidt(NULL, 0);
	__asm__ volatile("int3"); /* nowhere to go: triple fault */
	machine_halt();
}
