#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""levels.py XENKDUMP CORE: which pages `save -d N` leaves out of a native core, against makedumpfile.

Both read the kernel's VMCOREINFO only. Every page on which they differ is printed, and is a failure.
"""
import mmap
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../e2e")]
import dumps  # noqa: E402
from save_checks import LinuxCore  # noqa: E402
from save_natively import partial  # noqa: E402

LEVELS = (0, 1, 2, 4, 8, 16, 6, 27, 30, 31)


def stored(path):
    """The pfns that a kdump-compressed file holds; zero pages are among them."""
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as raw:
        return set(dumps.Kdump(raw).pages)


def run(argv):
    done = subprocess.run(argv, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)}: exit {done.returncode}: {done.stderr.decode()[-500:]}")


def runs(pfns):
    out = []
    for p in sorted(pfns):
        if out and out[-1][1] == p:
            out[-1][1] += 1
        else:
            out.append([p, p + 1])
    return ", ".join(f"{a:#x}-{b - 1:#x}" for a, b in out[:20])


def compare(tool, core, level, folder):
    ours, theirs = folder / f"ours{level}", folder / f"theirs{level}"
    run([tool, "save", "-d", str(level), "--compress", "zlib", "-o", str(ours), core])
    run(["makedumpfile", "-c", "-d", str(level), core, str(theirs)])
    parts = partial(LinuxCore(core))  # makedumpfile leaves them out, we keep them
    a, b = stored(ours) - parts, stored(theirs) - parts
    print(f"-d {level}: ours {len(a)} pages {ours.stat().st_size} bytes, makedumpfile {len(b)} pages"
          f" {theirs.stat().st_size} bytes; only ours {len(a - b)}, only theirs {len(b - a)}")
    for name, diff in (("only ours", a - b), ("only theirs", b - a)):
        if diff:
            print(f"  {name}: {runs(diff)}")
    same = a == b
    ours.unlink()
    theirs.unlink()
    return same


def main():
    tool, core = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        results = [compare(tool, core, level, pathlib.Path(name)) for level in LEVELS]
    sys.exit(0 if all(results) else 1)


main()
