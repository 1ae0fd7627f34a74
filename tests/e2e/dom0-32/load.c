// SPDX-License-Identifier: GPL-2.0-only
/* The plan in the boot module, through the kexec operation as a 32-bit caller makes it. */
#include "dom0.h"
#include "hypercall.h"

static const char magic[8] = {'X', 'K', 'D', '3', '2', 'P', 'L', 'N'};

bool plan_present(const void *module, uint32_t len)
{
	const struct plan_head *h = module;

	if (len < sizeof(*h))
		return false;
	for (uint32_t i = 0; i < sizeof(magic); i++)
		if (h->magic[i] != magic[i])
			return false;
	return true;
}

static int32_t status(void)
{
	struct kexec_type t = {KEXEC_TYPE_CRASH};
	int32_t ret = kexec_op(KEXEC_CMD_STATUS, &t);

	say_value("kexec status", ret);
	return ret;
}

static int32_t unload(void)
{
	struct kexec_type t = {KEXEC_TYPE_CRASH};
	int32_t ret = kexec_op(KEXEC_CMD_UNLOAD, &t);

	say_value("kexec unload", ret);
	return ret;
}

/* Every bound before the first call: a bad container is the harness' fault, not Xen's. */
static void segments_of(
	const struct plan_head *h, uint32_t room, struct kexec_segment segs[KEXEC_MAX_SEGMENTS])
{
	const struct plan_segment *p = (const void *)(h + 1);

	if (h->version != 1)
		give_up("bad plan: version", (int32_t)h->version);
	if (!h->nr || h->nr > KEXEC_MAX_SEGMENTS)
		give_up("bad plan: segments", (int32_t)h->nr);
	if (room < sizeof(*h) + h->nr * sizeof(*p))
		give_up("bad plan: module ends before segment", (int32_t)h->nr);
	for (uint32_t i = 0; i < h->nr; i++) {
		if (p[i].offset > room || p[i].len > room - p[i].offset)
			give_up("bad plan: module lacks bytes of segment", (int32_t)i);
		segs[i].buf = p[i].len ? virt(h) + p[i].offset : 0;
		segs[i].buf_size = p[i].len;
		segs[i].dest = p[i].dest;
		segs[i].dest_size = p[i].size;
	}
}

/* The bit that status shows flips on each load and each unload, also of nothing: so the slot is
 * brought to "empty and 0" first, as the loader itself does. */
void plan_load(const void *module, uint32_t len)
{
	static struct kexec_segment segs[KEXEC_MAX_SEGMENTS];
	const struct plan_head *h = module;
	struct kexec_load load = {
		.type = KEXEC_TYPE_CRASH,
		.arch = (uint16_t)h->arch,
		.nr_segments = h->nr,
		.segments = virt(segs),
		.entry = h->entry,
	};
	int32_t ret;

	segments_of(h, len, segs);
	ret = unload();
	if (!ret && status())
		ret = unload();
	if (ret)
		give_up("kexec unload failed", ret);
	ret = kexec_op(KEXEC_CMD_LOAD, &load);
	say_value("kexec load", ret);
	if (ret)
		give_up("kexec load failed", ret);
	ret = status();
	if (ret != 1)
		give_up("kexec status after load", ret);
}
