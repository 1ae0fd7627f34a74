# SPDX-License-Identifier: GPL-2.0-only
"""An independent reader of kdump-compressed files: pages by their number, no more.

Facts: makedumpfile's IMPLEMENTATION and diskdump_mod.h, in the 64-bit layout.
"""
import ctypes
import ctypes.util
import os
import struct
import zlib

from core import PAGE, need
from errors import HarnessError

ZLIB, ZSTD, INCOMPLETE = 1, 0x20, 8
DESC = struct.Struct("<qIIQ")
BITS = [[i for i in range(8) if byte >> i & 1] for byte in range(256)]


def zstd_library():
    name = ctypes.util.find_library("zstd")
    if not name:
        raise HarnessError("libzstd is not on this machine")
    lib = ctypes.CDLL(name)
    lib.ZSTD_decompress.restype = ctypes.c_size_t
    lib.ZSTD_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p,
                                    ctypes.c_size_t]
    return lib


class Kdump:
    """pages: the numbers of all that are in the file."""

    def __init__(self, path):
        self.f = open(path, "rb")
        self.zstd = None
        try:
            self._parse(os.path.getsize(path))
        except BaseException:
            self.close()
            raise

    def close(self):
        self.f.close()

    def _pread(self, at, size):
        data = os.pread(self.f.fileno(), size, at)
        need(len(data) == size, f"{size} bytes at {at:#x} are not there")
        return data

    def _parse(self, size):
        head = self._pread(0, 464)
        need(head[:8] == b"KDUMP   ", f"starts with {head[:8]!r}, not a kdump file")
        self.status, block, sub, bitmap = struct.unpack_from("<IIII", head, 424)
        need(block == PAGE, f"blocks of {block} bytes")
        need(not self.status & INCOMPLETE, "it is marked incomplete")
        self.max_mapnr, = struct.unpack("<Q", self._pread(block + 96, 8))
        half = bitmap * block // 2
        need((1 + sub + bitmap) * block < size, "its bitmaps reach beyond its end")
        need(half * 8 >= self.max_mapnr, f"bitmaps of {half} bytes for {self.max_mapnr} pages")
        stored = self._pread((1 + sub) * block + half, half)
        self.rank = {}
        for i, byte in enumerate(stored):
            if byte:
                for bit in BITS[byte]:
                    self.rank[i * 8 + bit] = len(self.rank)
        self.pages = self.rank.keys()
        self.descs = self._pread((1 + sub + bitmap) * block, len(self.rank) * DESC.size)

    def page(self, number):
        need(number in self.rank, f"page {number:#x} is not in the dump")
        at, size, flags, _ = DESC.unpack_from(self.descs, self.rank[number] * DESC.size)
        need(size <= PAGE, f"page {number:#x}: {size} bytes")
        data = self._pread(at, size)
        if flags & ZLIB:
            data = zlib.decompress(data)
        elif flags & ZSTD:
            data = self._zstd(data)
        else:
            need(not flags, f"page {number:#x}: flags {flags:#x}")
        need(len(data) == PAGE, f"page {number:#x} has {len(data)} bytes")
        return data

    def _zstd(self, data):
        self.zstd = self.zstd or zstd_library()
        out = ctypes.create_string_buffer(PAGE)
        size = self.zstd.ZSTD_decompress(out, PAGE, data, len(data))
        return out.raw[:size] if size <= PAGE else b""
