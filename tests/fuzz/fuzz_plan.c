// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any host, kernel, request and backend: plan_build() refuses with a reason, or makes a plan that
 * plan_check() passes, that prints, and that is the same when it is made again. The input is a
 * stream of numbers; most are taken from near the places where limits are.
 */
#include <string.h>

#include "common/efi.h"
#include "common/plan.h"
#include "native/backend.h"
#include "tests/fuzz/fuzz.h"

#define CHECK(c) ((c) ? (void)0 : __builtin_trap())

struct in {
	const uint8_t *p;
	size_t len;
};

static uint64_t take(struct in *in, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n && in->len; i++, in->p++, in->len--)
		v |= (uint64_t)*in->p << (8 * i);
	return v;
}

/* Mostly an edge and a small distance from it, now and then anything. */
static uint64_t address(struct in *in)
{
	static const uint64_t edges[] = {0, 640 * KiB, MiB, 16 * MiB, 512 * MiB, 896 * MiB, GiB,
		2 * GiB, 4 * GiB, 5 * GiB, 16 * GiB, UINT64_C(1) << 46, UINT64_C(1) << 52};
	uint64_t how = take(in, 1), n;

	if (how >= ARRAY_SIZE(edges) * 16)
		return take(in, 8);
	n = take(in, 2);
	/* distance in bytes, pages or MiB, to either side */
	n <<= how & 3 ? 8 * ((how & 3) - 1) + 4 : 0;
	return how & 4 ? edges[how / 16] - n : edges[how / 16] + n;
}

static struct range range(struct in *in)
{
	struct range r = {address(in), 0};
	uint64_t size = take(in, 3);

	size <<= take(in, 1) % 24;
	if (add_overflow(r.start, size, &r.end))
		r.end = UINT64_MAX;
	return r;
}

static char *string(struct in *in)
{
	size_t n = take(in, 1);
	char *s = NULL;

	if (n < 128)
		return NULL;
	s = calloc(1, n);
	for (size_t i = 0; i + 1 < n && in->len; i++)
		s[i] = (char)take(in, 1);
	return s;
}

/* What only a Linux without a hypervisor has; mostly right, so that planning goes on. */
static void get_native(struct in *in, struct host *h)
{
	static const vaddr_t offsets[] = {0, 0xc0000000, 0x80000000, 0xffff888000000000,
		0xff11000000000000, 0xffff9a0000000000, 0x1000, UINT64_MAX};
	uint64_t flags = take(in, 2);
	size_t nr;

	h->kernel.page_offset = offsets[flags & 7];
	if (flags & 8) {
		h->kernel.image = range(in);
		h->kernel.image_virt = flags & 16 ? 0xffffffff81000000
						  : h->kernel.page_offset + h->kernel.image.start;
	}
	h->kernel.crash_hotplug = flags & 32;
	h->kernel.elfcorehdr_size = flags & 64 ? (uint32_t)take(in, 3) : 0;
	if (flags & 128)
		CHECK(host_gap(h, "cpu.long-mode", "not asked"));
	h->efi |= (flags & 0x100) != 0;
	h->efi_fw_vendor = flags & 0x200 ? 0x7f5e0018 : 0;
	h->efi_config_table = flags & 0x400 ? 0x7f9ee018 : 0;
	h->efi_smbios = take(in, 1) << 12;
	if (flags & 0x800)
		buf_append(&h->efi_info,
			"EL64\x18\xe0\x9e\x7f\x30\0\0\0\x01\0\0\0"
			"\x18\x40\x01\x7d\xe0\x01\0\0\0\0\0\0\0\0\0\0",
			32);
	nr = take(in, 1);
	for (size_t i = 0; i < nr && in->len; i++) {
		struct efi_memory_desc m = {5, 0, take(in, 3) << 12, take(in, 4) << 12, 0, 0};

		m.num_pages = take(in, 1) + !(flags & 0x1000);
		buf_append(&h->efi_runtime_map, &m, sizeof(m));
	}
	if (flags & 0x2000)
		buf_zero(&h->efi_runtime_map, take(in, 1));
}

static void get_host(struct in *in, struct host *h)
{
	uint64_t flags = take(in, 2);
	size_t nr = take(in, 1) % 200;

	h->hypervisor = flags & 1 ? HV_NONE : HV_XEN;
	h->guest = (enum guest_type)((flags >> 1) % 5);
	h->xen.major = (flags >> 4 & 7);
	h->xen.minor = (uint32_t)take(in, 1);
	h->xen.bits = flags & 0x80 ? 32 : 64;
	h->kernel.bits = flags & 0x100 ? 32 : 64;
	if (flags & 0x200)
		h->xen.bits = h->kernel.bits = (uint32_t)take(in, 1);
	h->cpu_long_mode = !(flags & 0x400);
	h->efi = flags & 0x800;
	h->rsdp = flags & 0x800 ? address(in) : 0;
	/* an ordinary machine, unless told otherwise, and holes in it */
	if (!(flags & 0x1000)) {
		CHECK(range_list_add(&h->memory, (struct range){0, 0x9f000}, MEM_RAM));
		CHECK(range_list_add(&h->memory, (struct range){MiB, 32 * GiB}, MEM_RAM));
	}
	for (size_t i = 0; i < nr && in->len; i++) {
		struct range r = range(in);

		CHECK(range_list_add(&h->memory, r, (uint32_t)take(in, 1) % 9));
	}
	nr = take(in, 1) % 4;
	for (size_t i = 0; i < nr; i++)
		CHECK(range_list_add(&h->crash, range(in), MEM_RAM));
	nr = take(in, 1);
	for (size_t i = 0; i < nr && in->len; i++) {
		uint32_t cpu = (uint32_t)take(in, 1), state = (uint32_t)take(in, 1);

		/* mostly present */
		CHECK(host_add_cpu_note(h, cpu,
			state < 240 ? CPU_NOTE_PRESENT : (enum cpu_note_state)(state % 4),
			range(in)));
	}
	if (flags & 0x2000) {
		h->xen.image = range(in);
		h->xen.image_virt = take(in, 8);
	}
	if (flags & 0x4000)
		h->xen.vmcoreinfo = range(in);
	if (flags & 0x8000)
		h->kernel.vmcoreinfo = range(in);
	h->xen.cmdline = string(in);
	h->kernel.cmdline = string(in);
	buf_zero(&h->kernel.vmcoreinfo_text, take(in, 1));
	buf_zero(&h->screen_info, take(in, 1) & 1 ? 64 : 3);
	buf_zero(&h->edd, take(in, 1));
	nr = take(in, 1);
	buf_zero(&h->xen.symbols_z, nr << (take(in, 1) % 14));
	get_native(in, h);
}

/* What image_parse() may give: see common/image.h. */
static void get_image(struct in *in, struct image *img, struct buf *kernel, struct buf *initrd)
{
	uint64_t flags = take(in, 1);

	buf_zero(kernel, 1024 + take(in, 2));
	buf_zero(initrd, flags & 1 ? take(in, 3) : 0);
	img->name = "kernel";
	img->kernel = buf_bytes(kernel);
	img->initrd = (struct bytes){initrd->data, initrd->len};
	img->hdr_len = 0x26c - BZ_HDR_OFF;
	for (size_t i = 0; flags & 2 && i < img->hdr_len; i++)
		img->hdr[i] = (uint8_t)take(in, 1);
	memcpy(&img->hdr[0x1fe - BZ_HDR_OFF], "\x55\xaa\xeb\x6aHdrS", 8);
	img->is_64 = flags & 4;
	img->entry_64 = img->is_64 && flags & 8;
	img->relocatable = true;
	img->align = UINT64_C(1) << (12 + take(in, 1) % 19);
	img->pref_address = flags & 16 ? address(in) : 0x1000000;
	img->init_size = max_u64(kernel->len, take(in, 4));
	img->cmdline_max = flags & 32 ? (uint32_t)take(in, 1) + 1 : 2047;
	img->initrd_max = flags & 64 ? (take(in, 4) | 1) : 0x7fffffff;
	img->protocol = flags & 128 ? 0x20f : 0x20d;
	img->xloadflags = img->is_64 && flags & 128 ? XLF_KERNEL_64 | XLF_EFI_KEXEC : 0;
}

static void get_request(struct in *in, struct request *rq)
{
	uint64_t flags = take(in, 2);

	rq->reuse_cmdline = flags & 1;
	rq->console_auto = flags & 2;
	rq->dom0_vmcoreinfo = (enum choice_auto)((flags >> 2) % 3);
	rq->allow_missing_notes = flags & 16;
	rq->on_corruption = (enum on_corruption)((flags >> 5) % 3);
	rq->purgatory_verbose = flags & 256;
	rq->rng_seed_len = flags & 512 ? 32 : 0;
	rq->hotplug = flags & 0x8000;
	if (flags & 1024)
		rq->test_wrong_digest = seg_kind_name((enum seg_kind)((flags >> 11) % SEG_KINDS));
}

static void check_same(const struct plan *a, const struct plan *b)
{
	CHECK(a->nr == b->nr && a->entry == b->entry && a->kernel_entry == b->kernel_entry);
	for (size_t i = 0; i < a->nr; i++) {
		const struct seg *x = &a->segs[i], *y = &b->segs[i];

		CHECK(x->kind == y->kind && x->dest.start == y->dest.start && x->len == y->len);
		CHECK(!x->len || !memcmp(x->buf, y->buf, x->len));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct in in = {data, len};
	struct backend_limits lim = {.name = "Xen",
		.align = 4096,
		.max_segs = 15,
		.map_only = true,
		.control = CONTROL_MAP_SEGS,
		.control_end = 4 * GiB,
		.max_dest = (UINT64_C(1) << 52) - 1};
	struct buf kernel = {0}, initrd = {0}, text = {0};
	struct plan plan, again;
	struct request rq = {0};
	struct image img = {0};
	struct host h;
	struct diag d;
	uint64_t flags = take(&in, 1);
	char *cmdline;

	if (flags & 0x80)
		lim = *native_limits(flags & 0x40 ? 32 : 64);
	else if (flags & 1)
		lim = (struct backend_limits){.name = "other",
			.align = 4096,
			.max_segs = (unsigned)take(&in, 1) % 20,
			.map_only = flags & 2,
			.own_mode = flags & 8,
			.highest_region = flags & 16,
			.control = (enum control_pages)(flags >> 5 & 3),
			.control_end = flags & 4 ? 4 * GiB : 864 * MiB,
			.max_dest = address(&in)};
	host_init(&h);
	diag_init(&d);
	cmdline = string(&in);
	rq.cmdline = cmdline;
	get_request(&in, &rq);
	get_image(&in, &img, &kernel, &initrd);
	get_host(&in, &h);
	if (plan_build(&rq, &h, &img, &lim, &plan, &d)) {
		CHECK(d.text[0] && d.status != XK_OK && d.status != XK_FAIL);
		CHECK(!plan.mem && !plan.nr && !plan.cmdline);
	} else {
		CHECK(!plan_check(&plan, &h, &img, &lim, &d));
		CHECK(!plan_print(&plan, &text, &d));
		CHECK(!plan_print_json(&plan, &text, &d));
		CHECK(!plan_build(&rq, &h, &img, &lim, &again, &d));
		check_same(&plan, &again);
		plan_deinit(&again);
		plan_deinit(&plan);
	}
	buf_deinit(&text);
	buf_deinit(&kernel);
	buf_deinit(&initrd);
	host_deinit(&h);
	free(cmdline);
	return 0;
}
