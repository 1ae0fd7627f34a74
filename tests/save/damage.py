# SPDX-License-Identifier: GPL-2.0-only
"""Cores that are damaged: pages that cannot be read, files that are cut short, structures with random
bytes in them. Save ends by itself with a documented code, what is there is in the dump, and in doubt a
page is kept."""
import os
import random
import struct
import threading

import dumps
import synth
from world import BAD_INPUT, FORMATS, IO, OK, PAGE, PARTIAL, SEED, World, Wrong, need, sane

UNSUPPORTED = 6
# What a core may end with, whatever is wrong with it.
ENDS = (OK, IO, BAD_INPUT, UNSUPPORTED, PARTIAL)


class Layout:
    """Where in the file is what."""

    def __init__(self, tiny):
        self.host, self.truth = tiny.host, tiny.all
        with open(tiny.core, "rb") as f:
            self.raw = f.read()
        (nr, ) = struct.unpack_from("<H", self.raw, 56)
        self.headers = 64 + 56 * nr
        heads = [struct.unpack_from("<IIQQQQQQ", self.raw, 64 + 56 * i) for i in range(nr)]
        self.notes = next((h[2], h[5]) for h in heads if h[0] == 4)
        self.at = {h[4] // PAGE + i: h[2] + i * PAGE for h in heads if h[0] == 1 for i in range(h[5] // PAGE)}

    def area(self, page, nr=1):
        return self.at[page], nr * PAGE

    def within(self, start, end):
        """Pages that must be kept and lie in this part of the file."""
        return {p for p in self.truth.pages if start <= self.at[p] and self.at[p] + PAGE <= end}

    def places(self):
        """Of structures: name, then where in the file and how long."""
        h = self.host
        at, size = self.at[h.frames[0]], h.pages * 32
        return {
            "headers": (0, self.headers),
            "notes": self.notes,
            "variables": self.area(synth.VARS),
            "root table": self.area(synth.ROOT),
            "page tables": self.area(synth.TABLES, 8),
            "domains": self.area(synth.DOMAINS, 5),
            "frame table": (at, size),
            "its Xen part": (at + 0x100 * 32, (h.heap_end - 0x100) * 32),
            "its dom0 part": (at + h.heap_end * 32, h.dom0 * 32),
            "M2P": (self.at[h.m2p[0]] + h.heap_end * 8, h.dom0 * 8),
            "dom0's list": (self.at[h.list_at], len(h.lists) * PAGE),
            "a table of dom0's": self.area(h.heap_end + synth.TABLE_PFN),
        }


def compare(dump, where, wanted, content):
    """All pages in the dump are as in the core, content(offset) or None for the original's, and the
    wanted ones are there."""
    for pfn in dump.pages:
        need(pfn in where.at, f"page {pfn:#x} is none of the core's")
        page, stored = content(where.at[pfn]), dump.stored(pfn)
        if page is None and where.truth.stored.get(pfn) == stored:
            continue
        at = where.at[pfn]
        need(dump.read(pfn) == (where.raw[at:at + PAGE] if page is None else page), f"page {pfn:#x} differs")
        if page is None:
            where.truth.stored[pfn] = stored
    lost = sorted(wanted - set(dump.pages))
    need(not lost, f"{len(lost)} pages are lost, first {[hex(p) for p in lost[:4]]}")


def read_dump(r):
    need(len(r.names) == 1 and r.names[0] in ("dump", "dump.incomplete"), r.text())
    dump = dumps.load(os.path.join(r.folder, r.names[0]))
    # whole but for what nobody can read: it has its name, and its header does not say that it is whole
    unreadable_pages = r.code == PARTIAL and "pages that cannot be read" in r.err
    need(dump.incomplete == (r.names[0] == "dump.incomplete" or unreadable_pages),
         f"{r.names[0]}: its mark, {r.text()}")
    return dump


def verdict(r, ends=ENDS):
    """False: there is no dump, and the message says why."""
    sane(r.code, r.err, ends)
    if r.code in (OK, PARTIAL):
        return True
    need(not r.names and "xenkdump save: " in r.err, r.text())
    return False


# -- reads -----------------------------------------------------------------------------------------


def unreadable(tiny):
    """EIO for some bytes of the file, and SIGBUS behind a border."""
    where, rng = Layout(tiny), random.Random(SEED + 5)
    with World("pages that cannot be read") as w:
        jobs = []
        for name, (at, size) in list(where.places().items()) + [("dom0", where.area(*tiny.host.own))]:
            if name != "headers":
                jobs += [(name, at + rng.randrange(0, size), rng.choice((1, 100, 4096, 40000))) for _ in range(2)]
        jobs += [("SIGBUS", rng.randrange(PAGE, len(where.raw)), 0) for _ in range(20)]

        def work(job):
            name, at, n = job
            core = tiny.core
            if n:
                env, bad = {"FAILIO_BAD": f"{at}-{at + n}"}, (at, at + n)
            else:
                core = os.path.join(w.folder(), "core")
                with open(core, "wb") as f:
                    f.write(where.raw)
                at = at // PAGE * PAGE  # the page with the end reads as zeros behind it
                env, bad = {"FAILIO_CUT": str(at)}, (at, len(where.raw))
            r = w.save(FORMATS["kdump"][0], core, {**env, "FAILIO_IN": core})
            if not n:
                os.unlink(core)
            need(verdict(r), r.text())
            dump = read_dump(r)
            wanted = where.within(0, bad[0]) | where.within(bad[1], len(where.raw))
            compare(dump, where, wanted, lambda _: None)
            need(n == 0 or not (set(where.truth.pages) - wanted) & set(dump.pages),
                 "a page that cannot be read is in the dump")
            return f"{'EIO' if n else 'SIGBUS'} ({r.code})", 0

        w.each(jobs, work)
        return w.report()


# -- lengths ---------------------------------------------------------------------------------------


def cut_short(tiny):
    """100 random lengths, a third of them within headers and notes."""
    where, rng = Layout(tiny), random.Random(SEED + 6)
    head = sum(where.notes)
    with World("truncated") as w:
        def work(n):
            core = os.path.join(w.folder(), "core")
            with open(core, "wb") as f:
                f.write(where.raw[:n])
            r = w.save(FORMATS["kdump"][0], core)
            os.unlink(core)
            if not verdict(r, (OK, PARTIAL, BAD_INPUT)):
                need(n < head, f"refused with {n} bytes, headers and notes have {head}: {r.err}")
                return "refused", 0
            dump = read_dump(r)
            need(n == len(where.raw) or "cut short" in r.err or "missing" in r.err or "only" in r.err,
                 f"nobody says that something is missing: {r.err}")
            if n >= where.headers:
                compare(dump, where, where.within(0, n), lambda _: None)
            return f"exit {r.code}", 0

        w.each([rng.randrange(0, head + 64) for _ in range(33)] +
               [rng.randrange(head, len(where.raw)) for _ in range(67)], work)
        need(len(w.outcomes) > 1, f"only {w.outcomes}")
        return w.report()


# -- contents --------------------------------------------------------------------------------------


def flip(rng, data):
    for _ in range(rng.choice((1, 1, 3, 20))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def scribble(rng, data):
    n = min(len(data), rng.choice((1, 8, 64, 4096)))
    at = rng.randrange(len(data) - n + 1)
    data[at:at + n] = rng.randbytes(n)


def wipe(rng, data):
    n = min(len(data), rng.choice((8, 256, 4096, 1 << 20)))
    at = rng.randrange(len(data) - n + 1)
    data[at:at + n] = bytes([rng.choice((0, 0xff))]) * n


def swap(rng, data):
    """Words of 8 bytes change places: each of them is a good one."""
    for _ in range(rng.choice((1, 5, 50))):
        a, b = (rng.randrange(len(data) // 8) * 8 for _ in range(2))
        data[a:a + 8], data[b:b + 8] = data[b:b + 8], data[a:a + 8]


def repeat(rng, data):
    """One piece stands where another was."""
    n = min(len(data) // 2, rng.choice((8, 32, 4096)))
    a, b = (rng.randrange((len(data) - n) // 8 + 1) * 8 for _ in range(2))
    data[b:b + n] = data[a:a + n]


KINDS = (flip, scribble, wipe, swap, repeat)
WAYS = ("kdump", "kdump", "kdump", "elf", "dom0")


class Variant:
    """One that is damaged, always in the same way by its number."""

    def __init__(self, where, number):
        rng = random.Random(SEED * 1000 + number)
        places = where.places()
        self.place = sorted(places)[number % len(places)]
        self.kind, self.way = rng.choice(KINDS), rng.choice(WAYS)
        self.at, size = places[self.place]
        self.before = where.raw[self.at:self.at + size]
        part = bytearray(self.before)
        self.kind(rng, part)
        self.after = bytes(part)
        table, end = where.at[where.host.frames[0]], where.host.pages * 32
        # Pages whose own entry is not what it was.
        self.own = set()
        if table <= self.at < table + end:
            self.own = {(self.at + i - table) // 32 for i in range(size) if part[i] != self.before[i]}

    def content(self, where, at):
        """A page's by its place in the file; None: the original's."""
        if at + PAGE <= self.at or at >= self.at + len(self.after):
            return None
        page = bytearray(where.raw[at:at + PAGE])
        for i in range(max(at, self.at), min(at + PAGE, self.at + len(self.after))):
            page[i - at] = self.after[i - self.at]
        return bytes(page)

    def __str__(self):
        return f"{self.place}, {self.kind.__name__}, {self.way}"


class Scratch(threading.local):
    """A copy of the core for each thread, in which parts are other ones for a while."""

    def __init__(self, world, where):
        self.path = os.path.join(world.folder(), "core")
        with open(self.path, "wb") as f:
            f.write(where.raw)

    def put(self, at, data):
        with open(self.path, "r+b") as f:
            f.seek(at)
            f.write(data)


def corrupted(tiny, numbers=range(204)):
    where = Layout(tiny)
    with World("corrupted") as w:
        scratch = Scratch(w, where)

        def one(v):
            r = w.save(FORMATS[v.way][0], scratch.path, timeout=30)
            if not verdict(r):
                need(v.way == "dom0" or v.place == "headers", f"refused: {r.err}")
                return "refused", 0
            dump = read_dump(r)
            if v.way != "dom0" and v.place != "headers":
                compare(dump, where, set(where.truth.pages) - v.own, lambda at: v.content(where, at))
                return f"exit {r.code}", 0
            for pfn in dump.pages:
                dump.read(pfn)
            return f"exit {r.code}", 0

        def work(number):
            v = Variant(where, number)
            scratch.put(v.at, v.after)
            try:
                return one(v)
            except (Wrong, dumps.Broken) as e:
                raise Wrong(f"{v}: {e}") from None
            finally:
                scratch.put(v.at, v.before)

        w.each(numbers, work)
        need(len(w.outcomes) > 1, f"only {w.outcomes}")
        return w.report()


# -- lies ------------------------------------------------------------------------------------------


def lies(where):
    """Each thing by itself makes sense, and is not true: (what, place in the file, bytes)."""
    text = lambda old, new: (f"{old} is {new}", where.raw.index(old), new.ljust(len(old)))
    word = lambda name, page, off, v: (name, where.at[page] + off, struct.pack("<Q", v))
    direct = lambda page: synth.DIRECT + page * PAGE
    var, out = synth.SYMBOLS, []
    for old, new in ((b"count_info)=8", (0, 1, 4, 7, 9)), (b"_domain)=24", (8, 16, 20, 28)),
                     (b"(page_info)=32", (16, 31, 33, 48, 64)), (b"domain_id)=0", (2, 8)),
                     (b"next_in_list)=136", (0, 128, 144)), (b"(domain)=2432", (100, 1 << 12))):
        out += [text(old, old[:old.index(b"=") + 1] + str(n).encode()) for n in new if len(str(n)) <= len(old.split(b"=")[1])]
    out += [text(b"SYMBOL(" + old + b")", b"SYMBOL(" + new + b")") for old, new in (
        (b"domain_list", b"domain_lost"), (b"frame_table", b"frame_tible"), (b"pgd_l4", b"pgd_l5"),
        (b"dom_xen", b"dom_xxx"))]
    for name, pages in (("domain_list", (synth.DOM5, synth.DOM7, synth.DOM_XEN, synth.TABLES)),
                        ("dom_xen", (synth.DOM0, synth.DOM5)), ("dom_io", (synth.DOM0, ))):
        out += [word(f"{name} is page {p:#x}", synth.VARS, var[name], direct(p)) for p in pages]
    out += [word(f"frame_table by {d}", synth.VARS, var["frame_table"], synth.FRAMES + d)
            for d in (32, -32, 4096, 1 << 20, 8)]
    out += [word(f"max_page {n:#x}", synth.VARS, var["max_page"], n) for n in (1, 0x600, 0x1000, 1 << 40)]
    out += [word(f"id of {d:#x} is {n}", d, 0, n) for d, n in (
        (synth.DOM0, 1), (synth.DOM0, 5), (synth.DOM0, 0x7ff0), (synth.DOM5, 0), (synth.DOM7, 0), (synth.DOM5, 9))]
    out += [word(f"after {d:#x} comes {n:#x}", d, 136, n) for d, n in (
        (synth.DOM0, 0), (synth.DOM5, 0), (synth.DOM7, direct(synth.DOM0)), (synth.DOM0, direct(synth.DOM_IO)))]
    info = where.raw.index(struct.pack("<QQQ", 4, 17, synth.PHYS + 0x800))
    out += [(f"Xen 4.{n}", info + 8, struct.pack("<Q", n)) for n in (4, 10, 14, 18, 20, 21, 22, 99)]
    out += [(f"Xen lies at {n:#x}", info + 64, struct.pack("<Q", n)) for n in (0, 0x400000, 1 << 45)]
    out += [(f"dom0's list is at {n:#x}", info + 72, struct.pack("<Q", n)) for n in (0, 1, 0x400, (1 << 64) - 1)]
    return out


def misled(tiny):
    where = Layout(tiny)
    with World("lies") as w:
        scratch = Scratch(w, where)

        def work(job):
            _, at, data = job
            scratch.put(at, data)
            try:
                r = w.save(FORMATS["kdump"][0], scratch.path, timeout=30)
                need(verdict(r, (OK, PARTIAL)), r.text())
                changed = lambda off: None if off + PAGE <= at or off >= at + len(data) else patched(off)
                patched = lambda off: where.raw[off:at] + data + where.raw[at + len(data):off + PAGE]
                compare(read_dump(r), where, set(where.truth.pages), changed)
                return f"exit {r.code}", 0
            finally:
                scratch.put(at, where.raw[at:at + len(data)])

        w.each(lies(where), work)
        return w.report()


CASES = {"read": unreadable, "cut": cut_short, "corrupt": corrupted, "lies": misled}
