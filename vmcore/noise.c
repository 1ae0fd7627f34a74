// SPDX-License-Identifier: GPL-2.0-only
#include "vmcore/noise.h"

/* Of 256 bytes that were drawn, noise shows 162 values (256 * (1 - 1/e)), give or take 6; text, code
 * and tables show far fewer. */
#define DRAWN	     256u
#define DRAWN_FEWEST 140u

/*
 * Sum of the squares of how often each value comes in 4096 bytes: 69616 for noise, with a standard
 * deviation of 361. At 72000 a code made for these frequencies would save 36 bytes (chi square, here
 * 404, over 2 ln 2, in bits), less than it takes to describe it.
 */
#define SQUARES_MOST 72000u

#define HASH_BITS 12

static bool shows_many_values(const uint8_t *page)
{
	uint64_t seen[4] = {0};
	int n = 0;

	for (size_t i = 0; i < CORE_PAGE; i += CORE_PAGE / DRAWN)
		seen[page[i] / 64] |= UINT64_C(1) << page[i] % 64;
	for (unsigned i = 0; i < 4; i++)
		n += __builtin_popcountll(seen[i]);
	return n >= (int)DRAWN_FEWEST;
}

static bool evenly_spread(const uint8_t *page)
{
	uint16_t count[4][256] = {{0}}; /* several, for equal bytes would wait for each other */
	uint32_t squares = 0;

	for (size_t i = 0; i < CORE_PAGE; i += 4)
		for (unsigned k = 0; k < 4; k++)
			count[k][page[i + k]]++;
	for (unsigned v = 0; v < 256; v++) {
		uint32_t n = (uint32_t)count[0][v] + count[1][v] + count[2][v] + count[3][v];

		squares += n * n;
	}
	return squares <= SQUARES_MOST;
}

static uint32_t word_at(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Four bytes from a multiple of four on that come again anywhere later. */
static bool comes_again(const uint8_t *page)
{
	uint16_t at[1 << HASH_BITS] = {0}; /* one more than where such a word is */

	for (uint32_t i = 0; i <= CORE_PAGE - 4; i++) {
		uint32_t v = word_at(page + i);
		uint16_t *slot = &at[v * 0x9e3779b1u >> (32 - HASH_BITS)];

		if (*slot && word_at(page + *slot - 1) == v)
			return true;
		if (i % 4 == 0)
			*slot = (uint16_t)(i + 1);
	}
	return false;
}

bool page_is_noise(const uint8_t *page)
{
	return shows_many_values(page) && evenly_spread(page) && !comes_again(page);
}
