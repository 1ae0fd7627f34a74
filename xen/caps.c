// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "xen/caps.h"

/* Some space-separated token of s is PREFIX-ARCH, with any of the two prefixes unless pv. */
static bool has_arch(const char *s, const char *arch, bool pv)
{
	size_t arch_len = strlen(arch);

	while (*s) {
		size_t len = strcspn(s, " \t\n");
		bool known = !strncmp(s, "xen-", 4) || (!pv && !strncmp(s, "hvm-", 4));

		if (known && len > arch_len + 4 && s[len - arch_len - 1] == '-' &&
			!strncmp(s + len - arch_len, arch, arch_len))
			return true;
		s += len;
		s += strspn(s, " \t\n");
	}
	return false;
}

unsigned xen_caps_bits(const char *capabilities)
{
	if (!capabilities)
		return 0;
	if (has_arch(capabilities, "x86_64", false))
		return 64;
	if (has_arch(capabilities, "x86_32p", false) || has_arch(capabilities, "x86_32", false))
		return 32;
	return 0;
}

bool xen_caps_pv32(const char *capabilities)
{
	return capabilities && has_arch(capabilities, "x86_32p", true);
}

bool xen_at_least(uint32_t major, uint32_t minor, uint32_t want_major, uint32_t want_minor)
{
	return major > want_major || (major == want_major && minor >= want_minor);
}

bool xen_has_kexec_load(uint32_t major, uint32_t minor)
{
	return xen_at_least(major, minor, 4, 4);
}

bool xen_has_kexec_status(uint32_t major, uint32_t minor)
{
	return xen_at_least(major, minor, 4, 9);
}

bool xen_unload_is_safe(uint32_t major, uint32_t minor)
{
	return xen_at_least(major, minor, 4, 9);
}

bool xen_allocates_notes_on_demand(uint32_t major, uint32_t minor)
{
	return xen_at_least(major, minor, 4, 2);
}

uint64_t xen_image_offset(uint32_t major, uint32_t minor)
{
	return xen_at_least(major, minor, 4, 9) ? 2 * MiB : MiB;
}
