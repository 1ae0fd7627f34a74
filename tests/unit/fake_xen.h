/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hypervisor for tests: what Xen's kexec operation does, from its documentation and source,
 * with memory for a crash region that loads really write to. Written independently of xen/, so
 * that a rule misunderstood there is refused here.
 */
#ifndef FAKE_XEN_H
#define FAKE_XEN_H

#include "common/io.h"
#include "common/range.h"
#include "xen/ctrl.h"

#define FAKE_MAX_CPUS 64
#define FAKE_MAX_MAP  8

struct fake_image {
	bool present, freed;
	uint16_t arch;
	uint64_t entry;
	unsigned id;
};

enum fake_call {
	FAKE_VERSION,
	FAKE_RANGE,
	FAKE_MAP,
	FAKE_LOAD,
	FAKE_UNLOAD,
	FAKE_STATUS,
	FAKE_EXEC
};

struct fake_xen {
	/* What it is. */
	uint32_t major, minor;
	const char *extra, *changeset, *capabilities, *cmdline;
	uint8_t build_id[20];
	bool has_kexec; /* CONFIG_KEXEC, and a caller of a type that has the operation */
	bool privileged;
	bool compat; /* the caller's kernel is 32-bit */
	struct range crash, image, vmcoreinfo;
	struct range notes[FAKE_MAX_CPUS]; /* empty: 0/0 */
	uint32_t nr_cpus;
	struct xen_e820_entry map[FAKE_MAX_MAP];
	uint32_t nr_map;

	/* What it has done. */
	uint8_t *memory; /* the crash region's content */
	uint8_t *taken; /* per page: Xen's control pages */
	struct fake_image images[2]; /* the two slots of type CRASH */
	unsigned bit; /* which slot is current: what status gives */
	unsigned next_id;
	bool panicked;
	bool executed;
	unsigned opened;

	/* Failure injection: the fail_at-th call that could fail (1 is the next) gives fail_errno,
	 * as does, with fail_on, every call of kinds in that mask. */
	unsigned fail_at;
	int fail_errno;
	unsigned fail_on;
	unsigned calls[FAKE_EXEC + 1];
	unsigned all_calls;
	unsigned ops_changing; /* loads and unloads that were tried */

	/* Memory that a hypercall may read. */
	struct payload_alloc alloc;
	struct bytes safe[16];
	size_t nr_safe;
	bool alloc_fails;
};

void fake_xen_init(struct fake_xen *f, struct range crash);
void fake_xen_deinit(struct fake_xen *f);
struct xen fake_xen_handle(struct fake_xen *f);

/* What is really loaded, whatever status says. */
bool fake_xen_loaded(const struct fake_xen *f);

/* Another tool's operations, not subject to injection. */
void fake_xen_foreign_load(struct fake_xen *f);
void fake_xen_foreign_unload(struct fake_xen *f);

#endif
