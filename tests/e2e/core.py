# SPDX-License-Identifier: GPL-2.0-only
"""An independent reader of cores, and of a hypervisor's: shares no code with what is tested, only
the formats.

Facts: the ELF specification; Xen's public elfnote.h and asm/elf.h (notes of a crashed CPU);
Xen's public arch-x86/xen.h (the frame list that leads to dom0's p2m).
"""
import os
import struct
import zlib

from errors import Failure

EM_X86_64 = 62
ET_CORE = 4
PT_LOAD, PT_NOTE = 1, 4
PHDR64 = ("type", "flags", "off", "va", "pa", "filesz", "memsz", "align")
PHDR32 = ("type", "off", "va", "pa", "filesz", "memsz", "flags", "align")
NT_PRSTATUS = 1
XEN_CRASH_INFO, XEN_CRASH_REGS = 0x1000001, 0x1000002
PAGE = 4096
STACK_SIZE = 8 * PAGE
P2M_INVALID = (1 << 64) - 1  # in the width of dom0
FOREIGN = 1 << 63  # mapped by a grant
P2M_FLAGS = FOREIGN | 1 << 62  # and identity: not memory of dom0's own; of 32 bits the same two
XEN_VIRT_MASK = ~((1 << 30) - 1)
# The user_regs order of a 64-bit prstatus.
REGS = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs rflags "
        "rsp ss fs_base gs_base ds es fs gs").split()


def need(cond, text):
    if not cond:
        raise Failure("core: " + text)


class ElfCore:
    """What cores of every kind have: the header, program headers, notes and memory."""

    wanted = ((2, EM_X86_64),)  # the pairs of ELF class and machine that are right

    def __init__(self, path):
        self.path = path
        self.size = os.path.getsize(path)
        self.f = open(path, "rb")
        try:
            self._parse()
            self._decode()
        except BaseException:
            self.close()
            raise

    def _parse(self):
        head = self._pread(0, 64)
        need(head[:4] == b"\x7fELF", f"starts with {head[:4]!r}, not an ELF file")
        self.klass = head[4]
        need(self.klass in (1, 2) and head[5] == 1, f"class {head[4]}, data {head[5]}; wanted 1 or 2 "
                                                    "and little endian (1)")
        layout = "<HHIQQQIHHHHHH" if self.klass == 2 else "<HHIIIIIHHHHHH"
        (self.type, self.machine, _, _, phoff, _, _, _, phentsize, phnum,
         *_) = struct.unpack_from(layout, head, 16)
        classes = {k for k, _ in self.wanted}
        need(self.klass in classes, f"class {self.klass}; wanted {sorted(classes)} (2: 64-bit)")
        need(self.type == ET_CORE, f"ELF type {self.type}, wanted ET_CORE")
        need((self.klass, self.machine) in self.wanted,
             f"ELF machine {self.machine}, wanted {self.wanted} (62: EM_X86_64, 3: EM_386)")
        names, layout = (PHDR64, "<IIQQQQQQ") if self.klass == 2 else (PHDR32, "<8I")
        size = struct.calcsize(layout)
        need(phentsize == size, f"program headers of {phentsize} bytes")
        self.phdrs = [dict(zip(names, h))
                      for h in struct.iter_unpack(layout, self._pread(phoff, phnum * size))]
        self.loads = sorted((p for p in self.phdrs if p["type"] == PT_LOAD),
                            key=lambda p: p["pa"])
        for p in self.phdrs:
            need(p["off"] + p["filesz"] <= self.size,
                 f"a program header reaches {p['off'] + p['filesz']:#x}, the file {self.size:#x}")
        self.notes = [n for p in self.phdrs if p["type"] == PT_NOTE
                      for n in parse_notes(self._pread(p["off"], p["filesz"]))]

    def close(self):
        self.f.close()

    def _pread(self, off, size):
        data = os.pread(self.f.fileno(), size, off)
        need(len(data) == size, f"{size} bytes at {off:#x} are not there")
        return data

    def _decode(self):
        raise NotImplementedError

    def vmcoreinfo(self, name):
        """The text of a VMCOREINFO-like note, or None; several: the first."""
        for n, _, desc in self.notes:
            if n == name:
                return desc.split(b"\0")[0].decode("latin-1")
        return None

    def own_note(self):
        """The XENKDUMP note (doc/xenkdump-note.md): {"facts": text, "symbols": [(address, type,
        name)], "map": [(kind, flags, start, end)], "tool": text}."""
        desc = [d for n, t, d in self.notes if (n, t) == ("XENKDUMP", 0x584b0001)]
        need(len(desc) == 1, f"{len(desc)} XENKDUMP notes, wanted 1")
        desc = desc[0]
        magic, version, header, total, crc, count, _ = struct.unpack_from("<IHHIIII", desc)
        need((magic, version, header) == (0x4E444B58, 1, 24), f"XENKDUMP header {desc[:8]!r}")
        need(total <= len(desc), f"XENKDUMP says {total} bytes, has {len(desc)}")
        need(zlib.crc32(desc[header:total]) == crc, "XENKDUMP note: wrong CRC")
        found, pos = {}, header
        for _ in range(count):
            tag, size, raw = struct.unpack_from("<IIQ", desc, pos)
            data = desc[pos + 16:pos + 16 + size]
            if tag in (1, 2):
                data = zlib.decompress(data)
            need(len(data) == raw, f"XENKDUMP record {tag}: {len(data)} bytes, wanted {raw}")
            found[tag] = data
            pos += 16 + (size + 7) // 8 * 8
        need(pos == total, f"XENKDUMP records end at {pos}, wanted {total}")
        lines = (line.split(" ", 2) for line in found.get(2, b"").decode("ascii").splitlines())
        return {
            "facts": found[1].decode("ascii"),
            "symbols": [(int(a, 16), t, n) for a, t, n in lines],
            "map": list(struct.iter_unpack("<IIQQ", found[3])),
            "tool": found[4].decode("ascii"),
        }

    # -- machine memory ----------------------------------------------------------------------

    def _load_of(self, maddr):
        """The program header that holds a machine address. They may overlap: Xen's own image
        may be described a second time, at its virtual address."""
        for p in self.loads:
            if p["pa"] <= maddr < p["pa"] + p["filesz"]:
                return p
        return None

    def has(self, maddr):
        return self._load_of(maddr) is not None

    def read(self, maddr, size):
        """Bytes of machine memory; they may span program headers, not a gap."""
        out = b""
        while len(out) < size:
            at = maddr + len(out)
            p = self._load_of(at)
            need(p, f"machine address {at:#x} is in no PT_LOAD")
            step = min(size - len(out), p["pa"] + p["filesz"] - at)
            out += self._pread(p["off"] + at - p["pa"], step)
        return out

    def u64(self, maddr):
        return struct.unpack("<Q", self.read(maddr, 8))[0]

    def string(self, maddr, limit=256):
        out = b""
        while len(out) < limit and self.has(maddr + len(out)):
            byte = self.read(maddr + len(out), 1)
            if byte == b"\0":
                return out.decode("latin-1")
            out += byte
        raise Failure(f"core: no string of less than {limit} bytes at {maddr:#x}")

    def load_bytes(self):
        """(bytes of machine memory described, how many of them more than once)"""
        total = covered = end = 0
        for p in self.loads:
            total += p["memsz"]
            covered += max(0, p["pa"] + p["memsz"] - max(end, p["pa"]))
            end = max(end, p["pa"] + p["memsz"])
        return covered, total - covered


class Core(ElfCore):
    """A hypervisor's core."""

    def _decode(self):
        self.cpus, self.info = [], None
        for name, kind, desc in self.notes:
            if (name, kind) == ("CORE", NT_PRSTATUS):
                need(len(desc) == 336, f"NT_PRSTATUS of {len(desc)} bytes, wanted 336")
                self.cpus.append(dict(zip(REGS, struct.unpack_from("<27Q", desc, 112))))
            elif (name, kind) == ("Xen", XEN_CRASH_REGS):
                need(len(desc) == 32 and self.cpus, "CRASH_REGS out of place or of wrong size")
                self.cpus[-1].update(zip(("cr0", "cr2", "cr3", "cr4"), struct.unpack("<4Q", desc)))
            elif (name, kind) == ("Xen", XEN_CRASH_INFO):
                need(len(desc) == 80, f"CRASH_INFO of {len(desc)} bytes, wanted 80")
                need(self.info is None, "two CRASH_INFO notes")
                self.info = struct.unpack("<10Q", desc)
        need(self.info is not None, "no CRASH_INFO note")
        self.xen_phys_start, self.frame_list = self.info[8], self.info[9]

    # -- worlds ------------------------------------------------------------------------------

    def xen_to_machine(self, va):
        """For an address within Xen's image, given by its symbol."""
        return va - (va & XEN_VIRT_MASK) + self.xen_phys_start

    def p2m(self, pfn, bits=64):
        """dom0's pseudo-physical page number to the machine's, over the three-level list, whose
        entries have dom0's width."""
        need(self.frame_list not in (0, P2M_INVALID),
             f"dom0's frame list is {self.frame_list:#x}: not there")
        word, drop = bits // 8, 64 - bits
        per_page = PAGE // word
        entry = lambda mfn, i: int.from_bytes(
            self.read(mfn * PAGE + i % per_page * word, word), "little")
        mid = entry(self.frame_list, pfn // per_page ** 2)
        leaf = entry(mid, pfn // per_page)
        mfn = entry(leaf, pfn)
        need(mfn != P2M_INVALID >> drop and not mfn & P2M_FLAGS >> drop,
             f"p2m[{pfn:#x}] is {mfn:#x}: not dom0's")
        return mfn

    def stacks(self, symbols, count):
        """stack_base[] of the first CPUs; symbols as from parse_xensyms()."""
        at = self.xen_to_machine(symbols["stack_base"])
        return [self.u64(at + 8 * i) for i in range(count)]


def parse_notes(data):
    notes, pos = [], 0
    while pos + 12 <= len(data):
        namesz, descsz, kind = struct.unpack_from("<III", data, pos)
        if not namesz:  # the kernel pads the merged notes with zeros
            break
        name_at = pos + 12
        desc_at = name_at + (namesz + 3) // 4 * 4
        end = desc_at + (descsz + 3) // 4 * 4
        need(desc_at + descsz <= len(data), f"note at {pos:#x} overruns its segment")
        name = data[name_at:name_at + namesz].rstrip(b"\0").decode("latin-1")
        notes.append((name, kind, data[desc_at:desc_at + descsz]))
        pos = end
    return notes


def parse_xensyms(text):
    """{name: address} of the lines "<hex> <type> <name>" in the text of /proc/xen/xensyms; a
    static symbol goes by its name without the file."""
    found = {}
    for line in text.splitlines():
        part = line.split()
        if len(part) == 3 and len(part[1]) == 1:
            try:
                found[part[2].split("#")[-1]] = int(part[0], 16)
            except ValueError:
                continue
    return found
