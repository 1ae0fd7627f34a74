# SPDX-License-Identifier: GPL-2.0-only
"""The judge of what is saved in the dump kernel, judged: made-up kdump files, consoles and guests.
Run by selftest.py."""
import ctypes
import pathlib
import re
import struct
import tempfile
import types
import unittest
import zlib
from unittest import mock

import checks
import dump_saves
import guest_checks
import guests
import kdump
import save_natively
import truth
from core import PAGE
from errors import Failure, HarnessError
from kdump import dumps

FREE = 3 << 58
IN_USE = 1 << 63 | 1


def kdump_file(path, pages, status=1, version_block=PAGE, cut=0, bent=None):
    """pages: {number: bytes}, packed by zlib; bent: one whose descriptor lies about its flags."""
    bitmap = bytearray(PAGE)
    for n in pages:
        bitmap[n // 8] |= 1 << n % 8
    head = b"KDUMP   " + struct.pack("<i", 6) + bytes(412) + struct.pack("<IIII", status, version_block, 1, 2)
    sub = bytes(96) + struct.pack("<Q", max(pages) + 1)
    at, descs, data = 4 * PAGE + 24 * len(pages), b"", b""
    for n in sorted(pages):
        packed = zlib.compress(pages[n])
        descs += struct.pack("<qIIQ", at + len(data), len(packed), 0x40 if n == bent else 1, 0)
        data += packed
    whole = head.ljust(PAGE, b"\0") + sub.ljust(PAGE, b"\0") + bytes(PAGE) + bitmap + descs + data
    pathlib.Path(path).write_bytes(whole[:len(whole) - cut])


class KdumpFiles(unittest.TestCase):
    PAGES = {3: bytes([3]) * PAGE, 70: bytes(PAGE)}

    def read(self, pages=None, numbers=(3, 70), **bent):
        with tempfile.TemporaryDirectory() as tmp:
            path = pathlib.Path(tmp) / "dump"
            kdump_file(path, pages or self.PAGES, **bent)
            dump = kdump.Kdump(path)
            try:
                return set(dump.pages), [dump.page(n) for n in numbers]
            finally:
                dump.close()

    def test_good(self):
        self.assertEqual(self.read(), ({3, 70}, [bytes([3]) * PAGE, bytes(PAGE)]))

    def test_bad(self):
        for bent, text in ((dict(status=9), "marked incomplete"), (dict(version_block=8192), "blocks of"),
                           (dict(cut=5), "the file has"), (dict(bent=3), "flags 0x40"),
                           (dict(numbers=(4,)), "page 0x4 is not in the dump"),
                           (dict(pages={3: b"short"}, numbers=(3,)), "has 5 bytes")):
            self.assertRaisesRegex(Failure, text, lambda b=bent: self.read(**b))

    def test_zstd(self):
        raw, out = bytes(range(256)) * 16, ctypes.create_string_buffer(2 * PAGE)
        lib = ctypes.CDLL("libzstd.so.1")
        lib.ZSTD_compress.restype = ctypes.c_size_t
        size = lib.ZSTD_compress(out, ctypes.c_size_t(len(out)), raw, ctypes.c_size_t(PAGE), 1)
        self.assertEqual(dumps.zstd(out.raw[:size], PAGE), raw)
        self.assertRaises(dumps.Broken, dumps.zstd, b"no frame", PAGE)


class SavedAlone(unittest.TestCase):
    """Dumps that are judged without the whole core, and those of a native kernel."""
    LOG = b"<0>sysrq triggered crash"

    def report(self, path):
        rep = checks.Report(path.with_suffix(".checks"))
        self.addCleanup(rep.close)
        return rep

    def alone(self, marker, described):
        with tempfile.TemporaryDirectory() as tmp:
            path = pathlib.Path(tmp) / "dump"
            kdump_file(path, {3: b"dom0's".ljust(PAGE, b"."), 4: bytes(PAGE)})
            guest_checks.check_alone(self.report(path), path, {"dom0": marker}, described)

    def test_alone(self):
        self.alone(b"dom0's", 8)
        self.assertRaisesRegex(Failure, "marker of dom0", lambda: self.alone(b"Xen's", 8))
        self.assertRaisesRegex(Failure, "pages, of 7", lambda: self.alone(b"dom0's", 7))

    def natively(self, peer=(3, 4), saved=(3, 4), marker=b"mine", bits=64, bent=b""):
        memory = {n: self.LOG.ljust(PAGE, bytes([n])) for n in (3, 4)}
        core = types.SimpleNamespace(loads=[{"pa": 3 * PAGE, "memsz": 2 * PAGE + 100}], close=lambda: None,
                                     read=lambda at, size: memory[at // PAGE])
        with tempfile.TemporaryDirectory() as tmp, \
                mock.patch.object(save_natively, "LinuxCore", lambda _: core), \
                mock.patch.object(save_natively, "filtered", lambda *_: set(peer)):
            path = pathlib.Path(tmp) / "dump"
            kdump_file(path, {n: bent + memory[n][len(bent):] for n in saved})
            save_natively.check_d31(self.report(path), None, path, marker, bits)

    def test_natively(self):
        self.natively()
        self.natively(peer=(), bits=32)
        for bad, text in ((dict(peer=(3,)), "makedumpfile -d 31 keeps"), (dict(saved=(3,)), "-d 31 keeps"),
                          (dict(marker=self.LOG), "process' memory"), (dict(bent=b"another"), "is the core's")):
            self.assertRaisesRegex(Failure, text, lambda b=bad: self.natively(**b))


    def full(self, status=9, bent=b"", saved=(3,), log=None):
        memory = {n: (self.LOG if log is None else log).ljust(PAGE, bytes([n])) for n in range(3, 7)}
        core = types.SimpleNamespace(loads=[{"pa": 3 * PAGE, "memsz": 4 * PAGE}], close=lambda: None,
                                     read=lambda at, size: memory[at // PAGE])
        with tempfile.TemporaryDirectory() as tmp, mock.patch.object(save_natively, "LinuxCore", lambda _: core):
            path = pathlib.Path(tmp) / "dump"
            kdump_file(path, {n: bent + memory[n][len(bent):] for n in saved}, status=status)
            save_natively.check_full(self.report(path), None, path)

    def test_full(self):
        self.full()
        for bad, text in ((dict(status=1), "marked incomplete"), (dict(bent=b"another"), "is the core's"),
                          (dict(saved=(3, 4, 5, 6)), "pages of dump, of 4"), (dict(log=b"x"), "log is in")):
            self.assertRaisesRegex(Failure, text, lambda b=bad: self.full(**b))


class FrameTable(unittest.TestCase):
    """A frame table of eight pages, at machine address 2 MiB, and the list of its two domains."""
    BASE, ROOT, DOMAINS = 2 << 20, 0x5000, (0x8000, 0x9000)

    def core(self, entries=(), ring=False):
        memory = {}
        put = lambda at, v: memory.__setitem__(at, v)
        va = 0xffff82e000000000
        tables = (self.ROOT, 0x6000, 0x7000)
        for i, at in enumerate(tables):
            e = (tables[i + 1] if i < 2 else self.BASE | 0x80) | 1
            put(at + (va >> 39 - 9 * i & 511) * 8, e)
        put(0x3000, va)
        put(0x4000, truth.DIRECT_MAP + self.DOMAINS[0])
        put(self.DOMAINS[0] + 8, truth.DIRECT_MAP + self.DOMAINS[1])
        put(self.DOMAINS[1], 7)
        put(self.DOMAINS[1] + 8, truth.DIRECT_MAP + self.DOMAINS[0] if ring else 0)
        for i, (count, owner) in enumerate(entries):
            put(self.BASE + i * 32 + 8, count)
            put(self.BASE + i * 32 + 24, owner)

        def read(at, size):
            words = range(at & ~7, at + size, 8)
            raw = b"".join(struct.pack("<Q", memory.get(w, 0)) for w in words) \
                if size <= PAGE else self.chunk(memory, at, size)
            return raw[at % 8:at % 8 + size] if size <= PAGE else raw
        text = ("SIZE(page_info)=32\nOFFSET(page_info.count_info)=8\nOFFSET(page_info._domain)=24\n"
                "SYMBOL(pgd_l4)=5000\nSYMBOL(frame_table)=3000\nSYMBOL(domain_list)=4000\n"
                "OFFSET(domain.domain_id)=0\nOFFSET(domain.next_in_list)=8\n")
        return types.SimpleNamespace(vmcoreinfo=lambda _: text, xen_to_machine=lambda v: v, read=read,
                                     u64=lambda at: struct.unpack("<Q", read(at, 8))[0])

    @staticmethod
    def chunk(memory, at, size):
        raw = bytearray(size)
        for place, v in memory.items():
            if at <= place < at + size:
                struct.pack_into("<Q", raw, place - at, v)
        return bytes(raw)

    def test_owners(self):
        f = truth.Frames(self.core([(IN_USE, 8), (IN_USE, 9), (IN_USE, 10), (IN_USE | 1 << 62, 9),
                                    (FREE | 1 << 63, 9), (1, 9), (IN_USE, 0)]))
        self.assertEqual(f.domains, {8: 0, 9: 7})
        self.assertEqual([f.owner(i) for i in range(7)], [0, 7, None, None, None, None, None])
        self.assertEqual([i for i in range(7) if f.is_free(i)], [4])

    def test_ring(self):
        self.assertRaisesRegex(Failure, "a ring", lambda: truth.Frames(self.core(ring=True)))


class Guests(unittest.TestCase):
    """Pages 1 to 600 are guest 1's, whose marker is in page 5; dom0's is in page 0."""
    MARKER, OWN = bytes(range(64)), bytes(range(64, 128))

    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.tmp.name) / "dump"
        self.rep = checks.Report(self.path.with_suffix(".checks"))
        self.guest = guests.Guest("pv", 1)
        self.guest.mib = 2
        self.markers = {"pv1": self.MARKER, "dom0": self.OWN}

    def tearDown(self):
        self.rep.close()
        self.tmp.cleanup()

    def memory(self, marker_at=5):
        class Memory:
            loads = [{"pa": 0, "filesz": 601 * PAGE}]

            @staticmethod
            def read(at, size):
                n = at // PAGE
                data = self.MARKER if n == marker_at else self.OWN if not n else b""
                return data.ljust(PAGE, b"\0")[at % PAGE:at % PAGE + size]
        return Memory()

    def frames(self, domains=None, owner=1):
        class Frames:
            def __init__(self, _):
                self.domains = domains or {9: 0, 8: 1}

            def owner(self, mfn):
                return owner if mfn else 0

            def maps(self, _):
                return True

            def is_free(self, _):
                return False
        return mock.patch.multiple(truth, Frames=Frames, read_list=lambda *_: {0: 0},
                                   read_foreign=lambda *_: set())

    def whole(self, memory=None, **frames):
        with self.frames(**frames):
            return guest_checks.check_whole(self.rep, memory or self.memory(), [self.guest],
                                            {"pv1": self.MARKER})

    def test_whole(self):
        self.assertEqual(self.whole(), {0: 1, 1: 600})
        for bent, text in ((dict(domains={9: 0}), "list of domains"),
                           (dict(domains={9: 0, 8: 2}), "list of domains"),
                           (dict(owner=2), "has its memory"), (dict(owner=None), "has its memory"),
                           (dict(memory=self.memory(None)), "the marker of pv1"),
                           (dict(memory=self.memory(0)), "the marker of pv1")):
            self.assertRaisesRegex(Failure, text, lambda b=bent: self.whole(**b))

    def dump(self, pages, keep=(), extra=None):
        memory = self.memory()
        kdump_file(self.path, {**{n: memory.read(n * PAGE, PAGE) for n in pages}, **(extra or {})})
        with self.frames():
            guest_checks.check_dump(self.rep, memory, self.path, [self.guest], self.markers, keep)

    def test_dump(self):
        self.dump([0])
        self.dump(range(601), (1,))
        for bent, text in ((dict(pages=range(601)), "pages of guests were kept"),
                           (dict(pages=[0], keep=(1,)), "dropped that are neither"),
                           (dict(pages=[1]), "of dom0's 1 pages"),
                           (dict(pages=[], extra={0: bytes(PAGE)}), "page 0x0 differs")):
            self.assertRaisesRegex(Failure, text, lambda b=bent: self.dump(**b))

    def test_markers(self):
        """Even were the frame table wrong, a guest's marker in the dump is found."""
        with mock.patch.object(truth, "check_pages", lambda *_: (1, {1: 600})):
            self.assertRaisesRegex(Failure, "has the markers of dom0, and no others",
                                   lambda: self.dump([0, 5]))
            self.assertRaisesRegex(Failure, "has the markers of dom0, and no others",
                                   lambda: self.dump([5]))

    def test_granted(self):
        def judge(pages):
            with self.frames(), mock.patch.object(truth, "read_foreign", lambda *_: pages):
                guest_checks.check_granted(self.rep, self.memory(), [self.guest])
        judge({3})
        self.assertRaisesRegex(Failure, "dom0 has pages of pv1", lambda: judge(set()))

    def test_never_booted(self):
        """A guest that does not say where its marker is makes the case red."""
        run = guests.GuestRun.__new__(guests.GuestRun)
        run.rep = self.rep
        for said in ("", "Kernel panic - not syncing: no init", "marker: page: ENOMEM"):
            machine = types.SimpleNamespace(run=lambda *_, said=said, **__: (0, said))
            self.assertRaisesRegex(HarnessError, "guest pv1 did not say",
                                   lambda m=machine: run.await_marker(m, self.guest))
        run.await_marker(types.SimpleNamespace(run=lambda *_, **__: (0, "marker pfn 0x7")), self.guest)


class Inside(unittest.TestCase):
    """What the dump kernel's console says of a save."""
    GOOD = "@@save begin a 5.0@@\nkept\nusage user 1 sys 2 peak 5000\n@@save end a 0 6.5@@\n"

    def judge(self, said, left=True, full=None):
        with tempfile.TemporaryDirectory() as tmp:
            work = pathlib.Path(tmp)
            rep = checks.Report(work / "x.checks")
            saves = dump_saves.Saves.__new__(dump_saves.Saves)
            saves.full = full
            saves.run, saves.files, saves.disk = types.SimpleNamespace(rep=rep), {"a": work / "a"}, work
            copy = lambda *_: (work / "a").write_bytes(b"x") if left else None
            with mock.patch.object(dump_saves, "host_tool", copy):
                try:
                    saves.fetch(said)
                finally:
                    rep.close()
            return rep.count

    def test_saves(self):
        self.assertEqual(self.judge(self.GOOD), 5)
        for said, text in (("", "comes to an end"), (self.GOOD.replace("begin a", "begin b"), "to an end"),
                           (self.GOOD.replace("end a 0", "end a 6"), "exit code 0"),
                           (self.GOOD.replace("peak 5000", "peak 65537"), "peak memory"),
                           (self.GOOD.replace("peak 5000", "peak 0"), "peak memory")):
            self.assertRaisesRegex(Failure, re.escape(text), lambda s=said: self.judge(s))
        self.assertRaisesRegex(Failure, "left its file", lambda: self.judge(self.GOOD, False))

    def test_full(self):
        good = self.GOOD.replace("end a 0", "end a 13").replace("kept", "No space left on device")
        self.assertEqual(self.judge(good, full="1M"), 5)
        for said, text in ((self.GOOD, "exit code 13"), (good.replace("No space", "Space"), "what was wrong"),
                           (good.replace("a 13", "a 4"), "exit code 13")):
            self.assertRaisesRegex(Failure, re.escape(text), lambda s=said: self.judge(s, full="1M"))
