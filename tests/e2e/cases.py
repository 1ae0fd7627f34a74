# SPDX-License-Identifier: GPL-2.0-only
"""The cases: arm, crash, look at the core. Each row of CASES is one; run.py runs them."""
import os
import re
import secrets
import subprocess

import checks
import initramfs
import qemu
from core import parse_xensyms
from errors import Failure, HarnessError

DUMP_CMDLINE = "console=ttyS0,115200 nr_cpus=1 irqpoll reset_devices"
SYMBOLS = "stack_base|conring|conringp|conring_size|saved_cmdline"
# Signs that no dump will come, so that a case need not wait for its time to run out: from Xen, from
# purgatory, from the dump kernel.
NOT_ARMED = r"Reboot in five seconds|rebooting machine in 5 seconds|no crash kernel loaded"
CORRUPTED = r"xenkdump purgatory: .*(?:overwritten|bad parameters).*"
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

    def prepare(self, arches, vmlinux=False):
        """Fetches and builds what the chosen cases need, before any clock runs."""
        self.xen = self.pk.xen()
        if vmlinux:
            self.pk.vmlinux("amd64")
        self.marker = self._compile("marker", "amd64")
        self.binaries, self.libs = self.loader.files()
        self.dump_parts = {}
        for arch in arches:
            kernel, moddir = self.pk.kernel(arch)
            path = initramfs.dump(self.work / f"dump-{arch}.cpio", self.pk.busybox(arch), moddir,
                                  self._compile("vmcopy", arch))
            self.dump_parts[arch] = (kernel, path)

    def _compile(self, name, arch):
        """A static helper program; 32-bit ones need gcc-multilib."""
        cc, path = os.environ.get("CC", "gcc"), self.work / f"{name}-{arch}"
        width = ["-m32", "-D_FILE_OFFSET_BITS=64"] if arch == "i386" else []
        res = subprocess.run([cc, "-O2", "-Wall", "-Wextra", "-static", *width, "-o", path,
                              f"{self.here}/{name}.c"], capture_output=True, text=True, check=False)
        if res.returncode:
            raise HarnessError(f"{cc} cannot build {name}.c for {arch}: {res.stderr}")
        return path


class Run:
    """One case under way: the machine's parameters, then the steps that cases are made of."""

    def __init__(self, env, case, rep):
        self.env, self.rep, self.loader = env, rep, env.loader
        self.name = case["id"]
        self.arch = case.get("arch", "amd64")
        self.mem, self.cpus = case.get("mem", 768), case.get("cpus", 2)
        self.crashkernel = case.get("crashkernel", "192M")
        self.limit = case.get("limit", 400)
        self.copy_time = case.get("copy", 90)
        self.disk = env.work / f"{self.name}.core"
        self.log = env.logs / f"{self.name}.console"

    def machine(self):
        env = self.env
        kernel, moddir = env.pk.kernel("amd64")
        dump_kernel, dump_initrd = env.dump_parts[self.arch]
        initrd = initramfs.dom0(
            env.work / f"{self.name}.cpio", env.pk.busybox("amd64"), moddir,
            {**env.binaries, "marker": env.marker}, env.libs,
            {"payload/kernel": dump_kernel, "payload/initrd": dump_initrd})
        self.disk.unlink(missing_ok=True)
        with open(self.disk, "wb") as f:
            f.truncate((self.mem + 64) << 20)  # a sparse file; a core is never larger
        xen_args = ("console=com1 com1=115200,8n1 loglvl=all guest_loglvl=error "
                    "dom0_mem=320M,max:320M "
                    f"crashkernel={self.crashkernel}")
        return qemu.Machine(self.log, qemu.xen_argv(
            env.xen, kernel, initrd, self.disk, self.mem, self.cpus, xen_args,
            "console=hvc0 panic=-1 rdinit=/init"), self.limit)

    def boot(self, m):
        try:
            hit = m.expect(r"@@ready (\S+) @@", BOOT, "dom0's shell",
                           bad="Panic on CPU|Kernel panic")
        except Failure as exc:  # nothing of ours has run yet
            raise HarnessError(str(exc)) from exc
        self.release = hit.group(1)
        self.rep.step("dom0 is up")
        self.xen = checks.xen_facts(m.text)
        self.rep.say(f"Xen: {self.xen}")

    def plant(self, m):
        """A random marker in a page of dom0's, and the symbols of the running hypervisor."""
        self.marker = secrets.token_bytes(64)
        m.run(f"marker {self.marker.hex()} >/tmp/marker 2>&1 &")
        _, out = m.run("n=0; until [ -s /tmp/marker ] || [ $n = 20 ]; do sleep 0.1; n=$((n+1)); done;"
                       " cat /tmp/marker")
        hit = re.search(r"marker pfn (0x[0-9a-f]+)", out)
        if not hit:
            raise HarnessError(f"the marker program did not say its page: {out}")
        self.pfn = int(hit.group(1), 16)
        self.symbols = self.ask_symbols(m)

    def ask_symbols(self, m):
        _, out = m.run(f"grep -E '[ #]({SYMBOLS})$' /proc/xen/xensyms")
        symbols = parse_xensyms(out)
        if "stack_base" not in symbols:
            raise HarnessError("/proc/xen/xensyms does not name stack_base")
        return symbols

    def arm(self, m, options=""):
        self.rep.say(self.loader.load(m, DUMP_CMDLINE, options) or "")
        self.rep.step("armed")

    def await_dump_kernel(self, m):
        m.expect("Executing kexec image on cpu", 30, "Xen's crash path", bad=NOT_ARMED)
        bad = f"{CORRUPTED}|{NO_CORE}"
        hit = m.expect(r"@@dump-kernel (\S+) (\S+)@@", DUMP_UP, "the dump kernel", bad=bad)
        self.rep.step("the dump kernel is up")
        want = "i686" if self.arch == "i386" else "x86_64"
        self.rep.ok(hit.group(2) == want, f"the dump kernel runs as {want}", hit.group(2))
        return int(m.expect(r"@@vmcore (\d+)@@", 20, "/proc/vmcore", bad=bad).group(1))

    def save(self, m):
        """Waits for the dump kernel to write the core; leaves it as self.disk."""
        size = self.await_dump_kernel(m)
        m.expect(r"@@saved 0@@", self.copy_time, "the core on the disk",
                 bad=r"@@insmod.*failed|@@saved [1-9]|" + NO_CORE)
        self.rep.step("the core is saved")
        m.wait_end(30, "power off")
        if size > self.disk.stat().st_size:
            raise Failure(f"/proc/vmcore of {size} bytes, larger than the machine's memory")
        os.truncate(self.disk, size)

    def check(self):
        self.vmcoreinfo = checks.check_core(self.rep, self.disk, self.xen, self.cpus, self.marker,
                                            self.pfn, self.symbols)
        checks.check_tools(self.rep, self.disk, self.cpus, self.release)

    def tidy(self, passed):
        (self.env.work / f"{self.name}.cpio").unlink(missing_ok=True)
        if passed and not self.env.keep:
            self.disk.unlink(missing_ok=True)


# -- ways to crash ---------------------------------------------------------------------------

def sysrq(run, m):
    m.send_last("echo c >/proc/sysrq-trigger")
    m.expect("Kernel panic - not syncing: sysrq triggered crash", 30, "dom0's panic")


def crash_key(run, m):
    m.armed = True
    m.send(b"\x01\x01\x01")
    m.expect(r"\*\*\* Serial input to Xen", 10, "the console's switch to Xen")
    m.send(b"C")
    m.expect("'C' pressed -> triggering crashdump", 10, "Xen's crash key")


def test_crash(run, m):
    m.send_last(run.loader.test_crash())


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


# -- cases of their own ----------------------------------------------------------------------

def above_4g(run):
    plain(sysrq)(run)
    start = run.xen["crash"][0]
    run.rep.ok(start >= 1 << 32, "the crash region lies above 4 GiB", f"{start:#x}")


def sequences(run):
    """Status says the truth after each step, and the last load does crash-boot."""
    steps = "status unload load load unload load unload unload load".split()
    want = "not armed"
    run.loader.status_command()  # skips for a loader without one
    with run.machine() as m:
        run.boot(m)
        run.plant(m)
        done = []
        for step in steps:
            if step == "load":
                run.arm(m)
                want = "armed"
            elif step == "unload":
                run.loader.unload(m)
                want = "not armed"
            done.append(step)
            state = run.loader.state(m)
            run.rep.ok(state == want, f"after {', '.join(done)}: {want}", state)
        sysrq(run, m)
        run.save(m)
    run.check()


def unloaded(run):
    """After load and unload a crash finds nothing to run: Xen says so and restarts."""
    with run.machine() as m:
        run.boot(m)
        run.arm(m)
        run.loader.unload(m)
        sysrq(run, m)
        m.expect("Dom0 crashed: rebooting machine in 5 seconds", 30, "Xen's restart",
                 bad="Executing kexec image|@@dump-kernel")
        m.wait_end(30, "the restart")
        run.rep.ok("@@dump-kernel" not in m.text, "no dump kernel ran")


def corrupted(run):
    """A digest that cannot match: purgatory names the region and restarts the machine."""
    opts = run.loader.test_wrong_digest()
    with run.machine() as m:
        run.boot(m)
        run.arm(m, opts)
        sysrq(run, m)
        m.expect("Executing kexec image", 30, "Xen's crash path", bad=NOT_ARMED)
        hit = m.expect(r"xenkdump purgatory: kernel at (0x[0-9a-f]+), .*was overwritten.*", 30,
                       "purgatory's complaint", bad="@@dump-kernel")
        start, size = run.xen["crash"]
        run.rep.ok(start <= int(hit.group(1), 16) < start + size,
                   "purgatory names the kernel, in the crash region", hit.group(0))
        m.wait_end(30, "the restart")
        run.rep.ok("@@dump-kernel" not in m.text, "the dump kernel did not run")


def dom0_vmcoreinfo(run):
    """dom0's VMCOREINFO in the core: the log comes out without vmlinux, and no tool is worse off."""
    plain(sysrq, lambda loader: loader.dom0_vmcoreinfo("yes"))(run)
    rep, core = run.rep, run.disk
    out = core.with_suffix(".dmesg")
    out.unlink(missing_ok=True)
    code, _, _ = checks.run_tool(rep, ["makedumpfile", "--dump-dmesg", core, out])
    text = out.read_text("latin-1") if out.exists() else ""
    rep.ok(code == 0 and "Trigger a crash" in text, "makedumpfile --dump-dmesg gives dom0's log",
           f"exit {code}, {len(text)} bytes")
    # What vmcore-dmesg makes of it is written down, not required.
    vmcore_dmesg = run.env.pk.kexec_tools().parent / "vmcore-dmesg"
    checks.run_tool(rep, [vmcore_dmesg, core])
    with_note = checks.check_makedumpfile(rep, core)
    # The same core without the note is the same bytes with the note's name changed.
    hidden = checks.rename_note(core, b"VMCOREINFO", b"XMCOREINFO")
    rep.ok(hidden == 1, "one VMCOREINFO note of dom0's", str(hidden))
    without = checks.check_makedumpfile(rep, core)
    rep.ok(with_note <= without * 1.01, "makedumpfile -X -d 1 keeps no more with the note",
           f"{with_note} bytes with, {without} without")


def crash_opens(run):
    """crash with dom0's vmlinux: its log names the panic. Needs an 850 MB package."""
    vmlinux = run.env.pk.vmlinux("amd64")  # there since Env.prepare()
    plain(sysrq)(run)
    script = run.disk.with_suffix(".crash")
    script.write_text("log | tail -60\nps | head\nquit\n", "ascii")
    code, out, _ = checks.run_tool(run.rep, ["crash", "-s", "-i", script, vmlinux, run.disk], 300)
    run.rep.ok(code == 0 and "sysrq triggered crash" in out, "crash shows dom0's panic",
               f"exit {code}")


CASES = [
    dict(id="a", what="dom0 panic, 64-bit dump kernel", body=plain(sysrq)),
    dict(id="b", what="dom0 panic, 686-pae dump kernel", body=plain(sysrq), arch="i386",
         crashkernel="192M@256M"),
    dict(id="c", what="hypervisor crash key", body=plain(crash_key)),
    dict(id="d", what="test-crash", body=plain(test_crash)),
    dict(id="e", what="6 GiB, crash region above 4 GiB", body=above_4g, mem=6144,
         crashkernel="256M", limit=400, copy=300),
    dict(id="f", what="4 vCPUs", body=plain(sysrq), cpus=4),
    dict(id="g", what="load, unload, reload, status", body=sequences),
    dict(id="u", what="crash after unload", body=unloaded),
    dict(id="h", what="corrupted image", body=corrupted),
    dict(id="i", what="dom0's VMCOREINFO", body=dom0_vmcoreinfo),
    dict(id="v", what="crash with dom0's vmlinux", body=crash_opens, vmlinux=True),
]
