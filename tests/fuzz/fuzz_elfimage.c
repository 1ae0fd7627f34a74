// SPDX-License-Identifier: GPL-2.0-only
/* An ELF kernel is refused with a message, or its parts have places that do not overlap, inside
 * the file and inside the kernel; and the image made of them is within its bounds. */
#include <stdlib.h>

#include "common/elfimage.h"
#include "tests/fuzz/fuzz.h"

#define CHECK(c) ((c) ? (void)0 : __builtin_trap())

static void check_image(const struct elf_layout *l, const uint8_t *flat)
{
	struct image img;
	struct diag d;
	enum xk_status st;

	diag_init(&d);
	st = image_parse_elf(l, (struct bytes){flat, (size_t)l->len}, "fuzz", &img, &d);
	if (st != XK_OK) {
		CHECK(st == XK_UNSUPPORTED && d.status == st && d.text[0]);
		return;
	}
	CHECK(img.is_64 == img.entry_64 && img.is_64 != img.entry_32);
	CHECK(img.init_size >= l->mem && img.kernel.len <= img.init_size);
	CHECK(img.entry_off_64 < img.kernel.len && img.pref_address % 4096 == 0);
	CHECK(img.pref_address % img.align == 0 && img.hdr_len <= sizeof(img.hdr));
	CHECK(strnlen(img.version, sizeof(img.version)) < sizeof(img.version));
	for (const char *c = img.version; *c; c++)
		CHECK(*c >= ' ' && *c <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes head = {data, (size_t)min_u64(len, ELF_HEAD)};
	struct elf_layout l;
	uint64_t last = 0;
	enum xk_status st;
	uint8_t *flat;
	struct diag d;

	diag_init(&d);
	st = elf_layout(head, len, &l, &d);
	if (st != XK_OK) {
		CHECK(st == XK_BAD_INPUT || st == XK_UNSUPPORTED);
		CHECK(d.status == st && d.text[0]);
		return 0;
	}
	CHECK(elf_is(head) && l.nr > 0 && l.nr <= ELF_MAX_PIECES && l.len <= l.mem);
	CHECK(l.mem <= GiB && l.entry >= l.base && l.entry < l.base + l.len);
	for (size_t i = 0; i < l.nr; i++) {
		CHECK(l.v[i].dest >= last && l.v[i].len > 0);
		last = l.v[i].dest + l.v[i].len;
		CHECK(l.v[i].len <= len && l.v[i].off <= len - l.v[i].len);
	}
	CHECK(last == l.len);
	if (l.len > 16 * MiB)
		return 0; /* allowed, but slow here */
	flat = calloc(1, (size_t)l.len);
	CHECK(flat);
	for (size_t i = 0; i < l.nr; i++)
		memcpy(flat + l.v[i].dest, data + l.v[i].off, (size_t)l.v[i].len);
	check_image(&l, flat);
	free(flat);
	return 0;
}
