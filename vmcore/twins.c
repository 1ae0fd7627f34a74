// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>

#include "vmcore/twins.h"

#define NEAR	 4u /* slots that are looked at */
#define PFN_MASK ((UINT64_C(1) << TWINS_PFN_BITS) - 1)
#define FREE	 UINT64_MAX

struct twins {
	pthread_mutex_t lock;
	uint64_t order[TWINS]; /* of the page whose slot it is */
	uint32_t tag[TWINS]; /* of its hash, what the slot does not say */
};

struct twins *twins_create(void)
{
	struct twins *t = malloc(sizeof(*t));

	if (!t)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	memset(t->order, 0xff, sizeof(t->order));
	return t;
}

void twins_destroy(struct twins *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* Four lanes, so that one multiplication need not wait for the other. It only has to spread: whoever
 * makes pages that collide makes them a little slower to save. */
static uint64_t hash_page(const uint8_t *page)
{
	const uint64_t k = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t h[4] = {1, 2, 3, 4}, w[4];

	for (size_t i = 0; i < CORE_PAGE; i += sizeof(w)) {
		memcpy(w, page + i, sizeof(w));
		for (unsigned n = 0; n < 4; n++) {
			h[n] = (h[n] ^ w[n]) * k;
			h[n] ^= h[n] >> 29;
		}
	}
	for (unsigned n = 1; n < 4; n++) {
		h[0] = (h[0] ^ h[n]) * k;
		h[0] ^= h[0] >> 32;
	}
	return h[0];
}

/* A slot of an earlier page with this hash, or a free one that is taken now. */
static uint32_t look_up(struct twins *t, uint64_t hash, uint64_t order, uint64_t *earlier)
{
	const uint32_t first = (uint32_t)(hash % TWINS), tag = (uint32_t)(hash >> 32);

	*earlier = FREE;
	for (uint32_t i = 0; i < NEAR; i++) {
		uint32_t slot = (first + i) % TWINS;

		if (t->order[slot] == FREE || t->order[slot] == order) {
			t->order[slot] = order;
			t->tag[slot] = tag;
			return slot;
		}
		if (t->tag[slot] == tag && t->order[slot] < order) {
			*earlier = t->order[slot];
			return slot;
		}
	}
	return TWINS_NONE;
}

bool twins_find(
	struct twins *t, struct core_reader *r, const uint8_t *page, uint64_t order, uint32_t *slot)
{
	const uint64_t hash = hash_page(page);
	uint8_t other[CORE_PAGE];
	uint64_t earlier;

	pthread_mutex_lock(&t->lock);
	*slot = look_up(t, hash, order, &earlier);
	pthread_mutex_unlock(&t->lock);
	if (earlier == FREE)
		return false;
	if (core_read(r, (earlier & PFN_MASK) * CORE_PAGE, other, CORE_PAGE) &&
		!memcmp(page, other, CORE_PAGE))
		return true;
	*slot = TWINS_NONE;
	return false;
}
