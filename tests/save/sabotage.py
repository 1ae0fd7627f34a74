# SPDX-License-Identifier: GPL-2.0-only
"""That each check can fail: things that save must not leave are made by hand, and each must be found."""
import copy
import os
import random
import struct

import big
import damage
import dumps
import ends
import faults
import synth
import world
from world import BAD_INPUT, FORMATS, IO, OK, PARTIAL, Result, World, Wrong, judge, need

STATUS = 424  # of a kdump file


def marked(raw, bit=dumps.INCOMPLETE):
    out = bytearray(raw)
    out[STATUS] |= bit
    return bytes(out)


def with_byte(raw, at):
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1:]


class Made:
    """Good dumps, and folders with something else in them."""

    def __init__(self, w, tiny):
        self.world, self.tiny = w, tiny
        self.kdump, self.elf, self.flat = (self.get(f) for f in ("kdump", "elf", "flat"))
        self.all = self.get("kdump", "--all-domains")
        self.last = max(off for off, _, _ in dumps.parse(self.kdump).pages.values())

    def get(self, form, *options):
        folder = self.world.folder()
        self.world.save([*FORMATS[form][0], *options], self.tiny.core, folder=folder)
        with open(os.path.join(folder, "dump"), "rb") as f:
            return f.read()

    def left(self, code, err="", mode=0o600, stream=None, **files):
        """The verdict on these files; `dump__part` is dump.part."""
        folder = self.world.folder()
        for name, data in files.items():
            path = os.path.join(folder, name.replace("__", "."))
            with open(path, "wb") as f:
                f.write(data)
            os.chmod(path, mode)
        return judge(Result(code, err, folder, stream), self.tiny.all)


def good_ones(m):
    """What the saboteurs start from is right."""
    part, incomplete = "dump.part: cannot", "INCOMPLETE"
    for raw in (m.kdump, m.elf, m.flat):
        need(m.left(OK, dump=raw)[0] == "whole", "a whole dump")
        need(m.left(IO, part, dump__part=raw)[0] == "part", "whole, but for its name")
    need(m.left(PARTIAL, incomplete, dump__incomplete=marked(m.kdump))[0] == "incomplete", "an incomplete one")
    need(m.left(IO, part, dump__part=marked(m.kdump))[0] == "part", "a part")
    need(m.left(IO, part, dump__part=b"")[0] == "part", "an empty part")
    need(m.left(OK, stream=m.flat)[0] == "whole", "a stream")
    need(m.left(IO, "", stream=m.flat[:5000])[0] == "part", "a stream that broke off")


def files(m):
    """name: what must be found."""
    part, incomplete = "dump.part: cannot", "INCOMPLETE"
    zero_head = bytes(4096) + m.kdump[4096:]
    return {
        "a dump cut short": lambda: m.left(OK, dump=m.kdump[:m.last]),
        "an ELF dump cut short": lambda: m.left(OK, dump=m.elf[:-4096]),
        "a dump without its header": lambda: m.left(OK, dump=zero_head),
        "an empty dump": lambda: m.left(OK, dump=b""),
        "a dump with a wrong byte": lambda: m.left(OK, dump=with_byte(m.kdump, m.last + 2)),
        "an ELF dump with a wrong byte": lambda: m.left(OK, dump=with_byte(m.elf, len(m.elf) - 3)),
        "a dump with another note": lambda: m.left(OK, dump=with_byte(m.kdump, 4096 + 104 + 200)),
        "a dump with a guest's pages": lambda: m.left(OK, dump=m.all),
        "a dump that is marked": lambda: m.left(OK, dump=marked(m.kdump)),
        "a dump, and a failure": lambda: m.left(IO, "cannot write", dump=m.kdump),
        "a dump that all may read": lambda: m.left(OK, mode=0o644, dump=m.kdump),
        "two files": lambda: m.left(OK, dump=m.kdump, dump__part=m.kdump),
        "success, and nothing": lambda: m.left(OK),
        "incomplete without a mark": lambda: m.left(PARTIAL, incomplete, dump__incomplete=m.kdump),
        "incomplete, with a wrong byte": lambda: m.left(PARTIAL, incomplete,
                                                        dump__incomplete=marked(with_byte(m.kdump, m.last + 2))),
        "incomplete, unsaid": lambda: m.left(PARTIAL, "", dump__incomplete=marked(m.kdump)),
        "incomplete, and success": lambda: m.left(OK, incomplete, dump__incomplete=marked(m.kdump)),
        "a part that seems whole": lambda: m.left(IO, part, dump__part=m.kdump[:m.last]),
        "a part with a wrong byte": lambda: m.left(IO, part, dump__part=with_byte(m.kdump, m.last + 2)),
        "a part, unsaid": lambda: m.left(IO, "cannot write", dump__part=marked(m.kdump)),
        "a part, and success": lambda: m.left(OK, part, dump__part=marked(m.kdump)),
        "a torn flattened file": lambda: m.left(OK, dump=m.flat[:9000] + m.flat[9001:]),
        "a flattened file without its end": lambda: m.left(OK, dump=m.flat[:-16]),
        "a stream cut short": lambda: m.left(OK, stream=m.flat[:-5000]),
        "a stream with a file beside": lambda: m.left(OK, stream=m.flat, dump=m.kdump),
        "a crash": lambda: m.left(-11),
        "an exit code that is none": lambda: m.left(99),
        "a sanitizer": lambda: m.left(IO, "==1==ERROR: AddressSanitizer: heap-buffer-overflow"),
    }


def no_shim(m):
    right, world.FAILIO = world.FAILIO, ""
    try:
        faults.steps(m.world, m.tiny, "kdump")
    finally:
        world.FAILIO = right


def without_sync(m):
    """A writer that renames before what it wrote is on the device."""
    ops = [op for op in ends.journal(m.world, m.tiny, "kdump") if op[0] != "s"]
    for seed in range(40):
        ends.check_left(*ends.left(ops, random.Random(seed)), m.tiny.all)


def header_too_early(m):
    """One that says whole before its pages are there."""
    ops = ends.journal(m.world, m.tiny, "kdump")
    header = next(i for i in range(len(ops) - 1, -1, -1) if ops[i][0] == "w" and ops[i][1] == 0)
    flush = max(i for i in range(header) if ops[i][0] == "s")
    ops = ops[:flush] + [ops[header]]
    for seed in range(40):
        ends.check_left(*ends.left(ops, random.Random(seed)), m.tiny.all)


def dropped(m):
    """A page of dom0's whose entry says free, which the check must not excuse."""
    where = damage.Layout(m.tiny)
    h = m.tiny.host
    at = where.at[h.frames[0]] + 32 * (h.heap_end + 100)
    core = os.path.join(m.world.folder(), "core")
    with open(core, "wb") as f:
        f.write(where.raw[:at] + synth.entry(synth.FREE) + where.raw[at + 32:])
    r = m.world.save(FORMATS["kdump"][0], core)
    need(damage.verdict(r), r.text())
    dump = damage.read_dump(r)
    inside = lambda off: None if not off <= at < off + 4096 else dump.read((off - where.at[0x100]) // 4096 + 0x100)
    damage.compare(dump, where, set(where.truth.pages), inside)


def changed(m):
    """A page that is another one in the core."""
    where, dump = damage.Layout(m.tiny), dumps.parse(m.kdump)
    damage.compare(dump, where, set(), lambda off: b"x" * 4096 if off == where.at[0x700] else None)


def counted(m):
    host = copy.copy(m.tiny.host)
    host.count = {**host.count, "guest": host.count["guest"] + 1}
    big.save(m.world, host, m.tiny.core)


def hangs(m):
    m.world.save(FORMATS["kdump"][0], m.tiny.core, {"FAILIO_US": "9000000"}, timeout=1)


def found(w, name, work):
    try:
        work()
    except (Wrong, dumps.Broken, struct.error):
        return
    w.failed.append(f"not found: {name}")


def selftest(tiny):
    with World("the checks") as w:
        m = Made(w, tiny)
        good_ones(m)
        cases = files(m)
        for work in (no_shim, without_sync, header_too_early, dropped, changed, counted, hangs):
            cases[work.__name__] = lambda work=work: work(m)
        cases["refused without a reason"] = lambda: damage.verdict(Result(BAD_INPUT, "", w.folder()))
        for name, work in cases.items():
            found(w, name, work)
        w.outcomes["found"] = len(cases) - len(w.failed)
        return w.report()


CASES = {"checks": selftest}
