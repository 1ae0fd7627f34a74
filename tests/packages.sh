# SPDX-License-Identifier: GPL-2.0-only
# Sourced by check.sh and demo.sh: what they need from Debian 12, and getting it.
# shellcheck shell=sh

# To build and to boot the demo.
PACKAGES_DEMO="gcc libc6-dev gcc-multilib make binutils zlib1g-dev libzstd-dev liblzma-dev
	libjson-c-dev python3 qemu-system-x86 seabios xz-utils zstd
	makedumpfile e2fsprogs"
# To test everything; flex, bison and dpkg-dev are for the hypervisor that tests/e2e/xen_pv32.sh builds.
# shellcheck disable=SC2034
PACKAGES_CHECK="$PACKAGES_DEMO clang libclang-rt-14-dev clang-format libcmocka-dev git crash cpio
	shellcheck mandoc flex bison dpkg-dev python3-drgn"

# missing PACKAGE...: prints those that are not installed.
missing() {
	for p in "$@"; do
		case $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) in
		installed) ;;
		*) printf '%s ' "$p" ;;
		esac
	done
}

# need_packages PACKAGE...: returns with all of them installed, or exits 2 with their names.
need_packages() {
	if ! command -v dpkg-query >/dev/null || ! grep -q 'VERSION_ID="12"' /etc/os-release 2>/dev/null; then
		echo "This is not Debian 12. What is needed, by the names of its packages:"
		echo "$@"
		exit 2
	fi
	want=$(missing "$@")
	[ -n "$want" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		echo "Missing packages (run as root to have them installed): $want"
		exit 2
	fi
	echo "== installing: $want"
	# A third-party source that does not answer is no reason to stop: what matters is the install.
	DEBIAN_FRONTEND=noninteractive apt-get -q update || true
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $want || {
		echo "apt-get could not install: $want"
		exit 2
	}
}
