# SPDX-License-Identifier: GPL-2.0-only
"""What the cases share: synthetic cores, running save, and the verdict on what it leaves."""
import concurrent.futures
import os
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests/e2e")]
import dumps  # noqa: E402
import synth  # noqa: E402
from core import ElfCore, parse_notes  # noqa: E402
from only_dom0 import translated  # noqa: E402

PAGE = 4096
BUILD = os.path.join(ROOT, os.environ.get("O", "build"))
XENKDUMP = os.path.join(BUILD, "xenkdump")
FAILIO = os.path.join(BUILD, "save/failio.so")
USAGE = os.path.join(BUILD, "save/usage")
WORK = os.path.join(BUILD, "save/work")
SEED = 20261123
OK, IO, BAD_INPUT, PARTIAL = 0, 4, 5, 13  # doc/exit-codes.md
# Options by the name of a format, and whether it is of dom0's own pages.
FORMATS = {
    "kdump": (["--compress", "zlib"], False),
    "zstd": (["--compress", "zstd", "--threads", "2"], False),
    "elf": (["--format", "elf"], False),
    "flat": (["--format", "flat", "--compress", "zlib"], False),
    "dom0": (["--only-dom0", "--compress", "zlib"], True),
    "stream": (["--compress", "zlib"], False),
}


class Wrong(Exception):
    """Save did what it must not."""


def need(cond, text):
    if not cond:
        raise Wrong(text)


class Source(ElfCore):
    def _decode(self):
        """Only its memory matters here."""


def make_core(name):
    """Once for all cases: the host and the path of its core."""
    os.makedirs(WORK, exist_ok=True)
    path = os.path.join(WORK, name + ".core")
    host = synth.NAMES[name]()
    host.write(path)
    return host, path


class Truth:
    """The pages that a whole dump has, by number, and how they are known to be stored."""

    def __init__(self, host, path, dom0=False):
        core = Source(path)
        self.notes = None if dom0 else core.notes
        self.pages, self.stored = {}, {}
        if dom0:
            back = {host.heap_end + p: p for p in range(host.dom0)}
            for pfn in range(host.dom0):
                raw = core.read((host.heap_end + pfn) * PAGE, PAGE)
                self.pages[pfn] = translated(raw, back) if pfn == synth.TABLE_PFN else raw
        else:
            for pfn in range(0x100, host.pages):
                if host.kind(pfn) in ("Xen", "Linux kernel"):
                    self.pages[pfn] = core.read(pfn * PAGE, PAGE)
        core.close()

    def check(self, dump, whole):
        for pfn in dump.pages:
            need(pfn in self.pages, f"page {pfn:#x} has no place in the dump")
            stored = dump.stored(pfn)
            if self.stored.get(pfn) == stored:
                continue
            need(dump.read(pfn) == self.pages[pfn], f"page {pfn:#x} differs")
            self.stored[pfn] = stored
        if whole:
            need(len(dump.pages) == len(self.pages),
                 f"{len(dump.pages)} pages of {len(self.pages)}, and it does not say so")
            need(not self.notes or parse_notes(dump.notes) == self.notes, "notes differ")


SMALL = tuple("dump" + s for s in (".report", ".dmesg", ".xen", ".notes"))


class Result:
    """names: what there is of the dump; small: of the files beside it."""

    def __init__(self, code, err, folder, stream=None):
        self.code, self.err, self.folder, self.stream = code, err, folder, stream
        names = sorted(n for n in os.listdir(folder) if n.startswith("dump"))
        self.small = [n for n in names if n.startswith(SMALL)]
        self.names = [n for n in names if n not in self.small]

    def text(self):
        return f"exit {self.code}, {self.names}, {self.err.strip()[-300:]!r}"


def sane(code, err, allowed):
    """That it ended by itself, with a code that is documented."""
    need("Sanitizer" not in err and "runtime error" not in err, "sanitizer: " + err[-1500:])
    need(code in allowed, f"exit {code}, wanted {allowed}: {err.strip()[-300:]}")


def judge(r, truth, killed=False):
    """What may be there after any failure. Returns a word for it, and how many pages it has."""
    sane(r.code, r.err, (OK, IO, PARTIAL) + ((-signal.SIGKILL,) if killed else ()))
    if r.stream is not None:
        return judge_stream(r, truth)
    need(len(r.names) <= 1, f"several files: {r.names}")
    if not r.names:
        need(r.code in (IO, -signal.SIGKILL), f"exit {r.code}, and there is nothing")
        return "nothing", 0
    name = r.names[0]
    with open(os.path.join(r.folder, name), "rb") as f:
        raw = f.read()
    need(os.stat(os.path.join(r.folder, name)).st_mode & 0o7777 == 0o600, f"{name}: its mode")
    if name == "dump.part":
        need(r.code in (IO, -signal.SIGKILL), f"exit {r.code}, and there is only {name}")
        need(killed or ".part" in r.err, f"{name} is left, and nobody says so: {r.err!r}")
        return judge_part(raw, truth)
    dump = dumps.parse(raw)
    truth.check(dump, name == "dump")
    if name == "dump":
        need(not dump.incomplete and dump.ended, "dump: says that it is incomplete")
        need(r.code in (OK, -signal.SIGKILL) or "its folder cannot be" in r.err,
             f"exit {r.code}, and the dump is there: {r.err!r}")
        return "whole", len(dump.pages)
    need(name == "dump.incomplete" and dump.incomplete, f"{name}: is not marked incomplete")
    need(r.code in (PARTIAL, -signal.SIGKILL) or "its folder cannot be" in r.err, f"exit {r.code}, {name}")
    need(killed or "INCOMPLETE" in r.err or "its folder cannot be" in r.err, f"{name}: not said: {r.err!r}")
    return "incomplete", len(dump.pages)


def judge_part(raw, truth):
    """It is no dump yet, or one that says that it is incomplete, or whole but for its name."""
    body = dumps.unflatten(raw)[0] if raw[:12] == b"makedumpfile" and len(raw) >= 4096 else raw
    if not body[:8].strip(b"\0") or raw[:12] == b"makedumpfile" and len(raw) < 4096:
        return "part", 0
    dump = dumps.parse(raw)
    truth.check(dump, not dump.incomplete)
    return "part", len(dump.pages)


def judge_stream(r, truth):
    need(not r.names, f"a stream leaves files: {r.names}")
    if r.code == OK:
        dump = dumps.parse(r.stream)
        need(not dump.incomplete and dump.ended, "stream: not whole")
        truth.check(dump, True)
        return "whole", len(dump.pages)
    if r.code == PARTIAL:
        dump = dumps.parse(r.stream)
        need(dump.incomplete and "INCOMPLETE" in r.err, "stream: not marked incomplete")
        truth.check(dump, False)
        return "incomplete", len(dump.pages)
    kind, nr = judge_part(r.stream, truth)
    return kind, nr


class World:
    """Runs jobs, a few at a time, each in a folder of its own; collects what went wrong."""

    def __init__(self, name):
        self.name, self.failed, self.outcomes = name, [], {}
        self.top = tempfile.mkdtemp(prefix=name.replace(" ", "-") + "-", dir=WORK)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def folder(self):
        return tempfile.mkdtemp(dir=self.top)

    def save(self, options, core, env=None, stream=False, timeout=60, prepare=None, stop=None, folder=None,
             small=False):
        """stop: called with the process, to end it. small: with the files beside the dump."""
        options = options if small else [*options, "--no-small"]
        folder = folder or self.folder()
        out = "-" if stream else os.path.join(folder, "dump")
        sink = os.path.join(folder, "stream")
        env = {**os.environ, "LC_ALL": "C", **(env or {})}
        if any(k.startswith("FAILIO") for k in env):
            env.update(LD_PRELOAD=FAILIO, FAILIO_OUT=sink if stream else folder)
        with open(sink if stream else os.devnull, "wb") as stdout, open(os.path.join(folder, "err"), "w+b") as err:
            p = subprocess.Popen([XENKDUMP, "save", *options, "-o", out, core], stdout=stdout, stderr=err,
                                 stdin=subprocess.DEVNULL, env=env, preexec_fn=prepare)
            try:
                if stop:
                    stop(p)
                code = p.wait(timeout)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
                raise Wrong(f"hangs: {timeout} s are over") from None
            err.seek(0)
            text = err.read().decode("utf-8", "replace")
        data = None
        if stream:
            with open(sink, "rb") as f:
                data = f.read()
        return Result(code, text, folder, data)

    def each(self, jobs, work, idle=1):
        """work(job) returns (word, pages); each word is counted. idle: how many for each CPU, of jobs
        that mostly wait."""
        with concurrent.futures.ThreadPoolExecutor(idle * (os.cpu_count() or 1)) as pool:
            futures = {pool.submit(work, j): j for j in jobs}
            for f in concurrent.futures.as_completed(futures):
                try:
                    word = f.result()[0]
                    self.outcomes[word] = self.outcomes.get(word, 0) + 1
                except (Wrong, dumps.Broken) as e:
                    self.failed.append(f"{futures[f]}: {e}")
        return self.outcomes

    def report(self):
        said = ", ".join(f"{n} {w}" for w, n in sorted(self.outcomes.items()))
        print(f"   {self.name}: {said or 'nothing was run'}", flush=True)
        for f in self.failed[:10]:
            print(f"   {self.name}: WRONG: {f}", flush=True)
        if len(self.failed) > 10:
            print(f"   {self.name}: and {len(self.failed) - 10} more", flush=True)
        return not self.failed and bool(self.outcomes)
