// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "native/armed.h"
#include "native/backend.h"
#include "native/check.h"
#include "native/explain.h"
#include "native/segments.h"

#define FILE_MODE                                                                              \
	"; the kernel makes the core header and purgatory itself, the dump will not hold the " \
	"XENKDUMP note"

/* One load, while it lasts. */
struct attempt {
	struct native_backend *b;
	const struct plan *p;
	struct native_segments segs;
	struct record before, rec;
	int loaded_before; /* native_sys_loaded() */
	enum native_call call; /* what loaded it */
};

void native_backend_init(struct native_backend *b, const struct host *h)
{
	*b = (struct native_backend){
		.sys = &native_sys_real,
		.host = h,
		.root = !geteuid(),
		.record_path = RECORD_PATH,
	};
}

static struct native_way way_of(const struct native_backend *b)
{
	return (struct native_way){
		.choice = b->choice,
		.lockdown = native_lockdown(b->host),
		.has_file = b->sys->long_bits == 64,
	};
}

/* A damaged record is as good as none for who replaces it. */
static enum xk_status read_record(struct native_backend *b, struct record *ret, struct diag *d)
{
	char boot_id[40];

	record_boot_id(b->sys->root, boot_id);
	return record_read(b->record_path, boot_id, "", ret, d);
}

static const char *put_record_back(struct native_backend *b, const struct record *before)
{
	struct diag second;
	enum xk_status st;

	diag_init(&second);
	st = before->state == RECORD_NONE ? record_clear(b->record_path, &second)
					  : record_write(b->record_path, before, &second);
	return st ? ", but the record of it was lost" : "";
}

/* After a load that failed; d holds its message and gets what is armed now. */
static enum xk_status say_what_is_left(struct attempt *a, struct diag *d)
{
	struct native_backend *b = a->b;
	enum xk_status st = d->status;
	struct diag second;

	diag_init(&second);
	switch (native_sys_loaded(b->sys)) {
	case 0:
		diag_append(d, ". Nothing is armed now%s",
			a->loaded_before == 1 ? ": Linux gives up the old image before it takes a "
						"new one"
					      : "");
		if (record_clear(b->record_path, &second))
			diag_append(d, ". (%s)", second.text);
		return st;
	case 1:
		if (a->loaded_before == 1) {
			diag_append(d, ". Nothing was changed: what was armed before still is%s",
				put_record_back(b, &a->before));
			return st;
		}
		if (!a->loaded_before)
			record_clear(b->record_path, &second); /* it is not ours */
		/* fall through */
	default:
		diag_append(d,
			". What is armed now is NOT known: /sys/kernel/kexec_crash_loaded %s",
			a->loaded_before < 0 ? "cannot be read"
					     : "has changed while another tool was at work");
		return st;
	}
}

static int call_load(struct attempt *a)
{
	const struct native_sys *s = a->b->sys;

	if (s->kexec_load(s->ctx, a->p->entry, a->segs.nr, a->segs.bytes, a->segs.flags))
		return errno ? errno : EIO;
	return 0;
}

static enum xk_status call_file(struct attempt *a, int *error, struct diag *d)
{
	const struct native_sys *s = a->b->sys;
	struct native_files f;
	enum xk_status st = native_files_open(&a->b->source, a->p->cmdline, &f, d);

	if (st)
		return st;
	*error = 0;
	if (s->kexec_file_load(s->ctx, f.kernel, f.initrd, (const char *)f.cmdline.data,
		    f.cmdline.len,
		    KEXEC_FILE_ON_CRASH | (f.initrd < 0 ? KEXEC_FILE_NO_INITRAMFS : 0)))
		*error = errno ? errno : EIO;
	native_files_close(&f);
	return XK_OK;
}

/* One call or two; in b->said how it was done. */
static enum xk_status load_somehow(struct attempt *a, struct diag *d)
{
	struct native_backend *b = a->b;
	const struct native_way w = way_of(b);
	enum native_call call = native_first_call(&w), next;
	enum xk_status st = XK_OK;
	bool second = false;
	struct diag why;
	int error;

	diag_init(&why);
	for (;; call = next, second = true) {
		if (call == CALL_LOAD)
			error = call_load(a);
		else
			st = call_file(a, &error, d);
		if (st || !error)
			break;
		next = native_next_call(&w, call, second, error);
		if (next == CALL_NONE) {
			st = native_call_failed(b->host, call, error, d);
			break;
		}
		native_call_failed(b->host, call, error, &why);
	}
	if (st) {
		if (second)
			diag_append(d, "; and before that, %s", why.text);
		return st;
	}
	a->call = call;
	snprintf(b->said, sizeof(b->said), "loaded by %s%s%s%.700s", native_call_name(call),
		call == CALL_FILE ? FILE_MODE : "", second ? "; not by " : "",
		second ? why.text : "");
	return XK_OK;
}

/* Back to nothing armed, after a load that worked and must not stand. */
static enum xk_status take_back(struct attempt *a, struct diag *d);

/* With a record that says busy: from here on the kernel is changed. */
static enum xk_status load_commit(struct attempt *a, struct diag *d)
{
	struct native_backend *b = a->b;
	enum xk_status st = load_somehow(a, d);

	if (st)
		return say_what_is_left(a, d);
	if (!native_sys_loaded(b->sys)) {
		diag_fail(d, XK_STATE,
			"Linux took the image, but says that none is loaded: another tool has unloaded "
			"it at the same time");
		return say_what_is_left(a, d);
	}
	a->rec.state = RECORD_ARMED;
	snprintf(a->rec.call, sizeof(a->rec.call), "%s", native_call_name(a->call));
	if (a->call == CALL_FILE)
		a->rec.digest[0] = '\0'; /* it is of segments that were not loaded */
	st = record_write(b->record_path, &a->rec, d);
	if (!st)
		return XK_OK;
	diag_prepend(d, "the image was loaded but could not be recorded: ");
	return take_back(a, d);
}

static enum xk_status load_locked(struct attempt *a, const char *kernel_name, struct diag *d)
{
	struct native_backend *b = a->b;
	enum xk_status st;
	struct diag ignored;

	diag_init(&ignored);
	a->loaded_before = native_sys_loaded(b->sys);
	if (read_record(b, &a->before, &ignored))
		a->before.state = RECORD_NONE;
	record_make(a->p, kernel_name, b->sys->root, time(NULL), &a->rec);
	/* The last thing that may fail with the old image still whole. */
	st = record_write(b->record_path, &a->rec, d);
	return st ? st : load_commit(a, d);
}

static enum xk_status backend_load(
	void *ctx, const struct plan *p, const char *kernel_name, struct diag *d)
{
	struct native_backend *b = ctx;
	struct attempt a = {.b = b, .p = p};
	const struct native_way w = way_of(b);
	enum xk_status st;
	int lock;

	b->said[0] = '\0';
	if (b->choice == NATIVE_FILE && !w.has_file)
		return diag_fail(d, XK_UNSUPPORTED,
			"--syscall=file: Linux has no kexec_file_load for 32-bit programs; use the "
			"x86_64 build of xenkdump, or --syscall=load");
	st = native_check_caller(b->sys, b->root, d);
	if (!st)
		st = native_check_host(b->host, d);
	if (!st)
		st = native_check_region(b->sys, p, d);
	if (!st)
		st = native_segments_make(p, b->sys->long_bits, &a.segs, d);
	if (!st)
		st = record_lock(b->record_path, &lock, d);
	if (st)
		return st;
	st = load_locked(&a, kernel_name, d);
	close(lock);
	return st;
}

/* 0 or an errno of the call that counts. */
static int call_unload(struct native_backend *b)
{
	const struct native_sys *s = b->sys;
	const struct native_way w = way_of(b);
	uint32_t machine = b->host->kernel.bits == 32 ? EM_386 : EM_X86_64;
	int e;

	if (!s->kexec_load(s->ctx, 0, 0, NULL, KEXEC_ON_CRASH | machine << KEXEC_ARCH_SHIFT))
		return 0;
	e = errno ? errno : EIO;
	if (!native_unload_by_file(&w, e))
		return e;
	if (!s->kexec_file_load(s->ctx, -1, -1, NULL, 0, KEXEC_FILE_UNLOAD | KEXEC_FILE_ON_CRASH))
		return 0;
	/* Without this call at all, the other one's answer says more. */
	return errno == ENOSYS ? e : errno ? errno : EIO;
}

static enum xk_status take_back(struct attempt *a, struct diag *d)
{
	int e = call_unload(a->b);
	struct diag second;

	if (!e)
		return say_what_is_left(a, d);
	diag_init(&second);
	native_call_failed(a->b->host, CALL_UNLOAD, e, &second);
	diag_append(d, ". The image IS armed, and cannot be taken back: %s", second.text);
	return d->status;
}

static enum xk_status unload_locked(struct native_backend *b, struct diag *d)
{
	struct record before = {0}, busy;
	enum xk_status st = XK_OK;
	struct diag ignored;
	int e;

	diag_init(&ignored);
	if (!read_record(b, &before, &ignored) && before.state != RECORD_NONE) {
		busy = before;
		busy.state = RECORD_BUSY;
		st = record_write(b->record_path, &busy, d);
		if (st)
			return st;
	}
	e = call_unload(b);
	if (e) {
		st = native_call_failed(b->host, CALL_UNLOAD, e, d);
		diag_append(d,
			". Nothing was changed: what was armed before, if anything, still "
			"is%s",
			put_record_back(b, &before));
		return st;
	}
	if (native_sys_loaded(b->sys) == 1)
		return diag_fail(d, XK_STATE,
			"Linux unloaded the image, but says that one is loaded: another tool has "
			"loaded one at the same time");
	return record_clear(b->record_path, d);
}

static enum xk_status backend_unload(void *ctx, struct diag *d)
{
	struct native_backend *b = ctx;
	enum xk_status st = native_check_caller(b->sys, b->root, d);
	int lock;

	if (!st)
		st = record_lock(b->record_path, &lock, d);
	if (st)
		return st;
	st = unload_locked(b, d);
	close(lock);
	return st;
}

static enum xk_status backend_status(void *ctx, struct armed *ret, struct diag *d)
{
	struct native_backend *b = ctx;
	int loaded = native_sys_loaded(b->sys);
	struct record rec = {0};
	enum xk_status st;

	if (loaded < 0)
		return diag_fail(d, XK_UNSUPPORTED,
			"there is no /sys/kernel/kexec_crash_loaded to ask: this kernel is built "
			"without kexec or crash dumps, or /sys is not mounted");
	st = read_record(b, &rec, d);
	/* The kernel's word stands without it. */
	if (st == XK_BAD_INPUT) {
		native_armed_judge(loaded, &(struct record){0}, ret);
		snprintf(ret->why, sizeof(ret->why),
			"Linux says that %s loaded; by what is not known, since the record is "
			"damaged: %.200s",
			loaded ? "an image is" : "nothing is", d->text);
		diag_init(d);
		return XK_OK;
	}
	if (st)
		return st;
	native_armed_judge(loaded, &rec, ret);
	return XK_OK;
}

static enum xk_status backend_crash(void *ctx, struct diag *d)
{
	struct native_backend *b = ctx;
	int e;

	if (!b->root)
		return diag_fail(d, XK_PRIVILEGE, "only root may crash this host");
	e = native_sys_panic(b->sys);
	if (e)
		return native_call_failed(b->host, CALL_PANIC, e, d);
	return diag_fail(d, XK_REFUSED,
		"Linux took the order to crash, by /proc/sysrq-trigger, and came back from it");
}

const struct backend_ops native_backend_ops = {
	.load = backend_load,
	.unload = backend_unload,
	.status = backend_status,
	.crash = backend_crash,
};
