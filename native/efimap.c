// SPDX-License-Identifier: GPL-2.0-only
/*
 * The firmware's runtime services. They can be given virtual addresses only once in a boot, so
 * every later kernel must map them where the first one did: Linux Documentation/ABI/testing/
 * sysfs-firmware-efi-runtime-map and sysfs-firmware-efi.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "common/efi.h"
#include "common/factfile.h"
#include "native/machine.h"
#include "common/number.h"

#define EFI	    "/sys/firmware/efi"
#define RUNTIME_MAP EFI "/runtime-map"
#define MAX_DESCS   4096 /* real maps have tens */

/* struct boot_params: Linux Documentation/arch/x86/zero-page.rst. */
#define BOOT_PARAMS "/sys/kernel/boot_params/data"
#define BP_SIZE	    4096
#define BP_EFI_INFO 0x1c0
#define BP_EFI_LEN  32

static bool read_hex(const char *root, struct host *h, const char *fact, const char *path,
	uint64_t max, uint64_t *ret)
{
	_cleanup_(freep) char *s = factfile_text(h, fact, root, path);

	if (!s)
		return false;
	if (number_whole(s, 16, max, ret))
		return true;
	host_gap(h, fact, "%s says \"%.40s\", wanted a hexadecimal number of at most %#" PRIx64,
		path, s, max);
	return false;
}

static bool read_desc(const char *root, struct host *h, unsigned nr, struct efi_memory_desc *ret)
{
	const struct {
		const char *name;
		uint64_t max;
	} files[] = {
		{"type", UINT32_MAX},
		{"phys_addr", UINT64_MAX},
		{"virt_addr", UINT64_MAX},
		{"num_pages", UINT64_MAX / EFI_PAGE_SIZE},
		{"attribute", UINT64_MAX},
	};
	uint64_t v[ARRAY_SIZE(files)];
	struct range r;
	char path[96];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), RUNTIME_MAP "/%u/%s", nr, files[i].name);
		if (!read_hex(root, h, "efi.runtime-map", path, files[i].max, &v[i]))
			return false;
	}
	if (v[1] % EFI_PAGE_SIZE || !v[3] || !range_make(v[1], v[3] * EFI_PAGE_SIZE, &r)) {
		host_gap(h, "efi.runtime-map",
			RUNTIME_MAP "/%u: %#" PRIx64 " pages at %#" PRIx64
				    " are not whole pages of memory",
			nr, v[3], v[1]);
		return false;
	}
	*ret = (struct efi_memory_desc){.type = (uint32_t)v[0],
		.phys_addr = v[1],
		.virt_addr = v[2],
		.num_pages = v[3],
		.attribute = v[4]};
	return true;
}

/* How many folders with a number there are; false with a gap when they are not 0 to N-1. */
static bool count_descs(const char *root, struct host *h, unsigned *ret)
{
	_cleanup_(freep) char *path = factfile_path(root, RUNTIME_MAP);
	DIR *dir = path ? opendir(path) : NULL;
	unsigned nr = 0, beyond = 0;
	const struct dirent *e;
	uint64_t n;

	if (!dir) {
		host_gap(h, "efi.runtime-map",
			RUNTIME_MAP " cannot be read: the kernel has no CONFIG_EFI_RUNTIME_MAP, or "
				    "does not use the firmware's runtime services");
		return false;
	}
	while ((e = readdir(dir))) {
		if (!number_whole(e->d_name, 10, UINT64_MAX, &n))
			continue;
		nr++;
		if (n >= beyond)
			beyond = n < MAX_DESCS ? (unsigned)n + 1 : MAX_DESCS + 1;
	}
	closedir(dir);
	if (!nr || nr != beyond || nr > MAX_DESCS) {
		host_gap(h, "efi.runtime-map",
			RUNTIME_MAP " has %u entries, not numbered from 0 to at most %d", nr,
			MAX_DESCS - 1);
		return false;
	}
	*ret = nr;
	return true;
}

/* All of it or nothing: half a map would leave services unmapped. */
static void read_map(const char *root, struct host *h)
{
	unsigned nr;

	if (!count_descs(root, h, &nr))
		return;
	for (unsigned i = 0; i < nr; i++) {
		struct efi_memory_desc m;

		if (!read_desc(root, h, i, &m)) {
			buf_deinit(&h->efi_runtime_map);
			return;
		}
		buf_append(&h->efi_runtime_map, &m, sizeof(m));
	}
}

/* "SMBIOS=0x..." of the firmware's tables. Not every machine has it. */
static void read_smbios(const char *root, struct host *h)
{
	_cleanup_(freep) char *s = factfile_text(h, "efi.smbios", root, EFI "/systab");
	char *save = NULL;

	if (!s)
		return;
	for (char *line = strtok_r(s, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, "SMBIOS=", 7) &&
			number_whole(line + 7, 16, UINT64_MAX, &h->efi_smbios))
			return;
	host_gap(h, "efi.smbios", EFI "/systab names no SMBIOS table");
}

static void read_info(const char *root, struct host *h)
{
	struct buf bp = {0};

	if (!factfile_read(h, "efi.info", root, BOOT_PARAMS, BP_SIZE, &bp))
		return;
	if (bp.len == BP_SIZE)
		buf_append(&h->efi_info, bp.data + BP_EFI_INFO, BP_EFI_LEN);
	else
		host_gap(h, "efi.info", BOOT_PARAMS ": %zu bytes, wanted %d", bp.len, BP_SIZE);
	buf_deinit(&bp);
}

void native_efi(const char *root, struct host *h)
{
	if (!h->efi)
		return;
	read_info(root, h);
	read_hex(root, h, "efi.fw-vendor", EFI "/fw_vendor", UINT64_MAX, &h->efi_fw_vendor);
	read_hex(
		root, h, "efi.config-table", EFI "/config_table", UINT64_MAX, &h->efi_config_table);
	read_smbios(root, h);
	read_map(root, h);
}
