// SPDX-License-Identifier: GPL-2.0-only
/* The plan for programs. Addresses are strings: they do not fit a JSON reader's doubles. */
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "common/facts.h"
#include "common/json.h"
#include "common/plan_mem.h"

/* json-c reports want of memory by NULL and takes NULL as null, so one check at the end of the
 * string's making is enough; what is lost on the way can only be a member. */
static void add(struct json_object *o, const char *key, struct json_object *v)
{
	json_object_object_add(o, key, v);
}

static struct json_object *address(uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, v);
	return json_object_new_string(text);
}

static void add_range(struct json_object *o, struct range r)
{
	add(o, "start", address(r.start));
	add(o, "end", address(r.end));
	add(o, "size", json_object_new_uint64(range_size(r)));
}

static struct json_object *seg_object(const struct plan *p, const struct seg *s)
{
	struct json_object *o = json_object_new_object();
	char hex[2 * sizeof(s->sha256) + 1];

	add(o, "kind", json_object_new_string(seg_kind_name(s->kind)));
	add_range(o, s->dest);
	add(o, "bytes", json_object_new_uint64(s->len));
	add(o, "map_only", json_object_new_boolean(!s->buf));
	add(o, "protected", json_object_new_boolean(s->protected));
	if (plan_verifies(p, s)) {
		for (size_t i = 0; i < sizeof(s->sha256); i++)
			snprintf(hex + 2 * i, 3, "%02x", s->sha256[i]);
		add(o, "sha256", json_object_new_string(hex));
	}
	add(o, "reason", json_object_new_string(s->reason));
	return o;
}

static struct json_object *core_object(const struct plan *p)
{
	static const char *const os[] = {"none", "address", "copy"};
	struct json_object *o = json_object_new_object();

	add(o, "class", json_object_new_int(p->core_class == ELFCLASS64 ? 64 : 32));
	add(o, "machine",
		json_object_new_string(p->core_machine == EM_X86_64 ? "EM_X86_64" : "EM_386"));
	add(o, "program_headers", json_object_new_int((int)p->core.phdrs));
	add(o, "cpu_notes", json_object_new_int((int)p->core.cpu_notes));
	add(o, "ram_ranges", json_object_new_int((int)p->core.ram_loads));
	add(o, "xen_vmcoreinfo", json_object_new_boolean(p->core.xen_vmcoreinfo));
	add(o, "kernel_vmcoreinfo", json_object_new_string(os[p->core.os_vmcoreinfo]));
	add(o, "hotplug", json_object_new_boolean(p->hotplug));
	add(o, "kernel_image", json_object_new_boolean(p->core.kernel_image));
	add(o, "xen_image", json_object_new_boolean(p->core.xen_image));
	add(o, "xenkdump_note_bytes", json_object_new_uint64(p->core.xenkdump_note));
	return o;
}

static struct json_object *plan_object(const struct plan *p)
{
	struct json_object *o = json_object_new_object(), *list, *item;

	add(o, "version", json_object_new_int(1));
	add(o, "machine", json_object_new_string(p->machine == EM_X86_64 ? "EM_X86_64" : "EM_386"));
	add(o, "entry", address(p->entry));
	add(o, "kernel_entry", address(p->kernel_entry));
	add(o, "kernel_entry_bits", json_object_new_int((int)p->entry_bits));
	add(o, "command_line", json_text(p->cmdline));
	item = json_object_new_object();
	add_range(item, p->region);
	add(o, "region", item);
	list = json_object_new_array();
	for (size_t i = 0; i < p->more.nr; i++) {
		item = json_object_new_object();
		add_range(item, p->more.v[i].r);
		json_object_array_add(list, item);
	}
	add(o, "other_regions", list);
	add(o, "efi_ranges", json_object_new_int((int)p->efi_ranges));
	item = json_object_new_object();
	add_range(item, p->control);
	add(item, "need", json_object_new_uint64(p->control_need));
	add(o, "control", item);
	add(o, "core", core_object(p));
	list = json_object_new_array();
	for_each_seg (s, p)
		json_object_array_add(list, seg_object(p, s));
	add(o, "segments", list);
	list = json_object_new_array();
	for (size_t i = 0; i < p->e820.nr; i++) {
		item = json_object_new_object();
		add_range(item, p->e820.v[i].r);
		add(item, "type", json_object_new_int64(p->e820.v[i].type));
		json_object_array_add(list, item);
	}
	add(o, "memory_map", list);
	list = json_object_new_array();
	for (size_t i = 0; i < p->nr_warnings; i++)
		json_object_array_add(list, json_text(p->warnings[i]));
	add(o, "warnings", list);
	return o;
}

enum xk_status plan_print_json(const struct plan *p, struct buf *ret, struct diag *d)
{
	struct json_object *o = plan_object(p);
	const char *text = o ? json_object_to_json_string_ext(
				       o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE)
			     : NULL;

	if (text)
		buf_printf(ret, "%s\n", text);
	json_object_put(o);
	if (!text || ret->failed)
		return diag_fail(d, XK_NOMEM, "no memory to print the plan");
	return XK_OK;
}
