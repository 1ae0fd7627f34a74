// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "common/bootparams.h"

static void put(uint8_t *bp, size_t off, uint64_t v, size_t width)
{
	for (size_t i = 0; i < width; i++)
		bp[off + i] = (uint8_t)(v >> (8 * i));
}

static size_t e820_ext_count(size_t nr_e820)
{
	return nr_e820 > BP_E820_MAX ? nr_e820 - BP_E820_MAX : 0;
}

static size_t setup_data_size(size_t payload)
{
	return (size_t)align_up(sizeof(struct bp_setup_data) + payload, 8);
}

size_t bootparams_size(
	const struct request *rq, const struct host *h, const struct image *img, size_t nr_e820)
{
	size_t size = BP_SIZE, ext = e820_ext_count(nr_e820);

	if (bootparams_has_efi(h, img, NULL, 0))
		size += (size_t)align_up(h->efi_runtime_map.len, 8) +
			setup_data_size(sizeof(struct bp_efi_setup));
	if (ext)
		size += setup_data_size(ext * sizeof(struct bp_e820));
	if (rq->rng_seed_len)
		size += setup_data_size(rq->rng_seed_len);
	return size;
}

static struct bp_e820 e820_entry(const struct mem_range *m)
{
	return (struct bp_e820){m->r.start, range_size(m->r), m->type};
}

/* Appends one setup_data and hangs it in front of the chain that starts at *head. */
static void add_setup_data(
	struct buf *b, maddr_t self, maddr_t *head, uint32_t type, const void *data, size_t len)
{
	struct bp_setup_data sd = {*head, type, (uint32_t)len};
	size_t off = b->len;

	buf_append(b, &sd, sizeof(sd));
	buf_append(b, data, len);
	buf_zero(b, setup_data_size(len) - sizeof(sd) - len);
	*head = self + off;
}

static void fill_header(
	uint8_t *bp, const struct host *h, const struct image *img, const struct bp_places *at)
{
	memcpy(bp + BP_HDR, img->hdr, img->hdr_len);
	put(bp, BP_VID_MODE, 0xffff, 2); /* "normal" */
	put(bp, BP_TYPE_OF_LOADER, 0xff, 1); /* undefined: no number was assigned to this tool */
	put(bp, BP_CODE32_START, at->kernel, 4);
	put(bp, BP_CMD_LINE_PTR, at->cmdline, 4);
	put(bp, BP_EXT_CMD_LINE_PTR, at->cmdline >> 32, 4);
	put(bp, BP_RAMDISK_IMAGE, at->initrd_len ? at->initrd : 0, 4);
	put(bp, BP_RAMDISK_SIZE, at->initrd_len, 4);
	put(bp, BP_EXT_RAMDISK_IMAGE, at->initrd_len ? at->initrd >> 32 : 0, 4);
	put(bp, BP_EXT_RAMDISK_SIZE, at->initrd_len >> 32, 4);
	/* A PV dom0 runs with subarch 2; the dump kernel has no Xen below it. */
	put(bp, BP_HARDWARE_SUBARCH, 0, 4);
	put(bp, BP_HARDWARE_SUBARCH_DATA, 0, 8);
	put(bp, BP_SETUP_DATA, 0, 8);
	put(bp, BP_ACPI_RSDP, h->rsdp, 8);
	if (h->screen_info.len == 64)
		memcpy(bp + BP_SCREEN_INFO, h->screen_info.data, 64);
	if (h->edd.len && h->edd.len % BP_EDD_ENTRY == 0 &&
		h->edd.len <= (size_t)BP_EDD_MAX * BP_EDD_ENTRY) {
		memcpy(bp + BP_EDD_TABLE, h->edd.data, h->edd.len);
		bp[BP_EDD_ENTRIES] = (uint8_t)(h->edd.len / BP_EDD_ENTRY);
	}
}

/* The firmware's map goes right behind the zero page. */
static void add_efi(struct buf *b, const struct host *h, maddr_t self, maddr_t *head)
{
	struct bp_efi_info info = bootparams_efi_info(h, self + BP_SIZE);
	struct bp_efi_setup setup = bootparams_efi_setup(h);
	size_t len = h->efi_runtime_map.len;

	if (!b->failed)
		memcpy(b->data + BP_EFI_INFO, &info, sizeof(info));
	buf_append(b, h->efi_runtime_map.data, len);
	buf_zero(b, (size_t)align_up(len, 8) - len);
	add_setup_data(b, self, head, SETUP_EFI, &setup, sizeof(setup));
}

static void fill_e820(uint8_t *bp, const struct range_list *e820)
{
	size_t nr = e820->nr - e820_ext_count(e820->nr);

	bp[BP_E820_ENTRIES] = (uint8_t)nr;
	for (size_t i = 0; i < nr; i++) {
		struct bp_e820 e = e820_entry(&e820->v[i]);

		memcpy(bp + BP_E820_TABLE + i * sizeof(e), &e, sizeof(e));
	}
}

enum xk_status bootparams_build(const struct request *rq, const struct host *h,
	const struct image *img, const struct range_list *e820, const struct bp_places *at,
	struct buf *ret, struct diag *d)
{
	size_t ext = e820_ext_count(e820->nr);
	uint8_t bp[BP_SIZE] = {0};
	struct buf entries = {0};
	maddr_t head = 0;

	fill_header(bp, h, img, at);
	fill_e820(bp, e820);
	buf_append(ret, bp, sizeof(bp));
	if (bootparams_has_efi(h, img, NULL, 0))
		add_efi(ret, h, at->self, &head);
	if (ext) {
		for (size_t i = BP_E820_MAX; i < e820->nr; i++) {
			struct bp_e820 e = e820_entry(&e820->v[i]);

			buf_append(&entries, &e, sizeof(e));
		}
		if (!entries.failed)
			add_setup_data(
				ret, at->self, &head, SETUP_E820_EXT, entries.data, entries.len);
		ret->failed |= entries.failed;
		buf_deinit(&entries);
	}
	if (rq->rng_seed_len)
		add_setup_data(
			ret, at->self, &head, SETUP_RNG_SEED, rq->rng_seed, rq->rng_seed_len);
	if (ret->failed)
		return diag_fail(d, XK_NOMEM, "no memory for the boot parameters");
	put(ret->data, BP_SETUP_DATA, head, 8);
	return XK_OK;
}
