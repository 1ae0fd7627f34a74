# SPDX-License-Identifier: GPL-2.0-only
"""One emulated machine with its serial console: start, read until, send, always end."""
import ctypes
import os
import re
import selectors
import signal
import subprocess
import time

from errors import Failure, HarnessError, StepTimeout

# Emulation on a busy machine can be slow: every limit is multiplied by this.
SLOW = float(os.environ.get("E2E_SLOW", "1"))
ACCEL = os.environ.get("E2E_ACCEL", "tcg")
# `max` and EPYC do not bring up Xen 4.17's PV dom0 under TCG; this one does.
CPU = os.environ.get("E2E_CPU", "Haswell-noTSX")

_LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def _die_with_parent():
    """In the child: even a killed harness leaves no machine behind."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Machine:
    """A context manager: the process is gone when the block ends, however it ends."""

    def __init__(self, log, argv, limit):
        self.log_path = log
        self.argv = argv
        self.deadline = time.monotonic() + limit * SLOW
        self.text = ""      # the console so far, carriage returns dropped
        self.pos = 0        # where the next expect() starts looking
        self.armed = False  # once the code under test acts, a dying machine is its fault
        self.seq = 0
        self.proc = None

    def __enter__(self):
        self.log = open(self.log_path, "wb")
        self.log.write((" ".join(map(str, self.argv)) + "\n").encode())
        try:
            self.proc = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, bufsize=0,
                                         preexec_fn=_die_with_parent)
        except OSError as exc:
            self.log.close()
            raise HarnessError(f"cannot start {self.argv[0]}: {exc}") from exc
        self.sel = selectors.DefaultSelector()
        self.sel.register(self.proc.stdout, selectors.EVENT_READ)
        return self

    def __exit__(self, *exc):
        self.proc.kill()
        self.proc.wait()
        while data := self.proc.stdout.read(65536):  # what it still said, for the log
            self._take(data)
        for f in (self.proc.stdin, self.proc.stdout):
            f.close()
        self.sel.close()
        self.log.close()

    def _take(self, data):
        self.log.write(data)
        self.log.flush()
        self.text += data.decode("utf-8", "replace").replace("\r", "")

    def _pump(self, until):
        """Reads what is there, at most until then. False: the machine has ended."""
        wait = max(0.0, min(until, self.deadline) - time.monotonic())
        if not self.sel.select(wait):
            return True
        data = os.read(self.proc.stdout.fileno(), 65536)
        self._take(data)
        return bool(data)

    def _ended(self, what):
        text = f"the machine ended while waiting for {what}"
        return Failure(text) if self.armed else HarnessError(text)

    def expect(self, pattern, seconds, what, bad=None):
        """The match of pattern in what comes, or StepTimeout; a match of bad is a Failure."""
        until = time.monotonic() + seconds * SLOW
        regex = re.compile(f"(?:{pattern})|(?P<bad_>{bad})" if bad else pattern, re.M)
        alive = True
        while True:
            hit = regex.search(self.text, self.pos)
            if hit:
                self.pos = hit.end()
                if bad and hit.group("bad_") is not None:
                    raise Failure(f"waited for {what}, but the console says: {hit.group(0)}")
                return hit
            if not alive:
                raise self._ended(what)
            now = time.monotonic()
            if now >= self.deadline:
                raise StepTimeout(f"the case's time is up; it was waiting for {what}")
            if now >= until:
                raise StepTimeout(f"{what}: nothing after {seconds * SLOW:.0f} s")
            alive = self._pump(until)

    def wait_end(self, seconds, what):
        """Reads on until the machine ends by itself."""
        until = time.monotonic() + seconds * SLOW
        while self._pump(until):
            if time.monotonic() >= min(until, self.deadline):
                raise StepTimeout(f"{what}: the machine runs on after {seconds * SLOW:.0f} s")
        self.proc.wait(10)

    def send(self, data):
        """Xen keeps 128 bytes of console input for dom0 and drops the rest: go slowly."""
        for i in range(0, len(data), 24):
            try:
                self.proc.stdin.write(data[i:i + 24])
            except BrokenPipeError:
                raise self._ended("room for console input") from None
            self._pump(time.monotonic() + 0.02)

    def run(self, cmd, seconds=30, check=True):
        """Runs a shell command in the host. (exit status, its output); check: non-zero is a Failure."""
        cmd = cmd.strip()  # as the shell's `read` does with it
        for _ in range(4):
            self.seq += 1
            start = len(self.text)
            self.send(f"{self.seq} {len(cmd)} {cmd}\n".encode())
            hit = self.expect(rf"@@end {self.seq} (\d+)@@|@@again \S*@@", seconds,
                              f"the end of `{cmd}`")
            if hit.group(1) is not None:
                out = self.text[start:hit.start()]
                if check and hit.group(1) != "0":
                    raise Failure(f"`{cmd}` exited {hit.group(1)}: {out.strip()[-800:]}")
                return int(hit.group(1)), out
        raise HarnessError(f"the console garbled `{cmd}` four times")

    def send_last(self, cmd):
        """Sends a command that does not come back."""
        self.armed = True
        self.seq += 1
        cmd = cmd.strip()
        self.send(f"{self.seq} {len(cmd)} {cmd}\n".encode())


def _argv(disk, mem, cpus, cpu, more):
    """What all machines have: the disk for the core, the console on stdio."""
    return [
        os.environ.get("E2E_QEMU", "qemu-system-x86_64"), "-accel", ACCEL, "-cpu", cpu or CPU,
        "-m", str(mem), "-smp", str(cpus), "-nodefaults", "-no-user-config", "-display", "none",
        "-vga", "std", "-no-reboot",
        "-chardev", "stdio,id=con,signal=off", "-serial", "chardev:con",
        # Only the dump kernel has a driver for it; zeros become holes in the host's file.
        "-drive", f"file={disk},format=raw,if=virtio,cache=unsafe,discard=unmap,"
                  "detect-zeroes=unmap", *more,
    ]


def xen_argv(xen, kernel, initrd, disk, mem, cpus, xen_args, dom0_args, cpu=None, more=()):
    """The command line of a machine that boots Xen and dom0 directly."""
    for f in (kernel, initrd):
        if "," in str(f) or " " in str(f):
            raise HarnessError(f"{f}: QEMU cannot take a path with a comma or space here")
    return [*_argv(disk, mem, cpus, cpu, more),
            "-kernel", str(xen), "-append", xen_args, "-initrd", f"{kernel} {dom0_args},{initrd}"]


def linux_argv(kernel, initrd, disk, mem, cpus, args, cpu=None, firmware=None, more=()):
    """One that boots Linux directly. firmware: (code, variables), the files of an EFI firmware."""
    flash = []
    for f, how in zip(firmware or (), (",readonly=on", ""), strict=False):
        flash += ["-drive", f"if=pflash,format=raw,file={f}{how}"]
    return [*_argv(disk, mem, cpus, cpu, (*flash, *more)),
            "-kernel", str(kernel), "-append", args, "-initrd", str(initrd)]
