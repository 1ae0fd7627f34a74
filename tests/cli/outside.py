# SPDX-License-Identifier: GPL-2.0-only
"""Running xenkdump from outside and judging what it says."""
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
XENKDUMP = (ROOT / os.environ.get("O", "build") / "xenkdump").resolve()

USAGE, IO, BAD_INPUT, UNSUPPORTED, NO_REGION, NO_FIT, NO_NOTES, PRIVILEGE = 2, 4, 5, 6, 7, 8, 9, 11


class Wrong(Exception):
    pass


def write(name, content):
    pathlib.Path(name).write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def sparse(name, size):
    with open(name, "wb") as f:
        f.truncate(size)


def read(name):
    return pathlib.Path(name).read_bytes()


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


def run(*args):
    p = subprocess.run([XENKDUMP, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=60)
    r = Result(p.returncode, p.stdout.decode("utf-8"), p.stderr.decode("utf-8"))
    if not 0 <= r.code <= 13 or "Sanitizer" in r.err or "runtime error" in r.err:
        raise Wrong(f"{args}: died with {r.code}\n{r.err}")
    return r


def plan(*args):
    return ["plan", "--facts", "facts", *args]


def plan_json(*args):
    r = run(*plan("--json", *args))
    if r.code or r.err:
        raise Wrong(f"{args}: exit {r.code}\n{r.err}")
    return json.loads(r.out)


def refused(codes, args, *texts):
    """One line on standard error, nothing on standard output, the right exit code."""
    r = run(*args)
    codes = codes if isinstance(codes, tuple) else (codes,)
    said = f"{args}: exit {r.code}, standard error {r.err!r}, wanted {codes} and {texts}"
    if r.code not in codes or any(t not in r.err for t in texts):
        raise Wrong(said)
    if r.out or not r.err.startswith("xenkdump") or r.err.count("\n") != 1 or r.err[-1] != "\n":
        raise Wrong("not one message: " + said)
    if any(not " " <= c <= "~" and c not in "\n\t" for c in r.err):
        raise Wrong("unescaped: " + said)
    return r


def same(found, wanted):
    if found != wanted:
        raise Wrong(f"found {found!r}\nwanted {wanted!r}")


def has(text, part):
    if part not in text:
        raise Wrong(f"{part!r} is not in {text!r}")
