// SPDX-License-Identifier: GPL-2.0-only
/*
 * SHA-256 in plain C, written for few instructions rather than small code: a crash may have to
 * hash a few hundred MiB on one CPU, perhaps an emulated one. All 64 rounds are unrolled, so that
 * the constants are immediates (a table would cost a load and, on i386, a base register), and
 * the schedule lives in 16 words.
 */
#include <cpuid.h>

#include "purgatory/sha256.h"

#define ROR(x, n) ((x) >> (n) | (x) << (32 - (n)))

/* FIPS 180-4 writes the sums as three rotations of the same word. Nested, each rotation works on
 * the result of the one before it, in place: (2, 13, 22) are 2, 2+11, 2+11+9. */
#define SUM0(x) ROR(ROR(ROR(x, 9) ^ (x), 11) ^ (x), 2)
#define SUM1(x) ROR(ROR(ROR(x, 14) ^ (x), 5) ^ (x), 6)
#define SIG0(x) (ROR(ROR(x, 11) ^ (x), 7) ^ (x) >> 3)
#define SIG1(x) (ROR(ROR(x, 2) ^ (x), 17) ^ (x) >> 10)

/* Choice is g ^ (e & (f ^ g)). Majority is b ^ ((a ^ b) & (b ^ c)), and this round's a ^ b is the
 * next one's b ^ c: it is carried in bc. */
#define ROUND(a, b, c, d, e, f, g, h, word, k)                               \
	do {                                                                 \
		uint32_t ab = (a) ^ (b);                                     \
                                                                             \
		(h) += (k) + (word) + ((g) ^ ((e) & ((f) ^ (g)))) + SUM1(e); \
		(d) += (h);                                                  \
		(h) += ((b) ^ (ab & bc)) + SUM0(a);                          \
		bc = ab;                                                     \
	} while (0)

/* Eight rounds bring the names of the working variables back to where they were. */
#define ROUNDS8(word, i, k0, k1, k2, k3, k4, k5, k6, k7)  \
	ROUND(a, b, c, d, e, f, g, h, word((i) + 0), k0); \
	ROUND(h, a, b, c, d, e, f, g, word((i) + 1), k1); \
	ROUND(g, h, a, b, c, d, e, f, word((i) + 2), k2); \
	ROUND(f, g, h, a, b, c, d, e, word((i) + 3), k3); \
	ROUND(e, f, g, h, a, b, c, d, word((i) + 4), k4); \
	ROUND(d, e, f, g, h, a, b, c, word((i) + 5), k5); \
	ROUND(c, d, e, f, g, h, a, b, word((i) + 6), k6); \
	ROUND(b, c, d, e, f, g, h, a, word((i) + 7), k7)

#define FIRST(i) (w[i] = load_be32(data + 4 * (i)))
#define NEXT(i) \
	(w[(i)&15] += SIG1(w[((i) + 14) & 15]) + w[((i) + 9) & 15] + SIG0(w[((i) + 1) & 15]))

static inline uint32_t load_be32(const uint8_t *p)
{
	uint32_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

static inline void store_be32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	__builtin_memcpy(p, &v, sizeof(v));
}

void sha256_blocks_c(uint32_t state[8], const uint8_t *data, size_t nr)
{
	for (; nr; nr--, data += 64) {
		uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
		uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
		uint32_t bc = b ^ c, w[16];

		/* clang-format off: eight constants of FIPS 180-4, section 4.2.2, to a statement */
		ROUNDS8(FIRST, 0, 0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b,
			0x59f111f1, 0x923f82a4, 0xab1c5ed5);
		ROUNDS8(FIRST, 8, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74,
			0x80deb1fe, 0x9bdc06a7, 0xc19bf174);
		ROUNDS8(NEXT, 16, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
			0x4a7484aa, 0x5cb0a9dc, 0x76f988da);
		ROUNDS8(NEXT, 24, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3,
			0xd5a79147, 0x06ca6351, 0x14292967);
		ROUNDS8(NEXT, 32, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354,
			0x766a0abb, 0x81c2c92e, 0x92722c85);
		ROUNDS8(NEXT, 40, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
			0xd6990624, 0xf40e3585, 0x106aa070);
		ROUNDS8(NEXT, 48, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3,
			0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3);
		ROUNDS8(NEXT, 56, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa,
			0xa4506ceb, 0xbef9a3f7, 0xc67178f2);
		/* clang-format on */

		state[0] += a;
		state[1] += b;
		state[2] += c;
		state[3] += d;
		state[4] += e;
		state[5] += f;
		state[6] += g;
		state[7] += h;
	}
}

bool sha256_has_ni(void)
{
	/* bits the code of sha256-ni.c is compiled for: SSE2 in EDX, SSSE3 and SSE4.1 in ECX */
	const uint32_t edx = bit_FXSAVE | bit_SSE2, ecx = bit_SSSE3 | bit_SSE4_1;
	uint32_t a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || (d & edx) != edx || (c & ecx) != ecx)
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

void sha256_digest(sha256_blocks_fn *blocks, const void *data, size_t len, uint8_t ret[32])
{
	uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
		0x1f83d9ab, 0x5be0cd19};
	const uint8_t *p = data;
	uint8_t tail[128];
	size_t left = len % 64, padded = left < 56 ? 64 : 128;

	blocks(state, p, len / 64);
	for (size_t i = 0; i < padded; i++)
		tail[i] = i < left ? p[len - left + i] : i == left ? 0x80 : 0;
	store_be32(tail + padded - 8, (uint32_t)((uint64_t)len >> 29));
	store_be32(tail + padded - 4, (uint32_t)((uint64_t)len << 3));
	blocks(state, tail, padded / 64);
	for (int i = 0; i < 8; i++)
		store_be32(ret + 4 * i, state[i]);
}
