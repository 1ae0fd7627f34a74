# SPDX-License-Identifier: GPL-2.0-only
"""A 32-bit PV Linux from outside as dom0 (E2E_DOM0_32): the i386 build runs in it, as root.

Such kernels ended with Linux 5.8, so there is none to fetch: this drives whatever it is given, which
must take an initramfs, and have its Xen drivers built in or among its modules
(E2E_DOM0_32_MODULES: their folder, lib/modules/RELEASE). E2E_DOM0_32_LIBS: a folder of i386 Xen
libraries (libxenctrl or libxencall and what they need), found at any depth; without it the loader
has to do without them.
"""
import contextlib
import os
import pathlib
import re
import shlex
import subprocess

import cases
import initramfs
import steps
from core import parse_xensyms
from errors import HarnessError

# Where a 64-bit Debian keeps the 32-bit C library (libc6-i386), and where an i386 one does.
I386_LIBS = ("/lib32", "/usr/lib32", "/lib/i386-linux-gnu", "/usr/lib/i386-linux-gnu")


def needed(path):
    """The DT_NEEDED names of a 32-bit ELF file."""
    res = subprocess.run(["readelf", "-hdW", path], capture_output=True, text=True, check=False,
                         env=dict(os.environ, LC_ALL="C"))
    if res.returncode or not re.search(r"Class: +ELF32\n", res.stdout):
        raise HarnessError(f"{path} is not a 32-bit ELF file")
    return re.findall(r"\(NEEDED\) +Shared library: \[(.*)\]", res.stdout)


def closure(programs, wanted, folders):
    """{soname: path} of all that the programs need and the wanted files, which are opened at run
    time, with what those need."""
    found = {p.name: p for p in wanted}
    todo = [n for p in [*programs, *wanted] for n in needed(p)]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        path = next((pathlib.Path(d, name) for d in folders if pathlib.Path(d, name).exists()), None)
        if path is None:
            raise HarnessError(f"i386 library {name} is in none of {', '.join(map(str, folders))}; "
                               "E2E_DOM0_32_LIBS may name a folder that has it")
        found[name] = path
        todo += needed(path)
    return found


def xen_libraries(folder):
    """The libraries in E2E_DOM0_32_LIBS that the loader opens by name, and the folders of all."""
    if not folder:
        return [], []
    files = [p for p in sorted(pathlib.Path(folder).glob("**/lib*.so.*")) if p.is_file()]
    opened = [p for p in files if p.name.startswith(("libxenctrl.so.", "libxencall.so."))]
    if not opened:
        raise HarnessError(f"E2E_DOM0_32_LIBS={folder} holds neither libxencall nor libxenctrl")
    return opened, sorted({str(p.parent) for p in files})


class Outside:
    """The kernel and what its initramfs holds beside the dump kernels."""

    def __init__(self, env, kernel, xenkdump):
        self.kernel = pathlib.Path(kernel)
        if not self.kernel.exists():
            raise HarnessError(f"no kernel at {kernel} (E2E_DOM0_32)")
        libs, folders = xen_libraries(os.environ.get("E2E_DOM0_32_LIBS"))
        self.programs = {"xenkdump": xenkdump, "marker": env._compile("marker", "i386")}
        self.libs = closure([xenkdump], libs, [*folders, *I386_LIBS, "/lib"])
        self.busybox = env.pk.busybox("i386")
        folder = os.environ.get("E2E_DOM0_32_MODULES")
        self.modules = (initramfs.modules_in_order(pathlib.Path(folder), initramfs.XEN_MODULES)
                        if folder else [])

    def archive(self, path, files):
        cpio = initramfs._base(self.busybox, self.modules, initramfs.HOST_INIT)
        for name, src in self.programs.items():
            cpio.file(f"bin/{name}", src.read_bytes(), 0o755)
        for name, src in self.libs.items():
            cpio.file(f"lib/{name}", src.read_bytes(), 0o755)
        for name, src in files.items():
            cpio.file(name, src.read_bytes())
        return cpio.write(path)


def outside(env, xenkdump):
    """None: there is none, the test kernel does."""
    kernel = os.environ.get("E2E_DOM0_32")
    return Outside(env, kernel, xenkdump) if kernel else None


class Linux:
    """How the cases of dom0_32.py go with it: one boot, the loader in the guest."""

    def __init__(self, run):
        self.run = run
        self.m = self.facts = None
        self.has_symbols = False
        # Linux before 5.0 writes to address zero and falls over that.
        run.panic = "(sysrq triggered crash|Fatal exception)"

    def _boot(self):
        run, parts = self.run, self.run.parts
        files = {}
        for arch, (kernel, initrd) in run.env.dump_parts.items():
            files[f"payload/{arch}/kernel"], files[f"payload/{arch}/initrd"] = kernel, initrd
        files["payload/kernel"], files["payload/initrd"] = run.env.dump_parts[run.arch]
        initrd = parts.linux.archive(run.env.work / f"{run.name}.cpio", files)
        return run.start(run.name, parts.linux.kernel, initrd, "console=hvc0 panic=-1 rdinit=/init")

    def _await_shell(self, m):
        self.run.boot(m)
        _, out = m.run("uname -m")
        if not re.search(r"^i[3-6]86$", out, re.M):
            raise HarnessError(f"E2E_DOM0_32 is no 32-bit kernel: uname -m says {out.split()}")

    @contextlib.contextmanager
    def session(self):
        """A booted dom0 for attempt()."""
        run = self.run
        with self._boot() as m:
            self._await_shell(m)
            self.m = m
            m.armed = True
            _, self.facts = m.run("xenkdump facts", 60)
            run.rep.say(self.facts)
            yield self

    def attempt(self, arch, options=()):
        """(exit status, what it said, the same) of `xenkdump plan` for a dump kernel."""
        argv = ["xenkdump", "plan", "--initrd", f"/payload/{arch}/initrd", "--command-line",
                steps.DUMP_CMDLINE, "--json", *options, f"/payload/{arch}/kernel"]
        code, out = self.m.run(shlex.join(argv), 90, check=False)
        self.run.rep.say(f"$ {shlex.join(argv)}\n  exit {code}\n{out}")
        return code, out, out

    def ask_symbols(self, m):
        """The kernel's list where it has one, else the hypervisor's build."""
        code, out = m.run(f"grep -E '[ #]({cases.SYMBOLS})$' /proc/xen/xensyms", check=False)
        self.has_symbols = code == 0
        return parse_xensyms(out) if self.has_symbols else self.run.parts.symbols

    def crash(self):
        run = self.run
        with self._boot() as m:
            self._await_shell(m)
            run.plant(m)
            run.arm(m)
            steps.sysrq(run, m)
            run.save(m)
