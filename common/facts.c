// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "common/facts.h"

static const char *const hypervisors[] = {"none", "xen", NULL};
static const char *const guests[] = {"none", "PV", "PVH", "HVM", "unknown", NULL};
const char *const fact_mem_types[] = {
	"?", "ram", "reserved", "acpi", "nvs", "unusable", "?", "pmem", NULL};
const char *const fact_note_states[] = {"present", "empty", "erange", "error", NULL};

#define F(key, kind, member, names, comment)                             \
	{                                                                \
		key, kind, offsetof(struct host, member), names, comment \
	}

const struct fact_field fact_fields[] = {
	F("hypervisor", FACT_ENUM, hypervisor, hypervisors, NULL),
	F("guest", FACT_ENUM, guest, guests, "what this kernel is to the hypervisor"),
	F("control-domain", FACT_BOOL, control_domain, NULL, NULL),
	F("xen.major", FACT_U32, xen.major, NULL, NULL),
	F("xen.minor", FACT_U32, xen.minor, NULL, NULL),
	F("xen.bits", FACT_U32, xen.bits, NULL, "width of the hypervisor"),
	F("xen.extra", FACT_STR, xen.extra, NULL, NULL),
	F("xen.changeset", FACT_STR, xen.changeset, NULL, NULL),
	F("xen.compiler", FACT_STR, xen.compiler, NULL, NULL),
	F("xen.compile-date", FACT_STR, xen.compile_date, NULL, NULL),
	F("xen.capabilities", FACT_STR, xen.capabilities, NULL, NULL),
	F("xen.command-line", FACT_STR, xen.cmdline, NULL, NULL),
	F("xen.build-id", FACT_STR, xen.build_id, NULL, NULL),
	F("xen.image", FACT_RANGE, xen.image, NULL, "machine addresses of the hypervisor"),
	F("xen.image-virtual", FACT_ADDR, xen.image_virt, NULL, "virtual address of its start"),
	F("xen.vmcoreinfo", FACT_RANGE, xen.vmcoreinfo, NULL, "VMCOREINFO_XEN"),
	F("kernel.bits", FACT_U32, kernel.bits, NULL,
		"width of the running Linux, not of the tool"),
	F("kernel.release", FACT_STR, kernel.release, NULL, NULL),
	F("kernel.version", FACT_STR, kernel.version, NULL, NULL),
	F("kernel.machine", FACT_STR, kernel.machine, NULL, NULL),
	F("kernel.command-line", FACT_STR, kernel.cmdline, NULL, NULL),
	F("kernel.build-id", FACT_STR, kernel.build_id, NULL, NULL),
	F("kernel.vmcoreinfo", FACT_RANGE, kernel.vmcoreinfo, NULL,
		"machine addresses of the note"),
	F("kernel.vmcoreinfo-text", FACT_BLOB, kernel.vmcoreinfo_text, NULL, "what it says"),
	F("kernel.image", FACT_RANGE, kernel.image, NULL, "physical addresses, code to bss"),
	F("kernel.image-virtual", FACT_ADDR, kernel.image_virt, NULL,
		"virtual address of its start"),
	F("kernel.page-offset", FACT_ADDR, kernel.page_offset, NULL, "start of the direct map"),
	F("kernel.lockdown", FACT_STR, kernel.lockdown, NULL, NULL),
	F("kernel.crash-hotplug", FACT_BOOL, kernel.crash_hotplug, NULL, NULL),
	F("kernel.elfcorehdr-size", FACT_U32, kernel.elfcorehdr_size, NULL,
		"room the kernel wants to keep it current"),
	F("cpu.long-mode", FACT_BOOL, cpu_long_mode, NULL, NULL),
	F("efi", FACT_BOOL, efi, NULL, NULL),
	F("efi.info", FACT_BLOB, efi_info, NULL, "as in boot_params"),
	F("efi.fw-vendor", FACT_ADDR, efi_fw_vendor, NULL, NULL),
	F("efi.config-table", FACT_ADDR, efi_config_table, NULL, NULL),
	F("efi.smbios", FACT_ADDR, efi_smbios, NULL, NULL),
	F("efi.runtime-map", FACT_BLOB, efi_runtime_map, NULL, "struct efi_memory_desc"),
	F("rsdp", FACT_ADDR, rsdp, NULL, "ACPI root pointer"),
	F("screen-info", FACT_BLOB, screen_info, NULL, "as in boot_params"),
	F("edd", FACT_BLOB, edd, NULL, "as in boot_params"),
	F("xen.symbols-length", FACT_U32, xen.symbols_len, NULL, "before compression"),
	F("xen.symbols-z", FACT_BLOB, xen.symbols_z, NULL, "nm text, zlib"),
};
const size_t fact_nr_fields = ARRAY_SIZE(fact_fields);

static void write_string(struct buf *b, const char *s)
{
	buf_append(b, "\"", 1);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			buf_printf(b, "\\x%02x", c);
		else
			buf_append(b, &c, 1);
	}
	buf_append(b, "\"", 1);
}

static void write_blob(struct buf *b, const struct buf *blob)
{
	static const char hex[] = "0123456789abcdef";
	char line[2 + 2 * 48];

	buf_printf(b, "%zu\n", blob->len);
	for (size_t off = 0; off < blob->len; off += 48) {
		size_t n = blob->len - off < 48 ? blob->len - off : 48, len = 0;

		line[len++] = '\t';
		for (size_t i = 0; i < n; i++) {
			line[len++] = hex[blob->data[off + i] >> 4];
			line[len++] = hex[blob->data[off + i] & 15];
		}
		line[len++] = '\n';
		buf_append(b, line, len);
	}
}

/* Absent values are not written: reading starts from the same empty values. */
static void write_field(struct buf *b, const struct fact_field *f, const struct host *h)
{
	const void *p = (const char *)h + f->off;
	const struct range *r = p;
	const struct buf *blob = p;
	const char *s;

	switch (f->kind) {
	case FACT_U32:
		if (*(const uint32_t *)p)
			buf_printf(b, "%s = %u\n", f->key, *(const uint32_t *)p);
		break;
	case FACT_ADDR:
		if (*(const uint64_t *)p)
			buf_printf(b, "%s = %" PRIaddr "\n", f->key, *(const uint64_t *)p);
		break;
	case FACT_BOOL: buf_printf(b, "%s = %s\n", f->key, *(const bool *)p ? "yes" : "no"); break;
	case FACT_ENUM: buf_printf(b, "%s = %s\n", f->key, f->names[*(const int *)p]); break;
	case FACT_STR:
		s = *(char *const *)p;
		if (!s)
			break;
		buf_printf(b, "%s = ", f->key);
		write_string(b, s);
		buf_append(b, "\n", 1);
		break;
	case FACT_RANGE:
		if (!range_empty(*r))
			buf_printf(
				b, "%s = 0x%" PRIx64 "-0x%" PRIx64 "\n", f->key, r->start, r->end);
		break;
	case FACT_BLOB:
		if (!blob->len)
			break;
		buf_printf(b, "%s = ", f->key);
		write_blob(b, blob);
		break;
	}
}

static void write_mem(struct buf *b, const char *key, const struct mem_range *m)
{
	buf_printf(b, "%s = 0x%" PRIx64 "-0x%" PRIx64 " ", key, m->r.start, m->r.end);
	if (m->type >= MEM_RAM && m->type <= MEM_PMEM && fact_mem_types[m->type][0] != '?')
		buf_printf(b, "%s\n", fact_mem_types[m->type]);
	else
		buf_printf(b, "%u\n", m->type);
}

enum xk_status facts_write(const struct host *h, struct buf *ret, struct diag *d)
{
	buf_printf(ret, FACTS_HEADER "\n");
	for (size_t i = 0; i < fact_nr_fields; i++) {
		size_t before = ret->len;
		const struct fact_field *f = &fact_fields[i];

		if (f->comment)
			buf_printf(ret, "# %s\n", f->comment);
		if (f->comment && !ret->failed) {
			size_t with = ret->len;

			write_field(ret, f, h);
			if (ret->len == with)
				ret->len = before; /* absent: no comment either */
		} else {
			write_field(ret, f, h);
		}
	}
	for (size_t i = 0; i < h->memory.nr; i++)
		write_mem(ret, "memory", &h->memory.v[i]);
	for (size_t i = 0; i < h->crash.nr; i++)
		write_mem(ret, "crash-region", &h->crash.v[i]);
	for (size_t i = 0; i < h->nr_cpu_notes; i++) {
		const struct cpu_note *n = &h->cpu_notes[i];

		buf_printf(ret, "cpu-note = %u %s 0x%" PRIx64 "-0x%" PRIx64 "\n", n->cpu,
			fact_note_states[n->state], n->r.start, n->r.end);
	}
	for (size_t i = 0; i < h->nr_gaps; i++) {
		buf_printf(ret, "missing = ");
		write_string(ret, h->gaps[i].fact);
		buf_append(ret, " ", 1);
		write_string(ret, h->gaps[i].reason);
		buf_append(ret, "\n", 1);
	}
	if (ret->failed)
		return diag_fail(d, XK_NOMEM, "no memory to write the facts");
	return XK_OK;
}
