// SPDX-License-Identifier: GPL-2.0-only
/* The digest code, both variants, against published vectors, hashlib's digests, and each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "common/purg.h"
#include "purgatory/sha256.h"
#include "tests/unit/sha256_lengths.h"

static const struct variant {
	const char *name;
	sha256_blocks_fn *blocks;
} variants[] = {{"plain C", sha256_blocks_c}, {"SHA-NI", sha256_blocks_ni}};

#define for_each_variant(v) \
	for (const struct variant *v = variants; v < variants + (sha256_has_ni() ? 2 : 1); v++)

static const char *hex(const uint8_t digest[32])
{
	static char text[65];

	for (int i = 0; i < 32; i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
	return text;
}

/* FIPS 180-2 appendix B; the empty one is from NIST's SHAVS ShortMsg file. */
static void test_nist(void **state)
{
	const size_t million = 1000000;
	char *a = malloc(million);
	const struct {
		const char *msg;
		size_t len;
		const char *digest;
	} rows[] = {
		{"", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
		{a, million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	};
	uint8_t digest[32];

	(void)state;
	assert_non_null(a);
	memset(a, 'a', million);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for_each_variant(v)
		{
			sha256_digest(v->blocks, rows[i].msg, rows[i].len, digest);
			assert_string_equal(hex(digest), rows[i].digest);
		}
		sha256(rows[i].msg, rows[i].len, digest);
		assert_string_equal(hex(digest), rows[i].digest);
	}
	free(a);
}

/* Every length around the padding's edges (55, 56, 63, 64, 119, 120, ...), at any alignment. */
static void test_lengths(void **state)
{
	uint8_t msg[301 + 3], all[301][32], digest[32];

	(void)state;
	for_each_variant(v)
	{
		for (size_t n = 0; n <= 300; n++) {
			uint8_t *m = msg + n % 4;
			uint64_t first = 0;

			for (size_t i = 0; i < n; i++)
				m[i] = (uint8_t)(7 * i + n);
			sha256_digest(v->blocks, m, n, all[n]);
			for (int i = 0; i < 8; i++)
				first = first << 8 | all[n][i];
			if (first != sha256_lengths[n])
				fail_msg("%s: wrong digest of %zu bytes", v->name, n);
		}
		sha256_digest(v->blocks, all, sizeof(all), digest);
		assert_string_equal(hex(digest), sha256_chain);
	}
}

static void test_ni_is_c(void **state)
{
	static uint8_t data[70000];
	uint32_t seed = 12345;
	uint8_t c[32], ni[32];

	(void)state;
	if (!sha256_has_ni())
		skip();
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
	for (int i = 0; i < 200; i++) {
		size_t off = (seed = seed * 1664525 + 1013904223) >> 27;
		size_t len = ((seed = seed * 1664525 + 1013904223) >> 8) % (sizeof(data) - 32);

		sha256_digest(sha256_blocks_c, data + off, len, c);
		sha256_digest(sha256_blocks_ni, data + off, len, ni);
		assert_memory_equal(c, ni, 32);
	}
}

/* What the check is for: one flipped bit anywhere changes the digest. */
static void test_one_bit(void **state)
{
	uint8_t data[150] = {0}, good[32], bad[32];

	(void)state;
	for_each_variant(v)
	{
		sha256_digest(v->blocks, data, sizeof(data), good);
		for (size_t bit = 0; bit < 8 * sizeof(data); bit++) {
			data[bit / 8] ^= 1 << bit % 8;
			sha256_digest(v->blocks, data, sizeof(data), bad);
			data[bit / 8] ^= 1 << bit % 8;
			assert_memory_not_equal(good, bad, 32);
		}
		sha256_digest(v->blocks, data, sizeof(data) - 1, bad);
		assert_memory_not_equal(good, bad, 32);
	}
}

/* Writes 32 bytes and no more, and leaves the message alone. */
static void test_bounds(void **state)
{
	uint8_t msg[65], copy[65], out[34];

	(void)state;
	memset(msg, 0x5a, sizeof(msg));
	memcpy(copy, msg, sizeof(msg));
	for_each_variant(v)
	{
		memset(out, 0xa5, sizeof(out));
		sha256_digest(v->blocks, msg, sizeof(msg), out + 1);
		assert_int_equal(out[0], 0xa5);
		assert_int_equal(out[33], 0xa5);
		assert_memory_equal(msg, copy, sizeof(msg));
	}
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(test_nist),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_ni_is_c),
		cmocka_unit_test(test_one_bit),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
