#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""`load` against kexec-tools inside one dom0 and, both builds of both, on one Linux without Xen; and
the time from Xen's crash to the dump kernel with each.

All load the same kernel of 10 MiB (Debian's, padded) and initrd of 64 MiB (random bytes), taking
turns, on two CPU models: with the SHA instructions of the hosts that are armed today, and without.
Printed: medians of processor time, peak memory, and the ratios. BENCH_ONLY=native, or load or crash,
or several with spaces between: only these parts. BENCH_ROUNDS=n. E2E_CPU: only this model.
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
CPUS = (packages.Backports.SHA_NI_CPU, "qemu64")
CMDLINE = "console=ttyS0,115200 nr_cpus=1"
OURS = "{program} load --initrd /payload/initrd --command-line '{cmdline}' /payload/kernel"
THEIRS = "{program} -p --initrd=/payload/initrd --command-line='{cmdline}' /payload/kernel"


def commands(programs):
    """{name: command line}, kexec-tools' where the name begins with it."""
    return {n: (THEIRS if n.startswith("kexec") else OURS).format(program=p, cmdline=CMDLINE)
            for n, p in programs.items()}


IN_DOM0 = commands({"xenkdump": "xenkdump", "kexec-tools": "kexec"})
NATIVE = commands({f"{tool} {arch}": f"/{arch}/{name}" for arch in ("amd64", "i386")
                   for tool, name in (("xenkdump", "xenkdump"), ("kexec-tools", "kexec"))})


def top():
    return pathlib.Path(__file__).resolve().parents[2]


def payload(pk, work):
    kernel, initrd = work / "bench.kernel", work / "bench.initrd"
    data = pk.kernel("amd64")[0].read_bytes()
    if len(data) > KERNEL:
        raise HarnessError(f"the kernel has {len(data)} bytes, more than {KERNEL}")
    kernel.write_bytes(data + bytes(KERNEL - len(data)))
    initrd.write_bytes(os.urandom(INITRD))
    beside = {f"payload/{n}": p for n, p in pk.kernel_config("amd64").items()}
    return {"payload/kernel": kernel, "payload/initrd": initrd, **beside}


def usage(out):
    path = out / "work" / "usage"
    subprocess.run(["gcc", "-O2", "-static", "-o", path, top() / "tests/e2e/usage.c"], check=True)
    return path


def disk(out):
    path = out / "work" / "bench.disk"
    path.write_bytes(bytes(MIB))
    return path


def dom0_machine(pk, out, files, name, cpu=None):
    kernel, moddir = pk.kernel("amd64")
    binaries, libs = {"usage": usage(out)}, {}
    for cls in (loaders.Xenkdump, loaders.KexecTools):
        b, lib = cls(pk, out.parent).files()
        binaries.update(b)
        libs.update(lib)
    initrd = initramfs.dom0(out / "work" / "bench.cpio", pk.busybox("amd64"), moddir, binaries, libs,
                            files)
    xen_args = ("console=com1 com1=115200,8n1 dom0_mem=900M,max:900M crashkernel=384M,below=4G")
    return qemu.Machine(out / "logs" / f"{name}.console", qemu.xen_argv(
        pk.xen(), kernel, initrd, disk(out), 2048, 2, xen_args, "console=hvc0 panic=-1 rdinit=/init",
        cpu), 900)


def native_machine(pk, out, files, name, cpu):
    """All four programs; the region lies below 896 MiB, for kexec-tools' i386 build."""
    programs, libs = {"bin/usage": usage(out)}, {}
    for cls in (loaders.Xenkdump, loaders.KexecTools):
        for arch in ("amd64", "i386"):
            p, lib = cls(pk, out.parent, os.environ.get("O_I386")).native_files(arch)
            programs.update(p)
            libs.update({(n, arch): src for n, src in lib.items()})
    initrd = initramfs.host(out / "work" / "bench.cpio", pk.busybox("amd64"), (), programs, libs, files)
    return qemu.Machine(out / "logs" / f"{name}.console", qemu.linux_argv(
        pk.kernel("amd64")[0], initrd, disk(out), 1024, 2,
        "console=ttyS0,115200 panic=-1 rdinit=/init crashkernel=256M", cpu), 900)


def boot(m):
    m.expect(r"@@ready (\S+) @@", 120, "the host's shell", bad="Panic on CPU|Kernel panic")


def timed(m, command):
    """(user seconds, system seconds, peak MiB) of one load."""
    _, out = m.run(f"usage {command}", 180)
    hit = re.search(r"usage user (\d+) sys (\d+) peak (\d+)", out)
    if not hit:
        raise HarnessError(f"usage did not say what was used: {out[-500:]}")
    return int(hit[1]) / 1000, int(hit[2]) / 1000, int(hit[3]) / 1024


def bench_load(machine, tools):
    """{tool: [(user, sys, peak)]}, taking turns; the first round warms the page cache."""
    rounds = {t: [] for t in tools}
    with machine as m:
        boot(m)
        for i in range(ROUNDS + 1):
            for tool, list_ in rounds.items():
                used = timed(m, tools[tool])
                if i:
                    list_.append(used)
    return rounds


def bench_crash(pk, out, files, tool):
    """Seconds from Xen's jump to the first line of the dump kernel."""
    with dom0_machine(pk, out, files, f"bench-crash-{tool}") as m:
        boot(m)
        m.run(IN_DOM0[tool], 180)
        m.send_last("echo c >/proc/sysrq-trigger")
        m.expect(r"Executing kexec image on cpu(\d+)", 60, "Xen's crash path")
        start = time.monotonic()
        m.expect(r"Linux version (\S+)", 240, "the dump kernel")
        return time.monotonic() - start


def show_load(rounds, ours, theirs, where):
    for what, value in (("user", lambda u: u[0]), ("system", lambda u: u[1]),
                        ("user+sys", lambda u: u[0] + u[1])):
        row(f"{where}, {what} time, median", *(statistics.median(map(value, rounds[t]))
                                               for t in (ours, theirs)), "s")
    peak, other = (max(u[2] for u in rounds[t]) for t in (ours, theirs))
    row(f"{where}, peak memory", peak, other, "MiB")
    print(f"  xenkdump's peak is the payload plus {peak - (KERNEL + INITRD) / MIB:.1f} MiB")


def bench_loads(pk, out, files, parts, cpu):
    if "load" in parts:
        rounds = bench_load(dom0_machine(pk, out, files, "bench-load", cpu), IN_DOM0)
        show_load(rounds, "xenkdump", "kexec-tools", f"{cpu}: load in dom0 on Xen")
    if "native" in parts:
        rounds = bench_load(native_machine(pk, out, files, "bench-native", cpu), NATIVE)
        for arch in ("amd64", "i386"):
            show_load(rounds, f"xenkdump {arch}", f"kexec-tools {arch}",
                      f"{cpu}: load on x86_64 Linux, {arch} builds")


def main():
    build = top() / os.environ.get("O", "build")
    out = build / "e2e"
    pk = packages.Packages(out)
    for d in ("work", "logs"):
        (out / d).mkdir(parents=True, exist_ok=True)
    files = payload(pk, out / "work")
    # The emulator that knows the SHA instructions, for both models, so that they can be compared.
    os.environ.setdefault("E2E_QEMU", str(packages.Backports(out).qemu()))
    print(f"{program_version()}, {qemu.ACCEL}; kexec-tools {kexec_version(pk)}; "
          f"kernel {KERNEL // MIB} MiB, initrd {INITRD // MIB} MiB; {ROUNDS} rounds")
    parts = os.environ.get("BENCH_ONLY", "load native crash").split()
    for cpu in [os.environ["E2E_CPU"]] if "E2E_CPU" in os.environ else CPUS:
        bench_loads(pk, out, files, parts, cpu)
    if "crash" in parts:
        row("Xen's crash to first line of the dump kernel, median of 3",
            *(statistics.median(bench_crash(pk, out, files, t) for _ in range(3))
              for t in ("xenkdump", "kexec-tools")), "s")


def kexec_version(pk):
    text = subprocess.run([pk.kexec_tools(), "-v"], capture_output=True, text=True, check=True).stdout
    return re.search(r"kexec-tools (\S+)", text)[1]


def program_version():
    text = subprocess.run([os.environ["E2E_QEMU"], "--version"], capture_output=True, text=True,
                          check=True).stdout
    return "QEMU " + re.search(r"version (\S+)", text)[1]


def row(what, ours, theirs, unit):
    print(f"{what}: xenkdump {ours:.2f} {unit}, kexec-tools {theirs:.2f} {unit}, "
          f"ratio {ours / theirs:.2f}", flush=True)


if __name__ == "__main__":
    main()
