# SPDX-License-Identifier: GPL-2.0-only
"""A device that fails: at any thing that is done to it, in all formats, once or from then
on; a disk that is full, of any size; a limit of the file's size."""
import errno
import os
import random
import resource
import subprocess

from world import FORMATS, IO, PARTIAL, SEED, SMALL, Truth, World, judge, make_core, need

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
            need(pages or word != "incomplete" or k < 26, f"{word}, and without a page")  # the first chunk
            return f"{word} ({r.code})", pages

        w.each(jobs, work)
        need(any("incomplete" in o for o in w.outcomes), "no fault left an incomplete dump")
        return w.report()


def judge_small(r, good):
    """Each of the small files is whole, or not there under its name, and then it is said."""
    for name in SMALL:
        if name not in r.small:
            need(name in r.err, f"{name} is not there, and nobody says so: {r.text()}")
            continue
        path = os.path.join(r.folder, name)
        need(os.stat(path).st_mode & 0o7777 == 0o600, f"{name}: its mode")
        with open(path, "rb") as f:
            data = f.read()
        need(name == "dump.report" and data[-1:] == b"\n" or data == good[name], f"{name} is not whole")
    for name in set(r.small) - set(SMALL):
        need(name.removesuffix(".part") in SMALL and name in r.err, f"{name} is left: {r.text()}")


def small_files(tiny):
    """Any one thing fails while the small files are written, or the dump: each costs its own file only."""
    with World("small files") as w:
        log = os.path.join(w.folder(), "log")
        options = FORMATS["kdump"][0]
        r = w.save(options, tiny.core, {"FAILIO_LOG": log}, small=True)
        need(judge(r, tiny.all)[0] == "whole" and r.code == 0 and sorted(SMALL) == r.small, r.text())
        good = {}
        for name in SMALL:
            with open(os.path.join(r.folder, name), "rb") as f:
                good[name] = f.read()
        with open(log, encoding="ascii") as f:
            nr = len(f.readlines())
        need(nr > len(steps(w, tiny, "kdump")) + 3 * len(SMALL), f"only {nr} steps")

        def work(job):
            k, error = job
            r = w.save(options, tiny.core, {"FAILIO_AT": str(k), "FAILIO_ERRNO": str(ERRORS[error])}, small=True)
            word, pages = judge(r, tiny.all)
            if word != "nothing":
                judge_small(r, good)
            lost = len(set(SMALL) - set(r.small))
            need(lost <= 1 or word == "nothing", f"one failure costs {lost} small files")
            return f"{word}, {lost} small ones lost ({r.code})", pages

        w.each([(k, e) for k in range(1, nr + 1) for e in ERRORS], work)
        need(any("whole, 1 small" in o for o in w.outcomes), "no fault met a small file")
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


CASES = {"faults": each_step, "small": small_files, "disk": full_disk, "limit": limited, "tmpfs": small_tmpfs}

