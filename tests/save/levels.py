#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""levels.py XENKDUMP CORE: which pages `save -d N` leaves out of a native core, against makedumpfile.

Both read the kernel's VMCOREINFO only. Every page on which they differ is printed, and is a failure.
"""
import pathlib
import struct
import subprocess
import sys
import tempfile

LEVELS = (0, 1, 2, 4, 8, 16, 6, 27, 30, 31)
BLOCK = 4096


def stored(path):
    """The pfns that a kdump-compressed file holds, by its second bitmap; zero pages are among them."""
    with open(path, "rb") as f:
        head = f.read(BLOCK)
        if head[:8] != b"KDUMP   ":
            raise SystemExit(f"{path}: no kdump-compressed file")
        sub, blocks = struct.unpack_from("<iI", head, 432)
        f.seek((1 + sub + blocks // 2) * BLOCK)
        bits = f.read(blocks // 2 * BLOCK)
    return {i * 8 + b for i, byte in enumerate(bits) if byte for b in range(8) if byte >> b & 1}


def partial(path):
    """Pages of which an ELF core has only a part: makedumpfile leaves them out, we keep them."""
    with open(path, "rb") as f:
        head = f.read(64)
        (phoff,), (phnum,) = struct.unpack_from("<Q", head, 32), struct.unpack_from("<H", head, 56)
        f.seek(phoff)
        table = f.read(phnum * 56)
    out = set()
    for i in range(phnum):
        kind, _, _, _, paddr, _, memsz, _ = struct.unpack_from("<IIQQQQQQ", table, i * 56)
        if kind == 1:
            out |= {at // BLOCK for at in (paddr, paddr + memsz) if at % BLOCK}
    return out


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
    a, b = stored(ours) - partial(core), stored(theirs) - partial(core)
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
