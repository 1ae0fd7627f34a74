// SPDX-License-Identifier: GPL-2.0-only
/* Source of the words: Linux kernel/panic.c, arch/x86/mm/fault.c, arch/x86/kernel/traps.c and dumpstack.c,
 * drivers/tty/sysrq.c, kernel/watchdog.c; Xen drivers/char/console.c (panic()), common/kexec.c,
 * common/shutdown.c. */
#include "vmcore/log_text.h"
#include "vmcore/panic.h"

static bool starts(struct bytes line, const char *with)
{
	const size_t n = strlen(with);

	return line.len >= n && !memcmp(line.data, with, n);
}

static bool has(struct bytes line, const char *what)
{
	return line.len && memmem(line.data, line.len, what, strlen(what));
}

/* Escaped, and cut where it does not fit. */
static void add(char *to, struct bytes line)
{
	size_t have = strlen(to), room = PANIC_TEXT - 1 - have;
	struct buf b = {0};

	log_escape(&b, bytes_sub(line, 0, min_u64(line.len, PANIC_TEXT)));
	if (b.len > room)
		b.len = room;
	if (b.len)
		memcpy(to + have, b.data, b.len);
	to[have + b.len] = '\0';
	buf_deinit(&b);
}

static void set(char *to, struct bytes line)
{
	*to = '\0';
	add(to, line);
}

void panic_linux_line(struct panic *p, struct bytes line)
{
	static const char *const causes[] = {
		"BUG: ",
		"kernel BUG at ",
		"Oops: ",
		"general protection fault",
		"double fault",
		"divide error",
		"invalid opcode",
		"stack segment",
		"sysrq: Trigger a crash",
		"sysrq: SysRq : Trigger a crash",
		"SysRq : Trigger a crash",
		"watchdog: BUG:",
		"NMI watchdog: ",
		"Out of memory and no killable",
		"traps: PANIC",
	};

	if (starts(line, "Kernel panic - not syncing")) {
		set(p->linux_panic, line);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++)
		if (starts(line, causes[i])) {
			set(p->linux_cause, line);
			return;
		}
}

static bool blank(struct bytes line)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
			return false;
	return true;
}

/* "Panic on CPU 0:", the reason in some lines, a row of stars. */
void panic_xen_line(struct panic *p, struct bytes line)
{
	static const uint8_t space[] = " ";

	if (starts(line, "(XEN) "))
		line = bytes_sub(line, 6, line.len - 6);
	while (line.len && line.data[0] == '[') { /* console_timestamps= */
		const uint8_t *end = memchr(line.data, ']', line.len);
		size_t n;

		if (!end)
			break;
		n = (size_t)(end - line.data) + 1;
		n += n < line.len && line.data[n] == ' ';
		line = bytes_sub(line, n, line.len - n);
	}
	if (starts(line, "Panic on CPU ")) {
		set(p->xen_panic, line);
		p->in_xen_panic = true;
		return;
	}
	if (has(line, "Executing kexec image") || has(line, "Executing crash image")) { /* 4.4 */
		set(p->xen_kexec, line);
		return;
	}
	if (starts(line, "*****"))
		p->in_xen_panic = false;
	if (!p->in_xen_panic || blank(line))
		return;
	add(p->xen_panic, (struct bytes){space, 1});
	add(p->xen_panic, line);
}

const char *panic_who(const struct panic *p)
{
	if (strstr(p->xen_kexec, "Dom0 crashed: ") || strstr(p->xen_kexec, "Domain 0 crashed: "))
		return "dom0 crashed, and Xen with it";
	if (*p->xen_panic)
		return "Xen crashed";
	if (*p->linux_panic)
		return "dom0 crashed, and Xen with it"; /* its last words; Xen's are not known */
	return "Xen with its dom0; the logs do not tell which of them crashed";
}
