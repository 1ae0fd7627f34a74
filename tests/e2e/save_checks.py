# SPDX-License-Identifier: GPL-2.0-only
"""What `xenkdump save` makes of a core of a machine that really crashed."""
import pathlib
import subprocess
import sys

import checks
import truth
from core import EM_X86_64, PAGE, Core, ElfCore
from native_core import EM_386

NEEDLE = "Linux version"
SAVE_TESTS = pathlib.Path(__file__).resolve().parents[1] / "save"
ONLY_DOM0, LOGS = SAVE_TESTS / "only_dom0.py", SAVE_TESTS / "logs.py"


class LinuxCore(ElfCore):
    wanted = ((1, EM_386), (2, EM_386), (2, EM_X86_64))

    def _decode(self):
        """Only its memory matters here."""


class Saver:
    """Runs save, and removes what it made."""

    def __init__(self, rep, program, core):
        self.rep, self.program, self.core, self.made = rep, program, core, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for f in self.made:
            f.unlink(missing_ok=True)

    def path(self, ending):
        out = self.core.with_suffix(f".save-{ending}")
        for small in ("", ".report", ".dmesg", ".xen", ".notes"):
            f = out.with_name(out.name + small)
            f.unlink(missing_ok=True)
            self.made.append(f)
        return out

    def save(self, ending, *options, source=None):
        out = self.path(ending)
        code, _, err = checks.run_tool(self.rep, [self.program, "save", *options, "-o", out,
                                                  source or self.core])
        self.rep.ok(code == 0 and out.exists(), f"save {' '.join(options)} works",
                    f"exit {code}: {err[-200:]}")
        return out

    def dmesg(self, dump):
        log = self.path("log")
        code, _, _ = checks.run_tool(self.rep, ["makedumpfile", "--dump-dmesg", dump, log])
        text = log.read_text("latin-1") if log.exists() else ""
        self.rep.ok(code == 0 and NEEDLE in text, f"makedumpfile --dump-dmesg of {dump.name}",
                    f"exit {code}, {len(text)} bytes")
        ours = dump.with_name(dump.name + ".dmesg").read_text("latin-1")
        self.rep.ok(ours == text, f"{dump.name}.dmesg is the same", f"{len(ours)} bytes")

    def osrelease(self, dump, release):
        _, out, _ = checks.run_tool(self.rep, ["crash", "--osrelease", dump])
        self.rep.ok(out.strip() == release, f"crash --osrelease of {dump.name}", out.strip())


def same_pages(a, b):
    """Whether two ELF cores describe the same pages with the same bytes, and what is known of it."""
    pages, others = truth.described(a), truth.described(b)
    if not pages or pages != others:
        return False, f"they describe {len(pages)} and {len(others)} pages"
    wrong = [n for n in sorted(pages) if not truth.same(a, b, n)]
    return not wrong, f"{len(pages)} pages, {len(wrong)} of which differ: {wrong[:3]}"


def check_xen(rep, path, program, release, bits=64):
    """Filtered, page by page; by way of a kdump file the same; for a 64-bit dom0 that is Linux, its
    core alone."""
    with Saver(rep, program, path) as s:
        elf = s.save("elf", "--format", "elf")
        kept, dropped = truth.check_saved(Core(path), Core(elf), bits)
        rep.ok(dropped * PAGE > 64 << 20, "every page left out is free in Xen's frame table, no free "
               "one is kept, dom0's are all there", f"{kept} kept, {dropped} not")
        kdump = s.save("kdump", "--compress", "zlib")
        again = s.save("again", "--format", "elf", source=kdump)
        good, found = same_pages(Core(elf), Core(again))
        rep.ok(good, "the kdump file holds the same", found)
        if not release:
            return
        dom0 = s.save("dom0", "--only-dom0", "--format", "elf")
        res = subprocess.run([sys.executable, ONLY_DOM0, path, dom0], capture_output=True,
                             text=True, check=False)
        rep.ok(res.returncode == 0, "dom0's core is dom0's memory", (res.stdout + res.stderr).strip())
        for dump in (dom0, s.save("dom0-kdump", "--only-dom0", "--compress", "zlib")):
            s.osrelease(dump, release)
            s.dmesg(dump)


def check_native(rep, path, program, release, bits, console):
    """Nothing is left out, and nothing changes; what was said on the console is in the log."""
    with Saver(rep, program, path) as s:
        kdump = s.save("kdump", "--compress", "zlib")
        res = subprocess.run([sys.executable, LOGS, kdump, console], capture_output=True, text=True,
                             check=False)
        rep.ok(res.returncode == 0 and "the panic too" in res.stdout,
               f"{kdump.name}.dmesg has the lines of the console", (res.stdout + res.stderr).strip())
        elf = s.save("elf", "--format", "elf", source=kdump)
        good, found = same_pages(LinuxCore(path), LinuxCore(elf))
        rep.ok(good, "the kdump file holds all pages", found)
        rep.ok(LinuxCore(elf).machine == (EM_X86_64 if bits == 64 else EM_386), "its machine is what crashed")
        if bits == 64:
            s.osrelease(kdump, release)
            s.dmesg(kdump)

