#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""run.py [GROUP[:CASE]]...: save where something is wrong. Groups: faults, ends, damage, big, self.
Needs no root and no loop device; O is the build folder."""
import os
import sys
import time

import big
import damage
import ends
import faults
import sabotage
import world
from world import Wrong

GROUPS = {"faults": faults.CASES, "ends": ends.CASES, "damage": damage.CASES, "big": big.CASES,
          "self": sabotage.CASES}


def chosen(args):
    for arg in args:
        group, _, case = arg.partition(":")
        if group not in GROUPS or case and case not in GROUPS[group]:
            sys.exit(f"run.py: no such case: {arg}; there are " +
                     ", ".join(f"{g}:{c}" for g, cases in GROUPS.items() for c in cases))
        for name, work in GROUPS[group].items():
            if case in ("", name):
                yield f"{group}:{name}", work


def main():
    cases = list(chosen(sys.argv[1:] or GROUPS))
    for tool in (world.XENKDUMP, world.FAILIO, world.USAGE):
        if not os.path.exists(tool):
            sys.exit(f"run.py: {tool} is not there: make check-save builds it")
    tiny, bad = faults.Tiny(), []
    for name, work in cases:
        start = time.monotonic()
        print(f"-- {name}", flush=True)
        try:
            good = work(tiny)
        except Wrong as e:
            print(f"   WRONG: {e}")
            good = False
        print(f"   {time.monotonic() - start:.0f} s", flush=True)
        if not good:
            bad.append(name)
    print(f"{len(cases) - len(bad)} of {len(cases)} cases passed" + (f"; failed: {', '.join(bad)}" if bad else ""))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
