# SPDX-License-Identifier: GPL-2.0-only
"""An independent reader of a Linux kernel's core: its notes, and its memory by its own page tables.

Facts: Linux' struct elf_prstatus of either width; Documentation/admin-guide/kdump/vmcoreinfo.rst;
the page table layout of the processor manuals.
"""
import re
import struct

from core import EM_X86_64, NT_PRSTATUS, PAGE, ElfCore, need

EM_386 = 3
PRSTATUS_SIZE = {64: 336, 32: 144}
KERNEL_MAP = 0xffffffff80000000  # where a 64-bit kernel maps its image: __START_KERNEL_map
LOWMEM_BASE = 0xc0000000         # a 32-bit kernel's PAGE_OFFSET, as Debian configures it
PTE_PRESENT, PTE_LARGE = 1, 1 << 7
PTE_FRAME = 0x000ffffffffff000
NO_VIRT = ((1 << 64) - 1, (1 << 32) - 1)  # what stands for "not mapped" in p_vaddr


class NativeCore(ElfCore):
    """bits: the crashed kernel's width. wanted: the (class, machine) pairs that are right for what
    crashed and for the dump kernel that exported it."""

    def __init__(self, path, bits, wanted=((2, EM_X86_64),)):
        self.bits, self.wanted = bits, wanted
        super().__init__(path)

    def _decode(self):
        self.cpus = []
        want = PRSTATUS_SIZE[self.bits]
        for name, kind, desc in self.notes:
            if (name, kind) == ("CORE", NT_PRSTATUS):
                need(len(desc) == want, f"NT_PRSTATUS of {len(desc)} bytes, wanted {want}")
                self.cpus.append(prstatus(desc, self.bits))
        text = self.vmcoreinfo("VMCOREINFO")
        need(text is not None, "no VMCOREINFO note")
        self.info = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def symbol(self, name):
        text = self.info.get(f"SYMBOL({name})")
        need(text, f"VMCOREINFO does not name {name}")
        return int(text, 16)

    def number(self, name, default=None):
        text = self.info.get(f"NUMBER({name})")
        need(text or default is not None, f"VMCOREINFO has no number {name}")
        return int(text) if text else default

    # -- virtual memory ----------------------------------------------------------------------

    def image_phys(self, va):
        """Of an address within the kernel's image, from what VMCOREINFO says of its place."""
        if self.bits == 64:
            return va - KERNEL_MAP + self.number("phys_base")
        return va - LOWMEM_BASE

    def levels(self):
        if self.bits == 32:
            return 3
        return 5 if self.number("pgtable_l5_enabled", 0) else 4

    def walk(self, va):
        """The physical address that the kernel's own page tables give, or None. Only tables of
        64-bit entries: a 32-bit kernel is a PAE one here."""
        levels = self.levels()
        table = self.image_phys(self.symbol("swapper_pg_dir"))
        for level in range(levels - 1, -1, -1):
            shift = 12 + 9 * level
            entry = self.u64(table + (va >> shift & 511) * 8)
            if not entry & PTE_PRESENT:
                return None
            if level in (1, 2) and entry & PTE_LARGE and not (self.bits == 32 and level == 2):
                mask = (1 << shift) - 1
                return (entry & PTE_FRAME & ~mask) | (va & mask)
            table = entry & PTE_FRAME
        return table | (va & (PAGE - 1))

    def read_virtual(self, va, size):
        """By the program headers' virtual addresses alone, as tools without page tables do."""
        for p in self.loads:
            if p["va"] not in NO_VIRT and p["va"] <= va and va + size <= p["va"] + p["filesz"]:
                return self._pread(p["off"] + va - p["va"], size)
        need(False, f"virtual address {va:#x} is in no PT_LOAD")

    def is_image(self, p):
        """The one program header that describes memory a second time: a 64-bit kernel's image."""
        return self.bits == 64 and p["va"] >= KERNEL_MAP and p["va"] not in NO_VIRT

    def ranges(self):
        """[(start, end)] of physical memory, each described once: without the image's."""
        return [(p["pa"], p["pa"] + p["memsz"]) for p in self.loads
                if p["memsz"] and not self.is_image(p)]


def prstatus(desc, bits):
    """What the checks need of an NT_PRSTATUS note."""
    if bits == 64:
        pid, = struct.unpack_from("<I", desc, 32)
        regs = struct.unpack_from("<27Q", desc, 112)
        return {"pid": pid, "ip": regs[16], "cs": regs[17], "sp": regs[19]}
    pid, = struct.unpack_from("<I", desc, 24)
    regs = struct.unpack_from("<17I", desc, 72)
    return {"pid": pid, "ip": regs[12], "cs": regs[13] & 0xffff, "sp": regs[15]}


# -- what the host says of itself ------------------------------------------------------------

def parse_iomem(text):
    """[(depth, start, end, name)] of the lines of /proc/iomem in a text; end is exclusive."""
    found = []
    for hit in re.finditer(r"^( *)([0-9a-f]{8,16})-([0-9a-f]{8,16}) : (.*)$", text, re.M):
        found.append((len(hit[1]) // 2, int(hit[2], 16), int(hit[3], 16) + 1, hit[4].strip()))
    return found


def named(iomem, name):
    return [(s, e) for _, s, e, n in iomem if n == name]


def subtract(ranges, holes):
    """Half-open ranges without the holes."""
    out = sorted(ranges)
    for hs, he in holes:
        out = [part for s, e in out for part in ((s, min(e, hs)), (max(s, he), e))
               if part[0] < part[1]]
    return out


def merge(ranges):
    """Sorted, touching and overlapping ones made one."""
    out = []
    for s, e in sorted(ranges):
        if out and s <= out[-1][1]:
            out[-1] = (out[-1][0], max(e, out[-1][1]))
        else:
            out.append((s, e))
    return out


def pages(ranges, whole):
    """Rounded to pages: inwards, to those that are whole, or outwards, to all that are touched."""
    up, down = (lambda x: (x + PAGE - 1) // PAGE * PAGE), (lambda x: x // PAGE * PAGE)
    out = [(up(s), down(e)) if whole else (down(s), up(e)) for s, e in merge(ranges)]
    return merge((s, e) for s, e in out if s < e)


def lacking(wanted, there):
    """The parts of the wanted ranges that are not there."""
    return subtract(wanted, there)


def show(ranges):
    return ", ".join(f"{s:#x}-{e:#x}" for s, e in ranges) or "nothing"
