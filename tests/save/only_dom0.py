#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""only_dom0.py CORE OUT: that OUT, an ELF core made by `save --only-dom0 --format elf` of CORE, a
hypervisor's, is dom0's memory: every page that dom0's list names and none else, byte by byte; page
tables entry by entry.

Translates with dom0's list alone, turned around, where the tool goes by Xen's table. Facts: Xen's
asm/mm.h (struct page_info, PGT_*) of 4.10 and later.
"""
import os
import re
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from core import PAGE, Core, ElfCore, P2M_FLAGS, P2M_INVALID, need  # noqa: E402
from errors import Failure  # noqa: E402

PRESENT, ADDRESS = 1, 0x000ffffffffff000


class LinuxCore(ElfCore):
    wanted = ((2, 62), (2, 3))

    def _decode(self):
        self.xen_notes = [n for n, _, _ in self.notes if n in ("Xen", "VMCOREINFO_XEN")]


def read_list(core, bits):
    """{pfn: mfn} of the three levels, in dom0's width."""
    word, drop = bits // 8, 64 - bits
    n = PAGE // word
    layout = f"<{n}{'Q' if bits == 64 else 'I'}"
    invalid, flags = P2M_INVALID >> drop, P2M_FLAGS >> drop
    page = lambda mfn: struct.unpack(layout, core.read(mfn * PAGE, PAGE))
    found, leaves = {}, {}
    for i, mid in enumerate(page(core.frame_list)):
        if mid in (0, invalid):
            continue
        for j, leaf in enumerate(page(mid)):
            if leaf in (0, invalid):
                continue
            if leaf not in leaves:
                leaves[leaf] = [(k, e) for k, e in enumerate(page(leaf))
                                if e != invalid and not e & flags]
            found.update(((i * n + j) * n + k, e) for k, e in leaves[leaf])
    return found


class Frames:
    """page_info.type_info by machine page, over Xen's own page tables."""

    def __init__(self, core):
        info = core.vmcoreinfo("VMCOREINFO_XEN")
        key = lambda k: re.search(re.escape(k) + r"=(\w+)", info).group(1)
        self.core = core
        self.size = int(key("SIZE(page_info)"))
        self.type_at = int(key("OFFSET(page_info.count_info)")) + 8
        self.root = core.xen_to_machine(int(key("SYMBOL(pgd_l4)"), 16))
        self.table = core.u64(core.xen_to_machine(int(key("SYMBOL(frame_table)"), 16)))
        self.known = {}

    def walk(self, va):
        if va >> 21 not in self.known:
            at = self.root
            for level in (3, 2, 1):
                e = self.core.u64((at & ADDRESS) + (va >> 12 + 9 * level & 511) * 8)
                need(e & PRESENT, f"Xen does not map {va:#x}")
                at = e
                if e & 0x80:
                    need(level == 1, "the frame table is mapped by 1 GiB")
                    break
            need(at & 0x80, "the frame table is mapped by 4 KiB: not written for that")
            self.known[va >> 21] = at & ADDRESS & ~0x1fffff
        return self.known[va >> 21] + (va & 0x1fffff)

    def is_table(self, mfn):
        t = self.core.u64(self.walk(self.table + mfn * self.size + self.type_at))
        return 1 <= t >> 61 <= 4 and t & (1 << 55) - 1 != 0


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
