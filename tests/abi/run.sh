#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What this build's structs look like must be what sizes.txt says, and that must name each struct of
# the headers in which everything crosses a boundary.
set -u
cd "$(dirname "$0")/../.." || exit 1
bad=0
headers="xen/abi.h purgatory/abi.h common/note.h common/bootparams.h"

for h in $headers; do
	names=$(sed -n 's/^struct \(_packed_ \)\{0,1\}\([a-z0-9_]*\) {.*/\2/p' "$h")
	[ "$names" ] || {
		echo "abi: no struct found in $h"
		bad=1
	}
	for name in $names; do
		[ "$name" != bp_places ] || continue # between our own functions
		grep -q "^$name [0-9]*$" tests/abi/sizes.txt || {
			echo "abi: struct $name of $h is not in sizes.txt"
			bad=1
		}
	done
done
grep -q hole tests/abi/sizes.txt && {
	echo "abi: a struct with padding by the compiler differs between builds sooner or later"
	bad=1
}
"${O:-build}/tests/abi-sizes" | diff -u tests/abi/sizes.txt - || bad=1
[ $bad = 0 ] && echo "abi: $(grep -c '^[a-z]' tests/abi/sizes.txt) structs are as they must be"
exit $bad
