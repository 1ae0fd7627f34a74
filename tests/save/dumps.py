# SPDX-License-Identifier: GPL-2.0-only
"""An independent reader of what save writes: kdump-compressed and ELF files, flattened ones too.
Believes nothing: what is not as the format has it is Broken.

Facts: makedumpfile's IMPLEMENTATION and diskdump_mod.h (kdump-compressed, flattened); the ELF
specification.
"""
import ctypes
import struct
import zlib

PAGE = 4096
INCOMPLETE = 8  # of a kdump file's status
ZLIB, ZSTD = 1, 0x20
LARGEST = 1 << 30  # of the files that are read here


class Broken(Exception):
    """Not a dump that its readers could open."""


def want(cond, text):
    if not cond:
        raise Broken(text)


def unflatten(raw):
    """The file that a flattened one stands for, and whether its end is there."""
    want(struct.unpack_from(">QQ", raw, 16) == (1, 1), "flattened: type or version")
    at, out, ended = 4096, bytearray(), False
    while at + 16 <= len(raw):
        off, size = struct.unpack_from(">QQ", raw, at)
        at += 16
        if off == size == (1 << 64) - 1:
            ended = True
            break
        want(off < LARGEST and size < LARGEST, f"flattened: a record of {size:#x} bytes at {off:#x}")
        data = raw[at:at + size]
        at += size
        if off + len(data) > len(out):
            out.extend(bytes(off + len(data) - len(out)))
        out[off:off + len(data)] = data
    return bytes(out), ended


def zstd(data, size):
    lib = ctypes.CDLL("libzstd.so.1")
    out = ctypes.create_string_buffer(size)
    lib.ZSTD_decompress.restype = ctypes.c_size_t
    n = lib.ZSTD_decompress(out, ctypes.c_size_t(size), data, ctypes.c_size_t(len(data)))
    want(n == size, f"zstd: {n} bytes")
    return out.raw


class Kdump:
    """pages: {pfn: descriptor}."""

    kind = "kdump"

    def __init__(self, raw):
        self.raw = raw
        want(len(raw) >= 8192 and raw[:8] == b"KDUMP   ", "kdump: header")
        (self.version, ) = struct.unpack_from("<i", raw, 8)
        status, block, sub, bitmaps = struct.unpack_from("<IiiI", raw, 424)
        want((self.version, block) == (6, PAGE), f"kdump: version {self.version}, blocks of {block}")
        want(sub > 0 and not bitmaps % 2, f"kdump: {sub} blocks of sub header, {bitmaps} of bitmaps")
        self.incomplete = bool(status & INCOMPLETE)
        (self.max_pfn, ) = struct.unpack_from("<Q", raw, PAGE + 96)
        note_at, note_size = struct.unpack_from("<QQ", raw, PAGE + 48)
        want(note_at + note_size <= (1 + sub) * PAGE, "kdump: notes reach beyond the sub header")
        self.notes = raw[note_at:note_at + note_size]
        half = bitmaps // 2 * PAGE
        first = (1 + sub) * PAGE
        self.ram = raw[first:first + half]
        stored = raw[first + half:first + 2 * half]
        want(len(stored) == half, "kdump: the file ends within its bitmaps")
        at, self.pages = first + 2 * half, {}
        for i in range(0, half, 8):
            if stored[i:i + 8] == bytes(8):
                continue
            word = int.from_bytes(stored[i:i + 8], "little")
            while word:
                low = word & -word
                pfn = i * 8 + low.bit_length() - 1
                word ^= low
                want(at + 24 <= len(raw), "kdump: the file ends within its descriptors")
                off, size, flags = struct.unpack_from("<QII", raw, at)
                want(off, f"kdump: page {pfn:#x} has no place")
                want(0 < size <= PAGE and off + size <= len(raw),
                     f"kdump: page {pfn:#x} of {size} bytes at {off:#x}, the file has {len(raw):#x}")
                want(flags in (0, ZLIB, ZSTD) and (flags or size == PAGE), f"kdump: flags {flags:#x}")
                self.pages[pfn] = off, size, flags
                at += 24

    def stored(self, pfn):
        off, size, flags = self.pages[pfn]
        return flags, self.raw[off:off + size]

    def read(self, pfn):
        flags, data = self.stored(pfn)
        if not flags:
            return data
        try:
            page = zlib.decompress(data) if flags == ZLIB else zstd(data, PAGE)
        except zlib.error as e:
            raise Broken(f"kdump: page {pfn:#x}: {e}") from None
        want(len(page) == PAGE, f"kdump: page {pfn:#x} has {len(page)} bytes")
        return page


class Elf:
    """pages: {pfn: offset}, of those that lie in the file. A file that is not whole may end early."""

    kind = "elf"

    def __init__(self, raw):
        self.raw = raw
        want(len(raw) >= 64 and raw[:6] == b"\x7fELF\2\1", "ELF: header")
        kind, machine = struct.unpack_from("<HH", raw, 16)
        flags, _, size, nr = struct.unpack_from("<IHHH", raw, 48)
        want((kind, machine, size) == (4, 62, 56), f"ELF: type {kind}, machine {machine}")
        self.incomplete = bool(flags & 1)
        self.pages, self.notes = {}, b""
        for i in range(nr):
            head = raw[64 + 56 * i:64 + 56 * i + 56]
            want(len(head) == 56, "ELF: the file ends within its program headers")
            kind, _, off, _, pa, filesz, memsz, _ = struct.unpack("<IIQQQQQQ", head)
            if kind == 4:
                self.notes += raw[off:off + filesz]
            if kind != 1:
                continue
            want(filesz == memsz and not pa % PAGE and not filesz % PAGE, f"ELF: {filesz:#x} of {memsz:#x}")
            want(self.incomplete or off + filesz <= len(raw), "ELF: the file ends early, and says nothing")
            for k in range(0, min(filesz, max(0, len(raw) - off)) // PAGE):
                self.pages.setdefault(pa // PAGE + k, off + k * PAGE)

    def read(self, pfn):
        return self.raw[self.pages[pfn]:self.pages[pfn] + PAGE]

    def stored(self, pfn):
        return 0, self.read(pfn)


def parse(raw):
    """Of a whole file's bytes. A flattened one has .ended too."""
    ended = True
    if raw[:12] == b"makedumpfile":
        raw, ended = unflatten(raw)
    dump = Elf(raw) if raw[:4] == b"\x7fELF" else Kdump(raw)
    dump.ended = ended
    return dump


def load(path):
    with open(path, "rb") as f:
        return parse(f.read())
