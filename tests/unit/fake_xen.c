// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/fake_xen.h"

#define PAGE 4096u

static int refuse(int e)
{
	errno = e;
	return -1;
}

/* True when this call is to fail; errno is set. */
static bool injected(struct fake_xen *f, enum fake_call c)
{
	f->calls[c]++;
	f->all_calls++;
	if ((f->fail_at && !--f->fail_at) || (f->fail_on & 1u << c)) {
		errno = f->fail_errno;
		return true;
	}
	return false;
}

static int give(void *arg, size_t size, const char *s)
{
	char *to = arg;

	if (!s)
		return refuse(EPERM);
	memset(to, 0, size);
	snprintf(to, size, "%s", s);
	return 0;
}

static int fake_version(void *ctx, int what, void *arg)
{
	struct fake_xen *f = ctx;
	struct xen_compile_info *ci = arg;
	struct xen_build_id *id = arg;

	if (injected(f, FAKE_VERSION))
		return -1;
	switch (what) {
	case XENVER_VERSION: return (int)(f->major << 16 | f->minor);
	case XENVER_EXTRAVERSION: return give(arg, 16, f->extra);
	case XENVER_CHANGESET: return give(arg, 64, f->changeset);
	case XENVER_CAPABILITIES: return give(arg, 1024, f->capabilities);
	case XENVER_COMMANDLINE: return give(arg, 1024, f->cmdline);
	case XENVER_COMPILE_INFO:
		memset(ci, 0, sizeof(*ci));
		strcpy(ci->compiler, "gcc (fake) 12");
		strcpy(ci->compile_date, "Thu Jan  1 00:00:00 UTC 1970");
		return 0;
	case XENVER_BUILD_ID:
		if (f->major == 4 && f->minor < 7)
			return refuse(EINVAL);
		if (id->len < sizeof(f->build_id))
			return refuse(ENOBUFS);
		memcpy(id->buf, f->build_id, sizeof(f->build_id));
		return sizeof(f->build_id);
	default: return refuse(EINVAL);
	}
}

static int fake_get_range(void *ctx, int range, int nr, uint64_t *start, uint64_t *size)
{
	struct fake_xen *f = ctx;
	struct range r = {0, 0};

	if (injected(f, FAKE_RANGE))
		return -1;
	if (!f->has_kexec)
		return refuse(ENOSYS);
	if (!f->privileged)
		return refuse(EPERM);
	switch (range) {
	case XEN_KEXEC_RANGE_CRASH: r = f->crash; break;
	case XEN_KEXEC_RANGE_XEN: r = f->image; break;
	case XEN_KEXEC_RANGE_VMCOREINFO: r = f->vmcoreinfo; break;
	case XEN_KEXEC_RANGE_CPU:
		if (nr < 0 || (uint32_t)nr >= f->nr_cpus)
			return refuse(ERANGE);
		if (range_empty(f->crash))
			return refuse(EINVAL);
		r = f->notes[nr];
		break;
	default: return refuse(EINVAL);
	}
	if (f->compat && (r.start | (r.end - r.start)) >> 32)
		return refuse(ERANGE);
	*start = r.start;
	*size = r.end - r.start;
	return 0;
}

static int fake_memory_map(void *ctx, struct xen_e820_entry *map, uint32_t max)
{
	struct fake_xen *f = ctx;

	if (injected(f, FAKE_MAP))
		return -1;
	if (!f->privileged)
		return refuse(EPERM);
	if (max < f->nr_map || max < 2)
		return refuse(EINVAL);
	memcpy(map, f->map, f->nr_map * sizeof(*map));
	return (int)f->nr_map;
}

static bool readable(const struct fake_xen *f, uint64_t at, uint64_t len)
{
	for (size_t i = 0; i < f->nr_safe; i++) {
		uint64_t base = (uintptr_t)f->safe[i].data;

		if (at >= base && at - base <= f->safe[i].len &&
			len <= f->safe[i].len - (at - base))
			return true;
	}
	return false;
}

/* Checks of do_kimage_alloc and kimage_crash_alloc, in their order. 0 or an error number. */
static int check_load(
	const struct fake_xen *f, uint64_t entry, uint32_t nr, const struct xen_kexec_segment *s)
{
	/* The entry's test is inclusive at the end. */
	if (entry < f->crash.start || entry > f->crash.end)
		return EADDRNOTAVAIL;
	for (uint32_t i = 0; i < nr; i++)
		if (s[i].buf && (s[i].dest_maddr < f->crash.start ||
					s[i].dest_maddr + s[i].dest_size > f->crash.end))
			return EADDRNOTAVAIL;
	for (uint32_t i = 0; i < nr; i++)
		if (s[i].dest_maddr % PAGE || (s[i].dest_maddr + s[i].dest_size) % PAGE)
			return EADDRNOTAVAIL;
	for (uint32_t i = 0; i < nr; i++)
		for (uint32_t j = 0; j < i; j++)
			if (s[i].dest_maddr < s[j].dest_maddr + s[j].dest_size &&
				s[j].dest_maddr < s[i].dest_maddr + s[i].dest_size)
				return EINVAL;
	for (uint32_t i = 0; i < nr; i++)
		if (s[i].buf_size > s[i].dest_size)
			return EINVAL;
	return 0;
}

/* The next hole of a page from the region's start; clears it. False: none left. */
static bool take_page(struct fake_xen *f, uint32_t nr, const struct xen_kexec_segment *s)
{
	for (uint64_t at = f->crash.start; at + PAGE <= f->crash.end; at += PAGE) {
		size_t page = (size_t)((at - f->crash.start) / PAGE);
		bool hole = !f->taken[page];

		for (uint32_t i = 0; hole && i < nr; i++)
			hole = at >= s[i].dest_maddr + s[i].dest_size ||
			       at + PAGE <= s[i].dest_maddr;
		if (!hole)
			continue;
		f->taken[page] = 1;
		memset(f->memory + page * PAGE, 0, PAGE);
		return true;
	}
	return false;
}

/* Number of distinct tables of 2^shift bytes reach that the segments and low pages fall into. */
static uint64_t tables(
	const struct fake_xen *f, uint32_t nr, const struct xen_kexec_segment *s, unsigned shift)
{
	uint64_t n = 0, from[17], to[17];

	for (uint32_t i = 0; i <= nr; i++) {
		/* One more range: the code and indirection pages, near the region's start. */
		uint64_t start = i < nr ? s[i].dest_maddr : f->crash.start;
		uint64_t len = i < nr ? s[i].dest_size : 2 * PAGE;

		from[i] = start >> shift;
		to[i] = (start + (len ? len - 1 : 0)) >> shift;
		for (uint64_t t = from[i]; t <= to[i]; t++) {
			bool seen = false;

			for (uint32_t j = 0; j < i; j++)
				seen = seen || (t >= from[j] && t <= to[j]);
			n += !seen;
		}
	}
	return n;
}

static int take_control_pages(struct fake_xen *f, uint32_t nr, const struct xen_kexec_segment *s)
{
	/* Code page, indirection page, L4, and the tables of the code's alias. */
	uint64_t want = 3 + 3 + tables(f, nr, s, 39) + tables(f, nr, s, 30) + tables(f, nr, s, 21);

	memset(f->taken, 0, (size_t)((f->crash.end - f->crash.start) / PAGE));
	while (want--)
		if (!take_page(f, nr, s))
			return ENOMEM;
	return 0;
}

static void free_image(struct fake_xen *f, struct fake_image *i)
{
	if (!i->present)
		return;
	if (i->freed)
		f->panicked = true; /* Xen would be down */
	i->freed = true;
	if (f->major > 4 || f->minor >= 9)
		i->present = false; /* since 4.9 the stale pointer is cleared */
}

/* Both slots, the bit, and what 4.4-4.8 forgot. */
static void swap(struct fake_xen *f, const struct fake_image *new)
{
	unsigned old_slot = f->bit;

	if (new)
		f->images[!f->bit] = *new;
	f->bit = !f->bit;
	free_image(f, &f->images[old_slot]);
}

static int copy_segments(struct fake_xen *f, uint32_t nr, const struct xen_kexec_segment *s)
{
	for (uint32_t i = 0; i < nr; i++) {
		uint8_t *to;

		if (!s[i].buf && !s[i].dest_size)
			return ENOMEM;
		if (!s[i].buf)
			continue;
		if (!readable(f, s[i].buf, s[i].buf_size))
			return EFAULT;
		to = f->memory + (s[i].dest_maddr - f->crash.start);
		memcpy(to, (const void *)(uintptr_t)s[i].buf, s[i].buf_size);
		memset(to + s[i].buf_size, 0, s[i].dest_size - s[i].buf_size);
	}
	return 0;
}

static int fake_load(void *ctx, int type, uint16_t arch, uint64_t entry, uint32_t nr,
	struct xen_kexec_segment *s)
{
	struct fake_xen *f = ctx;
	int e;

	f->ops_changing++;
	if (injected(f, FAKE_LOAD))
		return -1;
	if (!f->has_kexec)
		return refuse(ENOSYS);
	if (!f->privileged)
		return refuse(EPERM);
	if (f->major == 4 && f->minor < 4)
		return 0; /* an unknown operation: a success that did nothing */
	if (nr >= 16)
		return refuse(EINVAL);
	if (type != XEN_KEXEC_TYPE_CRASH)
		return refuse(EINVAL);
	e = check_load(f, entry, nr, s);
	if (!e)
		e = take_control_pages(f, nr, s);
	if (!e)
		e = copy_segments(f, nr, s);
	/* Only now, with the old image gone. */
	if (!e && arch != 3 && arch != 62)
		e = EINVAL;
	if (e)
		return refuse(e);
	swap(f, &(struct fake_image){true, false, arch, entry, ++f->next_id});
	return 0;
}

static int fake_unload(void *ctx, int type)
{
	struct fake_xen *f = ctx;

	f->ops_changing++;
	if (injected(f, FAKE_UNLOAD))
		return -1;
	if (!f->has_kexec)
		return refuse(ENOSYS);
	if (!f->privileged)
		return refuse(EPERM);
	if (type != XEN_KEXEC_TYPE_CRASH)
		return refuse(EINVAL);
	if (f->major == 4 && f->minor < 4)
		return 0;
	swap(f, NULL);
	return 0;
}

static int fake_status(void *ctx, int type)
{
	struct fake_xen *f = ctx;

	if (injected(f, FAKE_STATUS))
		return -1;
	if (!f->has_kexec)
		return refuse(ENOSYS);
	if (type != XEN_KEXEC_TYPE_CRASH)
		return refuse(EINVAL);
	return f->major == 4 && f->minor < 9 ? 0 : (int)f->bit;
}

static int fake_exec(void *ctx, int type)
{
	struct fake_xen *f = ctx;

	if (injected(f, FAKE_EXEC))
		return -1;
	if (!f->has_kexec)
		return refuse(ENOSYS);
	if (type != XEN_KEXEC_TYPE_CRASH)
		return refuse(EINVAL);
	if (!fake_xen_loaded(f))
		return refuse(ENOENT);
	f->executed = true;
	return refuse(EINVAL); /* a real one does not return; if it does, with this */
}

static void fake_close(void *ctx)
{
	struct fake_xen *f = ctx;

	f->opened--;
}

static const struct xen_ops fake_ops = {
	.version = fake_version,
	.get_range = fake_get_range,
	.memory_map = fake_memory_map,
	.load = fake_load,
	.unload = fake_unload,
	.status = fake_status,
	.exec = fake_exec,
	.close = fake_close,
};

static void *fake_alloc(void *ctx, size_t len)
{
	struct fake_xen *f = ctx;
	void *p;

	if (f->alloc_fails || f->nr_safe == ARRAY_SIZE(f->safe)) {
		errno = ENOMEM;
		return NULL;
	}
	p = calloc(1, len);
	f->safe[f->nr_safe++] = (struct bytes){p, len};
	return p;
}

static void fake_release(void *ctx, void *p, size_t len)
{
	struct fake_xen *f = ctx;

	for (size_t i = 0; i < f->nr_safe; i++)
		if (f->safe[i].data == p && f->safe[i].len == len) {
			f->safe[i] = f->safe[--f->nr_safe];
			free(p);
			return;
		}
}

void fake_xen_init(struct fake_xen *f, struct range crash)
{
	size_t len = (size_t)range_size(crash);

	*f = (struct fake_xen){
		.major = 4,
		.minor = 17,
		.extra = ".7",
		.changeset = "fake",
		.capabilities = "xen-3.0-x86_64 hvm-3.0-x86_64 ",
		.cmdline = "console=com1 com1=115200",
		.build_id = {0xab, 0xcd, 0xef},
		.has_kexec = true,
		.privileged = true,
		.crash = crash,
		.image = {0x3d600000, 0x3dc00000},
		.vmcoreinfo = {0x3d9d1000, 0x3d9d2000},
		.nr_cpus = 2,
		.notes = {{0x7fe00000, 0x7fe00000 + 500}, {0x7fe01000, 0x7fe01000 + 404}},
		.map = {{0, 0x9fc00, 1}, {0x100000, 0x7fee0000, 1}, {0xfffc0000, 0x40000, 2}},
		.nr_map = 3,
		.memory = len ? calloc(1, len) : NULL,
		.taken = len ? calloc(1, len / PAGE + 1) : NULL,
	};
	f->alloc = (struct payload_alloc){fake_alloc, fake_release, f};
}

void fake_xen_deinit(struct fake_xen *f)
{
	while (f->nr_safe)
		free((void *)(uintptr_t)f->safe[--f->nr_safe].data);
	free(f->memory);
	free(f->taken);
}

struct xen fake_xen_handle(struct fake_xen *f)
{
	f->opened++;
	return (struct xen){&fake_ops, f};
}

bool fake_xen_loaded(const struct fake_xen *f)
{
	return f->images[f->bit].present && !f->images[f->bit].freed;
}

void fake_xen_foreign_load(struct fake_xen *f)
{
	swap(f, &(struct fake_image){true, false, 62, f->crash.start, ++f->next_id});
}

void fake_xen_foreign_unload(struct fake_xen *f)
{
	swap(f, NULL);
}
