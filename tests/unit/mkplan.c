// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/xktest.h"

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

void mkplan_mutate(const struct mutation *mutations, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		struct mkplan m;

		mkplan_init(&m, 0x20000000, 0x30000000);
		m.rq.rng_seed_len = 32;
		if (mkplan_make(&m))
			fail_msg("%s", m.d.text);
		mutations[i].change(&m);
		if (mkplan_check(&m) == XK_OK)
			fail_msg("%s was not seen", mutations[i].name);
		if (!strstr(m.d.text, mutations[i].says))
			fail_msg("%s: \"%s\" does not say \"%s\"", mutations[i].name, m.d.text,
				mutations[i].says);
		assert_says(m.d.text, "please report");
		mkplan_deinit(&m);
	}
}
