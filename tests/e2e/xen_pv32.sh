#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A hypervisor that takes a 32-bit PV dom0, which no packaged one does: Debian's own source package
# of Xen, its xen/ folder alone, upstream's default configuration and CONFIG_PV32.
#   tests/e2e/xen_pv32.sh FOLDER
# leaves FOLDER/VERSION/xen (the ELF32 file that QEMU starts) and FOLDER/VERSION/xen-syms, and prints
# FOLDER/VERSION. What was built stays and is used again without asking the network; remove the
# folder for a newer one. apt runs with the machine's sources, turned into deb-src, and its own state.
set -eu
export LC_ALL=C

die() {
	printf 'xen_pv32: %s\n' "$*" >&2
	exit 1
}

# The end of a log, on standard error: the reason stands there.
tail_of() {
	tail -n 25 "$1" >&2
}

built() {
	for done in "$root"/*/done; do
		if [ -e "$done" ]; then
			dirname "$done"
			return 0
		fi
	done
	return 1
}

[ $# = 1 ] || die "usage: xen_pv32.sh FOLDER"
mkdir -p "$1"
root=$(cd "$1" && pwd)
if built; then
	exit 0
fi
for tool in apt-get dpkg-source make gcc flex bison python3; do
	command -v $tool >/dev/null || die "there is no $tool; tests/packages.sh names the packages"
done

apt=$root/apt
rm -rf "$root/src" "$apt"
mkdir -p "$root/src" "$apt/state/lists/partial" "$apt/cache/archives/partial"
: >"$apt/status"
: >"$apt/src.list"
# deb822 sources, one stanza a record; a comment inside a stanza is dropped by apt, too.
cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
	awk 'BEGIN { RS = ""; ORS = "\n\n" } /(^|\n)Suites:[^\n]*bookworm/ && /Types: deb( |\n|$)/ {
		sub(/Types: deb[^\n]*/, "Types: deb-src"); print }' >"$apt/parts.sources"
grep -hE '^deb .* bookworm' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
	sed 's/^deb /deb-src /' >"$apt/src.list" || true
mkdir "$apt/parts"
mv "$apt/parts.sources" "$apt/parts/machine.sources"
mv "$apt/src.list" "$apt/parts/machine.list"
cat >"$apt/apt.conf" <<CONF
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$apt/parts";
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
apt-get -q -c "$apt/apt.conf" update >"$apt/update.log" 2>&1 || true
cd "$root/src"
# The newest that can be had: a mirror may list a security update's source and not hold it.
versions=$(apt-cache -c "$apt/apt.conf" showsrc xen 2>>"$apt/update.log" |
	sed -n 's/^Version: //p' | sort -ruV)
for v in $versions; do
	apt-get -q -c "$apt/apt.conf" source --download-only "xen=$v" >>"$apt/source.log" 2>&1 && break
	rm -f xen_*
done
if ! ls xen_*.dsc >/dev/null 2>&1; then
	tail_of "$apt/update.log"
	[ ! -e "$apt/source.log" ] || tail_of "$apt/source.log"
	die "apt-get could not fetch the source package of xen; it knows of: ${versions:-none}"
fi
dsc=$(echo xen_*.dsc)
version=${dsc#xen_}
version=${version%.dsc}
dpkg-source --no-check -x "$dsc" tree >"$root/unpack.log" 2>&1 || {
	tail_of "$root/unpack.log"
	die "dpkg-source could not unpack $dsc"
}

cd tree/xen
log=$root/build.log
{
	make defconfig && sed -i '/CONFIG_PV32/d' .config && echo CONFIG_PV32=y >>.config &&
		make olddefconfig && make -j"$(nproc)"
} >"$log" 2>&1 </dev/null || {
	tail_of "$log"
	die "the hypervisor $version does not build; all of it is in $log"
}
grep -qx CONFIG_PV32=y .config || die "Xen $version dropped CONFIG_PV32 from its configuration"
out=$root/$version
rm -rf "$out.part" "$out"
mkdir "$out.part"
cp xen xen-syms .config "$out.part/"
: >"$out.part/done"
mv "$out.part" "$out"
rm -rf "$root/src" "$apt"
echo "$out"
