// SPDX-License-Identifier: GPL-2.0-only
/* The layout of notes is xen/notes.h's; Linux's are the same without Xen's. */
#include <stdio.h>
#include <stdlib.h>

#include "common/number.h"
#include "vmcore/notes_lost_file.h"
#include "vmcore/why.h"

static void lost_deinit(struct lost *l)
{
	free(l->have);
	free(l->found);
	buf_deinit(&l->bytes);
}

/* Room for one more at the end of a list that doubles. */
static void *grown(void *list, size_t nr, size_t size)
{
	return nr & (nr - 1) ? list : reallocarray(list, nr ? 2 * nr : 1, size);
}

/* The notes of each CPU that are there: PRSTATUS, and Xen's that follow it. */
static bool list_present(struct lost *l)
{
	const struct bytes notes = buf_bytes(&l->c->notes);
	struct elf_note e;
	uint64_t off = 0;

	for (;;) {
		uint64_t at;
		uint32_t word;

		while (bytes_read(notes, off, &word, sizeof(word)) && !word)
			off += 4;
		at = off;
		if (elfnote_next(notes, &off, &e) <= 0)
			return true;
		if (elfnote_is(&e, "CORE", XEN_NT_PRSTATUS)) {
			void *v = grown(l->have, l->nr_have, sizeof(*l->have));

			if (!v)
				return false;
			l->have = v;
			l->have[l->nr_have++] = (struct present){
				.start = (size_t)at, .regs = e.desc, .cpu = CPU_UNKNOWN};
		} else if (!elfnote_is(&e, "Xen", XEN_NT_CRASH_REGS) &&
			   !elfnote_is(&e, "Xen", XEN_NT_CRASH_INFO)) {
			continue;
		}
		l->cpus_end = (size_t)off;
	}
}

static bool canonical(uint64_t v)
{
	return v >> 56 == 0 || v >> 56 == 0xff;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

/* Registers that a processor can have had. Xen's are those of the function that saved them. */
static bool plausible(const struct lost *l, const struct cpu_regs *r)
{
	if (!r->rip || !r->rsp || !r->cs || r->cs > UINT16_MAX || !(r->rflags & 2) ||
		r->rflags >> 22)
		return false;
	if (l->bits == 32)
		return true;
	if (!canonical(r->rip) || !canonical(r->rsp))
		return false;
	if (!l->n->xen)
		return true;
	/* both in Xen's half; paging and PAE are on; the low bits of CR3 are a PCID */
	return r->rip >> 47 == 0x1ffff && r->rsp >> 47 == 0x1ffff && r->cr0 >> 31 == 1 &&
	       r->cr0 & 1 && r->cr4 & 0x20 && r->cr3 >= CORE_PAGE &&
	       (r->cr3 & CR3_ADDRESS) / CORE_PAGE < l->c->max_pfn;
}

size_t lost_size(const struct lost *l, const uint8_t *p, size_t len)
{
	const uint32_t sizes[] = {l->bits == 32 ? 196 : 404, l->bits == 32 ? 252 : 500};
	struct diag ignored;

	diag_init(&ignored);
	if (!l->n->xen) {
		const size_t size = NOTE_HEAD + (l->bits == 32 ? 144 : 336);
		struct elf_note e;
		uint64_t off = 0;

		/* Linux ends its buffer by a note of nothing; in a copy of a core there is more. */
		return len >= size + 12 && elfnote_next((struct bytes){p, len}, &off, &e) == 1 &&
				       elfnote_is(&e, "CORE", XEN_NT_PRSTATUS) && off == size &&
				       all_zero(p + size, 12)
			       ? size
			       : 0;
	}
	for (unsigned i = 2; i--;)
		if (len >= sizes[i] &&
			!xen_notes_validate((struct bytes){p, sizes[i]}, l->bits, i == 1, &ignored))
			return sizes[i];
	return 0;
}

/* That the registers can be some, or are none because the CPU never answered. */
static bool sound(const struct lost *l, const uint8_t *p, size_t size, bool *empty)
{
	struct core_notes one;
	struct diag ignored;
	bool ok;

	diag_init(&ignored);
	if (core_notes_parse((struct bytes){p, size}, l->c->machine, &one, &ignored))
		return false;
	*empty = one.nr_cpus == 1 && one.cpus[0].empty;
	ok = one.nr_cpus == 1 && (one.cpus[0].empty || plausible(l, &one.cpus[0]));
	core_notes_deinit(&one);
	return ok;
}

/* One of those that are there, each counted once: what a CPU left lies in memory too. */
static struct present *find_present(struct lost *l, const uint8_t *p)
{
	for (size_t i = 0; i < l->nr_have; i++) {
		struct present *h = &l->have[i];

		if (!h->matched && !memcmp(h->regs.data, p + NOTE_HEAD, h->regs.len))
			return h;
	}
	return NULL;
}

bool lost_take(struct lost *l, maddr_t at, uint32_t cpu, bool by_search)
{
	uint8_t p[LOST_MAX];
	size_t len = sizeof(p), size;
	struct present *h;
	bool empty;
	void *v;

	for (size_t i = 0; i < l->nr_found; i++)
		if (l->found[i].at == at)
			return true;
	if (!core_read(l->r, at, p, len)) {
		/* what follows a short one may be no memory */
		len = (size_t)min_u64(CORE_PAGE - at % CORE_PAGE, sizeof(p));
		if (!core_read(l->r, at, p, len))
			return true;
	}
	size = lost_size(l, p, len);
	if (!size || !sound(l, p, size, &empty) || (by_search && empty && !l->n->xen))
		return true;
	h = find_present(l, p);
	if (h) {
		h->matched = true;
		h->cpu = cpu;
		return true;
	}
	if (l->nr_found == LOST_CPUS)
		return true;
	v = grown(l->found, l->nr_found, sizeof(*l->found));
	if (!v)
		return false;
	l->found = v;
	l->found[l->nr_found++] = (struct found){at, cpu, l->bytes.len, size, 0};
	buf_append(&l->bytes, p, size);
	return !l->bytes.failed;
}

/* "3 present 0x1000-0x1194": what the loader knew of a CPU. False: it is none. */
static bool parse_fact(struct bytes v, uint32_t *cpu, maddr_t *at)
{
	const char *p = (const char *)v.data, *end = p + v.len;
	uint64_t nr;

	*at = 0;
	if (!number_take(&p, end, 10, &nr) || nr >= CPU_UNKNOWN || p == end || *p++ != ' ')
		return false;
	*cpu = (uint32_t)nr;
	if (end - p >= 5 && !memcmp(p, "empty", 5))
		return false;
	while (p < end && *p != ' ')
		p++;
	if (end - p > 3 && !memcmp(p, " 0x", 3)) {
		p += 3;
		if (!number_take(&p, end, 16, at))
			*at = 0;
	}
	return true;
}

/* How many CPUs the loader knew; 0: it did not say. With `take`, looks where it says they are. */
static unsigned by_facts(struct lost *l, bool take, bool *ok)
{
	unsigned cpus = 0;
	struct bytes v;

	for (size_t i = 0; *ok && i < LOST_CPUS && xkn_fact(l->n->xenkdump, "cpu-note", i, &v);
		i++) {
		uint32_t cpu;
		maddr_t at;

		if (!parse_fact(v, &cpu, &at))
			continue;
		cpus++;
		if (take && at)
			*ok = lost_take(l, at, cpu, false);
	}
	return cpus;
}

static bool is_complete(const struct lost *l)
{
	if (!l->nr_have || (l->n->xen && !l->n->crash_info))
		return false;
	if (l->expected)
		return l->nr_have >= l->expected;
	/* Nobody says how many there were. Under Xen a search is cheap. */
	return !l->n->xen;
}

static bool enough(const struct lost *l)
{
	return l->expected && l->nr_have + l->nr_found >= l->expected;
}

static int by_address(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/* Before the first CPU that is known to come later; else behind the last, but CPU 0 comes first.
 * It is known by its note of Xen's, the longer kind. */
static size_t place(const struct lost *l, const struct found *f)
{
	const bool first = f->cpu == CPU_UNKNOWN && f->len > (l->bits == 32 ? 196u : 404u);

	for (size_t i = 0; i < l->nr_have; i++)
		if (first || (f->cpu != CPU_UNKNOWN && l->have[i].cpu != CPU_UNKNOWN &&
				     l->have[i].cpu > f->cpu))
			return l->have[i].start;
	return l->cpus_end;
}

/* Notes of one place: those of CPU 0 if it is among them, then by number, then by address. */
static bool before(const struct found *a, const struct found *b)
{
	if ((a->len > b->len) != (b->len > a->len) && a->cpu == b->cpu)
		return a->len > b->len;
	return a->cpu < b->cpu;
}

static struct buf merged(struct lost *l)
{
	const struct buf *old = &l->c->notes;
	struct buf b = {0};
	size_t from = 0;

	for (size_t i = 0; i < l->nr_found; i++)
		l->found[i].to = place(l, &l->found[i]);
	/* few, and mostly in order */
	for (size_t i = 1; i < l->nr_found; i++)
		for (size_t k = i; k && before(&l->found[k], &l->found[k - 1]); k--) {
			struct found t = l->found[k];

			l->found[k] = l->found[k - 1];
			l->found[k - 1] = t;
		}
	for (size_t i = 0; i <= l->nr_have; i++) {
		size_t to = i < l->nr_have ? l->have[i].start : l->cpus_end;

		if (to > from)
			buf_append(&b, old->data + from, to - from);
		from = max_u64(from, to);
		for (size_t k = 0; k < l->nr_found; k++)
			if (l->found[k].to == to) {
				buf_zero(&b, -b.len % 4); /* what was the last may lack it */
				buf_append(&b, l->bytes.data + l->found[k].off, l->found[k].len);
			}
	}
	if (old->len > from)
		buf_append(&b, old->data + from, old->len - from);
	return b;
}

static void tell(const struct lost *l, struct notes_lost *ret)
{
	const char *s = l->nr_found == 1 ? "" : "s";

	ret->found = (unsigned)l->nr_found;
	if (l->expected > l->nr_have + l->nr_found)
		ret->missing = (unsigned)(l->expected - l->nr_have - l->nr_found);
	if (l->nr_found) {
		why_add(ret->text, sizeof(ret->text),
			"notes of %zu CPU%s were missing and found again at %" PRIaddr, l->nr_found,
			s, l->found[0].at);
		for (size_t i = 1; i < l->nr_found && i < 4; i++) {
			size_t used = strlen(ret->text);

			snprintf(ret->text + used, sizeof(ret->text) - used, ", %" PRIaddr,
				l->found[i].at);
		}
	}
	if (ret->missing)
		why_add(ret->text, sizeof(ret->text), "notes of %u CPUs are missing", ret->missing);
	else if (!l->nr_have && !l->nr_found)
		why_add(ret->text, sizeof(ret->text), "the core has no notes of CPUs");
	if (*l->why && (ret->missing || *ret->text == '\0' || !(l->nr_have + l->nr_found)))
		why_add(ret->text, sizeof(ret->text), "%s", l->why);
}

/* Takes the new notes into use. */
static enum xk_status apply(struct lost *l, struct diag *d)
{
	struct core_notes again;
	struct buf b = merged(l);
	enum xk_status st;

	if (b.failed) {
		buf_deinit(&b);
		return diag_fail(d, XK_NOMEM, "no memory for the notes of a core");
	}
	st = core_notes_parse(buf_bytes(&b), l->c->machine, &again, d);
	if (st) {
		buf_deinit(&b);
		return st;
	}
	core_notes_deinit(l->n);
	buf_deinit(&l->c->notes);
	l->c->notes = b;
	*l->n = again;
	return XK_OK;
}

static enum xk_status recover(struct lost *l, struct notes_lost *ret, struct diag *d)
{
	bool ok = list_present(l);

	l->expected = ok ? by_facts(l, false, &ok) : 0;
	if (ok && is_complete(l))
		return XK_OK;
	l->r = ok ? core_reader_create(l->c) : NULL;
	ok = l->r != NULL;
	by_facts(l, true, &ok);
	if (ok && !enough(l))
		ok = lost_search(l);
	if (!ok)
		return diag_fail(d, XK_NOMEM, "no memory to look for the notes of CPUs");
	if (l->nr_found)
		qsort(l->found, l->nr_found, sizeof(*l->found), by_address);
	tell(l, ret);
	return l->nr_found ? apply(l, d) : XK_OK;
}

enum xk_status notes_recover(
	struct core *c, struct core_notes *n, struct notes_lost *ret, struct diag *d)
{
	struct lost l = {.c = c, .n = n};
	enum xk_status st;
	vaddr_t at;

	memset(ret, 0, sizeof(*ret));
	l.bits = n->bits;
	if (!l.bits && !n->xen && vmcoreinfo_symbol(n->vmcoreinfo, "swapper_pg_dir", &at))
		l.bits = at > UINT32_MAX ? 64 : 32;
	if (!l.bits)
		l.bits = 64;
	st = recover(&l, ret, d);
	core_reader_destroy(l.r);
	lost_deinit(&l);
	return st;
}
