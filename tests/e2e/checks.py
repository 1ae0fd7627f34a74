# SPDX-License-Identifier: GPL-2.0-only
"""What a saved core must be: by the harness' own reader, then by the field's tools."""
import os
import re
import shutil
import subprocess
import time

from core import PAGE, STACK_SIZE, Core
from errors import Failure, HarnessError

MIB = 1 << 20


class Report:
    """Counts the checks of a case and writes each to its log: a case without any proves nothing."""

    own_note = True  # the loader is one that writes a XENKDUMP note

    def __init__(self, path):
        self.count = 0
        self.start = time.monotonic()
        self.f = open(path, "w", encoding="utf-8")

    def close(self):
        self.f.close()

    def say(self, text):
        self.f.write(text.rstrip() + "\n")
        self.f.flush()

    def step(self, text):
        self.say(f"[{time.monotonic() - self.start:6.1f} s] {text}")

    def ok(self, cond, what, found=""):
        self.count += 1
        self.say(f"{'ok  ' if cond else 'BAD '} {what}{f': {found}' if found else ''}")
        if not cond:
            raise Failure(f"wanted: {what}; found: {found or 'otherwise'}")

    def bounded(self, low, value, high, what):
        self.ok(low <= value <= high, what, f"{value} in [{low}, {high}]")


def xen_facts(console):
    """What the hypervisor said of itself while booting."""
    def get(regex, what):
        hit = re.search(regex, console)
        if not hit:
            raise HarnessError(f"Xen's boot log does not name its {what}")
        return hit
    kdump = get(r"Kdump: \d+MB \((\d+)kB\) at (0x[0-9a-f]+)", "crash region")
    return {
        "version": get(r"Xen version (\S+.*)", "version").group(1),
        "ram": int(get(r"System RAM: \d+MB \((\d+)kB\)", "memory").group(1)) * 1024,
        "crash": (int(kdump.group(2), 16), int(kdump.group(1)) * 1024),
    }


def check_core(rep, path, xen, cpus, marker, pfn, symbols, p2m_bits=64, own_symbols=True):
    """The core against what the harness knows from elsewhere: the console, the marker, QEMU.
    p2m_bits: dom0's width; own_symbols: dom0 could tell the loader the hypervisor's symbols."""
    core = Core(path)
    try:
        rep.ok(True, "the core is ELF64, little endian, ET_CORE, EM_X86_64")
        rep.ok(len(core.cpus) == cpus, f"{cpus} NT_PRSTATUS notes", str(len(core.cpus)))
        text = core.vmcoreinfo("VMCOREINFO_XEN")
        rep.ok(text is not None and "SYMBOL(domain_list)=" in text, "a VMCOREINFO_XEN note")
        _check_loads(rep, core, xen)
        _check_version(rep, core, xen)
        _check_cpus(rep, core, symbols)
        _check_own_note(rep, core, xen, symbols if own_symbols else {})
        mfn = core.p2m(pfn, p2m_bits)
        page = core.read(mfn * PAGE, PAGE)
        rep.ok(page[:len(marker)] == marker and not any(page[len(marker):]),
               f"the marker of dom0's page {pfn:#x} at machine page {mfn:#x}",
               page[:16].hex() + "...")
        # A core whose machine addresses were pseudo-physical ones would pass by identity.
        rep.ok(mfn != pfn, "dom0's page has another number in the machine", f"{mfn:#x}, {pfn:#x}")
        return text
    finally:
        core.close()


def _check_loads(rep, core, xen):
    start, size = xen["crash"]
    for p in core.loads:
        rep.ok(p["pa"] + p["memsz"] <= start or p["pa"] >= start + size,
               f"PT_LOAD {p['pa']:#x}+{p['memsz']:#x} leaves out the crash region {start:#x}")
    total, double = core.load_bytes()
    # The one double that is allowed: Xen's own image again, at its virtual address.
    rep.bounded(0, double, 16 * MIB, "bytes described twice are Xen's image at most")
    rep.bounded(xen["ram"] - size - 2 * MIB, total, xen["ram"] - size + 2 * MIB,
                "PT_LOADs add up to the machine's RAM less the crash region")


def _check_version(rep, core, xen):
    major, minor = core.info[0], core.info[1]
    said = f"{major}.{minor}{core.string(core.info[2])}"
    rep.ok(xen["version"].startswith(said + " "), "the version that Xen printed",
           f"{said!r}, printed {xen['version']!r}")
    for i, what in ((4, "compiler"), (5, "build date")):
        text = core.string(core.info[i])
        rep.ok(text and text in xen["version"], f"the {what} that Xen printed", repr(text))


def _check_own_note(rep, core, xen, symbols):
    """What the loader wrote of the host, against what the host said elsewhere."""
    if not any(name == "XENKDUMP" for name, _, _ in core.notes):
        rep.say("no XENKDUMP note: not this project's loader")
        return
    own = core.own_note()
    rep.ok(own["tool"].startswith("xenkdump "), "the XENKDUMP note names its loader", own["tool"])
    names = {n.split("#")[-1]: a for a, _, n in own["symbols"]}
    rep.ok(all(names.get(n) == a for n, a in symbols.items()) and bool(names) == bool(symbols),
           "its symbols are those of the running hypervisor", f"{len(names)} names")
    facts = dict(line.split(" = ", 1) for line in own["facts"].splitlines() if " = " in line)
    version = f'{facts["xen.major"]}.{facts["xen.minor"]}{facts["xen.extra"].strip(chr(34))}'
    rep.ok(xen["version"].startswith(version + " "), "its facts name the version Xen printed", version)
    start, size = xen["crash"]
    regions = [(s, e) for kind, _, s, e in own["map"] if kind == 0xFFFFFFFF]
    rep.ok(regions == [(start, start + size)], "its map names the crash region", str(regions))
    rep.ok(all(start <= s < e <= start + size for kind, _, s, e in own["map"] if s != e),
           "what it maps lies inside")


def _check_cpus(rep, core, symbols):
    rep.ok("stack_base" in symbols, "stack_base is among the hypervisor's symbols")
    stacks = core.stacks(symbols, len(core.cpus))
    rep.ok(len(set(stacks)) == len(stacks) and all(stacks), "each CPU has a stack of its own")
    for i, (cpu, base) in enumerate(zip(core.cpus, stacks)):
        rep.ok(base <= cpu["rsp"] < base + STACK_SIZE, f"CPU {i}: RSP in its Xen stack",
               f"{cpu['rsp']:#x}, stack {base:#x}")
        cr3 = cpu.get("cr3", 0)
        rep.ok(cr3 and core.has(cr3 & ~0xfff), f"CPU {i}: CR3 points into memory", f"{cr3:#x}")
        rep.ok(cpu.get("cr0", 0) & 0x80000001 == 0x80000001, f"CPU {i}: CR0 has paging on",
               f"{cpu.get('cr0', 0):#x}")


# -- the field's tools -----------------------------------------------------------------------

def run_tool(rep, argv, limit=120):
    """(exit status, stdout, stderr), kept in the case's log."""
    if not shutil.which(str(argv[0])):
        raise HarnessError(f"{argv[0]} is not installed")
    env = dict(os.environ, LC_ALL="C", TERM="dumb")
    try:
        res = subprocess.run([str(a) for a in argv], env=env, stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, errors="replace", timeout=limit,
                             check=False)
    except subprocess.TimeoutExpired as exc:
        raise Failure(f"{argv[0]} on the core runs longer than {limit} s") from exc
    rep.say(f"$ {' '.join(map(str, argv))}\n  exit {res.returncode}\n"
            + "\n".join("  " + x for x in (res.stdout[-1500:] + res.stderr[-1500:]).splitlines()))
    return res.returncode, res.stdout, res.stderr


def check_tools(rep, path, cpus, release, makedumpfile=True):
    """readelf, crash and makedumpfile accept the core as it is."""
    code, out, err = run_tool(rep, ["readelf", "-hlW", path])
    rep.ok(code == 0 and not err, "readelf -hl has nothing to say against it", err[:200])
    rep.ok(re.search(r"Class: +ELF64\n", out) and "X86-64" in out and "CORE (Core file)" in out,
           "readelf: an ELF64 x86-64 core")
    code, out, err = run_tool(rep, ["readelf", "-nW", path])
    rep.ok(code == 0 and not err, "readelf -n has nothing to say against it", err[:200])
    rep.ok(out.count("NT_PRSTATUS") == cpus, f"readelf -n: {cpus} NT_PRSTATUS",
           str(out.count("NT_PRSTATUS")))
    rep.ok("VMCOREINFO_XEN" in out, "readelf -n: VMCOREINFO_XEN")
    # Without dom0's VMCOREINFO crash knows no release, and says so by exit 1.
    _, out, _ = run_tool(rep, ["crash", "--osrelease", path])
    rep.ok(out.strip() in ("unknown", release), "crash --osrelease reads the core", out.strip())
    if makedumpfile:
        check_makedumpfile(rep, path)


def check_makedumpfile(rep, path):
    """The size of what `makedumpfile -X -d 1` keeps."""
    out = path.with_suffix(".kdump")
    out.unlink(missing_ok=True)
    try:
        code, _, _ = run_tool(rep, ["makedumpfile", "-X", "-d", "1", path, out])
        rep.ok(code == 0 and out.exists(), "makedumpfile -X -d 1 works", f"exit {code}")
        size = out.stat().st_size
        rep.bounded(4 * MIB, size, path.stat().st_size - 1, "it keeps some and drops some")
        with open(out, "rb") as f:
            rep.ok(f.read(8) == b"KDUMP   ", "its output is a kdump file")
        return size
    finally:
        out.unlink(missing_ok=True)


def rename_note(path, old, new):
    """Renames notes in place, so that tools no longer know them; names of one length. Count."""
    assert len(old) == len(new)
    with open(path, "r+b") as f:
        head = f.read(MIB + 64 * 1024)
        pos, count = 0, 0
        needle = len(old + b"\0").to_bytes(4, "little")
        while (pos := head.find(old + b"\0", pos)) >= 0:
            if head[pos - 12:pos - 8] == needle:
                f.seek(pos)
                f.write(new)
                count += 1
            pos += len(old)
    return count
