// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/factfile.h"
#include "native/firmware.h"
#include "native/probe.h"

#define BOOT_PARAMS "/sys/kernel/boot_params/data"
#define EFI_SYSTAB  "/sys/firmware/efi/systab"

/* struct boot_params: Linux Documentation/arch/x86/zero-page.rst. */
#define BP_SIZE		4096
#define BP_SCREEN_INFO	0x000
#define BP_SCREEN_LEN	0x40
#define BP_ACPI_RSDP	0x070
#define BP_EDD_ENTRIES	0x1e9
#define BP_EDD		0xd00
#define BP_EDD_MAX	6
#define BP_EDD_INFO_LEN 82

/* ACPI specification, "Finding the RSDP on IA-PC Systems". */
#define BIOS_START   0xe0000u
#define BIOS_END     0x100000u
#define RSDP_V1_LEN  20
#define RSDP_V2_LEN  36
#define RSDP_REV_OFF 15
#define RSDP_LEN_OFF 20

static bool sum_is_zero(const uint8_t *p, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + p[i]);
	return !sum;
}

maddr_t native_scan_rsdp(struct bytes area, maddr_t base)
{
	for (uint64_t off = 0; bytes_has(area, off, RSDP_V1_LEN); off += 16) {
		const uint8_t *p = area.data + off;
		uint32_t len;

		if (memcmp(p, "RSD PTR ", 8) || !sum_is_zero(p, RSDP_V1_LEN))
			continue;
		if (p[RSDP_REV_OFF] < 2)
			return base + off;
		/* Revision 2 has a second sum over the length it states. */
		if (!bytes_read(area, off + RSDP_LEN_OFF, &len, sizeof(len)) || len < RSDP_V2_LEN ||
			!bytes_has(area, off, len) || !sum_is_zero(p, len))
			continue;
		return base + off;
	}
	return 0;
}

/* "ACPI20=0x..." is the pointer to the newer table and wins over "ACPI=0x...". */
static maddr_t rsdp_from_systab(const char *root, struct host *h)
{
	static const char *const keys[] = {"ACPI20=", "ACPI="};
	_cleanup_(freep) char *s = factfile_text(h, NULL, root, EFI_SYSTAB);

	for (size_t i = 0; s && i < ARRAY_SIZE(keys); i++) {
		size_t len = strlen(keys[i]);

		for (const char *p = s; p; p = strchr(p, '\n')) {
			p += *p == '\n';
			if (!strncmp(p, keys[i], len)) {
				maddr_t a = strtoull(p + len, NULL, 16);

				if (a)
					return a;
			}
		}
	}
	return 0;
}

/* The one place below 1 MiB that dom0 and a native kernel see alike. */
static maddr_t rsdp_from_bios(const char *root)
{
	_cleanup_(freep) char *path = factfile_path(root, "/dev/mem");
	_cleanup_(freep) uint8_t *area = malloc(BIOS_END - BIOS_START);
	size_t done = 0;
	int fd;

	fd = path && area ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return 0;
	while (done < BIOS_END - BIOS_START) {
		ssize_t n = pread(
			fd, area + done, BIOS_END - BIOS_START - done, (off_t)(BIOS_START + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	close(fd);
	return native_scan_rsdp((struct bytes){area, done}, BIOS_START);
}

static void from_boot_params(const char *root, struct host *h)
{
	struct buf bp = {0};
	struct bytes b;
	uint8_t nr_edd;

	if (!factfile_read(h, "screen-info", root, BOOT_PARAMS, BP_SIZE, &bp)) {
		host_gap(h, "edd", "%s", host_gap_reason(h, "screen-info"));
		goto out;
	}
	b = buf_bytes(&bp);
	if (b.len != BP_SIZE) {
		host_gap(h, "screen-info", BOOT_PARAMS ": %zu bytes, wanted %d", b.len, BP_SIZE);
		host_gap(h, "edd", BOOT_PARAMS ": %zu bytes, wanted %d", b.len, BP_SIZE);
		goto out;
	}
	buf_append(&h->screen_info, b.data + BP_SCREEN_INFO, BP_SCREEN_LEN);
	nr_edd = b.data[BP_EDD_ENTRIES];
	if (nr_edd > BP_EDD_MAX)
		host_gap(h, "edd",
			BOOT_PARAMS " claims %u entries, more than the %d it has room "
				    "for",
			nr_edd, BP_EDD_MAX);
	else if (nr_edd)
		buf_append(&h->edd, b.data + BP_EDD, (size_t)nr_edd * BP_EDD_INFO_LEN);
	if (!h->rsdp)
		memcpy(&h->rsdp, b.data + BP_ACPI_RSDP, sizeof(h->rsdp));
out:
	buf_deinit(&bp);
}

void native_firmware(const char *root, struct host *h)
{
	_cleanup_(freep) char *efi = factfile_path(root, "/sys/firmware/efi");

	h->efi = efi && !access(efi, F_OK);
	h->rsdp = rsdp_from_systab(root, h);
	from_boot_params(root, h);
	if (!h->rsdp)
		h->rsdp = rsdp_from_bios(root);
	if (!h->rsdp)
		host_gap(h, "rsdp",
			"not in " EFI_SYSTAB ", not in " BOOT_PARAMS
			", and not in the BIOS area of /dev/mem");
}
