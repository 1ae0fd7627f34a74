#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The purgatory blobs by themselves under QEMU (TCG): usage: run.py BUILD-FOLDER [CASE...]

Each case is a small machine: loader.S puts a blob, its regions and a fake kernel (kernel.c) into
memory, and jumps to the blob with garbage in every register, with descriptor tables that are not
there and, for the x86_64 blob, with page tables that map the segments only. What the machine then
says on its serial port is compared with what machine.py computes on its own. Here: the cases.
"""
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../e2e")]
sys.dont_write_bytecode = True

from errors import HarnessError  # noqa: E402
from machine import (  # noqa: E402
    ACT_BAD_SELECTOR, ACT_NMI, ACT_PAGE_FAULT, ACT_UD2, CONTINUE, CR0_EM, CR0_TS, F_SERIAL,
    F_VERBOSE, F_VGA, HALT, PAGE, PREFIX, Case, Failure, GiB, MiB, check)
from packages import Backports  # noqa: E402

HIGH = 5 * GiB + 0x3000  # not aligned to 2 MiB
BOTH = [("i386", 32), ("x86_64", 64)]


def good(c, tmp):
    c.run(tmp)
    c.expect_kernel()
    check(not c.said(), "not silent: %r" % c.said())


def sha_ni(c, tmp):
    """The digests are computed by the SHA instructions if and only if the CPU has them, and those
    find what plain C finds: nothing where nothing is wrong, and the very byte that is."""
    wanted = "sha-ni" in c.cpu
    c.program = str(Backports(os.path.join(c.build, "e2e")).qemu())
    c.log_items = "cpu_reset,in_asm"
    (corrupt if c.corrupt else good)(c, tmp)
    with open(c.log) as f:
        ran = "sha256rnds2" in f.read()
    check(ran == wanted, "the SHA instructions ran: %s, must be %s" % (ran, wanted))


def variants():
    """Cases that are the same for several set-ups."""
    for blob, bits in BOTH:
        for name, cpu in (("sha-ni", Backports.SHA_NI_CPU), ("no-sha-ni", "qemu64")):
            kw = dict(blob=blob, bits=bits, cpu=cpu)
            yield "%s-%s" % (name, blob), sha_ni, kw
            yield "%s-corrupt-%s" % (name, blob), sha_ni, dict(kw, corrupt={"initrd": MiB + 2})
    for cpu in ("qemu64", "Haswell-noTSX"):
        yield "good-i386-" + cpu, good, dict(blob="i386", bits=32, cpu=cpu)
        yield "good-x86_64-" + cpu, good, dict(blob="x86_64", bits=64, cpu=cpu)
        yield "good-x86_64-to-32-" + cpu, good, dict(blob="x86_64", bits=32, cpu=cpu)
    yield "good-x86_64-above-4g", good, dict(blob="x86_64", bits=64, base=HIGH, mem="6G")
    yield "good-x86_64-la57", good, dict(blob="x86_64", bits=64, la57=True)
    yield "good-x86_64-la57-above-4g", good, dict(
        blob="x86_64", bits=64, base=HIGH, mem="6G", la57=True)
    yield "good-x86_64-la57-to-32", good, dict(blob="x86_64", bits=32, la57=True)
    # the range is mapped as far as purgatory maps, 16 GiB, and no further: 4 GiB + 16 GiB - 8
    yield "good-x86_64-largest-map", good, dict(
        blob="x86_64", bits=64, base=HIGH, mem="6G", override={"map_end": 1 << 46})
    for blob, bits in BOTH:
        kw = dict(blob=blob, bits=bits)
        yield "verbose-" + blob, verbose, dict(kw, flags=F_SERIAL | F_VERBOSE, divisor=1)
        yield "vector-unit-" + blob, verbose, dict(
            kw, flags=F_SERIAL | F_VERBOSE, cr0=CR0_EM | CR0_TS,
            blob_file="tests/purgatory/sse-%s.bin" % blob)
        yield "corrupt-" + blob, corrupt, dict(kw, corrupt={"initrd": MiB + 2}, delay=3)
        yield "corrupt-two-" + blob, corrupt, dict(kw, corrupt={"elfcore": 0, "kernel": 4000})
        yield "corrupt-params-" + blob, corrupt, dict(kw, corrupt={"bootparams": 1}, delay=0)
        yield "wrong-digest-" + blob, wrong_digest, kw
        yield "continue-" + blob, go_on, dict(
            kw, corrupt={"sixteen chars...": 99}, on_corruption=CONTINUE)
        yield "halt-vga-" + blob, halt, dict(
            kw, corrupt={"initrd": 0}, on_corruption=HALT, flags=F_SERIAL | F_VGA)
        yield "no-backup-" + blob, no_backup, dict(kw, backup=(0, 0))
        yield "nmi-" + blob, nmi, dict(kw, action=ACT_NMI)
        yield "exception-ud2-" + blob, ud2, dict(kw, action=ACT_UD2)
        yield "exception-gp-" + blob, bad_selector, dict(kw, action=ACT_BAD_SELECTOR)
        yield "no-uart-" + blob, mute, dict(kw, serial_port=0x2F8, corrupt={"initrd": 0})
        # LSR would be DMA page register 0x8f, which reads as 0: never ready
        yield "stuck-uart-" + blob, mute, dict(kw, serial_port=0x8A, corrupt={"initrd": 0})
        yield "not-asked-to-speak-" + blob, mute, dict(kw, flags=0, corrupt={"initrd": 0})
        yield "too-many-regions-" + blob, refused, dict(kw, override={"nr": 17})
        yield "entry-16-" + blob, refused, dict(kw, override={"bits": 16})
        yield "region-unreachable-" + blob, refused, dict(
            kw, override={"region": (15, 1 << 46, 4096)})
        yield "region-wraps-" + blob, refused, dict(
            kw, override={"region": (15, 0x1000, (1 << 64) - 0x800)})
        yield "backup-unreachable-" + blob, refused, dict(kw, override={"dst": 4 * GiB - PAGE})
        yield "refused-and-continue-" + blob, refused, dict(
            kw, override={"nr": 99}, on_corruption=CONTINUE)
        # what resets the machine where the chipset has no 0xcf9, and where nothing does
        yield "reset-by-keyboard-" + blob, corrupt, dict(
            kw, corrupt={"initrd": 0}, machine="isapc")
        yield "reset-by-triple-fault-" + blob, triple_fault, dict(
            kw, corrupt={"initrd": 0}, machine="isapc,i8042=off")
        yield "no-timer-" + blob, no_timer, dict(kw, corrupt={"initrd": 0}, machine="pc,pit=off")
        yield "q35-" + blob, corrupt, dict(kw, corrupt={"initrd": 0}, machine="q35")
    yield "exception-pf-x86_64", page_fault, dict(blob="x86_64", bits=64, action=ACT_PAGE_FAULT)
    yield "corrupt-x86_64-above-4g", corrupt, dict(
        blob="x86_64", bits=64, base=HIGH, mem="6G", corrupt={"initrd": 0})
    yield "entry-64-i386", refused, dict(blob="i386", bits=32, override={"bits": 64})
    yield "entry-32-above-4g", refused, dict(
        blob="x86_64", bits=64, base=HIGH, mem="6G", override={"bits": 32})
    yield "outside-largest-map", refused, dict(
        blob="x86_64", bits=64, base=HIGH, mem="6G",
        override={"map_end": 1 << 46, "region": (15, HIGH // (2 * MiB) * 2 * MiB + 16 * GiB - 7, 8)})


def verbose(c, tmp):
    c.run(tmp)
    c.expect_kernel()
    c.expect_said(
        "%d-bit, at 0x%x" % (64 if c.blob == "x86_64" else 32, c.purg_at),
        "checking 16 regions by " + ("SHA-NI" if "sse" in c.blob_file else "plain code"),
        *["%s at 0x%x, 0x%x bytes: good" % (n, at, len(d)) for n, at, d in c.regions],
        "backing up 0xa0000 bytes at 0x0 to 0x%x" % c.backup_at,
        "entering the kernel at 0x%x in %d-bit mode" % (c.regions[0][1], c.bits))


def corrupt(c, tmp):
    c.run(tmp)
    bad = [c.mismatch(n) for n, _, _ in c.regions if n in c.corrupt]
    c.expect_said(*bad, c.resetting())
    c.expect_reset()


def triple_fault(c, tmp):
    c.run(tmp)
    c.expect_said(c.mismatch("initrd"), c.resetting())
    c.expect_reset(triple=True)


def no_timer(c, tmp):
    """Without timer 2 the delay is only roughly right, but it ends."""
    c.run(tmp)
    c.expect_said(c.mismatch("initrd"), c.resetting())
    waited = c.ended - c.times[-1]
    check(0.05 < waited < 30, "waited %.1f s" % waited)
    c.delay = waited
    c.expect_reset()


def wrong_digest(c, tmp):
    """Memory is good, what it is compared with is not: all of it, or one byte at either end."""
    for name, digest in (("piece 0", lambda d: bytes(32)),
                         ("elfcore", lambda d: bytes([d[0] ^ 1]) + d[1:]),
                         ("initrd", lambda d: d[:31] + bytes([d[31] ^ 1]))):
        c.digests[name] = digest
    c.run(tmp)
    c.expect_said(*[c.mismatch(n) for n, _, _ in c.regions if n in c.digests], c.resetting())
    c.expect_reset()


def go_on(c, tmp):
    c.run(tmp)
    c.expect_said(*[c.mismatch(n) for n in c.corrupt], "entering the kernel all the same, as asked")
    c.expect_kernel()


def halt(c, tmp):
    c.run(tmp, until="^%shalted" % PREFIX)
    time.sleep(1)
    c.expect_said(c.mismatch("initrd"), "halted")
    check(c.qemu.poll() is None, "QEMU ended with %s" % c.qemu.returncode)
    check("HLT=1" in c.monitor("info registers"), "the CPU is not halted")
    path = os.path.join(tmp, "vga")
    c.monitor("pmemsave 0xb8000 4000 \\\"%s\\\"" % path)
    with open(path, "rb") as f:
        cells = f.read()
    text = cells[::2].decode("latin-1")
    rows = [text[i:i + 80].rstrip() for i in range(0, 2000, 80)]
    # the last row is the empty one below "halted"; a long line takes two rows or three
    want = PREFIX + c.mismatch("initrd")
    n = (len(want) + 79) // 80
    check(rows[-1] == "" and rows[-2] == PREFIX + "halted", "VGA ends with %r" % rows[-3:])
    check(text[(23 - n) * 80:23 * 80].rstrip() == want, "VGA has %r" % rows[-6:])


def no_backup(c, tmp):
    c.run(tmp)
    c.expect_kernel(backup=False)


def nmi(c, tmp):
    good(c, tmp)
    check(dict(c.kernel()).get("nmi") == 1, "no NMI was sent")


def exception(c, tmp, number, error, cr2=None):
    c.run(tmp)
    check(len(c.said()) == 2 and c.said()[1] == c.resetting(), "said %r" % c.said())
    m = re.fullmatch(r"exception (\d+) at IP 0x([0-9a-f]+), error code 0x([0-9a-f]+), "
                     r"CR2 0x([0-9a-f]+), purgatory at 0x([0-9a-f]+)", c.said()[0])
    check(m, "said %r" % c.said())
    check(int(m[1]) == number and int(m[3], 16) == error, "wrong exception: " + m[0])
    _, at, data = c.regions[0]
    ip = int(m[2], 16)
    check(at <= ip < at + len(data), "the IP is not in the kernel: " + m[0])
    if number == 6:
        check(data[ip - at:ip - at + 2] == b"\x0f\x0b", "the IP is not at a ud2: " + m[0])
    if cr2 is not None:
        check(int(m[4], 16) == cr2, "wrong CR2: " + m[0])
    check(int(m[5], 16) == c.purg_at, "wrong purgatory address: " + m[0])
    check(dict(c.kernel()).get("done") is None, "the kernel went on")
    c.lines = [l for l in c.lines if l.startswith(PREFIX)]
    c.times = c.times[-len(c.lines):]
    c.expect_reset()


def ud2(c, tmp):
    exception(c, tmp, 6, 0)


def bad_selector(c, tmp):
    exception(c, tmp, 13, 0x58)


def page_fault(c, tmp):
    exception(c, tmp, 14, 0, 0x123456789000)


def mute(c, tmp):
    """Nowhere to speak, or not asked to: the machine resets all the same, soon."""
    start = time.monotonic()
    c.run(tmp)
    check(not c.lines, "said %r" % c.lines)
    c.expect_reset()
    check(c.ended - start > c.delay, "did not wait")


def refused(c, tmp):
    c.run(tmp)
    outside = "is outside of the memory that this %d-bit purgatory maps" % (
        64 if c.blob == "x86_64" else 32)
    o = c.override
    if "nr" in o:
        want = "bad parameters: %d regions, there is room for 16" % o["nr"]
    elif "region" in o:
        want = "bad parameters: initrd at 0x%x, 0x%x bytes, %s" % (*o["region"][1:], outside)
    elif "dst" in o:
        want = "bad parameters: the backup at 0x%x, 0xa0000 bytes, %s" % (o["dst"], outside)
    elif o["bits"] == 64:
        want = "bad parameters: this 32-bit purgatory cannot enter a kernel in 64-bit mode"
    elif o["bits"] == 32:
        want = ("bad parameters: for a 32-bit entry, purgatory (0x%x), kernel entry (0x%x) and "
                "boot parameters (0x%x) must be below 4 GiB" % (c.purg_at, c.regions[0][1], c.bp_at))
    else:
        want = "bad parameters: entry_bits is %d, it must be 32 or 64" % o["bits"]
    c.expect_said(want, c.resetting())
    c.expect_reset()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, wanted = sys.argv[1], sys.argv[2:]
    passed = failed = 0
    names = [name for name, _, _ in variants()]
    unknown = [w for w in wanted if w not in names]
    if unknown:
        sys.exit("run.py: no such case: %s\ncases: %s" % (" ".join(unknown), " ".join(names)))
    for name, fn, kw in variants():
        if wanted and name not in wanted:
            continue
        start, c = time.monotonic(), None
        with tempfile.TemporaryDirectory(prefix="purg") as tmp:
            try:
                c = Case(build, **kw)
                fn(c, tmp)
                print("ok   %s (%.1f s)" % (name, time.monotonic() - start), flush=True)
                passed += 1
            except (Failure, HarnessError, OSError, subprocess.SubprocessError) as e:
                failed += 1
                print("FAIL %s: %s" % (name, e), flush=True)
                if c:
                    for line in c.lines:
                        print("     | " + line)
                    err = os.path.join(tmp, "stderr")
                    if os.path.exists(err):
                        with open(err) as f:
                            print("     qemu: " + f.read().strip())
            finally:
                if c:
                    c.end()
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
