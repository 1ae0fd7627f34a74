#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""synth.py NAME OUT: writes a synthetic core of a crashed Xen host; NAME is one of
  tiny      32 MiB   to be damaged in many ways
  small     256 MiB  all pages in the file
  quarter   256 GiB  a frame table of 2 GiB
  tib       1 TiB    a frame table of 8 GiB
  bench-a   1 GiB    dom0's pages: 30 % zero, 10 % random, 15 % structures, 45 % text
  bench-b   32 GiB   8.4 M entries: Xen 4 %, dom0 3 %, guests 46 %, free 46 %
The same name gives the same bytes. What repeats is in the file once, and many program headers lead
to it, so that a file is small whatever it describes.

The host is a Xen 4.17 with a 64-bit PV dom0 and domains 5 and 7. Facts: Xen's asm/mm.h (struct
page_info, PGC_*, PGT_*), asm/config.h (virtual addresses), public elfnote.h; the ELF specification;
Linux arch/x86/xen/p2m.c; doc/xenkdump-note.md.
"""
import random
import struct
import sys
import zlib

PAGE = 4096
MIB = 256  # pages
GIB = 1024 * MIB
BASE = 0xffff82d040000000  # Xen's image
M2P, FRAMES, DIRECT = 0xffff800000000000, 0xffff82e000000000, 0xffff830000000000
PHYS = 0x200000
PTE, LARGE = 0x063, 0x0e3

ALLOCATED, HEAP = 1 << 63, 1 << 62
BROKEN, OFFLINED, FREE = 1 << 60, 2 << 58, 3 << 58
WRITABLE, TABLE = 7 << 61, 1 << 61

VARS, ROOT, TABLES, DOMAINS = 0x200, 0x201, 0x210, 0x300
DOM0, DOM5, DOM7, DOM_XEN, DOM_IO = range(DOMAINS, DOMAINS + 5)
FIRST = 0x400  # of the frame table
# Above dom0: what domains 5 and 7 and nobody have, of each 16 MiB. Free stretches are one chunk.
PERIOD = 4096
PATTERN = ((DOM5, 1024), (0, 1024), (DOM7, 1024), (0, 1024))
CHUNK = 1 << 19  # pages, of which the entries are 16 MiB
MARKER = b"PAGE OF A GUEST "
TABLE_PFN = 4  # of dom0: a page table
SYMBOLS = {"domain_list": 0, "frame_table": 8, "max_page": 16, "dom_xen": 24, "dom_io": 32}


def up(n, align):
    return -(-n // align) * align


def entry(info, owner=0, kind=0):
    """struct page_info: two list words; count_info; type_info or none; _domain or order."""
    return struct.pack("<QQQII", 0, info, kind, owner, 0)


def guest_entries(owner, n):
    return (b"".join(entry(ALLOCATED | 1 + i, owner, WRITABLE | 1) for i in range(3)) * (n // 3 + 1))[:32 * n]


def free_entries(n):
    """n is a power of two: one chunk, whose head has its order."""
    return entry(FREE, n.bit_length() - 1) + entry(FREE | ALLOCATED) * (n - 1)


def period():
    return b"".join(guest_entries(o, n) if o else free_entries(n) for o, n in PATTERN)


class Host:
    """What lies where. `areas`: [first page, pages, bytes or None for zeros, key], ascending; areas
    of the same key and length are in the file once. `count`: pages by kind, as save names them."""

    def __init__(self, pages, dom0, seed, content=True, mix=None, spare=0):
        assert pages % 512 == 0
        self.pages, self.dom0 = pages, dom0
        self.random = random.Random(seed)
        self.content, self.mix = content, mix or (4, 2, 2, 8)  # zero, random, structures, text of 16
        self.frames = FIRST, up(pages * 32, 2 << 20) // PAGE
        self.m2p = sum(self.frames), up(pages * 8, 2 << 20) // PAGE
        self.heap_end = sum(self.m2p) + spare  # spare: more of Xen's heap
        self.own = self.heap_end, dom0
        self.rest = self.heap_end + dom0
        self.guests = up(self.rest, PERIOD) if pages > PERIOD * 2 else self.rest
        assert self.guests <= pages, "no room for guests"
        self.words = [bytes(self.random.choice(b"etaoinshrdlu") for _ in range(self.random.randint(2, 9)))
                      for _ in range(400)]
        self.areas, self.low = [], {}
        self.count = dict.fromkeys(("Xen", "Xen free", "broken or offlined", "guest", "Linux kernel"), 0)
        self.lists = self.make_list()
        self.make_low()
        self.make_areas()

    # -- dom0 --------------------------------------------------------------------------------------

    def make_list(self):
        """dom0's list: its last pages, root first, then one middle page, leaves, and the pages that
        stand for nothing."""
        leaves = -(-self.dom0 // 512)
        assert leaves <= 512
        self.list_at = self.heap_end + self.dom0 - leaves - 4
        root, mid, no_leaf, no_mid = range(self.list_at, self.list_at + 4)
        first = self.list_at + 4
        page = lambda v: struct.pack("<512Q", *v)
        none = (1 << 64) - 1
        out = {root: page([mid] + [no_mid] * 511),
               mid: page([first + i for i in range(leaves)] + [no_leaf] * (512 - leaves)),
               no_leaf: page([none] * 512), no_mid: page([no_leaf] * 512)}
        for i in range(leaves):
            pfns = range(i * 512, i * 512 + 512)
            out[first + i] = page([self.heap_end + p if p < self.dom0 else none for p in pfns])
        return out

    def dom0_page(self, pfn):
        kind = pfn * 7 % 16
        zero, noise, structs, _ = self.mix
        if kind < zero:
            return bytes(PAGE)
        if kind < zero + noise:
            return self.random.randbytes(PAGE)
        if kind < zero + noise + structs:
            word = lambda: struct.pack("<QQII", 0xffff888000000000 + self.random.getrandbits(34) * 8, pfn, 0,
                                       self.random.getrandbits(12)) + bytes(104)
            return b"".join(word() for _ in range(PAGE // 128))
        text = b"%x " % pfn
        picked = self.random.choices(self.words, k=900)
        return (text + b" ".join(picked)).ljust(PAGE, b".")[:PAGE]

    def dom0_bytes(self):
        if not self.content:
            return None
        out = [self.dom0_page(p) for p in range(self.dom0)]
        for mfn, data in self.lists.items():
            out[mfn - self.heap_end] = data
        out[TABLE_PFN] = self.page_table()
        return b"".join(out)

    def page_table(self):
        """One of dom0's, of its lowest level: of pages 0 to 255 of its own and one of Xen's."""
        e = [(self.heap_end + i) * PAGE | 0x67 for i in range(256)] + [VARS * PAGE | 0x67] + [0] * 255
        return struct.pack("<512Q", *e)

    # -- Xen ---------------------------------------------------------------------------------------

    def put(self, page, off, data):
        self.low.setdefault(page, bytearray(PAGE))[off:off + len(data)] = data

    def put64(self, page, off, v):
        self.put(page, off, struct.pack("<Q", v))

    def make_low(self):
        """Pages 0x200 to 0x3ff."""
        put = self.put64
        # M2P, image, frame table, direct map
        tables = iter(range(TABLES, DOMAINS))
        image, image_l2 = next(tables), next(tables)
        put(ROOT, 261 * 8, image * PAGE | PTE)
        put(image, 321 * 8, image_l2 * PAGE | PTE)
        put(image_l2, 0, PHYS | LARGE)
        m2p = next(tables)
        put(ROOT, 256 * 8, m2p * PAGE | PTE)
        for l3, slot, (first, pages) in ((m2p, 0, self.m2p), (image, 384, self.frames)):
            for i in range(pages // 512):
                if not i % 512:
                    l2 = next(tables)
                    put(l3, (slot + i // 512) * 8, l2 * PAGE | PTE)
                put(l2, i % 512 * 8, (first + i * 512) * PAGE | LARGE)
        for i in range(-(-self.pages // GIB)):
            if not i % 512:
                l3 = next(tables)
                put(ROOT, (262 + i // 512) * 8, l3 * PAGE | PTE)
            put(l3, i % 512 * 8, i << 30 | LARGE)
        direct = lambda page: DIRECT + page * PAGE
        for page, ident, after in ((DOM0, 0, DOM5), (DOM5, 5, DOM7), (DOM7, 7, 0),
                                   (DOM_XEN, 0x7ff2, 0), (DOM_IO, 0x7ff1, 0)):
            self.put(page, 0, struct.pack("<H", ident))
            put(page, 136, direct(after) if after else 0)
        for name, v in (("domain_list", direct(DOM0)), ("frame_table", FRAMES), ("max_page", self.pages),
                        ("dom_xen", direct(DOM_XEN)), ("dom_io", direct(DOM_IO))):
            put(VARS, SYMBOLS[name], v)
        self.put(VARS, 0x800, b".4-synthetic\0")

    def low_entries(self):
        """Of pages 0 to 0x3ff: no memory, static data, heap."""
        e = [entry(0)] * FIRST
        for p in range(TABLES, FIRST):
            e[p] = entry(HEAP | ALLOCATED | 1)
        e[0x3f0] = entry(HEAP | ALLOCATED | 2, DOM5)  # shared with a guest, and Xen's
        e[0x3f1], e[0x3f2] = entry(BROKEN), entry(OFFLINED)
        return b"".join(e)

    def own_entries(self):
        e = [entry(ALLOCATED | 2, DOM0, WRITABLE | 1)] * self.dom0
        e[TABLE_PFN] = entry(ALLOCATED | 2, DOM0, TABLE | 1)
        return b"".join(e)

    def entries_key(self, first, n):
        """For runs of the frame table that are like others."""
        if first >= FIRST and first + n <= self.heap_end:
            return "heap", n
        if first >= self.guests and not n % PERIOD:
            return "guests", n
        return None

    def entries(self, first, n):
        """The frame table's of n pages."""
        key = self.entries_key(first, n)
        if key and key[0] == "heap":
            return entry(HEAP | ALLOCATED | 1, DOM_XEN) * n
        if key:
            return period() * (n // PERIOD)
        out = b""
        out += self.low_entries() if not first else b""
        if first < self.heap_end:
            out += entry(HEAP | ALLOCATED | 1, DOM_XEN) * (min(self.heap_end, first + n) - max(FIRST, first))
        if first < self.rest and first + n > self.heap_end:
            own = self.own_entries()
            out += own[32 * max(0, first - self.heap_end):32 * (first + n - self.heap_end)]
        if first < self.guests and first + n > self.rest:
            out += guest_entries(DOM5, min(self.guests, first + n) - max(self.rest, first))
        if first + n > self.guests:
            k = first + n - max(self.guests, first)
            out += (period() * -(-k // PERIOD))[:32 * k]
        assert len(out) == 32 * n, (len(out), n)
        return out

    # -- the file ----------------------------------------------------------------------------------

    def area(self, first, pages, data=None, key=None):
        assert data is None or len(data) == pages * PAGE
        self.areas.append((first, pages, data, key))

    def guest_bytes(self, first, n):
        out = []
        for p in range(first, first + n):
            out.append((MARKER + b"%x " % p).ljust(32, b"-") * (PAGE // 32) if self.kind(p) == "guest" else
                       b"what is free holds what was there ".ljust(64, b"-") * (PAGE // 64))
        return b"".join(out)

    def make_areas(self):
        n, seen = self.pages, set()
        self.area(0x100, 0x100)
        low = bytearray(0x200 * PAGE)
        for page, data in self.low.items():
            low[(page - VARS) * PAGE:(page - VARS + 1) * PAGE] = data
        self.area(VARS, 0x200, bytes(low))
        for first in range(0, n, CHUNK):
            k = min(CHUNK, n - first)
            key, size = self.entries_key(first, k), up(k * 32, 2 << 20)
            data = b"" if key in seen else self.entries(first, k).ljust(size, b"\xff")
            self.area(FIRST + first // 128, size // PAGE, data or None, key)
            seen |= {key} - {None}
        first, pages = self.m2p
        have = bytearray(pages * PAGE) if pages <= 16 * MIB else None
        if have:
            struct.pack_into(f"<{self.dom0}Q", have, self.own[0] * 8, *range(self.dom0))
        self.holes(first, pages) if have is None else self.area(first, pages, bytes(have))
        self.holes(sum(self.m2p), self.heap_end - sum(self.m2p))
        self.put_dom0()
        if self.content and n <= GIB and self.mix != BENCH:
            self.area(self.rest, n - self.rest, self.guest_bytes(self.rest, n - self.rest))
        else:
            self.holes(self.rest, n - self.rest)
        self.make_count()

    def put_dom0(self):
        data = self.dom0_bytes()
        if data:
            self.area(*self.own, data)
            return
        self.holes(self.heap_end, self.list_at - self.heap_end)
        self.area(self.list_at, len(self.lists), b"".join(self.lists[m] for m in sorted(self.lists)))

    def holes(self, first, pages):
        while pages:
            k = min(pages, GIB)
            self.area(first, k, None, "zero")
            first, pages = first + k, pages - k

    def kind(self, page):
        """As save names it."""
        if page in (0x3f1, 0x3f2):
            return "broken or offlined"
        if page < self.heap_end:
            return "Xen"
        if page < self.rest:
            return "Linux kernel"
        at = page % PERIOD if page >= self.guests else 0
        for owner, size in PATTERN:
            if at < size:
                break
            at -= size
        return "guest" if owner else "Xen free"

    def make_count(self):
        c = self.count
        c["broken or offlined"] = 2
        c["Xen"] = self.heap_end - 0x100 - 2
        c["Linux kernel"] = self.dom0
        c["guest"] = self.guests - self.rest
        left = self.pages - self.guests
        for k in range(PERIOD):
            c[self.kind(self.guests + k)] += left // PERIOD + (k < left % PERIOD)

    def vmcoreinfo(self):
        lines = ["PAGESIZE=4096"]
        lines += [f"SYMBOL({k})={BASE + v:x}" for k, v in SYMBOLS.items()]
        lines += [f"SYMBOL(pgd_l4)={BASE + 0x1000:x}", "SIZE(page_info)=32", "SIZE(domain)=2432",
                  "OFFSET(page_info.count_info)=8", "OFFSET(page_info._domain)=24",
                  "OFFSET(domain.domain_id)=0", "OFFSET(domain.next_in_list)=136"]
        return "\n".join(lines).encode() + b"\n"

    def own_note(self):
        symbols = "".join(f"{BASE + v:016x} D {k}\n" for k, v in SYMBOLS.items())
        symbols += f"{BASE + 0x2000:016x} D _end\n"
        facts = 'hypervisor = xen\nxen.major = 4\nxen.minor = 17\nxen.extra = ".4-synthetic"\n'
        records = b""
        for tag, raw in ((1, facts.encode()), (2, symbols.encode()), (4, b"synth.py 1")):
            data = zlib.compress(raw) if tag < 3 else raw
            records += struct.pack("<IIQ", tag, len(data), len(raw)) + data + bytes(-len(data) % 8)
        return struct.pack("<IHHIIII", 0x4e444b58, 1, 24, 24 + len(records), zlib.crc32(records), 3,
                           0) + records

    def notes(self):
        out = b""
        info = struct.pack("<10Q", 4, 17, PHYS + 0x800, 0, 0, 0, 0, 0, PHYS, self.list_at)
        for cpu in range(2):
            status = bytearray(336)
            struct.pack_into("<27Q", status, 112, *[0x1000 * cpu + i + 1 for i in range(27)])
            out += note(b"CORE", 1, bytes(status))
            out += note(b"Xen", 0x1000002, struct.pack("<4Q", 0x80050033, 0, ROOT * PAGE, 0x426e0))
            out += note(b"Xen", 0x1000001, info) if not cpu else b""
        out += note(b"VMCOREINFO_XEN", 0, self.vmcoreinfo())
        return out + note(b"XENKDUMP", 0x584b0001, self.own_note())

    def write(self, path):
        notes = self.notes()
        loads = sorted(self.areas, key=lambda a: a[0])
        # Areas whose bytes are the file's alone and that lie together are one program header.
        head = 64 + 56 * (len(loads) + 1)
        end, shared, phdrs = up(head + len(notes), PAGE), {}, []
        with open(path, "wb") as f:
            for first, pages, data, key in loads:
                at = shared.get((key, pages)) if key else None
                if key == "zero":
                    at = shared.get("zero")
                if at is None:
                    at = end
                    end += (GIB if key == "zero" else pages) * PAGE
                    if key:
                        shared["zero" if key == "zero" else (key, pages)] = at
                    if data:
                        f.seek(at)
                        f.write(data)
                phdrs.append(struct.pack("<IIQQQQQQ", 1, 7, at, 0, first * PAGE, pages * PAGE, pages * PAGE, 0))
            f.truncate(end)
            f.seek(0)
            f.write(struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 4, 62, 1, 0, 64, 0, 0, 64, 56,
                                len(phdrs) + 1, 0, 0, 0))
            f.write(struct.pack("<IIQQQQQQ", 4, 0, head, 0, 0, len(notes), len(notes), 0))
            f.write(b"".join(phdrs) + notes)


def note(name, kind, desc):
    head = struct.pack("<III", len(name) + 1, len(desc), kind)
    name += b"\0"
    return head + name + bytes(-len(name) % 4) + desc + bytes(-len(desc) % 4)


BENCH = (5, 2, 2, 7)  # of 16
NAMES = {
    "tiny": lambda: Host(32 * MIB, 6 * MIB, 1),
    "small": lambda: Host(256 * MIB, 48 * MIB, 2),
    "quarter": lambda: Host(256 * GIB, 64 * MIB, 3),
    "tib": lambda: Host(1024 * GIB, 64 * MIB, 3),
    "bench-a": lambda: Host(GIB, 960 * MIB, 4, mix=BENCH),
    "bench-b": lambda: Host(32 * GIB, GIB, 5, content=False, spare=245000),
}


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in NAMES:
        sys.exit(__doc__)
    host = NAMES[sys.argv[1]]()
    host.write(sys.argv[2])
    for kind, n in host.count.items():
        print(f"{n:>10} {kind}")


if __name__ == "__main__":
    main()
