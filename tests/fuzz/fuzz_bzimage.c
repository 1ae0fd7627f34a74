// SPDX-License-Identifier: GPL-2.0-only
/* A kernel file is refused with a message, or every fact about it is within its bounds. */
#include "common/image.h"
#include "tests/fuzz/fuzz.h"

#define CHECK(c) ((c) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes file = {data, len};
	struct image img;
	struct diag d;
	enum xk_status st;

	diag_init(&d);
	st = image_parse(file, "fuzz", &img, &d);
	if (st != XK_OK) {
		CHECK(st == XK_BAD_INPUT || st == XK_UNSUPPORTED);
		CHECK(d.status == st && strlen(d.text) > strlen("kernel fuzz: "));
		return 0;
	}
	CHECK(img.kernel.len > 0 && img.kernel.len <= img.init_size);
	CHECK(img.kernel.data >= data && img.kernel.data + img.kernel.len <= data + len);
	CHECK(img.hdr_len <= sizeof(img.hdr));
	CHECK(img.align >= 4096 && (img.align & (img.align - 1)) == 0);
	CHECK(img.relocatable && img.protocol >= 0x205 && img.cmdline_max && img.initrd_max);
	CHECK(!img.entry_64 || (img.is_64 && img.kernel.len > 0x200));
	CHECK(strnlen(img.version, sizeof(img.version)) < sizeof(img.version));
	for (const char *c = img.version; *c; c++)
		CHECK(*c >= ' ' && *c <= '~');
	return 0;
}
