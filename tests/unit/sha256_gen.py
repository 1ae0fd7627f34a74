#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes sha256_lengths.h: digests by Python's hashlib (OpenSSL), which shares nothing with ours.

Message n is the n bytes (7 * i + n) mod 256, i = 0..n-1. The table has the first 8 bytes of each
digest; the chain is the digest of all 301 whole digests, one after the other.
Run: tests/unit/sha256_gen.py > tests/unit/sha256_lengths.h
"""
import hashlib

digests = [hashlib.sha256(bytes((7 * i + n) % 256 for i in range(n))).digest() for n in range(301)]
print("/* SPDX-License-Identifier: GPL-2.0-only */")
print("/* Made by tests/unit/sha256_gen.py; see there. */")
print("/* clang-format off */")
print("static const uint64_t sha256_lengths[301] = {")
for n in range(0, 301, 4):
    print("\t" + " ".join("0x%s," % d[:8].hex() for d in digests[n:n + 4]))
print("};")
print('static const char sha256_chain[] = "%s";' % hashlib.sha256(b"".join(digests)).hexdigest())
