#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""only_dom0.py CORE OUT: that OUT, an ELF core made by `save --only-dom0 --format elf` of CORE, a
hypervisor's, is dom0's memory: every page that dom0's list names and none else, byte by byte; page
tables entry by entry.

Translates with dom0's list alone, turned around, where the tool goes by Xen's table.
"""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from core import PAGE, Core, ElfCore, need  # noqa: E402
from errors import Failure  # noqa: E402
from truth import ADDRESS, PRESENT, Frames, read_list  # noqa: E402


class LinuxCore(ElfCore):
    wanted = ((2, 62), (2, 3))

    def _decode(self):
        self.xen_notes = [n for n, _, _ in self.notes if n in ("Xen", "VMCOREINFO_XEN")]


def translated(raw, back):
    out = []
    for e in struct.unpack("<512Q", raw):
        if e & PRESENT:
            pfn = back.get((e & ADDRESS) >> 12)
            e = 0 if pfn is None else e & ~ADDRESS | pfn << 12
        out.append(e)
    return struct.pack("<512Q", *out)


def differences(a, b):
    return [i for i in range(0, PAGE, 4) if a[i:i + 4] != b[i:i + 4]]


def check(core, out):
    bits = 32 if out.machine == 3 else 64
    list_ = read_list(core, bits)
    back = {m: p for p, m in list_.items()}
    frames = Frames(core)
    need(not out.xen_notes, f"notes of Xen: {out.xen_notes}")
    described = set()
    for p in out.loads:
        described.update(range(p["pa"] // PAGE, (p["pa"] + p["memsz"]) // PAGE))
    need(described == set(list_),
         f"{len(described - set(list_))} pages too many, {len(set(list_) - described)} too few")
    tables, blanks = 0, []
    for pfn, mfn in sorted(list_.items()):
        want, got = core.read(mfn * PAGE, PAGE), out.read(pfn * PAGE, PAGE)
        if frames.is_table(mfn):
            tables += 1
            want = translated(want, back)
        if want == got:
            continue
        at = differences(want, got)
        need(len(at) <= 2 and got[at[0]:at[-1] + 4].strip(b"\0") == b"",
             f"page {pfn:#x} (machine {mfn:#x}) differs at {len(at)} words, first {at[0]:#x}")
        blanks.append(pfn * PAGE + at[0])
    need(len(blanks) <= 1, f"{len(blanks)} words were made zero: {blanks}")
    need(tables, "there is no page table among dom0's pages")
    return len(list_), tables, blanks


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    core, out = Core(sys.argv[1]), LinuxCore(sys.argv[2])
    try:
        pages, tables, blanks = check(core, out)
    except Failure as e:
        sys.exit(f"only_dom0: {e}")
    print(f"{pages} pages, {tables} of them page tables, "
          f"made zero: {' '.join(map(hex, blanks)) or 'nothing'}")


if __name__ == "__main__":
    main()
