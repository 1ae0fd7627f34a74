# SPDX-License-Identifier: GPL-2.0-only
"""The cases with a 32-bit dom0 on a 64-bit hypervisor.

No packaged hypervisor takes such a dom0 (xen_pv32.sh builds one) and no packaged kernel can be it
any more (dom0-32/ is one of our own). A case takes two boots of one machine: the first tells the
facts, from which the i386 build of xenkdump makes its plan here; the second loads that plan and
crashes. With E2E_DOM0_32=bzImage a 32-bit PV Linux runs the i386 build itself, see dom0_linux.py.
"""
import contextlib
import json
import os
import pathlib
import re
import secrets
import struct
import subprocess
import tempfile
import zlib

import cases
import checks
import dom0_linux
import qemu
import save_checks
import steps
from core import parse_xensyms
from errors import Failure, HarnessError, Skip

MACHINES = {"EM_386": 3, "EM_X86_64": 62}
LOWMEM = 896 << 20  # a 32-bit Linux's own memory ends here
# Both boots carry a boot module of this size, since Xen puts what it allocates next to it.
MODULE = 48 << 20
# What the kernel says on its way out, and what Xen says when it faults.
GAVE_UP = r"@@gave up.*@@|crashed on cpu#.*|Dom0 crashed.*"
CFLAGS = ("-m32 -march=i686 -std=gnu11 -O2 -Wall -Wextra -ffreestanding -fno-pie -nostdlib -static "
          "-fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables "
          "-mgeneral-regs-only -Wl,--build-id=none").split()


# -- pure parts, tried by selftest.py ---------------------------------------------------------

def facts_of(console):
    """The facts text that the test kernel printed, proven whole by its length and CRC."""
    hit = re.search(r"^@@facts begin@@\n(.*?)^@@facts end (\d+) (0x[0-9a-f]+)@@$", console,
                    re.M | re.S)
    if not hit:
        raise HarnessError("the console has no facts between its marks")
    text = "".join(line for line in hit[1].splitlines(True) if not line.startswith("(XEN) "))
    raw = text.encode()
    if len(raw) != int(hit[2]) or zlib.crc32(raw) != int(hit[3], 16):
        raise HarnessError(f"the console garbled the facts: {len(raw)} bytes of {hit[2]}, or another "
                           "CRC")
    return text


def pack(plan, content, room):
    """The boot module of dom0-32/dom0.h for a plan as `xenkdump plan --json` prints it.
    content(kind): the bytes that --write-segments wrote."""
    segs = plan["segments"]
    head = struct.pack("<8sIIIIQ", b"XKD32PLN", 1, len(segs), MACHINES[plan["machine"]], 0,
                       int(plan["entry"], 16))
    table, data = b"", b""
    at = (len(head) + 24 * len(segs) + 4095) & ~4095
    for seg in segs:
        start, end = int(seg["start"], 16), int(seg["end"], 16)
        raw = b"" if seg["map_only"] else content(seg["kind"])
        if not seg["map_only"] and len(raw) != seg["bytes"]:
            raise Failure(f"--write-segments wrote {len(raw)} bytes of {seg['kind']}, --json says "
                          f"{seg['bytes']}")
        table += struct.pack("<QQII", start, end - start, at + len(data) if raw else 0, len(raw))
        data += raw + bytes(-len(raw) % 4096)
    blob = (head + table).ljust(at, b"\0") + data
    if len(blob) > room:
        raise HarnessError(f"a plan of {len(blob)} bytes, the module has {room}: raise MODULE")
    return blob.ljust(room, b"\0")


# -- what is built once -----------------------------------------------------------------------

class Parts:
    """The hypervisor, its symbols, the kernel that is dom0, the i386 build of xenkdump."""

    def __init__(self, env):
        self.xenkdump = _i386_build(env)
        self.xen, syms = _hypervisor(env)
        self.symbols = parse_xensyms(_output(["nm", syms])) if syms else {}
        self.linux = dom0_linux.outside(env, self.xenkdump)
        self.kernel = None if self.linux else _build_kernel(env)
        self.module = env.work / "dom0-32.empty"
        with open(self.module, "wb") as f:
            f.truncate(MODULE)


def _output(argv, **more):
    res = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False, **more)
    if res.returncode:
        raise HarnessError(f"{argv[0]} exits {res.returncode}: {res.stderr[-2000:]}")
    return res.stdout


def _i386_build(env):
    """In O_I386, or where `make check-i386` builds it, beside this build folder."""
    path = env.loader.out_i386 / "xenkdump"
    if not path.exists():
        raise HarnessError(f"{path} is not there; run make ARCH=i386 O={path.parent.name} first")
    with open(path, "rb") as f:
        if f.read(5) != b"\x7fELF\x01":
            raise HarnessError(f"{path} is not a 32-bit program")
    return path


def _hypervisor(env):
    """(the ELF file for QEMU, the file with its symbols): E2E_XEN, or built from source."""
    if "E2E_XEN" in os.environ:
        syms = pathlib.Path(os.environ["E2E_XEN"]).parent / "xen-syms"
        syms = os.environ.get("E2E_XEN_SYMS", syms if syms.exists() else None)
        if not syms and "E2E_DOM0_32" not in os.environ:
            raise HarnessError("E2E_XEN needs the symbols of that hypervisor: a file xen-syms beside "
                               "it, or E2E_XEN_SYMS")
        return env.pk.xen(), syms
    folder = _output([f"{env.here}/xen_pv32.sh", env.work.parent / "xen-pv32"]).strip()
    return pathlib.Path(folder, "xen"), pathlib.Path(folder, "xen-syms")


def _build_kernel(env):
    src, path = pathlib.Path(env.here, "dom0-32"), env.work / "dom0-32.elf"
    _output([os.environ.get("CC", "gcc"), *CFLAGS, f"-Wl,-T,{src}/link.lds", "-o", path,
             src / "start.S", *sorted(src.glob("*.c"))])
    return path


def prepare(env):
    """Before any clock runs: the hypervisor alone takes minutes, once. What goes wrong here is an
    error of these cases only."""
    try:
        env.dom0_32 = Parts(env)
    except HarnessError as exc:
        env.dom0_32 = exc


# -- a case -----------------------------------------------------------------------------------

class Run(cases.Run):
    """One case under way. Its body begins with begin(), which may skip."""

    release = None

    def __init__(self, env, case, rep):
        super().__init__(env, case, rep)
        self.xen_options = case.get("xen", "")

    def begin(self):
        if self.loader.name != "xenkdump":
            raise Skip("these cases are about plans of the i386 build")
        self.parts = self.env.dom0_32
        if isinstance(self.parts, HarnessError):
            raise self.parts
        self.driver = (dom0_linux.Linux if self.parts.linux else TestKernel)(self)
        self.marker = secrets.token_bytes(64)
        return self.driver

    def ask_symbols(self, m):
        return self.driver.ask_symbols(m)

    def start(self, log, kernel, module, dom0_args):
        """The machine, which must be the same each time, down to the sizes of its modules."""
        self.log = self.env.logs / f"{log}.console"  # the one to show if this fails
        self.disk.unlink(missing_ok=True)
        with open(self.disk, "wb") as f:
            f.truncate((self.mem + 64) << 20)  # a sparse file; a core is never larger
        xen_args = ("console=com1 com1=115200,8n1 loglvl=all guest_loglvl=error "
                    f"dom0_mem=320M,max:320M crashkernel={self.crashkernel} {self.xen_options}")
        return qemu.Machine(self.log, qemu.xen_argv(
            self.parts.xen, kernel, module, self.disk, self.mem, self.cpus, xen_args.strip(),
            dom0_args), self.limit)

    def booted(self, m):
        self.xen = checks.xen_facts(m.text)
        self.rep.say(f"Xen: {self.xen}")

    def region(self, low, high):
        start, size = self.xen["crash"]
        self.rep.bounded(low, start, high - size, "the crash region lies where the case wants it")

    def check(self):
        """As any hypervisor's core."""
        self.vmcoreinfo = checks.check_core(self.rep, self.disk, self.xen, self.cpus, self.marker,
                                            self.pfn, self.symbols, p2m_bits=32,
                                            own_symbols=self.driver.has_symbols)
        # makedumpfile takes dom0's list for one of 64-bit entries. With the test kernel, whose list
        # has one entry at its top, that makes no difference; Linux fills the rest of the page.
        checks.check_tools(self.rep, self.disk, self.cpus, self.release,
                           makedumpfile=not self.parts.linux)
        if self.saver:  # this dom0 is no Linux, so there is nothing to be had of it alone
            save_checks.check_xen(self.rep, self.disk, self.saver, None, 32)

    def tidy(self, passed):
        super().tidy(passed)
        if passed:
            for name in ("facts", "plan"):
                (self.env.work / f"{self.name}.{name}").unlink(missing_ok=True)


class TestKernel:
    """dom0 is the kernel of dom0-32/, the i386 build runs on this machine."""

    has_symbols = False

    def __init__(self, run):
        self.run = run
        self.facts = None

    def _boot(self, log, module):
        run = self.run
        return run.start(log, run.parts.kernel, module, f"marker={run.marker.hex()}")

    def _look(self, m):
        """What the kernel says before it looks for a plan: (marker's page, facts)."""
        run = self.run
        try:
            hit = m.expect(r"@@marker pfn (0x[0-9a-f]+) mfn (0x[0-9a-f]+)@@", steps.BOOT,
                           "the test kernel", bad="Panic on CPU|" + GAVE_UP)
            m.expect("@@facts end .*@@", 30, "its facts", bad=GAVE_UP)
        except Failure as exc:  # nothing of ours has run yet
            raise HarnessError(str(exc)) from exc
        run.pfn, self.mfn = int(hit[1], 16), int(hit[2], 16)
        return facts_of(m.text)

    def _first_boot(self):
        run = self.run
        with self._boot(f"{run.name}.facts", run.parts.module) as m:
            self.facts = self._look(m)
            m.expect("@@no plan@@", 10, "the end of the first boot")
            run.booted(m)
        run.rep.step("the facts are there")
        run.rep.say(self.facts)

    @contextlib.contextmanager
    def session(self):
        """The facts of a booted machine for attempt()."""
        self._first_boot()
        yield self

    def attempt(self, arch, options=(), folder=None):
        """(exit status, stdout, stderr) of `xenkdump plan` for a dump kernel."""
        run = self.run
        facts = run.env.work / f"{run.name}.facts"
        facts.write_text(self.facts, "ascii")
        kernel, initrd = run.env.dump_parts[arch]
        argv = [run.parts.xenkdump, "plan", "--facts", facts, "--initrd", initrd, "--command-line",
                steps.DUMP_CMDLINE, "--json", *options, *(["--write-segments", folder] if folder else
                                                          []), kernel]
        return checks.run_tool(run.rep, argv)

    def _module(self):
        """The plan as a boot module for the second boot."""
        run = self.run
        path = run.env.work / f"{run.name}.plan"
        with tempfile.TemporaryDirectory(dir=run.env.work) as tmp:
            code, out, err = self.attempt(run.arch, folder=tmp)
            run.rep.ok(code == 0, "the i386 build makes a plan", f"exit {code}: {err[-500:]}")
            path.write_bytes(pack(json.loads(out), lambda kind: pathlib.Path(tmp, kind).read_bytes(),
                                  MODULE))
        return path

    def crash(self):
        """The second boot: loads the plan and crashes; the machine, on its way into the dump."""
        run = self.run
        self._first_boot()
        module = self._module()
        run.symbols = run.parts.symbols
        with self._boot(run.name, module) as m:
            if self._look(m) != self.facts:
                raise HarnessError("the second boot has other facts than the first; see the logs")
            m.armed = True
            hit = m.expect(r"@@kexec load 0@@|(@@gave up: bad plan.*@@)", 60,
                           "the compat kexec call", bad=GAVE_UP)
            if hit[1]:
                raise HarnessError(f"the boot module was put together wrongly: {hit[1]}")
            m.expect("@@kexec status 1@@", 10, "its status", bad=GAVE_UP)
            run.rep.ok(True, "the compat kexec call takes the plan, status says 1")
            m.expect("@@crashing@@", 10, "dom0's crash")
            run.save(m)
        core = checks.Core(run.disk)
        run.rep.ok(core.p2m(run.pfn, 32) == self.mfn, "dom0's list names the page that dom0 named",
                   f"{self.mfn:#x}")
        core.close()


# -- bodies -----------------------------------------------------------------------------------

def works(low, high):
    """The crash region lies in [low, high) and the whole way works."""
    def body(run):
        run.begin().crash()
        run.region(low, high)
        run.check()
    return body


def kernel_too_high(run):
    """A 32-bit kernel cannot run above 896 MiB; a 64-bit one can, by the same facts."""
    with run.begin().session() as dom0:
        run.region(LOWMEM, 1 << 32)
        code, _, err = dom0.attempt("i386")
        run.rep.ok(code == 8, "refused with exit code 8", f"exit {code}")
        run.rep.ok("a 32-bit kernel must lie below 896 MiB" in err and "below=896M" in err,
                   "saying why, and what to change", err[-400:])
        code, _, err = dom0.attempt("amd64")
        run.rep.ok(code == 0, "the same facts do for a 64-bit kernel", f"exit {code}: {err[-400:]}")


def notes_too_high(run):
    """Notes above 4 GiB are hidden from dom0: refused, unless told to do without."""
    with run.begin().session() as dom0:
        run.region(0, 1 << 32)
        hidden = len(re.findall(r"^cpu-note = \d+ erange ", dom0.facts, re.M))
        run.rep.ok(hidden == run.cpus, "Xen hides every CPU's note from dom0", str(hidden))
        code, _, err = dom0.attempt("i386")
        run.rep.ok(code == 9, "refused with exit code 9", f"exit {code}")
        run.rep.ok("low_crashinfo=min" in err and "--allow-missing-notes" in err,
                   "naming what to change", err[-400:])
        code, out, err = dom0.attempt("i386", ["--allow-missing-notes"])
        run.rep.ok(code == 0, "--allow-missing-notes makes a plan", f"exit {code}: {err[-400:]}")
        plan = json.loads(out[out.index("{"):out.rindex("}") + 1])
        run.rep.ok(plan["core"]["cpu_notes"] == 0, "without registers")
        run.rep.ok(any(f"those of {run.cpus} are missing" in w for w in plan["warnings"]), "and says so",
                   str(plan["warnings"]))


CASES = [
    dict(id="p1", what="32-bit dom0, 686-pae dump kernel", body=works(0, LOWMEM), arch="i386",
         crashkernel="192M@256M", save=True),
    dict(id="p2", what="32-bit dom0, 64-bit dump kernel", body=works(LOWMEM, 1 << 32), mem=3072,
         crashkernel="256M@2G", copy=200),
    dict(id="p3", what="32-bit dom0, 686-pae above 896 MiB", body=kernel_too_high, mem=1536,
         crashkernel="192M@1G", arch="i386"),
    dict(id="p4", what="32-bit dom0, notes above 4 GiB", body=notes_too_high, mem=5120,
         crashkernel="192M@256M", arch="i386"),
    dict(id="p5", what="the same, low_crashinfo=min", body=works(0, LOWMEM), mem=5120,
         crashkernel="192M,below=896M", arch="i386", xen="low_crashinfo=min", copy=300),
]
for _case in CASES:
    _case.update(run=Run, prepare=prepare)
