// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/factfile.h"
#include "xen/sysfs.h"

#define HV "/sys/hypervisor/"

/* Text of a file that need not be there. */
static char *text(const char *root, const char *path)
{
	struct host none;
	char *ret;

	host_init(&none);
	ret = factfile_text(&none, NULL, root, path);
	host_deinit(&none);
	return ret;
}

static bool number(const char *s, int base, uint64_t max, uint64_t *ret)
{
	unsigned long long v;
	char *end;

	if (!s || !isxdigit((unsigned char)*s))
		return false;
	errno = 0;
	v = strtoull(s, &end, base);
	if (errno || *end || v > max)
		return false;
	*ret = v;
	return true;
}

bool xen_sysfs_version(const char *root, uint32_t *major, uint32_t *minor)
{
	_cleanup_(freep) char *a = text(root, HV "version/major");
	_cleanup_(freep) char *b = text(root, HV "version/minor");
	uint64_t x, y;

	if (!number(a, 10, 0xffff, &x) || !number(b, 10, 0xffff, &y))
		return false;
	*major = (uint32_t)x;
	*minor = (uint32_t)y;
	return true;
}

bool xen_sysfs_present(const char *root)
{
	_cleanup_(freep) char *type = text(root, HV "type");
	_cleanup_(freep) char *proc = factfile_path(root, "/proc/xen");

	if (type)
		return !strcmp(type, "xen");
	return proc && !access(proc, F_OK);
}

bool xen_sysfs_features(const char *root, uint64_t *ret)
{
	_cleanup_(freep) char *s = text(root, HV "properties/features");

	return number(s, 16, UINT64_MAX, ret);
}

/* ACPI specification, "Multiple APIC Description Table". */
#define MADT_HEADER	44
#define MADT_LAPIC	0
#define MADT_X2APIC	9
#define MADT_LAPIC_LEN	8
#define MADT_X2APIC_LEN 16
#define MADT_ENABLED	1u

uint32_t xen_madt_cpus(struct bytes madt)
{
	uint8_t seen[256] = {0}; /* small APIC ids may be listed in both forms */
	uint64_t off = MADT_HEADER;
	uint32_t nr = 0;

	if (!bytes_has(madt, 0, MADT_HEADER) || memcmp(madt.data, "APIC", 4))
		return 0;
	while (bytes_has(madt, off, 2)) {
		const uint8_t *e = madt.data + off;
		uint32_t id, flags;

		if (e[1] < 2 || !bytes_has(madt, off, e[1]))
			break;
		if (e[0] == MADT_LAPIC && e[1] >= MADT_LAPIC_LEN) {
			id = e[3];
			memcpy(&flags, e + 4, sizeof(flags));
		} else if (e[0] == MADT_X2APIC && e[1] >= MADT_X2APIC_LEN) {
			memcpy(&id, e + 4, sizeof(id));
			memcpy(&flags, e + 8, sizeof(flags));
		} else {
			flags = 0;
			id = 0;
		}
		off += e[1];
		if (!(flags & MADT_ENABLED) || (id < sizeof(seen) && seen[id]))
			continue;
		if (id < sizeof(seen))
			seen[id] = 1;
		nr++;
	}
	return nr;
}

static uint32_t xen_cpu_dirs(const char *root)
{
	_cleanup_(freep) char *path = factfile_path(root, "/sys/devices/system/xen_cpu");
	const struct dirent *e;
	uint32_t nr = 0;
	uint64_t v;
	DIR *dir;

	dir = path ? opendir(path) : NULL;
	if (!dir)
		return 0;
	while ((e = readdir(dir)))
		if (!strncmp(e->d_name, "xen_cpu", 7) && number(e->d_name + 7, 10, 1u << 20, &v) &&
			v >= nr)
			nr = (uint32_t)v + 1;
	closedir(dir);
	return nr;
}

uint32_t xen_sysfs_cpus(const char *root, const char **source)
{
	struct buf madt = {0};
	struct host none;
	uint32_t nr;

	*source = "/sys/devices/system/xen_cpu";
	nr = xen_cpu_dirs(root);
	if (nr)
		return nr;
	*source = "ACPI's MADT";
	host_init(&none);
	if (factfile_read(&none, NULL, root, "/sys/firmware/acpi/tables/APIC", 1u << 20, &madt))
		nr = xen_madt_cpus(buf_bytes(&madt));
	buf_deinit(&madt);
	host_deinit(&none);
	if (nr)
		return nr;
	*source = "nothing: there is always a CPU 0";
	return 1;
}

static bool is_hex(const char *s)
{
	return *s && strspn(s, "0123456789abcdef") == strlen(s);
}

void xen_sysfs_facts(const char *root, struct host *h)
{
	const struct {
		const char *path, *fact;
		char **to;
	} texts[] = {
		{HV "version/extra", "xen.extra", &h->xen.extra},
		{HV "properties/changeset", "xen.changeset", &h->xen.changeset},
		{HV "compilation/compiler", "xen.compiler", &h->xen.compiler},
		{HV "compilation/compile_date", "xen.compile-date", &h->xen.compile_date},
		{HV "properties/capabilities", "xen.capabilities", &h->xen.capabilities},
	};

	xen_sysfs_version(root, &h->xen.major, &h->xen.minor);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		*texts[i].to = text(root, texts[i].path);
	/* Two places, by the age of the kernel. */
	h->xen.build_id = text(root, HV "properties/buildid");
	if (!h->xen.build_id)
		h->xen.build_id = text(root, HV "buildid");
	if (h->xen.build_id && !is_hex(h->xen.build_id)) {
		free(h->xen.build_id);
		h->xen.build_id = NULL;
	}
}
