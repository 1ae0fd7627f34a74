# SPDX-License-Identifier: GPL-2.0-only
"""What is true of a hypervisor's memory, read from its core by the harness' own means.

Facts: Xen's asm/mm.h (struct page_info, PGC_*, PGT_*) of 4.10 and later, the free state of 4.17.
"""
import re
import struct

from core import P2M_FLAGS, P2M_INVALID, PAGE, need
from errors import Failure

PRESENT, LARGE, ADDRESS = 1, 0x80, 0x000ffffffffff000
STATE_SHIFT, STATE_FREE = 58, 3  # of count_info since XSA-402


def read_list(core, bits):
    """dom0's {pfn: mfn} by the list of three levels, in dom0's width."""
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
    """The frame table by machine page, over Xen's own page tables."""

    def __init__(self, core):
        info = core.vmcoreinfo("VMCOREINFO_XEN")
        key = lambda k: re.search(re.escape(k) + r"=(\w+)", info).group(1)
        self.core = core
        self.size = int(key("SIZE(page_info)"))
        self.count_at = int(key("OFFSET(page_info.count_info)"))
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
                if e & LARGE:
                    need(level == 1, "the frame table is mapped by 1 GiB")
                    break
            need(at & LARGE, "the frame table is mapped by 4 KiB: not written for that")
            self.known[va >> 21] = at & ADDRESS & ~0x1fffff
        return self.known[va >> 21] + (va & 0x1fffff)

    def maps(self, mfn):
        """Whether there is a frame table for this page."""
        try:
            self.walk(self.table + mfn * self.size)
            return True
        except Failure:
            return False

    def _word(self, mfn, at):
        return self.core.u64(self.walk(self.table + mfn * self.size + at))

    def is_table(self, mfn):
        t = self._word(mfn, self.count_at + 8)
        return 1 <= t >> 61 <= 4 and t & (1 << 55) - 1 != 0

    def is_free(self, mfn):
        return self._word(mfn, self.count_at) >> STATE_SHIFT & 3 == STATE_FREE


def described(core):
    """The pages of which a core holds bytes, if only some: memory may end within one."""
    pages = set()
    for p in core.loads:
        pages.update(range(p["pa"] // PAGE, -(-(p["pa"] + p["filesz"]) // PAGE)))
    return pages


def same(a, b, mfn):
    """Where both have bytes of a page."""
    at, end = mfn * PAGE, (mfn + 1) * PAGE
    for core in (a, b):
        p = next(p for p in core.loads if p["pa"] < end and p["pa"] + p["filesz"] > at)
        at, end = max(at, p["pa"]), min(end, p["pa"] + p["filesz"])
    return a.read(at, end - at) == b.read(at, end - at)


def check_saved(core, out, bits):
    """OUT, a filtered ELF core of the hypervisor's core, keeps what it must, drops nothing else, and
    changes nothing. (pages kept, pages dropped)"""
    have, kept = described(core), described(out)
    frames = Frames(core)
    need(kept <= have, f"{len(kept - have)} pages are not in the source")
    dropped = have - kept
    wrong = [mfn for mfn in sorted(dropped) if not frames.is_free(mfn)]
    need(not wrong, f"{len(wrong)} pages were dropped that are not free, first {wrong[:1]}")
    own = set(read_list(core, bits).values()) & have
    need(own and own <= kept, f"{len(own - kept)} of dom0's {len(own)} pages were dropped")
    left = [mfn for mfn in sorted(kept) if frames.maps(mfn) and frames.is_free(mfn)]
    need(not left, f"{len(left)} free pages were kept, first {left[:1]}")
    for mfn in sorted(kept):
        need(same(core, out, mfn), f"page {mfn:#x} differs")
    return len(kept), len(dropped)
