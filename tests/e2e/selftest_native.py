# SPDX-License-Identifier: GPL-2.0-only
"""The judge of native cases judged: made-up cores of Linux kernels, and made-up consoles. Run by
selftest.py."""
import pathlib
import re
import struct
import tempfile
import unittest

import checks
import native_cases
import native_checks
import native_core
import qemu
from core import PAGE
from errors import Failure, HarnessError

MIB = 1 << 20
RELEASE = "6.1.0-test"
MARKER = bytes(range(1, 65))
PFN, NOW, PID = 0x1234, 1_700_000_000, 77
TOP, CRASH = 32 * MIB, (24 * MIB, 32 * MIB)
IMAGE = 16 * MIB  # where the kernel lies; its tables and data are at these offsets from there
CRASH_KEXEC, UTS, OFFSET_BASE, PGD = 0x2000, 0x150000, 0x160000, 0x180000
DIRECT = {64: 0xffff888000000000, 32: 0xc0000000}
MAPPED = {64: native_core.KERNEL_MAP + IMAGE, 32: 0xc0000000 + IMAGE}
STACK = 4 * MIB
PRESENT, LARGE = 1, 1 << 7


def note(name, kind, desc):
    raw = name.encode() + b"\0"
    pad = lambda b: b + bytes(-len(b) % 4)
    return struct.pack("<III", len(raw), len(desc), kind) + pad(raw) + pad(desc)


def prstatus(bits, pid, ip, sp, cs):
    if bits == 64:
        regs = [0] * 27
        regs[16], regs[17], regs[19] = ip, cs, sp
        return bytes(32) + struct.pack("<I", pid) + bytes(76) + struct.pack("<27Q", *regs) + bytes(8)
    regs = [0] * 17
    regs[12], regs[13], regs[15] = (x & 0xffffffff for x in (ip, cs, sp))
    return bytes(24) + struct.pack("<I", pid) + bytes(44) + struct.pack("<17I", *regs) + bytes(4)


def page_tables(put, bits):
    """2 MiB pages: the first 32 MiB in the direct map, and the image where a 64-bit kernel maps it."""
    base = IMAGE + PGD
    word = lambda table, i, v: put(table + 8 * i, struct.pack("<Q", v))
    tables = [base + PAGE * (i + 1) for i in range(4)]
    for i in range(TOP >> 21):
        word(tables[0], i, i << 21 | PRESENT | LARGE)
    if bits == 32:
        word(base, 3, tables[0] | PRESENT)
        return
    word(base, DIRECT[64] >> 39 & 511, tables[1] | PRESENT)
    word(tables[1], 0, tables[0] | PRESENT)
    word(base, 511, tables[2] | PRESENT)
    word(tables[2], 510, tables[3] | PRESENT)
    word(tables[3], IMAGE >> 21, IMAGE | PRESENT | LARGE)


def host(bits):
    h = native_checks.Host.__new__(native_checks.Host)
    h.bits, h.ram, h.crash = bits, [(0x1000, 0x9f400), (MIB, TOP)], [CRASH]
    h.symbols = {"_stext": MAPPED[bits], "_etext": MAPPED[bits] + 0x80000,
                 "init_uts_ns": MAPPED[bits] + UTS, "__crash_kexec": MAPPED[bits] + CRASH_KEXEC,
                 "page_offset_base": MAPPED[bits] + OFFSET_BASE}
    return h


def build(path, bits=64, klass=None, machine=None, release=RELEASE, stored=RELEASE, when=NOW, pid=PID,
          ip=None, cs=0x10, marker_at=PFN, ram_to=CRASH[0], low=True, direct=None, image_va=None,
          offset=0, info=True, note_bits=None, cut=0, offset_base=None, uts=UTS):
    """A core whose parts the arguments bend; memory is a hole where nothing is."""
    klass, machine = klass or (2 if bits == 64 else 1), machine or (62 if bits == 64 else 3)
    direct = DIRECT[bits] if direct is None else direct
    text = (f"OSRELEASE={release}\nOFFSET(uts_namespace.name)=0\nSYMBOL(init_uts_ns)="
            f"{MAPPED[bits] + uts:x}\nSYMBOL(swapper_pg_dir)={MAPPED[bits] + PGD:x}\n"
            f"NUMBER(phys_base)=0\nKERNELOFFSET={offset:x}\nCRASHTIME={when}\n")
    ips = [MAPPED[bits] + 0x1000, MAPPED[bits] + CRASH_KEXEC + 9 if ip is None else ip]
    notes = b"".join(note("CORE", 1, prstatus(note_bits or bits, p, i, DIRECT[bits] + STACK, cs))
                     for p, i in zip((0, pid), ips))
    if info:
        notes += note("VMCOREINFO", 0, text.encode())
    parts = [(direct + MIB, MIB, ram_to - MIB)]
    if low:
        parts.insert(0, (direct + 0x1000, 0x1000, 0x9e400))
    if bits == 64:
        parts.append((MAPPED[64] if image_va is None else image_va, IMAGE, 2 * MIB))
    where, off = [], 2 * PAGE
    for va, pa, size in parts:
        where.append((va, pa, size, off))
        off += (size + PAGE - 1) // PAGE * PAGE
    wide = klass == 2
    head = b"\x7fELF" + bytes((klass, 1, 1)) + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH" if wide else "<HHIIIIIHHHHHH", 4, machine, 1, 0, 64 if wide else 52, 0, 0,
        64 if wide else 52, 56 if wide else 32, len(where) + 1, 0, 0, 0)

    def phdr(kind, va, pa, size, at):
        mask = (1 << 64) - 1 if wide else (1 << 32) - 1
        if wide:
            return struct.pack("<IIQQQQQQ", kind, 7, at, va & mask, pa, size, size, 0)
        return struct.pack("<8I", kind, at, va & mask, pa, size, size, 7, 0)
    head += phdr(4, 0, 0, len(notes), PAGE) + b"".join(phdr(1, *w) for w in where)
    assert len(head) <= PAGE and len(notes) <= PAGE
    with open(path, "wb") as f:
        def put(pa, data):
            for _, start, size, at in where:  # in each header that describes the place
                if start <= pa < start + size:
                    f.seek(at + pa - start)
                    f.write(data)
        f.write(head.ljust(PAGE, b"\0") + notes.ljust(PAGE, b"\0"))
        f.truncate(off)
        page_tables(put, bits)
        put(marker_at * PAGE, MARKER)
        put(IMAGE + UTS + native_checks.RELEASE_AT, stored.encode())
        put(IMAGE + OFFSET_BASE, struct.pack("<Q", offset_base or DIRECT[64]))
        f.truncate(off - cut)


class NativeCores(unittest.TestCase):
    def judge(self, bits=64, arch="amd64", cpus=2, own_note=False, by_file=False, number=1, **bent):
        with tempfile.TemporaryDirectory() as tmp:
            path = pathlib.Path(tmp) / "core"
            build(path, bits, **bent)
            rep = checks.Report(path.with_suffix(".checks"))
            rep.own_note = own_note
            try:
                native_checks.check_core(rep, path, host(bits), arch, cpus, RELEASE, MARKER, PFN,
                                         (number, PID, NOW), by_file)
            finally:
                rep.close()
            return rep.count

    def test_good(self):
        self.assertGreater(self.judge(), 20)
        self.assertGreater(self.judge(by_file=True, low=False), 20)

    def test_good_32(self):
        self.assertGreater(self.judge(32, "i386"), 15)
        self.assertGreater(self.judge(32, "i386", klass=2), 15)
        self.assertGreater(self.judge(32, "amd64", klass=2, machine=62), 15)

    def test_bad(self):
        rows = [
            (dict(machine=3), "ELF machine 3"), (dict(klass=1), "class 1"),
            (dict(note_bits=32), "NT_PRSTATUS of 144 bytes"), (dict(cpus=3), "3 NT_PRSTATUS"),
            (dict(info=False), "no VMCOREINFO"), (dict(own_note=True), "a XENKDUMP note"),
            (dict(release="6.1.0-other"), "the kernel that ran"),
            (dict(stored="6.1.0-other"), "holds the release"),
            (dict(when=NOW - 4000), "CRASHTIME"), (dict(pid=PID + 1), "the process that panicked"),
            (dict(ip=0), "instruction pointer"), (dict(ip=MAPPED[64]), "__crash_kexec"),
            (dict(number=0), "__crash_kexec"), (dict(cs=0x33), "runs in the kernel"),
            (dict(marker_at=PFN + 1), "the marker"), (dict(low=False), "all RAM"),
            (dict(ram_to=23 * MIB), "all RAM"), (dict(ram_to=25 * MIB), "nothing else"),
            (dict(direct=DIRECT[64] + (1 << 30)), "is mapped to"),
            (dict(direct=DIRECT[64] + 2 * MIB), "is mapped to"),
            (dict(direct=0), "is mapped to"), (dict(image_va=MAPPED[64] + 2 * MIB), "virtual address"),
            (dict(offset=2 * MIB), "KERNELOFFSET"), (dict(uts=UTS + 8), "init_uts_ns"),
            (dict(offset_base=DIRECT[64] + PAGE), "page_offset_base"),
            (dict(cut=PAGE), "program header reaches"),
        ]
        for bent, text in rows:
            with self.subTest(bent=bent):
                self.assertRaisesRegex(Failure, re.escape(text), lambda b=bent: self.judge(**b))

    def test_bad_32(self):
        rows = [
            (dict(arch="i386", machine=62), "ELF machine 62"),
            (dict(arch="amd64"), "class 1"), (dict(arch="amd64", klass=2), "ELF machine 3"),
            (dict(arch="i386", note_bits=64), "NT_PRSTATUS of 336 bytes"),
            (dict(arch="i386", direct=0x1000), "is in no PT_LOAD"),
            (dict(arch="i386", direct=0xc0200000), "read through p_vaddr"),
        ]
        for bent, text in rows:
            with self.subTest(bent=bent):
                self.assertRaisesRegex(Failure, re.escape(text),
                                       lambda b=bent: self.judge(32, **b))


class Iomem(unittest.TestCase):
    TEXT = ("00001000-0009fbff : System RAM\n00100000-5ffdffff : System RAM\n"
            "  4b000000-56ffffff : Crash kernel\nffffffff81000000 T _stext\n"
            "ffffffff81100000 T __crash_kexec\nffffffff82000000 T _etext\n")

    def test_host(self):
        h = native_checks.Host(self.TEXT, 64)
        self.assertEqual(h.ram, [(0x1000, 0x9fc00), (0x100000, 0x5ffe0000)])
        self.assertEqual(h.image(), (0x4b000000, 0x57000000))

    def test_nothing_to_see(self):
        hidden = re.sub(r"ffffffff8[12][0-9a-f]{6}", "0" * 16, self.TEXT)
        for text, wrong in ((hidden, "_stext"), ("", "System RAM")):
            self.assertRaisesRegex(HarnessError, wrong, lambda t=text: native_checks.Host(t, 64))
        bare = native_checks.Host(self.TEXT.replace("Crash kernel", "Kernel code"), 64)
        self.assertRaisesRegex(HarnessError, "no crash region", bare.image)

    def test_ranges(self):
        self.assertEqual(native_core.subtract([(0, 10), (20, 30)], [(5, 22), (25, 26)]),
                         [(0, 5), (22, 25), (26, 30)])
        self.assertEqual(native_core.pages([(1, 3 * PAGE + 1)], True), [(PAGE, 3 * PAGE)])
        self.assertEqual(native_core.pages([(1, 3 * PAGE + 1)], False), [(0, 4 * PAGE)])
        self.assertEqual(native_core.merge([(4, 6), (0, 2), (2, 3)]), [(0, 3), (4, 6)])


class Consoles(unittest.TestCase):
    """What a run makes of a console that says this; the machine is a shell's echo."""

    class Loader:
        name = "xenkdump"

        def needs_own(self, what):
            pass

        def load_command(self, *_):
            return "load"

    class Told:
        """A machine whose shell answers what it was told to."""
        armed = False

        def __init__(self, *answers):
            self.answers = list(answers)

        def run(self, *_, check=True):
            return self.answers.pop(0)

    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self.tmp.name)
        env = type("Env", (), {"work": folder, "logs": folder, "loader": self.Loader(), "pk": None,
                               "keep": False})()
        self.rep = checks.Report(folder / "x.checks")
        self.run_ = native_cases.NativeRun(env, dict(id="x"), self.rep)

    def tearDown(self):
        self.rep.close()
        self.tmp.cleanup()

    def on(self, text, step, armed=False):
        with qemu.Machine(self.run_.log, ["printf", "%s\n", text], 20) as m:
            m.armed = armed
            step(m)

    def test_boot(self):
        for text in ("", "Kernel panic - not syncing: no init", "@@ready"):
            with self.subTest(text=text):
                self.assertRaises(HarnessError, lambda t=text: self.on(t, self.run_.boot))

    def test_dump_kernel(self):
        step = self.run_.await_dump_kernel
        rows = (("Kernel Offset: 0x1000 from 0xffffffff81000000", "Kernel Offset"),
                ("@@dump-kernel 6.1 i686@@\n@@vmcore 5@@", "runs as x86_64"),
                ("@@dump-kernel 6.1 x86_64@@\n@@no-vmcore@@", "no-vmcore"),
                ("@@dump-kernel 6.1 x86_64@@\nKdump: vmcore not initialized", "vmcore not init"),
                ("xenkdump purgatory: kernel at 0x1, 5 bytes, was overwritten", "overwritten"),
                ("nothing", "the machine ended"))
        for text, wrong in rows:
            with self.subTest(text=text):
                self.assertRaisesRegex(Failure, wrong, lambda t=text: self.on(t, step, True))
        self.on("@@dump-kernel 6.1 x86_64@@\n@@vmcore 5@@", step, True)

    def test_witness(self):
        step = lambda text, want: self.run_.witness(self.Told((0, text)), want)
        step("1\n", "armed")
        self.assertRaises(Failure, lambda: step("0\n", "armed"))
        self.assertRaises(Failure, lambda: step("1\n", "not armed"))
        self.assertRaises(HarnessError, lambda: step("cat: no such file", "not armed"))

    def test_refused(self):
        rows = (((0, "armed"), (0, "1\n")), ((1, "below 896 MiB"), (0, "0\n")),
                ((8, "no idea"), (0, "0\n")), ((8, "below 896 MiB"), (0, "1\n")))
        step = lambda answers: self.run_.refused(self.Told(*answers), 8, "below 896 MiB")
        for answers in rows:
            with self.subTest(answers=answers):
                self.assertRaises(Failure, lambda a=answers: step(a))
        step(((8, "must lie below 896 MiB"), (0, "0\n")))

    def test_place(self):
        self.run_.region = (512 * MIB, 704 * MIB)
        self.run_.region_in(*native_cases.LOW)
        self.assertRaises(HarnessError, lambda: self.run_.region_in(*native_cases.HIGH))
