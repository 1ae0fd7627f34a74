// SPDX-License-Identifier: GPL-2.0-only
/* What purgatory and the dump kernel will read of a plan. */
#include <stdio.h>
#include <string.h>

#include "common/bootparams.h"
#include "common/plan_check.h"
#include "common/purg.h"
#include "common/words.h"

static uint64_t get(const uint8_t *p, size_t off, size_t width)
{
	uint64_t v = 0;

	for (size_t i = 0; i < width; i++)
		v |= (uint64_t)p[off + i] << (8 * i);
	return v;
}

/* A 64-bit field in two halves. */
static uint64_t get_split(const uint8_t *p, size_t low, size_t high)
{
	return get(p, low, 4) | get(p, high, 4) << 32;
}

static bool same_entries(const uint8_t *table, const struct mem_range *m, size_t nr)
{
	for (size_t i = 0; i < nr; i++, table += 20)
		if (get(table, 0, 8) != m[i].r.start || get(table, 8, 8) != range_size(m[i].r) ||
			get(table, 16, 4) != m[i].type)
			return false;
	return true;
}

/* The firmware's system table and map, as facts have them, and that this kernel takes them. */
static enum xk_status check_efi_info(
	const struct plan *p, const struct host *h, const struct image *img, struct diag *d)
{
	const struct seg *bp = plan_seg(p, SEG_BOOTPARAMS);
	const struct buf *map = &h->efi_runtime_map;
	const uint8_t *info = bp->buf + BP_EFI_INFO, *facts = h->efi_info.data;
	uint64_t at = get_split(info, 16, 28);

	if (!p->efi_ranges) {
		for (unsigned i = 0; i < 32; i++)
			if (info[i])
				return broken(d, "the dump kernel would look for EFI tables");
		return XK_OK;
	}
	if (h->hypervisor != HV_NONE || !h->efi || h->kernel.bits != 64 || !img->is_64 ||
		!(img->xloadflags & XLF_EFI_KEXEC))
		return broken(d, "EFI tables are handed over where no one can use them");
	if (h->efi_info.len != 32 || memcmp(info, "EL64", 4) || memcmp(facts, "EL64", 4) ||
		get(info, 12, 4) != 1 || get_split(info, 4, 24) != get_split(facts, 4, 24))
		return broken(d, "the EFI system table is not the machine's");
	/* descriptors of 40 bytes in this very segment, behind the zero page */
	if (get(info, 8, 4) != 40 || p->efi_ranges * 40 != map->len ||
		get(info, 20, 4) != map->len || at < bp->dest.start + BP_SIZE ||
		at - bp->dest.start > bp->len || bp->len - (at - bp->dest.start) < map->len ||
		memcmp(bp->buf + (at - bp->dest.start), map->data, map->len))
		return broken(d, "the map of EFI runtime services is not the machine's");
	return XK_OK;
}

static bool is_efi_setup(const struct host *h, const uint8_t *data, uint64_t len)
{
	if (len != 96 || get(data, 0, 8) != h->efi_fw_vendor || get(data, 8, 8) ||
		get(data, 16, 8) != h->efi_config_table || get(data, 24, 8) != h->efi_smbios)
		return false;
	for (size_t i = 32; i < 96; i++)
		if (data[i])
			return false;
	return h->efi_fw_vendor && h->efi_config_table;
}

/* The chain of setup_data: the rest of the memory map, and EFI. */
static enum xk_status check_setup_data(const struct plan *p, const struct host *h, struct diag *d)
{
	const struct seg *bp = plan_seg(p, SEG_BOOTPARAMS);
	size_t rest = p->e820.nr > BP_E820_MAX ? p->e820.nr - BP_E820_MAX : 0;
	uint64_t next = get(bp->buf, BP_SETUP_DATA, 8);
	bool have_rest = !rest, have_efi = !p->efi_ranges;

	for (unsigned i = 0; next; i++) {
		uint64_t off = next - bp->dest.start, len;

		if (i == 8 || next < bp->dest.start + BP_SIZE || off > bp->len ||
			bp->len - off < 16 || get(bp->buf, off + 12, 4) > bp->len - off - 16)
			return broken(d, "setup_data leads out of its segment");
		len = get(bp->buf, off + 12, 4);
		if (get(bp->buf, off + 8, 4) == SETUP_E820_EXT) {
			if (have_rest || len != (uint64_t)rest * 20 ||
				!same_entries(bp->buf + off + 16, p->e820.v + BP_E820_MAX, rest))
				return broken(d, "the rest of the memory map is not the plan's");
			have_rest = true;
		}
		if (get(bp->buf, off + 8, 4) == SETUP_EFI) {
			if (have_efi || !is_efi_setup(h, bp->buf + off + 16, len))
				return broken(d, "the EFI setup_data is not the machine's");
			have_efi = true;
		}
		next = get(bp->buf, off, 8);
	}
	if (!have_efi)
		return broken(d, "the EFI setup_data is missing");
	if (!have_rest)
		return broken(d, "the memory map is cut at %d entries", BP_E820_MAX);
	return XK_OK;
}

/* One elfcorehdr=, with the header's address, among the words that the kernel reads. */
static enum xk_status check_cmdline(
	const struct plan *p, const struct host *h, const struct image *img, struct diag *d)
{
	const struct seg *cl = plan_seg(p, SEG_CMDLINE);
	const char *words = p->cmdline;
	unsigned nr = 0, right = 0, rsdp = 0;
	char want[24], want_rsdp[24];
	struct word w, v;

	if (cl->buf != (const uint8_t *)p->cmdline || cl->len != strlen(p->cmdline) + 1)
		return broken(d, "the command line loaded is not the one shown");
	if (cl->len - 1 > img->cmdline_max)
		return broken(d, "the command line is longer than the kernel takes");
	snprintf(want, sizeof(want), "0x%" PRIx64, plan_seg(p, SEG_ELFCORE)->dest.start);
	snprintf(want_rsdp, sizeof(want_rsdp), "0x%" PRIx64, h->rsdp);
	while (word_next(&words, true, &w) && !word_is(word_unquote(w), "--")) {
		if (word_value(w, "elfcorehdr", &v)) {
			nr++;
			right += word_is(v, want);
		}
		rsdp += word_value(w, "acpi_rsdp", &v) && word_is(v, want_rsdp);
	}
	if (nr != 1 || right != 1)
		return broken(d, "the command line does not name the core header");
	/* where the firmware's tables are not there and boot_params may not be read for it */
	if (h->efi && h->rsdp && !p->efi_ranges && img->protocol < 0x020f && !rsdp)
		return broken(d, "the kernel would not find the ACPI tables");
	return XK_OK;
}

enum xk_status check_bootparams(
	const struct plan *p, const struct host *h, const struct image *img, struct diag *d)
{
	const struct seg *bp = plan_seg(p, SEG_BOOTPARAMS), *rd = plan_seg(p, SEG_INITRD);
	size_t nr = min_u64(p->e820.nr, BP_E820_MAX);
	uint64_t addr, size;
	enum xk_status st;

	if (bp->len < BP_SIZE)
		return broken(d, "boot parameters of %zu bytes", bp->len);
	if (get(bp->buf, 0x1fe, 2) != 0xaa55 || memcmp(bp->buf + 0x202, "HdrS", 4) ||
		!bp->buf[BP_TYPE_OF_LOADER])
		return broken(d, "the boot parameters hold no setup header of a loader's");
	if (get_split(bp->buf, BP_CMD_LINE_PTR, BP_EXT_CMD_LINE_PTR) !=
		plan_seg(p, SEG_CMDLINE)->dest.start)
		return broken(d, "the command line is not where the kernel looks");
	addr = get_split(bp->buf, BP_RAMDISK_IMAGE, BP_EXT_RAMDISK_IMAGE);
	size = get_split(bp->buf, BP_RAMDISK_SIZE, BP_EXT_RAMDISK_SIZE);
	if (addr != (rd ? rd->dest.start : 0) || size != (rd ? rd->len : 0))
		return broken(d, "the initrd is not where the kernel looks");
	if (get(bp->buf, BP_HARDWARE_SUBARCH, 4))
		return broken(d, "the dump kernel would believe to be a guest");
	if (get(bp->buf, BP_ACPI_RSDP, 8) != h->rsdp)
		return broken(d, "the ACPI root pointer is not the machine's");
	if (bp->buf[BP_E820_ENTRIES] != nr || !same_entries(bp->buf + BP_E820_TABLE, p->e820.v, nr))
		return broken(d, "the memory map in the boot parameters is not the plan's");
	st = check_setup_data(p, h, d);
	if (!st)
		st = check_efi_info(p, h, img, d);
	return st ? st : check_cmdline(p, h, img, d);
}

/* Addresses above 4 GiB are mapped only where the parameters say so. */
static bool is_mapped(const struct purg_abi *abi, struct range r)
{
	struct range map = {abi->map_start, abi->map_end};

	return r.end <= REACH_4G || (range_size(map) <= PURG_MAX_MAP && r.end <= map.end &&
					    max_u64(r.start, REACH_4G) >= map.start);
}

/* Exactly one entry of the list must cover a loaded segment. */
static bool is_verified(const struct purg_abi *abi, const struct seg *s)
{
	unsigned found = 0;

	for (unsigned i = 0; i < abi->nr_regions; i++)
		found += abi->regions[i].addr == s->dest.start && abi->regions[i].len == s->len &&
			 !memcmp(abi->regions[i].sha256, s->sha256, sizeof(s->sha256)) &&
			 !strncmp(abi->regions[i].name, seg_kind_name(s->kind), PURG_NAME_LEN);
	return found == 1;
}

/* The code must be the blob's for the mode in which the image is entered. */
static bool is_blob(const struct seg *pg, unsigned bits)
{
	struct bytes blob = purg_blob(bits);
	size_t end = PURG_ABI_OFFSET + sizeof(struct purg_abi);
	struct purg_abi abi, built = purg_blob_abi(bits);

	if (pg->len != blob.len ||
		!bytes_read((struct bytes){pg->buf, pg->len}, PURG_ABI_OFFSET, &abi, sizeof(abi)))
		return false;
	return !memcmp(pg->buf, blob.data, PURG_ABI_OFFSET) &&
	       !memcmp(pg->buf + end, blob.data + end, blob.len - end) &&
	       !memcmp(&abi, &built, offsetof(struct purg_abi, flags)) &&
	       abi.mem_size <= range_size(pg->dest);
}

enum xk_status check_purgatory(const struct plan *p, struct diag *d)
{
	const struct seg *pg = plan_seg(p, SEG_PURGATORY), *backup = plan_seg(p, SEG_BACKUP);
	struct purg_abi abi;
	unsigned loaded = 0;

	if (!is_blob(pg, plan_purg_bits(p)))
		return broken(d, "purgatory is not whole or has too little memory");
	memcpy(&abi, pg->buf + PURG_ABI_OFFSET, sizeof(abi));
	if (abi.entry != p->kernel_entry || abi.entry_bits != p->entry_bits ||
		abi.boot_params != plan_seg(p, SEG_BOOTPARAMS)->dest.start)
		return broken(d, "purgatory would enter the kernel wrongly");
	if (abi.backup_src || abi.backup_len != (backup ? BACKUP_END : 0) ||
		abi.backup_dst != (backup ? backup->dest.start : 0) ||
		(backup && range_size(backup->dest) < BACKUP_END))
		return broken(d, "purgatory would save low memory wrongly");
	if (abi.on_corruption > PURG_ON_CONTINUE ||
		abi.flags & ~(uint32_t)(PURG_F_SERIAL | PURG_F_VGA | PURG_F_VERBOSE))
		return broken(d, "purgatory is told what it does not know");
	if (abi.nr_regions > PURG_MAX_REGIONS)
		return broken(d, "purgatory has no room for %u digests", abi.nr_regions);
	for_each_seg (s, p) {
		if (!is_mapped(&abi, s->dest))
			return broken(d, "purgatory would not map the %s", seg_kind_name(s->kind));
		/* Linux rewrites that one: verified, a good header would be called corrupt */
		if (s == pg || !s->buf || (p->hotplug && s->kind == SEG_ELFCORE))
			continue;
		loaded++;
		if (!is_verified(&abi, s))
			return broken(
				d, "purgatory does not verify the %s", seg_kind_name(s->kind));
	}
	if (abi.nr_regions != loaded)
		return broken(d, "purgatory would verify what was not loaded");
	return XK_OK;
}
