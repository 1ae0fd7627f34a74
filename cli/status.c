// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cli.h"
#include "cli/machine.h"
#include "common/json.h"

static const char *state_name(enum armed_state st)
{
	return st == ARMED_YES ? "armed" : st == ARMED_NO ? "not armed" : "unknown";
}

static void show_json(const struct armed *a)
{
	struct json_object *o = json_object_new_object();
	char text[24];

	json_object_object_add(o, "version", json_object_new_int(1));
	json_object_object_add(o, "state", json_text(state_name(a->state)));
	json_object_object_add(o, "why", json_text(a->why));
	if (a->kernel[0]) {
		json_object_object_add(o, "kernel", json_text(a->kernel));
		json_object_object_add(o, "since", json_text(a->since));
		if (a->digest[0])
			json_object_object_add(o, "digest", json_text(a->digest));
		snprintf(text, sizeof(text), "0x%" PRIx64, a->region.start);
		json_object_object_add(o, "region_start", json_object_new_string(text));
		snprintf(text, sizeof(text), "0x%" PRIx64, a->region.end);
		json_object_object_add(o, "region_end", json_object_new_string(text));
	}
	printf("%s\n", json_object_to_json_string_ext(
			       o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

static void show_text(const struct armed *a)
{
	printf("%s", state_name(a->state));
	print_line(stdout, ": ", a->why);
	if (!a->kernel[0])
		return;
	print_line(stdout, "  kernel ", a->kernel);
	print_line(stdout, "  since  ", a->since);
	printf("  region %#" PRIx64 "-%#" PRIx64 "\n", a->region.start, a->region.end);
	if (a->digest[0])
		print_line(stdout, "  digest ", a->digest);
}

static enum xk_status run(struct settings *s, struct diag *d)
{
	struct armed a = {0};
	struct machine m;
	struct host h;
	enum xk_status st;

	host_init(&h);
	st = machine_probe(s, &h, d);
	if (!st)
		st = machine_open(&m, &h, s->rundir, d);
	if (!st) {
		st = machine_status(&m, &a, d);
		machine_close(&m);
	}
	if (!st) {
		if (s->json)
			show_json(&a);
		else
			show_text(&a);
		st = a.state == ARMED_YES ? XK_OK : a.state == ARMED_NO ? XK_FAIL : XK_STATE;
	}
	host_deinit(&h);
	return st;
}

const struct command cmd_status = {
	.name = "status",
	.args = "[OPTION]...",
	.summary = "is a crash kernel armed? exit 0 yes, 1 no, 12 cannot be told",
	.text = "Says whether a crash kernel is loaded, by what and since when. Xen's own answer only\n"
		"counts changes, so it is read together with the record that load leaves; when the\n"
		"two disagree someone else used the interface, and the answer is \"unknown\". Linux\n"
		"says whether, and the record by what.",
	.options = options_status,
	.run = run,
};
