# SPDX-License-Identifier: GPL-2.0-only
"""What `xenkdump save -d 31` in a native dump kernel may leave out of the core."""
import mmap

import checks
from core import PAGE
from kdump import Kdump, dumps
from save_checks import LinuxCore

LOG = b"sysrq triggered crash"  # in the kernel's log, with levels of its own around it


def partial(core):
    """Pages of which the core has a part: makedumpfile leaves them out."""
    return {at // PAGE for load in core.loads for at in (load["pa"], load["pa"] + load["memsz"])
            if at % PAGE}


def filtered(rep, source, path):
    """The pages that makedumpfile -d 31 keeps."""
    code, _, err = checks.run_tool(rep, ["makedumpfile", "-c", "-d", "31", source, path])
    rep.ok(code == 0, f"makedumpfile filters {source.name}", f"exit {code}: {err[-200:]}")
    dump = Kdump(path)
    dump.close()
    path.unlink()
    return set(dump.pages)


def check_d31(rep, disk, path, marker, bits):
    """marker: what a process has in its memory, which -d 31 leaves out. makedumpfile reads only the
    cores of its own width."""
    core, dump = LinuxCore(disk), Kdump(path)
    try:
        found, log = [], False
        for n in dump.pages:
            data = dump.page(n)
            if n not in partial(core) and data != core.read(n * PAGE, PAGE):
                rep.ok(False, f"page {n:#x} of {path.name} is the core's")
            if marker in data:
                found.append(n)
            log = log or LOG in data
        pages = set(dump.pages)
        rep.ok(pages, f"each page of {path.name} is the core's", str(len(pages)))
        rep.ok(not found, f"a process' memory is not in {path.name}", str(found))
        rep.ok(log, f"the kernel's log is in {path.name}")
        if bits == 64:
            ours, theirs = pages - partial(core), filtered(rep, disk, path.with_suffix(".peer")) - partial(core)
            rep.ok(ours == theirs, f"{path.name} has the pages that makedumpfile -d 31 keeps",
                   f"{len(ours)}; only here {sorted(ours - theirs)[:8]}, only there "
                   f"{sorted(theirs - ours)[:8]}")
    finally:
        dump.close()
        core.close()


def check_full(rep, disk, path):
    """What the disk had room for is a dump that says that it is not all, each page of it the core's."""
    core = LinuxCore(disk)
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as raw:
        dump = dumps.Kdump(raw)
        wrong = [n for n in dump.pages if n not in partial(core) and dump.read(n) != core.read(n * PAGE, PAGE)]
        rep.ok(dump.incomplete, f"{path.name} is marked incomplete")
        rep.ok(not wrong, f"each page of {path.name} is the core's", str(wrong[:8]))
        log = any(LOG in dump.read(n) for n in dump.pages)
        whole = sum(load["memsz"] for load in core.loads) // PAGE
        rep.bounded(whole // 16, len(dump.pages), whole - 1, f"pages of {path.name}, of {whole}")
        rep.ok(log, f"the kernel's log is in {path.name}")
    core.close()
