#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The purgatory blobs by themselves under QEMU (TCG): usage: run.py BUILD-FOLDER [CASE...]

Each case is a small machine: loader.S puts a blob, its regions and a fake kernel (kernel.c) into
memory, and jumps to the blob with garbage in every register, with descriptor tables that are not
there and, for the x86_64 blob, with page tables that map the segments only. What the machine then
says on its serial port is compared with what this file computes on its own.
"""
import hashlib
import os
import random
import re
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
sys.dont_write_bytecode = True

from packages import Backports  # noqa: E402

# Seconds for one case, on a busy machine.
TIME_LIMIT = int(os.environ.get("TIME_LIMIT", 90))
PAGE = 4096
MiB, GiB = 1 << 20, 1 << 30

# purgatory/abi.h, written down a second time
ABI_OFFSET, MAGIC, VERSION = 16, 0x50444b58, 1
ABI_HEAD = struct.Struct("<IHHIIIIHHIQQQQQQQII")
ABI_REGION = struct.Struct("<QQ16s32s")
ABI_SIZE = ABI_HEAD.size + 16 * ABI_REGION.size
F_SERIAL, F_VGA, F_VERBOSE = 1, 2, 4
CR0_EM, CR0_TS = 4, 8
REBOOT, HALT, CONTINUE = 0, 1, 2
ACT_NONE, ACT_UD2, ACT_PAGE_FAULT, ACT_NMI, ACT_BAD_SELECTOR = range(5)

COM1 = 0x3F8
LOADER_BASE, DESC_OFFSET, DATA_OFFSET = 0x100000, 0x1000, 0x2000
KERNEL_32 = 0x1000000
CR4_PAE, CR4_LA57 = 1 << 5, 1 << 12
BP_MAGIC = 0x5350414D41524150
EXIT_DONE = 0x10 << 1 | 1
PREFIX = "xenkdump purgatory: "


class Failure(Exception):
    pass


def check(ok, text):
    if not ok:
        raise Failure(text)


def pages_up(n):
    return (n + PAGE - 1) // PAGE * PAGE


class Tables:
    """Page tables at physical `base`, 4 or 5 levels."""

    def __init__(self, base, levels):
        self.base, self.levels, self.tables = base, levels, [[0] * 512]

    def map(self, start, end, size):
        last = {PAGE: 1, 2 * MiB: 2}[size]
        for a in range(start // size * size, end, size):
            t = 0
            for level in range(self.levels, last, -1):
                i = a >> (9 * level + 3) & 511
                if not self.tables[t][i]:
                    self.tables[t][i] = self.base + len(self.tables) * PAGE | 3
                    self.tables.append([0] * 512)
                t = ((self.tables[t][i] & ~0xFFF) - self.base) // PAGE
            self.tables[t][a >> (9 * last + 3) & 511] = a | (0x83 if last == 2 else 3)

    def image(self):
        return b"".join(struct.pack("<512Q", *t) for t in self.tables)


class Case:
    """The good case of a blob; cases change what makes them different."""

    def __init__(self, build, blob, bits, base=None, **kw):
        self.build, self.blob, self.bits = build, blob, bits
        self.cpu, self.mem, self.la57, self.machine = "qemu64", "256M", False, "pc"
        self.on_corruption, self.delay, self.flags = REBOOT, 1, F_SERIAL
        self.serial_port, self.divisor = COM1, 0
        self.action = ACT_NONE
        self.blob_file = "purgatory/purgatory-%s.bin" % blob
        self.cr0 = 0  # bits that are set when purgatory is entered
        self.corrupt = {}  # region name -> offset of the flipped byte
        self.digests = {}  # region name -> what to make of its right digest
        self.override = {}  # fields of struct purg_abi, last
        self.backup = (0, 640 * 1024)
        self.base = base if base is not None else KERNEL_32
        self.program, self.qemu_args = "qemu-system-x86_64", []
        self.log_items = "cpu_reset"
        for k, v in kw.items():
            check(hasattr(self, k), "no such setting: " + k)
            setattr(self, k, v)
        self.lines, self.times = [], []
        self.build_memory()

    def read(self, name):
        with open(os.path.join(self.build, name), "rb") as f:
            return f.read()

    def build_memory(self):
        rnd = random.Random(0)
        base = self.base
        self.purg_at = base + 0x305000
        self.bp_at = base + 0x20000
        self.backup_at = base + 0x100000
        self.blob_bytes = self.read(self.blob_file)
        head = struct.unpack_from("<IHHI", self.blob_bytes, ABI_OFFSET)
        check(head[:3] == (MAGIC, VERSION, ABI_SIZE), "the blob's header is %r" % (head,))
        self.mem_size = head[3]

        kernel = self.read("tests/purgatory/kernel-%s.bin" % ("x86_64" if self.bits == 64 else "i386"))
        # 0x500..: includes the word that the i386 blob borrows at 0x5fc
        self.low = rnd.randbytes(0x8B00)
        sums = [(self.backup_at + 0x500, len(self.low)), (0x500, len(self.low))]
        if self.bits == 64:
            sums.append((4 * GiB - 16, 16))
            if base >= 4 * GiB:
                sums.append((base + 0x4FFFF8, 8))
        bp = struct.pack("<QII", BP_MAGIC, self.action, len(sums)) + b"".join(
            struct.pack("<QQ", *s) for s in sums)
        kernel_at = base if self.bits == 64 else KERNEL_32
        # name, address, content: every edge of the padding, odd addresses, all 16 places
        self.regions = [("kernel", kernel_at, kernel), ("bootparams", self.bp_at, bp)]
        at = base + 0x30000
        for n in (0, 1, 55, 56, 63, 64, 65, 119, 120, 4096, 4097):
            self.regions.append(("piece %d" % n, at + n % 7, rnd.randbytes(n)))
            at += pages_up(n + 8)
        self.regions.append(("sixteen chars...", at, rnd.randbytes(100)))
        self.regions.append(("elfcore", base + 0x60000, rnd.randbytes(20000)))
        self.regions.append(("initrd", base + 0x1C0000, rnd.randbytes(MiB + 3)))
        check(len(self.regions) == 16, "regions")

    def digest(self, name, data):
        right = hashlib.sha256(data).digest()
        return self.digests[name](right) if name in self.digests else right

    def purgatory(self):
        """The blob with its parameters, and garbage where the loader would have zeroed."""
        src, length = self.backup
        p = dict(flags=self.flags, on_corruption=self.on_corruption, delay=self.delay,
                 port=self.serial_port, divisor=self.divisor, bits=self.bits,
                 entry=self.regions[0][1], bp=self.bp_at, src=src, dst=self.backup_at, len=length,
                 map_start=self.base, map_end=self.base + 0x500000, nr=len(self.regions), pad=0)
        if self.base < 4 * GiB:
            p["map_start"] = p["map_end"] = 0
        regions = [ABI_REGION.pack(at, len(data), name.encode(), self.digest(name, data))
                   for name, at, data in self.regions]
        for key, value in self.override.items():
            if key == "region":
                index, at, n = value
                name, _, data = self.regions[index]
                regions[index] = ABI_REGION.pack(at, n, name.encode(), self.digest(name, data))
            else:
                check(key in p, "no such field: " + key)
                p[key] = value
        head = ABI_HEAD.pack(MAGIC, VERSION, ABI_SIZE, self.mem_size, *p.values())
        blob = bytearray(self.blob_bytes)
        blob[ABI_OFFSET:ABI_OFFSET + ABI_SIZE] = head + b"".join(regions)
        return bytes(blob) + b"\xcc" * (self.mem_size - len(blob))

    def corrupted(self, name, data):
        if name not in self.corrupt:
            return data
        bad = bytearray(data)
        bad[self.corrupt[name]] ^= 0x10
        return bytes(bad)

    def image(self):
        loader = self.read("tests/purgatory/loader.bin")
        check(len(loader) <= DESC_OFFSET, "the loader is more than a page")
        copies = [(at, self.corrupted(name, data)) for name, at, data in self.regions if data]
        copies += [(0x500, self.low), (self.purg_at, self.purgatory())]
        data, desc = bytearray(), b""
        for at, content in copies:
            desc += struct.pack("<QQQQ", at, LOADER_BASE + DATA_OFFSET + len(data), len(content), 0)
            data += content
        cr3 = [0, 0]
        long_mode = self.blob == "x86_64"
        for i in range(2 if long_mode else 0):
            data += bytes(-len(data) % PAGE)
            t = Tables(LOADER_BASE + DATA_OFFSET + len(data), 5 if self.la57 else 4)
            if i == 0:
                t.map(0, 64 * MiB, 2 * MiB)
                t.map(self.base, self.base + 8 * MiB, 2 * MiB)
            else:
                t.map(LOADER_BASE, LOADER_BASE + PAGE, PAGE)
                t.map(self.purg_at, self.purg_at + self.mem_size, PAGE)
                t.map(self.backup_at, self.backup_at + 640 * 1024, PAGE)
                for _, at, content in self.regions:
                    t.map(at, at + len(content), PAGE)
            cr3[i] = t.base
            data += t.image()
        cr4 = CR4_PAE | (CR4_LA57 if self.la57 else 0)
        head = struct.pack("<8Q", 64 if long_mode else 32, len(copies), self.purg_at, *cr3, cr4, self.cr0, 0)
        desc = head + desc
        check(len(desc) <= DATA_OFFSET - DESC_OFFSET - 64, "the descriptor is more than a page")
        return (loader.ljust(DESC_OFFSET, b"\0") + desc.ljust(DATA_OFFSET - DESC_OFFSET, b"\0")
                + bytes(data))

    def run(self, tmp, until=None):
        """Runs to the end of QEMU, or, with `until`, to a line that matches and a little longer;
        QEMU is then left in self.qemu for the case to ask and to end."""
        path = os.path.join(tmp, "image")
        with open(path, "wb") as f:
            f.write(self.image())
        self.log, self.qmp_path = os.path.join(tmp, "log"), os.path.join(tmp, "qmp")
        args = [self.program, "-accel", "tcg", "-machine", self.machine, "-m", self.mem,
                "-cpu", self.cpu + (",+la57" if self.la57 else ""), "-nodefaults", "-vga", "std",
                "-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", path,
                "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-d", self.log_items, "-D", self.log,
                "-qmp", "unix:%s,server=on,wait=off" % self.qmp_path] + self.qemu_args
        self.qemu = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=open(os.path.join(tmp, "stderr"), "w+"))
        deadline, text = time.monotonic() + TIME_LIMIT, b""
        fd = self.qemu.stdout.fileno()
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise Failure("timeout after %d s" % TIME_LIMIT)
            part = os.read(fd, 65536)
            text += part
            while b"\n" in text:
                line, text = text.split(b"\n", 1)
                self.lines.append(line.decode("latin-1").rstrip("\r"))
                self.times.append(time.monotonic())
            if until and any(re.search(until, l) for l in self.lines):
                return
            if not part:
                break
        self.qemu.wait(timeout=10)
        self.ended = time.monotonic()
        if text:
            self.lines.append(text.decode("latin-1"))
            self.times.append(self.ended)

    def end(self):
        if getattr(self, "qemu", None) and self.qemu.poll() is None:
            self.qemu.kill()
            self.qemu.wait()

    def monitor(self, command):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        s.connect(self.qmp_path)
        f = s.makefile("rw")
        f.readline()
        for execute in ('{"execute": "qmp_capabilities"}',
                        '{"execute": "human-monitor-command", "arguments": {"command-line": "%s"}}'
                        % command):
            f.write(execute + "\n")
            f.flush()
            answer = f.readline()
            while '"event"' in answer:
                answer = f.readline()
        s.close()
        return answer

    # what the lines say

    def said(self):
        return [l[len(PREFIX):] for l in self.lines if l.startswith(PREFIX)]

    def kernel(self):
        return [(k, int(v, 16)) for k, v in
                (l[7:].split("=") for l in self.lines if l.startswith("KERNEL "))]

    def expect_said(self, *wanted):
        check(self.said() == list(wanted), "said %r, must be %r" % (self.said(), wanted))

    def mismatch(self, name):
        for n, at, data in self.regions:
            if n == name:
                found = hashlib.sha256(self.corrupted(n, data)).hexdigest()[:16]
                return ("%s at 0x%x, 0x%x bytes, was overwritten: SHA-256 is %s.., must be %s.."
                        % (n, at, len(data), found, self.digest(n, data).hex()[:16]))
        raise Failure("no region " + name)

    def resetting(self):
        return "resetting the machine in %d s" % self.delay

    def expect_reset(self, triple=False):
        """A reset, by the chipset and not by a triple fault, no sooner than delay_s after the
        last line and not much later."""
        check(self.qemu.returncode == 0, "QEMU ended with %d" % self.qemu.returncode)
        with open(self.log) as f:
            check(("Triple fault" in f.read()) == triple, "triple fault: %s" % (not triple))
        if self.lines and self.lines[-1].startswith(PREFIX):
            waited = self.ended - self.times[-1]
            check(self.delay - 0.3 < waited < self.delay + 15, "waited %.1f s" % waited)
        check(not self.kernel(), "the kernel ran")

    def expect_kernel(self, backup=True):
        """The kernel ran to its end, and was entered as the boot protocol says."""
        check(self.qemu.returncode == EXIT_DONE, "QEMU ended with %d" % self.qemu.returncode)
        v = dict(self.kernel())
        sums = [x for k, x in self.kernel() if k == "sum"]
        eq = {"bits": self.bits, "cs": 0x10, "ds": 0x18, "es": 0x18, "ss": 0x18, "si": self.bp_at,
              "magic": BP_MAGIC, "done": 1, "bx": 0, "bp": 0, "di": 0}
        eq["gdt18"] = 0x00CF93000000FFFF
        eq["gdt10"] = 0x00AF9B000000FFFF if self.bits == 64 else 0x00CF9B000000FFFF
        if self.divisor:
            eq["divisor"] = self.divisor
        if self.bits == 64:
            eq["cr4"] = CR4_PAE | (CR4_LA57 if self.la57 else 0)
        else:
            eq["cr4"] = 0
        for key, wanted in eq.items():
            check(v.get(key) == wanted, "%s is %s, must be %#x" % (key, v.get(key), wanted))
        # but for the arithmetic ones, no flag is set: IF, DF, TF, AC, NT, IOPL
        check(v["flags"] & ~0x8D5 == 2, "flags is %#x" % v["flags"])
        check(v["cr0"] & 0xE == self.cr0, "cr0 is %#x, was %#x" % (v["cr0"], self.cr0))
        check(v["cr0"] & 1, "not in protected mode: cr0 %#x" % v["cr0"])
        check(v["cr0"] >> 31 == (self.bits == 64), "paging: cr0 %#x" % v["cr0"])
        check(v["efer"] & 0x500 == (0x500 if self.bits == 64 else 0), "efer is %#x" % v["efer"])
        inside = range(self.purg_at, self.purg_at + self.mem_size)
        if self.bits == 64:
            check(v["cr3"] in inside, "cr3 is %#x, not in purgatory" % v["cr3"])
        check(v["sp"] in inside, "the stack pointer is %#x" % v["sp"])

        a, b = 1, 0
        for byte in self.low:
            a = a + byte & 0xFFFFFFFF
            b = b + a & 0xFFFFFFFF
        low = b << 32 | a
        check(len(sums) >= 2, "the kernel printed no sums")
        check(sums[1] == low, "low memory changed")
        check((sums[0] == low) == backup, "the backup is %sright" % ("not " if backup else ""))


HIGH = 5 * GiB + 0x3000  # not aligned to 2 MiB
BOTH = [("i386", 32), ("x86_64", 64)]


def good(c, tmp):
    c.run(tmp)
    c.expect_kernel()
    check(not c.said(), "not silent: %r" % c.said())


def sha_ni(c, tmp):
    """The digests are computed by the SHA instructions if and only if the CPU has them, and those
    find what plain C finds: nothing where nothing is wrong, and the very byte that is."""
    wanted = "sha-ni" in c.cpu
    c.program = str(Backports(os.path.join(c.build, "e2e")).qemu())
    c.log_items = "cpu_reset,in_asm"
    c.run(tmp)
    if c.corrupt:
        c.expect_said(*[c.mismatch(name) for name in c.corrupt], c.resetting())
        c.expect_reset()
    else:
        c.expect_kernel()
        check(not c.said(), "not silent: %r" % c.said())
    with open(c.log) as f:
        ran = "sha256rnds2" in f.read()
    check(ran == wanted, "the SHA instructions ran: %s, must be %s" % (ran, wanted))


def variants():
    """Cases that are the same for several set-ups."""
    for blob, bits in BOTH:
        for name, cpu in (("sha-ni", Backports.SHA_NI_CPU), ("no-sha-ni", "qemu64")):
            kw = dict(blob=blob, bits=bits, cpu=cpu)
            yield "%s-%s" % (name, blob), sha_ni, kw
            yield "%s-corrupt-%s" % (name, blob), sha_ni, dict(kw, corrupt={"initrd": MiB + 2})
    for cpu in ("qemu64", "Haswell-noTSX"):
        yield "good-i386-" + cpu, good, dict(blob="i386", bits=32, cpu=cpu)
        yield "good-x86_64-" + cpu, good, dict(blob="x86_64", bits=64, cpu=cpu)
        yield "good-x86_64-to-32-" + cpu, good, dict(blob="x86_64", bits=32, cpu=cpu)
    yield "good-x86_64-above-4g", good, dict(blob="x86_64", bits=64, base=HIGH, mem="6G")
    yield "good-x86_64-la57", good, dict(blob="x86_64", bits=64, la57=True)
    yield "good-x86_64-la57-above-4g", good, dict(
        blob="x86_64", bits=64, base=HIGH, mem="6G", la57=True)
    yield "good-x86_64-la57-to-32", good, dict(blob="x86_64", bits=32, la57=True)
    # the range is mapped as far as purgatory maps, 16 GiB, and no further: 4 GiB + 16 GiB - 8
    yield "good-x86_64-largest-map", good, dict(
        blob="x86_64", bits=64, base=HIGH, mem="6G", override={"map_end": 1 << 46})
    for blob, bits in BOTH:
        kw = dict(blob=blob, bits=bits)
        yield "verbose-" + blob, verbose, dict(kw, flags=F_SERIAL | F_VERBOSE, divisor=1)
        yield "vector-unit-" + blob, verbose, dict(
            kw, flags=F_SERIAL | F_VERBOSE, cr0=CR0_EM | CR0_TS,
            blob_file="tests/purgatory/sse-%s.bin" % blob)
        yield "corrupt-" + blob, corrupt, dict(kw, corrupt={"initrd": MiB + 2}, delay=3)
        yield "corrupt-two-" + blob, corrupt, dict(kw, corrupt={"elfcore": 0, "kernel": 4000})
        yield "corrupt-params-" + blob, corrupt, dict(kw, corrupt={"bootparams": 1}, delay=0)
        yield "wrong-digest-" + blob, wrong_digest, kw
        yield "continue-" + blob, go_on, dict(
            kw, corrupt={"sixteen chars...": 99}, on_corruption=CONTINUE)
        yield "halt-vga-" + blob, halt, dict(
            kw, corrupt={"initrd": 0}, on_corruption=HALT, flags=F_SERIAL | F_VGA)
        yield "no-backup-" + blob, no_backup, dict(kw, backup=(0, 0))
        yield "nmi-" + blob, nmi, dict(kw, action=ACT_NMI)
        yield "exception-ud2-" + blob, ud2, dict(kw, action=ACT_UD2)
        yield "exception-gp-" + blob, bad_selector, dict(kw, action=ACT_BAD_SELECTOR)
        yield "no-uart-" + blob, mute, dict(kw, serial_port=0x2F8, corrupt={"initrd": 0})
        # LSR would be DMA page register 0x8f, which reads as 0: never ready
        yield "stuck-uart-" + blob, mute, dict(kw, serial_port=0x8A, corrupt={"initrd": 0})
        yield "not-asked-to-speak-" + blob, mute, dict(kw, flags=0, corrupt={"initrd": 0})
        yield "too-many-regions-" + blob, refused, dict(kw, override={"nr": 17})
        yield "entry-16-" + blob, refused, dict(kw, override={"bits": 16})
        yield "region-unreachable-" + blob, refused, dict(
            kw, override={"region": (15, 1 << 46, 4096)})
        yield "region-wraps-" + blob, refused, dict(
            kw, override={"region": (15, 0x1000, (1 << 64) - 0x800)})
        yield "backup-unreachable-" + blob, refused, dict(kw, override={"dst": 4 * GiB - PAGE})
        yield "refused-and-continue-" + blob, refused, dict(
            kw, override={"nr": 99}, on_corruption=CONTINUE)
        # what resets the machine where the chipset has no 0xcf9, and where nothing does
        yield "reset-by-keyboard-" + blob, corrupt, dict(
            kw, corrupt={"initrd": 0}, machine="isapc")
        yield "reset-by-triple-fault-" + blob, triple_fault, dict(
            kw, corrupt={"initrd": 0}, machine="isapc,i8042=off")
        yield "no-timer-" + blob, no_timer, dict(kw, corrupt={"initrd": 0}, machine="pc,pit=off")
        yield "q35-" + blob, corrupt, dict(kw, corrupt={"initrd": 0}, machine="q35")
    yield "exception-pf-x86_64", page_fault, dict(blob="x86_64", bits=64, action=ACT_PAGE_FAULT)
    yield "corrupt-x86_64-above-4g", corrupt, dict(
        blob="x86_64", bits=64, base=HIGH, mem="6G", corrupt={"initrd": 0})
    yield "entry-64-i386", refused, dict(blob="i386", bits=32, override={"bits": 64})
    yield "entry-32-above-4g", refused, dict(
        blob="x86_64", bits=64, base=HIGH, mem="6G", override={"bits": 32})
    yield "outside-largest-map", refused, dict(
        blob="x86_64", bits=64, base=HIGH, mem="6G",
        override={"map_end": 1 << 46, "region": (15, HIGH // (2 * MiB) * 2 * MiB + 16 * GiB - 7, 8)})


def verbose(c, tmp):
    c.run(tmp)
    c.expect_kernel()
    c.expect_said(
        "%d-bit, at 0x%x" % (64 if c.blob == "x86_64" else 32, c.purg_at),
        "checking 16 regions by " + ("SHA-NI" if "sse" in c.blob_file else "plain code"),
        *["%s at 0x%x, 0x%x bytes: good" % (n, at, len(d)) for n, at, d in c.regions],
        "backing up 0xa0000 bytes at 0x0 to 0x%x" % c.backup_at,
        "entering the kernel at 0x%x in %d-bit mode" % (c.regions[0][1], c.bits))


def corrupt(c, tmp):
    c.run(tmp)
    bad = [c.mismatch(n) for n, _, _ in c.regions if n in c.corrupt]
    c.expect_said(*bad, c.resetting())
    c.expect_reset()


def triple_fault(c, tmp):
    c.run(tmp)
    c.expect_said(c.mismatch("initrd"), c.resetting())
    c.expect_reset(triple=True)


def no_timer(c, tmp):
    """Without timer 2 the delay is only roughly right, but it ends."""
    c.run(tmp)
    c.expect_said(c.mismatch("initrd"), c.resetting())
    waited = c.ended - c.times[-1]
    check(0.05 < waited < 30, "waited %.1f s" % waited)
    c.delay = waited
    c.expect_reset()


def wrong_digest(c, tmp):
    """Memory is good, what it is compared with is not: all of it, or one byte at either end."""
    for name, digest in (("piece 0", lambda d: bytes(32)),
                         ("elfcore", lambda d: bytes([d[0] ^ 1]) + d[1:]),
                         ("initrd", lambda d: d[:31] + bytes([d[31] ^ 1]))):
        c.digests[name] = digest
    c.run(tmp)
    c.expect_said(*[c.mismatch(n) for n, _, _ in c.regions if n in c.digests], c.resetting())
    c.expect_reset()


def go_on(c, tmp):
    c.run(tmp)
    c.expect_said(*[c.mismatch(n) for n in c.corrupt], "entering the kernel all the same, as asked")
    c.expect_kernel()


def halt(c, tmp):
    c.run(tmp, until="^%shalted" % PREFIX)
    time.sleep(1)
    c.expect_said(c.mismatch("initrd"), "halted")
    check(c.qemu.poll() is None, "QEMU ended with %s" % c.qemu.returncode)
    check("HLT=1" in c.monitor("info registers"), "the CPU is not halted")
    path = os.path.join(tmp, "vga")
    c.monitor("pmemsave 0xb8000 4000 \\\"%s\\\"" % path)
    with open(path, "rb") as f:
        cells = f.read()
    text = cells[::2].decode("latin-1")
    rows = [text[i:i + 80].rstrip() for i in range(0, 2000, 80)]
    # the last row is the empty one below "halted"; a long line takes two rows or three
    want = PREFIX + c.mismatch("initrd")
    n = (len(want) + 79) // 80
    check(rows[-1] == "" and rows[-2] == PREFIX + "halted", "VGA ends with %r" % rows[-3:])
    check(text[(23 - n) * 80:23 * 80].rstrip() == want, "VGA has %r" % rows[-6:])


def no_backup(c, tmp):
    c.run(tmp)
    c.expect_kernel(backup=False)


def nmi(c, tmp):
    good(c, tmp)
    check(dict(c.kernel()).get("nmi") == 1, "no NMI was sent")


def exception(c, tmp, number, error, cr2=None):
    c.run(tmp)
    check(len(c.said()) == 2 and c.said()[1] == c.resetting(), "said %r" % c.said())
    m = re.fullmatch(r"exception (\d+) at IP 0x([0-9a-f]+), error code 0x([0-9a-f]+), "
                     r"CR2 0x([0-9a-f]+), purgatory at 0x([0-9a-f]+)", c.said()[0])
    check(m, "said %r" % c.said())
    check(int(m[1]) == number and int(m[3], 16) == error, "wrong exception: " + m[0])
    _, at, data = c.regions[0]
    ip = int(m[2], 16)
    check(at <= ip < at + len(data), "the IP is not in the kernel: " + m[0])
    if number == 6:
        check(data[ip - at:ip - at + 2] == b"\x0f\x0b", "the IP is not at a ud2: " + m[0])
    if cr2 is not None:
        check(int(m[4], 16) == cr2, "wrong CR2: " + m[0])
    check(int(m[5], 16) == c.purg_at, "wrong purgatory address: " + m[0])
    check(dict(c.kernel()).get("done") is None, "the kernel went on")
    c.lines = [l for l in c.lines if l.startswith(PREFIX)]
    c.times = c.times[-len(c.lines):]
    c.expect_reset()


def ud2(c, tmp):
    exception(c, tmp, 6, 0)


def bad_selector(c, tmp):
    exception(c, tmp, 13, 0x58)


def page_fault(c, tmp):
    exception(c, tmp, 14, 0, 0x123456789000)


def mute(c, tmp):
    """Nowhere to speak, or not asked to: the machine resets all the same, soon."""
    start = time.monotonic()
    c.run(tmp)
    check(not c.lines, "said %r" % c.lines)
    c.expect_reset()
    check(c.ended - start > c.delay, "did not wait")


def refused(c, tmp):
    c.run(tmp)
    outside = "is outside of the memory that this %d-bit purgatory maps" % (
        64 if c.blob == "x86_64" else 32)
    o = c.override
    if "nr" in o:
        want = "bad parameters: %d regions, there is room for 16" % o["nr"]
    elif "region" in o:
        want = "bad parameters: initrd at 0x%x, 0x%x bytes, %s" % (*o["region"][1:], outside)
    elif "dst" in o:
        want = "bad parameters: the backup at 0x%x, 0xa0000 bytes, %s" % (o["dst"], outside)
    elif o["bits"] == 64:
        want = "bad parameters: this 32-bit purgatory cannot enter a kernel in 64-bit mode"
    elif o["bits"] == 32:
        want = ("bad parameters: for a 32-bit entry, purgatory (0x%x), kernel entry (0x%x) and "
                "boot parameters (0x%x) must be below 4 GiB" % (c.purg_at, c.regions[0][1], c.bp_at))
    else:
        want = "bad parameters: entry_bits is %d, it must be 32 or 64" % o["bits"]
    c.expect_said(want, c.resetting())
    c.expect_reset()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, wanted = sys.argv[1], sys.argv[2:]
    passed = failed = 0
    names = [name for name, _, _ in variants()]
    unknown = [w for w in wanted if w not in names]
    if unknown:
        sys.exit("run.py: no such case: %s\ncases: %s" % (" ".join(unknown), " ".join(names)))
    for name, fn, kw in variants():
        if wanted and name not in wanted:
            continue
        start, c = time.monotonic(), None
        with tempfile.TemporaryDirectory(prefix="purg") as tmp:
            try:
                c = Case(build, **kw)
                fn(c, tmp)
                print("ok   %s (%.1f s)" % (name, time.monotonic() - start), flush=True)
                passed += 1
            except (Failure, OSError, subprocess.SubprocessError) as e:
                failed += 1
                print("FAIL %s: %s" % (name, e), flush=True)
                if c:
                    for line in c.lines:
                        print("     | " + line)
                    err = os.path.join(tmp, "stderr")
                    if os.path.exists(err):
                        with open(err) as f:
                            print("     qemu: " + f.read().strip())
            finally:
                if c:
                    c.end()
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
