# SPDX-License-Identifier: GPL-2.0-only
"""The cases without Xen: Linux of either width, each build of the loader, each dump kernel."""
import lzma
import re
import shutil
import struct
import time

import checks
import initramfs
import native_checks
import peers
import qemu
import save_checks
import save_natively
import steps
from errors import HarnessError
from steps import DUMP_CMDLINE, step_through, sysrq

MIB, GIB = 1 << 20, 1 << 30
BITS = {"amd64": 64, "i386": 32}
LOADED = "/sys/kernel/kexec_crash_loaded"
CORRUPTED = r"xenkdump purgatory: kernel at (0x[0-9a-f]+), .*was overwritten.*"


class NativeRun(steps.Run):
    """A machine that boots Linux directly; the core is that kernel's. host: architecture of the kernel that crashes; tools: of
    the loader's builds inside, the first one being the one that loads; arch: of the dump kernel."""

    # What comes after the jump into a crash kernel, were there one.
    not_armed = r"Kernel Offset: "

    def __init__(self, env, case, rep):
        super().__init__(env, case, rep)
        self.host_arch = case.get("host", "amd64")
        self.tools = self.tools or (self.host_arch,)
        self.options = self.loader.syscall(case["syscall"]) if "syscall" in case else ""
        self.efi, self.elf = case.get("efi", False), case.get("elf", False)
        self.program = f"/{self.tools[0]}/{self.loader.name}"
        self.crashed_pid = None

    def machine(self):
        env, pk = self.env, self.env.pk
        kernel, _ = pk.kernel(self.host_arch)
        programs, libs = self.tool_files()
        programs["bin/marker"] = env.helper("marker", self.host_arch)
        for arch in self.tools:  # not the loader under test: what it is compared with
            programs[f"{arch}/kexec"] = pk.kexec_tools(arch)
        initrd = initramfs.host(env.work / f"{self.name}.cpio", pk.busybox(self.host_arch), (),
                                programs, libs, self.payload())
        self.make_disk()
        return qemu.Machine(self.log, qemu.linux_argv(
            kernel, initrd, self.disk, self.mem, self.cpus,
            f"console=ttyS0,115200 panic=-1 rdinit=/init crashkernel={self.crashkernel}", self.cpu,
            self._firmware() if self.efi else None,
            self.saves.hardware() if self.saves else ()), self.limit)

    def payload(self):
        """With `elf` the kernel is what Debian's bzImage unpacks: a vmlinux."""
        files = super().payload()
        if self.elf:
            path = self.env.work / f"{self.name}.vmlinux"
            path.write_bytes(vmlinux_of(files["payload/kernel"].read_bytes()))
            files["payload/kernel"] = path
        return files

    def _firmware(self):
        code, variables = self.env.pk.ovmf()
        own = self.env.work / f"{self.name}.vars"  # the firmware writes to it
        shutil.copyfile(variables, own)
        return code, own

    def look(self, m):
        _, out = m.run(native_checks.Host.command(), 60)
        self.host = native_checks.Host(out, BITS[self.host_arch])
        start, end = self.host.image()
        self.rep.say(f"crash regions: {native_checks.show(self.host.crash)}")
        self.region = (start, end)

    def region_in(self, low, high, what):
        """The case is about a place: another one is not the loader's fault."""
        if not low <= self.region[0] < self.region[1] <= high:
            raise HarnessError(f"the crash region {self.region[0]:#x}-{self.region[1]:#x} is not {what}")
        self.rep.say(f"the crash region is {what}")

    def witness(self, m, want):
        """The kernel's own word for armed or not."""
        _, out = m.run(f"cat {LOADED}")
        hit = re.search(r"^([01])$", out, re.M)
        if not hit:
            raise HarnessError(f"{LOADED} says {out!r}")
        state = "armed" if hit[1] == "1" else "not armed"
        self.rep.ok(state == want, f"{LOADED}: {want}", state)

    def arm(self, m, options=""):
        out = super().arm(m, f"{self.options} {options}".strip())
        # With kexec_file_load the running kernel writes the core's header, and no note of ours.
        self.by_file = self.loader.used_file(out, self.options)
        self.rep.own_note = self.loader.name == "xenkdump" and not self.by_file
        self.witness(m, "armed")
        self.crash_time = time.time()
        return out

    def refused(self, m, *args, **more):
        """Nothing is armed after it, either."""
        super().refused(m, *args, **more)
        self.witness(m, "not armed")

    def check(self):
        crashed = (self.cpus - 1 if self.crashed_pid else None, self.crashed_pid, self.crash_time)
        self.vmcoreinfo = native_checks.check_core(
            self.rep, self.disk, self.host, self.arch, self.cpus, self.release, self.marker,
            self.pfn, crashed, self.by_file)
        vmcore_dmesg = self.env.pk.kexec_tools().parent / "vmcore-dmesg"
        native_checks.check_tools(self.rep, self.disk, self.host, self.cpus, [vmcore_dmesg])
        if self.saver:
            save_checks.check_native(self.rep, self.disk, self.saver, self.release,
                                     self.host.bits, self.log)
        for path in self.saves.files.values() if self.saves else ():
            if self.saves.full:
                save_natively.check_full(self.rep, self.disk, path)
            else:
                save_natively.check_d31(self.rep, self.disk, path, self.marker, self.host.bits)

    def after_save(self, m):
        said = m.text[m.text.index("@@dump-kernel"):]
        self.dump_iomem = native_checks.parse_iomem(re.sub(r"^iomem: ", "", said, flags=re.M))
        self.dump_log = m.text[m.text.rindex("Linux version", 0, m.text.index("@@dump-kernel")):]

    def tidy(self, passed):
        super().tidy(passed)
        for kind in ("vars", "vmlinux"):
            (self.env.work / f"{self.name}.{kind}").unlink(missing_ok=True)


def vmlinux_of(bzimage):
    """The ELF file in a bzImage: boot.rst, payload_offset and payload_length. Debian packs it with
    xz, and the kernel's makefiles put its size behind it."""
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    start = (bzimage[0x1F1] + 1) * 512 + offset
    try:
        data = lzma.decompress(bzimage[start:start + length - 4])
    except lzma.LZMAError as exc:
        raise HarnessError(f"the kernel's payload is not xz data: {exc}") from exc
    if data[:4] != b"\x7fELF":
        raise HarnessError("the kernel's payload is no ELF file")
    return data


# -- the cases' bodies -----------------------------------------------------------------------

def works(low, high, what, crash=sysrq, before=lambda run, m: None, after=lambda run: None):
    """Boots with the region in [low, high), arms, crashes, judges the core; before() comes first,
    with nothing armed."""
    def body(run):
        with run.machine() as m:
            run.boot(m)
            run.region_in(low, high, what)
            run.plant(m)
            before(run, m)
            run.armed_text = run.arm(m)
            crash(run, m)
            run.save(m)
        after(run)
        run.check()
    return body


def test_crash(run, m):
    """xenkdump's own command, which natively ends in the same panic."""
    steps.test_crash(run, m)
    m.expect("Kernel panic - not syncing: sysrq triggered crash", 30, "the panic")


LOW = (0, 896 * MIB, "below 896 MiB")
MIDDLE = (896 * MIB, 4 * GIB, "between 896 MiB and 4 GiB")
HIGH = (4 * GIB, 1 << 46, "above 4 GiB")
ANY = (0, 1 << 46, "anywhere")


def low_given(run):
    """With `,high` the small low region is memory of the dump kernel's, for its 32-bit devices."""
    low = min(run.host.crash)
    run.rep.ok(len(run.host.crash) == 2 and low[1] <= 4 * GIB, "there is a low crash region",
               native_checks.show(run.host.crash))
    ram = native_checks.named(run.dump_iomem, native_checks.RAM)
    missing = native_checks.lacking(native_checks.pages([low], True), ram)
    run.rep.ok(ram and not missing, "the dump kernel has the low crash region as RAM",
               "missing: " + native_checks.show(missing))
    used = native_checks.lacking(ram, [*run.host.crash, (0, MIB)])
    run.rep.ok(not used, "and no other memory than the crash regions and the first MiB",
               native_checks.show(used))


def five_levels(run):
    text = "NUMBER(pgtable_l5_enabled)=1"
    works(*ANY)(run)
    run.rep.ok(text in run.vmcoreinfo, "the crashed kernel had 5-level page tables", text)


def used_call(text):
    """What the loader says it used."""
    def judge(run):
        if run.loader.name == "xenkdump":
            run.rep.ok(re.search(text, run.armed_text), f"load says /{text}/", run.armed_text[-300:])
    return judge


def old_complaint(run, m):
    """The i386 kexec-tools' way with a region above 896 MiB: evidence, not a condition."""
    code, out = m.run(f"/i386/kexec -p --command-line='{DUMP_CMDLINE}' --initrd=/payload/initrd "
                      "/payload/kernel", 90, check=False)
    run.rep.say(f"evidence: Debian's i386 kexec-tools here: exit {code}: {out.strip()[-400:]}")
    if code == 0:
        m.run("/i386/kexec -p -u")


NO_ROOM = "out of reach.* below 896 MiB"


def both_refuse_i386(run, m):
    """A 32-bit kernel cannot live above 896 MiB; both builds say so."""
    for arch in run.tools:
        run.refused(m, 8, NO_ROOM, "/payload/kernel-i386", f"/{arch}/{run.loader.name}")


def i386_middle(run, m):
    old_complaint(run, m)
    both_refuse_i386(run, m)


def no_helper(run, m):
    """Without the 64-bit program beside it one sentence; with it the load works."""
    run.refused(m, 6, "above 4 GiB.* install the x86_64 build")
    m.run(f"cp /amd64/{run.loader.name} /i386/{run.loader.name}-x86_64")


def sequences(run):
    run.loader.status_command()  # skips for a loader without one
    with run.machine() as m:
        run.boot(m)
        run.plant(m)
        step_through(run, m, lambda want: run.witness(m, want))
        sysrq(run, m)
        run.save(m)
    run.check()


def unloaded(run):
    """After load and unload a panic is a plain one: the kernel restarts the machine."""
    with run.machine() as m:
        run.boot(m)
        run.arm(m)
        run.loader.unload(m, run.program)
        run.witness(m, "not armed")
        sysrq(run, m)
        m.wait_end(30, "the restart")
        run.rep.ok("@@dump-kernel" not in m.text, "no dump kernel ran")
        run.rep.ok(re.search(run.not_armed, m.text), "the kernel's panic went its plain way")


def corrupted(run):
    """A digest that cannot match: purgatory names the region and restarts the machine."""
    opts = run.loader.test_wrong_digest()
    with run.machine() as m:
        run.boot(m)
        run.arm(m, opts)
        sysrq(run, m)
        hit = m.expect(CORRUPTED, 30, "purgatory's complaint", bad="@@dump-kernel")
        start, end = run.region
        run.rep.ok(start <= int(hit.group(1), 16) < end,
                   "purgatory names the kernel, in the crash region", hit.group(0))
        m.wait_end(30, "the restart")
        run.rep.ok("@@dump-kernel" not in m.text, "the dump kernel did not run")


def no_long_mode(run):
    """An x86_64 kernel on a processor without long mode is refused; nothing crashes."""
    with run.machine() as m:
        run.boot(m)
        _, out = m.run("grep -w -c lm /proc/cpuinfo", check=False)
        if not re.search(r"^0$", out, re.M):
            raise HarnessError(f"the processor {run.cpu} has long mode")
        run.refused(m, 6, "64-bit kernel.*processor|long mode", "/payload/kernel-amd64")
        # The same tool on the same machine arms what the processor can run.
        run.arm(m)


def efi(run):
    works(*ANY)(run)
    text = run.dump_log
    run.rep.ok(re.search(r"efi: EFI v\d.*", text), "the dump kernel has EFI",
               "".join(re.findall(r"efi: EFI v\d.*", text)[:1]))
    run.rep.ok(re.search(r"ACPI: RSDP 0x", text) and "ACPI: Interpreter enabled" in text,
               "the dump kernel has ACPI", "".join(re.findall(r"ACPI: RSDP.*", text)[:1]))


def crash_opens(run):
    """crash with the kernel's vmlinux names the panic and the process."""
    vmlinux = run.env.pk.vmlinux("amd64")
    works(*ANY)(run)
    script = run.disk.with_suffix(".crash")
    script.write_text("bt\nsys\nlog | tail -60\nquit\n", "ascii")
    code, out, _ = checks.run_tool(run.rep, ["crash", "-s", "-i", script, vmlinux, run.disk], 300)
    script.unlink()
    run.rep.ok(code == 0 and "sysrq triggered crash" in out, "crash shows the panic", f"exit {code}")
    run.rep.ok(f"PID: {run.crashed_pid}" in out and "sysrq_handle_crash" in out,
               "crash shows the stack of the process that panicked", str(run.crashed_pid))
    if run.loader.name == "xenkdump":
        peers.check(run.rep, run.disk, run.env.pk.out.parent / "xenkdump", vmlinux)


def row(ident, what, body, own=None, **case):
    """own: what only xenkdump is known to have or to do right; others skip the case for it."""
    def wrapped(run):
        if own:
            run.loader.needs_own(own)
        body(run)
    return dict(id=ident, what=what, body=wrapped, run=NativeRun, **case)


MID = dict(mem=1536)                                    # `crashkernel=SIZE` goes to the top
TOP = dict(mem=6144, crashkernel="256M,high", copy=300)  # and a low region comes with it
BELOW = dict(mem=768)
I386 = dict(host="i386", mem=768)
BOTH = ("i386", "amd64")
D31 = {"d31": "-d 31"}

CASES = [
    row("n1", "x86_64, low region", works(*LOW), **BELOW, save=True),
    row("n21", "x86_64, save -d 31 in dump kernel", works(*LOW), **BELOW, saves=D31, own="save command"),
    row("n22", "i386, save -d 31 in dump kernel", works(*LOW), **I386, arch="i386", saves=D31,
        own="save command"),
    row("n23", "x86_64, save to a disk that is too small", works(*LOW), **BELOW, saves={"full": ""},
        full="24M", own="save command"),
    row("n2", "x86_64, 896 MiB to 4 GiB", works(*MIDDLE), **MID, cpus=4),
    row("n3", "x86_64, above 4 GiB", works(*HIGH, after=low_given), **TOP),
    row("n4", "x86_64, 5-level page tables", five_levels, **MID, cpu="Haswell-noTSX,+la57"),
    row("n5", "kexec_file_load", works(*MIDDLE, after=used_call("kexec_file_load")), **MID,
        syscall="file"),
    row("n6", "--syscall=auto", works(*MIDDLE, after=used_call("kexec_(file_)?load")), **MID,
        syscall="auto"),
    row("n7", "i386 tool, 896 MiB to 4 GiB", works(*MIDDLE, before=i386_middle), **MID, tools=BOTH,
        others=("i386",), own="i386 build that works there"),
    row("n8", "i386 tool, above 4 GiB", works(*HIGH, before=no_helper, after=low_given), **TOP,
        tools=BOTH, own="i386 build that works there"),
    row("n9", "686-pae dump kernel", works(*LOW), **BELOW, arch="i386"),
    row("n10", "i386 tool, 686-pae dump kernel", works(*LOW), **BELOW, arch="i386", tools=BOTH,
        own="i386 build that keeps 64-bit addresses whole"),
    row("n11", "i386 host and dump kernel", works(*LOW), **I386, arch="i386", save=True),
    row("n12", "i386 host, x86_64 dump kernel", works(*LOW), **I386, arch="amd64",
        own="header for such a dump kernel"),
    row("n13", "CPU without long mode", no_long_mode, **I386, arch="i386", others=("amd64",),
        cpu="qemu32", own="check for long mode"),
    row("n14", "native load, unload, status", sequences, **BELOW),
    row("n15", "native crash after unload", unloaded, **BELOW),
    row("n16", "native corrupted image", corrupted, **BELOW),
    row("n17", "native test-crash", works(*LOW, crash=test_crash), **BELOW, own="test-crash command"),
    row("n18", "EFI firmware", efi, **MID, efi=True),
    row("n20", "vmlinux as dump kernel", works(*MIDDLE), **MID, elf=True,
        own="way with a vmlinux that is given no further options"),
    row("n19", "crash with vmlinux, peers, native", crash_opens, **BELOW, vmlinux=True),
]
