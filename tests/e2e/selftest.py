#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The judge judged: a made-up core that is right passes, and each way of being wrong is noticed."""
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import checks  # noqa: E402
import core  # noqa: E402
import dom0_32  # noqa: E402
import dom0_linux  # noqa: E402
import initramfs  # noqa: E402
import packages  # noqa: E402
import run  # noqa: E402
import save_checks  # noqa: E402
import truth  # noqa: E402
from selftest_guests import *  # noqa: E402,F401,F403 # their tests run here, too
from selftest_native import *  # noqa: E402,F401,F403
from errors import Failure, HarnessError, Skip, StepTimeout  # noqa: E402

PAGE = 4096
MEM = 64 * PAGE
MARKER = bytes(range(1, 65))
PFN = 0x40000 + 512 * 3 + 5  # top 1, mid 3, leaf 5
MFN = 40
XEN_BASE, XEN_PHYS = 0xffff82d040000000, 10 * PAGE
STACKS = (0xffff830000100000, 0xffff830000108000)
SYMBOLS = {"stack_base": XEN_BASE + 0x80}
XEN = {"version": "4.17.5 (Debian x) (a@b) (gcc 12) debug=n Sat Nov 29", "ram": MEM + 16 * PAGE,
       "crash": (MEM, 16 * PAGE)}


def note(name, kind, desc):
    raw = name.encode() + b"\0"
    pad = lambda b: b + bytes(-len(b) % 4)
    return struct.pack("<III", len(raw), len(desc), kind) + pad(raw) + pad(desc)


def build(machine=62, klass=2, rsp=STACKS, cr3=8 * PAGE, marker_at=MFN, extra="5",
          load_to=MEM, leaf=MFN, frame_list=20, truncate=0, drop_xen=False, p2m_bits=64):
    """A core of 64 pages whose parts the arguments bend."""
    mem = bytearray(MEM)
    words = lambda at, *v: struct.pack_into(f"<{len(v)}Q", mem, at, *v)
    words(XEN_PHYS + 0x80, *STACKS)
    if p2m_bits == 64:
        words(20 * PAGE + 8 * (PFN >> 18), 21)
        words(21 * PAGE + 8 * (PFN >> 9 & 511), 22)
        words(22 * PAGE + 8 * (PFN & 511), leaf)
    else:
        halves = lambda at, v: struct.pack_into("<I", mem, at, v)
        halves(20 * PAGE + 4 * (PFN >> 20), 21)
        halves(21 * PAGE + 4 * (PFN >> 10 & 1023), 22)
        halves(22 * PAGE + 4 * (PFN & 1023), leaf)
    mem[marker_at * PAGE:marker_at * PAGE + 64] = MARKER
    for i, text in enumerate((b"." + extra.encode(), b"", b"gcc 12", b"Sat Nov 29")):
        mem[30 * PAGE + 64 * i:30 * PAGE + 64 * i + len(text)] = text
    notes = b""
    for i in range(2):
        regs = [0] * 27
        regs[19] = rsp[i] + 0x100
        notes += note("CORE", 1, bytes(112) + struct.pack("<27Q", *regs) + bytes(8))
        notes += note("Xen", 0x1000002, struct.pack("<4Q", 0x80050033, 0, cr3, 0x20))
        if i == 0:
            notes += note("Xen", 0x1000001, struct.pack(
                "<10Q", 4, 17, *(30 * PAGE + 64 * j for j in range(4)), 0, 0, XEN_PHYS, frame_list))
    if not drop_xen:
        notes += note("VMCOREINFO_XEN", 0, b"PAGESIZE=4096\nSYMBOL(domain_list)=1\n")
    head = b"\x7fELF" + bytes((klass, 1, 1)) + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", 4, machine, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    head += struct.pack("<IIQQQQQQ", 4, 0, PAGE, 0, 0, len(notes), len(notes), 0)
    head += struct.pack("<IIQQQQQQ", 1, 7, 2 * PAGE, 0, 0, load_to, load_to, 0)
    assert len(notes) <= PAGE
    data = head.ljust(PAGE, b"\0") + notes.ljust(PAGE, b"\0") + mem + bytes(max(0, load_to - MEM))
    return data[:len(data) - truncate]


class CoreChecks(unittest.TestCase):
    def judge(self, marker=MARKER, cpus=2, read_bits=64, **bent):
        with tempfile.TemporaryDirectory() as tmp:
            path = pathlib.Path(tmp) / "core"
            path.write_bytes(build(**bent))
            rep = checks.Report(path.with_suffix(".checks"))
            try:
                checks.check_core(rep, path, XEN, cpus, marker, PFN, SYMBOLS, p2m_bits=read_bits)
            finally:
                rep.close()
            return rep.count

    def test_good(self):
        self.assertGreater(self.judge(), 10)

    def test_good_32(self):
        self.assertGreater(self.judge(p2m_bits=32, read_bits=32), 10)

    def test_bad(self):
        rows = [
            (dict(machine=3), "ELF machine 3"), (dict(klass=1), "class 1"),
            (dict(cpus=3), "3 NT_PRSTATUS"), (dict(truncate=PAGE), "program header reaches"),
            (dict(rsp=(STACKS[0], STACKS[0])), "CPU 1: RSP"),
            (dict(rsp=(0, STACKS[1])), "CPU 0: RSP"), (dict(cr3=0), "CR3"),
            (dict(cr3=MEM + PAGE), "CR3"), (dict(marker_at=MFN + 1), "the marker"),
            (dict(leaf=MFN + 1), "the marker"), (dict(leaf=core.P2M_INVALID), "not dom0's"),
            (dict(leaf=1 << 62 | MFN), "not dom0's"), (dict(frame_list=0), "frame list"),
            (dict(extra="6"), "the version"), (dict(load_to=MEM + PAGE), "crash region"),
            (dict(p2m_bits=32), "the marker"), (dict(read_bits=32), "the marker"),
            (dict(p2m_bits=32, read_bits=32, leaf=0xffffffff), "not dom0's"),
            (dict(p2m_bits=32, read_bits=32, leaf=1 << 30 | MFN), "not dom0's"),
            (dict(p2m_bits=32, read_bits=32, leaf=MFN + 1), "the marker"),
            (dict(drop_xen=True), "VMCOREINFO_XEN"), (dict(marker=bytes(64)), "the marker"),
        ]
        for bent, text in rows:
            with self.subTest(bent=bent):
                self.assertRaisesRegex(Failure, re.escape(text), lambda b=bent: self.judge(**b))


class Dom032(unittest.TestCase):
    """What goes between the 32-bit test kernel and this machine."""

    FACTS = 'xenkdump-facts 1\nhypervisor = xen\n'

    def console(self, text=FACTS, length=len(FACTS), crc=None):
        crc = zlib.crc32(self.FACTS.encode()) if crc is None else crc
        return f"(XEN) x\n@@facts begin@@\n{text}@@facts end {length} {crc:#x}@@\n@@no plan@@\n"

    def test_facts(self):
        self.assertEqual(dom0_32.facts_of(self.console()), self.FACTS)
        between = self.FACTS.replace("hyper", "(XEN) scrubbing\nhyper")
        self.assertEqual(dom0_32.facts_of(self.console(between)), self.FACTS)

    def test_facts_garbled(self):
        rows = [("", "no facts"), (self.console(self.FACTS.replace("= xen", "= xem")), "garbled"),
                (self.console(self.FACTS.replace("r = x", "r(XEN) = x")), "garbled"),
                (self.console(length=3), "garbled"), (self.console(crc=1), "garbled"),
                (self.console().replace("@@facts end", "@@facts en"), "no facts")]
        for console, text in rows:
            with self.subTest(console=console):
                self.assertRaisesRegex(HarnessError, text, lambda c=console: dom0_32.facts_of(c))

    @staticmethod
    def plan(**bent):
        segs = [dict(kind="kernel", start="0x100200000", end="0x100203000", bytes=5000,
                     map_only=False), dict(kind="map", start="0x0", end="0xa0000", bytes=0,
                                           map_only=True)]
        segs[0].update(bent)
        return dict(machine="EM_X86_64", entry="0x100200010", segments=segs)

    def test_pack(self):
        blob = dom0_32.pack(self.plan(), lambda kind: kind.encode().ljust(5000, b"k"), 16384)
        self.assertEqual(len(blob), 16384)
        # magic, version 1, 2 segments, EM_X86_64 is 62, padding, entry; then start, size, offset, length
        self.assertEqual(blob[:32], b"XKD32PLN" + bytes.fromhex(
            "01000000 02000000 3e000000 00000000 1000200001000000"))
        self.assertEqual(blob[32:56], bytes.fromhex(
            "0000200001000000 0030000000000000 00100000 88130000"))
        self.assertEqual(blob[56:80], bytes.fromhex(
            "0000000000000000 00000a0000000000 00000000 00000000"))
        self.assertEqual(blob[4096:4096 + 5000], b"kernel".ljust(5000, b"k"))
        self.assertFalse(any(blob[80:4096] + blob[4096 + 5000:]))

    def test_pack_refused(self):
        content = lambda kind: bytes(5000)
        self.assertRaisesRegex(Failure, "wrote 5000 bytes of kernel, --json says 4999",
                               lambda: dom0_32.pack(self.plan(bytes=4999), content, 16384))
        # 4096 for the table, 5000 up to 8192 for the kernel
        self.assertRaisesRegex(HarnessError, "12288 bytes",
                               lambda: dom0_32.pack(self.plan(), content, 12287))
        self.assertEqual(len(dom0_32.pack(self.plan(), content, 12288)), 12288)


    def test_libraries(self):
        """E2E_DOM0_32_LIBS: what is opened by name, wherever it lies; a folder without it is wrong."""
        self.assertEqual(dom0_linux.xen_libraries(None), ([], []))
        with tempfile.TemporaryDirectory() as tmp:
            deep = pathlib.Path(tmp, "usr/lib/i386-linux-gnu")
            deep.mkdir(parents=True)
            (deep / "libxentoollog.so.1").touch()
            self.assertRaisesRegex(HarnessError, "neither libxencall nor libxenctrl",
                                   lambda: dom0_linux.xen_libraries(tmp))
            (deep / "libxenctrl.so.4.14").touch()
            self.assertEqual(dom0_linux.xen_libraries(tmp),
                             ([deep / "libxenctrl.so.4.14"], [str(deep)]))
            self.assertRaisesRegex(HarnessError, "is not a 32-bit ELF file",
                                   lambda: dom0_linux.closure([], [deep / "libxenctrl.so.4.14"], []))

    def test_needed(self):
        """Of a program of the wrong width nothing is packed."""
        self.assertRaisesRegex(HarnessError, "is not a 32-bit ELF file",
                               lambda: dom0_linux.needed("/proc/self/exe"))


class Saved(unittest.TestCase):
    """A dump of eleven pages: dom0 has 1 and 2, 5 and 6 are free, 3 is Xen's, 7 ends half-way, 8 is
    guest 1's, 9 guest 2's, and 10 guest 2's too, but dom0 has it mapped."""

    GUESTS = {8: 1, 9: 2, 10: 2}

    class Memory:
        def __init__(self, pages, bent=None):
            self.loads = [{"pa": n * PAGE, "filesz": PAGE if n != 7 else PAGE // 2} for n in pages]
            self.bent = bent

        def read(self, at, size):
            n = at // PAGE
            return bytes([n + (n == self.bent)]) * size

        def page(self, n):
            return self.read(n * PAGE, PAGE)

    class Frames:
        def __init__(self, _):
            self.domains = {100: 0, 101: 1, 102: 2}

        def maps(self, mfn):
            return mfn != 7

        def is_free(self, mfn):
            return mfn in (5, 6)

        def owner(self, mfn):
            return 0 if mfn in (1, 2) else Saved.GUESTS.get(mfn)

    def truth(self):
        return mock.patch.multiple(truth, Frames=self.Frames, read_list=lambda *_: {0: 1, 1: 2},
                                   read_foreign=lambda *_: {10})

    def judge(self, pages, bent=None):
        with self.truth():
            return truth.check_saved(self.Memory(range(11)), self.Memory(pages, bent), 64)

    def test_good(self):
        self.assertEqual(self.judge((0, 1, 2, 3, 4, 7, 10)), (7, 4))

    def test_bad(self):
        for pages, bent, text in (
                ((0, 1, 2, 4, 7, 10), None, "1 pages were dropped that are neither free nor"),
                ((0, 1, 2, 3, 4, 10), None, "1 pages were dropped that are neither free nor"),
                ((0, 1, 2, 3, 4, 7), None, "1 pages were dropped that are neither free nor"),
                ((0, 1, 3, 4, 7, 10), None, "1 of dom0's 2 pages were dropped"),
                ((0, 1, 2, 3, 4, 6, 7, 10), None, "1 free pages were kept"),
                ((0, 1, 2, 3, 4, 7, 8, 10), None, "1 pages of guests were kept, first [8]"),
                ((0, 1, 2, 3, 4, 7, 10, 11), None, "1 pages are not in the source"),
                ((0, 1, 2, 3, 4, 7, 10), 2, "page 0x2 differs"),
                ((0, 1, 2, 3, 4, 7, 10), 7, "page 0x7 differs")):
            self.assertRaisesRegex(Failure, re.escape(text), lambda p=pages, b=bent: self.judge(p, b))

    def test_keep(self):
        """With guest 2 kept its page must be there, and guest 1's not."""
        def judge(pages):
            with self.truth():
                return truth.check_pages(self.Memory(range(11)), set(pages), 64, lambda _: True, (2,))
        self.assertEqual(judge((0, 1, 2, 3, 4, 7, 9, 10)), (8, {None: 2, 1: 1}))
        for pages, text in (((0, 1, 2, 3, 4, 7, 10), "neither free nor a guest's, first [9]"),
                            ((0, 1, 2, 3, 4, 7, 8, 9, 10), "pages of guests were kept, first [8]")):
            self.assertRaisesRegex(Failure, re.escape(text), lambda p=pages: judge(p))

    def test_same_pages(self):
        good = self.Memory((1, 2))
        self.assertEqual(save_checks.same_pages(good, self.Memory((2, 1))),
                         (True, "2 pages, 0 of which differ: []"))
        for other, text in ((self.Memory((1,)), "they describe 2 and 1 pages"),
                            (self.Memory((1, 2), 2), "2 pages, 1 of which differ: [2]")):
            self.assertEqual(save_checks.same_pages(good, other), (False, text))
        self.assertEqual(save_checks.same_pages(self.Memory(()), self.Memory(()))[0], False)


class Sources(unittest.TestCase):
    OWN = "Types: deb\nURIs: file:/a\nSuites: bookworm bookworm-updates\nComponents: main"
    OTHER = "Types: deb\nURIs: file:/b\nSuites: bookworm-security\nComponents: main"
    SOURCE = OWN.replace("deb\n", "deb-src\n")

    def test_backports(self):
        """Made of the sources of the release itself, with all that they say, and of no others."""
        got = packages.backports_of("bookworm", [self.OTHER, self.OWN, self.SOURCE], [
            "# deb file:/c bookworm main", "deb [trusted=yes] file:/c bookworm main contrib",
            "deb file:/d bookworm-security main", "deb-src file:/c bookworm main", ""])
        self.assertEqual(got["backports.sources"], self.OWN.replace(
            "bookworm bookworm-updates", "bookworm-backports") + "\n")
        self.assertEqual(got["backports.list"],
                         "deb [trusted=yes] file:/c bookworm-backports main contrib\n")

    def test_no_backports(self):
        self.assertRaisesRegex(HarnessError, "no source of apt's offers trixie",
                               lambda: packages.backports_of("trixie", [self.OWN], [
                                   "deb file:/c bookworm main"]))


class Verdicts(unittest.TestCase):
    class Counted:
        count = 1

    class Silent:
        count = 0

    def word(self, exc, rep=Counted):
        def body():
            if exc:
                raise exc
        return run.verdict(body, rep)[0]

    def test_words(self):
        self.assertEqual(self.word(None), "pass")
        self.assertEqual(self.word(None, self.Silent), "ERROR")
        self.assertEqual(self.word(Failure("x")), "FAIL")
        self.assertEqual(self.word(StepTimeout("x")), "TIMEOUT")
        self.assertEqual(self.word(HarnessError("x")), "ERROR")
        self.assertEqual(self.word(KeyError("x")), "ERROR")

    def test_skip(self):
        before = run.NO_SKIP
        try:
            run.NO_SKIP = False
            self.assertEqual(self.word(Skip("x")), "SKIP")
            run.NO_SKIP = True
            self.assertEqual(self.word(Skip("x")), "ERROR")
        finally:
            run.NO_SKIP = before


class Parts(unittest.TestCase):
    def test_xensyms(self):
        text = "ffff82d040000080 B stack_base\nffff82d040000090 b a/c.c#conring\n"
        text += "zz B no\n"
        self.assertEqual(core.parse_xensyms(text), {"stack_base": 0xffff82d040000080,
                                                    "conring": 0xffff82d040000090})

    def test_rename_note(self):
        with tempfile.TemporaryDirectory() as tmp:
            path = pathlib.Path(tmp) / "core"
            path.write_bytes(note("VMCOREINFO_XEN", 0, b"x")
                             + note("VMCOREINFO", 0, b"VMCOREINFO\0"))
            self.assertEqual(checks.rename_note(path, b"VMCOREINFO", b"XMCOREINFO"), 1)
            self.assertEqual([n[0] for n in core.parse_notes(path.read_bytes())],
                             ["VMCOREINFO_XEN", "XMCOREINFO"])

    def test_cpio(self):
        with tempfile.TemporaryDirectory() as tmp:
            path = pathlib.Path(tmp) / "a.cpio"
            c = initramfs.Cpio()
            c.file("x/y/z", b"12345", 0o755)
            c.link("l", "x/y/z")
            c.write(path)
            res = subprocess.run(["cpio", "-itv", "-F", path], capture_output=True, text=True,
                                 check=True)
            self.assertRegex(res.stdout, r"-rwxr-xr-x .* 5 .* x/y/z\n")
            self.assertIn("l -> x/y/z", res.stdout)


if __name__ == "__main__":
    unittest.main()
