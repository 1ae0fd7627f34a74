# SPDX-License-Identifier: GPL-2.0-only
"""Memory and time of a host with 1 TiB, whose core is a small file: see synth.py."""
import json
import os
import re
import subprocess
import time

from world import USAGE, XENKDUMP, World, Wrong, make_core, need

PEAK_MIB = 64
# A frame table four times as long. What does not grow with it is the same: the ratio is lower, not
# higher; higher when guests' memory costs.
RATIO = 1.5, 6


def save(world, host, core, *options):
    """What JSON says, processor seconds, peak MiB, seconds."""
    folder = world.folder()
    begin = time.monotonic()
    p = subprocess.run([USAGE, XENKDUMP, "save", "--json", "--threads", "2", *options, "-o", os.path.join(folder, "dump"), core],
                       capture_output=True, text=True, timeout=280, check=False)
    took = time.monotonic() - begin
    need(p.returncode == 0, f"exit {p.returncode}: {p.stderr[-300:]}")
    user, system, peak = map(int, re.search(r"usage user (\d+) sys (\d+) peak (\d+)", p.stdout).groups())
    said = json.loads(p.stdout[:p.stdout.rindex("usage")])
    found = {k["kind"]: k["found"] for k in said["kinds"]}
    need(found == host.count, f"found {found}, there are {host.count}")
    kept = {k["kind"]: k["kept"] for k in said["kinds"] if k["kept"]}
    wanted = {k: host.count[k] for k in ("Xen", "Linux kernel")}
    need(kept == wanted, f"kept {kept}, wanted {wanted}")
    if "--dry-run" not in options:
        need(said["whole"] and said["pages-written"] == sum(wanted.values()), f"written: {said['pages-written']}")
        size = os.path.getsize(os.path.join(folder, "dump"))
        need(size == said["bytes"] or size < 1 << 30, f"{size} bytes")
        os.unlink(os.path.join(folder, "dump"))
    return (user + system) / 1000, peak / 1024, took


def grown(tiny):
    del tiny
    with World("1 TiB") as w:
        spent = {}
        for name in ("quarter", "tib"):
            host, core = make_core(name)
            for options in ((), ("--dry-run", )):
                try:
                    cpu, peak, took = save(w, host, core, *options)
                except Wrong as e:
                    w.failed.append(f"{name}: {e}")
                    continue
                print(f"   {host.pages >> 18} GiB{' (count only)' if options else ''}: {took:.1f} s, {cpu:.1f} s of "
                      f"processors, {host.pages / took / 1e6:.0f} Mpages/s, peak {peak:.1f} MiB", flush=True)
                spent[name, options] = cpu
                w.outcomes["right"] = w.outcomes.get("right", 0) + 1
                if peak > PEAK_MIB:
                    w.failed.append(f"{name}: {peak:.1f} MiB at the peak, {PEAK_MIB} are allowed")
            os.unlink(core)
        if len(spent) == 4:
            ratio = spent["tib", ()] / spent["quarter", ()]
            print(f"   four times the frame table takes {ratio:.1f} times as long", flush=True)
            if not RATIO[0] <= ratio <= RATIO[1]:
                w.failed.append(f"four times the memory takes {ratio:.1f} times as long")
        return w.report()


CASES = {"1tib": grown}
