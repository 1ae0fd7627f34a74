// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "tests/unit/mkprb.h"
#include "tests/unit/xktest.h"

#define FAILED 1u
#define EMPTY  3u
#define PAGE   4096u

static uint64_t count(const struct mkprb *p)
{
	return UINT64_C(1) << p->count_bits;
}

static uint64_t size(const struct mkprb *p)
{
	return UINT64_C(1) << p->size_bits;
}

/* Values of the kernel's `unsigned long`, and of an id, which leaves two bits for the state. */
static uint64_t long_of(const struct mkprb *p, uint64_t v)
{
	return p->word == 4 ? (uint32_t)v : v;
}

static uint64_t id_of(const struct mkprb *p, uint64_t v)
{
	return p->word == 4 ? v & 0x3fffffff : v & UINT64_C(0x3fffffffffffffff);
}

static uint64_t state_word(const struct mkprb *p, uint64_t id, unsigned state)
{
	return id | (uint64_t)state << (p->word == 4 ? 30 : 62);
}

static uint8_t *desc(const struct mkprb *p, uint64_t id)
{
	return p->descs + id % count(p) * 3 * p->word;
}

static uint8_t *info(const struct mkprb *p, uint64_t id)
{
	return p->infos + id % count(p) * MKPRB_INFO;
}

static uint64_t get(const struct mkprb *p, uint64_t id, unsigned which)
{
	uint64_t v = 0;

	memcpy(&v, desc(p, id) + which * p->word, p->word);
	return v;
}

static void set(struct mkprb *p, uint64_t id, unsigned which, uint64_t v)
{
	memcpy(desc(p, id) + which * p->word, &v, p->word);
}

void mkprb_init(struct mkprb *p, unsigned word, unsigned count_bits, unsigned size_bits)
{
	uint64_t seq;

	*p = (struct mkprb){.word = word, .count_bits = count_bits, .size_bits = size_bits};
	p->descs = calloc(count(p), 3 * word);
	p->infos = calloc(count(p), MKPRB_INFO);
	p->data = calloc(1, size(p));
	assert_true(p->descs && p->infos && p->data);
	p->head_id = p->tail_id = id_of(p, 0 - (count(p) + 1));
	p->head_lpos = p->tail_lpos = long_of(p, 0 - size(p));
	set(p, p->head_id, 0, state_word(p, p->head_id, MKPRB_REUSABLE));
	set(p, p->head_id, 1, FAILED);
	set(p, p->head_id, 2, FAILED);
	seq = 0 - count(p); /* of the first place: one round before the first record's */
	memcpy(p->infos, &seq, sizeof(seq));
}

void mkprb_deinit(struct mkprb *p)
{
	free(p->descs);
	free(p->infos);
	free(p->data);
}

/* The oldest blocks go until all before `lpos` is free; their records have no text any more. */
static void push_data(struct mkprb *p, uint64_t lpos)
{
	while (long_of(p, lpos - p->tail_lpos) - 1 < size(p)) {
		uint64_t id = 0;

		memcpy(&id, p->data + p->tail_lpos % size(p), p->word);
		assert_int_equal(get(p, id, 1), p->tail_lpos);
		set(p, id, 0, state_word(p, id, MKPRB_REUSABLE));
		p->tail_lpos = get(p, id, 2);
	}
}

static uint64_t next_lpos(const struct mkprb *p, uint64_t begin, uint64_t len)
{
	uint64_t room = size(p) - begin % size(p);

	if (len < room || (len == room && p->exact_end))
		return long_of(p, begin + len);
	return long_of(p, begin + room + len);
}

static uint8_t *alloc(struct mkprb *p, uint64_t id, size_t len)
{
	const uint64_t begin = p->head_lpos, end = begin % size(p);
	const uint64_t block = (p->word + len + p->word - 1) / p->word * p->word;
	const uint64_t next = next_lpos(p, begin, block);
	uint8_t *at = p->data + end;

	assert_true(block <= size(p) - p->word);
	push_data(p, long_of(p, next - size(p)));
	p->head_lpos = next;
	memcpy(at, &id, p->word);
	if (long_of(p, next - begin) != block) { /* the rest of the ring is not used */
		at = p->data;
		memcpy(at, &id, p->word);
	}
	set(p, id, 1, begin);
	set(p, id, 2, next);
	return at + p->word;
}

/* Takes the next place; the record that had it is gone. */
static uint64_t reserve(struct mkprb *p)
{
	const uint64_t id = id_of(p, p->head_id + 1), first = id_of(p, 0 - count(p));
	uint64_t seq;

	if (id == id_of(p, p->tail_id + count(p))) {
		if (!(get(p, p->tail_id, 1) & 1))
			push_data(p, get(p, p->tail_id, 2));
		set(p, p->tail_id, 0, state_word(p, p->tail_id, MKPRB_REUSABLE));
		p->tail_id = id_of(p, p->tail_id + 1);
	}
	p->head_id = id;
	set(p, id, 0, state_word(p, id, MKPRB_RESERVED));
	seq = id_of(p, id - first);
	memset(info(p, id), 0, MKPRB_INFO);
	memcpy(info(p, id), &seq, sizeof(seq));
	return id;
}

void mkprb_add_bytes(
	struct mkprb *p, const void *text, size_t len, uint64_t ns, unsigned level, uint32_t caller)
{
	const uint64_t id = reserve(p);
	const uint16_t text_len = (uint16_t)len;
	uint8_t *i = info(p, id);

	if (len)
		memcpy(alloc(p, id, len), text, len);
	memcpy(i + 8, &ns, sizeof(ns));
	memcpy(i + 16, &text_len, sizeof(text_len));
	i[18] = 3; /* LOG_DAEMON */
	i[19] = (uint8_t)(level << 5 | 2);
	memcpy(i + 20, &caller, sizeof(caller));
	if (!len) {
		set(p, id, 1, text ? EMPTY : FAILED);
		set(p, id, 2, text ? EMPTY : FAILED);
	}
	mkprb_state(p, MKPRB_FINALIZED);
}

void mkprb_add(struct mkprb *p, const char *text, uint64_t ns, unsigned level, uint32_t caller)
{
	mkprb_add_bytes(p, text, text ? strlen(text) : 0, ns, level, caller);
}

uint64_t mkprb_get(const struct mkprb *p, unsigned which)
{
	return get(p, p->head_id, which);
}

void mkprb_set(struct mkprb *p, unsigned which, uint64_t v)
{
	set(p, p->head_id, which, v);
}

void mkprb_state(struct mkprb *p, unsigned state)
{
	mkprb_set(p, 0, state_word(p, p->head_id, state));
}

uint8_t *mkprb_info(struct mkprb *p)
{
	return info(p, p->head_id);
}

uint8_t *mkprb_block(struct mkprb *p, uint64_t lpos)
{
	return p->data + lpos % size(p);
}

static void pad(struct buf *b)
{
	buf_zero(b, (PAGE - b->len % PAGE) % PAGE);
}

static void put(struct buf *b, size_t at, unsigned word, uint64_t v)
{
	memcpy(b->data + at, &v, word);
}

/* struct printk_ringbuffer: a desc ring (count_bits, descs, infos, head, tail and, since 6.x, more),
 * a text ring (size_bits, data, head, tail), a count of failures. */
struct buf mkprb_image(const struct mkprb *p, uint64_t at, struct buf *text)
{
	const unsigned w = p->word, ring = 6 * w, head = 256;
	struct buf b = {0};

	buf_zero(&b, PAGE);
	put(&b, 0, w, at + head);
	put(&b, head, 4, p->count_bits);
	put(&b, head + w, w, at + b.len);
	put(&b, head + 3 * w, w, p->head_id);
	put(&b, head + 4 * w, w, p->tail_id);
	put(&b, head + ring, 4, p->size_bits);
	put(&b, head + ring + 2 * w, w, p->head_lpos);
	put(&b, head + ring + 3 * w, w, p->tail_lpos);
	buf_append(&b, p->descs, count(p) * 3 * w);
	pad(&b);
	put(&b, head + 2 * w, w, at + b.len);
	buf_append(&b, p->infos, count(p) * MKPRB_INFO);
	pad(&b);
	put(&b, head + ring + w, w, at + b.len);
	buf_append(&b, p->data, size(p));
	assert_false(b.failed);
	buf_printf(text,
		"SYMBOL(prb)=%llx\nSIZE(printk_ringbuffer)=%u\n"
		"OFFSET(printk_ringbuffer.desc_ring)=0\n"
		"OFFSET(printk_ringbuffer.text_data_ring)=%u\n"
		"OFFSET(prb_desc_ring.count_bits)=0\nOFFSET(prb_desc_ring.descs)=%u\n"
		"OFFSET(prb_desc_ring.infos)=%u\nOFFSET(prb_desc_ring.head_id)=%u\n"
		"OFFSET(prb_desc_ring.tail_id)=%u\nSIZE(prb_desc)=%u\n"
		"OFFSET(prb_desc.state_var)=0\nOFFSET(prb_desc.text_blk_lpos)=%u\n"
		"OFFSET(prb_data_blk_lpos.begin)=0\nOFFSET(prb_data_blk_lpos.next)=%u\n",
		(unsigned long long)at, 11 * w, ring, w, 2 * w, 3 * w, 4 * w, 3 * w, w, w);
	buf_printf(text,
		"SIZE(printk_info)=%u\nOFFSET(printk_info.seq)=0\nOFFSET(printk_info.ts_nsec)=8\n"
		"OFFSET(printk_info.text_len)=16\nOFFSET(printk_info.caller_id)=20\n"
		"OFFSET(prb_data_ring.size_bits)=0\nOFFSET(prb_data_ring.data)=%u\n"
		"OFFSET(prb_data_ring.head_lpos)=%u\nSIZE(atomic_long_t)=%u\n"
		"OFFSET(atomic_long_t.counter)=0\n",
		MKPRB_INFO, w, 2 * w, w);
	return b;
}
