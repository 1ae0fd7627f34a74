#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# make bench: the digest as built for purgatory against kexec-tools' C, then load and crash in QEMU,
# with and without Xen, natively with the i386 builds, too.
# The peer's digest is compiled from Debian's source package of the kexec-tools that is measured.
set -eu
cd "$(dirname "$0")/../.."
O=${O:-build}
mkdir -p "$O/bench/peer"
top=$(pwd)

# Debian's source packages from the configured mirrors, without touching the machine's own lists.
cd "$O/bench/peer"
if [ ! -f sha256.c ]; then
	mkdir -p apt/lists/partial apt/cache/archives/partial
	cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
		awk 'BEGIN { RS = ""; ORS = "\n\n" } /(^|\n)Suites:[^\n]*bookworm/ && /Types: deb( |\n|$)/ {
			sub(/Types: deb[^\n]*/, "Types: deb-src"); print }' >apt/src.sources
	grep -hE '^deb .* bookworm' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed 's/^deb /deb-src /' >apt/src.list || true
	for s in src.sources src.list; do [ -s "apt/$s" ] && list=$s; done
	set -- -o Dir::Etc::sourcelist="$PWD/apt/$list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$PWD/apt/lists" -o Dir::Cache="$PWD/apt/cache"
	apt-get "$@" -q update
	apt-get "$@" -q source --download-only kexec-tools
	tar -xf kexec-tools_*.orig.tar.xz --strip-components=2 --wildcards '*/util_lib/sha256.c'
	tar -xf kexec-tools_*.orig.tar.xz --strip-components=3 --wildcards '*/util_lib/include/sha256.h'
fi
cat >peer.c <<'P'
#include <sha256.h>
void peer_sha256(const void *data, size_t len, unsigned char *digest);
void peer_sha256(const void *data, size_t len, unsigned char *digest)
{
	sha256_context c;

	sha256_starts(&c);
	sha256_update(&c, data, len);
	sha256_finish(&c, digest);
}
P
# As kexec-tools builds this file for its purgatory; two objects made one.
for w in x86_64:64 i386:32; do
	emulation=elf_${w%:*} w=${w#*:} model=
	[ $w = 32 ] || model=-mcmodel=large
	for f in peer sha256; do
		gcc -m$w $model -O2 -fno-builtin -ffreestanding -fno-stack-protector -I. -I"$top" -c $f.c -o $f-$w.o
	done
	ld -r -m "$emulation" -o all-$w.o peer-$w.o sha256-$w.o
done
ls kexec-tools_*.dsc | sed 's/^kexec-tools_/peer: kexec-tools /; s/\.dsc$//'
cd "$top"
make -s O="$O" bench-sha256 PEER_SHA256_OBJ="$top/$O/bench/peer/all-64.o" \
	PEER_SHA256_OBJ_32="$top/$O/bench/peer/all-32.o"
make -s O="$O"
make -s ARCH=i386 O="${O_I386:-$O-i386}"
O=$O python3 tests/bench/on_this_cpu.py
O=$O python3 tests/e2e/bench.py
