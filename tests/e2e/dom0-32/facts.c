// SPDX-License-Identifier: GPL-2.0-only
/* What `xenkdump facts` asks of Xen in a 32-bit dom0, asked here, in the same text. */
#include "dom0.h"
#include "hypercall.h"

static union {
	char text[1025];
	struct compile_info compile;
	struct build_id build_id;
} answer;

static struct e820_entry memory[1024];

static int32_t version(uint32_t what)
{
	for (uint32_t i = 0; i < sizeof(answer); i++)
		answer.text[i] = 0;
	if (what == XENVER_BUILD_ID)
		answer.build_id.len = sizeof(answer.build_id.buf);
	return hypercall(HYPERCALL_XEN_VERSION, what, virt(&answer), 0, 0);
}

static void missing(struct text *t, const char *fact, const char *why, int32_t result)
{
	text_add(t, "missing = \"");
	text_add(t, fact);
	text_add(t, "\" \"");
	text_add(t, why);
	if (result < 0) {
		text_add(t, ": error ");
		text_dec(t, (uint32_t)-result);
	}
	text_add(t, "\"\n");
}

static void number(struct text *t, const char *key, uint32_t v)
{
	text_add(t, key);
	text_add(t, " = ");
	text_dec(t, v);
	text_add(t, "\n");
}

static void string(struct text *t, const char *key, const char *s, uint32_t max)
{
	text_add(t, key);
	text_add(t, " = ");
	text_quoted(t, s, max);
	text_add(t, "\n");
}

static void ask_string(struct text *t, const char *key, uint32_t what)
{
	int32_t ret = version(what);

	if (ret < 0)
		missing(t, key, "asking Xen", ret);
	else
		string(t, key, answer.text, sizeof(answer.text) - 1);
}

static bool contains(const char *s, const char *word)
{
	for (; *s; s++) {
		uint32_t i = 0;

		while (word[i] && s[i] == word[i])
			i++;
		if (!word[i])
			return true;
	}
	return false;
}

static void ask_strings(struct text *t)
{
	int32_t v = version(XENVER_VERSION);
	bool wide;

	number(t, "xen.major", (uint32_t)v >> 16);
	number(t, "xen.minor", (uint32_t)v & 0xffff);
	ask_string(t, "xen.extra", XENVER_EXTRAVERSION);
	ask_string(t, "xen.changeset", XENVER_CHANGESET);
	ask_string(t, "xen.command-line", XENVER_COMMANDLINE);
	ask_string(t, "xen.capabilities", XENVER_CAPABILITIES);
	wide = contains(answer.text, "x86_64");
	number(t, "xen.bits", wide ? 64 : 32);
	/* Xen hides the bit from CPUID here; a 64-bit hypervisor proves it. */
	text_add(t, wide ? "cpu.long-mode = yes\n" : "cpu.long-mode = no\n");
	v = version(XENVER_COMPILE_INFO);
	if (v < 0) {
		missing(t, "xen.compiler", "asking Xen", v);
	} else {
		string(t, "xen.compiler", answer.compile.compiler, sizeof(answer.compile.compiler));
		string(t, "xen.compile-date", answer.compile.date, sizeof(answer.compile.date));
	}
	v = version(XENVER_BUILD_ID);
	if (v <= 0 || (uint32_t)v > sizeof(answer.build_id.buf)) {
		missing(t, "xen.build-id", "asking Xen", v);
		return;
	}
	text_add(t, "xen.build-id = \"");
	for (int32_t i = 0; i < v; i++)
		text_hex_byte(t, answer.build_id.buf[i]);
	text_add(t, "\"\n");
}

static void range(struct text *t, uint64_t start, uint64_t size)
{
	text_hex(t, start);
	text_add(t, "-");
	text_hex(t, start + size);
}

static void ask_range(struct text *t, const char *key, int32_t what, const char *type)
{
	struct kexec_range r = {.range = what};
	int32_t ret = kexec_op(KEXEC_CMD_GET_RANGE, &r);

	if (ret || !r.size) {
		missing(t, key, "asking Xen", ret);
		return;
	}
	text_add(t, key);
	text_add(t, " = ");
	range(t, r.start, r.size);
	text_add(t, type);
	text_add(t, "\n");
}

static void ask_memory(struct text *t)
{
	static const char *const types[] = {"?", "ram", "reserved", "acpi", "nvs", "unusable"};
	struct memory_map map = {.nr_entries = sizeof(memory) / sizeof(memory[0])};
	int32_t ret;

	map.buffer = virt(memory);
	ret = hypercall(HYPERCALL_MEMORY_OP, XENMEM_MACHINE_MEMORY_MAP, virt(&map), 0, 0);
	if (ret) {
		missing(t, "memory", "asking Xen", ret);
		return;
	}
	for (uint32_t i = 0; i < map.nr_entries; i++) {
		if (!memory[i].size)
			continue;
		text_add(t, "memory = ");
		range(t, memory[i].addr, memory[i].size);
		text_add(t, " ");
		if (memory[i].type >= 1 && memory[i].type <= 5)
			text_add(t, types[memory[i].type]);
		else
			text_dec(t, memory[i].type);
		text_add(t, "\n");
	}
}

/* ERANGE means "above 4 GiB" for a processor that is there, "no such" for any other; so the number
 * of processors has to come from elsewhere. */
static uint32_t processors(void)
{
	struct pcpuinfo info = {
		.cmd = XENPF_GET_CPUINFO, .interface_version = XENPF_INTERFACE_VERSION};

	if (hypercall(HYPERCALL_PLATFORM_OP, virt(&info), 0, 0, 0))
		return 1;
	return info.max_present + 1;
}

static void ask_cpu_notes(struct text *t)
{
	uint32_t known = processors(), hidden = 0;

	for (uint32_t nr = 0; nr < 4096; nr++) {
		struct kexec_range r = {.range = KEXEC_RANGE_CPU, .nr = (int32_t)nr};
		int32_t ret = kexec_op(KEXEC_CMD_GET_RANGE, &r);
		bool erange = ret == -ERR_ERANGE;

		if (ret && (!erange || nr >= known)) {
			if (!erange)
				missing(t, "cpu-note", "asking Xen", ret);
			break;
		}
		hidden += erange;
		text_add(t, "cpu-note = ");
		text_dec(t, nr);
		text_add(t, erange ? " erange " : r.size ? " present " : " empty ");
		range(t, erange ? 0 : r.start, erange ? 0 : r.size);
		text_add(t, "\n");
	}
	if (hidden)
		missing(t, "cpu-note", "notes above 4 GiB, which Xen cannot tell a 32-bit dom0 of",
			0);
}

void facts_collect(struct text *t)
{
	text_add(t, "xenkdump-facts 1\n"
		    "hypervisor = xen\n"
		    "guest = PV\n"
		    "control-domain = yes\n"
		    "kernel.bits = 32\n"
		    "kernel.release = \"xenkdump-test\"\n"
		    "kernel.machine = \"i686\"\n");
	ask_strings(t);
	ask_range(t, "xen.image", KEXEC_RANGE_XEN, "");
	ask_range(t, "xen.vmcoreinfo", KEXEC_RANGE_VMCOREINFO, "");
	ask_memory(t);
	ask_range(t, "crash-region", KEXEC_RANGE_CRASH, " ram");
	ask_cpu_notes(t);
	missing(t, "xen.symbols-z", "this kernel does not ask for them", 0);
	missing(t, "xen.image-virtual", "no hypervisor symbols", 0);
	missing(t, "kernel.vmcoreinfo", "this kernel has none", 0);
}
