#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Shows xenkdump at work on a bare Debian 12 machine: installs what is needed (root), builds, boots
# a real Xen with a real dom0 in QEMU, arms it, crashes it, and shows what the dump kernel found.
# The first run downloads packages (about 150 MB); after that it takes well under three minutes.
set -eu
cd "$(dirname "$0")/.."
. tests/packages.sh
# shellcheck disable=SC2086
need_packages $PACKAGES_DEMO
echo "== building"
make -j"$(nproc)" >/dev/null
exec python3 tests/e2e/demo.py
