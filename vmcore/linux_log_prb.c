// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of Linux 5.10 and later. Source: Linux kernel/printk/printk_ringbuffer.[ch] (5.10 to 6.16),
 * and what VMCOREINFO tells of it in kernel/printk/printk.c (log_buf_vmcoreinfo_setup).
 *
 * Descriptors are found by an id that only grows, modulo the ring's size; the descriptor's own word
 * has that id and two bits of state on top. It names a block of the text ring from one logical
 * position to another, both growing in the same way; the block begins with the descriptor's id. A
 * block that would cross the ring's end lies at its beginning instead.
 */
#include <inttypes.h>

#include "vmcore/linux_log_ring.h"

#define COUNT_BITS_MAX 26u /* a text ring of 2 GiB, one descriptor for 32 bytes */
#define SIZE_BITS_MAX  31u
#define RECORDS_MAX    (1u << 20) /* of more the last ones are read */
#define STRUCT_MAX     4096u
#define FAILED_LPOS    1u

enum state { RESERVED, COMMITTED, FINALIZED, REUSABLE, MISS };

/* Positions of fields, by VMCOREINFO. */
struct layout {
	uint64_t ring_size, desc_size, info_size; /* of structures */
	uint64_t count_bits, descs, infos, head_id, tail_id; /* in struct printk_ringbuffer */
	uint64_t size_bits, data, head_lpos; /* there too */
	uint64_t state_var, begin, next; /* in struct prb_desc */
	uint64_t seq, ts_nsec, text_len, caller_id; /* in struct printk_info */
	bool have_level; /* the bytes between text_len and caller_id are what they were */
};

struct prb {
	struct log_walk *w;
	struct layout at;
	unsigned word; /* sizeof(long) */
	uint64_t long_mask, id_mask;
	unsigned count_bits, size_bits;
	vaddr_t descs, infos, data;
	uint64_t head_id, tail_id, head_lpos;
	bool first_given;
	uint64_t seq; /* of the next record, as far as the last one tells */
};

static uint64_t low_bits(unsigned n)
{
	return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

/* VMCOREINFO's numbers, and the first that is missing or beyond what is reasonable. */
struct wants {
	struct bytes info;
	const char *missing;
};

static uint64_t size_of(struct wants *k, const char *name)
{
	uint64_t v = 0;

	if (!k->missing && (!vmcoreinfo_size(k->info, name, &v) || !v || v > STRUCT_MAX))
		k->missing = name;
	return v;
}

static uint64_t offset_of(struct wants *k, const char *name)
{
	uint64_t v = 0;

	if (!k->missing && (!vmcoreinfo_offset(k->info, name, &v) || v > STRUCT_MAX))
		k->missing = name;
	return v;
}

static enum xk_status find_layout(const struct log_walk *w, struct layout *ret, struct diag *d)
{
	struct wants k = {w->n->vmcoreinfo, NULL};
	struct layout a;
	const uint64_t counter = offset_of(&k, "atomic_long_t.counter");
	const uint64_t desc_ring = offset_of(&k, "printk_ringbuffer.desc_ring");
	const uint64_t data_ring = offset_of(&k, "printk_ringbuffer.text_data_ring");
	const uint64_t text = offset_of(&k, "prb_desc.text_blk_lpos");

	a.ring_size = size_of(&k, "printk_ringbuffer");
	a.desc_size = size_of(&k, "prb_desc");
	a.info_size = size_of(&k, "printk_info");
	a.count_bits = desc_ring + offset_of(&k, "prb_desc_ring.count_bits");
	a.descs = desc_ring + offset_of(&k, "prb_desc_ring.descs");
	a.infos = desc_ring + offset_of(&k, "prb_desc_ring.infos");
	a.head_id = desc_ring + offset_of(&k, "prb_desc_ring.head_id") + counter;
	a.tail_id = desc_ring + offset_of(&k, "prb_desc_ring.tail_id") + counter;
	a.size_bits = data_ring + offset_of(&k, "prb_data_ring.size_bits");
	a.data = data_ring + offset_of(&k, "prb_data_ring.data");
	a.head_lpos = data_ring + offset_of(&k, "prb_data_ring.head_lpos") + counter;
	a.state_var = offset_of(&k, "prb_desc.state_var") + counter;
	a.begin = text + offset_of(&k, "prb_data_blk_lpos.begin");
	a.next = text + offset_of(&k, "prb_data_blk_lpos.next");
	a.seq = offset_of(&k, "printk_info.seq");
	a.ts_nsec = offset_of(&k, "printk_info.ts_nsec");
	a.text_len = offset_of(&k, "printk_info.text_len");
	a.caller_id = offset_of(&k, "printk_info.caller_id");
	a.have_level = a.caller_id == a.text_len + 4;
	if (k.missing)
		return diag_fail(d, XK_BAD_INPUT,
			"VMCOREINFO does not say how the kernel's log is laid out: %s is missing, or makes no sense",
			k.missing);
	*ret = a;
	return XK_OK;
}

/* A word of the kernel's width within a structure; false: it is not within it. */
static bool take_long(const struct prb *p, struct bytes b, uint64_t off, uint64_t *ret)
{
	uint64_t v = 0;

	if (!bytes_read(b, off, &v, p->word))
		return false;
	*ret = v;
	return true;
}

static enum xk_status read_ring(struct prb *p, struct diag *d)
{
	uint8_t raw[STRUCT_MAX];
	const struct layout *a = &p->at;
	const struct bytes b = {raw, (size_t)a->ring_size};
	uint32_t count_bits, size_bits;
	enum xk_status st;
	vaddr_t ring;

	st = log_pointer(p->w, "prb", &ring, d);
	if (st)
		return st;
	if (!linux_read(p->w->l, p->w->r, ring, raw, b.len))
		return diag_fail(d, XK_BAD_INPUT,
			"the kernel's log, at %#" PRIx64 " (prb), cannot be read from the core",
			ring);
	if (!bytes_read(b, a->count_bits, &count_bits, sizeof(count_bits)) ||
		!bytes_read(b, a->size_bits, &size_bits, sizeof(size_bits)) ||
		!take_long(p, b, a->descs, &p->descs) || !take_long(p, b, a->infos, &p->infos) ||
		!take_long(p, b, a->head_id, &p->head_id) ||
		!take_long(p, b, a->tail_id, &p->tail_id) || !take_long(p, b, a->data, &p->data) ||
		!take_long(p, b, a->head_lpos, &p->head_lpos))
		return diag_fail(d, XK_BAD_INPUT,
			"by VMCOREINFO the head of the kernel's log has %zu bytes, and fields beyond them",
			b.len);
	if (!count_bits || count_bits > COUNT_BITS_MAX || size_bits < 4 ||
		size_bits > SIZE_BITS_MAX)
		return diag_fail(d, XK_BAD_INPUT,
			"the kernel's log would have 2^%" PRIu32 " records and 2^%" PRIu32
			" bytes; up to 2^%u and 2^%u can be: its head at %#" PRIx64
			" is overwritten, or VMCOREINFO is that of another kernel",
			count_bits, size_bits, COUNT_BITS_MAX, SIZE_BITS_MAX, ring);
	p->count_bits = count_bits;
	p->size_bits = size_bits;
	p->head_id &= p->id_mask;
	p->tail_id &= p->id_mask;
	return XK_OK;
}

static uint64_t index_of(const struct prb *p, uint64_t id)
{
	return id & low_bits(p->count_bits);
}

/* RESERVED and MISS: only the state is known. False: it cannot be read. */
static bool read_desc(
	const struct prb *p, uint64_t id, enum state *state, uint64_t *begin, uint64_t *next)
{
	uint8_t raw[STRUCT_MAX];
	const struct bytes b = {raw, (size_t)p->at.desc_size};
	uint64_t word;

	if (!linux_read(
		    p->w->l, p->w->r, p->descs + index_of(p, id) * p->at.desc_size, raw, b.len) ||
		!take_long(p, b, p->at.state_var, &word) || !take_long(p, b, p->at.begin, begin) ||
		!take_long(p, b, p->at.next, next))
		return false;
	*state = (word & p->id_mask) == id ? (enum state)(word >> (p->word * 8 - 2)) : MISS;
	return true;
}

static bool read_info(const struct prb *p, uint64_t id, struct linux_log_record *rec, uint16_t *len)
{
	uint8_t raw[STRUCT_MAX], kind[2];
	const struct layout *a = &p->at;
	const struct bytes b = {raw, (size_t)a->info_size};

	if (!linux_read(p->w->l, p->w->r, p->infos + index_of(p, id) * a->info_size, raw, b.len) ||
		!bytes_read(b, a->seq, &rec->seq, sizeof(rec->seq)) ||
		!bytes_read(b, a->ts_nsec, &rec->time, sizeof(rec->time)) ||
		!bytes_read(b, a->text_len, len, sizeof(*len)) ||
		!bytes_read(b, a->caller_id, &rec->caller, sizeof(rec->caller)))
		return false;
	rec->have_time = rec->have_caller = true;
	rec->have_seq = index_of(p, rec->seq) == index_of(p, id);
	rec->have_level =
		a->have_level && bytes_read(b, a->text_len + sizeof(*len), kind, sizeof(kind));
	if (rec->have_level) {
		rec->facility = kind[0];
		rec->level = kind[1] >> 5; /* the lower bits are flags */
	}
	return true;
}

/* Where the block's text is in the ring, and its room. False: no block can be there. */
static bool find_text(
	const struct prb *p, uint64_t begin, uint64_t next, uint64_t *at, uint64_t *room)
{
	const uint64_t mask = low_bits(p->size_bits), size = mask + 1;
	const uint64_t used = (next - begin) & p->long_mask;

	if (begin % p->word || next % p->word || !used || used > size)
		return false;
	/* Older kernels put a block that would end just where the ring does at its beginning, too; it
	 * then reaches into the next round. */
	if ((begin & mask) + used <= size) {
		*at = begin & mask;
		*room = used;
	} else {
		*at = 0;
		*room = next & mask;
	}
	*room -= p->word; /* both are multiples of it, and neither is 0 */
	return true;
}

/* What is wrong with a record, or NULL. */
static const char *read_text(const struct prb *p, uint64_t id, uint64_t begin, uint64_t next,
	uint16_t len, struct linux_log_record *rec)
{
	const uint64_t back = (p->head_lpos - begin) & p->long_mask;
	struct log_walk *w = p->w;
	uint64_t at, room, mark = 0;

	if (begin & next & 1) { /* no block: an empty line, or what the ring had no room for */
		if (len || begin == FAILED_LPOS)
			return "the kernel had no room for the text";
		return NULL;
	}
	if (!find_text(p, begin, next, &at, &room))
		return "the place of the text makes no sense";
	if (back > p->long_mask / 2)
		return "the place of the text makes no sense"; /* behind the newest text */
	if (back > low_bits(p->size_bits) + 1)
		return "the text was overwritten by later records";
	if (back > LINUX_LOG_MAX)
		return "only the last 16 MiB are read";
	if (!linux_read(w->l, w->r, p->data + at, &mark, p->word))
		return "the text cannot be read from the core";
	if (mark != id)
		return "the text is another record's";
	rec->cut = len > room;
	rec->text.len = (size_t)min_u64(len, room);
	if (!linux_read(w->l, w->r, p->data + at + p->word, w->text, rec->text.len))
		return "the text cannot be read from the core";
	return NULL;
}

/* One step of the walk; false: no more is wanted. */
static bool step(struct prb *p, uint64_t id)
{
	struct log_walk *w = p->w;
	struct linux_log_record rec = {.text = {w->text, 0}};
	uint64_t begin, next;
	const char *wrong;
	enum state state;
	uint16_t len;

	if (!read_desc(p, id, &state, &begin, &next)) {
		log_lost(w, 1, "not to be read from the core");
		return true;
	}
	if (state == REUSABLE && !p->first_given)
		return true; /* the oldest, about to be overwritten; its number will be missing */
	if (state != COMMITTED && state != FINALIZED) {
		log_lost(w, 1,
			state == RESERVED   ? "being written when the kernel stopped"
			: state == REUSABLE ? "given up for later ones"
					    : "the descriptor is another record's");
		return true;
	}
	if (!read_info(p, id, &rec, &len)) {
		log_lost(w, 1, "not to be read from the core");
		return true;
	}
	wrong = read_text(p, id, begin, next, len, &rec);
	if (wrong) {
		log_lost(w, 1, wrong);
		return true;
	}
	if (!p->first_given && !w->why && rec.have_seq && rec.seq)
		log_lost(w, rec.seq, "overwritten by later ones");
	p->first_given = true;
	/* Blocks do not overlap. More text than there is room for is one block told many times. */
	if (w->given + rec.text.len > low_bits(p->size_bits) + 1) {
		log_lost(w, 0, "there is more text than the ring has room for");
		return false;
	}
	return log_give(w, &rec);
}

enum xk_status log_walk_prb(struct log_walk *w, struct diag *d)
{
	struct prb p = {.w = w, .word = w->l->bits / 8};
	uint64_t nr, word;
	enum xk_status st;

	if (vmcoreinfo_size(w->n->vmcoreinfo, "atomic_long_t", &word) && (word == 4 || word == 8))
		p.word = (unsigned)word;
	p.long_mask = low_bits(p.word * 8);
	p.id_mask = p.long_mask >> 2;
	st = find_layout(w, &p.at, d);
	if (!st)
		st = read_ring(&p, d);
	if (st)
		return st;
	nr = ((p.head_id - p.tail_id) & p.id_mask) + 1;
	if (nr > low_bits(p.count_bits) + 1) {
		log_lost(w, 0, "the oldest record is not known: all places of the ring are read");
		nr = low_bits(p.count_bits) + 1;
	}
	if (nr > RECORDS_MAX) {
		log_lost(w, nr - RECORDS_MAX, "only the last million records are read");
		nr = RECORDS_MAX;
	}
	for (uint64_t i = 0; i < nr; i++)
		if (!step(&p, (p.head_id - (nr - 1 - i)) & p.id_mask))
			break;
	return XK_OK;
}
