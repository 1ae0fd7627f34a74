#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The i386 libraries for `make ARCH=i386` on an amd64 Debian, unpacked into a folder:
#   tests/sysroot-i386.sh FOLDER
# apt runs with the machine's sources but with its own state and only i386 as architecture, so
# nothing is installed, and no foreign architecture is added, which third-party sources without
# i386 would make every later update complain about. FOLDER/done appears last.
set -eu
packages="zlib1g-dev libzstd-dev liblzma-dev libjson-c-dev libcmocka-dev libcmocka0"
export LC_ALL=C

die() {
	printf 'sysroot-i386: %s\n' "$*" >&2
	exit 1
}

[ $# = 1 ] || die "usage: sysroot-i386.sh FOLDER"
mkdir -p "$1"
root=$(cd "$1" && pwd)
[ ! -e "$root/done" ] || exit 0
for tool in apt-get dpkg-deb; do
	command -v $tool >/dev/null || die "there is no $tool. Install the i386 libraries of zlib," \
		"zstd, xz, json-c and cmocka where '\$CC -m32' finds them, or unpack them into a folder" \
		"laid out as Debian's, make an empty file 'done' in it and set SYSROOT"
done
apt=$root/apt
mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
: >"$apt/status"
cat >"$apt/apt.conf" <<CONF
APT::Architecture "i386";
#clear APT::Architectures;
APT::Architectures { "i386"; };
Dir::State "$apt/state";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
// The machine's hooks are about its own state, and DEP-11 data is of no use here.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets::deb::DEP-11;
CONF
# A source that fails (or has no i386) is no reason to stop: what is missing shows below.
apt-get -q -c "$apt/apt.conf" update >"$apt/update.log" 2>&1 || true
rm -rf "$apt/deb"
mkdir "$apt/deb"
# shellcheck disable=SC2086
(cd "$apt/deb" && apt-get -q -c "$apt/apt.conf" download $packages) >"$apt/download.log" 2>&1 || {
	tail -n 15 "$apt/update.log" "$apt/download.log" >&2
	die "apt-get could not download the i386 packages $packages"
}
for deb in "$apt"/deb/*.deb; do
	dpkg-deb -x "$deb" "$root"
done
for lib in libz.a libzstd.a liblzma.a libjson-c.a libcmocka.so; do
	[ -e "$root/usr/lib/i386-linux-gnu/$lib" ] || die "the packages hold no $lib"
done
rm -rf "$apt"
: >"$root/done"
