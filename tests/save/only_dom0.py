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
START_INFO = b"xen-3.0-x86_"  # how its first field, magic, begins


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


def leads_to_start_info(out, want, at, bits):
    """Whether a word of a page of dom0's, as it was, is the address of Xen's struct start_info, by
    the addresses of dom0's own core."""
    va = int.from_bytes(want[at:at + bits // 8], "little")
    for p in out.loads:
        if p["va"] <= va < p["va"] + p["memsz"] and va % PAGE == 0:
            return out.read(p["pa"] + va - p["va"], len(START_INFO)) == START_INFO
    return False


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
        for at in sorted({i - i % (bits // 8) for i in differences(want, got)}):
            need(not got[at:at + bits // 8].strip(b"\0"),
                 f"page {pfn:#x} (machine {mfn:#x}) differs at {at:#x}")
            need(leads_to_start_info(out, want, at, bits),
                 f"page {pfn:#x}: what was at {at:#x} is made zero, and was not xen_start_info")
            blanks.append(pfn * PAGE + at)
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
