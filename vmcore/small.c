// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "vmcore/linux_log.h"
#include "vmcore/log_text.h"
#include "vmcore/out.h"
#include "vmcore/small.h"
#include "vmcore/small_text.h"

#define FLUSH_AT 65536u

static const char *const suffixes[SMALL_KINDS] = {".report", ".dmesg", ".xen", ".notes"};

const char *small_suffix(enum small_kind k)
{
	return k < SMALL_KINDS ? suffixes[k] : "";
}

struct small {
	const struct core *c;
	const struct core_notes *n;
	const struct small_request *rq;
	struct small_files *ret;
	struct core_reader *r;
	struct xen_xlat xen;
	struct linux_xlat kernel;
	bool have_xen, have_linux;
	struct diag no_xen, no_linux;
	struct panic panic;
};

/* A file on its way; after a failure nothing more is written. */
struct file {
	struct small *s;
	enum small_kind kind;
	struct out *out;
	struct buf buf; /* not yet written */
	uint64_t len;
	enum xk_status st;
	struct diag d;
};

static void notice(const struct small *s, const char *text)
{
	if (s->rq->notice)
		s->rq->notice(s->rq->ctx, text);
}

static char *name_of(const char *path, enum small_kind kind, const char *more)
{
	char *name;

	return asprintf(&name, "%s%s%s", path, suffixes[kind], more) < 0 ? NULL : name;
}

enum xk_status small_check(const char *path, struct diag *d)
{
	static const char *const more[] = {"", ".part", ".incomplete"};

	for (unsigned k = 0; k < SMALL_KINDS; k++)
		for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
			char *name = name_of(path, k, more[i]);
			struct stat st;
			bool there;

			if (!name)
				return diag_fail(d, XK_NOMEM, "no memory for a path");
			there = !lstat(name, &st);
			if (there)
				diag_fail(d, XK_IO,
					"%s: is there already, and nothing is replaced: move it away, choose another name for the dump, or leave the small files out (--no-small)",
					name);
			free(name);
			if (there)
				return XK_IO;
		}
	return XK_OK;
}

static void file_open(struct file *f, struct small *s, enum small_kind kind)
{
	char *name = name_of(s->rq->path, kind, "");

	*f = (struct file){.s = s, .kind = kind};
	diag_init(&f->d);
	if (name)
		f->st = out_create(name, false, &f->out, &f->d);
	else
		f->st = diag_fail(&f->d, XK_NOMEM, "no memory for a path");
	free(name);
}

static void file_flush(struct file *f)
{
	if (f->st == XK_OK && f->buf.failed)
		f->st = diag_fail(&f->d, XK_NOMEM, "%s%s: no memory for its text", f->s->rq->path,
			suffixes[f->kind]);
	if (f->st == XK_OK && f->buf.len)
		f->st = out_write(f->out, f->len, f->buf.data, f->buf.len, &f->d);
	f->len += f->buf.len;
	f->buf.len = 0;
}

/* After something was appended to its buffer; false: there is no sense in going on. */
static bool file_more(struct file *f)
{
	if (f->buf.len >= FLUSH_AT || f->buf.failed)
		file_flush(f);
	return f->st == XK_OK;
}

static void file_close(struct file *f)
{
	struct small_files *ret = f->s->ret;

	file_flush(f);
	buf_deinit(&f->buf);
	if (f->st == XK_OK)
		f->st = out_publish(f->out, true, &f->d);
	else
		out_abandon(f->out, false);
	if (f->st != XK_OK) {
		diag_append(&f->d, "; the dump goes on without this file");
		notice(f->s, f->d.text);
		return;
	}
	ret->written[f->kind] = true;
	ret->bytes[f->kind] = f->len;
}

/* A line that is the tool's and not the log's. */
static void remark(struct file *f, const char *text)
{
	buf_printf(&f->buf, "[xenkdump: ");
	log_escape(&f->buf, (struct bytes){(const uint8_t *)text, strlen(text)});
	buf_printf(&f->buf, "]\n");
}

static bool put_record(void *ctx, const struct linux_log_record *rec)
{
	struct file *f = ctx;

	linux_log_format(rec, &f->buf);
	if (rec->cut)
		remark(f, "the record before has lost its end");
	panic_linux_line(&f->s->panic, rec->text);
	return file_more(f);
}

static void put_lost(void *ctx, uint64_t nr, const char *why)
{
	char text[256];

	if (nr)
		snprintf(text, sizeof(text), "%" PRIu64 " record%s missing here: %s", nr,
			nr == 1 ? " is" : "s are", why);
	else
		snprintf(text, sizeof(text), "records may be missing here: %s", why);
	remark(ctx, text);
}

static void write_dmesg(struct small *s)
{
	struct file f;
	const struct linux_log_sink to = {put_record, put_lost, &f};
	struct diag d;

	file_open(&f, s, SMALL_DMESG);
	diag_init(&d);
	if (!s->have_linux)
		remark(&f, s->no_linux.text);
	else if (linux_log_each(s->n, &s->kernel, s->r, &to, &d))
		remark(&f, d.text);
	else if (!f.len && !f.buf.len)
		remark(&f, "the kernel's log is empty");
	file_close(&f);
}

/* The ring's text as it goes to the file, and by lines to who looks for the reason. */
struct ring_text {
	struct file *f;
	uint8_t line[1024];
	size_t len;
};

static bool put_ring(void *ctx, struct bytes part)
{
	struct ring_text *t = ctx;

	log_escape(&t->f->buf, part);
	for (size_t i = 0; i < part.len; i++) {
		if (part.data[i] == '\n') {
			panic_xen_line(&t->f->s->panic, (struct bytes){t->line, t->len});
			t->len = 0;
		} else if (t->len < sizeof(t->line)) {
			t->line[t->len++] = part.data[i];
		}
	}
	return file_more(t->f);
}

static void ring_lost(void *ctx, uint32_t len)
{
	struct ring_text *t = ctx;
	char text[128];

	snprintf(text, sizeof(text), "%" PRIu32 " bytes that cannot be read are missing here", len);
	buf_append(&t->f->buf, "\n", 1);
	remark(t->f, text);
	t->len = 0;
}

static void write_ring(struct small *s)
{
	struct file f;
	struct ring_text t = {.f = &f};
	const struct conring_sink to = {put_ring, ring_lost, &t};
	struct conring ring;
	struct diag d;

	file_open(&f, s, SMALL_XEN);
	diag_init(&d);
	if (!s->have_xen) {
		remark(&f, s->no_xen.text);
	} else if (conring_find(s->n, &s->xen, s->r, &ring, &d)) {
		remark(&f, d.text);
	} else {
		if (ring.wrapped)
			remark(&f,
				"what stood before is overwritten; conring_size= of Xen makes the ring larger");
		if (conring_each(&ring, &s->xen, s->r, &to) && t.len) {
			panic_xen_line(&s->panic, (struct bytes){t.line, t.len});
			buf_append(&f.buf, "\n", 1);
		}
		if (!f.len && !f.buf.len)
			remark(&f, "Xen's console ring is empty");
	}
	file_close(&f);
}

/* Last, but for the notes: it says what the logs said. */
static void write_texts(struct small *s)
{
	const struct small_facts facts = {
		.core = s->c,
		.notes = s->n,
		.reader = s->r,
		.xen = s->have_xen ? &s->xen : NULL,
		.kernel = s->have_linux ? &s->kernel : NULL,
		.why_no_xen = s->no_xen.text,
		.why_no_linux = s->no_linux.text,
		.panic = &s->panic,
		.time = s->rq->time,
	};
	struct file f;

	file_open(&f, s, SMALL_REPORT);
	small_report(&facts, &f.buf);
	file_close(&f);
	file_open(&f, s, SMALL_NOTES);
	small_notes(s->c, s->n, &f.buf);
	file_close(&f);
}

void small_write(const struct core *c, const struct core_notes *n, const struct small_request *rq,
	struct small_files *ret)
{
	struct small s = {.c = c, .n = n, .rq = rq, .ret = ret, .r = core_reader_create(c)};

	*ret = (struct small_files){0};
	diag_init(&s.no_xen);
	diag_init(&s.no_linux);
	if (!s.r) {
		notice(&s, "no memory to read the logs: the dump goes on without its small files");
		return;
	}
	if (n->xen)
		s.have_xen = xen_xlat_init(c, n, s.r, &s.xen, &s.no_xen) == XK_OK;
	if (n->xen && !s.have_xen)
		diag_fail(&s.no_linux, XK_BAD_INPUT,
			"Xen's addresses cannot be translated, and so neither dom0's: %s",
			s.no_xen.text);
	else
		s.have_linux = linux_xlat_init(c, n, s.have_xen ? &s.xen : NULL, s.r, &s.kernel,
				       &s.no_linux) == XK_OK;
	write_dmesg(&s);
	if (n->xen)
		write_ring(&s);
	write_texts(&s);
	core_reader_destroy(s.r);
}
