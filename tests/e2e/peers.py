# SPDX-License-Identifier: GPL-2.0-only
"""A saved native core in every format, opened by crash, makedumpfile, and by drgn, which reads
kdump-compressed files by libkdumpfile: they must agree on the panic, the log, and sampled pages."""
import json
import re

import checks
from core import PAGE
from save_checks import LinuxCore, Saver
from save_natively import filtered, partial

SAMPLES = 64
FORMATS = {"zlib": ("--compress", "zlib"), "zstd": ("--compress", "zstd"), "elf": ("--format", "elf"),
           "flat": ("--format", "flat", "--compress", "zlib")}
NOT_BY_DRGN = ("flat",)  # libkdumpfile 0.5.1 reads no flattened files
CRASH = "sys\nbt\nlog\nquit\n"  # no pipe: its output would come at any time
DRGN = r"""
import json, sys
print(json.dumps([prog.read(n * 4096, 4096, physical=True).hex() for n in json.load(open(sys.argv[1]))]))
"""


def samples(core):
    """Numbers of whole pages, spread evenly over what the core describes."""
    pages = [n for load in core.loads
             for n in range(-(-load["pa"] // PAGE), (load["pa"] + load["filesz"]) // PAGE)]
    return pages[::max(1, len(pages) // SAMPLES)]


def crash_says(rep, vmlinux, dump, script):
    """All that crash prints of the system, the stack of the task that panicked, and the log, but for the
    dump's name; and before it the task."""
    script.write_text(CRASH, "ascii")
    code, out, _ = checks.run_tool(rep, ["crash", "-s", "-i", script, vmlinux, dump], 300)
    task = re.search(r"^PID: (.*)$", out, re.M)
    rep.ok(code == 0 and task and re.search(r"^ +PANIC: .*sysrq triggered crash", out, re.M)
           and "Linux version" in out, f"crash opens {dump.name}: system, panic, task, log", f"exit {code}")
    return task[1], [line for line in out.splitlines() if " DUMPFILE: " not in line]


def check_drgn(rep, core, numbers, dump, folder):
    wanted, script = folder / "pages.json", folder / "pages.py"
    wanted.write_text(json.dumps(numbers), "ascii")
    script.write_text(DRGN, "ascii")
    code, out, err = checks.run_tool(rep, ["drgn", "-q", "--no-default-symbols", "-c", dump, script, wanted])
    for f in (wanted, script):
        f.unlink()
    good = [core.read(n * PAGE, PAGE).hex() for n in numbers]
    rep.ok(code == 0 and json.loads(out or "0") == good, f"drgn reads the core's bytes from {dump.name}",
           f"exit {code}: {err[-300:]}")


def check(rep, disk, program, vmlinux):
    core = LinuxCore(disk)
    numbers, script = samples(core), disk.with_suffix(".peers")
    rep.ok(len(numbers) >= SAMPLES, "pages to be sampled", str(len(numbers)))
    said = {"whole": crash_says(rep, vmlinux, disk, script)}
    with Saver(rep, program, disk) as s:
        for name, options in FORMATS.items():
            dump = s.save(name, *options)
            said[name] = crash_says(rep, vmlinux, dump, script)
            if name not in NOT_BY_DRGN:
                check_drgn(rep, core, numbers, dump, disk.parent)
        kept = [filtered(rep, source, s.path("again")) - partial(core)
                for source in (disk, s.save("once-more", *FORMATS["zlib"]))]
        rep.ok(kept[0] == kept[1], "makedumpfile keeps the same pages of the core and of the saved dump",
               f"{len(kept[0])} and {len(kept[1])}")
    script.unlink()
    core.close()
    rep.ok(all(v == said["whole"] for v in said.values()) and len(said["whole"][1]) > 100,
           "crash says the same of all formats", str({k: v[0] for k, v in said.items()}))
