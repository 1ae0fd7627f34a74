#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The whole test: installs what it needs (Debian 12, root), builds with gcc and clang, unit tests
# with and without sanitizers, fuzz corpora, golden hosts, the same for i386, the command line,
# save where something is wrong, documentation, lint, purgatory alone in QEMU, then Xen and a dom0
# that crash in QEMU.
# tests/check.sh --quick leaves out what needs QEMU.
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/packages.sh
quick=
[ "${1:-}" = --quick ] && quick=1
# shellcheck disable=SC2086
need_packages $PACKAGES_CHECK

passed=0 failed=0 failures=
step() {
	name=$1
	shift
	start=$(date +%s)
	echo "== $name"
	if "$@"; then
		passed=$((passed + 1))
		echo "== $name: ok, $(($(date +%s) - start)) s"
	else
		failed=$((failed + 1))
		failures="$failures$name; "
		echo "== $name: FAILED"
	fi
}

jobs=$(nproc)
step "build with gcc" make -j"$jobs" O=build WERROR=1
step "build with clang" make -j"$jobs" O=build-clang CC=clang WERROR=1
step "unit tests" make -j"$jobs" O=build WERROR=1 check-unit
step "unit tests, clang, ASan and UBSan" make -j"$jobs" O=build-asan CC=clang SAN=1 WERROR=1 check-unit
step "fuzz corpora under ASan and UBSan" make -j"$jobs" O=build-asan CC=clang SAN=1 WERROR=1 check-fuzz
step "golden hosts" make O=build check-hosts
step "structs across boundaries" make O=build WERROR=1 check-abi
step "i386 build, same plans" make -j"$jobs" O=build WERROR=1 check-i386
step "i386 build with clang" make -j"$jobs" O=build-i386-clang ARCH=i386 CC=clang WERROR=1
step "command line" make O=build check-cli
step "command line, clang, ASan and UBSan" make -j"$jobs" O=build-asan CC=clang SAN=1 WERROR=1 check-cli
step "save: failing devices, kills, 1 TiB" make O=build WERROR=1 check-save
step "save: damaged cores, clang, ASan and UBSan" make O=build-asan CC=clang SAN=1 WERROR=1 check-save
step "documentation" make O=build check-docs
step "lint" make lint
step "the QEMU harness judges itself" tests/e2e/selftest.py
if [ -z "$quick" ]; then
	step "purgatory in QEMU" make O=build check-purgatory
	step "Xen and dom0 in QEMU" env E2E_NO_SKIP=1 tests/e2e/run.py --jobs 2
fi
[ "$failed" = 0 ] || echo "failed: $failures"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
