// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/xktest.h"

#include "common/efi.h"
#include "common/plan_mem.h"
#include "native/backend.h"
#include "tests/unit/mkplan.h"

static void must(bool ok)
{
	if (!ok)
		abort();
}

void mkplan_region(struct mkplan *m, maddr_t start, maddr_t end)
{
	m->host.crash.nr = 0;
	must(range_list_add(&m->host.crash, (struct range){start, end}, MEM_RAM));
}

void mkplan_init(struct mkplan *m, maddr_t start, maddr_t end)
{
	struct host *h = &m->host;

	memset(m, 0, sizeof(*m));
	host_init(h);
	diag_init(&m->d);
	h->hypervisor = HV_XEN;
	h->guest = GUEST_PV;
	h->control_domain = true;
	h->xen.major = 4;
	h->xen.minor = 17;
	h->xen.bits = 64;
	h->kernel.bits = 64;
	h->cpu_long_mode = true;
	h->xen.image = (struct range){0xbf000000, 0xbf400000};
	h->xen.image_virt = 0xffff82d040200000;
	h->xen.vmcoreinfo = (struct range){0xbf330000, 0xbf331000};
	h->kernel.vmcoreinfo = (struct range){0xb0000000, 0xb0001000};
	must(range_list_add(&h->memory, (struct range){0, 0x9f000}, MEM_RAM));
	must(range_list_add(&h->memory, (struct range){0x9f000, 0x100000}, MEM_RESERVED));
	must(range_list_add(&h->memory, (struct range){0x100000, 0x200000000}, MEM_RAM));
	/* sizes of CPU 0's and the others' buffers in a 64-bit Xen */
	must(host_add_cpu_note(h, 0, CPU_NOTE_PRESENT, (struct range){0xbeffe000, 0xbeffe1f4}));
	must(host_add_cpu_note(h, 1, CPU_NOTE_PRESENT, (struct range){0xbefff000, 0xbefff194}));
	mkplan_region(m, start, end);
	m->kernel = mkbz_default();
	m->kernel.init_size = 0x1000000;
	m->initrd_len = 0x2345;
	m->rq.cmdline = "nr_cpus=1";
	m->lim = (struct backend_limits){
		.name = "Xen",
		.max_segs = 15,
		.align = 4096,
		.max_dest = (UINT64_C(1) << 52) - 1,
		.map_only = true,
		.control = CONTROL_MAP_SEGS,
		.control_end = 4 * GiB,
	};
}

void mkplan_init_native(struct mkplan *m, unsigned bits, maddr_t start, maddr_t end)
{
	struct host *h = &m->host;

	mkplan_init(m, start, end);
	h->hypervisor = HV_NONE;
	h->guest = GUEST_NONE;
	h->control_domain = false;
	memset(&h->xen, 0, sizeof(h->xen));
	h->kernel.bits = bits;
	h->kernel.page_offset = bits == 64 ? 0xffff888000000000 : 0xc0000000;
	h->kernel.image = (struct range){0x1000000, bits == 64 ? 0x4000000 : 0x2000000};
	h->kernel.image_virt = bits == 64 ? 0xffffffff81000000 : 0xc1000000;
	m->lim = *native_limits(bits);
}

void mkplan_efi(struct mkplan *m)
{
	static const struct efi_memory_desc map[] = {
		{5, 0, 0x7f8ed000, 0xfffffffeffeed000, 0x100, 0x800000000000000f},
		{6, 0, 0x7f9ed000, 0xfffffffeffded000, 0x100, 0x800000000000000f},
	};
	/* "EL64", system table 0x17f9ee018, descriptors of 48 bytes, version 1, a map of 0x1e0
	 * bytes at 0x7d014018 */
	static const uint32_t info[8] = {0x34364c45, 0x7f9ee018, 48, 1, 0x7d014018, 0x1e0, 0x1, 0};

	m->host.efi = true;
	buf_append(&m->host.efi_info, info, sizeof(info));
	buf_append(&m->host.efi_runtime_map, map, sizeof(map));
	m->host.efi_fw_vendor = 0x7f9ee098;
	m->host.efi_config_table = 0x7f9ed018;
	m->host.efi_smbios = 0x7f9cc000;
	m->host.rsdp = 0x7fb7e014;
	m->kernel.efi_kexec = true;
}

enum xk_status mkplan_make(struct mkplan *m)
{
	enum xk_status st;

	plan_deinit(&m->plan);
	buf_deinit(&m->file);
	buf_deinit(&m->initrd);
	m->file = mkbz_build(&m->kernel);
	for (size_t i = 0; i < m->initrd_len; i++)
		buf_append(&m->initrd, &(uint8_t){mkbz_byte(i + 5)}, 1);
	must(!m->file.failed && !m->initrd.failed);
	st = image_parse(buf_bytes(&m->file), "vmlinuz", &m->image, &m->d);
	if (st)
		return st;
	m->image.initrd = buf_bytes(&m->initrd);
	m->image.config = m->config;
	st = plan_build(&m->rq, &m->host, &m->image, &m->lim, &m->plan, &m->d);
	if (!st)
		st = plan_check(&m->plan, &m->host, &m->image, &m->lim, &m->d);
	return st;
}

void mkplan_deinit(struct mkplan *m)
{
	plan_deinit(&m->plan);
	host_deinit(&m->host);
	buf_deinit(&m->file);
	buf_deinit(&m->initrd);
}

struct seg *mkplan_seg(struct mkplan *m, enum seg_kind k)
{
	for (size_t i = 0; i < m->plan.nr; i++)
		if (m->plan.segs[i].kind == k)
			return &m->plan.segs[i];
	return NULL;
}

enum xk_status mkplan_check(struct mkplan *m)
{
	diag_init(&m->d);
	return plan_check(&m->plan, &m->host, &m->image, &m->lim, &m->d);
}

void mkplan_init_xen(struct mkplan *m)
{
	mkplan_init(m, 0x20000000, 0x30000000);
	m->rq.rng_seed_len = 32;
}

void mkplan_put(struct buf *b, size_t off, uint64_t v, size_t width)
{
	assert_true(off + width <= b->len);
	for (size_t i = 0; i < width; i++)
		b->data[off + i] = (uint8_t)(v >> (8 * i));
}

void mkplan_bp(struct mkplan *m, size_t off, uint64_t v, size_t width)
{
	mkplan_put(&m->plan.mem->bootparams, off, v, width);
}

void mkplan_mutate(const struct mutation *mutations, size_t nr)
{
	mkplan_mutate_those(mkplan_init_xen, mutations, nr);
}

/* A plan that was good and then changed must be seen, by the check that is meant. */
static void must_see(struct mkplan *m, const char *name, const char *says)
{
	if (mkplan_check(m) == XK_OK)
		fail_msg("%s was not seen", name);
	if (!strstr(m->d.text, says))
		fail_msg("%s: \"%s\" does not say \"%s\"", name, m->d.text, says);
	assert_says(m->d.text, "please report");
}

static void make_good(struct mkplan *m, void (*init)(struct mkplan *m))
{
	init(m);
	if (mkplan_make(m))
		fail_msg("%s", m->d.text);
}

void mkplan_mutate_those(
	void (*init)(struct mkplan *m), const struct mutation *mutations, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		struct mkplan m;

		make_good(&m, init);
		mutations[i].change(&m);
		must_see(&m, mutations[i].name, mutations[i].says);
		mkplan_deinit(&m);
	}
}

void mkplan_mutate_bp(
	void (*init)(struct mkplan *m), const struct bp_mutation *mutations, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		struct mkplan m;

		make_good(&m, init);
		mkplan_bp(&m, mutations[i].off, mutations[i].value, mutations[i].width);
		must_see(&m, mutations[i].name, mutations[i].says);
		mkplan_deinit(&m);
	}
}
