#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a loader does before its system call, on this CPU and not an emulated one.

`xenkdump plan` for the facts of a dom0, and kexec-tools' `kexec -l` where the system call does not
exist (nokexec.c): each reads the same kernel of 10 MiB and initrd of 64 MiB, places and hashes
them. Nothing is loaded. The emulated machine of bench.py has no SHA-NI, the hosts of our users do.
"""
import os
import pathlib
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/e2e"))

import bench  # noqa: E402
import packages  # noqa: E402

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))


def spent(argv, marker, out):
    """Processor seconds of one run, which must have got as far as printing the marker."""
    with open(out, "wb") as f:
        proc = subprocess.Popen(argv, stdout=f, stderr=subprocess.STDOUT)
        _, _, used = os.wait4(proc.pid, 0)
    if marker not in out.read_bytes():
        raise SystemExit(f"{argv}: did not come to {marker}: {out.read_text('latin-1')[-500:]}")
    return used.ru_utime + used.ru_stime


def main():
    build = TOP / os.environ.get("O", "build")
    work = build / "e2e/work"
    work.mkdir(parents=True, exist_ok=True)
    pk = packages.Packages(build / "e2e")
    bench.payload(pk, work)
    kernel, initrd = work / "bench.kernel", work / "bench.initrd"
    guard = work / "nokexec"
    subprocess.run(["gcc", "-O2", "-o", guard, TOP / "tests/bench/nokexec.c"], check=True)
    runs = {
        "xenkdump": ([build / "xenkdump", "plan", "--facts",
                      TOP / "tests/hosts/xen-4.17-64/facts.txt", "--initrd", initrd, kernel],
                     b"purgatory"),
        "kexec": ([guard, pk.kexec_tools(), "-c", "-l", f"--initrd={initrd}",
                   "--command-line=x", kernel], b"kexec_load failed: Function not implemented"),
    }
    times = {t: [] for t in runs}
    for i in range(ROUNDS + 1):
        for tool, (argv, marker) in runs.items():
            used = spent(argv, marker, work / "on-this-cpu.out")
            if i:
                times[tool].append(used)
    bench.row("up to the system call, on this CPU, user+sys time, median",
              {t: statistics.median(v) for t, v in times.items()}, "s")


if __name__ == "__main__":
    main()
