#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""save against makedumpfile on the same cores, taking turns; the figures of doc/bench.md.

The cores: the synthetic bench-a, bench-b and tib (tests/save/synth.py), and each of BENCH_CORE
(paths with spaces between): real ones, which are left out when none is given. What a tool used is
the kernel's account of its processor time, which a busy machine changes less than the time on the
clock; where threads are compared it is the clock. Each case is run once to warm up and then
BENCH_ROUNDS times (5). Outputs go to BENCH_TMP (/dev/shm), a tmpfs.

BENCH_ONLY=a, b, tib, real: only these. MAKEDUMPFILE: another build of the peer, for Debian 12's is
without zstd and snappy.
"""
import collections
import os
import pathlib
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("O", "build")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
ONLY = os.environ.get("BENCH_ONLY", "a b tib real").split()
PEER = os.environ.get("MAKEDUMPFILE", "makedumpfile")
CPUS = sorted(os.sched_getaffinity(0))
MIB = 1 << 20
PEAK_BAR = 64  # MiB
OURS = {"zlib": "zlib", "lzo": "lzo", "zstd": "zstd", "snappy": "snappy"}
THEIRS = {"zlib": "-c", "lzo": "-l", "zstd": "-z", "snappy": "-p"}

# One run: seconds, MiB, bytes of the dump, what it said.
Run = collections.namedtuple("Run", "wall cpu peak size text")


class Refused(Exception):
    """The tool does not do it."""


def peer_has():
    """The codecs of this build of makedumpfile."""
    said = subprocess.run([PEER, "-v"], capture_output=True, text=True, check=True).stdout
    on = re.findall(r"^(lzo|snappy|zstd)\s+enabled", said, re.M)
    return said.splitlines()[0], ["zlib"] + on


def is_xen(path):
    """Whether the notes of an ELF64 core name Xen's VMCOREINFO."""
    with open(path, "rb") as f:
        head = f.read(64)
        if head[:5] != b"\x7fELF\2":
            return False
        phoff, phnum = struct.unpack_from("<Q", head, 32)[0], struct.unpack_from("<H", head, 56)[0]
        f.seek(phoff)
        table = f.read(56 * phnum)
        for i in range(phnum):
            kind, _, off, _, _, size = struct.unpack_from("<IIQQQQ", table, 56 * i)
            f.seek(off)
            if kind == 4 and b"VMCOREINFO_XEN\0" in f.read(size):
                return True
    return False


def run(argv, out, cpus):
    """`out`: the dump it writes, which is removed; None if it writes none."""
    said = pathlib.Path(tempfile.gettempdir()) / f"bench-save-{os.getpid()}.said"
    with open(said, "wb") as f:
        begin = time.monotonic()
        code = subprocess.run([BUILD / "save/usage", *argv], stdin=subprocess.DEVNULL, stdout=f,
                              stderr=subprocess.STDOUT, check=False,
                              preexec_fn=lambda: os.sched_setaffinity(0, CPUS[:cpus])).returncode
        wall = time.monotonic() - begin
    text = said.read_text("latin-1")
    said.unlink()
    hit = re.search(r"^usage user (\d+) sys (\d+) peak (\d+)$", text, re.M)
    size = out.stat().st_size if out and out.exists() else 0
    if out:
        out.unlink(missing_ok=True)
    if code or not hit or (out and not size):
        raise Refused(text.strip().splitlines()[-2:] if not code else text.strip()[-300:])
    return Run(wall, (int(hit[1]) + int(hit[2])) / 1000, int(hit[3]) / 1024, size, text)


class Cases:
    """Commands on one core, run in turns; afterwards `got[name]` is a Run of medians, its peak and its
    size the largest (with several threads sizes differ a little), or what the tool said when it refused."""

    def __init__(self, core, work):
        self.core, self.work, self.list, self.got = core, work, {}, {}

    def ours(self, name, *options, cpus=1, writes=True):
        out = self.work / "ours"
        self.list[name] = ([BUILD / "xenkdump", "save", *options, *(("--no-small", "-o", out) if writes else ()),
                            self.core], out if writes else None, cpus)

    def theirs(self, name, *options, cpus=1, writes=True):
        out = self.work / "theirs"
        self.list[name] = ([PEER, *options, "--message-level", "16", self.core, out],
                           out if writes else None, cpus)

    def measure(self):
        runs = {n: [] for n in self.list}
        for i in range(ROUNDS + 1):
            for name in list(runs):
                argv, out, cpus = self.list[name]
                try:
                    one = run(argv, out, cpus)
                except Refused as e:
                    self.got[name] = str(e)
                    del runs[name]
                    continue
                if i:
                    runs[name].append(one)
        for name, v in runs.items():
            mid = [statistics.median(getattr(r, k) for r in v) for k in ("wall", "cpu")]
            self.got[name] = Run(*mid, max(r.peak for r in v), max(r.size for r in v), v[-1].text)
            self.got[name, "texts"] = [r.text for r in v]
        for name, r in self.got.items():
            if isinstance(r, Run):
                print(f"    {name:24} {r.wall:7.2f} s  cpu {r.cpu:7.2f} s  {r.peak:6.1f} MiB"
                      f"  {r.size:>12} bytes")
        sys.stdout.flush()


class Table:
    def __init__(self):
        self.rows = []

    def title(self, text):
        self.rows.append(f"\n{text}\n\n| | xenkdump | makedumpfile | ratio | bar | |\n|---|---|---|---|---|---|")

    def row(self, what, ours, theirs, ratio="", bar=None, most=False):
        """`bar`: the ratio's least, or with `most` its largest."""
        verdict = ""
        if bar is not None and ratio != "":
            verdict = "met" if (ratio <= bar if most else ratio >= bar) else "not met"
        shown = f"{ratio:.3f}" if most and ratio != "" else f"{ratio:.2f}" if ratio != "" else ""
        wanted = "" if bar is None else f"{'at most' if most else 'at least'} {bar:g}"
        self.rows.append(f"| {what} | {ours} | {theirs} | {shown} | {wanted} | {verdict} |")


def said(got):
    """A line of what a tool said when it refused."""
    return got if isinstance(got, str) else ""


def pair(t, c, what, ours, theirs, bar, clock=False):
    """A row of times and one of sizes."""
    a, b = c.got.get(ours), c.got.get(theirs)
    if not isinstance(a, Run) or not isinstance(b, Run):
        t.row(what, *(f"{(r.wall if clock else r.cpu):.2f} s" if isinstance(r, Run) else "not in this build"
                      for r in (a, b)))
        return
    x, y = (a.wall, b.wall) if clock else (a.cpu, b.cpu)
    t.row(what, f"{x:.2f} s", f"{y:.2f} s", y / x, bar)
    t.row(f"{what}: size", f"{a.size / MIB:.1f} MiB", f"{b.size / MIB:.1f} MiB", a.size / b.size,
          1 if what.startswith("zlib") else None, most=True)


def codecs(t, name, core, work, xen, has):
    """The same pages on both sides: all of them, those of zeros once."""
    c = Cases(core, work)
    whole = ["--all-domains"] if xen else []
    for codec, option in OURS.items():
        c.ours(codec, *whole, "--threads", "1", "--compress", option)
    c.ours("zlib, 2", *whole, "--threads", "2", "--compress", "zlib", cpus=2)
    c.ours("zstd, 2", *whole, "--threads", "2", "--compress", "zstd", cpus=2)
    c.ours("as it comes", *whole, cpus=len(CPUS))
    for codec in has:
        c.theirs(f"peer {codec}", "-d", "1", THEIRS[codec])
    if not xen:
        c.theirs("peer zlib, 2", "-d", "1", "-c", "--num-threads", "2", cpus=2)
    print(f"{name}:")
    c.measure()
    t.title(f"{name}, all pages, user+sys time with one thread")
    for codec, bar in (("zlib", 2.5), ("lzo", 1.5), ("zstd", 1.5), ("snappy", None)):
        pair(t, c, f"{codec}", codec, f"peer {codec}", bar)
    fast = min((k for k in OURS if isinstance(c.got[k], Run)), key=lambda k: c.got[k].cpu)
    for codec in ("lzo", "zstd"):
        if f"peer {codec}" in c.got:
            pair(t, c, f"our fastest, {fast}, and its {THEIRS[codec]}", fast, f"peer {codec}", 1.5)
    t.title(f"{name}, time on the clock")
    for codec in ("zlib", "zstd"):
        one, two = c.got[codec], c.got[f"{codec}, 2"]
        t.row(f"{codec}, 1 and 2 threads of ours", f"{one.wall:.2f} s, {two.wall:.2f} s", "",
              one.wall / two.wall, 1.8)
    pair(t, c, "no options (zstd, a thread for each CPU), and -c", "as it comes", "peer zlib", None, True)
    if xen:
        t.row("no options, and -c --num-threads 2", f"{c.got['as it comes'].wall:.2f} s", "refused for Xen's cores")
    else:
        pair(t, c, "no options, and -c --num-threads 2", "as it comes", "peer zlib, 2", None, True)
    peaks(t, c)


def peaks(t, c):
    ours = max(r.peak for n, r in c.got.items() if isinstance(r, Run) and not n.startswith("peer"))
    theirs = [r.peak for n, r in c.got.items() if isinstance(r, Run) and n.startswith("peer")]
    t.row("peak memory, of all these runs, MiB", f"{ours:.1f}", f"{max(theirs):.1f}" if theirs else "")
    t.rows[-1] = t.rows[-1].replace("|  |  |  |", f"|  | at most {PEAK_BAR} | "
                                    f"{'met' if ours <= PEAK_BAR else 'not met'} |")


def step(text, name):
    hit = re.search(rf"STEP \[{name} *\] : ([\d.]+) seconds", text)
    return float(hit[1]) if hit else None


def entries(r):
    """Pages that the core describes, by our own summary."""
    return int(re.search(r'"pages":\s*(\d+)', r.text)[1])


def filters(t, work):
    """32 GiB of which 2 are kept: what leaving out the guests costs, and the dump."""
    c = Cases(BUILD / "save/bench-b.core", work)
    c.ours("count", "--dry-run", "--json", "--threads", "1", writes=False)
    c.ours("zlib", "--threads", "1", "--compress", "zlib")
    c.theirs("peer count", "-X", "-d", "1", "--dry-run", writes=False)
    c.theirs("peer zlib", "-X", "-d", "1", "-c")
    print("bench-b:")
    c.measure()
    n = entries(c.got["count"]) / 1e6
    phase = statistics.median(step(x, "Excluding xen user domain") for x in c.got["peer count", "texts"])
    t.title(f"bench-b: 32 GiB, {n:.2f} million pages; user+sys time")
    ours = c.got["count"].cpu
    t.row("guests and free pages told apart, Mpages/s: our whole `--dry-run`; its phase",
          f"{n / ours:.0f}", f"{n / phase:.1f}", n / ours, 100)
    t.rows[-1] = t.rows[-1].replace(f"| {n / ours:.2f} | at least 100", f"| {phase / ours:.2f} | at least 100 Mpages/s")
    pair(t, c, "zlib, guests left out, one thread", "zlib", "peer zlib", None)
    peaks(t, c)
    return ours, n


def tib(t, work, small):
    """1 TiB: the same shape, 32 times the pages of bench-b."""
    c = Cases(BUILD / "save/tib.core", work)
    c.ours("count", "--dry-run", "--json", "--threads", "1", writes=False)
    c.ours("zlib", "--threads", "1", "--compress", "zlib")
    c.ours("as it comes", cpus=len(CPUS))
    print("tib:")
    c.measure()
    n = entries(c.got["count"]) / 1e6
    count = c.got["count"].cpu
    t.title(f"tib: 1 TiB, {n:.1f} million pages; user+sys time")
    t.row("`--dry-run`", f"{count:.2f} s", "not run")
    if small:
        rate = (n - small[1]) / (count - small[0])
        t.row("a page more, Mpages/s: by the difference to bench-b", f"{rate:.0f}", "", rate, 100)
    for name, what in (("zlib", "zlib, one thread"), ("as it comes", "no options")):
        r = c.got[name]
        t.row(f"{what}: user+sys, clock, size", f"{r.cpu:.2f} s, {r.wall:.2f} s, {r.size / MIB:.1f} MiB", "not run")
    peaks(t, c)


def levels(t, name, core, work, xen):
    """All that may be left out, without vmlinux on either side."""
    c = Cases(core, work)
    c.ours("zlib", "-d", "31", "--threads", "1", "--compress", "zlib")
    c.theirs("peer zlib", *(["-X"] if xen else []), "-d", "31", "-c")
    print(f"{name}, -d 31:")
    c.measure()
    t.title(f"{name}, `-d 31`, without vmlinux, user+sys time with one thread")
    pair(t, c, "zlib", "zlib", "peer zlib", None)
    peaks(t, c)


def main():
    version, has = peer_has()
    t, small = Table(), None
    made = [n for n, k in (("bench-a", "a"), ("bench-b", "b"), ("tib", "tib")) if k in ONLY]
    subprocess.run(["make", "-s", f"O={BUILD}", f"{BUILD}/save/usage",
                    *(f"core-{n}" for n in made if not (BUILD / f"save/{n}.core").exists())],
                   cwd=TOP, check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory(prefix="xenkdump-bench-", dir=os.environ.get("BENCH_TMP", "/dev/shm")) as tmp:
        work = pathlib.Path(tmp)
        if "a" in ONLY:
            codecs(t, "bench-a: 1 GiB", BUILD / "save/bench-a.core", work, True, has)
        if "b" in ONLY:
            small = filters(t, work)
        if "tib" in ONLY:
            tib(t, work, small)
        for path in os.environ.get("BENCH_CORE", "").split() if "real" in ONLY else ():
            core, xen = pathlib.Path(path), is_xen(path)
            name = f"a real core of {'Xen' if xen else 'Linux'}, {core.stat().st_size / MIB:.0f} MiB"
            codecs(t, name, core, work, xen, has)
            levels(t, name, core, work, xen)
    print(f"\nmakedumpfile: {version}; its codecs: {', '.join(has)}; {ROUNDS} rounds, medians")
    print("\n".join(t.rows))
    if "real" in ONLY and not os.environ.get("BENCH_CORE"):
        print("\nreal cores: none was given (BENCH_CORE=PATH)")


if __name__ == "__main__":
    main()
