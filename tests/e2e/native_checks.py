# SPDX-License-Identifier: GPL-2.0-only
"""What a core of a Linux kernel must be: by the harness' own reader, then by the field's tools."""
import re

import checks
from core import PAGE
from errors import HarnessError
from native_core import (KERNEL_MAP, LOWMEM_BASE, NO_VIRT, NativeCore, lacking, merge, named, pages,
                         parse_iomem, show)

NEEDLE = "sysrq triggered crash"  # how every native case panics, test-crash too
RELEASE_AT = 2 * 65  # in struct new_utsname, after sysname and nodename
SYMBOLS = ("_stext", "_etext", "init_uts_ns", "__crash_kexec", "page_offset_base")
RAM = "System RAM"
EM_386, EM_X86_64 = 3, 62


class Host:
    """The running kernel, before it crashes: what it says of itself, by plain files."""

    def __init__(self, console, bits):
        self.bits = bits
        self.iomem = parse_iomem(console)
        self.ram = named(self.iomem, RAM)
        self.crash = named(self.iomem, "Crash kernel")
        if not self.ram:
            raise HarnessError("/proc/iomem names no System RAM")
        self.symbols = {n: int(a, 16) for a, n in re.findall(
            r"^([0-9a-f]{8,16}) \S (\w+)$", console, re.M) if n in SYMBOLS}
        for name in ("_stext", "_etext", "__crash_kexec"):
            if not self.symbols.get(name):
                raise HarnessError(f"/proc/kallsyms does not name {name}")

    def image(self):
        """Where a dump kernel goes: the crash region that is not the small low one."""
        if not self.crash:
            raise HarnessError("the kernel reserved no crash region")
        return max(self.crash)

    @staticmethod
    def command():
        return f"cat /proc/iomem; grep -E ' ({'|'.join(SYMBOLS)})$' /proc/kallsyms"


def right_headers(bits, arch, ram):
    """The ELF classes and machines that are right for a crashed kernel of that width where the dump
    kernel is one for that architecture. Linux' vmcore_elf64_check_arch and vmcore_elf32_check_arch
    say what a dump kernel takes."""
    if bits == 64 or arch == "amd64":
        return ((2, EM_X86_64),)
    above = any(e > 1 << 32 for _, e in ram)
    return ((2, EM_386),) if above else ((1, EM_386), (2, EM_386))


def check_core(rep, path, host, arch, cpus, release, marker, pfn, crashed, by_file=False):
    """crashed: (number of the CPU that panicked or None, its process id or None, the time). by_file:
    the kernel wrote the header. Returns the text of VMCOREINFO."""
    core = NativeCore(path, host.bits, right_headers(host.bits, arch, host.ram))
    try:
        rep.ok(True, "the core's class and machine",
               f"ELF{32 * core.klass}, machine {core.machine}, from a {host.bits}-bit kernel")
        _check_notes(rep, core, host, cpus, crashed)
        _check_vmcoreinfo(rep, core, host, release, crashed)
        check_loads(rep, core, host, by_file)
        _check_virtual(rep, core, host, release)
        page = core.read(pfn * PAGE, PAGE)
        rep.ok(page[:len(marker)] == marker and not any(page[len(marker):]),
               f"the marker at physical page {pfn:#x}", page[:16].hex() + "...")
        _check_own_note(rep, core, host, release)
        return core.vmcoreinfo("VMCOREINFO")
    finally:
        core.close()


def _check_notes(rep, core, host, cpus, crashed):
    rep.ok(len(core.cpus) == cpus, f"{cpus} NT_PRSTATUS notes of a {host.bits}-bit kernel",
           str(len(core.cpus)))
    low, high = host.symbols["_stext"], host.symbols["_etext"]
    for i, cpu in enumerate(core.cpus):
        rep.ok(low <= cpu["ip"] < high, f"CPU {i}: instruction pointer in the kernel's text",
               f"{cpu['ip']:#x} in [{low:#x}, {high:#x})")
        rep.ok(cpu["cs"] & 3 == 0 and cpu["cs"], f"CPU {i}: runs in the kernel", f"{cpu['cs']:#x}")
        rep.ok(core.walk(cpu["sp"]) is not None, f"CPU {i}: its stack is mapped", f"{cpu['sp']:#x}")
    entry = host.symbols["__crash_kexec"]
    inside = [i for i, c in enumerate(core.cpus) if entry <= c["ip"] < entry + 0x200]
    number, pid, _ = crashed
    rep.ok(len(inside) == 1 and number in (None, inside[0]),
           "the CPU that panicked stands in __crash_kexec, and no other", f"{inside}, {number}")
    if pid is not None:
        rep.ok(core.cpus[inside[0]]["pid"] == pid, "its note names the process that panicked",
               f"{core.cpus[inside[0]]['pid']}, {pid}")


def _check_vmcoreinfo(rep, core, host, release, crashed):
    rep.ok(core.info.get("OSRELEASE") == release, "VMCOREINFO names the kernel that ran",
           f"{core.info.get('OSRELEASE')}, {release}")
    when = int(core.info.get("CRASHTIME", "0"))
    rep.ok(abs(when - crashed[2]) < 300, "its CRASHTIME is that of the crash",
           f"{when}, {crashed[2]:.0f}")
    want = host.symbols.get("init_uts_ns")
    if want:  # data, which not every kernel lists
        rep.ok(core.symbol("init_uts_ns") == want, "its init_uts_ns is the running kernel's",
               f"{want:#x}")
    if host.bits == 64:
        # The kernel's own word for where it was put, against where its text was seen.
        offset = int(core.info.get("KERNELOFFSET", "0"), 16)
        rep.ok(host.symbols["_stext"] == KERNEL_MAP + 0x1000000 + offset,
               "its KERNELOFFSET is the running kernel's", f"{offset:#x}")


def check_loads(rep, core, host, by_file=False):
    """All whole pages of RAM less the crash regions, nothing else, nothing twice. Headers that Linux
    writes itself (since 5.10) leave out the first MiB: elf_header_exclude_ranges()."""
    there = core.ranges()
    rep.ok(sum(e - s for s, e in there) == sum(e - s for s, e in merge(there)),
           "no memory is described twice but the kernel's image")
    want = lacking(host.ram, host.crash)
    must = lacking(want, [(0, 1 << 20)] if by_file else [])
    missing = lacking(pages(must, True), pages(there, False))
    rep.ok(not missing, "PT_LOADs hold all RAM but the crash regions", "missing: " + show(missing))
    extra = lacking(pages(there, True), pages(want, False))
    rep.ok(not extra, "PT_LOADs hold nothing else", "too much: " + show(extra))
    rep.say(f"PT_LOADs: {show(merge(there))}")


def _check_virtual(rep, core, host, release):
    """p_vaddr against the kernel's own page tables, and two strings read through it."""
    def text_at(data):
        return data.split(b"\0")[0].decode("latin-1")
    name_at = core.symbol("init_uts_ns") + int(core.info.get("OFFSET(uts_namespace.name)", "0"))
    va = name_at + RELEASE_AT
    size = len(release) + 1
    found = text_at(core.read(core.image_phys(va), size))
    rep.ok(found == release, "init_uts_ns at its physical address holds the release", found)
    found = text_at(core.read_virtual(va, size))
    rep.ok(found == release, "init_uts_ns read through p_vaddr holds the release", found)
    rep.ok(core.walk(va) == core.image_phys(va), "the page tables agree with VMCOREINFO",
           f"{core.levels()} levels, {va:#x} -> {core.walk(va) or 0:#x}")
    lowmem = 0
    for p in core.loads:
        what = f"PT_LOAD {p['pa']:#x}+{p['memsz']:#x}"
        if host.bits == 32 and (p["va"] in (*NO_VIRT, 0) and p["pa"]):
            rep.say(f"     {what}: no virtual address, {p['va']:#x}")
            continue
        lowmem += 1
        last = p["va"] + p["memsz"] - 1
        # Linux unmaps the gaps between its image's sections, so there known addresses must do.
        points = {p["va"], (p["va"] + last) // 2 // PAGE * PAGE, last // PAGE * PAGE} \
            if not core.is_image(p) else \
            {p["va"], host.symbols["_stext"], host.symbols["_etext"] - 1, va}
        for at in sorted(points):
            pa, got = p["pa"] + at - p["va"], core.walk(at)
            rep.ok(got == pa, f"{what}: {at:#x} is mapped to {pa:#x}",
                   "not mapped" if got is None else f"{got:#x}")
    rep.ok(lowmem, "some PT_LOAD has a virtual address")
    images = [p for p in core.loads if core.is_image(p)]
    if host.bits == 64:
        low, high = host.symbols["_stext"], host.symbols["_etext"]
        rep.ok(len(images) == 1 and images[0]["va"] <= low
               and high <= images[0]["va"] + images[0]["memsz"],
               "one PT_LOAD describes the kernel's image where it ran",
               ", ".join(f"{p['va']:#x}+{p['memsz']:#x}" for p in images))
        _check_direct_map(rep, core, host)
    else:
        rep.ok(all(p["va"] == p["pa"] + LOWMEM_BASE for p in core.loads if p["pa"] < 16 << 20),
               "the first 16 MiB lie where a 32-bit kernel maps them")


def _check_direct_map(rep, core, host):
    at = host.symbols.get("page_offset_base")
    if not at:
        rep.say("     /proc/kallsyms names no page_offset_base")
        return
    base = core.u64(core.image_phys(at))
    bad = [p for p in core.loads if not core.is_image(p) and p["va"] != p["pa"] + base]
    rep.ok(not bad, f"p_vaddr is p_paddr plus the kernel's page_offset_base {base:#x}",
           ", ".join(f"{p['va']:#x} for {p['pa']:#x}" for p in bad))


def _check_own_note(rep, core, host, release):
    """What the loader wrote of the host, against what the host said elsewhere."""
    if not any(name == "XENKDUMP" for name, _, _ in core.notes):
        rep.ok(not rep.own_note, "a XENKDUMP note", "none")
        return
    own = core.own_note()
    rep.ok(own["tool"].startswith("xenkdump "), "the XENKDUMP note names its loader", own["tool"])
    facts = dict(line.split(" = ", 1) for line in own["facts"].splitlines() if " = " in line)
    rep.ok(facts.get("kernel.bits") == str(host.bits), "its facts name the kernel's width",
           facts.get("kernel.bits", "none"))
    rep.ok(release in facts.get("kernel.release", ""), "its facts name the kernel's release",
           facts.get("kernel.release", "none"))
    start, end = host.image()
    regions = [(s, e) for kind, _, s, e in own["map"] if kind == 0xFFFFFFFF]
    rep.ok(regions == [(start, end)], "its map names the crash region", show(regions))
    rep.ok(all(start <= s < e <= end for _, _, s, e in own["map"] if s != e),
           "what it maps lies inside")


# -- the field's tools -----------------------------------------------------------------------

def put_machine_back(rep, path):
    """An x86_64 dump kernel exports only cores that say x86_64. Those of a 32-bit kernel are read by
    tools once the header says so; the XENKDUMP note is what tells a saver to write that."""
    with open(path, "r+b") as f:
        head = f.read(20)
        if head[4] == 2 and head[18] == EM_X86_64:
            f.seek(18)
            f.write(EM_386.to_bytes(2, "little"))
            rep.say("     e_machine put back to EM_386 for the tools")


def check_tools(rep, path, host, cpus, vmcore_dmesg):
    """readelf always; vmcore-dmesg knows the log of both widths, makedumpfile here the 64-bit one's
    only, being built for it."""
    if host.bits == 32:
        put_machine_back(rep, path)
    code, out, err = checks.run_tool(rep, ["readelf", "-hlW", path])
    rep.ok(code == 0 and not err, "readelf -hl has nothing to say against it", err[:200])
    code, out, err = checks.run_tool(rep, ["readelf", "-nW", path])
    rep.ok(code == 0 and not err, "readelf -n has nothing to say against it", err[:200])
    rep.ok(out.count("NT_PRSTATUS") == cpus, f"readelf -n: {cpus} NT_PRSTATUS",
           str(out.count("NT_PRSTATUS")))
    code, out, _ = checks.run_tool(rep, [*vmcore_dmesg, path])
    rep.ok(code == 0 and NEEDLE in out, "vmcore-dmesg shows the panic",
           f"exit {code}, {len(out)} bytes")
    if host.bits == 32:
        return
    log, kept = path.with_suffix(".dmesg"), path.with_suffix(".kdump")
    try:
        for f in (log, kept):
            f.unlink(missing_ok=True)
        code, _, _ = checks.run_tool(rep, ["makedumpfile", "--dump-dmesg", path, log])
        text = log.read_text("latin-1") if log.exists() else ""
        rep.ok(code == 0 and NEEDLE in text, "makedumpfile --dump-dmesg shows it",
               f"exit {code}, {len(text)} bytes")
        code, _, _ = checks.run_tool(rep, ["makedumpfile", "-d", "31", path, kept])
        rep.ok(code == 0 and kept.exists(), "makedumpfile -d 31 works", f"exit {code}")
        rep.bounded(4 << 20, kept.stat().st_size, path.stat().st_size // 2,
                    "it keeps some and drops more")
    finally:
        for f in (log, kept):
            f.unlink(missing_ok=True)
