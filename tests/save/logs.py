#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""logs.py OUT CONSOLE [CORE]: that OUT.dmesg and OUT.xen, made by `xenkdump save -o OUT`, hold what
the machine said on its serial console before it died, in that order, its last words included; and,
with CORE, that OUT.dmesg is what makedumpfile and vmcore-dmesg, where they are installed and can
read the core, take the log to be.

The console is the witness: it was written by the machine while it ran, and not from its memory.
Not on it is what was too unimportant for the console; so the files may hold more, but not less.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from errors import Failure  # noqa: E402

STAMP = re.compile(rb"\[ *\d+\.\d{6}\] ")
BANNER = re.compile(rb"\[ *\d+\.\d{6}\] Linux version ")
XEN = b"(XEN) "
XEN_LAST = re.compile(rb"Executing (kexec|crash) image")
REMARK = b"[xenkdump: "
PEERS = (
    ("makedumpfile", lambda core, out: ["makedumpfile", "--dump-dmesg", core, out], None),
    ("vmcore-dmesg", lambda core, _: ["vmcore-dmesg", core], "stdout"),
)


def need(cond, text):
    if not cond:
        raise Failure("logs: " + text)


def first_life(lines):
    """What came before the dump kernel: it begins with a second banner of Linux, or the first when
    what crashed is no Linux."""
    banners = [i for i, line in enumerate(lines) if BANNER.match(line)]
    xen = [i for i, line in enumerate(lines) if line.startswith(XEN) and XEN_LAST.search(line)]
    end = len(lines)
    if xen:
        end = next((i for i in banners if i > xen[-1]), end)
    elif len(banners) > 1:
        end = banners[1]
    return lines[:end]


def read_lines(path):
    with open(path, "rb") as f:
        return [line.rstrip(b"\r") for line in f.read().split(b"\n")]


def escaped(line):
    return b"".join(bytes([c]) if 0x20 <= c < 0x7f or c == 9 else b"\\x%02x" % c for c in line)


def in_order(said, kept, what):
    """Every line of `said` is in `kept`, in that order."""
    at = 0
    for line in said:
        try:
            at = kept.index(line, at) + 1
        except ValueError:
            raise Failure(f"logs: {what}: not there, or not in its place: {line!r}") from None


def since_overwritten(said, kept):
    """Both without what a ring that has wrapped lost: the first line that is kept may have lost its
    beginning, and lines before it are gone."""
    if not kept or not (kept[0].startswith(REMARK) and b"overwritten" in kept[0]):
        return said, kept
    kept = kept[2:]
    at, first = len(kept), len(said)
    while first:  # from the end on, since a line may have been said more than once
        before = next((i for i in range(at - 1, -1, -1) if kept[i] == said[first - 1]), None)
        if before is None:
            break
        at, first = before, first - 1
    need(first < len(said), "nothing of what was said last is there")
    lost = [line for line in kept[:at] if line in said[:first]]
    need(not lost, f"after {lost[-1:]} not there, or not in its place: {said[first - 1]!r}")
    return said[first:], kept


def check_dmesg(out, console):
    kept = read_lines(out + ".dmesg")
    need(kept.pop() == b"", "the last line of the log does not end")
    said = [escaped(line) for line in console if STAMP.match(line)]
    if not said:
        return f"no line of Linux on the console; the file says {kept[:1]}"
    said, kept = since_overwritten(said, kept)
    remarks = [line for line in kept if line.startswith(REMARK)]
    need(not remarks, f"something is missing in the log: {remarks}")
    need(all(STAMP.match(line) for line in kept), "a line without its time")
    in_order(said, kept, "kernel log")
    panic = [line for line in said if b"Kernel panic - not syncing" in line]
    need(not panic or panic[-1] in kept, "the panic is not in the log")
    return f"{len(said)} lines of the console are in {len(kept)} of the log" + (
        ", the panic too" if panic else "")


def check_ring(out, console):
    said = [escaped(line) for line in console if line.startswith(XEN)]
    if not said:
        need(not os.path.exists(out + ".xen"), "a console ring where there is no Xen")
        return "no Xen"
    kept = read_lines(out + ".xen")
    if kept[0].startswith(REMARK) and len(kept) == 2:
        return "no ring: " + kept[0].decode()
    said, kept = since_overwritten(said, kept)
    need(not [line for line in kept if line.startswith(REMARK)], f"not all of the ring: {kept[0]!r}")
    in_order(said, kept, "console ring")
    need(XEN_LAST.search(b"\n".join(kept[-4:])), "the ring does not end with the crash")
    return f"{len(said)} lines of the console are in {len(kept) - 1} of the ring"


def check_peers(out, core):
    with open(out + ".dmesg", "rb") as f:
        ours = f.read()
    said = []
    for name, command, where in PEERS:
        if not shutil.which(name):
            said.append(f"{name}: not installed")
            continue
        with tempfile.TemporaryDirectory() as tmp:
            theirs = os.path.join(tmp, "log")
            got = subprocess.run(command(core, theirs), stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, check=False)
            if got.returncode:
                said.append(f"{name}: cannot read this core")
                continue
            if not where:
                with open(theirs, "rb") as f:
                    got.stdout = f.read()
        need(got.stdout == ours, f"{name} has another log ({len(got.stdout)} bytes, {len(ours)})")
        said.append(f"{name}: the same {len(ours)} bytes")
    return "; ".join(said)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    out = sys.argv[1]
    try:
        console = first_life(read_lines(sys.argv[2]))
        print(check_dmesg(out, console))
        print(check_ring(out, console))
        if len(sys.argv) == 4:
            print(check_peers(out, sys.argv[3]))
    except (Failure, OSError) as e:
        sys.exit(f"{out}: {e}")


if __name__ == "__main__":
    main()
