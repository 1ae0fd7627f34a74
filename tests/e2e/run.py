#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the QEMU cases. One line a case, then "N passed, N failed"; exit 0 only if all passed."""
import argparse
import concurrent.futures
import os
import pathlib
import sys
import threading
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cases  # noqa: E402
import checks  # noqa: E402
import dom0_32  # noqa: E402
import guests  # noqa: E402
import loaders  # noqa: E402
import native_cases  # noqa: E402
import packages  # noqa: E402
from errors import Failure, HarnessError, Skip, StepTimeout  # noqa: E402

CASES = cases.CASES + guests.CASES + dom0_32.CASES + native_cases.CASES
NO_SKIP = os.environ.get("CI") == "true" or os.environ.get("E2E_NO_SKIP") == "1"
TAIL = 25
print_lock = threading.Lock()


def verdict(body, rep):
    """(word, text) of one case."""
    try:
        body()
    except Skip as exc:
        return ("ERROR", f"skipped, where skips are not allowed: {exc}") if NO_SKIP else \
            ("SKIP", str(exc))
    except Failure as exc:
        return "FAIL", str(exc)
    except StepTimeout as exc:
        return "TIMEOUT", str(exc)
    except HarnessError as exc:
        return "ERROR", str(exc)
    except Exception:  # pylint: disable=broad-except # a bug of the harness is an error of the case
        return "ERROR", traceback.format_exc()
    if not rep.count:
        return "ERROR", "the case ended without having checked anything"
    return "pass", f"{rep.count} checks"


def run_case(env, case):
    rep = checks.Report(env.logs / f"{case['id']}.checks")
    run = case.get("run", cases.Run)(env, case, rep)
    run.log.unlink(missing_ok=True)
    start = time.monotonic()
    word, text = verdict(lambda: case["body"](run), rep)
    rep.say(f"{word}: {text}")
    rep.close()
    run.tidy(word == "pass")
    with print_lock:
        print(f"{word:<8}{case['id']:<3} {case['what']:<36}{time.monotonic() - start:6.1f} s  "
              + (text if word in ("pass", "SKIP") else ""), flush=True)
        if word not in ("pass", "SKIP"):
            print("        " + text.rstrip().replace("\n", "\n        "))
            if run.log.exists():
                lines = run.log.read_bytes().decode("utf-8", "replace").replace("\r", "")
                print(f"        the last lines of {run.log}:")
                for line in lines.splitlines()[-TAIL:]:
                    print("        | " + line)
            sys.stdout.flush()
    return word


def choose(only):
    if not only:
        return CASES
    ids = only.split(",")
    unknown = set(ids) - {c["id"] for c in CASES}
    if unknown:
        sys.exit(f"run.py: no such case: {', '.join(sorted(unknown))}; see --list")
    return [c for c in CASES if c["id"] in ids]


def prepare(env, chosen):
    """What the chosen cases need, fetched and built before any of them starts."""
    hosts = {c.get("host", "amd64") for c in chosen}
    dumps = {c.get("arch", "amd64") for c in chosen} | {a for c in chosen for a in c.get("others", ())}
    tools = {a for c in chosen for a in c.get("tools", ())} | {
        c.get("host", "amd64") for c in chosen if c.get("run") is native_cases.NativeRun}
    env.prepare(dumps | {"amd64"}, any(c.get("vmlinux") for c in chosen), hosts,
                xen=any(c.get("run") in (None, guests.GuestRun, guests.LargeRun) for c in chosen))
    for arch in tools:
        env.loader.native_files(arch)
        env.pk.kexec_tools(arch)
    for arch in hosts:
        env.pk.kernel(arch)
        env.pk.busybox(arch)
    if any(c.get("efi") for c in chosen):
        env.pk.ovmf()


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--loader", choices=sorted(loaders.LOADERS), default="xenkdump")
    ap.add_argument("--only", help="case letters, separated by commas")
    ap.add_argument("--list", action="store_true", help="name the cases and stop")
    ap.add_argument("--jobs", type=int, default=1, help="cases at a time")
    ap.add_argument("--keep", action="store_true", help="keep the cores of cases that pass")
    args = ap.parse_args()
    if args.list:
        for c in CASES:
            print(f"{c['id']:<3} {c['what']}")
        return 0
    chosen = choose(args.only)
    top = pathlib.Path(__file__).resolve().parents[2]
    out = (top / os.environ.get("O", "build")).resolve()
    try:
        pk = packages.Packages(out / "e2e")
        loader = loaders.LOADERS[args.loader](pk, out, os.environ.get("O_I386"))
        env = cases.Env(pk, loader, out / "e2e", args.keep)
        prepare(env, chosen)
        for more in {c["prepare"] for c in chosen if "prepare" in c}:
            more(env)
    except HarnessError as exc:
        print(f"ERROR   before any case: {exc}")
        print(f"0 passed, {len(chosen)} failed")
        return 1
    with concurrent.futures.ThreadPoolExecutor(max(1, args.jobs)) as pool:
        words = list(pool.map(lambda c: run_case(env, c), chosen))
    passed, skipped = words.count("pass"), words.count("SKIP")
    failed = len(words) - passed - skipped
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 0 if passed == len(words) else 1


if __name__ == "__main__":
    sys.exit(main())
