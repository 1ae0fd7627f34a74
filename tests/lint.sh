#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Include rules of the rooms, formatting, and text that has no place in a source tree.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

# room: which folders its files may include from (system headers are free)
rule() {
	room=$1 allowed=$2
	out=$(grep -nHE '^#include "' "$room"/*.[chS] 2>/dev/null |
		grep -vE "#include \"($allowed)")
	if [ -n "$out" ]; then
		printf 'lint: %s/ may include only %s:\n%s\n' "$room" "$allowed" "$out"
		bad=1
	fi
}
rule common 'common/|purgatory/(abi|blob|sha256)\.h'
rule xen 'common/|xen/'
rule native 'common/|native/'
rule purgatory 'purgatory/'
rule vmcore 'common/|vmcore/|xen/notes\.h'
rule cli 'common/|xen/|native/|vmcore/|cli/'

# Only cli/ prints or exits.
out=$(grep -nHE '(^|[^a-z_])(printf|puts|fprintf|perror|exit|abort) *\(' common/*.c xen/*.c native/*.c vmcore/*.c 2>/dev/null)
if [ -n "$out" ]; then
	printf 'lint: only cli/ prints or exits:\n%s\n' "$out"
	bad=1
fi

# Every source names its licence.
for f in $(git ls-files '*.c' '*.h' '*.S' '*.sh' '*.py' '*.mk' Makefile); do
	head -3 "$f" | grep -q 'SPDX-License-Identifier: GPL-2.0-only' || {
		echo "lint: $f: no SPDX line"
		bad=1
	}
done

if command -v clang-format >/dev/null; then
	files=$(git ls-files '*.c' '*.h')
	# shellcheck disable=SC2086
	out=$(clang-format --dry-run --Werror $files 2>&1 | grep -E 'error:' | head -20)
	if [ -n "$out" ]; then
		printf 'lint: clang-format:\n%s\n' "$out"
		bad=1
	fi
else
	echo "lint: clang-format is not installed"
	bad=1
fi

if command -v shellcheck >/dev/null; then
	# shellcheck disable=SC2046
	out=$(shellcheck -x -S warning $(git ls-files '*.sh' .ci/run) 2>&1)
	if [ -n "$out" ]; then
		printf 'lint: shellcheck:\n%s\n' "$out"
		bad=1
	fi
else
	echo "lint: shellcheck is not installed"
	bad=1
fi
exit $bad
