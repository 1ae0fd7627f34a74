// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "xen/backend.h"
#include "xen/segments.h"
#include "xen/state.h"

#define CRASH XEN_KEXEC_TYPE_CRASH

const struct backend_limits xen_backend_limits = {
	.name = "Xen",
	/* xen/include/public/kexec.h: KEXEC_SEGMENT_MAX is 16, and the test is >=. */
	.max_segs = XEN_KEXEC_MAX_SEGMENTS,
	.align = PAGE_SIZE_X86, /* xen/common/kimage.c */
	/* The widest physical address of x86-64. What the image can reach is not Xen's limit. */
	.max_dest = (UINT64_C(1) << 52) - 1,
	.map_only = true,
	.control = CONTROL_MAP_SEGS, /* xen/common/kimage.c takes them from the region's start */
	.control_end = 4 * GiB, /* Xen leaves long mode on the first of them */
};

enum xk_status xen_backend_init(struct xen_backend *b, const struct host *h, struct diag *d)
{
	*b = (struct xen_backend){
		.host = h,
		.caller = xen_caller_self(),
		.alloc = &xen_payload_alloc,
		.state_path = XEN_STATE_PATH,
		.root = "",
	};
	return xen_ctrl_open(b->root, &b->xen, d);
}

void xen_backend_deinit(struct xen_backend *b)
{
	xen_close(&b->xen);
}

bool xen_backend_add_safe(struct xen_backend *b, struct bytes p)
{
	if (b->nr_safe == ARRAY_SIZE(b->safe))
		return false;
	b->safe[b->nr_safe++] = p;
	return true;
}

static enum xk_status read_record(struct xen_backend *b, struct xen_record *ret, struct diag *d)
{
	char boot_id[40];

	xen_state_boot_id(b->root, boot_id);
	return xen_state_read(
		b->state_path, boot_id, b->host->xen.build_id ? b->host->xen.build_id : "", ret, d);
}

static enum xk_status status_bit(struct xen_backend *b, int *ret, struct diag *d)
{
	int rc = b->xen.ops->status(b->xen.ctx, CRASH);

	if (rc < 0)
		return xen_call_failed(XEN_CALL_STATUS, errno, d);
	*ret = rc;
	return XK_OK;
}

/* What the running Xen can do, asked, since facts may be old; and its bit, which also shows that
 * asking works before anything is changed. */
static enum xk_status rules(
	struct xen_backend *b, struct xen_armed_rules *ret, int *bit, struct diag *d)
{
	int v = b->xen.ops->version(b->xen.ctx, XENVER_VERSION, NULL);

	*bit = 0;
	if (v <= 0)
		return diag_fail(d, XK_IO, "asking Xen for its version: %s",
			v ? strerror(errno) : "an empty answer");
	*ret = xen_armed_rules((uint32_t)v >> 16, (uint32_t)v & 0xffff);
	return ret->has_status ? status_bit(b, bit, d) : XK_OK;
}

static enum xk_status unload_once(struct xen_backend *b, struct diag *d)
{
	if (b->xen.ops->unload(b->xen.ctx, CRASH) < 0)
		return xen_call_failed(XEN_CALL_UNLOAD, errno, d);
	return XK_OK;
}

/*
 * Ends with nothing loaded and status 0, from any history. Only for Xen with status: before, an
 * unload of nothing leaves a trap behind. *touched is set as soon as something was changed.
 */
static enum xk_status clean(struct xen_backend *b, bool *touched, struct diag *d)
{
	enum xk_status st = unload_once(b, d);
	int bit = 0;

	if (st)
		return st;
	*touched = true;
	st = status_bit(b, &bit, d);
	if (!st && bit) {
		st = unload_once(b, d);
		if (!st)
			st = status_bit(b, &bit, d);
	}
	if (!st && bit)
		st = diag_fail(d, XK_STATE,
			"Xen's status does not follow the unloads: another tool is using the interface "
			"at the same time");
	return st;
}

/* Xen was not changed, so what the record said before is still true. */
static void restore_record(struct xen_backend *b, const struct xen_record *before, struct diag *d)
{
	struct diag second;
	enum xk_status st;

	diag_init(&second);
	if (before->state == RECORD_NONE)
		st = xen_state_clear(b->state_path, &second);
	else
		st = xen_state_write(b->state_path, before, &second);
	diag_append(d, ". Nothing was changed: what was armed before, if anything, still is");
	if (st)
		diag_append(d, ", but its record was lost: %s", second.text);
}

/* After a failed load; d holds its message and gets what became of the image before it. */
static enum xk_status disarm_after_failure(struct xen_backend *b, struct xen_armed_rules r,
	const struct xen_record *before, bool touched, struct diag *d)
{
	struct xen_record rec = *before;
	enum xk_status st = d->status;
	struct diag second;

	diag_init(&second);
	if (!touched) {
		restore_record(b, before, d);
		return st;
	}
	if (r.has_status) {
		if (!clean(b, &touched, &second) && !xen_state_clear(b->state_path, &second))
			diag_append(d, ". Nothing is armed now");
		else
			diag_append(d,
				". What is armed now is NOT known, because cleaning up failed too: %s",
				second.text);
		return st;
	}
	if (before->state == RECORD_NONE) {
		if (xen_state_clear(b->state_path, &second))
			diag_append(d, ". (%s)", second.text);
		diag_append(d,
			". xenkdump has nothing armed; an image that another tool loaded may "
			"be damaged now");
		return st;
	}
	rec.state = RECORD_DAMAGED;
	if (xen_state_write(b->state_path, &rec, &second))
		diag_append(d, ". (%s)", second.text);
	diag_append(d,
		". The image loaded before (%s) may be damaged and is still registered, since Xen "
		"before 4.9 cannot safely unload: load a good image over it, or reboot",
		rec.kernel);
	return st;
}

static void make_record(const struct xen_backend *b, const struct plan *p, const char *kernel_name,
	struct xen_record *ret)
{
	time_t now = time(NULL);
	struct tm tm;

	*ret = (struct xen_record){
		.state = RECORD_BUSY,
		.region = p->region,
		.entry = p->entry,
	};
	if (gmtime_r(&now, &tm))
		strftime(ret->since, sizeof(ret->since), "%Y-%m-%dT%H:%M:%SZ", &tm);
	snprintf(ret->tool, sizeof(ret->tool), "%s", XENKDUMP_VERSION);
	snprintf(ret->kernel, sizeof(ret->kernel), "%s", kernel_name);
	snprintf(ret->xen_build_id, sizeof(ret->xen_build_id), "%s",
		b->host->xen.build_id ? b->host->xen.build_id : "");
	xen_state_boot_id(b->root, ret->boot_id);
	xen_plan_digest(p, ret->digest);
}

/* Everything that can be refused without changing anything. */
static enum xk_status load_check(struct xen_backend *b, const struct plan *p, struct diag *d)
{
	uint64_t start, size;
	struct range area;
	enum xk_status st;

	st = xen_check_caller(b->host, b->caller, d);
	if (!st)
		st = xen_check_host(b->host, d);
	if (st)
		return st;
	if (b->xen.ops->get_range(b->xen.ctx, XEN_KEXEC_RANGE_CRASH, 0, &start, &size))
		return xen_call_failed(XEN_CALL_RANGE, errno, d);
	if (!range_make(start, size, &area) || !range_contains(area, p->region) ||
		range_empty(p->region))
		return diag_fail(d, XK_STATE,
			"the plan is for a crash region at %" PRIaddr "-%" PRIaddr
			", but Xen's is %" PRIaddr " + %" PRIaddr ": the facts are not this host's",
			p->region.start, p->region.end, start, size);
	return xen_check_plan(p, area, d);
}

static enum xk_status load_into_xen(struct xen_backend *b, const struct plan *p,
	struct xen_armed_rules r, struct xen_segments *l, bool *touched, struct diag *d)
{
	enum xk_status st = r.has_status ? clean(b, touched, d) : XK_OK;
	int bit = 1;

	if (st)
		return st;
	*touched = true; /* also a load that fails has overwritten something */
	if (b->xen.ops->load(b->xen.ctx, CRASH, p->machine, p->entry, (uint32_t)p->nr, l->segs) < 0)
		return xen_call_failed(XEN_CALL_LOAD, errno, d);
	if (r.has_status)
		st = status_bit(b, &bit, d);
	if (!st && !bit)
		st = diag_fail(d, XK_STATE,
			"Xen took the image, but its status is not that of a loaded one: another tool "
			"is using the interface at the same time");
	return st;
}

/* With everything prepared and a record that says busy: from here on Xen is changed. */
static enum xk_status load_commit(struct xen_backend *b, const struct plan *p,
	struct xen_armed_rules r, const struct xen_record *before, struct xen_record *rec,
	struct xen_segments *l, struct diag *d)
{
	bool touched = false;
	enum xk_status st = load_into_xen(b, p, r, l, &touched, d);

	if (st)
		return disarm_after_failure(b, r, before, touched, d);
	rec->state = RECORD_ARMED;
	st = xen_state_write(b->state_path, rec, d);
	if (!st)
		return XK_OK;
	if (!r.has_status)
		return diag_prepend(d,
			"the image IS armed, but `status` will not know it, for want of a record: ");
	diag_prepend(d, "the image was loaded but could not be recorded: ");
	return disarm_after_failure(b, r, before, touched, d);
}

static enum xk_status load_locked(
	struct xen_backend *b, const struct plan *p, const char *kernel_name, struct diag *d)
{
	struct xen_record before = {0}, rec;
	struct xen_armed_rules r;
	struct xen_segments l = {0};
	enum xk_status st;
	struct diag ignored;
	int bit;

	diag_init(&ignored);
	st = rules(b, &r, &bit, d);
	if (st)
		return st;
	/* A damaged record is as good as none here, and is replaced. */
	if (read_record(b, &before, &ignored))
		before.state = RECORD_NONE;
	make_record(b, p, kernel_name, &rec);
	st = xen_segments_make(b, p, &l, d);
	/* The last thing that may fail with the old image still whole. */
	if (!st)
		st = xen_state_write(b->state_path, &rec, d);
	if (!st)
		st = load_commit(b, p, r, &before, &rec, &l, d);
	xen_segments_release(b, &l);
	return st;
}

static enum xk_status backend_load(
	void *ctx, const struct plan *p, const char *kernel_name, struct diag *d)
{
	struct xen_backend *b = ctx;
	enum xk_status st = load_check(b, p, d);
	int lock;

	if (!st)
		st = xen_state_lock(b->state_path, &lock, d);
	if (st)
		return st;
	st = load_locked(b, p, kernel_name, d);
	close(lock);
	return st;
}

static enum xk_status unload_locked(struct xen_backend *b, struct diag *d)
{
	struct xen_record before = {0}, rec;
	struct xen_armed_rules r;
	bool touched = false;
	enum xk_status st;
	struct diag ignored;
	int bit;

	diag_init(&ignored);
	st = rules(b, &r, &bit, d);
	if (!st)
		st = xen_armed_may_unload(r, d);
	if (st)
		return st;
	/* Half an unload may flip the bit to where the record would look right: not with this. */
	if (!read_record(b, &before, &ignored) && before.state != RECORD_NONE) {
		rec = before;
		rec.state = RECORD_BUSY;
		st = xen_state_write(b->state_path, &rec, d);
		if (st)
			return st;
	}
	st = clean(b, &touched, d);
	if (st && !touched)
		restore_record(b, &before, d);
	return st ? st : xen_state_clear(b->state_path, d);
}

static enum xk_status backend_unload(void *ctx, struct diag *d)
{
	struct xen_backend *b = ctx;
	enum xk_status st = xen_check_caller(b->host, b->caller, d);
	int lock;

	if (!st)
		st = xen_state_lock(b->state_path, &lock, d);
	if (st)
		return st;
	st = unload_locked(b, d);
	close(lock);
	return st;
}

static enum xk_status backend_status(void *ctx, struct armed *ret, struct diag *d)
{
	struct xen_backend *b = ctx;
	struct xen_record rec = {0};
	struct xen_armed_rules r;
	enum xk_status st;
	int bit;

	st = xen_check_caller(b->host, b->caller, d);
	if (!st)
		st = rules(b, &r, &bit, d);
	if (st)
		return st;
	st = read_record(b, &rec, d);
	if (st == XK_BAD_INPUT) {
		memset(ret, 0, sizeof(*ret));
		ret->state = ARMED_UNKNOWN;
		snprintf(ret->why, sizeof(ret->why), "the record is damaged: %.400s", d->text);
		diag_init(d);
		return XK_OK;
	}
	if (st)
		return st;
	xen_armed_judge(r, bit, &rec, ret);
	return XK_OK;
}

static enum xk_status backend_crash(void *ctx, struct diag *d)
{
	struct xen_backend *b = ctx;
	enum xk_status st = xen_check_caller(b->host, b->caller, d);

	if (st)
		return st;
	if (b->xen.ops->exec(b->xen.ctx, CRASH) < 0)
		return xen_call_failed(XEN_CALL_EXEC, errno, d);
	return diag_fail(d, XK_REFUSED, "Xen came back from running the crash image");
}

const struct backend_ops xen_backend_ops = {
	.limits = &xen_backend_limits,
	.load = backend_load,
	.unload = backend_unload,
	.status = backend_status,
	.crash = backend_crash,
};
