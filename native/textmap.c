// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the running kernel is in its own address space, which KASLR moves in three independent
 * ways: the image in physical memory, the image in virtual memory, and the direct map. Layout:
 * Linux Documentation/arch/x86/x86_64/mm.rst. All sums wrap on purpose.
 */
#include <string.h>

#include "common/factfile.h"
#include "native/machine.h"
#include "common/vmcoreinfo.h"

#define START_KERNEL_MAP UINT64_C(0xffffffff80000000)
#define LOWEST_L5	 UINT64_C(0xff00000000000000) /* kernel half with 5 levels of tables */
#define LOWEST_L4	 UINT64_C(0xffff800000000000)
#define LOWEST_32	 UINT64_C(0x40000000) /* CONFIG_VMSPLIT_1G */

#define IMAGE_ALIGN (2 * MiB) /* of the difference of its addresses: CONFIG_PHYSICAL_ALIGN */
/* Of the direct map: KASLR moves it by PUDs; every VMSPLIT of i386 is a multiple of 128 MiB. */
#define OFFSET_ALIGN_64 GiB
#define OFFSET_ALIGN_32 (128 * MiB)

/*
 * The lowest PT_LOAD is the first RAM in the direct map: everything else that kcore shows of the
 * kernel is above it, with 4 and 5 levels of page tables and on i386, wherever KASLR put it.
 */
static void find_page_offset(const struct kcore_load *v, size_t nr, unsigned bits, struct host *h)
{
	uint64_t align = bits == 64 ? OFFSET_ALIGN_64 : OFFSET_ALIGN_32, at;
	struct bytes text = buf_bytes(&h->kernel.vmcoreinfo_text);
	int64_t l5;
	const struct kcore_load *low = NULL;

	for (size_t i = 0; i < nr; i++)
		if (!low || v[i].virt < low->virt)
			low = &v[i];
	if (!low) {
		host_gap(h, "kernel.page-offset", "/proc/kcore has no PT_LOAD");
		return;
	}
	/* Without an address it is what is left above the first RAM, which starts below 1 MiB. */
	at = low->phys ? low->virt - low->phys : align_down(low->virt, align);
	if (low->phys == KCORE_NO_PHYS || at > low->virt || at % align ||
		at < (bits == 64 ? LOWEST_L5 : LOWEST_32) ||
		at >= (bits == 64 ? START_KERNEL_MAP : UINT64_C(1) << 32)) {
		host_gap(h, "kernel.page-offset",
			"/proc/kcore's lowest PT_LOAD, %" PRIaddr " of physical %" PRIaddr
			", is not in a direct map",
			low->virt, low->phys);
		return;
	}
	if (bits == 64 && vmcoreinfo_number(text, "pgtable_l5_enabled", &l5) &&
		!!l5 != (at < LOWEST_L4)) {
		host_gap(h, "kernel.page-offset",
			"/proc/kcore's lowest PT_LOAD puts the direct map at %" PRIaddr
			", but VMCOREINFO says that page tables have %d levels",
			at, l5 ? 5 : 4);
		return;
	}
	h->kernel.page_offset = at;
}

/* 0 unless one PT_LOAD maps the whole image. */
static vaddr_t find_image_64(const struct kcore_load *v, size_t nr, struct range image)
{
	vaddr_t best = 0;

	for (size_t i = 0; i < nr; i++) {
		uint64_t skip = v[i].phys ? image.start - v[i].phys : 0;
		vaddr_t virt = v[i].virt + skip;

		/* Before Linux 4.11 no address is given; what starts there is the image, and
		 * modules are above it. KCORE_NO_PHYS is above every image. */
		if (v[i].virt < START_KERNEL_MAP || v[i].phys > image.start || skip > v[i].size ||
			v[i].size - skip < range_size(image) || v[i].size > GiB ||
			virt < v[i].virt || virt - START_KERNEL_MAP >= GiB ||
			(virt - image.start) % IMAGE_ALIGN)
			continue;
		if (!best || virt < best)
			best = virt;
	}
	return best;
}

/* On i386 the image is a part of the direct map. */
static vaddr_t find_image_32(
	const struct kcore_load *v, size_t nr, struct range image, vaddr_t page_offset)
{
	vaddr_t virt = page_offset + image.start;

	for (size_t i = 0; page_offset && i < nr; i++)
		if (virt >= v[i].virt && virt - v[i].virt <= v[i].size &&
			v[i].size - (virt - v[i].virt) >= range_size(image))
			return virt;
	return 0;
}

/* What VMCOREINFO says of the image's addresses must hold. */
static bool agrees(struct host *h, vaddr_t virt, unsigned bits)
{
	struct bytes text = buf_bytes(&h->kernel.vmcoreinfo_text);
	uint64_t n, off = virt - START_KERNEL_MAP;
	int64_t base;

	if (vmcoreinfo_symbol(text, "_stext", &n) && n - virt >= range_size(h->kernel.image)) {
		host_gap(h, "kernel.image-virtual",
			"/proc/kcore and /proc/iomem put the image at %" PRIaddr
			", but VMCOREINFO's SYMBOL(_stext) is %" PRIaddr,
			virt, n);
		return false;
	}
	if (bits != 64)
		return true;
	if (vmcoreinfo_number(text, "phys_base", &base) &&
		off + (uint64_t)base != h->kernel.image.start) {
		host_gap(h, "kernel.image-virtual",
			"by VMCOREINFO's NUMBER(phys_base) the image at %" PRIaddr
			" is at physical %" PRIaddr ", but /proc/iomem says %" PRIaddr,
			virt, off + (uint64_t)base, h->kernel.image.start);
		return false;
	}
	/* What is left is the address the kernel was linked at. */
	if (vmcoreinfo_hex(text, "KERNELOFFSET", &n) && (n > off || n % IMAGE_ALIGN)) {
		host_gap(h, "kernel.image-virtual",
			"/proc/kcore has the image at %" PRIaddr
			", which VMCOREINFO's KERNELOFFSET %#" PRIx64 " cannot have moved there",
			virt, n);
		return false;
	}
	return true;
}

void native_text_map_loads(const struct kcore_load *v, size_t nr, unsigned bits, struct host *h)
{
	struct range image = h->kernel.image;
	vaddr_t virt;

	find_page_offset(v, nr, bits, h);
	if (range_empty(image)) {
		host_gap(h, "kernel.image-virtual", "kernel.image is not known");
		return;
	}
	if (bits == 64)
		virt = find_image_64(v, nr, image);
	else
		virt = find_image_32(v, nr, image, h->kernel.page_offset);
	if (!virt)
		host_gap(h, "kernel.image-virtual",
			"no PT_LOAD of /proc/kcore maps the image at physical %" PRIaddr
			"-%" PRIaddr,
			image.start, image.end);
	else if (agrees(h, virt, bits))
		h->kernel.image_virt = virt;
}

void native_text_map(const char *root, struct host *h)
{
	_cleanup_(freep) char *path = factfile_path(root, "/proc/kcore");
	_cleanup_(freep) struct kcore_load *v = NULL;
	unsigned bits;
	struct diag d;
	size_t nr;

	diag_init(&d);
	if (path && !native_kcore_loads(path, &bits, &v, &nr, &d)) {
		native_text_map_loads(v, nr, bits, h);
		return;
	}
	host_gap(h, "kernel.image-virtual", "%s", path ? d.text : "no memory");
	host_gap(h, "kernel.page-offset", "%s", path ? d.text : "no memory");
}
