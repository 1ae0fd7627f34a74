#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The documentation says what the program does: options of the man pages against --help, exit codes
# against enum xk_status, quoted messages against the strings of the sources.
# shellcheck disable=SC2016
set -u
cd "$(dirname "$0")/.." || exit 1
xenkdump=${O:-build}/xenkdump
case $xenkdump in /*) ;; *) xenkdump=./$xenkdump ;; esac
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0

wrong() {
	printf 'docs: %s\n' "$*"
	bad=1
}

# same WHAT NAME-A NAME-B: $tmp/a and $tmp/b must be equal and not empty
same() {
	[ -s "$tmp/a" ] || wrong "$1: nothing found in $2"
	diff "$tmp/a" "$tmp/b" >"$tmp/diff" && return
	wrong "$1: < is $2, > is $3"
	grep '^[<>]' "$tmp/diff"
}

# Lines like "--initrd FILE", "-v".
help_options() {
	"$xenkdump" "$1" --help | sed -n 's/^  \(-[^ ,]*\(, --[^ ]*\)\{0,1\}\( [^ ]*\)\{0,1\}\) .*/\1/p' |
		sed 's/^\(-.\), /\1\n/; s/ *$//' | sort
}
man_options() {
	sed -n 's/^\.It Fl /-/p' "$1" | sed 's/ , Fl /\n-/g; s/ Ar / /' | sort
}

commands=$("$xenkdump" --help | sed -n 's/^  \([a-z-]*\)  .*/\1/p')
[ "$commands" ] || wrong "xenkdump --help names no command"
for c in $commands; do
	page=doc/man/xenkdump-$c.8
	[ -f "$page" ] || {
		wrong "$page is missing"
		continue
	}
	help_options "$c" >"$tmp/a"
	man_options "$page" >"$tmp/b"
	same "options of $c" --help "$page"
	grep -q "^\.It Ic $c\$" doc/man/xenkdump.8 || wrong "xenkdump.8 does not name $c"
done
for page in doc/man/xenkdump-*.8; do
	c=${page#doc/man/xenkdump-}
	echo "$commands" | grep -qx -e "${c%.8}" || wrong "$page: there is no such command"
done

# "4 XK_IO"
sed -n 's/^\t\(XK_[A-Z_]*\) = \([0-9]*\),.*/\2 \1/p' common/diag.h >"$tmp/a"
sed -n 's/^| \([0-9]*\) | `\(XK_[A-Z_]*\)` |.*/\1 \2/p' doc/exit-codes.md >"$tmp/b"
same "exit codes" common/diag.h doc/exit-codes.md
sed -n 's/^\.It \([0-9]*\) Pq \(XK_[A-Z_]*\)$/\1 \2/p' doc/man/xenkdump.8 >"$tmp/b"
same "exit codes" common/diag.h xenkdump.8

# Every key that facts are written with stands in the table of doc/facts.md, and the other way.
{
	sed -n 's/^\tF("\([^"]*\)".*/\1/p' common/facts.c
	printf '%s\n' memory crash-region cpu-note missing
} | sort >"$tmp/a"
sed -n '/^| key | kind/,$s/^| \(`.*\)/\1/p' doc/facts.md | cut -d'|' -f1 | grep -o '`[^`]*`' | tr -d '`' |
	sort >"$tmp/b"
same "facts" common/facts.c doc/facts.md

# Messages: what stands between the placeholders must be in some string of the sources, whose
# pieces are joined here.
cat cli/*.c common/*.c xen/*.c native/*.c vmcore/*.c purgatory/*.c | tr '\n\t' '  ' |
	sed 's/" *PRI[a-zA-Z0-9]* *"/@/g; s/" *"//g; s/\\"/"/g' >"$tmp/strings"
messages() {
	cat doc/man/*.8 | sed -n '/^\.Bl -diag/,/^\.El/s/^\.It "\(.*\)"$/\1/p' | sed 's/\\(dq/"/g'
	sed -n '/^When it refuses/,/^More/s/^    \([^ ].*\)/\1/p' README.xen
}
messages >"$tmp/messages"
[ "$(wc -l <"$tmp/messages")" -ge 30 ] || wrong "the quoted messages are not found any more"
placeholders='FILE|LINE|KEY|KERNEL|SEGMENT|PVH|A-B|A|N|64|No such file or directory'
while read -r line; do
	echo "$line" | sed -E "s/\\b($placeholders)\\b|\\.\\.\\.|: |[()]/\\n/g" >"$tmp/parts"
	while read -r part; do
		[ ${#part} -lt 4 ] || grep -qF -e "$part" "$tmp/strings" ||
			wrong "no message of the program says \"$part\" ($line)"
	done <"$tmp/parts"
done <"$tmp/messages"

# Pages of this project that are referred to; mandoc knows installed ones only.
sed -n 's/^\.Xr \(xenkdump[^ ]*\) 8.*/\1/p' doc/man/*.8 | sort -u >"$tmp/names"
while read -r name; do
	[ -f "doc/man/$name.8" ] || wrong "doc/man/$name.8 is referred to and missing"
done <"$tmp/names"
if command -v mandoc >/dev/null; then
	out=$(mandoc -T lint doc/man/*.8 2>/dev/null | grep -v 'referenced manual not found')
	[ -z "$out" ] || wrong "mandoc: $out"
else
	echo "docs: mandoc is not installed, the form of the pages is not checked"
fi
[ "$bad" = 0 ] && echo "docs: options, exit codes, facts and messages agree with the program"
exit "$bad"
