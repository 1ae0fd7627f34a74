// SPDX-License-Identifier: GPL-2.0-only
/* dom0's memory as a core of its own, out of a hypervisor's. */
#include "tests/fuzz/xen_world.h"
#include "vmcore/dom0_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct core_notes own;
	struct xen_world w;
	struct core dom0;
	struct diag d;
	enum xk_status st;

	if (!xw_open(data, len, &w))
		return 0;
	diag_init(&d);
	st = dom0_view_open(&w.core, &w.n, &dom0, &d);
	if (st) {
		CHECK((st == XK_BAD_INPUT || st == XK_UNSUPPORTED) && d.text[0]);
	} else {
		check_core(&dom0);
		CHECK(!core_notes_parse(buf_bytes(&dom0.notes), dom0.machine, &own, &d));
		CHECK(!own.xen);
		core_notes_deinit(&own);
		core_close(&dom0);
	}
	xw_close(&w);
	return 0;
}
