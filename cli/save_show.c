// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/save.h"
#include "common/json.h"

static double mib(uint64_t pages)
{
	return (double)pages / 256;
}

static const char *format_name(const struct save_request *rq)
{
	return rq->format == SAVE_ELF ? "elf" : "kdump";
}

/* Of a guest all pages are of one kind, but those that dom0 has mapped. */
static void show_guests(FILE *f, const struct save_result *r)
{
	for (size_t i = 0; i < r->nr_guests; i++)
		fprintf(f, "  of domain %-17" PRIu32 " %12.1f %12.1f\n", r->guests[i].id,
			mib(r->guests[i].pages), mib(r->guests[i].kept));
}

static void show_kinds(FILE *f, const struct save_result *r, bool estimate)
{
	const struct save_count *n = &r->count;
	bool guests = false;

	fprintf(f, "%-28s %12s %12s%s\n", "pages", "found MiB", "kept MiB",
		estimate ? "     file MiB" : "");
	for (unsigned k = 0; k < PK_KINDS; k++) {
		guests |= (k == PK_GUEST || k == PK_GUEST_KEPT) && n->found[k];
		if (n->found[k]) {
			fprintf(f, "%-28s %12.1f %12.1f", page_kind_name((enum page_kind)k),
				mib(n->found[k]), mib(n->kept[k]));
			if (estimate)
				fprintf(f, " %12.1f", (double)r->estimate.kind[k] / MiB);
			fputc('\n', f);
		}
		if (k == PK_GUEST_KEPT && guests)
			show_guests(f, r);
	}
	if (estimate)
		fprintf(f, "%-28s %12s %12.1f\n", "zero pages among them, about", "",
			mib(r->estimate.zero));
}

static void show_small(FILE *f, const char *path, enum small_kind k, uint64_t bytes)
{
	char text[64], *name;

	if (asprintf(&name, "%s%s", path, small_suffix(k)) < 0)
		return;
	snprintf(text, sizeof(text), "written %.1f KiB to ", (double)bytes / KiB);
	print_line(f, text, name);
	free(name);
}

enum xk_status save_show_text(
	const struct save_request *rq, const struct save_result *r, const struct notes_lost *lost)
{
	const bool stream = !strcmp(rq->path, "-") && !rq->dry_run;
	FILE *f = stream ? stderr : stdout;
	const struct save_count *n = &r->count;

	show_kinds(f, r, rq->dry_run);
	if (!rq->dry_run) {
		fprintf(f, "%-28s %12s %12.1f, of which zero %.1f, twins of others %.1f\n",
			"in the dump", "", mib(n->written), mib(n->zero), mib(n->twins));
		if (n->bad)
			fprintf(f, "%-28s %12.1f, not in the dump; the first is at %#" PRIx64 "\n",
				"not to be read", mib(n->bad), n->first_bad * CORE_PAGE);
		if (n->missing)
			fprintf(f, "%-28s %12.1f\n", "not in the source", mib(n->missing));
	}
	if (*lost->text)
		print_line(f, "", lost->text);
	fprintf(f, "format %s%s, compression %s, %u thread%s\n", format_name(rq),
		rq->flattened || stream ? " flattened" : "", r->compressor, r->threads,
		r->threads == 1 ? "" : "s");
	if (rq->dry_run) {
		fprintf(f, "estimated size %.1f MiB (%" PRIu64 " bytes)",
			(double)r->estimate.bytes / MiB, r->estimate.bytes);
		if (r->room != UINT64_MAX)
			fprintf(f, ", %.1f MiB are free", (double)r->room / MiB);
		fputc('\n', f);
	} else {
		char text[96];
		const char *how = stream ? "standard output" : r->whole ? "" : "(incomplete) ";

		if (rq->parts)
			snprintf(text, sizeof(text),
				"written %.1f MiB in %u files, numbered from .1 on: %s",
				(double)r->bytes / MiB, rq->parts, how);
		else
			snprintf(text, sizeof(text), "written %.1f MiB to %s",
				(double)r->bytes / MiB, how);
		print_line(f, text, stream ? "" : rq->path);
	}
	for (unsigned k = 0; k < SMALL_KINDS; k++)
		if (r->small.written[k])
			show_small(f, rq->path, k, r->small.bytes[k]);
	return XK_OK;
}

static bool add(struct json_object *o, const char *key, struct json_object *v)
{
	return v && !json_object_object_add(o, key, v);
}

static bool add_number(struct json_object *o, const char *key, uint64_t v)
{
	return add(o, key, json_object_new_int64((int64_t)v));
}

static bool add_kinds(struct json_object *o, const struct save_result *r)
{
	const struct save_count *n = &r->count;
	struct json_object *list = json_object_new_array();

	if (!add(o, "kinds", list))
		return false;
	for (unsigned k = 0; k < PK_KINDS; k++) {
		struct json_object *e;

		if (!n->found[k])
			continue;
		e = json_object_new_object();
		if (!e || json_object_array_add(list, e))
			return false;
		if (!add(e, "kind", json_text(page_kind_name((enum page_kind)k))) ||
			!add_number(e, "found", n->found[k]) ||
			!add_number(e, "kept", n->kept[k]) ||
			!add_number(e, "estimated-bytes", r->estimate.kind[k]))
			return false;
	}
	return true;
}

static bool add_guests(struct json_object *o, const struct save_result *r)
{
	struct json_object *list = json_object_new_array();

	if (!add(o, "guests", list))
		return false;
	for (size_t i = 0; i < r->nr_guests; i++) {
		struct json_object *e = json_object_new_object();

		if (!e || json_object_array_add(list, e))
			return false;
		if (!add_number(e, "domain", r->guests[i].id) ||
			!add_number(e, "found", r->guests[i].pages) ||
			!add_number(e, "kept", r->guests[i].kept))
			return false;
	}
	return true;
}

/* "bytes.dmesg" and so on: there is a file of that suffix. */
static bool add_small(struct json_object *o, enum small_kind k, uint64_t bytes)
{
	char key[32];

	snprintf(key, sizeof(key), "bytes%s", small_suffix(k));
	return add_number(o, key, bytes);
}

static bool add_all(
	struct json_object *o, const struct save_request *rq, const struct save_result *r)
{
	const struct save_count *n = &r->count;
	bool ok = add_number(o, "page-size", CORE_PAGE) && add_number(o, "pages", n->pages) &&
		  add_kinds(o, r) && add_guests(o, r) &&
		  add(o, "format", json_text(format_name(rq))) &&
		  add(o, "compression", json_text(codec_name(rq->codec))) &&
		  add(o, "compressor", json_text(r->compressor)) &&
		  add_number(o, "threads", r->threads) &&
		  add_number(o, "estimated-bytes", r->estimate.bytes) &&
		  add_number(o, "estimated-zero-pages", r->estimate.zero) &&
		  add(o, "filtered", json_object_new_boolean(r->filtered));

	if (r->room != UINT64_MAX)
		ok = ok && add_number(o, "free-bytes", r->room);
	if (!r->filtered)
		ok = ok && add(o, "unfiltered-because", json_text(r->unfiltered_why));
	if (rq->parts)
		ok = ok && add_number(o, "parts", rq->parts);
	if (rq->dry_run)
		return ok;
	ok = ok && add_number(o, "pages-written", n->written) &&
	     add_number(o, "pages-zero", n->zero) && add_number(o, "pages-twin", n->twins) &&
	     add_number(o, "pages-bad", n->bad) && add_number(o, "pages-missing", n->missing) &&
	     add_number(o, "bytes", r->bytes) && add(o, "whole", json_object_new_boolean(r->whole));
	if (n->bad)
		ok = ok && add_number(o, "first-bad-address", n->first_bad * CORE_PAGE);
	if (!r->whole)
		ok = ok && add(o, "incomplete-because", json_text(r->incomplete_why));
	for (unsigned k = 0; k < SMALL_KINDS; k++)
		if (r->small.written[k])
			ok = ok && add_small(o, k, r->small.bytes[k]);
	return ok;
}

enum xk_status save_show_json(const struct save_request *rq, const struct save_result *r,
	const struct notes_lost *lost, struct diag *d)
{
	struct json_object *o = json_object_new_object();
	enum xk_status st = XK_OK;

	if (o && add_all(o, rq, r) && add_number(o, "cpu-notes-recovered", lost->found) &&
		add_number(o, "cpu-notes-missing", lost->missing))
		puts(json_object_to_json_string_ext(
			o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	else
		st = diag_fail(d, XK_NOMEM, "no memory for the summary");
	json_object_put(o);
	return st;
}
