// SPDX-License-Identifier: GPL-2.0-only
/*
 * SHA-256 by the SHA extensions (Intel SDM volume 2, SHA256RNDS2, SHA256MSG1, SHA256MSG2). The
 * only vector code of purgatory: built with flags of its own, and called only after
 * sha256_has_ni() and with SSE enabled.
 */

/* gcc's intrinsics pull in malloc() with <stdlib.h>, which a freestanding i386 build on an x86_64
 * machine need not have. This is the guard of the header that does so. */
#define _MM_MALLOC_H_INCLUDED
#include <immintrin.h>

#include "purgatory/sha256.h"

static const uint32_t k256[64] __attribute__((aligned(16))) = {0x428a2f98, 0x71374491, 0xb5c0fbcf,
	0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
	0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1,
	0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351,
	0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb,
	0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
	0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
	0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814,
	0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* Rounds 4q..4q+3. Each instruction does two rounds and leaves what was ABEF as the new CDGH, so
 * the two halves of the state take turns. */
#define ROUNDS4(q, words)                                                                        \
	do {                                                                                     \
		__m128i sum = _mm_add_epi32(                                                     \
			words, _mm_load_si128((const __m128i *)(const void *)(k256 + 4 * (q)))); \
                                                                                                 \
		cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);                                   \
		abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));          \
	} while (0)

/* The four words before the last twelve become the next four. */
#define NEXT4(w0, w1, w2, w3)       \
	(w0 = _mm_sha256msg2_epu32( \
		 _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4)), w3))

#define NEXT16(q)                                        \
	do {                                             \
		ROUNDS4((q) + 0, NEXT4(m0, m1, m2, m3)); \
		ROUNDS4((q) + 1, NEXT4(m1, m2, m3, m0)); \
		ROUNDS4((q) + 2, NEXT4(m2, m3, m0, m1)); \
		ROUNDS4((q) + 3, NEXT4(m3, m0, m1, m2)); \
	} while (0)

static inline __m128i load(const void *p)
{
	return _mm_loadu_si128(p);
}

/* The attribute: an i386 caller may keep its stack aligned to 4 bytes only, spilled registers
 * need 16. */
__attribute__((force_align_arg_pointer)) void sha256_blocks_ni(
	uint32_t state[8], const uint8_t *data, size_t nr)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i badc = _mm_shuffle_epi32(load(state), 0xb1); /* high to low: c d a b */
	__m128i efgh = _mm_shuffle_epi32(load(state + 4), 0x1b); /* e f g h */
	__m128i abef = _mm_alignr_epi8(badc, efgh, 8);
	__m128i cdgh = _mm_blend_epi16(efgh, badc, 0xf0);
	__m128i feba, dchg;

	for (; nr; nr--, data += 64) {
		const __m128i abef0 = abef, cdgh0 = cdgh;
		__m128i m0 = _mm_shuffle_epi8(load(data), swap);
		__m128i m1 = _mm_shuffle_epi8(load(data + 16), swap);
		__m128i m2 = _mm_shuffle_epi8(load(data + 32), swap);
		__m128i m3 = _mm_shuffle_epi8(load(data + 48), swap);

		ROUNDS4(0, m0);
		ROUNDS4(1, m1);
		ROUNDS4(2, m2);
		ROUNDS4(3, m3);
		NEXT16(4);
		NEXT16(8);
		NEXT16(12);
		abef = _mm_add_epi32(abef, abef0);
		cdgh = _mm_add_epi32(cdgh, cdgh0);
	}
	feba = _mm_shuffle_epi32(abef, 0x1b); /* high to low: f e b a */
	dchg = _mm_shuffle_epi32(cdgh, 0xb1); /* d c h g */
	_mm_storeu_si128((void *)state, _mm_blend_epi16(feba, dchg, 0xf0)); /* d c b a */
	_mm_storeu_si128((void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8)); /* h g f e */
}
