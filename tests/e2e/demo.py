#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The demonstration of tests/demo.sh: one Xen host, armed, crashed, and what its dump says."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cases  # noqa: E402
import checks  # noqa: E402
import loaders  # noqa: E402
import packages  # noqa: E402
from core import Core  # noqa: E402
from errors import HarnessError  # noqa: E402

CMDLINE = "nr_cpus=1 irqpoll reset_devices"
START = time.monotonic()


def title(text):
    print(f"\n== {text}  [{time.monotonic() - START:.0f} s]", flush=True)


def show(text, indent="    "):
    for line in text.strip("\n").splitlines():
        print((indent + line).rstrip())
    sys.stdout.flush()


def tool(*argv):
    res = subprocess.run([str(a) for a in argv], capture_output=True, text=True, errors="replace",
                         env=dict(os.environ, LC_ALL="C"), stdin=subprocess.DEVNULL, check=False)
    if res.returncode:
        raise HarnessError(f"{argv[0]} exited {res.returncode}: {res.stderr[-400:]}")
    return res.stdout


def cpu_table(core, symbols):
    """Where each CPU was, by the symbols that the dump itself carries."""
    names = sorted((a, n) for a, t, n in symbols if t in "Tt")
    for i, cpu in enumerate(core.cpus):
        below = [x for x in names if x[0] <= cpu["rip"]]
        where = f"{below[-1][1]}+{cpu['rip'] - below[-1][0]:#x}" if below else "?"
        print(f"    CPU {i}: RIP {cpu['rip']:#x} ({where}), RSP {cpu['rsp']:#x}, CR3 {cpu['cr3']:#x}")


def host_dies(run):
    with run.machine() as m:
        title("a Xen host comes up in QEMU")
        run.boot(m)
        show(f"Xen {run.xen['version']}\n"
             f"crash region at {run.xen['crash'][0]:#x}, {run.xen['crash'][1] >> 20} MiB")
        title("in its dom0: xenkdump load --verbose --console auto ...")
        show(m.run(f"xenkdump load --verbose --console auto --command-line '{CMDLINE}' "
                   "--initrd /payload/initrd /payload/kernel", 90)[1])
        title("xenkdump status")
        show(m.run("xenkdump status")[1])
        title("dom0 panics")
        cases.sysrq(run, m)
        run.save(m)
        show("the dump kernel came up, wrote /proc/vmcore to a disk and powered off")


def dump_speaks(run):
    core = Core(run.disk)
    title("the core")
    show("\n".join(x for x in tool("readelf", "-hW", run.disk).splitlines()
                   if re.search("Class|Type|Machine|Number of program", x)), "  ")
    show(tool("readelf", "-lW", run.disk).split("Program Headers:")[1])
    show("notes: " + ", ".join(f"{name} ({len(desc)} bytes)" for name, _, desc in core.notes))
    title("why: dom0's log, read from the core without debug packages")
    log = run.disk.with_suffix(".dmesg")
    log.unlink(missing_ok=True)
    tool("makedumpfile", "--dump-dmesg", run.disk, log)
    lines = log.read_text("latin-1").splitlines()
    at = next((i for i, x in enumerate(lines) if "Kernel panic" in x or "sysrq: Trigger" in x), None)
    if at is None:
        raise HarnessError("the log in the core does not name the panic")
    show("\n".join(lines[at:at + 12]))
    title("the CPUs, by the symbols in the core's XENKDUMP note")
    cpu_table(core, core.own_note()["symbols"])
    core.close()


def main():
    top = pathlib.Path(__file__).resolve().parents[2]
    out = top / "build"
    if not shutil.which("makedumpfile"):
        sys.exit("demo: makedumpfile is not installed; run tests/demo.sh")
    title("fetching a hypervisor, a kernel and their libraries (cached in build/e2e)")
    pk = packages.Packages(out / "e2e")
    env = cases.Env(pk, loaders.Xenkdump(pk, out), out / "e2e", False)
    env.prepare({"amd64"})
    rep = checks.Report(env.logs / "demo.checks")
    run = cases.Run(env, dict(id="demo"), rep)
    host_dies(run)
    dump_speaks(run)
    rep.close()
    title("done")
    print(f"    console log: {run.log.relative_to(top)}; core: {run.disk.relative_to(top)}")


if __name__ == "__main__":
    try:
        main()
    except Exception as exc:  # pylint: disable=broad-except # one sentence, not a trace
        sys.exit(f"demo: {type(exc).__name__}: {exc}")
