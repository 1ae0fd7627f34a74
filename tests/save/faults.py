# SPDX-License-Identifier: GPL-2.0-only
"""A device that fails: at any thing that is done to it, in all formats, once or from then
on; a disk that is full, of any size; a limit of the file's size."""
import errno
import os
import random
import resource
import subprocess

from world import FORMATS, IO, PARTIAL, SEED, Truth, World, judge, make_core, need

ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO}


class Tiny:
    """The core of 32 MiB, and what is right of it."""

    def __init__(self):
        self.host, self.core = make_core("tiny")
        self.all = Truth(self.host, self.core)
        self.own = Truth(self.host, self.core, dom0=True)

    def truth(self, form):
        return self.own if FORMATS[form][1] else self.all


def run(world, tiny, form, env=None, prepare=None, folder=None):
    return world.save(FORMATS[form][0], tiny.core, env, form == "stream", prepare=prepare, folder=folder)


def steps(world, tiny, form):
    """How many things a run does to its output; it must be whole."""
    log = os.path.join(world.folder(), "log")
    r = run(world, tiny, form, {"FAILIO_LOG": log})
    need(judge(r, tiny.truth(form))[0] == "whole", f"{form}: {r.text()}")
    need(os.path.exists(log), "the shim is not in place")
    with open(log, encoding="ascii") as f:
        names = [line.split()[1] for line in f]
    need(len(names) > 8, f"{form}: only {names}")
    return names


def each_step(tiny):
    with World("faults") as w:
        jobs = []
        for form in FORMATS:
            names = steps(w, tiny, form)
            for k, name in enumerate(names, 1):
                if k <= 12 or k > len(names) - 12 or k % (len(names) // 24 + 1) == 0:
                    jobs += [(form, k, name, e, on) for e in ERRORS for on in (0, 1)]

        def work(job):
            form, k, name, error, on = job
            r = run(w, tiny, form, {"FAILIO_AT": str(k), "FAILIO_ERRNO": str(ERRORS[error]),
                                    "FAILIO_ON": str(on)})
            word, pages = judge(r, tiny.truth(form))
            need(word != "whole" or name in ("fallocate", "fsync") or r.code == IO, "nobody noticed")
            need(pages or word != "incomplete" or k < 12, f"{word}, and without a page")
            return f"{word} ({r.code})", pages

        w.each(jobs, work)
        need(any("incomplete" in o for o in w.outcomes), "no fault left an incomplete dump")
        return w.report()


def size_of(world, tiny, form):
    r = run(world, tiny, form)
    return len(r.stream) if form == "stream" else os.path.getsize(os.path.join(r.folder, "dump"))


def enough(form, word, part, pages, truth):
    """A disk with most of the room that is needed gets a dump that can be read."""
    if form in ("flat", "stream") or part < 0.6:
        return
    need(word == "incomplete" and pages > len(truth.pages) // 8,
         f"room for {part:.0%}, and {word} with {pages} pages")


def full_disk(tiny):
    """Of random sizes, by the shim: it is full when all is written that fits."""
    rng = random.Random(SEED)
    with World("full disk") as w:
        jobs = []
        for form in FORMATS:
            size = size_of(w, tiny, form)
            jobs += [(form, n, size) for n in sorted(rng.randrange(1, size) for _ in range(25))]

        def work(job):
            form, n, size = job
            r = run(w, tiny, form, {"FAILIO_DISK": str(n)})
            word, pages = judge(r, tiny.truth(form))
            need(word != "whole" or n > size - 2 * 4096 or form == "elf", f"whole, in {n} bytes of {size}")
            if form != "elf":
                enough(form, word, n / size, pages, tiny.truth(form))
            return f"{word} ({r.code})", pages

        w.each(jobs, work)
        return w.report()


def limited(tiny):
    """ulimit -f: the kernel's own refusal, which comes as a signal first."""
    rng = random.Random(SEED + 1)
    with World("limit of size") as w:
        jobs = []
        for form in FORMATS:
            size = size_of(w, tiny, form)
            jobs += [(form, rng.randrange(1, size), size) for _ in range(8)]

        def work(job):
            form, n, size = job

            def prepare():
                resource.setrlimit(resource.RLIMIT_FSIZE, (n, n))
            r = run(w, tiny, form, prepare=prepare)
            word, pages = judge(r, tiny.truth(form))
            need(word != "whole", f"whole, in {n} bytes of {size}")
            return f"{word} ({r.code})", pages

        w.each(jobs, work)
        return w.report()


class Tmpfs:
    """A small file system in a mount namespace of its own, kept alive by a process. None: this
    machine allows none."""

    def __init__(self, folder, kib):
        script = 'mount -t tmpfs -o size="$1"k,mode=700 tmpfs "$2" && echo && exec sleep 600'
        self.keeper = subprocess.Popen(["sh", "-c", 'exec unshare -m sh -c "$0" sh "$@"', script, str(kib), folder],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.there = bool(self.keeper.stdout.readline())
        self.folder = f"/proc/{self.keeper.pid}/root{folder}"

    def end(self):
        self.keeper.kill()
        self.keeper.communicate()


def small_tmpfs(tiny):
    """A real file system that is full. Where none can be mounted, the shim's disk and the limit of size,
    which are run everywhere, stand for it: this says so."""
    with World("full tmpfs") as w:
        jobs = [(form, kib) for form in FORMATS if form != "stream" for kib in (4, 100, 700, 1500, 2500, 3300)]

        def work(job):
            form, kib = job
            place = w.folder()
            disk = Tmpfs(place, kib)
            try:
                if not disk.there:
                    return "not to be mounted here", 0
                r = run(w, tiny, form, folder=disk.folder)
                word, pages = judge(r, tiny.truth(form))
                need(r.code in (0, IO, PARTIAL), r.text())
                return f"{word} ({r.code})", pages
            finally:
                disk.end()

        w.each(jobs, work)
        return w.report()


CASES = {"faults": each_step, "disk": full_disk, "limit": limited, "tmpfs": small_tmpfs}

