// SPDX-License-Identifier: GPL-2.0-only
/*
 * Since 6.6 Linux can rewrite the elfcorehdr of a loaded crash kernel when CPUs or memory come and
 * go. The files' values tell of the crash kernel that is loaded (0 without one, and 0 for one whose
 * loader did not allow it), so that they are there is the fact, and not what they say.
 */
#include <unistd.h>

#include "common/factfile.h"
#include "native/machine.h"
#include "common/number.h"

#define HDR_SIZE "/sys/kernel/crash_elfcorehdr_size"
/* An ELF header and one program header; and what tens of thousands of them take. */
#define MIN_SIZE (64 + 56)
#define MAX_SIZE (64 * MiB)

void native_crash_hotplug(const char *root, struct host *h)
{
	static const char *const files[] = {"/sys/devices/system/cpu/crash_hotplug",
		"/sys/devices/system/memory/crash_hotplug"};
	_cleanup_(freep) char *size = NULL;
	bool found = false;
	uint64_t n;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_(freep) char *path = factfile_path(root, files[i]);

		found |= path && !access(path, F_OK);
	}
	if (!found)
		return; /* an older kernel, or one without hotplug: "no" is the answer */
	size = factfile_text(h, "kernel.elfcorehdr-size", root, HDR_SIZE);
	if (size && number_whole(size, 10, MAX_SIZE, &n) && n >= MIN_SIZE) {
		h->kernel.crash_hotplug = true;
		h->kernel.elfcorehdr_size = (uint32_t)n;
		return;
	}
	if (size)
		host_gap(h, "kernel.elfcorehdr-size",
			HDR_SIZE " says \"%.40s\", wanted a size from 120 bytes to 64 MiB", size);
	host_gap(h, "kernel.crash-hotplug",
		"without kernel.elfcorehdr-size it is unknown how much room the kernel wants");
}
