#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Golden hosts: for each folder here, what `xenkdump plan` says of facts.txt and request.txt must be
# plan.txt. --update rewrites the plans; whoever does that reads each changed line.
# --same-as FOLDER: instead, the build in FOLDER must say the same to the last byte, as text and as
# JSON, and plan the same bytes for every segment.
#
# request.txt: "# what the case proves", then lines of
#   kernel FIELD=NUMBER...   the kernel, see mkkernel.c
#   initrd BYTES             an initrd of that size; may be repeated
#   arg WORD                 one argument
# plan.txt: standard output, standard error, exit code. The size of the XENKDUMP note and what
# follows from it depend on the zlib at hand and are masked.
set -u
here=$(cd "$(dirname "$0")" && pwd)
O=$(cd "$here/../.." && cd "${O:-build}" && pwd) || exit 1
update="" other=""
[ "${1:-}" = --update ] && update=1
if [ "${1:-}" = --same-as ]; then
	other=$(cd "$here/../.." && cd "$2" && pwd) || exit 1
	[ "$other" != "$O" ] || {
		echo "hosts: --same-as $2: that is this build itself"
		exit 1
	}
fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0 nr=0 segments=0

fail() {
	printf 'hosts: %s: %s\n' "$name" "$1"
	bad=1
}

mask() {
	sed -e 's/XENKDUMP note [0-9]* bytes/XENKDUMP note N bytes/' \
		-e 's/^\(  note  *\)[0-9a-f]\{64\} [0-9]* bytes$/\1(depends on zlib)/' \
		-e 's/^\(  elfcore  *\)[0-9a-f]\{64\}/\1(depends on zlib)/' \
		-e 's/^xenkdump \(plan\|load\): /xenkdump: /'
}

# Digests of what was loaded, by another implementation. The kernel's setup part has 2560 bytes;
# each initrd starts at a multiple of 4.
check_digests() {
	grep -q '^exit 0$' out || return
	tail -c +2561 vmlinuz >loaded
	digest_is kernel
	if [ "$initrds" ]; then
		: >loaded
		for f in initrd.*; do
			truncate -s %4 loaded
			cat "$f" >>loaded
		done
		digest_is initrd
	fi
	printf '%s\0' "$(sed -n 's/^command line: //p' out)" >loaded
	digest_is cmdline
}

digest_is() {
	want=$(sha256sum <loaded | cut -d' ' -f1)
	got=$(sed -n "s/^  $1  *\([0-9a-f]\{64\}\) .*/\1/p" out)
	[ "$want" = "$got" ] || fail "digest of the $1 is $got, sha256sum says $want"
}

plan() {
	"$O/xenkdump" "$@" --facts facts.txt vmlinuz >stdout 2>stderr
	echo "exit $?" >code
	cat stdout stderr code | mask
}

# What one build says of a host and the segments it makes, in folder $1.
everything() {
	into=$1 program=$2
	shift 2
	mkdir -p "$into/segments"
	"$program" plan --write-segments "$into/segments" "$@" --facts facts.txt vmlinuz \
		>"$into/stdout" 2>"$into/stderr"
	echo "exit $?" >"$into/code"
	"$program" plan --json "$@" --facts facts.txt vmlinuz >"$into/json" 2>&1
}

compare() {
	everything this "$O/xenkdump" "$@"
	everything other "$other/xenkdump" "$@"
	diff -r this other >differences || {
		head -n 20 differences
		fail "the build in $other makes it otherwise (same compiler, same zlib?)"
	}
	# Two programs that write nothing would agree. plan.txt says how many there must be.
	planned=$(awk '$1 ~ /^0x/ && $4 ~ /B$/ && $5 != "-" && $5 != "backup"' \
		"$here/$name/plan.txt" | wc -l)
	written=$(find this/segments -type f -size +0 | wc -l)
	[ "$written" = "$planned" ] || fail "$written segments were written, $planned are planned"
	segments=$((segments + written))
}

run() {
	mkdir "$tmp/$name" && cd "$tmp/$name" || exit 1
	cp "$here/$name/facts.txt" .
	kernel="" initrds=""
	set --
	while read -r word rest; do
		case $word in
		'' | '#') ;;
		kernel) kernel=$rest ;;
		initrd)
			initrds=$((${initrds:-0} + 1))
			head -c "$rest" /dev/zero | tr '\0' "$initrds" >"initrd.$initrds"
			set -- "$@" --initrd "initrd.$initrds"
			;;
		arg) set -- "$@" "$rest" ;;
		*) fail "request.txt: $word?" ;;
		esac
	done <"$here/$name/request.txt"
	# shellcheck disable=SC2086
	"$O/tests/mkkernel" vmlinuz $kernel || exit 1
	if [ "$other" ]; then
		compare "$@"
		return
	fi
	plan plan "$@" >out
	plan load --dry-run "$@" | cmp -s - out || fail "load --dry-run says something else"
	check_digests
	if grep -q '^exit 0$' out; then
		"$O/xenkdump" plan --json "$@" --facts facts.txt vmlinuz >json &&
			python3 -c 'import json; json.load(open("json", encoding="ascii"))' ||
			fail "its JSON cannot be read"
		mkdir made && "$O/xenkdump" plan --write-segments made "$@" --facts facts.txt vmlinuz \
			>/dev/null && python3 -B "$here/arithmetic.py" facts.txt json made >wrong || {
			cat wrong
			fail "the arithmetic says otherwise"
		}
	fi
	if [ "$update" ]; then
		cmp -s out "$here/$name/plan.txt" || echo "hosts: $name: updated"
		cp out "$here/$name/plan.txt"
	else
		diff -u "$here/$name/plan.txt" out || fail "the plan changed (--update after reading it)"
	fi
}

for facts in "$here"/*/facts.txt; do
	name=$(basename "$(dirname "$facts")")
	nr=$((nr + 1))
	run
done
[ $nr -gt 0 ] || bad=1
if [ "$other" ]; then
	[ "$segments" -gt 0 ] || bad=1
	[ $bad = 0 ] && echo "hosts: $nr plans and $segments segments are the same in both builds"
else
	[ $bad = 0 ] && echo "hosts: $nr plans are as they were"
fi
exit $bad
