# SPDX-License-Identifier: GPL-2.0-only
"""What is true of a hypervisor's memory, read from its core by the harness' own means.

Facts: Xen's asm/mm.h (struct page_info, PGC_*, PGT_*) of 4.10 and later, the free state of 4.17.
"""
import re
import struct

from core import FOREIGN, P2M_FLAGS, P2M_INVALID, PAGE, need
from errors import Failure

PRESENT, LARGE, ADDRESS = 1, 0x80, 0x000ffffffffff000
STATE_SHIFT, STATE_FREE = 58, 3  # of count_info since XSA-402
ALLOCATED, XEN_HEAP = 1 << 63, 1 << 62
DIRECT_MAP = 0xffff830000000000  # of Xen; machines of the tests have no holes to compress
CHUNK = 2 << 20


def list_entries(core, bits):
    """(pfn, entry) of dom0's list of three levels, in dom0's width; those that are not invalid."""
    word, drop = bits // 8, 64 - bits
    n = PAGE // word
    layout = f"<{n}{'Q' if bits == 64 else 'I'}"
    invalid = P2M_INVALID >> drop
    page = lambda mfn: struct.unpack(layout, core.read(mfn * PAGE, PAGE))
    leaves = {}
    for i, mid in enumerate(page(core.frame_list)):
        if mid in (0, invalid):
            continue
        for j, leaf in enumerate(page(mid)):
            if leaf in (0, invalid):
                continue
            if leaf not in leaves:
                leaves[leaf] = [(k, e) for k, e in enumerate(page(leaf)) if e != invalid]
            yield from (((i * n + j) * n + k, e) for k, e in leaves[leaf])


def read_list(core, bits):
    """dom0's {pfn: mfn}: its own memory."""
    flags = P2M_FLAGS >> 64 - bits
    return {pfn: e for pfn, e in list_entries(core, bits) if not e & flags}


def read_foreign(core, bits):
    """The machine pages of other domains that dom0 has mapped by grants."""
    shift = 64 - bits
    return {e & ~(P2M_FLAGS >> shift) for _, e in list_entries(core, bits)
            if e & P2M_FLAGS >> shift == FOREIGN >> shift}


class Frames:
    """The frame table by machine page, over Xen's own page tables."""

    def __init__(self, core):
        info = core.vmcoreinfo("VMCOREINFO_XEN")
        key = lambda k: re.search(re.escape(k) + r"=(\w+)", info).group(1)
        self.core = core
        self.size = int(key("SIZE(page_info)"))
        self.count_at = int(key("OFFSET(page_info.count_info)"))
        self.owner_at = int(key("OFFSET(page_info._domain)"))
        self.root = core.xen_to_machine(int(key("SYMBOL(pgd_l4)"), 16))
        self.table = core.u64(core.xen_to_machine(int(key("SYMBOL(frame_table)"), 16)))
        self.known, self.chunks = {}, {}
        self.domains = self._domains(int(key("SYMBOL(domain_list)"), 16),
                                     int(key("OFFSET(domain.domain_id)")),
                                     int(key("OFFSET(domain.next_in_list)")))

    def _domains(self, symbol, id_at, next_at):
        """{machine page of its struct domain, which is how its pages name their owner: number}"""
        found, va = {}, self.core.u64(self.core.xen_to_machine(symbol))
        while va:
            need(va >= DIRECT_MAP and va % PAGE == 0, f"a domain at {va:#x}")
            need(va - DIRECT_MAP >> 12 not in found, "the list of domains is a ring")
            at = va - DIRECT_MAP
            found[at >> 12] = int.from_bytes(self.core.read(at + id_at, 2), "little")
            va = self.core.u64(at + next_at)
        return found

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

    def _word(self, mfn, at, size=8):
        place = self.walk(self.table + mfn * self.size + at)
        base = place & ~(CHUNK - 1)
        if base not in self.chunks:
            self.chunks[base] = self.core.read(base, CHUNK)
        return int.from_bytes(self.chunks[base][place - base:place - base + size], "little")

    def is_table(self, mfn):
        t = self._word(mfn, self.count_at + 8)
        return 1 <= t >> 61 <= 4 and t & (1 << 55) - 1 != 0

    def is_free(self, mfn):
        return self._word(mfn, self.count_at) >> STATE_SHIFT & 3 == STATE_FREE

    def owner(self, mfn):
        """The domain whose memory the page is, or None: free, Xen's, or of no domain in its list."""
        count = self._word(mfn, self.count_at)
        if count >> STATE_SHIFT & 3 or count & XEN_HEAP or not count & ALLOCATED:
            return None
        return self.domains.get(self._word(mfn, self.owner_at, 4))


def described(core):
    """The pages of which a core holds bytes, if only some: memory may end within one."""
    pages = set()
    for p in core.loads:
        pages.update(range(p["pa"] // PAGE, -(-(p["pa"] + p["filesz"]) // PAGE)))
    return pages


def extent(core, mfn):
    """[start, end) of the bytes that a core has of a page."""
    at, end = mfn * PAGE, (mfn + 1) * PAGE
    p = next(p for p in core.loads if p["pa"] < end and p["pa"] + p["filesz"] > at)
    return max(at, p["pa"]), min(end, p["pa"] + p["filesz"])


def same(a, b, mfn):
    """Where both have bytes of a page."""
    (start_a, end_a), (start_b, end_b) = extent(a, mfn), extent(b, mfn)
    at, end = max(start_a, start_b), min(end_a, end_b)
    return a.read(at, end - at) == b.read(at, end - at)


def same_as_kdump(core, dump, mfn):
    """A kdump file has whole pages only."""
    at, end = extent(core, mfn)
    return core.read(at, end - at) == dump.page(mfn)[at % PAGE:at % PAGE + end - at]


def check_pages(core, kept, bits, equal, keep=()):
    """The pages KEPT of a hypervisor's core are what they must be: none of them is free or a guest's
    that is not in KEEP, but for those that dom0 has mapped by grants; nothing else is missing, dom0's
    above all; and each is equal(mfn). (pages kept, those dropped by owner, None for free ones)"""
    have = described(core)
    frames = Frames(core)
    need(kept <= have, f"{len(kept - have)} pages are not in the source")
    granted = read_foreign(core, bits)
    own = set(read_list(core, bits).values()) & have
    need(own and own <= kept, f"{len(own - kept)} of dom0's {len(own)} pages were dropped")
    wanted = {0, None, *keep}
    guests = lambda mfn: frames.owner(mfn) not in wanted and mfn not in granted
    dropped, wrong = {}, []
    for mfn in sorted(have - kept):
        if not frames.maps(mfn) or not (frames.is_free(mfn) or guests(mfn)):
            wrong.append(mfn)
            continue
        owner = frames.owner(mfn)
        dropped[owner] = dropped.get(owner, 0) + 1
    need(not wrong, f"{len(wrong)} pages were dropped that are neither free nor a guest's, first "
                    f"{wrong[:1]}")
    known = [mfn for mfn in sorted(kept) if frames.maps(mfn)]
    for left, what in (([m for m in known if frames.is_free(m)], "free pages"),
                       ([m for m in known if guests(m)], "pages of guests")):
        need(not left, f"{len(left)} {what} were kept, first {left[:1]}")
    for mfn in sorted(kept):
        need(equal(mfn), f"page {mfn:#x} differs")
    return len(kept), dropped


def check_saved(core, out, bits):
    """OUT, a filtered ELF core of the hypervisor's core. (pages kept, pages dropped)"""
    kept, dropped = check_pages(core, described(out), bits, lambda mfn: same(core, out, mfn))
    return kept, sum(dropped.values())
