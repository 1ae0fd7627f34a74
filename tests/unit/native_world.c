// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/xktest.h"

#include <stdio.h>
#include <sys/mman.h>

#include "tests/unit/native_world.h"

void world_put_files(struct world *w)
{
	scratch_file(&w->fake.dir, "/boot/vmlinuz", w->buf, 0x2000);
	scratch_file(&w->fake.dir, "/boot/initrd", w->buf + 0x2000, 0x1000);
	snprintf(w->kernel_path, sizeof(w->kernel_path), "%s/boot/vmlinuz", w->fake.dir.path);
	snprintf(w->initrd_path, sizeof(w->initrd_path), "%s/boot/initrd", w->fake.dir.path);
	w->initrds[0] = w->initrds[1] = w->initrd_path;
	w->b.source = (struct native_source){
		.kernel = w->kernel_path,
		.kernel_bytes = {w->buf, 0x2000},
		.initrds = w->initrds,
		.nr_initrds = 1,
		.initrd_bytes = {w->buf + 0x2000, 0x1000},
	};
}

int world_setup(void **state)
{
	static char cmdline[] = "elfcorehdr=524288K root=/dev/vda nr_cpus=1";
	struct world *w = calloc(1, sizeof(*w));

	fake_linux_init(&w->fake, (struct range){START, END});
	snprintf(w->record, sizeof(w->record), "%s/run/state", w->fake.dir.path);
	host_init(&w->host);
	w->host.kernel.bits = 64;
	w->host.kernel.lockdown = strdup("none");
	assert_true(range_list_add(&w->host.crash, w->fake.crash, MEM_RAM));
	w->buf = mmap(NULL, 0x4000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
		-1, 0);
	assert_true(w->buf != MAP_FAILED);
	memset(w->buf, 0x77, 0x2000);
	memcpy(w->buf, "kernel", 6);
	memset(w->buf + 0x2000, 0x33, 0x2000);
	w->b = (struct native_backend){
		.sys = &w->fake.sys,
		.host = &w->host,
		.root = true,
		.record_path = w->record,
	};
	world_put_files(w);
	w->plan = (struct plan){
		.machine = 62,
		.entry = START + 0x300000,
		.region = {START, END},
		.cmdline = cmdline,
		.nr = 4,
		.segs =
			{
				{.kind = SEG_KERNEL,
					.dest = {START + 0x200000, START + 0x204000},
					.buf = w->buf,
					.len = 0x2000},
				{.kind = SEG_PURGATORY,
					.dest = {START + 0x300000, START + 0x302000},
					.buf = w->buf + 0x3000,
					.len = 100},
				{.kind = SEG_CMDLINE,
					.dest = {START + 0x310000, END},
					.buf = w->buf + 0x3001,
					.len = 50},
				{.kind = SEG_BACKUP, .dest = {START + 0x305000, START + 0x306000}},
			},
	};
	diag_init(&w->d);
	*state = w;
	return 0;
}

int world_teardown(void **state)
{
	struct world *w = *state;

	host_deinit(&w->host);
	fake_linux_deinit(&w->fake);
	munmap(w->buf, 0x4000);
	free(w);
	return 0;
}

enum xk_status world_load(struct world *w)
{
	diag_init(&w->d);
	return native_backend_ops.load(&w->b, &w->plan, "vmlinuz-test", &w->d);
}

enum xk_status world_unload(struct world *w)
{
	diag_init(&w->d);
	return native_backend_ops.unload(&w->b, &w->d);
}

struct armed world_status(struct world *w)
{
	struct armed a;

	diag_init(&w->d);
	assert_int_equal(native_backend_ops.status(&w->b, &a, &w->d), XK_OK);
	assert_true(a.why[0]);
	return a;
}
