// SPDX-License-Identifier: GPL-2.0-only
/* Source: Linux include/uapi/linux/utsname.h, include/linux/utsname.h (struct uts_namespace). */
#include "vmcore/linux_uts.h"

/* struct new_utsname: this many texts of LINUX_UTS_LEN bytes. */
enum { SYSNAME, NODENAME, RELEASE, VERSION, MACHINE, DOMAINNAME, NAMES };

/* One field: a text that ends, of characters that can be shown. */
static bool take(const uint8_t *names, unsigned field, char *ret)
{
	const uint8_t *p = names + field * LINUX_UTS_LEN;
	const uint8_t *nul = memchr(p, 0, LINUX_UTS_LEN);

	if (!nul)
		return false;
	for (const uint8_t *c = p; c < nul; c++)
		if (*c < 0x20 || *c > 0x7e)
			return false;
	memcpy(ret, p, (size_t)(nul - p) + 1);
	return true;
}

static bool read_at(const struct core_notes *n, const struct linux_xlat *l, struct core_reader *r,
	vaddr_t at, struct linux_uts *ret)
{
	struct bytes told = vmcoreinfo_value(n->vmcoreinfo, "OSRELEASE");
	uint8_t names[NAMES * LINUX_UTS_LEN];
	char system[LINUX_UTS_LEN];
	struct linux_uts u;

	if (!linux_read(l, r, at, names, sizeof(names)) || !take(names, SYSNAME, system) ||
		strcmp(system, "Linux") || !take(names, RELEASE, u.release) ||
		!take(names, VERSION, u.version) || !take(names, MACHINE, u.machine) || !*u.release)
		return false;
	if (told.len &&
		(told.len != strlen(u.release) || memcmp(told.data, u.release, told.len) != 0))
		return false;
	*ret = u;
	return true;
}

bool linux_uts_read(const struct core_notes *n, const struct linux_xlat *l, struct core_reader *r,
	struct linux_uts *ret)
{
	uint64_t off;
	vaddr_t ns;

	if (!vmcoreinfo_symbol(n->vmcoreinfo, "init_uts_ns", &ns))
		return false;
	if (vmcoreinfo_offset(n->vmcoreinfo, "uts_namespace.name", &off))
		return off < CORE_PAGE && read_at(n, l, r, ns + off, ret);
	/* Before 5.11 nobody says it: a reference count comes first. */
	return read_at(n, l, r, ns + 4, ret) || read_at(n, l, r, ns, ret);
}
