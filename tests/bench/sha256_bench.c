// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linked with purgatory's own objects, one binary for each width: `--check` compares its variants
 * with each other and with known digests, otherwise prints how fast each is. Built with -DPEER,
 * and an object that exports peer_sha256(), it measures that one too and prints the ratio.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "purgatory/sha256.h"

#define SIZE  (8u << 20)
#define CHUNK (256u << 10) /* about a millisecond: some of the passes are not interrupted */

#ifdef PEER
void peer_sha256(const void *data, size_t len, unsigned char *ret);
#endif

static uint8_t *data;

static void plain(const void *p, size_t len, uint8_t *ret)
{
	sha256_digest(sha256_blocks_c, p, len, ret);
}

static void ni(const void *p, size_t len, uint8_t *ret)
{
	sha256_digest(sha256_blocks_ni, p, len, ret);
}

/* Best of a second's passes over 256 KiB: the others measure who else is running. */
static double mb_per_s(void (*fn)(const void *, size_t, uint8_t *))
{
	double best = 0, spent = 0;
	uint8_t digest[32];

	for (size_t off = 0; spent < 1; off = (off + CHUNK) % SIZE) {
		struct timespec t0, t1;
		double s;

		clock_gettime(CLOCK_MONOTONIC, &t0);
		fn(data + off, CHUNK, digest);
		clock_gettime(CLOCK_MONOTONIC, &t1);
		s = (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9;
		spent += s;
		if (CHUNK / s / 1e6 > best)
			best = CHUNK / s / 1e6;
	}
	return best;
}

static int bench(void)
{
	const unsigned bits = 8 * sizeof(void *);

	memset(data, 'a', SIZE);
	double c = mb_per_s(plain), n = sha256_has_ni() ? mb_per_s(ni) : 0;

	printf("sha256 %u-bit plain C  %8.0f MB/s\n", bits, c);
	if (n > 0)
		printf("sha256 %u-bit SHA-NI   %8.0f MB/s  %.1f times plain C\n", bits, n, n / c);
	else
		printf("sha256 %u-bit SHA-NI   not on this CPU\n", bits);
#ifdef PEER
	double p = mb_per_s(peer_sha256);

	printf("sha256 %u-bit peer     %8.0f MB/s  plain C is %.2f times that", bits, p, c / p);
	if (n > 0)
		printf(", SHA-NI %.1f times", n / p);
	printf("\n");
#endif
	return 0;
}

static int expect(const char *what, const uint8_t *digest, const char *hex)
{
	char text[65];

	for (int i = 0; i < 32; i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
	if (!strcmp(text, hex))
		return 0;
	printf("FAIL %s: %s instead of %s\n", what, text, hex);
	return 1;
}

/* FIPS 180-2 appendix B, then random lengths and alignments. */
static int check(void)
{
	static const char abc[] =
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	static const char million[] =
		"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
	const unsigned bits = 8 * sizeof(void *);
	uint8_t c[32], n[32];
	int bad = 0, compared = 0;

	plain("abc", 3, c);
	bad += expect("plain C, abc", c, abc);
	memset(data, 'a', 1000000);
	plain(data, 1000000, c);
	bad += expect("plain C, a million a", c, million);
	srand(1);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (uint8_t)(rand() >> 7);
	for (unsigned i = 0; sha256_has_ni() && i < 500; i++, compared++) {
		size_t off = (size_t)rand() % 64, len = i < 300 ? i : (size_t)rand() % 100000;

		plain(data + off, len, c);
		ni(data + off, len, n);
		if (memcmp(c, n, 32)) {
			printf("FAIL %u-bit: SHA-NI and plain C differ, %zu bytes\n", bits, len);
			bad++;
		}
	}
	printf("%s %u-bit digest objects of the blob, %d comparisons with SHA-NI\n",
		bad ? "FAIL" : "ok  ", bits, compared);
	return bad != 0;
}

int main(int argc, char **argv)
{
	data = malloc(SIZE);
	if (!data) {
		fprintf(stderr, "no memory\n");
		return 1;
	}
	return argc > 1 && !strcmp(argv[1], "--check") ? check() : bench();
}
