# SPDX-License-Identifier: GPL-2.0-only
"""What every case is made of, with Xen or without: the machine's parameters, then the steps."""
import os
import re
import secrets
import subprocess

import dump_saves
import initramfs
from errors import Failure, HarnessError

DUMP_CMDLINE = "console=ttyS0,115200 nr_cpus=1 irqpoll reset_devices"
CORRUPTED = r"xenkdump purgatory: .*(?:overwritten|bad parameters).*"
# Signs that no dump will come, so that a case need not wait for its time to run out.
NO_CORE = r"Kdump: vmcore not initialized|@@no-vmcore@@|Kernel panic - not syncing.*"
BOOT, DUMP_UP = 180, 120  # seconds; only a hang takes this long, but machines get busy


class Env:
    """What all cases share: packages, the loader, folders, things built once."""

    def __init__(self, pk, loader, out, keep):
        self.pk, self.loader, self.keep = pk, loader, keep
        self.work = out / "work"
        self.logs = out / "logs"
        for d in (self.work, self.logs):
            d.mkdir(parents=True, exist_ok=True)
        self.here = os.path.dirname(os.path.abspath(__file__))
        self.dump_parts, self.helpers, self.xen = {}, {}, None

    def prepare(self, arches, vmlinux=False, hosts=("amd64",), xen=True):
        """Fetches and builds what the chosen cases need, before any clock runs. arches: of the dump
        kernels; hosts: of the kernels that crash; xen: some case boots the hypervisor."""
        if vmlinux:
            self.pk.vmlinux("amd64")
        for arch in hosts:
            self.helper("marker", arch)
        if xen:
            self.xen = self.pk.xen()
            self.binaries, self.libs = self.loader.files()
        for arch in arches:
            kernel, moddir = self.pk.kernel(arch)
            path = initramfs.dump(self.work / f"dump-{arch}.cpio", self.pk.busybox(arch), moddir,
                                  self.helper("vmcopy", arch))
            self.dump_parts[arch] = (kernel, path)

    def helper(self, name, arch="amd64"):
        """A static helper program, built once; 32-bit ones need gcc-multilib."""
        if (name, arch) not in self.helpers:
            self.helpers[name, arch] = self._compile(name, arch)
        return self.helpers[name, arch]

    def _compile(self, name, arch):
        cc, path = os.environ.get("CC", "gcc"), self.work / f"{name}-{arch}"
        width = ["-m32", "-D_FILE_OFFSET_BITS=64"] if arch == "i386" else []
        res = subprocess.run([cc, "-O2", "-Wall", "-Wextra", "-static", *width, "-o", path,
                              f"{self.here}/{name}.c"], capture_output=True, text=True, check=False)
        if res.returncode:
            raise HarnessError(f"{cc} cannot build {name}.c for {arch}: {res.stderr}")
        return path


class Run:
    """One case under way. Subclasses say how the machine boots, what its crash looks like on the
    console and what the core must be: machine(), look(), crash_path and check()."""

    crash_path = ""     # what the console says once the crash kernel is entered
    not_armed = ""      # what it says instead when there is none
    bad_boot = "Kernel panic"
    panic = "sysrq triggered crash"

    def __init__(self, env, case, rep):
        self.env, self.rep, self.loader = env, rep, env.loader
        self.name = case["id"]
        self.arch = case.get("arch", "amd64")
        self.mem, self.cpus = case.get("mem", 768), case.get("cpus", 2)
        self.crashkernel = case.get("crashkernel", "192M")
        self.cpu = case.get("cpu")  # None: qemu.CPU
        self.others = case.get("others", ())  # further dump kernels, to be refused
        self.tools = case.get("tools", ())    # the loader's builds, each in a folder of its own
        self.limit = case.get("limit", 400)
        self.copy_time = case.get("copy", 90)
        self.program = None  # the loader's command in the guest; None: by its name
        self.disk = env.work / f"{self.name}.core"
        # What the core is saved with, to be judged a second time; None: not in this case.
        self.saver = (env.pk.out.parent / "xenkdump"
                      if case.get("save") and env.loader.name == "xenkdump" else None)
        # What is saved in the dump kernel itself.
        self.saves = dump_saves.Saves(self, case["saves"], case.get("full")) if "saves" in case else None
        self.log = env.logs / f"{self.name}.console"

    def machine(self):
        raise NotImplementedError

    def look(self, m):
        """Facts of the booted machine that check() needs."""
        raise NotImplementedError

    def check(self):
        raise NotImplementedError

    def make_disk(self):
        self.disk.unlink(missing_ok=True)
        with open(self.disk, "wb") as f:
            f.truncate((self.mem + 64) << 20)  # a sparse file; a core is never larger

    def payload(self):
        """{path in the guest: source}: the dump kernel and its initrd, and those to be refused."""
        kernel, initrd = self.env.dump_parts[self.arch]
        if self.saves:
            initrd = self.saves.initrd()
        files = {"payload/kernel": kernel, "payload/initrd": initrd}
        for arch in self.others:
            files[f"payload/kernel-{arch}"] = self.env.dump_parts[arch][0]
        for arch in (self.arch, *self.others):
            files.update({f"payload/{n}": p for n, p in self.env.pk.kernel_config(arch).items()})
        return files

    def tool_files(self):
        """The loader's builds and their libraries, as initramfs.host() takes them."""
        programs, libs = {}, {}
        for arch in self.tools:
            files, needed = self.loader.native_files(arch)
            programs.update(files)
            libs.update({(n, arch): p for n, p in needed.items()})
        return programs, libs

    def boot(self, m):
        try:
            hit = m.expect(r"@@ready (\S+) @@", BOOT, "the host's shell", bad=self.bad_boot)
        except Failure as exc:  # nothing of ours has run yet
            raise HarnessError(str(exc)) from exc
        self.release = hit.group(1)
        self.rep.step("the host is up")
        self.look(m)

    def plant(self, m):
        """A random marker in a page of the host's."""
        self.marker = secrets.token_bytes(64)
        m.run(f"marker {self.marker.hex()} >/tmp/marker 2>&1 &")
        _, out = m.run("n=0; until [ -s /tmp/marker ] || [ $n = 20 ]; do sleep 0.1; n=$((n+1)); done;"
                       " cat /tmp/marker")
        hit = re.search(r"marker pfn (0x[0-9a-f]+)", out)
        if not hit:
            raise HarnessError(f"the marker program did not say its page: {out}")
        self.pfn = int(hit.group(1), 16)

    def arm(self, m, options=""):
        out = self.loader.load(m, DUMP_CMDLINE, options, self.program) or ""
        self.rep.say(out)
        self.rep.step("armed")
        return out

    def refused(self, m, code, text, kernel="/payload/kernel", program=None, options=""):
        """A load that must fail with that exit code and say that."""
        self.loader.needs_own("exit codes and sentences to compare")
        m.armed = True
        program = program or self.program or self.loader.name
        got, out = m.run(self.loader.load_command(DUMP_CMDLINE, options, program, kernel), 90,
                         check=False)
        what, said = f"{program} refuses {kernel}", out.strip()[-500:]
        self.rep.ok(got == code, f"{what} with exit code {code}", f"{got}: {said}")
        self.rep.ok(re.search(text, out), f"{what}, saying /{text}/", said)

    def await_dump_kernel(self, m):
        if self.crash_path:
            m.expect(self.crash_path, 30, "the crash path", bad=self.not_armed)
        bad = "|".join(filter(None, (self.not_armed, CORRUPTED, NO_CORE)))
        hit = m.expect(r"@@dump-kernel (\S+) (\S+)@@", DUMP_UP, "the dump kernel", bad=bad)
        self.rep.step("the dump kernel is up")
        want = "i686" if self.arch == "i386" else "x86_64"
        self.rep.ok(hit.group(2) == want, f"the dump kernel runs as {want}", hit.group(2))
        return int(m.expect(r"@@vmcore (\d+)@@", 20, "/proc/vmcore", bad=bad).group(1))

    def save(self, m):
        """Waits for the dump kernel to write the core; leaves it as self.disk."""
        size = self.await_dump_kernel(m)
        m.expect(r"@@saved 0@@", self.copy_time, "the core on the disk",
                 bad=r"@@insmod.*failed|@@save-disk failed|@@saved [1-9]|" + NO_CORE)
        self.rep.step("the core is saved")
        m.wait_end(30, "power off")
        self.after_save(m)
        if self.saves:
            self.saves.fetch(m.text)
        if size > self.disk.stat().st_size:
            raise Failure(f"/proc/vmcore of {size} bytes, larger than the machine's memory")
        os.truncate(self.disk, size)

    def after_save(self, m):
        """What the dump kernel said on the console, for cases that judge it."""

    def tidy(self, passed):
        (self.env.work / f"{self.name}.cpio").unlink(missing_ok=True)
        if self.saves:
            self.saves.tidy(self.env.keep)
        if passed and not self.env.keep:
            self.disk.unlink(missing_ok=True)


# -- ways to crash ---------------------------------------------------------------------------

def sysrq(run, m):
    """A panic on the last CPU, so that its registers are not always the first note's. The process
    says its number through the kernel's log, which is on the console before anything else runs."""
    cmd = 'echo "<1>@@pid $$@@" >/dev/kmsg; echo c >/proc/sysrq-trigger'
    m.send_last(f"taskset {1 << (run.cpus - 1):x} sh -c '{cmd}'")
    run.crashed_pid = int(m.expect(r"@@pid (\d+)@@", 30, "the shell that panics").group(1))
    m.expect(f"Kernel panic - not syncing: {run.panic}", 30, "the panic")


def test_crash(run, m):
    m.send_last(run.loader.test_crash(run.program))


def plain(crash, options=lambda loader: ""):
    """Boot, plant, arm, crash that way, save, check."""
    def body(run):
        opts = options(run.loader)  # may skip, before a machine is started
        if crash is test_crash:
            run.loader.test_crash()
        with run.machine() as m:
            run.boot(m)
            run.plant(m)
            run.arm(m, opts)
            crash(run, m)
            run.save(m)
        run.check()
    return body


def step_through(run, m, witness=lambda want: None):
    """Load, unload, reload in several orders; status says the truth after each, and so does the
    witness where there is one. Ends armed."""
    want, done = "not armed", []
    for step in "status unload load load unload load unload unload load".split():
        if step == "load":
            run.arm(m)
            want = "armed"
        elif step == "unload":
            run.loader.unload(m, run.program)
            want = "not armed"
        done.append(step)
        state = run.loader.state(m, run.program)
        run.rep.ok(state == want, f"after {', '.join(done)}: {want}", state)
        witness(want)
