#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""`load` against kexec-tools inside one dom0, and the time from crash to dump kernel with each.

Both load the same kernel of 10 MiB (Debian's, padded) and initrd of 64 MiB (random bytes), taking
turns. Printed: medians of processor time, peak memory, and the ratios.
"""
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import initramfs  # noqa: E402
import loaders  # noqa: E402
import packages  # noqa: E402
import qemu  # noqa: E402
from errors import HarnessError  # noqa: E402

MIB = 1 << 20
KERNEL, INITRD = 10 * MIB, 64 * MIB
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
CMDLINE = "console=ttyS0,115200 nr_cpus=1"
COMMANDS = {
    "xenkdump": f"xenkdump load --initrd /payload/initrd --command-line '{CMDLINE}' /payload/kernel",
    "kexec": f"kexec -p --initrd=/payload/initrd --command-line='{CMDLINE}' /payload/kernel",
}


def top():
    return pathlib.Path(__file__).resolve().parents[2]


def payload(pk, work):
    kernel, initrd = work / "bench.kernel", work / "bench.initrd"
    data = pk.kernel("amd64")[0].read_bytes()
    if len(data) > KERNEL:
        raise HarnessError(f"the kernel has {len(data)} bytes, more than {KERNEL}")
    kernel.write_bytes(data + bytes(KERNEL - len(data)))
    initrd.write_bytes(os.urandom(INITRD))
    return {"payload/kernel": kernel, "payload/initrd": initrd}


def machine(pk, out, files, name):
    work = out / "work"
    kernel, moddir = pk.kernel("amd64")
    usage = work / "usage"
    subprocess.run(["gcc", "-O2", "-static", "-o", usage, top() / "tests/e2e/usage.c"], check=True)
    binaries, libs = {"usage": usage}, {}
    for cls in (loaders.Xenkdump, loaders.KexecTools):
        b, lib = cls(pk, out.parent).files()
        binaries.update(b)
        libs.update(lib)
    initrd = initramfs.dom0(work / "bench.cpio", pk.busybox("amd64"), moddir, binaries, libs, files)
    disk = work / "bench.disk"
    disk.write_bytes(bytes(MIB))
    xen_args = ("console=com1 com1=115200,8n1 dom0_mem=900M,max:900M crashkernel=384M,below=4G")
    return qemu.Machine(out / "logs" / f"{name}.console", qemu.xen_argv(
        pk.xen(), kernel, initrd, disk, 2048, 2, xen_args, "console=hvc0 panic=-1 rdinit=/init"), 900)


def boot(m):
    m.expect(r"@@ready (\S+) @@", 120, "dom0's shell", bad="Panic on CPU|Kernel panic")


def timed(m, tool):
    """(user seconds, system seconds, peak MiB) of one load."""
    _, out = m.run(f"usage {COMMANDS[tool]}", 180)
    hit = re.search(r"usage user (\d+) sys (\d+) peak (\d+)", out)
    if not hit:
        raise HarnessError(f"usage did not say what was used: {out[-500:]}")
    return int(hit[1]) / 1000, int(hit[2]) / 1000, int(hit[3]) / 1024


def bench_load(pk, out, files):
    """{tool: [(user, sys, peak)]}, taking turns; the first round warms the page cache."""
    rounds = {t: [] for t in COMMANDS}
    with machine(pk, out, files, "bench-load") as m:
        boot(m)
        for i in range(ROUNDS + 1):
            for tool, list_ in rounds.items():
                used = timed(m, tool)
                if i:
                    list_.append(used)
    return rounds


def bench_crash(pk, out, files, tool):
    """Seconds from Xen's jump to the first line of the dump kernel."""
    with machine(pk, out, files, f"bench-crash-{tool}") as m:
        boot(m)
        m.run(COMMANDS[tool], 180)
        m.send_last("echo c >/proc/sysrq-trigger")
        m.expect(r"Executing kexec image on cpu(\d+)", 60, "Xen's crash path")
        start = time.monotonic()
        m.expect(r"Linux version (\S+)", 240, "the dump kernel")
        return time.monotonic() - start


def main():
    build = top() / os.environ.get("O", "build")
    out = build / "e2e"
    pk = packages.Packages(out)
    for d in ("work", "logs"):
        (out / d).mkdir(parents=True, exist_ok=True)
    files = payload(pk, out / "work")
    version = re.search(r"kexec-tools (\S+)", packages_version(pk))
    print(f"dom0 on Xen in QEMU ({qemu.ACCEL}, {qemu.CPU}); kexec-tools {version.group(1)}; "
          f"kernel {KERNEL // MIB} MiB, initrd {INITRD // MIB} MiB; {ROUNDS} rounds")
    rounds = bench_load(pk, out, files)
    for what, value in (("user", lambda u: u[0]), ("system", lambda u: u[1]),
                        ("user+sys", lambda u: u[0] + u[1])):
        row(f"load, {what} time, median",
            {t: statistics.median(map(value, r)) for t, r in rounds.items()}, "s")
    peak = {t: max(u[2] for u in r) for t, r in rounds.items()}
    row("load, peak memory", peak, "MiB")
    print(f"  xenkdump's peak is the payload plus {peak['xenkdump'] - (KERNEL + INITRD) / MIB:.1f} MiB")
    if os.environ.get("BENCH_ONLY") == "load":
        return
    crash = {t: statistics.median(bench_crash(pk, out, files, t) for _ in range(3)) for t in COMMANDS}
    row("crash to first line of the dump kernel, median of 3", crash, "s")


def packages_version(pk):
    return subprocess.run([pk.kexec_tools(), "-v"], capture_output=True, text=True,
                          check=True).stdout


def row(what, values, unit):
    ours, theirs = values["xenkdump"], values["kexec"]
    print(f"{what}: xenkdump {ours:.2f} {unit}, kexec-tools {theirs:.2f} {unit}, "
          f"ratio {ours / theirs:.2f}", flush=True)


if __name__ == "__main__":
    main()
