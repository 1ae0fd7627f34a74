// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between two kernels: check that what was loaded is still there, save the memory that the dump
 * kernel will use, enter it. The entry code has given us a stack, segments and a cleared .bss,
 * and nothing else is known of the machine. Silent unless asked, or unless something is wrong.
 */
#include "purgatory/room.h"
#include "purgatory/sha256.h"

#define CR0_MP	   (1u << 1)
#define CR0_EM	   (1u << 2)
#define CR0_TS	   (1u << 3)
#define CR4_OSFXSR (1u << 9)

#define BOOT_PARAMS_SIZE 4096

/* A register's width at a time, so that an emulated CPU makes fewer steps of it. */
#ifdef __x86_64__
#define MOVS_WORD "rep movsq"
#else
#define MOVS_WORD "rep movsl"
#endif

#define VERBOSE(...)                                    \
	do {                                            \
		if (purg_params.flags & PURG_F_VERBOSE) \
			say(__VA_ARGS__);               \
	} while (0)

#pragma GCC visibility push(hidden)
/* The compiler may call these even in freestanding code. */
void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
#pragma GCC visibility pop

void *memcpy(void *dst, const void *src, size_t n)
{
	void *d = dst;
	size_t words = n / sizeof(uintptr_t), rest = n % sizeof(uintptr_t);

	__asm__ volatile(MOVS_WORD : "+D"(d), "+S"(src), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(rest) : : "memory");
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	void *d = dst;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return dst;
}

void give_up(void)
{
	if (purg_params.on_corruption == PURG_ON_HALT) {
		say("halted");
		machine_halt();
	}
	say("resetting the machine in %u s", purg_params.delay_s);
	wait_seconds(purg_params.delay_s);
	machine_reset();
}

/* An address that the plan gave and that cannot be used. */
static bool reachable(const char *what, uint64_t addr, uint64_t len)
{
	if (map_reaches(addr, len))
		return true;
	say("bad parameters: %s at 0x%llx, 0x%llx bytes, is outside of the memory that this "
	    "%u-bit purgatory maps",
		what, (unsigned long long)addr, (unsigned long long)len, PURG_BITS);
	return false;
}

/* A name from the parameters, for printing; at most PURG_NAME_LEN characters. */
static const char *region_name(const struct purg_region *r)
{
	static char name[PURG_NAME_LEN + 1];

	for (unsigned i = 0; i < PURG_NAME_LEN; i++) {
		char c = r->name[i];

		name[i] = !c || (c >= ' ' && c <= '~') ? c : '?';
	}
	return name;
}

static bool entry_ok(const struct purg_abi *p)
{
	if (p->entry_bits != 32 && p->entry_bits != 64) {
		say("bad parameters: entry_bits is %u, it must be 32 or 64", p->entry_bits);
		return false;
	}
	if (p->entry_bits > PURG_BITS) {
		say("bad parameters: this 32-bit purgatory cannot enter a kernel in 64-bit mode");
		return false;
	}
	/* the way down to 32-bit mode is code of our own, which then needs an address below 4 GiB */
	if (p->entry_bits == 32 &&
		(purg_end() > GIB4 || p->entry >= GIB4 || p->boot_params >= GIB4)) {
		say("bad parameters: for a 32-bit entry, purgatory (0x%llx), kernel entry (0x%llx) and "
		    "boot parameters (0x%llx) must be below 4 GiB",
			(unsigned long long)purg_base(), (unsigned long long)p->entry,
			(unsigned long long)p->boot_params);
		return false;
	}
	return reachable("the kernel's entry", p->entry, 1) &&
	       reachable("boot_params", p->boot_params, BOOT_PARAMS_SIZE);
}

static bool params_ok(const struct purg_abi *p)
{
	bool ok = entry_ok(p);

	if (p->nr_regions > PURG_MAX_REGIONS) {
		say("bad parameters: %u regions, there is room for %u", p->nr_regions,
			PURG_MAX_REGIONS);
		return false;
	}
	for (uint32_t i = 0; i < p->nr_regions; i++)
		ok &= reachable(region_name(&p->regions[i]), p->regions[i].addr, p->regions[i].len);
	if (p->backup_len)
		ok &= reachable("the memory to back up", p->backup_src, p->backup_len) &&
		      reachable("the backup", p->backup_dst, p->backup_len);
	return ok;
}

/* The first 8 bytes of a digest, as sha256sum prints them. */
static void digest_text(const uint8_t *digest, char ret[17])
{
	for (unsigned i = 0; i < 16; i++)
		ret[i] = "0123456789abcdef"[digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
	ret[16] = '\0';
}

static bool region_ok(const struct purg_region *r, sha256_blocks_fn *blocks)
{
	uint8_t found[32], diff = 0;
	char found_text[17], wanted_text[17];

	sha256_digest(blocks, (const void *)(uintptr_t)r->addr, (size_t)r->len, found);
	for (unsigned i = 0; i < sizeof(found); i++)
		diff |= found[i] ^ r->sha256[i];
	if (!diff) {
		VERBOSE("%s at 0x%llx, 0x%llx bytes: good", region_name(r),
			(unsigned long long)r->addr, (unsigned long long)r->len);
		return true;
	}
	digest_text(found, found_text);
	digest_text(r->sha256, wanted_text);
	say("%s at 0x%llx, 0x%llx bytes, was overwritten: SHA-256 is %s.., must be %s..",
		region_name(r), (unsigned long long)r->addr, (unsigned long long)r->len, found_text,
		wanted_text);
	return false;
}

/* All of them, so that every bad one is named. Returns how many. */
static unsigned check_regions(const struct purg_abi *p)
{
	const bool ni = sha256_has_ni();
	const uintptr_t cr0 = READ_REG("cr0"), cr4 = READ_REG("cr4");
	unsigned bad = 0;

	VERBOSE("checking %u regions by %s", p->nr_regions, ni ? "SHA-NI" : "plain code");
	if (ni) {
		WRITE_REG("cr0", (cr0 & ~(uintptr_t)(CR0_EM | CR0_TS)) | CR0_MP);
		WRITE_REG("cr4", cr4 | CR4_OSFXSR);
	}
	for (uint32_t i = 0; i < p->nr_regions; i++)
		bad += !region_ok(&p->regions[i], ni ? sha256_blocks_ni : sha256_blocks_c);
	if (ni) {
		WRITE_REG("cr4", cr4);
		WRITE_REG("cr0", cr0);
	}
	return bad;
}

void purg_main(void)
{
	const struct purg_abi *p = &purg_params;
	unsigned bad;

	if (p->flags & PURG_F_SERIAL)
		console_serial(p->serial_port, p->serial_divisor);
	trap_init();
	map_init();
	if (p->flags & PURG_F_VGA)
		console_vga();
	VERBOSE("%u-bit, at 0x%llx", PURG_BITS, (unsigned long long)purg_base());

	if (!params_ok(p))
		give_up();
	bad = check_regions(p);
	if (bad && p->on_corruption != PURG_ON_CONTINUE)
		give_up();
	if (bad)
		say("entering the kernel all the same, as asked");

	if (p->backup_len) {
		VERBOSE("backing up 0x%llx bytes at 0x%llx to 0x%llx",
			(unsigned long long)p->backup_len, (unsigned long long)p->backup_src,
			(unsigned long long)p->backup_dst);
		memcpy((void *)(uintptr_t)p->backup_dst, (const void *)(uintptr_t)p->backup_src,
			(size_t)p->backup_len);
	}
	VERBOSE("entering the kernel at 0x%llx in %u-bit mode", (unsigned long long)p->entry,
		p->entry_bits);
#ifdef __x86_64__
	if (p->entry_bits == 64)
		enter_64(p->entry, p->boot_params);
#endif
	enter_32((uint32_t)p->entry, (uint32_t)p->boot_params);
}
