# SPDX-License-Identifier: GPL-2.0-only
"""Save is ended in the middle: SIGTERM, SIGKILL, and a power loss, which forgets what was not yet on
the device."""
import os
import random
import signal
import struct
import time

import dumps
from faults import run
from world import FORMATS, OK, PARTIAL, SEED, World, judge, need

# Each thing that is done to the output takes so many microseconds, so that there are points to hit.
SLOW = {"kdump": 20000, "zstd": 20000, "dom0": 25000, "flat": 10000, "stream": 10000, "elf": 1500}


def duration(world, tiny, form):
    start = time.monotonic()
    r = run(world, tiny, form, {"FAILIO_US": str(SLOW[form])})
    need(judge(r, tiny.truth(form))[0] == "whole", r.text())
    return time.monotonic() - start


def points(world, tiny, forms, nr, seed):
    rng = random.Random(seed)
    took = {f: duration(world, tiny, f) for f in forms}
    return [(f, round(rng.uniform(0, took[f]), 3)) for f in forms for _ in range(nr // len(forms))]


def at(seconds, number):
    def stop(process):
        time.sleep(seconds)
        process.send_signal(number)
    return stop


def slow(world, tiny, form, stop, folder=None):
    return world.save(FORMATS[form][0], tiny.core, {"FAILIO_US": str(SLOW[form])}, form == "stream", stop=stop,
                      folder=folder)


def again(world, tiny, form, r):
    """After a kill: what is left stands in the way, and the message says what to do; without it a
    dump is made. What was left does not change."""
    before = [(n, os.path.getsize(os.path.join(r.folder, n))) for n in r.names]
    second = run(world, tiny, form, folder=r.folder)
    after = [(n, os.path.getsize(os.path.join(r.folder, n))) for n in second.names]
    if not r.names:
        need(second.code == OK and second.names == ["dump"], second.text())
        return
    need(second.code == 4 and "is there already" in second.err, second.text())
    need(before == after, f"{before} became {after}")


def killed(tiny):
    with World("SIGKILL") as w:
        def work(job):
            form, seconds = job
            r = slow(w, tiny, form, at(seconds, signal.SIGKILL))
            word, pages = judge(r, tiny.truth(form), killed=True)
            need(word != "incomplete", "nobody had the time to say that")
            if form != "stream":
                again(w, tiny, form, r)
            return word, pages

        w.each(points(w, tiny, ("kdump", "elf", "zstd", "flat", "dom0"), 50, SEED + 2), work, 3)
        need(w.outcomes.get("part", 0) > 9, f"too few points hit: {w.outcomes}")
        return w.report()


def asked(tiny):
    """SIGTERM, SIGINT, SIGHUP: a dump of what was written."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    with World("SIGTERM") as w:
        def work(job):
            i, (form, seconds) = job
            r = slow(w, tiny, form, at(seconds, numbers[i % 3]))
            if r.code in (-numbers[i % 3], 1) and not r.names:  # before it began to write
                return "before anything", 0
            word, pages = judge(r, tiny.truth(form))
            need(r.code in (OK, PARTIAL), r.text())
            return word, pages

        w.each(list(enumerate(points(w, tiny, tuple(FORMATS), 36, SEED + 3))), work, 3)
        need(w.outcomes.get("incomplete", 0) > 9, f"too few points hit: {w.outcomes}")
        return w.report()


# -- power -----------------------------------------------------------------------------------------


def journal(world, tiny, form):
    """What a run did, in order: (kind, offset, data or length)."""
    path = os.path.join(world.folder(), "journal")
    r = run(world, tiny, form, {"FAILIO_JOURNAL": path})
    need(judge(r, tiny.truth(form))[0] == "whole", r.text())
    with open(path, "rb") as f:
        raw = f.read()
    ops, pos = [], 0
    while pos < len(raw):
        kind, off, size = struct.unpack_from("<QQQ", raw, pos)
        pos += 24
        data = raw[pos:pos + size] if chr(kind) in "wr" else size
        pos += size if chr(kind) in "wr" else 0
        ops.append((chr(kind), off, data))
    return ops


def left(ops, rng):
    """The file after a loss of power when `ops` were done: everything before the last fsync(), and of
    what came after any part, in pages of 4 KiB. The name it has, and its bytes."""
    synced = max([i for i, op in enumerate(ops) if op[0] == "s"], default=-1)
    renamed = any(op[0] == "r" for op in ops[:synced + 1])
    maybe = any(op[0] == "r" for op in ops)
    out = bytearray()
    for i, (kind, off, data) in enumerate(ops):
        safe = i <= synced
        if kind == "w":
            for k in range(0, len(data), dumps.PAGE):
                piece = data[k:k + dumps.PAGE]
                end = off + k + len(piece)
                if end > len(out):  # the size may be there without what it is about
                    if not safe and rng.random() < 0.3:
                        continue
                    out.extend(bytes(end - len(out)))
                if safe or rng.random() < 0.5:
                    out[off + k:end] = piece
        elif kind in "at":
            end = off + data if kind == "a" else off
            if end > len(out) and (safe or rng.random() < 0.7):
                out.extend(bytes(end - len(out)))
    name = "dump" if renamed or maybe and rng.random() < 0.5 else "dump.part"
    return name, bytes(out)


def check_left(name, raw, truth):
    """Under its name it is whole. Else it may be anything but a file that says that it is whole and is
    not; what a program reads from one that says that it is not, is up to the program."""
    if name == "dump":
        dump = dumps.parse(raw)
        need(not dump.incomplete, "the name without the dump")
        truth.check(dump, True)
        return "whole", len(dump.pages)
    try:
        dump = dumps.parse(raw)
    except (dumps.Broken, struct.error):
        if raw[:8] == b"KDUMP   " and len(raw) > 428:
            need(struct.unpack_from("<I", raw, 424)[0] & dumps.INCOMPLETE, "broken, and says that it is whole")
        return "part", 0
    if dump.incomplete:
        return "part, marked", 0
    truth.check(dump, True)
    return "part, whole", len(dump.pages)


def power(tiny):
    rng = random.Random(SEED + 4)
    with World("power loss") as w:
        done = {f: journal(w, tiny, f) for f in ("kdump", "elf", "zstd", "dom0", "flat")}
        for form, ops in done.items():
            need([op[0] for op in ops].count("s") >= 2 and ops[-1][0] == "s" and
                 any(op[0] == "r" for op in ops), f"{form}: no fsync() and rename() seen")
        jobs = []
        for form, ops in done.items():
            # the last steps are where it matters
            cuts = [rng.randrange(1, len(ops) + 1) for _ in range(8)]
            cuts += [len(ops) - i for i in range(6) for _ in range(3)]
            jobs += [(form, cut, rng.random()) for cut in cuts]

        def work(job):
            form, cut, seed = job
            name, raw = left(done[form][:cut], random.Random(seed))
            return check_left(name, raw, tiny.truth(form))

        w.each(jobs, work)
        need("whole" in w.outcomes and "part, marked" in w.outcomes, f"only {w.outcomes}")
        return w.report()


CASES = {"kill": killed, "term": asked, "power": power}
