# SPDX-License-Identifier: GPL-2.0-only
"""The cases with Xen: arm, crash, look at the core. Each row of CASES is one; run.py runs them."""
import checks
import initramfs
import qemu
import save_checks
import steps
from core import parse_xensyms
from errors import HarnessError
from steps import (CORRUPTED, DUMP_CMDLINE, NO_CORE, Env,  # noqa: F401 # for other modules, too
                   plain, step_through, sysrq, test_crash)

SYMBOLS = "stack_base|conring|conringp|conring_size|saved_cmdline"
# Signs from Xen that no dump will come.
NOT_ARMED = r"Reboot in five seconds|rebooting machine in 5 seconds|no crash kernel loaded"


class Run(steps.Run):
    """A machine with Xen and a 64-bit dom0; the core is the hypervisor's."""

    crash_path = "Executing kexec image on cpu"
    not_armed = NOT_ARMED
    bad_boot = "Panic on CPU|Kernel panic"

    def __init__(self, env, case, rep):
        super().__init__(env, case, rep)
        self.xen_options, self.hardware = case.get("xen", ""), case.get("hardware", ())
        self.dom0_mem = case.get("dom0_mem", "320M")

    def dom0_programs(self):
        """({name: path} for /bin, {soname: path}, modules) of dom0."""
        return {**self.env.binaries, "marker": self.env.helper("marker")}, self.env.libs, initramfs.XEN_MODULES

    def hypervisor(self):
        return self.env.xen

    def machine(self):
        env = self.env
        kernel, moddir = env.pk.kernel("amd64")
        programs, libs, modules = self.dom0_programs()
        initrd = initramfs.dom0(
            env.work / f"{self.name}.cpio", env.pk.busybox("amd64"), moddir, programs, libs,
            self.payload(), self.tool_files(), modules)
        self.make_disk()
        xen_args = ("console=com1 com1=115200,8n1 loglvl=all guest_loglvl=error "
                    f"dom0_mem={self.dom0_mem},max:{self.dom0_mem} "
                    f"crashkernel={self.crashkernel} {self.xen_options}")
        return qemu.Machine(self.log, qemu.xen_argv(
            self.hypervisor(), kernel, initrd, self.disk, self.mem, self.cpus, xen_args,
            "console=hvc0 panic=-1 rdinit=/init", self.cpu,
            (*self.hardware, *(self.saves.hardware() if self.saves else ()))), self.limit)

    def look(self, m):
        self.xen = checks.xen_facts(m.text)
        self.rep.say(f"Xen: {self.xen}")

    def plant(self, m):
        """The marker lies in dom0; the symbols are those of the running hypervisor."""
        super().plant(m)
        self.symbols = self.ask_symbols(m)

    def ask_symbols(self, m):
        _, out = m.run(f"grep -E '[ #]({SYMBOLS})$' /proc/xen/xensyms")
        symbols = parse_xensyms(out)
        if "stack_base" not in symbols:
            raise HarnessError("/proc/xen/xensyms does not name stack_base")
        return symbols

    def check(self):
        self.vmcoreinfo = checks.check_core(self.rep, self.disk, self.xen, self.cpus, self.marker,
                                            self.pfn, self.symbols)
        checks.check_tools(self.rep, self.disk, self.cpus, self.release)
        if self.saver:
            save_checks.check_xen(self.rep, self.disk, self.saver, self.release)


def crash_key(run, m):
    m.armed = True
    m.send(b"\x01\x01\x01")
    m.expect(r"\*\*\* Serial input to Xen", 10, "the console's switch to Xen")
    m.send(b"C")
    m.expect("'C' pressed -> triggering crashdump", 10, "Xen's crash key")


# -- cases of their own ----------------------------------------------------------------------

def above_4g(run):
    plain(sysrq)(run)
    start = run.xen["crash"][0]
    run.rep.ok(start >= 1 << 32, "the crash region lies above 4 GiB", f"{start:#x}")


def sequences(run):
    """Status says the truth after each step, and the last load does crash-boot."""
    run.loader.status_command()  # skips for a loader without one
    with run.machine() as m:
        run.boot(m)
        run.plant(m)
        step_through(run, m)
        sysrq(run, m)
        run.save(m)
    run.check()


def pvh_dom0(run):
    """Xen has no kexec for PVH domains: one sentence that names the parameter to change."""
    with run.machine() as m:
        run.boot(m)
        run.refused(m, 6, "dom0=pv ")


def i386_tool(run):
    """A 32-bit program cannot reach a 64-bit dom0's hypervisor: a sentence says so, and with the
    64-bit program beside it the load works, whatever it would have refused otherwise."""
    run.loader.needs_own("i386 build that works there")
    run.program = "/i386/xenkdump"
    with run.machine() as m:
        run.boot(m)
        run.plant(m)
        run.refused(m, 8, "below 896 MiB", "/payload/kernel-i386", "xenkdump")
        run.refused(m, 6, "64-bit dom0.* install the x86_64 build")
        m.run("cp /bin/xenkdump /i386/xenkdump-x86_64")
        run.refused(m, 8, "below 896 MiB", "/payload/kernel-i386")
        run.arm(m)
        sysrq(run, m)
        run.save(m)
    start = run.xen["crash"][0]
    run.rep.ok(start >= 1 << 32, "the crash region lies above 4 GiB", f"{start:#x}")
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
    dict(id="a", what="dom0 panic, 64-bit dump kernel", body=plain(sysrq), save=True),
    dict(id="b", what="dom0 panic, 686-pae dump kernel", body=plain(sysrq), arch="i386",
         crashkernel="192M@256M"),
    dict(id="c", what="hypervisor crash key", body=plain(crash_key), save=True),
    dict(id="d", what="test-crash", body=plain(test_crash)),
    dict(id="e", what="6 GiB, crash region above 4 GiB", body=above_4g, mem=6144,
         crashkernel="256M", limit=400, copy=300),
    dict(id="f", what="4 vCPUs", body=plain(sysrq), cpus=4, save=True),
    dict(id="g", what="load, unload, reload, status", body=sequences),
    dict(id="u", what="crash after unload", body=unloaded),
    dict(id="h", what="corrupted image", body=corrupted),
    dict(id="i", what="dom0's VMCOREINFO", body=dom0_vmcoreinfo),
    dict(id="j", what="64-bit dom0, i386 tool", body=i386_tool, mem=6144, crashkernel="256M",
         tools=("i386",), others=("i386",), copy=300),
    dict(id="k", what="PVH dom0", body=pvh_dom0, xen="dom0=pvh", cpu="qemu64,+svm,+npt",
         hardware=("-M", "q35", "-device", "amd-iommu")),  # Xen wants an IOMMU for it
    dict(id="v", what="crash with dom0's vmlinux", body=crash_opens, vmlinux=True),
]
