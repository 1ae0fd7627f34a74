# SPDX-License-Identifier: GPL-2.0-only
"""One small machine around a purgatory blob: what is put into its memory, how QEMU runs it, what it
said, and what it must have said by this side's own arithmetic."""
import hashlib
import os
import random
import re
import select
import socket
import struct
import subprocess
import time

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
